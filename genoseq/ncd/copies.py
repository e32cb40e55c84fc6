"""Copies: where the last bases stood before, the sequence went on in some way; say that it does so again.

A copy points into what was learned and expects the base there. It begins at the latest place where the last
`seed` bases (and not by accident of the hash only) stand, and follows it base for base, forwards, or
backwards on the other strand, in spite of substitutions: a hit adds 1 to its score, at most `TOP`, a miss
takes `MISS`, and below 0 it is given up, as a drop-off ends the extension of an alignment. Copies with short
seeds find old repeats, those with long ones are right more often; they lie in different repeats, and better
so: making them agree on the best place costs 0.005 bits/base on human chromosome 20.

How often a copy is right, and which base comes if it is not, is learned for each score and number of hits
since the last miss: most substitutions are transitions. Whether the site is a CpG, which mutates ten times as
often, was tried and is of no use (0.0002 bits/base more on 8 Mb of human chromosome 20).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.ncd.contexts import OTHER_STRAND, RING, THIS_STRAND, last_bases, mixed, prefetch
from genoseq.sequence import AMBIGUOUS

TOP, MISS, WORTH_NOTHING = 12, 2, 8
"""Highest score, cost of a miss; the score at the start is the number of matching bases less the third. On
10 Mb of human chromosome 20: TOP 8, 12, 16, 32 gave 1.6555, 1.6536, 1.6544, 1.6588 bits/base, MISS 1 and 3
cost 0.002 and 0.006 more than 2, WORTH_NOTHING 4 costs 0.001."""
_COMPARED = 32  # bases, to see how long a match is
_RUNS = 16
_RATE = np.float32(0.004)  # 1/250 of the way to each outcome; 0.002 and 0.008 give the same within 0.0003
_STEPS = np.float32(4095)  # of a probability, to look up its logarithm
_LOGS = np.log(np.maximum(np.arange(4096), 0.5) / 4095).astype(np.float32)
_UNKNOWN = np.uint8(AMBIGUOUS)


class Copies(NamedTuple):
    """What copies know in common.

    Attributes
    ----------
    seeds : ndarray, shape (lengths,), dtype int64
        Length of the seed of each table, bp.
    bits, homes : ndarray, shape (lengths,), dtype int64
        Of the table of each length: binary logarithm of its size, number of its first slot.
    places : ndarray, shape (n,), dtype int32
        Hash of a seed -> place after it in what was learned, 0 for none.
    owner, backwards : ndarray, shape (copies,), dtype int64
        Of each copy: its table, and whether it reads the other strand.
    outcomes : ndarray, shape (copies, scores * runs, 4), dtype float32
        Probability of each difference (exclusive or of the codes) from the expected base: 0 none,
        2 a transition, 1 and 3 the transversions.
    """

    seeds: NDArray[np.int64]
    bits: NDArray[np.int64]
    homes: NDArray[np.int64]
    places: NDArray[np.int32]
    owner: NDArray[np.int64]
    backwards: NDArray[np.int64]
    outcomes: NDArray[np.float32]


class Followed(NamedTuple):
    """Where each copy stands while a sequence is read.

    Attributes
    ----------
    place, score, run, expected, row : ndarray, shape (copies,), dtype int64
        The place that it points to (-1 for none), its score, hits since the last miss, the base that it
        expects and the row of its outcomes.
    slots : ndarray, shape (RING, 2, lengths), dtype int64
        Of the next bases: where the seeds before them are in the tables, as they are and on the other strand.
    """

    place: NDArray[np.int64]
    score: NDArray[np.int64]
    run: NDArray[np.int64]
    expected: NDArray[np.int64]
    row: NDArray[np.int64]
    slots: NDArray[np.int64]


def new_copies(seeds: Sequence[int], table_bits: int, *, both_strands: bool) -> Copies:
    """Copies that know of nothing yet: for each length of seed one forwards and, if asked, one backwards.

    `table_bits` is the binary logarithm of the size of a table, at most.
    """
    lengths = np.array(seeds, np.int64)
    bits = np.minimum(2 * lengths + 1, table_bits)
    sizes = 2**bits
    strands = (0, 1) if both_strands else (0,)
    number = len(seeds) * len(strands)
    score, run = np.arange(TOP + 1)[:, None], np.arange(_RUNS)
    right = np.minimum(0.3 + 0.04 * score + 0.01 * run, 0.95)
    wrong = 1 - right  # half of the substitutions are transitions; learning sets all this right soon
    outcomes = np.stack([right, wrong / 4, wrong / 2, wrong / 4], -1).reshape(1, -1, 4)
    return Copies(
        seeds=lengths,
        bits=bits,
        homes=np.cumsum(sizes) - sizes,
        places=np.zeros(int(sizes.sum()), np.int32),
        owner=np.arange(len(seeds)).repeat(len(strands)),
        backwards=np.tile(np.array(strands, np.int64), len(seeds)),
        outcomes=outcomes.astype(np.float32).repeat(number, 0),
    )


@numba.njit(cache=True, nogil=True)
def new_followed(copies):
    """No copy points anywhere."""
    number = copies.owner.shape[0]
    return Followed(
        np.full(number, -1, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros(number, np.int64),
        np.zeros((RING, 2, copies.seeds.shape[0]), np.int64),
    )


@numba.njit(forceinline=True)
def find_seeds(slot, forward, backward, copies, followed):
    """Find the slots of the seeds that end before a base that is `AHEAD`, and fetch them."""
    for i in range(copies.seeds.shape[0]):
        seed = copies.seeds[i]
        beyond = np.uint64(64 - copies.bits[i])
        this = copies.homes[i] + np.int64(mixed(last_bases(forward, seed)) >> beyond)
        other = copies.homes[i] + np.int64(mixed(backward >> np.uint64(64 - 2 * seed)) >> beyond)
        followed.slots[slot, THIS_STRAND, i] = this
        followed.slots[slot, OTHER_STRAND, i] = other
        prefetch(copies.places, this)
        prefetch(copies.places, other)


@numba.njit(cache=True, nogil=True)
def begin(c, at, known, end, sequence, text, place, copies, followed):
    """Let copy `c` point to what followed a seed, if the bases before it are the same.

    Parameters
    ----------
    at : int
        The base of `sequence` to be expected.
    known : int
        Known bases before it.
    end : int
        Of what was learned in `text`.
    place : int
        After the seed in `text`.
    """
    seed = copies.seeds[copies.owner[c]]
    same = 0
    most = min(known, _COMPARED)
    if copies.backwards[c]:
        first = place - seed
        while same < most and first + same < end and text[first + same] == 3 - sequence[at - 1 - same]:
            same += 1
        place = first - 1
    else:
        while same < most and place - 1 - same >= 0 and text[place - 1 - same] == sequence[at - 1 - same]:
            same += 1
    if same >= seed and place >= 0:
        followed.place[c] = place
        followed.run[c] = same
        followed.score[c] = min(TOP, max(same - WORTH_NOTHING, 1))


@numba.njit(forceinline=True)
def _run_class(run):
    """0..15 for the hits since the last miss."""
    if run < 8:
        return run
    if run < 32:
        return 8 + (run - 8) // 4 if run < 16 else 10 + (run - 16) // 8
    return 12 + (run >= 50) + (run >= 100) + (run >= 400)


@numba.njit(forceinline=True)
def expect(at, slot, known, end, sequence, text, copies, followed, inputs, first):
    """What each copy says of the four bases, in the columns of `inputs` from `first` on.

    Returns
    -------
    tuple of int
        How good the best copy is, 0 (none) to 8; how many there are; whether they disagree.
    """
    best, active, disagree = 0, 0, 0
    common = np.int64(_UNKNOWN)
    for c in range(copies.owner.shape[0]):
        for base in range(4):
            inputs[base, first + c] = 0
        if followed.place[c] < 0 and known >= copies.seeds[copies.owner[c]]:
            place = copies.places[followed.slots[slot, copies.backwards[c], copies.owner[c]]]
            if place > 0:
                begin(c, at, known, end, sequence, text, np.int64(place), copies, followed)
        place = followed.place[c]
        if place < 0:
            continue
        expected = np.int64(text[place] if place < end else _UNKNOWN)
        if expected >= _UNKNOWN:
            followed.place[c] = -1
            continue
        if copies.backwards[c]:
            expected = 3 - expected
        run = _run_class(followed.run[c])
        row = followed.score[c] * _RUNS + run
        followed.expected[c] = expected
        followed.row[c] = row
        for base in range(4):
            inputs[base, first + c] = _LOGS[np.int64(copies.outcomes[c, row, expected ^ base] * _STEPS)]
        best = max(best, 1 + run // 4 + 4 * (followed.score[c] >= WORTH_NOTHING))
        active += 1
        disagree |= common != _UNKNOWN and common != expected
        common = expected
    return best, active, disagree


@numba.njit(forceinline=True)
def follow(base, copies, followed):
    """Compare what came with what was expected, and go one base on."""
    for c in range(copies.owner.shape[0]):
        if followed.place[c] < 0:
            continue
        row = followed.row[c]
        for difference in range(4):
            copies.outcomes[c, row, difference] -= _RATE * copies.outcomes[c, row, difference]
        copies.outcomes[c, row, followed.expected[c] ^ base] += _RATE
        if followed.expected[c] == base:
            followed.run[c] += 1
            followed.score[c] = min(TOP, followed.score[c] + 1)
        else:
            followed.run[c] = 0
            followed.score[c] -= MISS
        followed.place[c] += -1 if copies.backwards[c] else 1
        if followed.score[c] < 0:
            followed.place[c] = -1


@numba.njit(forceinline=True)
def remember(slot, known, end, copies, followed):
    """Put the place after the last bases of what was learned under their seeds."""
    for i in range(copies.seeds.shape[0]):
        if known >= copies.seeds[i]:
            copies.places[followed.slots[slot, THIS_STRAND, i]] = end
