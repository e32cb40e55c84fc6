"""Tables of peptides there and back."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("Bio")

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.files import open_input
from genoseq.io.table import read_tsv, write_tsv
from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.outputs import COLUMNS, Result
from genoseq.peptides.properties import properties_of
from genoseq.peptides.tables import read_peptides
from genoseq.peptides.targets import Target


def result(name, peptides, specificity):
    candidates = [
        Candidate(text, 4.5 + at, specificity, 0.25, (10, 90), math.nan, properties_of([text])[0])
        for at, text in enumerate(peptides)
    ]
    return Result.of(Designed(Target(name, "M" * 90, "t.fa"), candidates, 9, 0, {}, 0))


def rows(*results):
    dicts = [row.to_dict() for each in results for row in each.rows()]
    return [[values[column] for column in COLUMNS] for values in dicts]


def read(path):
    with open_input(path) as stream:
        return read_peptides(read_tsv(stream))


def test_there_and_back(tmp_path):
    written = [result("a b", ["KRKD", "WWWWW"], 0.5), result("c", ["MSTQG"], math.nan)]
    write_tsv(tmp_path / "p.tsv", COLUMNS, rows(*written), {"model": "m", "site": "none"})
    found = read(tmp_path / "p.tsv")
    assert found.about == {"model": "m", "site": "none"}
    assert [each.target.name for each in found.results] == ["a b", "c"]
    write_tsv(tmp_path / "q.tsv", COLUMNS, rows(*found.results), found.about)
    assert (tmp_path / "q.tsv").read_bytes() == (tmp_path / "p.tsv").read_bytes()
    assert found.to_dict()["targets"]["a b"]["best"]["peptide"] == "KRKD"


def test_no_rows(tmp_path):
    write_tsv(tmp_path / "p.tsv", COLUMNS, [])
    with pytest.warns(GenoseqWarning, match="no rows"):
        assert read(tmp_path / "p.tsv").results == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("peptide", "KRX"), ("peptide", ""), ("perplexity", "x"), ("perplexity", "nan"), ("part", "1"),
     ("aggregation", "1.5"), ("mass", "heavy")],
)  # fmt: skip
def test_what_is_no_row(tmp_path, column, value):
    some = rows(result("a", ["KRKD"], 0.5))
    some[0][COLUMNS.index(column)] = value
    write_tsv(tmp_path / "p.tsv", COLUMNS, some)
    with pytest.raises(InputError, match=r"p\.tsv:3: is no row of a table of peptides"):
        read(tmp_path / "p.tsv")


def test_a_column_that_is_missing(tmp_path):
    write_tsv(tmp_path / "p.tsv", COLUMNS[:-1], [])
    with pytest.raises(InputError, match=f"without the columns {COLUMNS[-1]}"):
        read(tmp_path / "p.tsv")
