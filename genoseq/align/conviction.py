"""Conviction and certainty: two judges over the same evidence, learned from simulated reads of known origin.

*Conviction* is asked after each stage of the cascade: would a later stage still find a better locus? If not, the read is
done. *Certainty* is asked at the end: is the reported locus the true one? Its answer is the mapping quality. The two differ
where a read has two identical loci: searching on is pointless, and the answer is a guess.

Both are logistic models over `FEATURES` numbers (`evidence`): how close the best verified locus is, how far behind its
nearest rival stays, how the votes divide, how crowded the neighbourhood of the anchors is. ``pipelines/calibrate_align.py``
fits them; ``genoseq/weights/judges.md`` has the data and the figures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import CheckpointError

FEATURES = 28
"""Numbers that conviction looks at."""
CERTAINTY_FEATURES = FEATURES + 7
"""Numbers that certainty looks at: those of conviction and of the final alignment (`genoseq.align.mapq`)."""
_FAR = 0.45  # edit distance (share) of a random locus; no rival is counted as further away


@dataclass(frozen=True)
class Judge:
    """A logistic model.

    Attributes
    ----------
    weights : ndarray, dtype float64
        Applied to the evidence; the sum is positive if the judge says yes.
    """

    weights: NDArray[np.float64]


@cache
def judge(name: str) -> Judge:
    """The judge that ships under `name`: ``conviction`` or ``certainty``.

    Raises
    ------
    CheckpointError
        If its weights do not fit the evidence.
    """
    file = resources.files("genoseq").joinpath("weights/judges.json")
    weights = np.array(json.loads(file.read_text())[name], np.float64)
    expected = CERTAINTY_FEATURES if name == "certainty" else FEATURES
    if weights.shape != (expected,):
        raise CheckpointError(f"{file}: {name} has {weights.size} weights, expected {expected}")
    return Judge(weights)


@numba.njit(cache=True, nogil=True)
def evidence(length, distances, votes, count, top, second, crowd, deep, out):
    """What is known of a read, as numbers.

    Parameters
    ----------
    length : int
        Of the read, bp.
    distances, votes : ndarray
        Verified loci of the read, best first (see `genoseq.align.cascade.Loci`).
    count : int
        How many there are (at least one).
    top, second : float
        Votes of the best and the second cluster.
    crowd : ndarray, shape (2,)
        Anchors with a strong second hit, anchors with a hit.
    deep : bool
        Whether many hits of each anchor were asked for, so that copies of a repeat have been seen.
    out : ndarray, shape (FEATURES,), dtype float64
        Receives the evidence; the last number is 1.
    """
    best = min(distances[0] / length, 0.5)
    rival = min(distances[1] / length, _FAR) if count > 1 else _FAR
    gap = max(rival - best, 0.0)
    share = second / max(top, 1e-3)
    anchors = max(crowd[1], 1)
    crowded = crowd[0] / anchors
    out[0] = best
    out[1] = gap
    out[2] = share
    out[3] = crowded
    out[4] = top
    out[5] = second
    out[6] = min(anchors, 60)
    out[7] = length / 100
    out[8] = votes[0] / max(top, 1e-3)
    out[9] = 1.0 if distances[0] == 0 else 0.0
    out[10] = best * best
    out[11] = gap * gap
    out[12] = best * gap
    out[13] = share * gap
    out[14] = share * best
    out[15] = crowded * gap
    out[16] = crowded * best
    out[17] = min(gap, 0.05)
    out[18] = min(gap, 0.1)
    out[19] = top / anchors
    out[20] = second / anchors
    out[21] = max(best - 0.15, 0.0)
    out[22] = min(gap * length, 3.0)
    inexact = 1.0 - out[9]
    out[23] = inexact * crowded
    out[24] = inexact if crowded > 0 else 0.0
    out[25] = 1.0 if deep else 0.0
    out[26] = out[25] * crowded
    out[27] = 1.0
