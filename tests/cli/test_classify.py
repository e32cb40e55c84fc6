"""`genoseq classify`: the table, streams, and what is refused."""

from __future__ import annotations

import csv
import gzip
import json

import pytest

torch = pytest.importorskip("torch")

import safetensors.torch  # noqa: E402

from genoseq.hyena.classifier import HyenaClassifier  # noqa: E402
from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.heads import Classifier, Head, save_classifier  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

RECORDS = {"one": "ACGTTGCAACGT", "two": "g" * 200, "three": "ACCRNTTA"}
FASTA = "".join(f">{name} more words\n{text}\n" for name, text in RECORDS.items())


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A classifier, a language model, a file of sequences."""
    torch.manual_seed(1)
    network = HyenaNetwork(HyenaConfig(d_model=16, n_layer=1, d_inner=32, l_max=66, filter_order=8))
    classifier = Classifier(network, Head(("fish", "fowl")))
    save_classifier(classifier, tmp_path / "run")
    save_network(network, tmp_path / "tiny")
    tensors = {f"backbone.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"backbone.{name}": value for name, value in network.named_buffers()}
    tensors |= {
        f"head.output_transform.{name}": value for name, value in classifier.output.state_dict().items()
    }
    safetensors.torch.save_file(
        {k: v.clone() for k, v in tensors.items()}, tmp_path / "published.safetensors"
    )
    (tmp_path / "seqs.fa").write_text(FASTA)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(text):
    lines = text.splitlines()
    assert lines[0] == "# schema_version=1"
    return list(csv.DictReader(lines[1:], delimiter="\t"))


@pytest.mark.parametrize("source", ["seqs.fa", "seqs.fa.gz", "-"])
def test_the_table(made, run, source):
    (made / "seqs.fa.gz").write_bytes(gzip.compress(FASTA.encode()))
    result = run(f"classify {source} --method hyena -m run -t 1", stdin=FASTA.encode())
    assert result.exit == 0, result.stderr
    found = rows(result.stdout)
    assert [row["name"] for row in found] == list(RECORDS)
    shares = HyenaClassifier.load("run", device="cpu").probabilities(
        [text.replace("R", "N") for text in RECORDS.values()]
    )
    for row, share in zip(found, shares, strict=True):
        assert row["label"] == ("fish", "fowl")[share.argmax()]
        assert [float(row["p_fish"]), float(row["p_fowl"])] == pytest.approx(share, abs=1e-5)
    assert "warning: 1 letter that is neither A, C, G, T nor N" in result.stderr
    assert "3 sequences, 220 bp: fish " in result.stderr


def test_the_method_is_told_by_the_model(made, run):
    assert run("classify seqs.fa -m run -q").output == run("classify seqs.fa --method hyena -m run -q").output


def test_a_file_and_a_summary(made, run):
    result = run("classify seqs.fa --method hyena -m run -o labels.tsv --json summary.json -q -t 2")
    assert (result.exit, result.stdout) == (0, "")
    found = rows((made / "labels.tsv").read_text())
    summary = json.loads((made / "summary.json").read_text())
    assert summary["labels"] == {
        name: sum(row["label"] == name for row in found) for name in ("fish", "fowl")
    }
    assert (summary["sequences"], summary["bases"], summary["read_as_n"]) == (3, 220, 1)
    assert summary["method"] == "hyena"


def test_many_records_come_in_order(made, run):
    texts = [f">r{i}\n{'ACGGT' * (1 + i % 40)}\n" for i in range(3000)]
    (made / "many.fa").write_text("".join(texts))
    one, two = (run(f"classify many.fa --method hyena -m run -t {threads} -q") for threads in (1, 2))
    assert one.output == two.output
    assert [row["name"] for row in rows(one.stdout)] == [f"r{i}" for i in range(3000)]


def test_a_published_classifier(made, run):
    plain = run("classify seqs.fa --method hyena -m published.safetensors -t 1 -q")
    assert set(rows(plain.stdout)[0]) == {"name", "label", "p_class 0", "p_class 1"}
    named = run("classify seqs.fa --method hyena -m published.safetensors --classes fish fowl -t 1 -q")
    own = run("classify seqs.fa --method hyena -m run -t 1 -q")
    assert named.output == own.output


def test_no_sequences(made, run):
    (made / "empty.fa").write_text("")
    result = run("classify empty.fa --method hyena -m run -o labels.tsv -t 1")
    assert result.exit == 0
    assert "warning: empty.fa: there are no reads in it" in result.stderr
    assert rows((made / "labels.tsv").read_text()) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            "seqs.fa --method hyena -m tiny",
            1,
            "tiny: a language model without a head, it cannot classify; train one: genoseq train",
        ),
        ("seqs.fa --method hyena -m run --classes a b", 2, "has classes of its own: fish, fowl"),
        (
            "seqs.fa --method hyena -m published.safetensors --classes a b c",
            2,
            "3 names of classes (a, b, c)",
        ),
        ("seqs.fa --method hyena -m published.safetensors --classes a a", 2, "two classes are called 'a'"),
        ("seqs.fa --method hyena", 2, "give a model (-m), or a labelled table to learn from"),
        ("seqs.fa -m run --method relative", 2, "run is a model of the method hyena"),
        ("seqs.fa -m run --strands both", 2, "--strands is for --method relative and ncd, not for hyena"),
        ("seqs.fa --method zip -m run", 2, "invalid choice: 'zip'"),
        ("seqs.fa --method hyena -m none", 2, "no model 'none', and no such file or folder"),
        ("none.fa --method hyena -m run", 1, "none.fa: no such file"),
        ("bad.fa --method hyena -m run", 1, "bad.fa:4: '!' is not a nucleotide letter"),
        ("hole.fa --method hyena -m run", 1, "hole.fa:1: the record '>a' has no bases"),
        ("seqs.fa --method hyena -m broken", 1, "neither an intact safetensors file"),
        ("seqs.fa --method hyena -m run -o no/labels.tsv", 1, "there is no folder"),
        ("seqs.fa --method hyena -m run -o seqs.fa", 2, "is an input of this run"),
        ("seqs.fa --method hyena -m run --device tpu", 2, "invalid choice: 'tpu'"),
    ],
)
def test_what_is_refused(made, run, words, code, message):
    (made / "bad.fa").write_text(">a\nACGT\n>b\nAC!T\n")
    (made / "hole.fa").write_text(">a\n>b\nACGT\n")
    (made / "broken").mkdir()
    (made / "broken" / "model.safetensors").write_bytes(b"no weights")
    out = "" if "-o" in words.split() else " -o labels.tsv"
    result = run(f"classify {words}{out} -t 1")
    assert (result.exit, result.stdout) == (code, "")
    last = result.stderr.splitlines()[-1]
    assert message in last
    assert last.startswith("genoseq classify: ")
    assert not (made / "labels.tsv").exists()
    assert (made / "seqs.fa").read_text() == FASTA
