"""Histograms of lengths: slots, quantiles, bins, against sorted lists."""

import numpy as np
import pytest

from genoseq.align.histogram import LONGEST, Histogram


def histogram(lengths):
    result = Histogram()
    result.add(np.asarray(lengths, np.int64))
    return result


@pytest.mark.parametrize("high", [1, 2047, 2048, 100_000, LONGEST])
def test_quantiles_are_those_of_the_sorted_lengths(high):
    lengths = np.sort(np.random.default_rng(1).integers(0, high, 501, endpoint=True))
    found = histogram(lengths)
    assert found.total == 501
    for share, expected in ((0, lengths[0]), (0.5, lengths[250]), (1, lengths[-1])):
        assert found.quantile(share) <= expected
        assert found.quantile(share) == pytest.approx(expected, rel=1 / 1024, abs=0)
    assert found.mean == pytest.approx(lengths.mean(), rel=1 / 1024)
    if high < 2048:
        assert (found.shortest, found.longest, found.mean) == (lengths[0], lengths[-1], lengths.mean())


def test_order_and_batches_do_not_matter():
    lengths = np.random.default_rng(2).integers(0, 1 << 20, 1000)
    parts = histogram(lengths[600:])
    parts.add(lengths[:600])
    assert (parts.counts == histogram(lengths).counts).all()


def test_longer_than_any_contig_is_the_longest():
    assert histogram([LONGEST + 5]).total == 1


@pytest.mark.parametrize(
    ("lengths", "first", "last", "bins"),
    [([150], 150, 151, 1), (range(35, 152), 34, 152, 59), ([0, 3], 0, 4, 4), (range(1000), 0, 1000, 50)],
)
def test_bins_of_one_width(lengths, first, last, bins):
    found = histogram(list(lengths))
    edges = found.edges()
    assert (edges[0], edges[-1], len(edges) - 1) == (first, last, bins)
    assert len(set(np.diff(edges))) == 1
    assert found.binned(edges).tolist() == np.histogram(list(lengths), edges)[0].tolist()


def test_bins_of_skewed_lengths_widen():
    lengths = np.random.default_rng(3).lognormal(8, 1, 5000).astype(np.int64)
    found = histogram(lengths)
    edges = found.edges()
    widths = np.diff(edges)
    assert widths[-1] > 4 * widths[0]
    assert found.binned(edges).sum() == 5000
    assert found.binned(edges) == pytest.approx(np.histogram(lengths, edges)[0], abs=5)  # of whole slots


def test_beyond_the_limit_nothing_is_shown():
    found = histogram([400] * 50 + [1_000_000])
    assert found.binned(found.edges(limit=1000)).sum() == 50
    assert found.without(400).total == 1


def test_empty():
    found = Histogram()
    assert (found.total, found.shortest, found.longest, len(found.edges())) == (0, 0, 0, 0)
    assert found.binned(found.edges()).tolist() == []
    assert np.isnan(found.mean)
