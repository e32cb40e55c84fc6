"""Mixer: one distribution from what many models say.

Each model gives a number of nats for each base; the distribution is the softmax of their weighted sum (the
logistic mixing of Mahoney, "Adaptive weighing of context models", 2005, for four symbols instead of two).
After each base the weights take a step down the gradient of its cost. Which model can be trusted depends on
the place, so the weights are a sum of four sets, from each of which the situation picks one:

1. how well the last bases were predicted, and how good the best copy is;
2. how many long contexts were seen before, and how often the longest with a row of its own was;
3. the last four bases;
4. how many copies there are, and whether they agree.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.ncd.contexts import MOST_OFTEN

_COSTS, _QUALITIES = 16, 9  # classes of the recent cost and of the best copy
_FOUR_BASES = 256
_FIRST_WEIGHT = 0.3  # of all models; the sum settles within some thousand bases
_FASTEST, _SLOWEST, _HALVED_AFTER = 0.02, 0.0005, 2e4
"""Step of the weights at the first base, at last, and the bases after which it is half the first. On 10 Mb of
human chromosome 20 a last step of 0.001 costs 0.0004 bits/base, one of 0.00025 nothing."""
_LEAST = np.float32(2e-4)
"""Probability that every base keeps: a base that could not come costs 12 bits, a certain one 0.001."""
_MEMORY = np.float32(1 / 16)  # of the recent cost: the last 16 bases


class Mixer(NamedTuple):
    """Weights.

    Attributes
    ----------
    weights : ndarray, shape (situations, models), dtype float32
        Four sets, end to end.
    sets : ndarray, shape (4,), dtype int64
        Row at which each begins.
    seen : ndarray, shape (1,), dtype int64
        Bases that were learned: the step depends on it.
    """

    weights: NDArray[np.float32]
    sets: NDArray[np.int64]
    seen: NDArray[np.int64]


def new_mixer(models: int, long_contexts: int, copies: int) -> Mixer:
    """All models alike."""
    sizes = np.array(
        [_COSTS * _QUALITIES, (long_contexts + 1) * (MOST_OFTEN + 1), _FOUR_BASES, 2 * (copies + 1)]
    )
    weights = np.zeros((int(sizes.sum()), models), np.float32)
    weights[: sizes[0]] = _FIRST_WEIGHT
    return Mixer(weights, np.cumsum(sizes) - sizes, np.zeros(1, np.int64))


@numba.njit(forceinline=True)
def situation(cost, best, seen, often, history, active, disagree, mixer, rows):
    """Put the row of each set that holds here into `rows`.

    Parameters
    ----------
    cost : float
        Mean of the last bases, bits.
    best : int
        Quality of the best copy, 0..8.
    seen, often : int
        Long contexts that were seen before, and how often the longest with a row was: what
        `contexts.tell` returns.
    active, disagree : int
        Copies, and whether they disagree (0 or 1).
    """
    rows[0] = mixer.sets[0] + min(_COSTS - 1, int(6 * cost)) * _QUALITIES + best
    rows[1] = mixer.sets[1] + seen * (MOST_OFTEN + 1) + often
    rows[2] = mixer.sets[2] + np.int64(history & np.uint64(_FOUR_BASES - 1))
    rows[3] = mixer.sets[3] + 2 * active + disagree


@numba.njit(forceinline=True, fastmath=True)
def mix(inputs, mixer, rows, sums, weights, distribution):
    """The distribution of the next base.

    Parameters
    ----------
    inputs : ndarray, shape (4, models), dtype float32
        What each model says of each base, nats up to a constant.
    rows : ndarray, shape (4,), dtype int64
    sums : ndarray, shape (4,), dtype float32
        What is added to the weighted sum of each base.
    weights : ndarray, shape (models,), dtype float32
        Receives the sum of the rows.
    distribution : ndarray, shape (4,), dtype float32
        Receives the result.
    """
    models = inputs.shape[1]
    for i in range(models):
        weights[i] = (mixer.weights[rows[0], i] + mixer.weights[rows[1], i]) + (
            mixer.weights[rows[2], i] + mixer.weights[rows[3], i]
        )
    highest = np.float32(-1e30)
    for base in range(4):
        total = sums[base]
        for i in range(models):
            total += weights[i] * inputs[base, i]
        distribution[base] = total
        highest = max(highest, total)
    total = np.float32(0)
    for base in range(4):
        distribution[base] = math.exp(distribution[base] - highest)
        total += distribution[base]
    for base in range(4):
        distribution[base] = distribution[base] / total


@numba.njit(forceinline=True)
def floored(probability):
    """A probability that no base is denied: what is scored."""
    return probability * (np.float32(1) - 4 * _LEAST) + _LEAST


@numba.njit(forceinline=True, fastmath=True)
def adjust(base, distribution, inputs, mixer, rows, errors):
    """Take a step down the gradient of the cost of a base.

    Parameters
    ----------
    errors : ndarray, shape (4,), dtype float32
        Receives the step times 1 for the base that came, less the distribution.
    """
    rate = np.float32(max(_SLOWEST, _FASTEST / (1 + mixer.seen[0] / _HALVED_AFTER)))
    for other in range(4):
        errors[other] = -rate * distribution[other]
    errors[base] += rate
    for i in range(inputs.shape[1]):
        step = (errors[0] * inputs[0, i] + errors[1] * inputs[1, i]) + (
            errors[2] * inputs[2, i] + errors[3] * inputs[3, i]
        )
        for j in range(4):
            mixer.weights[rows[j], i] += step


@numba.njit(forceinline=True)
def recent(cost, bits):
    """The mean cost of the last bases with one more."""
    return cost + (bits - cost) * _MEMORY
