"""A hidden layer: what a weighted sum cannot say.

The mixer hears each model with one weight in each situation. A small network beside it sees what all models
say of all four bases at once, and the situation, and adds to the sums of the mixer before they become a
distribution,

    sum(x) + second[x] . max(0, first . features),

as the neural mixing of GeCo3 (Silva, Pratas and Pinho, GigaScience 2020) has it beside what it mixes. It
takes a step down the gradient of the cost after each base, as the mixer does. The second matrix begins with
zeros, so that a new model is the mixer alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

_SITUATION = 15
"""Features of the situation: a constant, six figures, the last two bases."""
_HALF = np.float32(0.5)  # of what models say, less the mean of the four bases: about -4..4 nats
_QUARTER = np.float32(0.25)
_FASTEST, _SLOWEST, _HALVED_AFTER = 0.01, 0.001, 2e5
"""Step at the first base, at last, and the bases after which it is half the first. On 10 Mb of human
chromosome 20, which cost 1.645 bits/base without and 1.642 with 24 nodes, 0.02 and 0.01 save a third less;
32 nodes give no more. It takes a fifth of the time."""


class Hidden(NamedTuple):
    """Weights.

    Attributes
    ----------
    first : ndarray, shape (nodes, features), dtype float32
    second : ndarray, shape (4, nodes), dtype float32
    """

    first: NDArray[np.float32]
    second: NDArray[np.float32]


class Excited(NamedTuple):
    """What the network sees and says of a base.

    Attributes
    ----------
    features : ndarray, shape (features,), dtype float32
    nodes : ndarray, shape (nodes,), dtype float32
    """

    features: NDArray[np.float32]
    nodes: NDArray[np.float32]


def new_hidden(nodes: int, models: int) -> Hidden:
    """A network of so many nodes; with none it says nothing.

    The first weights are as good as random, and the same everywhere.
    """
    width = 4 * models + _SITUATION
    spread = np.sin(12.9898 * np.arange(1, nodes * width + 1)) * np.sqrt(2 / width)
    first = spread.astype(np.float32).reshape(nodes, width)
    return Hidden(first, np.zeros((4, nodes), np.float32))


@numba.njit(cache=True, nogil=True)
def new_excited(hidden):
    """Before the first base."""
    return Excited(np.zeros(hidden.first.shape[1], np.float32), np.zeros(hidden.first.shape[0], np.float32))


@numba.njit(forceinline=True, fastmath=True)
def excite(inputs, cost, best, seen, often, history, active, disagree, hidden, excited, sums):
    """Put what the network adds to each base into `sums` (4,).

    The situation is that of `mixer.situation`, `inputs` that of `mixer.mix`.
    """
    for base in range(4):
        sums[base] = 0
    if not hidden.first.shape[0]:
        return
    features = excited.features
    models = inputs.shape[1]
    for i in range(models):
        mean = ((inputs[0, i] + inputs[1, i]) + (inputs[2, i] + inputs[3, i])) * _QUARTER
        for base in range(4):
            features[base * models + i] = (inputs[base, i] - mean) * _HALF
    after = 4 * models
    features[after] = 1
    features[after + 1] = cost - np.float32(1.5)
    features[after + 2] = best * np.float32(0.2)
    features[after + 3] = seen * np.float32(0.2)
    features[after + 4] = often * np.float32(0.1)
    features[after + 5] = active * np.float32(0.2)
    features[after + 6] = disagree
    for base in range(4):
        features[after + 7 + base] = np.float32(base == np.int64(history & np.uint64(3)))
        features[after + 11 + base] = np.float32(base == np.int64(history >> np.uint64(2) & np.uint64(3)))
    for node in range(hidden.first.shape[0]):
        total = np.float32(0)
        for i in range(features.shape[0]):
            total += hidden.first[node, i] * features[i]
        excited.nodes[node] = max(total, np.float32(0))
        for base in range(4):
            sums[base] += hidden.second[base, node] * excited.nodes[node]


@numba.njit(forceinline=True, fastmath=True)
def teach(base, distribution, seen, hidden, excited):
    """Take a step down the gradient of the cost of a base.

    Parameters
    ----------
    seen : int
        Bases that were learned.
    """
    rate = np.float32(max(_SLOWEST, _FASTEST / (1 + seen / _HALVED_AFTER)))
    for node in range(hidden.first.shape[0]):
        if excited.nodes[node] <= 0:
            continue
        back = np.float32(0)
        for other in range(4):
            error = rate * (np.float32(other == base) - distribution[other])
            back += error * hidden.second[other, node]
            hidden.second[other, node] += error * excited.nodes[node]
        for i in range(excited.features.shape[0]):
            hidden.first[node, i] += back * excited.features[i]
