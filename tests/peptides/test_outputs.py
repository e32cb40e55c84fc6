"""Files for structure predictors, read by the parsers of their formats."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")
pytest.importorskip("Bio")

from genoseq.peptides.design import Candidate, Designed  # noqa: E402
from genoseq.peptides.outputs import (  # noqa: E402
    COLUMNS,
    Result,
    alphafold_input,
    boltz_input,
    fasta_record,
    file_name,
)
from genoseq.peptides.properties import properties_of  # noqa: E402
from genoseq.peptides.targets import Target  # noqa: E402

TARGET = Target("t|1", "MKVLAAGW", "t.fa")


def candidate(**values):
    usual = {"peptide": "CKVC", "perplexity": 7.25, "specificity": math.nan, "p_value": math.nan}
    usual |= {"part": (0, 8), "nearest": math.nan, "properties": properties_of(["CKVC"])[0]}
    return Candidate(**{**usual, **values})


def test_rows_have_the_columns_and_become_fasta():
    candidates = [candidate(), candidate(specificity=0.5, perplexity=8)]
    rows = list(Result.of(Designed(TARGET, candidates, 2, 0, {}, 0)).rows())
    assert [tuple(row.to_dict()) for row in rows] == [COLUMNS] * 2
    assert fasta_record(rows[0]) == ">t|1_1 target=t|1 rank=1 perplexity=7.25\nCKVC\n"
    assert fasta_record(rows[1]) == ">t|1_2 target=t|1 rank=2 perplexity=8 specificity=0.5\nCKVC\n"


def test_boltz():
    plain = yaml.safe_load(boltz_input(TARGET, "CKVC"))
    assert plain == {
        "version": 1,
        "sequences": [
            {"protein": {"id": "A", "sequence": "MKVLAAGW"}},
            {"protein": {"id": "B", "sequence": "CKVC", "msa": "empty"}},
        ],
    }
    closed = yaml.safe_load(boltz_input(TARGET, "CKVC", cyclic=True, bridge=(0, 3)))
    assert closed["sequences"][1]["protein"]["cyclic"] is True
    assert closed["constraints"] == [{"bond": {"atom1": ["B", 1, "SG"], "atom2": ["B", 4, "SG"]}}]


def test_alphafold():
    found = json.loads(alphafold_input("t_1", TARGET, "CKVC", seeds=(3, 4)))
    assert (found["dialect"], found["version"], found["modelSeeds"], found["name"]) == (
        "alphafold3",
        1,
        [3, 4],
        "t_1",
    )
    chains = [each["protein"] for each in found["sequences"]]
    assert [chain["sequence"] for chain in chains] == ["MKVLAAGW", "CKVC"]
    assert chains[1]["unpairedMsa"] == chains[1]["pairedMsa"] == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b c", "a_b_c_1"), ("..", "target_1"), ("sp|P1|X", "sp_P1_X_1"), ("\u00e9", "target_1")],
)
def test_names_of_files(name, expected):
    assert file_name(name, 1) == expected


def test_a_long_name_is_cut():
    assert len(file_name("x" * 999, 1)) < 210
