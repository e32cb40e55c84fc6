"""Tables of sequences with labels, and files of classes."""

from __future__ import annotations

import gzip
import io
import sys
import warnings

import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io.labelled import Columns, read_class_files, read_labelled
from genoseq.sequence import decode


@pytest.fixture
def table(tmp_path):
    def write(text, name="train.tsv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def shown(found):
    return [(decode(codes), label) for codes, label in zip(found.codes, found.labels, strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "sequence\tlabel\nACGT\ta\nggn\tb\n",
        "id\tClass\tSeq\n1\ta\tACGT\n2\tb\tggn\n",
        "# schema_version=1\n\nlabel\tsequence\tmore\na\tACGT\tx\nb\tggn\ty",
        "ACGT\ta\nggn\tb\textra\n",
        "ACGT \t a\r\n\r\nggn\tb\r\n",
    ],
)
@pytest.mark.parametrize("name", ["train.tsv", "train.tsv.gz"])
def test_columns_are_found(table, text, name):
    found = read_labelled(table(text, name))
    assert shown(found) == [("ACGT", "a"), ("GGN", "b")]
    assert found.classes == ("a", "b")
    assert found.numbers(("b", "a")).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (Columns("dna", "kind"), "kind\tdna\na\tACGT\nb\tGGN\n"),
        (Columns(3, 1), "a\tx\tACGT\nb\ty\tGGN\n"),
        (Columns("ACGT", "kind"), "ACGT\tkind\nACGT\ta\nGGN\tb\n"),  # a name that looks like a sequence
    ],
)
def test_columns_are_chosen(table, columns, text):
    assert shown(read_labelled(table(text), columns)) == [("ACGT", "a"), ("GGN", "b")]


def test_names_groups_and_other_letters(table):
    text = "name\tsequence\tlabel\tfamily\nx1\tACRN\ta\tf1\n\tAC-Y\tb\tf2\n"
    found = read_labelled(table(text), Columns(group="family"))
    assert found.names == ["x1", "line 3"]
    assert found.groups == ["f1", "f2"]
    assert found.others == 3
    assert read_labelled(table("ACGT\ta\t7\n"), Columns(group=3)).groups == ["7"]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ACGT\ta\n")))
    found = read_labelled("-")
    assert shown(found) == [("ACGT", "a")]
    assert found.source == "standard input"


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("sequence\tlabel\nACGT\n", None, "train.tsv:2: 1 column; at least 2 are expected"),
        ("sequence\tlabel\n\ta\n", None, "train.tsv:2: the sequence is empty"),
        ("sequence\tlabel\nACGT\t\n", None, "train.tsv:2: the label is empty"),
        ("sequence\tlabel\nACGT\ta\nAXGT\ta\n", None, "train.tsv:3: 'X' at position 1 is not a nucleotide"),
        ("gene\tkind\nACGT\ta\n", None, "a line that names the columns has \"sequence\" and \"label\""),
        ("ACGT,a\n", None, "train.tsv:1: 1 column"),
        ("dna\tkind\nACGT\ta\n", Columns("x", "kind"), "no column is called 'x'; the first line has 'dna'"),
        ("ACGT\ta\n", Columns(1, 5), "train.tsv:1: 2 columns; at least 5 are expected"),
        ("sequence\tlabel\nACGT\ta\n", Columns(group="f"), "no column is called 'f'"),
        ("ACGT\ta\tf\n", Columns(group="f"), "has to have \"sequence\" and \"label\""),
        ("sequence\tlabel\nAC\u00e9T\ta\n", None, "train.tsv:2: '?' at position 2 is not a nucleotide"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(table, text, columns, message):
    with pytest.raises(InputError) as caught:
        read_labelled(table(text), columns)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"sequence": "a"}, {"sequence": 1, "label": "a"}, {"sequence": 0, "label": 1}, {"label": 2}]
)
def test_columns_that_make_no_sense(wrong):
    with pytest.raises(UsageError):
        Columns(**wrong)


def test_a_number_of_groups_where_columns_have_names(table):
    with pytest.raises(UsageError, match="by its name"):
        read_labelled(table("sequence\tlabel\nACGT\ta\n"), Columns(group=2))


@pytest.mark.parametrize("text", ["", "# nothing\n", "sequence\tlabel\n"])
def test_an_empty_table(table, text):
    assert len(read_labelled(table(text))) == 0


def test_a_label_that_is_not_trained(table):
    found = read_labelled(table("ACGT\ta\nGG\tc\n"))
    with pytest.raises(InputError, match="line 2 is of class 'c'; the classes that are trained are a, b"):
        found.numbers(("a", "b"))


def test_a_file_for_each_class(tmp_path):
    (tmp_path / "human.chr20.fa.gz").write_bytes(gzip.compress(b">one\nACGT\n>two\nRNacg\n"))
    (tmp_path / "ecoli.fastq").write_text("@x\nGG\n+\nII\n")
    found = read_class_files([tmp_path / "human.chr20.fa.gz", tmp_path / "ecoli.fastq"])
    assert shown(found) == [("ACGT", "human.chr20"), ("NNACG", "human.chr20"), ("GG", "ecoli")]
    assert found.names == ["one", "two", "x"]
    assert found.others == 1
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "ecoli.fa").write_text(">a\nACG\n")
    with pytest.raises(UsageError, match="a second file of class 'ecoli'"):
        read_class_files([tmp_path / "ecoli.fastq", tmp_path / "more" / "ecoli.fa"])


def test_an_empty_file_of_a_class_is_warned_of(tmp_path):
    (tmp_path / "a.fa").write_text("")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GenoseqWarning)
        assert len(read_class_files([tmp_path / "a.fa"])) == 0
    assert "there are no reads in it" in str(caught[0].message)


def test_a_byte_order_mark(tmp_path):
    (tmp_path / "train.tsv").write_bytes(b"\xef\xbb\xbfsequence\tlabel\r\nACGT\ta\r\n")
    assert shown(read_labelled(tmp_path / "train.tsv")) == [("ACGT", "a")]


def test_proteins(table, tmp_path):
    found = read_labelled(table("sequence\tlabel\nMKVX\ta\nwwb*\tb\n"), alphabet="protein")
    assert (found.texts, found.labels, found.others) == (["MKVX", "WWX*"], ["a", "b"], 1)
    (tmp_path / "kinases.faa").write_text(">one more\nMKV*\n>two\nWWZ\n")
    found = read_class_files([tmp_path / "kinases.faa"], alphabet="protein")
    assert (found.texts, found.names, found.others) == (["MKV", "WWX"], ["one", "two"], 1)
    assert found.classes == ("kinases",)


def test_texts_of_nucleotides(table):
    assert read_labelled(table("acgu\ta\nARN\tb\n")).texts == ["ACGT", "ANN"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence\tlabel\nMK\ta\nM-K\ta\n", "train.tsv:3: '-' at position 1 is not a letter of a protein"),
        ("ACGTTGCAACGTGATTACATACGT\ta\n", "train.tsv:1: the sequence is DNA or RNA; a protein is expected"),
        ("MKVLA\ta\nACGUUGCAACGUGAUUACAUACGU\ta\n", "train.tsv:2: the sequence is DNA or RNA"),
    ],
)
def test_what_is_no_protein(table, text, message):
    with pytest.raises(InputError) as caught:
        read_labelled(table(text), alphabet="protein")
    assert message in str(caught.value)


def test_an_alphabet_that_is_none(table):
    with pytest.raises(UsageError, match="alphabet 'rna'; dna or protein is expected"):
        read_labelled(table("A\ta\n"), alphabet="rna")
