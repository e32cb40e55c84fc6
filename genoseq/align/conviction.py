"""Conviction, certainty and kinship: judges learned from simulated reads of known origin.

*Conviction* is asked after each stage of the cascade: would a later stage still find a better locus? If not,
the read is done. *Certainty* is asked at the end: is the reported locus the true one? Its answer is the
mapping quality. The two differ where a read has two identical loci: searching on is pointless, and the answer
is a guess. *Kinship* gives the mapping quality of mates, from what certainty says of both and from how they
fit (`genoseq.align.mapq`). *Passage* gives that of the alignments of long reads (`genoseq.align.long`).

All are logistic models. The first two look at the same numbers (`evidence`): how close the best verified
locus is, how far behind its nearest rival stays, how the votes divide, how crowded the neighbourhood of the
anchors is. ``pipelines/calibrate_align.py`` fits the first three, ``genoseq/weights/judges.md`` has data and
figures; passage is ``pipelines/calibrate_long.py`` and ``passage.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.vote import ASKED, FULL, HIT, LEADS, SECOND
from genoseq.errors import CheckpointError

FEATURES = 37
"""Numbers that conviction looks at."""
CERTAINTY_FEATURES = FEATURES + 7
"""Numbers that certainty looks at: those of conviction and of the final alignment (`genoseq.align.mapq`)."""
KINSHIP_FEATURES = 20
"""Numbers that kinship looks at (`genoseq.align.mapq.kinship_evidence`)."""
PASSAGE_FEATURES = 14
"""Numbers that passage looks at (`genoseq.align.long.passage_evidence`)."""
DEEP = 8
"""Who asked for more hits of an anchor than this has seen copies of a repeat."""
_FEATURES = {
    "conviction": FEATURES,
    "certainty": CERTAINTY_FEATURES,
    "kinship": KINSHIP_FEATURES,
    "passage": PASSAGE_FEATURES,
}
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
    """The judge that ships under `name`: ``conviction``, ``certainty``, ``kinship`` or ``passage``.

    Raises
    ------
    CheckpointError
        If its weights do not fit the evidence.
    """
    page = "passage.json" if name == "passage" else "judges.json"
    file = resources.files("genoseq").joinpath(f"weights/{page}")
    weights = np.array(json.loads(file.read_text())[name], np.float64)
    expected = _FEATURES[name]
    if weights.shape != (expected,):
        raise CheckpointError(f"{file}: {name} has {weights.size} weights, expected {expected}")
    return Judge(weights)


@numba.njit(cache=True, nogil=True)
def evidence(
    length: int,
    distances: NDArray[np.int32],
    votes: NDArray[np.float32],
    count: int,
    tops: NDArray[np.float32],
    signs: NDArray[np.int32],
    asked: int,
    out: NDArray[np.float64],
) -> None:
    """What is known of a read, as numbers.

    Parameters
    ----------
    length : int
        Of the read, bp.
    distances, votes, count, tops, signs, asked
        The read's row of `genoseq.align.loci.Loci`; at least one locus is verified.
    out : ndarray, shape (FEATURES,), dtype float64
        Receives the evidence; the last number is 1.
    """
    best = min(distances[0] / length, 0.5)
    rival = min(distances[1] / length, _FAR) if count > 1 else _FAR
    gap = max(rival - best, 0.0)
    top, second = tops[0], tops[1]
    share = second / max(top, 1e-3)
    anchors = max(signs[HIT], 1)
    crowded = signs[SECOND] / anchors
    exact = distances[0] == 0
    out[0] = best
    out[1] = gap
    out[2] = share
    out[3] = crowded
    out[4] = top
    out[5] = second
    out[6] = min(anchors, 60)
    out[7] = length / 100
    out[8] = votes[0] / max(top, 1e-3)
    out[9] = 1.0 if exact else 0.0
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
    out[23] = 0.0 if exact else crowded
    out[24] = 1.0 if not exact and crowded > 0 else 0.0
    out[25] = 1.0 if asked > DEEP else 0.0
    out[26] = out[25] * crowded
    out[27] = signs[FULL] / max(signs[ASKED], 1)
    out[28] = signs[LEADS] / anchors
    out[29] = 1.0 if signs[LEADS] > 0 else 0.0
    out[30] = out[9] * out[29]
    out[31] = top / max(tops[2], 1e-3)
    out[32] = out[31] * out[27]
    out[33] = min(votes[0], 0.5)  # what one anchor can say
    out[34] = min(votes[0], 1.0)
    out[35] = min(votes[0], 2.0)
    out[36] = 1.0
