"""The figures: what is drawn, on which axes, and without matplotlib."""

import builtins
import re

import numpy as np
import pytest

from genoseq.errors import MissingDependencyError
from genoseq.evaluate import Evaluation
from genoseq.plots import (
    accuracy_plot,
    depth_plot,
    histogram_plot,
    mutagenesis_plot,
    recall_plot,
    reliability_plot,
    report_figure,
    speed_plot,
    svg_figure,
    training_plot,
)

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 - after the choice of the backend


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def evaluation(label="ours"):
    result = Evaluation(label, unmapped=10)
    result.right[[0, 10, 25, 60]] = 5, 90, 400, 4000
    result.wrong[[0, 10, 25]] = 5, 10, 1
    return result


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_axes_in_axes_out():
    draws = [
        lambda ax=None: reliability_plot([evaluation()], ax),
        lambda ax=None: recall_plot([evaluation()], ax),
        lambda ax=None: accuracy_plot([0, 0.1], {"a": [1, 0.5]}, ax),
        lambda ax=None: speed_plot({"a": (1000, 0.5)}, ax),
        lambda ax=None: histogram_plot([0, 1, 2], {"a": [3, 4]}, 7, ax, x="x", y="y"),
        lambda ax=None: depth_plot([0, 10, 15], [1, 2], ax),
        lambda ax=None: mutagenesis_plot(np.zeros((2, 4)), "AC", 0, ax),
        lambda ax=None: training_plot([{"step": 1, "loss": 2.0}], {"order 2": 1.9}, ax),
    ]
    _, axes = pyplot.subplots(2, 4)
    for draw, ax in zip(draws, axes.flat, strict=False):
        assert draw(ax) is ax
        pyplot.figure()
        assert draw() is pyplot.gca()


def test_reliability_points():
    ax = reliability_plot([evaluation("a"), evaluation("b")])
    assert texts(ax) == ["as promised", "a", "b"]
    points = ax.containers[0].lines[0].get_xydata()
    assert points[:, 1] == pytest.approx([5 / 10, 10 / 100, 1 / 401])
    assert points[:, 0] == pytest.approx(np.array([0, 10, 25]) - 0.35)  # two series stand side by side
    hollow = ax.lines[-1].get_xydata()
    assert hollow[0, 0] == pytest.approx(60.35)
    assert 0 < hollow[0, 1] < 1e-3  # the upper end of the interval of 0 in 4,000
    assert ax.get_yscale() == "log"


def test_recall_points():
    ax = recall_plot([evaluation()])
    points = ax.lines[0].get_xydata()
    assert points[-1] == pytest.approx([100 * 16 / 4521, 100 * 4495 / 4521])
    assert points[0] == pytest.approx([100 * 0.5 / 4521, 100 * 4000 / 4521])


def test_accuracy_leaves_out_what_was_not_measured():
    ax = accuracy_plot([0, 0.1, 0.2], {"a": [1, 0.9, 0.5], "b": [float("nan"), 0.8, 0.4]})
    assert ax.lines[1].get_xydata().tolist() == [[10, 80], [20, 40]]
    assert texts(ax) == ["a", "b"]


def test_speed_names_every_point():
    ax = speed_plot({"fast": (50_000, 0.5), "slow": (100, 0.99)})
    assert [text.get_text() for text in ax.texts] == ["fast", "slow"]
    assert ax.get_xscale() == "log"


def test_histogram_shows_shares():
    ax = histogram_plot([0, 2, 4], {"a": [1, 3], "b": [4, 0]}, 8, x="x", y="y", filled=False)
    assert [patch.get_data().values.tolist() for patch in ax.patches] == [[12.5, 37.5], [50, 0]]
    assert texts(ax) == ["a", "b"]
    assert (ax.get_xscale(), ax.get_xlim()) == ("linear", (0, 4))
    pyplot.figure()
    wide = histogram_plot([1, 10, 100], {"": [1, 1]}, 2, x="x", y="y")
    assert wide.get_xscale() == "log"
    assert wide.get_legend() is None


@pytest.mark.parametrize(("length", "unit"), [(300, "bp"), (5_000, "kbp"), (3_000_000, "Mbp")])
def test_depth_in_units_with_the_mean(length, unit):
    ax = depth_plot([0, length // 2, length], [10, 20])
    assert ax.get_xlabel() == unit
    assert ax.lines[0].get_ydata()[0] == pytest.approx(15)


def test_substitutions_stand_at_their_positions():
    llr = np.full((3, 4), np.nan)
    llr[0, 1], llr[2, 3] = -2, 0.5
    ax = mutagenesis_plot(llr, "ANC", 99)
    image = ax.images[0]
    assert image.get_array().shape == (4, 3)
    assert image.get_array()[1, 0] == -2
    assert image.get_array()[3, 2] == 0.5
    assert image.get_array().mask.sum() == 10
    assert image.get_clim() == (-2, 2)  # white is 0
    assert ax.get_xlim() == (99.5, 102.5)
    assert [label.get_text() for label in ax.get_yticklabels()] == list("ACGT")
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # A on top
    letters = ax.child_axes[0].get_xticklabels()
    assert [label.get_text() for label in letters] == list("ANC")


@pytest.mark.parametrize("length", [1, 500])
def test_substitutions_of_any_region_are_drawn(length, tmp_path):
    ax = mutagenesis_plot(np.full((length, 4), np.nan), "N" * length)
    ax.figure.savefig(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_svg_is_the_same_each_time_and_has_ids_of_its_own():
    def draw(ax):
        histogram_plot([0, 1, 2], {"a": [3, 4]}, 7, ax, x="x", y="y")

    one, again, other = svg_figure(draw, "one"), svg_figure(draw, "one"), svg_figure(draw, "other")
    assert one == again
    clips = [set(re.findall(r'clipPath id="(\w+)"', text)) for text in (one, other)]
    assert clips[0]
    assert not clips[0] & clips[1]


@pytest.mark.parametrize("results", [[], [Evaluation("empty")], [evaluation()] * 9])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_report_is_drawn(results, kind, tmp_path):
    path = tmp_path / f"x.{kind}"
    report_figure(results).savefig(path)
    assert path.stat().st_size > 1000


def test_without_matplotlib(monkeypatch):
    whole = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for draw in (report_figure, reliability_plot, recall_plot):
        with pytest.raises(MissingDependencyError, match=r"pip install 'genoseq\[plots\]'"):
            draw([])


def test_training_curves():
    log = [
        {"step": 20, "loss": 3.3, "length": 64},
        {"step": 40, "loss": 2.0},
        {"step": 40, "held_out": 1.97},
        {"held_out_bits_per_base": 1.9},
    ]
    ax = training_plot(log, {"order 12": 1.95})
    assert texts(ax) == ["training", "held out", "order 12"]
    training, held_out, other = (line.get_xydata().tolist() for line in ax.lines)
    assert training == [[20, 3.3], [40, 2.0]]
    assert held_out == [[40, 1.97]]
    assert {y for _, y in other} == {1.95}


def test_training_without_a_line():
    assert training_plot([]).get_legend() is None
