"""The rivals of a language model, on sequences whose entropy is known."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.ncd.baselines import measure_baselines
from genoseq.ncd.markov import MarkovModel
from genoseq.sequence import encode


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(5)
    steady = rng.choice(4, 60_000, p=[0.4, 0.1, 0.1, 0.4]).astype(np.uint8)
    return steady[:40_000], steady[40_000:50_000], steady[:5_000]


def test_entropy_and_a_copy(sequences):
    known, new, copy = sequences
    found = measure_baselines([known], {"new": [new], "copy": [copy]})
    entropy = -2 * (0.4 * np.log2(0.4) + 0.1 * np.log2(0.1))
    assert sorted(found.markov["new"]) == list(range(1, 9))  # 4**8 contexts, 40,000 bases
    assert found.markov["new"][1] == pytest.approx(entropy, abs=0.02)
    assert found.markov["new"][3] == pytest.approx(MarkovModel.fit([known], 3).bits_per_base([new]), rel=1e-6)
    order, bits = found.best_markov("new")
    assert bits == min(found.markov["new"].values()) == found.markov["new"][order]
    assert found.mixing["new"] == pytest.approx(entropy, abs=0.05)
    assert found.mixing["copy"] < 0.1 < found.best_markov("copy")[1]


def test_nothing_to_score(sequences):
    with pytest.raises(InputError, match="no base is known"):
        measure_baselines([sequences[0]], {"empty": [encode("NNN")]})
