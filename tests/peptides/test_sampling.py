"""Drawing letters: shares against a plain reading of the words, and draws against the shares."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.peptides.sampling import Sampling

LOGS = np.log([0.4, 0.05, 0.3, 0.2, 0.05])


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(), [0.4, 0.05, 0.3, 0.2, 0.05]),
        (Sampling(temperature=0), [1, 0, 0, 0, 0]),
        (Sampling(top_k=2), [4 / 7, 0, 3 / 7, 0, 0]),
        (Sampling(top_p=0.71), [4 / 9, 0, 3 / 9, 2 / 9, 0]),
        (Sampling(top_p=0.7), [4 / 7, 0, 3 / 7, 0, 0]),
        (Sampling(top_p=0.01), [1, 0, 0, 0, 0]),
        (Sampling(top_k=3, top_p=0.5), [4 / 7, 0, 3 / 7, 0, 0]),
        (Sampling(temperature=0.5, top_k=2), [16 / 25, 0, 9 / 25, 0, 0]),
    ],
)
def test_shares(sampling, expected):
    found = sampling.shares(np.stack([LOGS, LOGS[::-1]]))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    if sampling == Sampling():
        np.testing.assert_allclose(found[1], expected[::-1])


def test_what_is_not_allowed_is_never_drawn():
    logs = np.array([[-np.inf, 0, -np.inf], [0, -np.inf, -5]])
    drawn = Sampling(temperature=3).draw(np.broadcast_to(logs, (500, 2, 3)), np.random.default_rng(1))
    assert set(drawn[:, 0]) == {1}
    assert set(drawn[:, 1]) == {0, 2}


def test_draws_follow_the_shares():
    drawn = Sampling(temperature=0.7).draw(np.broadcast_to(LOGS, (20_000, 5)), np.random.default_rng(2))
    shares = np.bincount(drawn, minlength=5) / 20_000
    np.testing.assert_allclose(shares, Sampling(temperature=0.7).shares(LOGS), atol=0.012)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}]
)
def test_what_makes_no_sense(wrong):
    with pytest.raises(UsageError):
        Sampling(**wrong)
