"""Properties of peptides that decide what is made of them, from published scales.

    mass            average mass of the linear peptide with free ends, Da (IUPAC masses)
    charge          net at pH 7.4 by Henderson and Hasselbalch, pK of Bjellqvist et al. 1993
    pi              isoelectric point, same pK
    gravy           mean hydropathy, Kyte and Doolittle 1982
    aromaticity     share of F, W, Y, Lobry and Gautier 1994
    instability     index of Guruprasad et al. 1990; above 40 unstable in the test tube
    boman           mean transfer free energy, kcal/mol, Radzicka and Wolfenden 1988, as in Boman 2003; above
                    2.48 a peptide binds proteins in general
    aggregation     letters of the longest stretch that is prone to beta aggregation: windows of 5 with a mean
                    above -0.02 on the scale a3v of AGGRESCAN (Conchillo-Sole et al. 2007)
    difficulty      what makes the synthesis hard, as flags (`flags`)

All but the last three are Biopython's (`Bio.SeqUtils.ProtParam`). Letters other than the twenty have no
properties: a peptide with one is refused. A peptide that is closed head to tail is a water lighter and has no
ends, which charge and isoelectric point leave out; all else is as of the open one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from genoseq.errors import InputError, MissingDependencyError
from genoseq.protein import AMINO_ACIDS

__all__ = ["NAMES", "Properties", "flags", "properties_of"]

PH = 7.4
_WATER = 18.01524  # Da, average
_WINDOW, _PRONE = 5, -0.02
# a3v of AGGRESCAN, BMC Bioinformatics 8:65, table 1
_A3V = {
    "I": 1.822, "F": 1.754, "V": 1.594, "L": 1.380, "Y": 1.159, "W": 1.037, "M": 0.910, "C": 0.604,
    "A": -0.036, "T": -0.159, "S": -0.294, "P": -0.334, "G": -0.535, "K": -0.931, "H": -1.033, "Q": -1.231,
    "R": -1.240, "N": -1.302, "E": -1.412, "D": -1.836,
}  # fmt: skip
# Transfer from cyclohexane to water, kcal/mol, with the sign of Boman's index: Radzicka and Wolfenden 1988
_BOMAN = {
    "L": -4.92, "I": -4.92, "V": -4.04, "F": -2.98, "M": -2.35, "W": -2.33, "A": -1.81, "C": -1.28,
    "G": -0.94, "Y": 0.14, "T": 2.57, "S": 3.40, "H": 4.66, "Q": 5.54, "K": 5.55, "N": 6.64, "E": 6.81,
    "D": 8.72, "R": 14.92, "P": 0.0,
}  # fmt: skip
# What makers of peptides warn of (Merrifield chemistry, Fmoc): Bachem and GenScript guides for design; the
# deamidation and aspartimide motifs: Robinson and Robinson 2001, Mergler et al. 2003
_FLAGS = (
    ("oxidation", re.compile("[MW]")),
    ("free cysteine", re.compile("C")),
    ("deamidation", re.compile("N[GS]|^Q")),
    ("aspartimide", re.compile("D[GNS]")),
    ("acid-labile", re.compile("DP")),
    ("run of one letter", re.compile(r"(.)\1\1\1")),
    ("run of beta-branched", re.compile("[VIT]{4}")),
    ("hydrophobic stretch", re.compile("[AVILMFWY]{6}")),
)
_LONG, _SOLUBLE_EVERY = 50, 5


@dataclass(frozen=True)
class Properties:
    """Properties of a peptide, as the module says."""

    mass: float
    charge: float
    pi: float
    gravy: float
    aromaticity: float
    instability: float
    boman: float
    aggregation: int
    difficulty: str

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


NAMES = tuple(field.name for field in fields(Properties))
"""Of the properties, in their order."""


def properties_of(peptides: Sequence[str], *, cyclic: bool = False) -> list[Properties]:
    """Properties of peptides; `cyclic`: closed head to tail.

    Raises
    ------
    InputError
        If a letter is none of the twenty amino acids, or a peptide is empty.
    MissingDependencyError
        If Biopython is not installed.

    Examples
    --------
    >>> found = properties_of(["ACDEFGHIK"])[0]
    >>> round(found.mass, 2), round(found.gravy, 3)
    (1019.13, -0.322)
    """
    try:
        from Bio.SeqUtils.IsoelectricPoint import IsoelectricPoint
        from Bio.SeqUtils.ProtParam import ProteinAnalysis
    except ImportError as error:
        raise MissingDependencyError("properties of peptides", "biopython", "peptides") from error
    found = []
    for peptide in peptides:
        text = peptide.upper()
        if other := sorted(set(text) - set(AMINO_ACIDS)):
            raise InputError(f"the peptide {peptide} has {', '.join(map(repr, other))}: no amino acid")
        if not text:
            raise InputError("an empty peptide has no properties")
        known = ProteinAnalysis(text)
        charges = IsoelectricPoint(text, known.count_amino_acids())
        if cyclic:
            charges.charged_aas_content |= {"Nterm": 0.0, "Cterm": 0.0}
        found.append(
            Properties(
                mass=known.molecular_weight() - (_WATER if cyclic else 0),
                charge=charges.charge_at_pH(PH),
                pi=charges.pi(),
                gravy=known.gravy(),
                aromaticity=known.aromaticity(),
                instability=known.instability_index() if len(text) > 1 else 0.0,
                boman=sum(_BOMAN[letter] for letter in text) / len(text),
                aggregation=_prone(text),
                difficulty=", ".join(flags(text)),
            )
        )
    return found


def flags(peptide: str) -> list[str]:
    """What makes a peptide hard to make or to keep.

    "oxidation" (M, W), "free cysteine" (an odd one out: no other to bridge to), "deamidation" (N before G or
    S, Q first), "aspartimide" (D before G, N, S), "acid-labile" (D before P), runs, "hydrophobic stretch",
    "poorly soluble" (fewer than a charged letter in five), "long" (above 50).

    Examples
    --------
    >>> flags("KNGRC")
    ['free cysteine', 'deamidation']
    """
    text = peptide.upper()
    found = [name for name, pattern in _FLAGS if pattern.search(text)]
    if "free cysteine" in found and text.count("C") % 2 == 0:
        found.remove("free cysteine")
    if sum(text.count(letter) for letter in "DEKRH") * _SOLUBLE_EVERY < len(text):
        found.append("poorly soluble")
    if len(text) > _LONG:
        found.append("long")
    return found


def _prone(text: str) -> int:
    """Letters of the longest stretch whose windows are prone to aggregation."""
    values = [_A3V[letter] for letter in text]
    windows = [
        sum(values[at : at + _WINDOW]) / _WINDOW > _PRONE for at in range(max(0, len(text) - _WINDOW + 1))
    ]
    longest = current = 0
    for is_prone in windows:
        current = current + 1 if is_prone else 0
        longest = max(longest, current)
    return longest + _WINDOW - 1 if longest else 0
