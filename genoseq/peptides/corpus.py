"""Proteins to learn from, and those that are held out.

What is held out follows from the names alone (or from clusters), not from the order of the files: a protein
stays held out when others are added. A file that is given twice counts twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError
from genoseq.io.files import StrPath
from genoseq.io.proteins import read_proteins
from genoseq.peptides.tokens import AMINO, TOKENS, tokens_of
from genoseq.protein import UNKNOWN
from genoseq.supervised.homology import protein_clusters

__all__ = ["ProteinCorpus", "read_corpus"]

_HASH_RANGE = 1 << 32
_CODE = np.full(len(TOKENS), UNKNOWN, np.uint8)
_CODE[AMINO] = np.arange(len(AMINO))

Tokens = NDArray[np.uint8]


class ProteinCorpus(NamedTuple):
    """Proteins as tokens.

    Attributes
    ----------
    train, held_out : list of ndarray
    dropped : int
        Proteins that are too short.
    """

    train: list[Tokens]
    held_out: list[Tokens]
    dropped: int

    @property
    def residues(self) -> int:
        """To train on."""
        return sum(map(len, self.train))

    def looked_at(self, count: int) -> list[Tokens]:
        """At most so many of the held-out proteins, evenly spread."""
        if len(self.held_out) <= count:
            return self.held_out
        return [self.held_out[at * len(self.held_out) // count] for at in range(count)]


def read_corpus(
    paths: Sequence[StrPath], *, held_out: float, shortest: int = 30, separator: str = "",
    clustered: bool = False,
) -> ProteinCorpus:  # fmt: skip
    """Read proteins from FASTA.

    Parameters
    ----------
    paths
    held_out
        Share of the groups, 0 to below 1.
    shortest
        Residues.
    separator
        Names that are the same up to its first occurrence are of one group; empty: each name is a group.
    clustered
        Groups are clusters of similar proteins, each called after its first member.

    Raises
    ------
    InputError
        If a file cannot be read, holds DNA, or no protein is left to train on.
    """
    if not 0 <= held_out < 1:
        raise UsageError(f"held_out is {held_out:g}; a share of 0 to below 1 is expected")
    names, proteins, dropped = list[str](), list[Tokens](), 0
    for path in paths:
        for protein in read_proteins(path):
            if len(protein.letters) < shortest:
                dropped += 1
                continue
            names.append(protein.name.split(separator, 1)[0] if separator else protein.name)
            proteins.append(tokens_of(protein.letters))
    if clustered:
        first = dict[int, str]()
        clusters = protein_clusters([_CODE[tokens] for tokens in proteins]).tolist()
        names = [first.setdefault(cluster, name) for cluster, name in zip(clusters, names, strict=True)]
    parts: tuple[list[Tokens], list[Tokens]] = ([], [])
    seen = set[bytes]()
    for name, tokens in zip(names, proteins, strict=True):
        is_held_out = _number(name) < held_out * _HASH_RANGE
        if is_held_out and (key := tokens.tobytes()) in seen:
            continue  # a file that is given twice
        if is_held_out:
            seen.add(key)
        parts[is_held_out].append(tokens)
    if not parts[0]:
        raise InputError("no protein is left to train on", ", ".join(map(str, paths)))
    return ProteinCorpus(*parts, dropped)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
