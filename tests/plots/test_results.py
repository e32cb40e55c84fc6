"""Figures of results: what is drawn, and that each series can be told from the others."""

from __future__ import annotations

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.figure import Figure  # noqa: E402

from genoseq.plots import composition_plot, indel_plot, scores_plot  # noqa: E402
from genoseq.plots.style import COLOURS  # noqa: E402


@pytest.fixture
def ax():
    return Figure().subplots()


def test_each_kind_is_a_share_of_its_own(ax):
    series = {f"kind {i}": np.array([i, 2, 3]) for i in range(1, 6)}
    assert scores_plot([-1, 0, 1, 2], series, ax, x="score", y="share") is ax
    steps = ax.patches
    for step, counts in zip(steps, series.values(), strict=True):
        assert np.allclose(step.get_data().values, 100 * counts / counts.sum())
    styles = {(step.get_edgecolor(), str(step.get_linestyle())) for step in steps}
    assert len(styles) == len({style for _, style in styles}) == 5
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(series)
    assert ax.get_xlim() == (-1, 2)
    assert ax.get_xlabel() == "score"


def test_counts_of_nothing(ax):
    scores_plot([0, 1], {"none": [0]}, ax, x="x", y="y")
    assert np.allclose(ax.patches[0].get_data().values, 0)


@pytest.mark.parametrize("deletions", [0, 1, 3])
def test_quartiles_of_indels(ax, deletions):
    quartiles = np.array([[-3, -2, 0], [-1, 0, 5], [1, 1, 1]])
    assert indel_plot(["2", "1", "1"], quartiles, ax, y="nats", first=deletions) is ax
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == [["insertions"], ["deletions", "insertions"], None, ["deletions"]][deletions]
    points = np.concatenate([each.lines[0].get_ydata() for each in ax.containers])
    assert points.tolist() == [-2, 0, 1]
    bars = np.concatenate([each.lines[2][0].get_segments() for each in ax.containers])
    assert np.array_equal(bars[:, :, 1], quartiles[:, [0, 2]])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "1", "1"]


def test_many_names_stand_upright(ax):
    indel_plot(["100-200"] * 12, np.zeros((12, 3)), ax, y="nats", first=6)
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {90}


def test_bars_are_whole(ax):
    counts = {"one": {"a": 1, "b": 3}, "two": {"b": 2, "c": 2}, "none": {}}
    assert composition_plot(counts, ax, x="sequences (%)") is ax
    widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers])
    assert widths.tolist() == [[25, 0, 0], [75, 50, 0], [0, 50, 0]]
    lefts = np.array([[bar.get_x() for bar in bars] for bars in ax.containers])
    assert np.array_equal(lefts, np.cumsum(widths, 0) - widths)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c"]
    assert [text.get_text() for text in ax.get_yticklabels()] == list(counts)


@pytest.mark.parametrize(("classes", "last"), [(8, "class 7"), (9, "1 other"), (12, "4 others")])
def test_the_smallest_of_many_classes_are_one_part(ax, classes, last):
    counts = {"s": {f"class {i}": 100 - i for i in range(classes)}}
    composition_plot(counts, ax, x="%")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert (texts[-1], len(texts)) == (last, min(classes, len(COLOURS) + 1))
    assert sum(bars[0].get_width() for bars in ax.containers) == pytest.approx(100)
