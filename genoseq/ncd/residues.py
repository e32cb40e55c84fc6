"""The mixing model of proteins: contexts of several orders and copies, mixed residue by residue.

What `genoseq.ncd.mixing` is for DNA, for twenty letters:

1. `residue_contexts`: what followed the last 0 to 4 residues so far, as letters and as groups;
2. `residue_copies`: where the last residues stood before, and how the sequence went on there;
3. a mixer: the softmax of their weighted sum, with weights that are a sum of four sets, from each of which
   the situation picks one (how many copies there are and what the last residues cost; how often the last
   three residues were seen and how good the best copy is; the last residue; the hits since the last miss and
   whether copies disagree). After each residue they take a step down the gradient of its cost.

Everything learns while it reads (`ResidueModel.learn`). Scoring (`costs`, `probabilities`) changes nothing:
the weights, what copies learn and the local counts go on adapting within a sequence, in a copy that is thrown
away. Stops and unknown residues cost nothing and end every context.

Of 20,000 proteins of UniProt, 9.06 million residues with many homologs, one costs 2.42 bits, by xz 2.62; of
3,163 without homologs 4.116, where the frequencies of the amino acids give 4.183
(`benchmarks/ncd/proteins.py`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError
from genoseq.ncd.inputs import checked
from genoseq.ncd.residue_contexts import (
    CONTEXTS,
    LETTERS,
    MOST_OFTEN,
    SHARES,
    Counts,
    count,
    go_on,
    new_counts,
    new_reading,
    tell,
)
from genoseq.ncd.residue_copies import (
    RUNS,
    SEEDS,
    TOP,
    Copies,
    expect,
    follow,
    new_copies,
    new_followed,
    remember,
)
from genoseq.protein import UNKNOWN

__all__ = ["ResidueModel", "known_residues"]

_FASTEST, _SLOWEST, _HALVED_AFTER = 0.01, 0.0005, 2e4
"""Step of the weights at the first residue, at last, and the residues after which it is half the first."""
_FIRST_WEIGHT = 0.1  # of all models: one protein alone costs 0.015 bits/residue more than by the background
_LEAST = np.float32(1e-4)
"""Probability that every residue keeps: one that could not come costs 13 bits, a certain one 0.003."""
_FIRST_COST, _MEMORY = np.float32(4.2), np.float32(1 / 16)
_COSTS = 12  # classes of the cost of the last residues
_SETS = 4
_MODELS = len(CONTEXTS) + 1 + len(SEEDS)
_LONGEST = 2**31 - 1

Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Mixer(NamedTuple):
    """Weights.

    Attributes
    ----------
    weights : ndarray, shape (situations, models), dtype float32
        Four sets, end to end.
    sets : ndarray, shape (4,), dtype int64
        Row at which each begins.
    seen : ndarray, shape (1,), dtype int64
        Residues that were learned: the step depends on it.
    """

    weights: NDArray[np.float32]
    sets: NDArray[np.int64]
    seen: NDArray[np.int64]


class _State(NamedTuple):
    """Everything that is learned but the sequences themselves."""

    counts: Counts
    copies: Copies
    mixer: Mixer


class ResidueModel:
    """A mixing model of proteins; new ones know what all proteins have in common.

    Sequences are codes (`genoseq.protein`).

    Parameters
    ----------
    residues : int
        To be learned in all: the size of the tables of copies. More find less.

    Examples
    --------
    >>> from genoseq.protein import encode_protein
    >>> globin = encode_protein("MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHG")
    >>> relative = encode_protein("MVHLTPEEKSAVTALWGKVNVDEVGGEALGRLLVVYPWTQRFFESFGDLSTPDAVMGNPKVKAHG")
    >>> model = ResidueModel(1000)
    >>> alone = model.bits(relative)
    >>> size = model.learn(globin).sum()
    >>> bool(model.bits(relative) < alone)
    True
    """

    def __init__(self, residues: int = 1 << 20) -> None:
        if residues < 1:
            raise UsageError(f"a model for {residues} residues; 1 or more are expected")
        self._state = _State(new_counts(), new_copies(residues), _new_mixer())
        self._text = np.zeros(0, np.uint8)
        self._end = 0

    def learn(self, sequence: Codes) -> Floats:
        """Read a sequence and learn from every residue after it was scored.

        Returns
        -------
        ndarray, shape (n,), dtype float32
            Bits of each residue when it came: 0 for stops and unknown ones.
        """
        codes = checked(sequence, "protein")
        start = self._append(codes)
        costs = np.zeros(codes.size, np.float32)
        none = np.zeros((0, LETTERS), np.float32)
        _read(codes, self._text[: self._end], start, *self._state, costs, none, True)
        return costs

    def costs(self, sequence: Codes) -> Floats:
        """Bits of each residue: float32 (n,), 0 for stops and unknown ones."""
        return self._score(checked(sequence, "protein"), np.zeros((0, LETTERS), np.float32))

    def probabilities(self, sequence: Codes) -> Floats:
        """What comes next at each place.

        Returns
        -------
        ndarray, shape (n, 20), dtype float32
            Row ``i`` is the distribution of residue ``i`` given all before it; it adds up to 1. Rows of stops
            and unknown residues are those of all proteins.
        """
        codes = checked(sequence, "protein")
        out = np.tile(SHARES, (codes.size, 1))
        self._score(codes, out)
        return out

    def bits(self, sequence: Codes) -> float:
        """Bits of a whole sequence: its relative compression by this model."""
        return float(self.costs(sequence).sum(dtype=np.float64))

    def bits_per_residue(self, sequences: Iterable[Codes]) -> float:
        """Bits for each known residue of sequences, each of which starts anew.

        Raises
        ------
        InputError
            If they hold no known residue.
        """
        bits, residues = 0.0, 0
        for sequence in sequences:
            bits += self.bits(sequence)
            residues += known_residues(sequence)
        if not residues:
            raise InputError("no residue is one of the twenty amino acids: there is nothing to score")
        return bits / residues

    def copy(self) -> ResidueModel:
        """A model of its own that knows the same."""
        return copy.deepcopy(self)

    def _score(self, codes: Codes, probabilities: Floats) -> Floats:
        """Bits of each residue; what adapts while reading is a copy."""
        costs = np.zeros(codes.size, np.float32)
        counts, copies, mixer = self._state
        copies = copies._replace(
            hits=copies.hits.copy(), others=copies.others.copy(), logs=copies.logs.copy()
        )
        mixer = mixer._replace(weights=mixer.weights.copy())
        text = self._text[: self._end]
        _read(codes, text, self._end, counts, copies, mixer, costs, probabilities, False)
        return costs

    def _append(self, codes: Codes) -> int:
        """Add a sequence to the text, after an unknown residue, and return where it begins."""
        start = self._end + 1
        if start + codes.size > _LONGEST:
            raise UsageError(f"{start + codes.size:,} residues: a model holds less than {_LONGEST:,}")
        if start + codes.size > self._text.size:
            text = np.full(max(start + codes.size, 3 * self._end // 2), UNKNOWN, np.uint8)
            text[: self._end] = self._text[: self._end]
            self._text = text
        self._text[self._end] = UNKNOWN
        self._text[start : start + codes.size] = codes
        self._end = start + codes.size
        return start


def known_residues(sequence: Codes) -> int:
    """Residues that are one of the twenty: what a cost per residue is divided by."""
    return int(np.count_nonzero(sequence < LETTERS))


def _new_mixer() -> Mixer:
    """All models alike."""
    sizes = np.array(
        [_COSTS * (len(SEEDS) + 1), (MOST_OFTEN + 1) * (TOP + 2), LETTERS + 1, 2 * (RUNS + 1)], np.int64
    )
    weights = np.zeros((int(sizes.sum()), _MODELS), np.float32)
    weights[: sizes[0]] = _FIRST_WEIGHT
    return Mixer(weights, np.cumsum(sizes) - sizes, np.zeros(1, np.int64))


@numba.njit(cache=True, nogil=True)
def _read(sequence, text, start, counts, copies, mixer, costs, probabilities, is_learned):
    """Score every residue, then learn it.

    `sequence` stands at `start` in `text` if it is learned; otherwise `start` is the end of the text.
    """
    reading, followed = new_reading(), new_followed()
    inputs = np.zeros((_MODELS, LETTERS), np.float32)
    weights = np.zeros(_MODELS, np.float32)
    distribution = np.zeros(LETTERS, np.float32)
    rows = np.zeros(_SETS, np.int64)
    known, last = 0, np.int64(LETTERS)
    cost = _FIRST_COST
    for at in range(sequence.shape[0]):
        residue = np.int64(sequence[at])
        if residue >= LETTERS:
            known, last = 0, np.int64(LETTERS)
            cost = _FIRST_COST
            reading.words[:] = 0
            followed.place[:] = -1
            continue
        end = start + at if is_learned else start
        often = tell(known, counts, reading, inputs)
        first = _MODELS - copies.seeds.shape[0]
        active, best, longest, disagree = expect(
            at, known, end, sequence, text, copies, followed, inputs, first
        )
        rows[0] = mixer.sets[0] + min(_COSTS - 1, np.int64(2 * cost)) * (copies.seeds.shape[0] + 1) + active
        rows[1] = mixer.sets[1] + often * (TOP + 2) + best
        rows[2] = mixer.sets[2] + last
        rows[3] = mixer.sets[3] + 2 * longest + disagree
        _mix(inputs, mixer, rows, weights, distribution)
        costs[at] = -np.log2(_floored(distribution[residue]))
        cost += (costs[at] - cost) * _MEMORY
        if probabilities.shape[0]:
            for x in range(LETTERS):
                probabilities[at, x] = _floored(distribution[x])
        _adjust(residue, distribution, inputs, mixer, rows)
        follow(residue, copies, followed)
        if is_learned:
            count(residue, known, counts, reading)
            remember(known, end, copies, followed)
            mixer.seen[0] += 1
        go_on(residue, reading)
        known += 1
        last = residue


@numba.njit(forceinline=True, fastmath=True)
def _mix(inputs, mixer, rows, weights, distribution):
    """The distribution of the next residue, and the sum of the chosen rows of weights."""
    for i in range(_MODELS):
        weights[i] = (mixer.weights[rows[0], i] + mixer.weights[rows[1], i]) + (
            mixer.weights[rows[2], i] + mixer.weights[rows[3], i]
        )
    for x in range(LETTERS):
        distribution[x] = 0
    for i in range(_MODELS):
        for x in range(LETTERS):
            distribution[x] += weights[i] * inputs[i, x]
    highest = np.float32(-1e30)
    for x in range(LETTERS):
        highest = max(highest, distribution[x])
    total = np.float32(0)
    for x in range(LETTERS):
        distribution[x] = math.exp(distribution[x] - highest)
        total += distribution[x]
    scale = np.float32(1) / total
    for x in range(LETTERS):
        distribution[x] *= scale


@numba.njit(forceinline=True)
def _floored(probability):
    """A probability that no residue is denied: what is scored."""
    return probability * (np.float32(1) - LETTERS * _LEAST) + _LEAST


@numba.njit(forceinline=True, fastmath=True)
def _adjust(residue, distribution, inputs, mixer, rows):
    """Take a step down the gradient of the cost of a residue."""
    rate = np.float32(max(_SLOWEST, _FASTEST / (1 + mixer.seen[0] / _HALVED_AFTER)))
    for i in range(_MODELS):
        step = inputs[i, residue]
        for x in range(LETTERS):
            step -= distribution[x] * inputs[i, x]
        for j in range(_SETS):
            mixer.weights[rows[j], i] += rate * step
