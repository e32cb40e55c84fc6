"""Figures of peptides: where points and letters stand."""

from __future__ import annotations

import math

import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 - after the choice of the backend

from genoseq.errors import UsageError  # noqa: E402
from genoseq.plots import logo_plot, ranked_plot  # noqa: E402


@pytest.fixture
def ax():
    _, ax = pyplot.subplots()
    yield ax
    pyplot.close("all")


def test_a_logo_shares_the_bits_among_letters(ax):
    assert logo_plot(["KI", "KD", "KD", "KD"], ax) is ax
    boxes = [patch.get_path().get_extents() for patch in ax.patches]
    whole = math.log2(20)
    rest = whole + 0.25 * math.log2(0.25) + 0.75 * math.log2(0.75)
    found = [(box.y0, box.height) for box in boxes]
    expected = [(0, whole), (0, 0.25 * rest), (0.25 * rest, 0.75 * rest)]
    assert found == [pytest.approx(pair, abs=1e-6) for pair in expected]
    centres = [(box.x0 + box.x1) / 2 for box in boxes]
    assert centres == pytest.approx([1, 2, 2])


def test_a_logo_has_one_length(ax):
    for peptides in ([], ["AA", "AAA"]):
        with pytest.raises(UsageError, match="one length is needed"):
            logo_plot(peptides, ax)


def test_points_by_thirds_of_the_ranking(ax):
    ranks = [number / 9 for number in range(1, 10)]
    ranked_plot(range(9), range(9), ranks, ax, x_name="a", y_name="b")
    assert [len(each.get_offsets()) for each in ax.collections] == [3, 3, 3]
    assert ax.collections[0].get_offsets()[:, 0].tolist() == [0, 1, 2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
