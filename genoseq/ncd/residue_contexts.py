"""Contexts of the mixing model of proteins: what followed the last residues so far.

A context is the last few residues, as letters or as groups of amino acids that replace each other. It blends
what it counted with the distribution of a shorter one,

    p(x) = (count(x) + w * shorter(x)) / (total + w),

and the shortest with the background of all proteins, so that every context says something from its first
residue on. With twenty letters that matters: 4 residues have 160,000 contexts.

One context is local: it begins anew with each sequence, also while it is only scored, and forgets soon. It
follows the composition, which differs between the domains of a protein.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.ncd.substitutions import BACKGROUND
from genoseq.protein import AMINO_ACIDS

LETTERS = len(AMINO_ACIDS)
_ALL = tuple(AMINO_ACIDS)
# Murphy, Wallqvist and Levy, Protein Engineering 2000: eight and three groups.
_EIGHT = ("LVIMC", "AG", "ST", "P", "FYW", "EDNQ", "KR", "H")
_THREE = ("LVIMCFYW", "AGSTP", "EDNQKRH")
_LIMIT = 60_000  # of a total before its row is halved: counts have 16 bits
_LOCAL_WEIGHT, _LOCAL_MEMORY = np.float32(40), np.float32(300)
"""Of the shorter distribution, and residues at which local counts are halved. On 1 M residues of proteins
without homologs, 16 and 40 cost 0.009 bits/residue more, 30 and 120 0.001."""
MOST_OFTEN = 10
"""Class of the contexts of three residues that were seen 512 times and more."""
_THREE_RESIDUES = 3  # place of that context in CONTEXTS
SHARES = (BACKGROUND / BACKGROUND.sum()).astype(np.float32)
"""Of each amino acid in all proteins."""


@dataclass(frozen=True)
class Context:
    """One kind of context.

    Attributes
    ----------
    groups : tuple of str
        Amino acids that are not told apart.
    order : int
        Residues.
    shorter : int
        Place in `CONTEXTS` of the one that it is blended with; -1 for the background.
    weight : float
        Residues that the shorter one is worth.
    """

    groups: tuple[str, ...]
    order: int
    shorter: int
    weight: float


CONTEXTS = (
    Context(_ALL, 0, -1, 20.0),
    Context(_ALL, 1, 0, 20.0),
    Context(_ALL, 2, 1, 60.0),
    Context(_ALL, 3, 2, 30.0),
    Context(_ALL, 4, 3, 10.0),
    Context(_EIGHT, 3, 1, 20.0),
    Context(_THREE, 5, 1, 16.0),
)
"""What is blended with what. Longer contexts are copies (`genoseq.ncd.residue_copies`)."""
_GROUPS = np.array(
    [[next(i for i, group in enumerate(c.groups) if letter in group) for letter in _ALL] for c in CONTEXTS]
)
_BASES = _GROUPS.max(1) + 1
_ORDERS = np.array([context.order for context in CONTEXTS])
_SPACES = _BASES**_ORDERS
_STARTS = np.cumsum(_SPACES) - _SPACES
_SHORTER = np.array([context.shorter for context in CONTEXTS])
_WEIGHTS = np.array([context.weight for context in CONTEXTS], np.float32)


class Counts(NamedTuple):
    """What contexts counted: one row for each context of each kind.

    Attributes
    ----------
    counts : ndarray, shape (rows, 20), dtype uint16
    totals : ndarray, shape (rows,), dtype uint16
        Their sums.
    """

    counts: NDArray[np.uint16]
    totals: NDArray[np.uint16]


class Reading(NamedTuple):
    """What belongs to the sequence that is read.

    Attributes
    ----------
    words : ndarray, shape (kinds,), dtype int64
        The last groups of each kind as a number.
    rows : ndarray, shape (kinds,), dtype int64
        The rows of the residue that comes.
    local : ndarray, shape (21,), dtype float32
        Local counts, and their sum.
    shares : ndarray, shape (kinds, 20), dtype float32
        What each kind says.
    """

    words: NDArray[np.int64]
    rows: NDArray[np.int64]
    local: NDArray[np.float32]
    shares: NDArray[np.float32]


def new_counts() -> Counts:
    """Nothing was seen. Of 6.8 MB, memory is taken only for what will be counted."""
    rows = int(_SPACES.sum())
    return Counts(np.zeros((rows, LETTERS), np.uint16), np.zeros(rows, np.uint16))


@numba.njit(cache=True, nogil=True)
def new_reading():
    """At the beginning of a sequence."""
    kinds = _ORDERS.shape[0]
    return Reading(
        np.zeros(kinds, np.int64),
        np.zeros(kinds, np.int64),
        np.zeros(LETTERS + 1, np.float32),
        np.zeros((kinds, LETTERS), np.float32),
    )


@numba.njit(forceinline=True, fastmath=True)
def tell(known, counts, reading, inputs):
    """What each kind of context says, nats: the first rows of `inputs` (models, 20), and the local one after.

    A context that is longer than the `known` residues is silent.

    Returns
    -------
    int
        How often the last three residues were seen: 0 for never, else 1 more than the binary logarithm, at
        most `MOST_OFTEN`.
    """
    kinds = _ORDERS.shape[0]
    for i in range(kinds):
        row = _STARTS[i] + reading.words[i]
        reading.rows[i] = row
        if known < _ORDERS[i]:
            for x in range(LETTERS):
                reading.shares[i, x] = reading.shares[_SHORTER[i], x]
                inputs[i, x] = 0
            continue
        scale = np.float32(1) / (np.float32(counts.totals[row]) + _WEIGHTS[i])
        for x in range(LETTERS):
            shorter = SHARES[x] if _SHORTER[i] < 0 else reading.shares[_SHORTER[i], x]
            share = (np.float32(counts.counts[row, x]) + _WEIGHTS[i] * shorter) * scale
            reading.shares[i, x] = share
            inputs[i, x] = math.log(share)
    scale = np.float32(1) / (reading.local[LETTERS] + _LOCAL_WEIGHT)
    for x in range(LETTERS):
        inputs[kinds, x] = math.log((reading.local[x] + _LOCAL_WEIGHT * reading.shares[0, x]) * scale)
    often = 0
    if known >= _ORDERS[_THREE_RESIDUES]:
        times = np.int64(counts.totals[reading.rows[_THREE_RESIDUES]])
        while times and often < MOST_OFTEN:
            times >>= 1
            often += 1
    return often


@numba.njit(forceinline=True)
def count(residue, known, counts, reading):
    """Add a residue to the contexts before it."""
    for i in range(_ORDERS.shape[0]):
        if known < _ORDERS[i]:
            continue
        row = reading.rows[i]
        counts.counts[row, residue] += np.uint16(1)
        counts.totals[row] += np.uint16(1)
        if counts.totals[row] >= _LIMIT:
            total = np.uint16(0)
            for x in range(LETTERS):
                counts.counts[row, x] >>= np.uint16(1)
                total += counts.counts[row, x]
            counts.totals[row] = total


@numba.njit(forceinline=True)
def go_on(residue, reading):
    """Make a residue part of the context of the next one, and of the local counts."""
    for i in range(_ORDERS.shape[0]):
        reading.words[i] = (reading.words[i] * _BASES[i] + _GROUPS[i, residue]) % _SPACES[i]
    reading.local[residue] += np.float32(1)
    reading.local[LETTERS] += np.float32(1)
    if reading.local[LETTERS] >= _LOCAL_MEMORY:
        for x in range(LETTERS + 1):
            reading.local[x] *= np.float32(0.5)
