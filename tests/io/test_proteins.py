"""FASTA of proteins."""

from __future__ import annotations

import gzip

import pytest

from genoseq.errors import InputError
from genoseq.io.proteins import read_proteins


@pytest.fixture
def fasta(tmp_path):
    def make(text, name="p.faa"):
        path = tmp_path / name
        content = text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return make


@pytest.mark.parametrize("name", ["p.faa", "p.fa.gz"])
def test_records(fasta, name):
    text = "\n>sp|P69905|HBA_HUMAN Hemoglobin\nmvlsp\n ADK \n\n>two\r\nWWX*\r\n>three\nM"
    found = list(read_proteins(fasta(text, name)))
    assert found == [("sp|P69905|HBA_HUMAN", "MVLSPADK", 2), ("two", "WWX", 6), ("three", "M", 8)]


def test_no_records(fasta):
    assert list(read_proteins(fasta(""))) == []
    assert list(read_proteins(fasta("\n\n"))) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MKV\n", "p.faa:1: starts with 'MKV'; a FASTA file starts with '>'"),
        (">a\nMK\n>\nMK\n", "p.faa:3: a record without a name"),
        (">a\nMK\n> b\nMK\n", "p.faa:3: a record without a name"),
        (">a\nMK\n>b\n>c\nMK\n", "p.faa:3: the record 'b' has no amino acids"),
        (">a\n*\n", "p.faa:1: the record 'a' has no amino acids"),
        (">a\nMK\nM-K\n", "p.faa:3: '-' at position 1 is not a letter of a protein"),
        (">a\nMK\n>b\nACGTTGCAACGTGATTACATACGT\n", "p.faa:3: the record 'b' is DNA or RNA"),
    ],
)
def test_what_is_wrong_is_named(fasta, text, message):
    with pytest.raises(InputError) as caught:
        list(read_proteins(fasta(text)))
    assert message in str(caught.value)
