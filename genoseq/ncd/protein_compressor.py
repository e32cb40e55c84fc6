"""The mixing model of proteins as a compressor: what an arithmetic coder would write for it.

A text is one or more proteins with a space between. Its size is that of

1. the number of proteins and their lengths, each in bytes of 7 bits (LEB128);
2. for each protein the runs of stops and unknown letters (`genoseq.ncd.framing`);
3. the amino acids, coded adaptively: the bits of `ResidueModel.learn`, rounded up to bytes.

So everything is charged that a decoder has to know, but for the case of letters. What is no letter of
proteins is refused. A protein is read with what was learned of those before it, so that in NCD homologs are
found by words of four residues and followed through substitutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genoseq.ncd.compressor import Compressor
from genoseq.ncd.framing import number_bytes, other_bytes
from genoseq.ncd.residues import ResidueModel
from genoseq.protein import STOP, encode_protein

__all__ = ["Protein"]

_BETWEEN = b" "
_LONGEST = 2**31 - 1  # residues that a model holds


@dataclass(frozen=True)
class Protein(Compressor):
    """Contexts and copies of amino acids, mixed residue by residue (`genoseq.ncd.residues`)."""

    @property
    def name(self) -> str:
        """What it is for."""
        return "protein"

    @property
    def window(self) -> int:
        """All that a model holds."""
        return _LONGEST

    def size(self, text: bytes) -> int:
        """Bytes that a text takes.

        Raises
        ------
        InputError
            For a letter that is none of proteins.
        """
        parts = text.split(_BETWEEN)
        proteins = [encode_protein(part) for part in parts]
        lengths = np.array([len(proteins), *map(len, proteins)])
        size = int(number_bytes(lengths).sum())
        model = ResidueModel(max(1, int(lengths[1:].sum())))
        bits = 0.0
        for codes, part in zip(proteins, parts, strict=True):
            size += other_bytes(codes >= STOP, part)
            bits += float(model.learn(codes).sum(dtype=np.float64))
        return size + math.ceil(bits / 8)
