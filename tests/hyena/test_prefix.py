"""Beginnings read once: equal to reading every sequence whole."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena.prefix import read_prefix, rest_log_probabilities  # noqa: E402
from genoseq.hyena.scores import target_log_probabilities  # noqa: E402


def some_ids(rows, length, seed=0):
    """Bases, and an N now and then."""
    return torch.randint(7, 12, (rows, length), generator=torch.Generator().manual_seed(seed))


def whole(network, ids):
    return target_log_probabilities(network, ids, network.states(ids))


@pytest.mark.parametrize(("length", "rest"), [(0, 1), (0, 90), (1, 60), (2, 1), (3, 40), (64, 66), (129, 1)])
def test_rests_equal_whole_sequences(network, length, rest):
    beginnings, rests = some_ids(3, length), some_ids(5, rest, seed=1)
    rows = torch.tensor([2, 0, 0, 1, 2])
    with torch.inference_mode():
        prefix = read_prefix(network, beginnings, rest)
        found = rest_log_probabilities(network, prefix, rows, rests)
        wanted = whole(network, torch.cat([beginnings[rows], rests], 1))[:, length:]
    assert found.shape == (5, rest)
    assert (found - wanted).abs().max() < 2e-5
    if rest > 10:
        assert wanted.abs().max() > 1  # or the comparison would say little


def test_a_rest_may_be_shorter_than_announced(network):
    beginnings, rests = some_ids(1, 50), some_ids(2, 20, seed=1)
    rows = torch.zeros(2, dtype=torch.long)
    with torch.inference_mode():
        prefix = read_prefix(network, beginnings, 80)
        found = rest_log_probabilities(network, prefix, rows, rests)
        wanted = whole(network, torch.cat([beginnings.expand(2, -1), rests], 1))[:, 50:]
    assert (found - wanted).abs().max() < 2e-5


def test_the_prefix_counts(network):
    """A future that is lost would still pass if the network looked only at the last bases."""
    rests, rows = some_ids(1, 60, seed=1), torch.zeros(1, dtype=torch.long)
    one = some_ids(1, 60)
    other = one.clone()
    other[:, :50] = some_ids(1, 50, seed=2)
    with torch.inference_mode():
        a, b = (
            rest_log_probabilities(network, read_prefix(network, ids, 60), rows, rests)
            for ids in (one, other)
        )
    assert (a - b)[:, 10:].abs().max() > 1e-3


def test_too_long_is_refused(network):
    with pytest.raises(UsageError, match=r"131 tokens are more than the 130"):
        read_prefix(network, some_ids(1, 100), 31)


def test_bf16_stays_near(network):
    beginnings, rests = some_ids(2, 64), some_ids(2, 60, seed=1)
    rows = torch.arange(2)
    with torch.inference_mode():
        wanted = rest_log_probabilities(network, read_prefix(network, beginnings, 60), rows, rests)
        with torch.autocast("cpu", torch.bfloat16):
            found = rest_log_probabilities(network, read_prefix(network, beginnings, 60), rows, rests)
    assert 0 < (found - wanted).abs().mean() < 0.05
