"""Studies: runs, rivals, what is kept, and going on."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError  # noqa: E402
from genoseq.hyena import study as module  # noqa: E402
from genoseq.hyena.finetune import CHECKPOINT, Tuning  # noqa: E402
from genoseq.hyena.heads import Head, read_classifier, vectors_of  # noqa: E402
from genoseq.hyena.study import KMERS, PROBE, REPORT, TUNED, Study, summary  # noqa: E402
from genoseq.hyena.tokenizer import tokens_of  # noqa: E402
from genoseq.io.labelled import Labelled  # noqa: E402
from genoseq.supervised.runs import joined, planned_runs  # noqa: E402

PLAN = Tuning(epochs=2, tokens=1024, learning_rate=3e-3)
HEAD = Head(("poor", "rich"))


@pytest.fixture(scope="module")
def data():
    """Rich in G and C, or not."""
    rng = np.random.default_rng(1)
    labels = [HEAD.classes[i % 2] for i in range(120)]
    shares = {"poor": [0.3, 0.2, 0.2, 0.3], "rich": [0.2, 0.3, 0.3, 0.2]}
    codes = [rng.choice(4, 60, p=shares[label]).astype(np.uint8) for label in labels]
    return Labelled("train.tsv", codes, labels, [f"s{i}" for i in range(120)])


def runs_of(data, **options):
    whole, places = joined(data)
    return planned_runs(whole, places, HEAD.classes, **{"seed": 1, **options})


def test_a_report(network, data, tmp_path):
    lines = []
    study = Study(network, data, HEAD, PLAN, log=lines.append)
    report = study.run(runs_of(data, seeds=2), tmp_path, {"init": "small"})
    assert json.loads((tmp_path / REPORT).read_text())["runs"] == json.loads(json.dumps(report["runs"]))
    assert [run["run"] for run in report["runs"]] == ["seed 1", "seed 2"]
    first = report["runs"][0]
    assert (first["train"], first["validation"], first["test"], first["judged_on"]) == (84, 12, 24, "test")
    assert set(first["figures"]) == {TUNED, PROBE, KMERS}
    for figures in first["figures"].values():
        assert set(figures) == {
            "accuracy",
            "balanced_accuracy",
            "macro_f1",
            "mcc",
            "auroc",
            "samples",
            "confusion",
        }
        assert figures["samples"] == 24
        assert np.sum(figures["confusion"]) == 24
    assert first["figures"][KMERS]["accuracy"][0] > 0.6
    assert not (tmp_path / CHECKPOINT).exists()
    losses = {run["run"]: run["validation_loss"] for run in report["runs"]}
    assert report["kept"] == min(losses, key=losses.get)
    assert {line["run"] for line in lines} == {"seed 1", "seed 2"}


def test_the_table_of_predictions_is_that_of_the_classifier_that_is_kept(network, data, tmp_path):
    runs = runs_of(data, seeds=2)
    report = Study(network, data, HEAD, PLAN, rivals=False).run(runs, tmp_path, {})
    kept = next(run for run in runs if run.name == report["kept"])
    figures = next(run["figures"][TUNED] for run in report["runs"] if run["run"] == report["kept"])
    with (tmp_path / "predictions.tsv").open() as file:
        next(file)  # schema version
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["name"] for row in rows] == [data.names[i] for i in kept.split.test]
    assert {row["part"] for row in rows} == {"test"}
    right = np.mean([row["truth"] == row["label"] for row in rows])
    assert right == pytest.approx(figures["accuracy"][0])
    classifier = read_classifier(tmp_path)
    tokens = [tokens_of(data.codes[i]) for i in kept.split.test]
    vectors = torch.from_numpy(np.stack(list(vectors_of(classifier.network, tokens, HEAD))))
    shares = torch.softmax(classifier.output(vectors), 1)[:, 1].detach().numpy()
    assert [float(row["p_rich"]) for row in rows] == pytest.approx(shares, abs=1e-5)


def test_the_probe_knows_nothing_of_the_test(network, data, tmp_path):
    """With other labels in the test part, all that is trained is the same."""
    runs = runs_of(data)
    other = dataclasses.replace(data, labels=list(data.labels))
    for i in runs[0].split.test:
        other.labels[i] = HEAD.classes[1 - HEAD.classes.index(other.labels[i])]
    found = [
        Study(network, each, HEAD, PLAN).run(runs, tmp_path / name, {})["runs"][0]
        for name, each in (("one", data), ("two", other))
    ]
    assert [line["validation_loss"] for line in found[0]["history"]] == [
        line["validation_loss"] for line in found[1]["history"]
    ]
    for method in (TUNED, PROBE, KMERS):
        one, two = (run["figures"][method]["accuracy"][0] for run in found)
        assert one + two == pytest.approx(1)


def test_without_a_test_the_validation_is_named(network, data, tmp_path):
    report = Study(network, data, HEAD, PLAN, rivals=False).run(runs_of(data, test=0.0), tmp_path, {})
    assert report["runs"][0]["judged_on"] == "validation"
    assert report["runs"][0]["test"] == 0
    assert set(report["summary"]) == {TUNED, PROBE}


def test_a_study_goes_on(network, data, tmp_path, monkeypatch):
    runs = runs_of(data, seeds=3)
    whole = Study(network, data, HEAD, PLAN, rivals=False).run(runs, tmp_path / "whole", {})
    trained = []
    real = module.fine_tune

    def stopped(*args, **options):
        trained.append(args[2].seed)
        if args[2].seed == 2 and trained.count(2) == 1:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(module, "fine_tune", stopped)
    with pytest.raises(KeyboardInterrupt):
        Study(network, data, HEAD, PLAN, rivals=False).run(runs, tmp_path / "part", {})
    rest = Study(network, data, HEAD, PLAN, rivals=False).run(runs, tmp_path / "part", {})
    assert trained == [1, 2, 2, 3]
    for one, other in zip(whole["runs"], rest["runs"], strict=True):
        assert one["figures"] == json.loads(json.dumps(other["figures"]))
    assert rest["kept"] == whole["kept"]
    one, other = (read_classifier(tmp_path / name).state_dict() for name in ("whole", "part"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"plan": dataclasses.replace(PLAN, epochs=3)},
            "has tuning.epochs 2, this one 3; name another folder",
        ),
        ({"head": Head(("poor", "rich"), "last")}, "has head.pool "),
        ({"head": Head(("poor", "rich"), window=50)}, "has head.window null, this one 50"),
        ({"settings": {"init": "other"}}, 'has init "small", this one "other"'),
        ({"label": "rich"}, "has sequences "),
    ],
)
def test_the_folder_of_another_study(network, data, tmp_path, change, message):
    runs = runs_of(data)
    Study(network, data, HEAD, PLAN, rivals=False).run(runs, tmp_path, {"init": "small"})
    if "label" in change:
        data = dataclasses.replace(data, labels=[change["label"], *data.labels[1:]])
    study = Study(network, data, change.get("head", HEAD), change.get("plan", PLAN), rivals=False)
    with pytest.raises(CheckpointError, match=message):
        study.run(runs, tmp_path, change.get("settings", {"init": "small"}))


@pytest.mark.parametrize("text", ["{", "[]", '{"settings": 3}', '{"settings": {}, "runs": {}}', "{}"])
def test_a_report_that_is_none(network, data, tmp_path, text):
    (tmp_path / REPORT).write_text(text)
    with pytest.raises(CheckpointError, match="not the report of a study"):
        Study(network, data, HEAD, PLAN).run(runs_of(data), tmp_path, {})


def test_mean_and_spread():
    runs = [
        {"figures": {"x": {"accuracy": [value, 0.1, 0.9], "samples": 3, "confusion": [[1, 0], [0, 2]]}}}
        for value in (0.5, 0.6, 0.7)
    ]
    assert summary(runs)["x"] == {"accuracy": {"mean": pytest.approx(0.6), "sd": pytest.approx(0.1)}}
    assert np.isnan(summary(runs[:1])["x"]["accuracy"]["sd"])
