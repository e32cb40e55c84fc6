"""What is written: rows of a table, FASTA, and inputs of structure predictors, where peptides are a chain.

    Boltz         YAML, version 1; the target asks for an alignment, the peptide is a single sequence
    AlphaFold 3   JSON of its own dialect, version 1

A peptide that is closed head to tail is `cyclic` for Boltz; AlphaFold 3 has no word for it, nor for a bridge
within a chain, so that its file is of the open peptide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.properties import NAMES
from genoseq.peptides.targets import Target

__all__ = ["COLUMNS", "Result", "Row", "alphafold_input", "boltz_input", "fasta_record", "file_name"]

COLUMNS = (
    "target", "rank", "name", "peptide", "length", "perplexity", "specificity", "p_value", "part",
    "nearest_known", *NAMES,
)  # fmt: skip
"""Of the table."""
_LONGEST_NAME = 200  # letters: file systems take 255 bytes, with ending
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class Row(NamedTuple):
    """A peptide in its place."""

    target: Target
    rank: int
    name: str
    candidate: Candidate

    def to_dict(self) -> dict[str, Any]:
        """By the names of the columns."""
        return {
            "target": self.target.name, "rank": self.rank, "name": self.name, **self.candidate.to_dict()
        }  # fmt: skip


class Result(NamedTuple):
    """What was found for a target, or known peptides behind it, the best first.

    Attributes
    ----------
    designed : Designed
    names : list of str
        Of the peptides; a designed one is called after its target and its rank.
    """

    designed: Designed
    names: list[str]

    @classmethod
    def of(cls, designed: Designed) -> Result:
        """Of designed peptides."""
        ranks = range(1, len(designed.candidates) + 1)
        return cls(designed, [f"{designed.target.name}_{rank}" for rank in ranks])

    @property
    def target(self) -> Target:
        """What the peptides shall bind."""
        return self.designed.target

    def rows(self) -> Iterator[Row]:
        """The peptides, ranked from 1 on."""
        for rank, (name, each) in enumerate(zip(self.names, self.designed.candidates, strict=True), 1):
            yield Row(self.target, rank, name, each)


def file_name(target: str, rank: int) -> str:
    """A name that any system takes, without ending.

    Examples
    --------
    >>> file_name("sp|P69905|HBA_HUMAN", 3)
    'sp_P69905_HBA_HUMAN_3'
    """
    return f"{_UNSAFE.sub('_', target).strip('._')[:_LONGEST_NAME] or 'target'}_{rank}"


def fasta_record(row: Row) -> str:
    """A record of the peptide, with its scores behind the name."""
    candidate = row.candidate
    words = [f"target={row.target.name}", f"rank={row.rank}", f"perplexity={candidate.perplexity:.4g}"]
    if candidate.specificity == candidate.specificity:
        words.append(f"specificity={candidate.specificity:.4g}")
    return f">{row.name} {' '.join(words)}\n{candidate.peptide}\n"


def boltz_input(
    target: Target, peptide: str, *, cyclic: bool = False, bridge: tuple[int, int] | None = None
) -> str:
    """Input of Boltz as YAML.

    Parameters
    ----------
    target, peptide
    cyclic
        Closed head to tail.
    bridge
        Cysteines of the peptide that are joined, 0-based.
    """
    lines = [
        "version: 1",
        "sequences:",
        "  - protein:",
        "      id: A",
        f"      sequence: {target.letters}",
        "  - protein:",
        "      id: B",
        f"      sequence: {peptide}",
        "      msa: empty",
    ]
    if cyclic:
        lines.append("      cyclic: true")
    if bridge is not None:
        first, second = (place + 1 for place in bridge)
        lines += [
            "constraints:", "  - bond:", f"      atom1: [B, {first}, SG]", f"      atom2: [B, {second}, SG]"
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def alphafold_input(name: str, target: Target, peptide: str, seeds: Sequence[int] = (1,)) -> str:
    """Input of AlphaFold 3 as JSON."""
    chains = [
        {"protein": {"id": "A", "sequence": target.letters}},
        {"protein": {"id": "B", "sequence": peptide, "unpairedMsa": "", "pairedMsa": "", "templates": []}},
    ]
    found = {
        "name": name, "modelSeeds": list(seeds), "sequences": chains, "dialect": "alphafold3", "version": 1
    }  # fmt: skip
    return json.dumps(found, indent=1) + "\n"
