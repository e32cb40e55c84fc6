"""Files for other programs, read back by readers of their formats."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("Bio")

from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.outputs import (
    COLUMNS,
    Result,
    alphafold_input,
    boltz_input,
    fasta_record,
    file_name,
)
from genoseq.peptides.properties import properties_of
from genoseq.peptides.targets import Target

TARGET = Target("sp|P1|T", "MKLVX", "t.fa")


def result(*peptides):
    candidates = [
        Candidate(text, 5.0 + at, math.nan, math.nan, (0, 5), math.nan, properties_of([text])[0])
        for at, text in enumerate(peptides)
    ]
    return Result.of(Designed(TARGET, candidates, len(peptides), 0, {}, 0))


def test_rows_have_the_columns():
    rows = list(result("ACDC", "WWWW").rows())
    assert [tuple(row.to_dict()) for row in rows] == [COLUMNS] * 2
    assert [(row.rank, row.name) for row in rows] == [(1, "sp|P1|T_1"), (2, "sp|P1|T_2")]
    assert fasta_record(rows[1]) == ">sp|P1|T_2 target=sp|P1|T rank=2 perplexity=6\nWWWW\n"


def test_boltz():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load(boltz_input(TARGET, "ACDC", cyclic=True, bridge=(1, 3)))
    target, peptide = (each["protein"] for each in found["sequences"])
    assert target == {"id": "A", "sequence": "MKLVX"}
    assert peptide == {"id": "B", "sequence": "ACDC", "msa": "empty", "cyclic": True}
    assert found["constraints"] == [{"bond": {"atom1": ["B", 2, "SG"], "atom2": ["B", 4, "SG"]}}]
    assert set(yaml.safe_load(boltz_input(TARGET, "ACDC"))) == {"version", "sequences"}


def test_alphafold():
    found = json.loads(alphafold_input("t_1", TARGET, "ACDC", (7,)))
    assert (found["name"], found["modelSeeds"], found["dialect"], found["version"]) == (
        "t_1", [7], "alphafold3", 1,
    )  # fmt: skip
    assert [each["protein"]["sequence"] for each in found["sequences"]] == ["MKLVX", "ACDC"]


def test_names_of_files():
    assert file_name("sp|P69905|HBA_HUMAN", 3) == "sp_P69905_HBA_HUMAN_3"
    assert file_name("///", 1) == "target_1"
    assert len(file_name("x" * 999, 1)) < 210
