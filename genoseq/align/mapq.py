"""Judge: the mapping quality, calibrated on simulated truth.

The evidence that ends the search (`genoseq.align.conviction`) and what the final alignment adds (its score,
and how far the best other locus stays behind) go into a logistic model of "this is the true locus". With p
its probability, MAPQ is -10 log10(1 - p), cut at 60: of the reads at MAPQ 20 one in a hundred is wrong.

Of mates, *kinship* judges: a third logistic model, over what certainty says of either, whether and how they
fit (`genoseq.align.choose`), and the lead of the pair over the best one in which this mate lies elsewhere.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.align.choose import EDIT_SCORE, Choice
from genoseq.align.conviction import CERTAINTY_FEATURES, FEATURES, KINSHIP_FEATURES, Judge, evidence
from genoseq.align.loci import Loci
from genoseq.align.pair import Pairs
from genoseq.align.vote import LEADS, SECOND

HIGHEST = 60
_SHARED = 10
_LEAD = 12.0  # edits by which the best locus leads, beyond which more is not better


def mapping_quality(
    logits: NDArray[np.float64], scores: NDArray[np.int32], seconds: NDArray[np.int32], loci: Loci
) -> NDArray[np.int32]:
    """Mapping quality of the best alignment of each read.

    Parameters
    ----------
    logits : ndarray, shape (reads,)
        Log odds of being right: `certainty_evidence` times the weights of the judge.
    scores, seconds : ndarray, shape (reads,)
        Score of the best alignment, and of the best other locus (-1: none).

    Returns
    -------
    ndarray, shape (reads,), dtype int32
        0 to 60; 0 where another locus is as good.
    """
    quality = phred(logits)
    # the exact locus of a repeat, with no context that is its own: a copy may have been missed
    signs = loci.signs
    shared = (loci.distances[:, 0] == 0) & (signs[:, LEADS] == 0) & (signs[:, SECOND] > 0)
    quality[shared] = np.minimum(quality[shared], _SHARED)
    quality[(seconds >= scores) | (loci.counts == 0)] = 0
    return quality


def pair_quality(
    quality: NDArray[np.int32],
    evidence: NDArray[np.float64],
    kinship: Judge,
    pairs: Pairs,
    choice: Choice,
) -> None:
    """Give mates the quality that they have together, in place of what each has alone.

    A mate whose other was not placed keeps its own.

    Parameters
    ----------
    quality : ndarray, shape (reads,)
        From `mapping_quality`; changed for mates.
    evidence : ndarray
        From `kinship_evidence`.
    choice : Choice
        What the pairs took.
    """
    together = phred(evidence @ kinship.weights)
    together[choice.lead.ravel() <= 0] = 0
    reads = (pairs.firsts[:, None] + np.arange(2)).ravel()
    both = (choice.rows >= 0).all(axis=1).repeat(2)
    quality[reads[both]] = together[both]


def kinship_evidence(
    logits: NDArray[np.float64],
    perfect: NDArray[np.int64],
    scores: NDArray[np.int32],
    seconds: NDArray[np.int32],
    pairs: Pairs,
    choice: Choice,
) -> NDArray[np.float64]:
    """What the judge of kinship looks at, a row for each mate: shape (2 * pairs, KINSHIP_FEATURES).

    `logits` are what certainty says of each read alone, as for `mapping_quality`; `perfect` and the scores as
    for `certainty_evidence`.
    """
    reads = pairs.firsts[:, None] + np.arange(2)
    own = np.clip(logits[reads], -8, 14)
    other = own[:, ::-1]
    identity = scores[reads] / perfect[reads]
    alone = np.where(seconds[reads] < 0, _LEAD, (scores[reads] - seconds[reads]) / EDIT_SCORE)
    alone = np.clip(alone, -_LEAD, _LEAD)
    lead = np.minimum(choice.lead, _LEAD)
    proper = choice.proper[:, None] * np.ones(2)
    rescued = pairs.unions.rescued
    columns = (
        own, other, np.minimum(own, other), np.maximum(own, other), own * proper, other * proper,
        proper, choice.cost[:, None] * proper, lead, np.minimum(lead, 2), lead * proper,
        alone, np.minimum(alone, 1), alone[:, ::-1], identity, identity[:, ::-1],
        np.minimum(identity, identity[:, ::-1]) ** 2, rescued * proper, rescued[:, ::-1] * proper,
        np.ones_like(own),
    )  # fmt: skip
    return np.stack(columns, axis=2).reshape(-1, KINSHIP_FEATURES)


def phred(logits: NDArray[np.float64]) -> NDArray[np.int32]:
    """-10 log10 of the probability of error, for the log odds of being right; at most `HIGHEST`."""
    return np.minimum(np.logaddexp(0.0, logits) * (10 / np.log(10)), HIGHEST).astype(np.int32)


def certainty_evidence(
    lengths: NDArray[np.int64],
    perfect: NDArray[np.int64],
    scores: NDArray[np.int32],
    seconds: NDArray[np.int32],
    loci: Loci,
) -> NDArray[np.float64]:
    """What the judge of certainty looks at, shape (reads, CERTAINTY_FEATURES).

    Parameters
    ----------
    lengths : ndarray, shape (reads,)
        bp.
    perfect : ndarray, shape (reads,)
        Score of a read that matches everywhere.
    scores, seconds : ndarray, shape (reads,)
        Score of the best alignment, and of the best other locus (-1: none).
    """
    out = np.zeros((len(lengths), CERTAINTY_FEATURES))
    search_evidence(lengths, loci, out)
    identity = scores / perfect
    lead = np.where(seconds < 0, _LEAD, np.minimum((scores - seconds) / EDIT_SCORE, _LEAD))
    out[:, FEATURES] = identity
    out[:, FEATURES + 1] = identity**2
    out[:, FEATURES + 2] = lead
    out[:, FEATURES + 3] = np.minimum(lead, 2)
    out[:, FEATURES + 4] = lead * identity
    out[:, FEATURES + 5] = np.minimum(np.maximum(identity - 0.3, 0) * lengths, 60) / 10
    out[:, FEATURES + 6] = np.maximum(scores, 0) / 100
    return out


@numba.njit(cache=True, nogil=True)
def search_evidence(lengths: NDArray[np.int64], loci: Loci, out: NDArray[np.float64]) -> None:
    """`genoseq.align.conviction.evidence` for each read that has a locus, into the first columns of `out`."""
    for read in range(lengths.shape[0]):
        if loci.counts[read]:
            evidence(
                lengths[read], loci.distances[read], loci.votes[read], loci.counts[read], loci.tops[read],
                loci.signs[read], loci.asked[read], out[read],
            )  # fmt: skip
