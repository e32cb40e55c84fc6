"""The study of gene families on the genes that ship: what is measured, kept, and drawn."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("matplotlib")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import classify_families  # noqa: E402
import family_trials  # noqa: E402
from settings import read_settings  # noqa: E402

from genoseq.io.labelled import read_labelled  # noqa: E402
from genoseq.ncd.rivals import JaccardClassifier  # noqa: E402
from genoseq.ncd.words import WordKind  # noqa: E402
from genoseq.supervised.homology import homology_clusters  # noqa: E402

SMALL = REPOSITORY / "pipelines" / "params" / "classify_families.yaml"
JACCARD = {"name": "protein", "kind": "jaccard", "words": ["protein", 4]}
BAYES = {"name": "bayes", "kind": "bayes", "words": ["dna", 9]}


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["pipelines/classify_families.py", *map(str, words)])
    classify_families.main()


def rows(folder):
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write_params(path, **changes):
    values = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**values, "confusions": [], **changes}), encoding="utf-8")
    return path


@pytest.fixture
def species(tmp_path):
    """The genes that ship as those of two species, by turns; the last of one is the first of the other."""
    lines = (gzip.decompress((REPOSITORY / "data" / "families.tsv.gz").read_bytes()).decode()).splitlines()
    (tmp_path / "ape.tsv").write_text("\n".join([lines[0], *lines[1::2], lines[2]]) + "\n")
    (tmp_path / "cow.tsv").write_text("\n".join([lines[0], *lines[2::2]]) + "\n")
    return tmp_path


def test_the_study_on_the_genes_that_ship(tmp_path, monkeypatch, capsys):
    params = write_params(
        tmp_path / "one_seed.yaml", seeds=[0], confusions=[["relative", "human, homologs apart"]]
    )
    out = tmp_path / "out"
    run(monkeypatch, "-o", out, "--params", params)
    assert {path.name for path in out.iterdir()} == {
        "trials.jsonl", "results.csv", "results.json", "report.md", "methods.png", "confusion-1.png",
    }  # fmt: skip
    told = {(row["split"], row["method"]): row for row in rows(out) if row["seed"] == "all"}
    methods = [method["name"] for method in yaml.safe_load(SMALL.read_text())["methods"]]
    assert len(told) == 2 * len(methods)
    report = (out / "report.md").read_text()
    for name in methods:
        values = [float(told[split, name]["accuracy"]) for split in ("human", "human, homologs apart")]
        assert f"| {name} | {values[0]:.3f} | {values[1]:.3f} |" in report
        assert values[0] >= values[1] or name == "majority"  # relatives help
    data = read_labelled(REPOSITORY / "data" / "families.tsv.gz")
    order = np.random.default_rng(0).permutation(len(data))
    train, test = np.sort(order[:336]), np.sort(order[336:])
    model = JaccardClassifier(WordKind("protein", 4))
    texts, labels = np.array(data.texts, object), np.array(data.labels)
    share = model.fit(texts[train], labels[train]).score(texts[test], labels[test])
    assert float(told["human", "Jaccard 1-NN, protein 4-mers"]["accuracy"]) == pytest.approx(share, abs=1e-5)
    assert "| human, homologs apart | 1 | 336 | 84 | 0.0% | 0.0% |" in report
    assert "16/16 human, homologs apart, seed 0, Jaccard 1-NN, protein 4-mers: " in capsys.readouterr().err

    before = (out / "trials.jsonl").read_bytes()
    results = (out / "results.csv").read_bytes()
    run(monkeypatch, "-o", out, "--params", params)  # does nothing again
    assert (out / "trials.jsonl").read_bytes() == before
    assert (out / "results.csv").read_bytes() == results
    made = "## How this was made"
    assert (out / "report.md").read_text().partition(made)[0] == report.partition(made)[0]
    assert "CPU s" not in capsys.readouterr().err


def test_a_stopped_study_does_what_is_missing(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    one = write_params(tmp_path / "one.yaml", seeds=[0, 1], methods=[JACCARD])
    run(monkeypatch, "-o", out, "--params", one)
    path = out / "trials.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert len(lines) == 4
    path.write_text("".join(lines[:3]) + lines[3][:50])  # stopped while it wrote
    capsys.readouterr()
    two = write_params(tmp_path / "two.yaml", seeds=[0, 1], methods=[{**JACCARD, "name": "renamed"}, BAYES])
    run(monkeypatch, "-o", out, "--params", two)
    done = [line for line in capsys.readouterr().err.splitlines() if "CPU s" in line]
    assert sum("renamed" in line for line in done) == 1
    assert sum("bayes" in line for line in done) == 4
    run(monkeypatch, "-o", out, "--params", two)
    assert "CPU s" not in capsys.readouterr().err
    kept = [json.loads(line) for line in lines]
    again = {row["seed"]: row for row in rows(out) if row["method"] == "renamed" and row["split"] == "human"}
    data = read_labelled(REPOSITORY / "data" / "families.tsv.gz")
    classes = np.array(data.classes)
    test = np.sort(np.random.default_rng(1).permutation(420)[336:])
    (trial,) = (each for each in kept if (each["split"], each["seed"]) == ("human", 1))
    share = (classes[trial["predicted"]] == np.array(data.labels)[test]).mean()
    assert float(again["1"]["accuracy"]) == pytest.approx(share, abs=1e-5)


def test_species(species, monkeypatch):
    splits = [
        {"name": "pooled", "kind": "shuffled", "species": ["ape", "cow"], "test": 0.2},
        {"name": "ape to cow", "kind": "isolated", "train": ["ape"], "test": ["cow"]},
    ]
    files = {"ape": "ape.tsv", "cow": "cow.tsv"}
    params = write_params(species / "p.yaml", files=files, seeds=[3], splits=splits, methods=[JACCARD])
    run(monkeypatch, "--data", species, "-o", species / "out", "--params", params)
    found = {(row["split"], row["seed"], row["species"]): row for row in rows(species / "out")}
    sizes = {key: int(row["tested"]) for key, row in found.items()}
    assert sizes == {
        ("pooled", "3", "all"): 84, ("pooled", "3", "ape"): 42, ("pooled", "3", "cow"): 42,
        ("pooled", "all", "all"): 84, ("pooled", "all", "ape"): 42, ("pooled", "all", "cow"): 42,
        ("ape to cow", "0", "all"): 210, ("ape to cow", "all", "all"): 210,
    }  # fmt: skip
    parts = [float(found["pooled", "3", name]["accuracy"]) for name in ("ape", "cow", "all")]
    assert parts[2] == pytest.approx((parts[0] + parts[1]) / 2, abs=1e-5)
    assert int(found["ape to cow", "0", "all"]["learned"]) < 211  # the first of cow is in both
    report = (species / "out" / "report.md").read_text()
    (line,) = (line for line in report.splitlines() if line.startswith("| ape to cow | 1 |"))
    assert "| 0.0% |" in line


def test_clusters_are_on_one_side():
    params = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    genes = family_trials.Genes.read(REPOSITORY / "data", params)
    clusters = homology_clusters(genes.codes)
    for run in family_trials.planned(genes, params["splits"][1], [0, 1, 2]):
        assert not set(clusters[run.split.train]) & set(clusters[run.split.test])
        assert set(genes.labels[run.split.test]) == set(range(7))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"files": {"ape": "absent.tsv"}}, 1, "absent.tsv"),
        ({"methods": [{"name": "x"}]}, 2, "methods: {'name': 'x'} has no kind"),
        ({"confusions": [["x", "human"]]}, 2, "confusions: ['x', 'human']; names of a method and of a split"),
        ({"methods": [{"name": "x", "kind": "guess"}]}, 2, "method x: kind 'guess'; ncd, relative"),
        ({"splits": [{"name": "x", "kind": "y", "species": ["human"]}]}, 2, "split x: kind 'y'"),
        (
            {"splits": [{"name": "x", "kind": "ordered", "species": ["dog"], "learn": 5}]},
            2,
            "a split is of species 'dog'; there are human",
        ),
    ],
)
def test_bad_parameters(tmp_path, monkeypatch, capsys, changes, code, words):
    params = write_params(tmp_path / "p.yaml", **{"methods": [JACCARD], **changes})
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "-o", tmp_path / "out", "--params", params)
    assert caught.value.code == code
    assert words in capsys.readouterr().err


def test_the_parameters_of_the_whole_study():
    path = SMALL.parent / "classify_families_species.yaml"
    params = read_settings(SMALL, path)
    assert params.keys() == yaml.safe_load(path.read_text(encoding="utf-8")).keys()
    names = [split["name"] for split in params["splits"]]
    methods = {method["name"]: family_trials.method_of(method, 1) for method in params["methods"]}
    assert all(hasattr(model, "fit") for model in methods.values())
    assert {split["kind"] for split in params["splits"]} == set(family_trials.SPLITS)
    assert {method["kind"] for method in params["methods"]} == set(family_trials.METHODS)
    for method, split in params["confusions"]:
        assert method in methods
        assert split in names
