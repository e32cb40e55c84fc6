"""Copies of the mixing model of proteins: a homolog goes on as it did, in spite of substitutions.

A copy points into what was learned and expects the residue there. It begins at the latest place where the
last residues stand, as many as its seed has, and follows it residue by residue: a hit adds 1 to its score, at
most `TOP`, a miss takes 1, and below 0 it is given up. How often it is right is learned for each score and
number of hits since the last miss.

What comes if it is wrong is learned too, for each residue that was expected, and begins with BLOSUM62. By
that a copy of a distant homolog is worth something where nearly every residue has been replaced.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.ncd.residue_contexts import LETTERS
from genoseq.ncd.substitutions import BACKGROUND, BLOSUM62
from genoseq.protein import UNKNOWN

SEEDS = (24, 14, 9, 6, 4)
"""Residues at which a copy begins. On 4,000 proteins of UniProt they give 3.402 bits/residue, (20, 11, 6, 4)
3.405, (16, 8, 4) 3.419."""
TOP, MISS = 16, 1
"""Highest score, and what a miss takes. On the same, TOP 24 and 32 cost 0.006 and 0.011 more, MISS 2 and 3
0.03 and 0.07: homologs are worth following for long."""
RUNS = 12
"""Classes of the hits since the last miss."""
_COMPARED = 32  # residues, to see how long a match is
_HIT_RATE = np.float32(0.01)
_PRIOR = 20.0  # substitutions of each residue that BLOSUM62 is worth
_STEP, _SURE = np.float32(0.25), 4  # what a substitution counts, and the score above which it is one
_LEAST = np.float32(1e-3)
_FEWEST_BITS, _MOST_BITS = 10, 26
# Odd multipliers with well mixed bits: 2**64 over the golden ratio, and the first of splitmix64.
_MIX, _MIX_AGAIN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class Copies(NamedTuple):
    """What copies know.

    Attributes
    ----------
    seeds : ndarray, shape (copies,), dtype int64
    places : ndarray, shape (copies, slots), dtype int32
        Hash of the last residues -> the place after them in what was learned, 0 for none.
    hits : ndarray, shape (copies, scores * runs), dtype float32
        Probability of the residue that is expected.
    others, logs : ndarray, shape (20, 20), dtype float32
        How often each residue came where another was expected, and the logarithms of their shares.
    """

    seeds: NDArray[np.int64]
    places: NDArray[np.int32]
    hits: NDArray[np.float32]
    others: NDArray[np.float32]
    logs: NDArray[np.float32]


class Followed(NamedTuple):
    """Where each copy stands while a sequence is read.

    Attributes
    ----------
    place, score, run, expected, cell : ndarray, shape (copies,), dtype int64
        The place that it points to (-1 for none), its score, hits since the last miss, the residue that it
        expects and the entry of its `hits`.
    slots : ndarray, shape (copies,), dtype int64
        Of the last residues in its table.
    """

    place: NDArray[np.int64]
    score: NDArray[np.int64]
    run: NDArray[np.int64]
    expected: NDArray[np.int64]
    cell: NDArray[np.int64]
    slots: NDArray[np.int64]


def _replacements() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What BLOSUM62 knows: `others` and `logs` to begin with."""
    shares = BACKGROUND * 2.0 ** (BLOSUM62 / 2)  # odds in half bits times what is expected by chance
    np.fill_diagonal(shares, 0)
    others = (_PRIOR * shares / shares.sum(1, keepdims=True)).astype(np.float32)
    logs = np.log(np.maximum(others, _LEAST) / others.sum(1, keepdims=True))
    return others, logs.astype(np.float32)


_OTHERS, _LOGS = _replacements()
_SCORES, _RUN_CLASSES = np.arange(TOP + 1)[:, None], np.arange(RUNS)
_HITS = np.minimum(0.05 + 0.03 * _SCORES + 0.03 * _RUN_CLASSES, 0.95).astype(np.float32).reshape(1, -1)


def new_copies(residues: int) -> Copies:
    """Copies that know of nothing yet, with tables for so many residues to be learned."""
    bits = min(max((residues - 1).bit_length(), _FEWEST_BITS), _MOST_BITS)
    seeds = np.array(SEEDS, np.int64)
    places = np.zeros((len(seeds), 1 << bits), np.int32)
    return Copies(seeds, places, _HITS.repeat(len(seeds), 0), _OTHERS.copy(), _LOGS.copy())


@numba.njit(cache=True, nogil=True)
def new_followed():
    """No copy points anywhere."""
    number = len(SEEDS)
    return Followed(
        np.full(number, -1, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
    )


@numba.njit(forceinline=True)
def _slot(sequence, at, seed, slots):
    """Where the residues before `at` are in a table of so many slots, a power of two."""
    word = np.uint64(seed)
    for i in range(at - seed, at):
        word = word * _MIX + np.uint64(sequence[i]) + np.uint64(1)
    word = (word ^ word >> np.uint64(29)) * _MIX_AGAIN
    return np.int64(word >> np.uint64(32)) & (slots - 1)


@numba.njit(forceinline=True)
def _run_class(run):
    """0..11 for the hits since the last miss."""
    return run if run < 6 else 6 + (run >= 8) + (run >= 12) + (run >= 16) + (run >= 24) + (run >= 32)


@numba.njit(cache=True, nogil=True)
def begin(c, at, known, sequence, text, place, copies, followed):
    """Let copy `c` point to a place of `text` if the residues before it are those before `at`."""
    same = 0
    most = min(known, _COMPARED)
    while same < most and place - 1 - same >= 0 and text[place - 1 - same] == sequence[at - 1 - same]:
        same += 1
    if same >= copies.seeds[c]:
        followed.place[c] = place
        followed.run[c] = same
        followed.score[c] = min(TOP, same)


@numba.njit(forceinline=True, fastmath=True)
def expect(at, known, end, sequence, text, copies, followed, inputs, first):
    """What each copy says of the twenty residues: rows of `inputs` from `first` on, zeros for no copy.

    Parameters
    ----------
    end : int
        Of what was learned in `text`.

    Returns
    -------
    tuple of int
        How many copies there are; 1 more than the best score, 0 for none; 1 more than the class of the
        longest run; whether they disagree (0 or 1).
    """
    active, best, longest, disagree = 0, 0, 0, 0
    common = np.int64(-1)
    for c in range(copies.seeds.shape[0]):
        for x in range(LETTERS):
            inputs[first + c, x] = 0
        seed = copies.seeds[c]
        if known >= seed:
            followed.slots[c] = _slot(sequence, at, seed, copies.places.shape[1])
            if followed.place[c] < 0:
                place = np.int64(copies.places[c, followed.slots[c]])
                if place > 0:
                    begin(c, at, known, sequence, text, place, copies, followed)
        place = followed.place[c]
        if place < 0:
            continue
        expected = np.int64(text[place]) if place < end else np.int64(UNKNOWN)
        if expected >= LETTERS:
            followed.place[c] = -1
            continue
        run = _run_class(followed.run[c])
        cell = followed.score[c] * RUNS + run
        followed.expected[c] = expected
        followed.cell[c] = cell
        hit = copies.hits[c, cell]
        miss = math.log(np.float32(1) - hit)
        for x in range(LETTERS):
            inputs[first + c, x] = miss + copies.logs[expected, x]
        inputs[first + c, expected] = math.log(hit)
        active += 1
        best = max(best, 1 + followed.score[c])
        longest = max(longest, 1 + run)
        if common >= 0 and common != expected:
            disagree = 1
        common = expected
    return active, best, longest, disagree


@numba.njit(forceinline=True)
def follow(residue, copies, followed):
    """Compare what came with what was expected, and go one residue on."""
    for c in range(copies.seeds.shape[0]):
        if followed.place[c] < 0:
            continue
        expected = followed.expected[c]
        is_hit = expected == residue
        hit = copies.hits[c, followed.cell[c]]
        copies.hits[c, followed.cell[c]] = hit + _HIT_RATE * (np.float32(is_hit) - hit)
        followed.place[c] += 1
        if is_hit:
            followed.run[c] += 1
            followed.score[c] = min(TOP, followed.score[c] + 1)
            continue
        if followed.score[c] > _SURE:
            _replace(expected, residue, copies)
        followed.run[c] = 0
        followed.score[c] -= MISS
        if followed.score[c] < 0:
            followed.place[c] = -1


@numba.njit(cache=True, nogil=True)
def _replace(expected, residue, copies):
    """Learn that one residue came in the place of another."""
    copies.others[expected, residue] += _STEP
    total = np.float32(0)
    for x in range(LETTERS):
        total += copies.others[expected, x]
    for x in range(LETTERS):
        copies.logs[expected, x] = math.log(max(copies.others[expected, x], _LEAST) / total)


@numba.njit(forceinline=True)
def remember(known, end, copies, followed):
    """Put the place after the last residues of what was learned under their seeds."""
    for c in range(copies.seeds.shape[0]):
        if known >= copies.seeds[c]:
            copies.places[c, followed.slots[c]] = end
