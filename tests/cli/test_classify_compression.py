"""`genoseq classify` and `train classifier` by compression: tables, models, evaluation, what is refused."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest

from genoseq.ncd.frames import translate
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import RelativeClassifier
from genoseq.protein import decode_protein
from genoseq.sequence import encode, reverse_complement_text

CLASSES = ("fish", "fowl")
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


def genes(seed, count):
    """Coding sequences of two classes, each with a domain of its own, and their labels."""
    rng = np.random.default_rng(7)
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    codons = [codon for codon in codons if codon not in ("TAA", "TAG", "TGA")]
    domains = [rng.integers(len(codons), size=40) for _ in CLASSES]
    rng = np.random.default_rng(seed)
    for number in range(count):
        domain = domains[number % 2].copy()
        changed = rng.random(40) < 0.2
        domain[changed] = rng.integers(len(codons), size=changed.sum())
        around = [rng.integers(len(codons), size=rng.integers(5, 30)) for _ in range(2)]
        yield "".join(codons[code] for code in (*around[0], *domain, *around[1])), CLASSES[number % 2]


def fasta(records):
    return "".join(f">q{i} of {label}\n{text}\n" for i, (text, label) in enumerate(records))


@pytest.fixture(scope="module")
def known():
    return list(genes(1, 60))


@pytest.fixture(scope="module")
def queries():
    return list(genes(2, 12))


@pytest.fixture
def made(tmp_path, monkeypatch, known, queries):
    """A labelled table and a file of sequences, of genes and of their proteins."""
    rows = "".join(f"{text}\t{label}\tg{i}\n" for i, (text, label) in enumerate(known))
    (tmp_path / "labelled.tsv").write_text("sequence\tlabel\tname\n" + rows)
    (tmp_path / "seqs.fa").write_text(fasta(queries))
    proteins = [
        [(decode_protein(translate(encode(text))), label) for text, label in part]
        for part in (known, queries)
    ]
    rows = "".join(f"{text}\t{label}\n" for text, label in proteins[0])
    (tmp_path / "proteins.tsv").write_text("sequence\tlabel\n" + rows)
    (tmp_path / "proteins.faa").write_text(fasta(proteins[1]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(text):
    lines = text.splitlines()
    assert lines[0] == "# schema_version=1"
    return list(csv.DictReader(lines[1:], delimiter="\t"))


def shares(found):
    return np.array([[float(row[f"p_{name}"]) for name in CLASSES] for row in found])


def test_relative_is_the_default(made, run, known, queries):
    result = run("classify seqs.fa --train labelled.tsv -o labels.tsv --json report.json -t 2")
    assert result.exit == 0, result.stderr
    found = rows((made / "labels.tsv").read_text())
    assert list(found[0]) == ["name", "label", "evidence", "p_fish", "p_fowl"]
    assert [row["name"] for row in found] == [f"q{i}" for i in range(len(queries))]
    model = RelativeClassifier(reject=0).fit(*map(list, zip(*known, strict=True)))
    texts = [text for text, _ in queries]
    assert [row["label"] for row in found] == model.predict(texts).tolist()
    np.testing.assert_allclose(shares(found), model.predict_proba(texts), atol=1e-5)
    assert [float(row["evidence"]) for row in found] == pytest.approx(
        model.evidence(texts).tolist(), rel=1e-5
    )
    assert np.mean([row["label"] == label for row, (_, label) in zip(found, queries, strict=True)]) > 0.8
    report = json.loads((made / "report.json").read_text())
    assert (report["method"], report["sequences"], report["alphabet"]) == ("relative", 12, "dna")
    assert report["bases"] == sum(map(len, texts))
    assert report["labels"] == {name: sum(row["label"] == name for row in found) for name in CLASSES}
    assert report["rejected"] is None
    assert f"genoseq classify: 12 sequences, {report['bases']:,} bp: fish " in result.stderr


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", {}),
        ("--compressor zstd-19 -k 3 --metric cdm", {"n_neighbors": 3, "metric": "cdm"}),
        ("--strands both --compressor bz2", {"compressor": "bz2", "both_strands": True}),
        ("--prefilter 8", {"prefilter": 8}),
    ],
)
def test_neighbours(made, run, known, queries, words, options):
    result = run(f"classify seqs.fa --method ncd {words} --train labelled.tsv -t 2 -q")
    assert result.exit == 0, result.stderr
    found = rows(result.stdout)
    assert list(found[0]) == ["name", "label", "nearest", "distance", "p_fish", "p_fowl"]
    if "zstd" in words:
        from genoseq.ncd.compressors import Zstd

        options = {**options, "compressor": Zstd(19)}
    model = NCDClassifier(**options).fit(*map(list, zip(*known, strict=True)))
    near = model.judge([text for text, _ in queries])
    assert [row["label"] for row in found] == near.labels.tolist()
    assert [row["nearest"] for row in found] == [f"g{number}" for number in near.numbers[:, 0]]
    assert [float(row["distance"]) for row in found] == pytest.approx(near.distances[:, 0].tolist(), rel=1e-5)
    np.testing.assert_allclose(shares(found), near.probabilities, atol=1e-5)


@pytest.mark.parametrize(
    "words", ["--method relative", "--method ncd --compressor zstd -k 3", "--reject 0.1"]
)
@pytest.mark.parametrize("alphabet", ["dna", "protein"])
def test_a_model_answers_as_what_it_was_made_of(made, run, words, alphabet):
    table, seqs = ("labelled.tsv", "seqs.fa") if alphabet == "dna" else ("proteins.tsv", "proteins.faa")
    options = f"{words} --alphabet {alphabet}"
    trained = run(f"train classifier {table} {options} -o model/ --json train.json -t 1")
    assert trained.exit == 0, trained.stderr
    assert "genoseq train: 60 sequences (fish 30, fowl 30) -> model/" in trained.stderr
    summary = json.loads((made / "train.json").read_text())
    assert (summary["classes"], summary["alphabet"]) == ({"fish": 30, "fowl": 30}, alphabet)
    at_once = run(f"classify {seqs} {options} --train {table} -q")
    later = run(f"classify {seqs} -m model/ --json report.json -q -t 2")
    assert (later.exit, later.stdout) == (0, at_once.stdout.replace("\tline ", "\tline "))
    assert len(rows(later.stdout)) == 12
    unit = "bases" if alphabet == "dna" else "residues"
    assert json.loads((made / "report.json").read_text())[unit] > 900


def test_a_file_for_each_class(made, run, known):
    for name in CLASSES:
        (made / f"{name}.fa").write_text(fasta([each for each in known if each[1] == name]))
    assert run("train classifier --classes fish.fa fowl.fa -o model -q").exit == 0
    by_files = run("classify seqs.fa -m model -q")
    assert by_files.stdout == run("classify seqs.fa --train labelled.tsv -q").stdout


@pytest.mark.parametrize("name", ["seqs.fa.gz", "seqs.fq", "-"])
def test_kinds_of_files(made, run, queries, name):
    plain = run("classify seqs.fa --train labelled.tsv -q")
    content = (made / "seqs.fa").read_bytes()
    (made / "seqs.fa.gz").write_bytes(gzip.compress(content))
    fastq = "".join(f"@q{i}\n{text}\n+\n{'I' * len(text)}\n" for i, (text, _) in enumerate(queries))
    (made / "seqs.fq").write_text(fastq)
    result = run(f"classify {name} --train labelled.tsv -q", stdin=content)
    assert result.output == plain.output


def test_both_strands(made, run, queries):
    (made / "other.fa").write_text(fasta((reverse_complement_text(text), label) for text, label in queries))
    found = [
        run(f"classify {name} --train labelled.tsv --strands both -q").stdout
        for name in ("seqs.fa", "other.fa")
    ]
    assert found[0] == found[1]


def test_none_of_these(made, run):
    rng = np.random.default_rng(3)
    (made / "strange.fa").write_text("".join(f">s{i}\n{'ACGT'[i % 4] * 300}\n" for i in range(4)))
    (made / "random.fa").write_text(
        "".join(f">r{i}\n{''.join(rng.choice(list('ACGT'), 300))}\n" for i in range(30))
    )
    for method in ("relative", "ncd"):
        result = run(f"classify random.fa --method {method} --train labelled.tsv --reject 0.2 --json r.json")
        assert result.exit == 0, result.stderr
        count = sum(row["label"] == "none" for row in rows(result.stdout))
        assert count >= 10
        assert json.loads((made / "r.json").read_text())["rejected"] == count
        assert f"none {count}" in result.stderr


def test_no_sequences_and_other_letters(made, run):
    (made / "empty.fa").write_text("")
    result = run("classify empty.fa --train labelled.tsv -o labels.tsv")
    assert result.exit == 0
    assert "warning: empty.fa: there are no reads in it" in result.stderr
    assert rows((made / "labels.tsv").read_text()) == []
    (made / "iupac.fa").write_text(">a\nACGTRACGTAGCATTT\n")
    result = run("classify iupac.fa --train labelled.tsv")
    assert "warning: 1 letter that is neither A, C, G, T nor N: read as N" in result.stderr
    (made / "iupac.faa").write_text(">a\nMKVBBLLKWWYHE\n")
    result = run("classify iupac.faa --train proteins.tsv --alphabet protein")
    assert "warning: 2 letters that are neither an amino acid nor X: read as X" in result.stderr


def test_evaluation(made, run):
    pytest.importorskip("matplotlib")
    words = "classify seqs.fa --train labelled.tsv --evaluate --cv 3 --plot confusion.png --json report.json"
    result = run(f"{words} -o labels.tsv -t 1")
    assert result.exit == 0, result.stderr
    report = json.loads((made / "report.json").read_text())["evaluation"]
    names = [each["method"] for each in report["methods"]]
    assert names[:2] == ["relative", "majority"]
    assert {"naive Bayes, DNA 9-mers", "Jaccard 1-NN, protein 4-mers"} < set(names)
    assert (report["split"], report["folds"]) == ("homology", 3)
    assert sum(each["test"] for each in report["splits"]) == 60
    assert np.sum(report["methods"][0]["confusion"]) == 60
    for name in names:
        assert name in result.stderr
    assert (made / "confusion.png").read_bytes()[:4] == b"\x89PNG"
    assert len(rows((made / "labels.tsv").read_text())) == 12
    alone = run("classify --train labelled.tsv --evaluate --cv 3 --split random --json again.json -t 2")
    assert (alone.exit, alone.stderr) == (0, "")
    assert alone.stdout.startswith("60 sequences, 0 occur again, ")
    again = json.loads((made / "again.json").read_text())
    assert again["evaluation"]["split"] == "random"
    assert "labels" not in again
    result = run(
        "classify --method ncd --alphabet protein --train proteins.tsv --evaluate --cv 2 --json p.json"
    )
    assert result.exit == 0, result.stderr
    report = json.loads((made / "p.json").read_text())["evaluation"]
    assert report["methods"][0]["method"] == "ncd, gzip-9"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("seqs.fa", 2, "give a model (-m), or a labelled table to learn from (--train); not both"),
        ("seqs.fa -m model --train labelled.tsv", 2, "not both"),
        ("--train labelled.tsv", 2, "no sequences to classify"),
        ("seqs.fa --train none.tsv", 1, "none.tsv: no such file"),
        ("none.fa --train labelled.tsv", 1, "none.fa: no such file"),
        ("- --train -", 2, "only one file can be standard input"),
        ("seqs.fa --train one.tsv", 1, "one.tsv: all 2 sequences are of class 'a'; at least two classes are"),
        ("seqs.fa --train nothing.tsv", 1, "nothing.tsv: there are no sequences in it"),
        ("seqs.fa --train hole.tsv", 1, "hole.tsv:3: the label is empty"),
        ("seqs.fa --train short.tsv", 1, "short.tsv:2: 1 column; at least 2 are expected"),
        ("seqs.fa --train void.tsv", 1, "void.tsv:2: the sequence is empty"),
        ("seqs.fa --train proteins.tsv", 1, "is not a nucleotide letter"),
        ("seqs.fa --alphabet protein --train labelled.tsv", 1, "is DNA or RNA; a protein is expected"),
        ("seqs.fa --alphabet protein --train proteins.tsv", 1, "seqs.fa:1: the record 'q0' is DNA or RNA"),
        ("seqs.fa --alphabet protein --strands both --train proteins.tsv", 2, "no other strand"),
        ("proteins.faa --train labelled.tsv", 1, "is not a nucleotide letter"),
        ("seqs.fa --train labelled.tsv --evaluate --cv 1", 2, "1 is out of range"),
        ("seqs.fa --train pair.tsv --evaluate", 1, "5 parts that share nothing need as many different"),
        ("seqs.fa --train labelled.tsv --cv 3", 2, "--cv is about an evaluation"),
        ("seqs.fa --train labelled.tsv --plot p.png", 2, "--plot is about an evaluation"),
        ("seqs.fa --train labelled.tsv --evaluate --plot p.doc", 2, "'p.doc' must end in"),
        ("seqs.fa -m model --evaluate", 2, "--evaluate needs a labelled table"),
        ("seqs.fa --method ncd -k 61 --train labelled.tsv", 2, "n_neighbors is 61; 1..60 are possible"),
        ("seqs.fa --method ncd -k 0 --train labelled.tsv", 2, "0 is out of range"),
        ("seqs.fa --method ncd -k 5 --prefilter 3 --train labelled.tsv", 2, "at least as many are needed"),
        ("seqs.fa --method ncd --compressor rar --train labelled.tsv", 2, "compressor 'rar'; gzip"),
        ("seqs.fa --compressor zstd --train labelled.tsv", 2, "--compressor is for --method ncd, not for r"),
        ("seqs.fa --method hyena --train labelled.tsv", 2, "genoseq train hyena-classifier"),
        ("seqs.fa --device cuda --train labelled.tsv", 2, "--device is for --method hyena, not for relative"),
        ("seqs.fa -m model --strands both", 2, "a model has settings of its own"),
        ("seqs.fa -m model --group g", 2, "--group is about a labelled table"),
        ("seqs.fa -m model --method ncd", 2, "model is a model of the method relative"),
        ("seqs.fa -m newer", 1, "this genoseq reads version"),
        ("seqs.fa -m broken", 1, "broken/counts.npz: damaged"),
        ("seqs.fa --train labelled.tsv --reject 2", 2, "2 is out of range"),
        ("seqs.fa --train none.class.tsv --reject 0.1", 1, "a class is called 'none'"),
        ("seqs.fa --train labelled.tsv --columns dna,kind", 1, "no column is called 'dna'"),
        ("seqs.fa --train labelled.tsv --columns dna", 2, "two are expected, SEQUENCE,LABEL"),
        ("seqs.fa --train labelled.tsv -o labelled.tsv", 2, "is an input of this run"),
        ("seqs.fa --train labelled.tsv -o no/labels.tsv", 1, "there is no folder"),
    ],
)  # fmt: skip
def test_what_is_refused(made, run, words, code, message):
    head = "sequence\tlabel\n"
    for name, content in {
        "one.tsv": "ACGT\ta\nACGA\ta\n", "nothing.tsv": "", "hole.tsv": "ACGT\ta\nACGT\t\n",
        "short.tsv": "ACGT\n", "void.tsv": "\ta\n", "pair.tsv": "ACGTACGTAACC\ta\nGGATTACAGGAT\tb\n",
        "none.class.tsv": "ACGTACGT\tnone\nGGATTACA\tb\n",
    }.items():  # fmt: skip
        (made / name).write_text(head + content)
    if "-m " in words:
        assert run("train classifier labelled.tsv -o model -q").exit == 0
        for name in ("newer", "broken"):
            assert run(f"train classifier labelled.tsv -o {name} -q").exit == 0
        config = json.loads((made / "newer" / "config.json").read_text())
        (made / "newer" / "config.json").write_text(json.dumps({**config, "version": 99}))
        (made / "broken" / "counts.npz").write_bytes(b"x")
    out = "" if "-o" in words.split() else " -o labels.tsv"
    result = run(f"classify {words}{out} -t 1 -q", stdin=b"")
    assert (result.exit, result.stdout) == (code, ""), result.stderr
    last = result.stderr.splitlines()[-1]
    assert message in last
    assert last.startswith("genoseq classify: ")
    assert not (made / "labels.tsv").exists()
    assert not (made / "p.png").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-o model", 2, "give a table of sequences with labels, or --classes"),
        ("labelled.tsv --classes a.fa b.fa -o model", 2, "not both"),
        ("--classes seqs.fa -o model", 2, "one class; at least two are told apart"),
        ("none.tsv -o model", 1, "none.tsv: no such file"),
        ("labelled.tsv -o labelled.tsv", 2, "is an input of this run"),
        ("labelled.tsv -o seqs.fa", 1, "seqs.fa: is a file; a classifier is kept in a folder"),
        ("labelled.tsv -o no/model", 1, "the folder to write into does not exist"),
        ("labelled.tsv -o other", 1, "other: holds other files and no classifier of this command"),
        ("labelled.tsv --method hyena -o model", 2, "invalid choice: 'hyena'"),
        ("labelled.tsv --method ncd -k 100 -o model", 2, "n_neighbors is 100; 1..60 are possible"),
        ("labelled.tsv", 2, "-o/--output"),
    ],
)
def test_what_training_refuses(made, run, words, code, message):
    (made / "other").mkdir()
    (made / "other" / "notes.txt").write_text("mine")
    result = run(f"train classifier {words} -q")
    assert (result.exit, result.stdout) == (code, ""), result.stderr
    assert message in result.stderr.splitlines()[-1]
    assert not (made / "model").exists()


def test_a_model_takes_the_place_of_another(made, run):
    assert run("train classifier labelled.tsv --method ncd -o model -q").exit == 0
    assert run("train classifier labelled.tsv -o model -q").exit == 0
    assert list(rows(run("classify seqs.fa -m model -q").stdout)[0])[2] == "evidence"
    assert sorted(path.name for path in (made / "model").iterdir()) == ["config.json", "counts.npz"]
