"""The figures: what is drawn, on which axes, and without matplotlib."""

import builtins
import itertools
import re

import numpy as np
import pytest

from genoseq.errors import MissingDependencyError, UsageError
from genoseq.evaluate import Evaluation
from genoseq.plots import (
    accuracy_plot,
    confusion_figure,
    confusion_plot,
    depth_plot,
    histogram_plot,
    methods_plot,
    mutagenesis_plot,
    recall_plot,
    reliability_plot,
    report_figure,
    speed_plot,
    svg_figure,
    training_plot,
)
from genoseq.supervised.metrics import Figure as Interval
from genoseq.supervised.metrics import measure_confusion

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402 - after the choice of the backend
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402


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
        lambda ax=None: confusion_plot([[1, 0], [2, 3]], "ab", ax),
        lambda ax=None: methods_plot({"dog": {"gzip": Interval(0.5, 0.4, 0.6)}}, ax),
    ]
    _, axes = pyplot.subplots(2, 5)
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


def test_confusion_has_counts_and_shares_of_the_true_class():
    counts = np.array([[1200, 0, 300], [0, 0, 0], [1, 2, 1]])
    ax = confusion_plot(counts, ["kinase", "synthase", "receptor"])
    shown = {text.get_position(): text.get_text() for text in ax.texts}
    assert shown == {(0, 0): "1,200", (2, 0): "300", (0, 2): "1", (1, 2): "2", (2, 2): "1"}
    assert ax.images[0].get_array().tolist() == [[0.8, 0, 0.2], [0, 0, 0], [0.25, 0.5, 0.25]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["kinase", "synthase", "receptor"]
    assert ax.get_title(loc="left") == "79.9% of 1,504 right"
    dark = {text.get_text(): text.get_color() for text in ax.texts}
    assert (dark["1,200"], dark["300"]) == ("white", "black")


def test_confusion_of_metrics_has_their_names():
    metrics = measure_confusion(np.array([[5, 1], [2, 9]]), ("coding", "other"))
    ax = confusion_plot(metrics)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["coding", "other"]
    with pytest.raises(UsageError, match=r"\(2, 2\) and 3 names"):
        confusion_plot(metrics, "abc")
    with pytest.raises(UsageError, match=r"\(2, 3\) and 2 names"):
        confusion_plot([[1, 2, 3], [4, 5, 6]], "ab")


@pytest.mark.parametrize(("classes", "angle"), [(2, 0), (7, 45), (30, 90)])
def test_names_and_counts_of_classes_do_not_touch(classes, angle):
    counts = np.full((classes, classes), 1234)
    figure = confusion_figure(counts, [f"a family of genes {i}" for i in range(classes)], "gzip")
    ax = figure.axes[0]
    FigureCanvasAgg(figure).draw()  # lays out
    assert {label.get_rotation() for label in ax.get_xticklabels()} == {angle}
    texts = [text for text in ax.texts if text.get_position()[1] == 0]
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.x0)
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    whole = figure.bbox
    title = next(text for text in ax.findobj(matplotlib.text.Text) if text.get_text().startswith("gzip: "))
    for text in (title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1


def test_methods_in_groups_with_whiskers():
    some = Interval(0.9, 0.85, 0.92)
    results = {
        "dog": {"gzip": Interval(0.6, 0.55, 0.7), "relative": some},
        "human": {"relative": some, "other": some},
    }
    ax = methods_plot(results)
    assert texts(ax) == ["gzip", "relative", "other"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["dog", "human"]
    dots = {each.get_label(): each.lines[0].get_xydata() for each in ax.containers}
    assert dots["gzip"].tolist() == [[0.6, pytest.approx(-0.8 / 3)]]
    assert dots["relative"].tolist() == [[0.9, pytest.approx(0)], [0.9, pytest.approx(1)]]
    (whisker,) = ax.containers[0].lines[2][0].get_segments()
    assert whisker[:, 0] == pytest.approx([0.55, 0.7])
    assert ax.yaxis_inverted()  # the first split is on top


def test_nine_methods_are_told_apart():
    ax = methods_plot({"dog": {str(i): Interval(0.5, 0.4, 0.6) for i in range(9)}})
    looks = {
        (line.get_color(), line.get_marker(), line.get_fillstyle())
        for line in (each.lines[0] for each in ax.containers)
    }
    assert len(looks) == 9
