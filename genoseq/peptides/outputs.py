"""Files for other programs: FASTA, and inputs of structure predictors, target and peptide as two chains.

    Boltz         YAML, version 1; the target asks for an alignment, the peptide is a single sequence
    AlphaFold 3   JSON of its own dialect, version 1

A peptide that is closed head to tail is `cyclic` for Boltz; AlphaFold 3 has no word for it, nor for a bridge
within a chain, so that its file is of the open peptide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from genoseq.peptides.design import Candidate
from genoseq.peptides.targets import Target

__all__ = ["alphafold_input", "boltz_input", "fasta_record", "file_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def file_name(target: str, rank: int) -> str:
    """A name that any system takes, without ending.

    Examples
    --------
    >>> file_name("sp|P69905|HBA_HUMAN", 3)
    'sp_P69905_HBA_HUMAN_3'
    """
    return f"{_UNSAFE.sub('_', target).strip('._') or 'target'}_{rank}"


def fasta_record(target: str, rank: int, candidate: Candidate) -> str:
    """A record of the peptide, with its scores behind the name."""
    words = [f"perplexity={candidate.perplexity:.4g}"]
    if candidate.specificity == candidate.specificity:
        words.append(f"specificity={candidate.specificity:.4g}")
    return f">{target}_{rank} {' '.join(words)}\n{candidate.peptide}\n"


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
