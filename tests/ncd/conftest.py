"""Random sequences for the tests of compression."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def bases():
    """`bases(seed, length, unknown=0.0)`: base codes of uneven frequency, some of them unknown."""

    def make(seed, length, *, unknown=0.0):
        rng = np.random.default_rng(seed)
        codes = rng.choice(4, length, p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
        codes[rng.random(length) < unknown] = 4
        return codes

    return make


@pytest.fixture
def markov_chain():
    """`markov_chain(seed, length, transitions)`: a sample; `transitions` has a row for each context."""

    def make(seed, length, transitions):
        rng = np.random.default_rng(seed)
        thresholds = np.cumsum(transitions, axis=1)
        draws = rng.random(length)
        codes = np.empty(length, np.uint8)
        context = 0
        for i in range(length):
            codes[i] = min(3, int(np.searchsorted(thresholds[context], draws[i])))
            context = (context * 4 + int(codes[i])) % len(transitions)
        return codes

    return make
