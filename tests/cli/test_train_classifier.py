"""`genoseq train hyena-classifier`: small studies, the same command again, and what is refused."""

from __future__ import annotations

import gzip
import json
import signal
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.cli import main  # noqa: E402
from genoseq.hyena.classifier import HyenaClassifier  # noqa: E402
from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.heads import Classifier, Head, save_classifier  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402
from genoseq.sequence import decode  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

SHARES = {"poor": [0.35, 0.15, 0.15, 0.35], "rich": [0.15, 0.35, 0.35, 0.15]}


def sequences(label, count, seed, length=50):
    rng = np.random.default_rng(seed)
    return [decode(rng.choice(4, length, p=SHARES[label]).astype(np.uint8)) for _ in range(count)]


def table(path, count, seed):
    rows = [f"{text}\t{label}" for label in SHARES for text in sequences(label, count, seed)]
    path.write_text("\n".join(["sequence\tlabel", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A language model, a table, and two files of classes; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(1)
    network = HyenaNetwork(HyenaConfig(d_model=16, n_layer=1, d_inner=32, l_max=66, filter_order=8))
    save_network(network, folder / "tiny")
    save_classifier(Classifier(network, Head(("x", "y"))), folder / "other")
    table(folder / "train.tsv", 40, 1)
    table(folder / "test.tsv", 20, 2)
    (folder / "train.tsv.gz").write_bytes(gzip.compress((folder / "train.tsv").read_bytes()))
    for label in SHARES:
        records = (f">{label}{i}\n{text}\n" for i, text in enumerate(sequences(label, 40, 3)))
        (folder / f"{label}.fa").write_text("".join(records))
    return folder


@pytest.fixture
def train(made, tmp_path, monkeypatch, capsys):
    """`train("train.tsv -o run")` in a folder of its own; the file names are of what was made."""
    monkeypatch.chdir(tmp_path)

    def call(words, init="tiny"):
        known = {path.name: str(path) for path in made.iterdir()}
        words = [known.get(word, word) for word in words.split()]
        start = ["train", "hyena-classifier", *words, "--epochs", "2", "-t", "1"]
        capsys.readouterr()
        code = main([*start, *(["--init", known.get(init, init)] if init else [])])
        return code, capsys.readouterr()

    return call


@pytest.mark.parametrize("data", ["train.tsv", "train.tsv.gz", "--classes poor.fa rich.fa"])
def test_a_classifier_and_its_figures(train, tmp_path, data):
    code, captured = train(f"{data} -o run --json summary.json")
    assert code == 0, captured.err
    assert "80 sequences (poor 40, rich 40); 1 run on cpu" in captured.err
    assert "on the test part (95 % intervals):" in captured.err
    for method in ("fine-tuned", "linear probe", "6-mer regression"):
        assert f"\ngenoseq train:   {method}" in captured.err
    assert "genoseq classify SEQS.fa --method hyena -m run" in captured.err
    report = json.loads((tmp_path / "summary.json").read_text())
    assert report["runs"][0]["train"] == 56
    assert report["settings"]["head"]["classes"] == ["poor", "rich"]
    classifier = HyenaClassifier.load(tmp_path / "run", device="cpu")
    assert classifier.classes == ("poor", "rich")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "config.json", "model.safetensors", "predictions.tsv", "report.json"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ("--seeds 2 --tune lora --rank 2", 2),
        ("--folds 3 --tune head --no-rivals --class-weights", 3),
        ("--test test.tsv --validation-share 0.2 --pool last --window 40 --strands forward", 1),
        ("--test-share 0 --batch 500 --learning-rate 1e-4 --precision bf16", 1),
    ],
)
def test_options(train, tmp_path, options, runs):
    code, captured = train(f"train.tsv -o run {options}")
    assert code == 0, captured.err
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert len(report["runs"]) == runs
    head = json.loads((tmp_path / "run" / "config.json").read_text())["classifier"]
    if runs > 1:
        assert f"mean and standard deviation of {runs} runs" in captured.err
        assert " +- " in captured.err
    if "--test test.tsv" in options:
        assert report["runs"][0]["test"] == 40
        assert (head["pool"], head["window"], head["both_strands"]) == ("last", 40, False)
    if "--test-share 0" in options:
        assert (
            "on the validation part (95 % intervals), which chose the model: these figures flatter:"
            in captured.err
        )
    if "--folds" in options:
        assert sum(run["test"] for run in report["runs"]) == 80
        assert "6-mer" not in captured.err


def test_the_same_command_goes_on(train, tmp_path):
    assert train("train.tsv -o run --seeds 2 -q")[0] == 0
    path = tmp_path / "run" / "report.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "runs": whole["runs"][:1]}))
    code, captured = train("train.tsv -o run --seeds 2")
    assert code == 0
    assert "run seed 1" not in captured.err
    assert "run seed 2, epoch 1" in captured.err
    figures = [[run["figures"] for run in report["runs"]] for report in (whole, json.loads(path.read_text()))]
    assert figures[0] == figures[1]
    code, captured = train("train.tsv -o run --seeds 2 --tune lora")
    assert code == 1
    assert 'has tuning.tune "full", this one "lora"' in captured.err


def test_quiet(train):
    code, captured = train("train.tsv -o run -q --no-rivals")
    assert (code, captured.out, captured.err) == (0, "", "")


def write(folder, name, text):
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-o run", 2, "give a table of sequences with labels, or --classes"),
        ("train.tsv --classes poor.fa rich.fa -o run", 2, "not both"),
        ("train.tsv", 2, "-o/--output"),
        ("none.tsv -o run", 1, "none.tsv: no such file"),
        ("--classes poor.fa -o run", 2, "one class; at least two are told apart"),
        ("--classes poor.fa poor.fa -o run", 2, "a second file of class 'poor'"),
        ("one.tsv -o run", 1, "one.tsv: all 2 sequences are of class 'a'"),
        ("few.tsv -o run", 1, "class b has 1"),
        ("empty.tsv -o run", 1, "empty.tsv: there are no sequences in it"),
        ("hole.tsv -o run", 1, "hole.tsv:3: the sequence is empty"),
        ("bare.tsv -o run", 1, "bare.tsv:2: the label is empty"),
        ("narrow.tsv -o run", 1, "narrow.tsv:1: 1 column; at least 2 are expected"),
        ("letters.tsv -o run", 1, "letters.tsv:2: 'J' at position 2 is not a nucleotide letter"),
        (
            "train.tsv --columns dna,kind -o run",
            1,
            "no column is called 'dna'; the first line has 'sequence'",
        ),
        ("train.tsv --columns dna -o run", 2, "--columns dna: two are expected"),
        ("train.tsv --columns 1,kind -o run", 2, "all given by names, or all by numbers"),
        ("train.tsv --group family -o run", 1, "no column is called 'family'"),
        (
            "train.tsv --test other.tsv -o run",
            1,
            "other.tsv: line 2 is of class 'c'; the classes that are trained",
        ),
        ("train.tsv --folds 41 -o run", 1, "class poor has 40"),
        ("train.tsv --folds 3 --test test.tsv -o run", 2, "leave --validation and --test out"),
        ("train.tsv --validation-share 0 -o run", 2, "something is needed to choose by"),
        ("train.tsv --validation-share 0.6 --test-share 0.5 -o run", 2, "leave some to train on"),
        ("train.tsv --window 67 -o run", 2, "a window of 67 bp; this model holds 1..66"),
        ("train.tsv --tune lora --rank 17 -o run", 2, "a rank of 17; 1..16 is expected"),
        ("train.tsv --tune some -o run", 2, "invalid choice: 'some'"),
        ("train.tsv -o train.tsv", 2, "is an input of this run"),
        ("train.tsv -o tiny", 1, "holds a model that is no classifier of this command"),
        ("train.tsv -o one.tsv", 1, "one.tsv: is a file; a classifier is kept in a folder"),
        ("- -o run --test -", 2, "only one file can be standard input"),
    ],
)
def test_what_is_refused(train, tmp_path, words, code, message):
    write(tmp_path, "one.tsv", "ACGT\ta\nGGG\ta\n")
    write(tmp_path, "few.tsv", "ACGT\ta\nGGG\ta\nCCA\ta\nTTT\tb\n")
    write(tmp_path, "empty.tsv", "")
    write(tmp_path, "hole.tsv", "sequence\tlabel\nACGT\ta\n\ta\n")
    write(tmp_path, "bare.tsv", "ACGT\ta\nGG\t\n")
    write(tmp_path, "narrow.tsv", "ACGT a\n")
    write(tmp_path, "letters.tsv", "ACGT\ta\nACJT\tb\n")
    write(tmp_path, "other.tsv", "sequence\tlabel\nACGT\tc\n")
    found, captured = train(words)
    assert (found, captured.out) == (code, "")
    last = captured.err.splitlines()[-1]
    assert message in last
    assert last.startswith("genoseq train")
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("init", "code", "message"),
    [
        ("nothing", 2, "no model 'nothing'"),
        ("train.tsv", 1, "neither an intact safetensors file"),
    ],
)
def test_a_model_that_is_none(train, init, code, message):
    found, captured = train("train.tsv -o run", init=init)
    assert found == code
    assert message in captured.err


def test_a_classifier_may_be_tuned_on_for_other_classes(train):
    code, captured = train("train.tsv -o run --no-rivals", init="other")
    assert code == 0, captured.err
    assert HyenaClassifier.load("run", device="cpu").classes == ("poor", "rich")


def test_a_sequence_in_training_and_test_is_told(train, tmp_path, made):
    lines = (made / "test.tsv").read_text().splitlines()
    write(tmp_path, "more.tsv", (made / "train.tsv").read_text() + lines[1] + "\n")
    code, captured = train("more.tsv --test test.tsv -o run --no-rivals -q")
    assert code == 0
    assert captured.err == (
        "genoseq train: warning: 1 sequence is also in the file of the validation or the test (or of a group "
        "that is): left out of the training\n"
    )


def test_ctrl_c_leaves_what_can_go_on(start, made, tmp_path, train):
    words = [
        "train",
        "hyena-classifier",
        made / "train.tsv",
        "--init",
        made / "tiny",
        "-t",
        "1",
        "-o",
        tmp_path / "run",
    ]
    process = start(*words, "--seeds", "50", "--patience", "50", "--epochs", "2", cwd=tmp_path)
    end = time.monotonic() + 120
    while time.monotonic() < end and not (tmp_path / "run" / "model.safetensors").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.decode().splitlines()[-1] == "genoseq train: interrupted"
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
    assert HyenaClassifier.load(tmp_path / "run", device="cpu").classes == ("poor", "rich")
