"""Figures of classifiers: what is taken for what, and methods side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genoseq.errors import UsageError
from genoseq.plots.style import COLOURS, add_legend, axes_of, check_matplotlib, dress, series_style
from genoseq.supervised.metrics import Figure as Interval
from genoseq.supervised.metrics import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genoseq.supervised.comparison import Comparison

_DARK = 0.55  # share from which white letters are read better than black ones
_LARGE, _SMALL = 10.0, 5.0  # points, of letters in a matrix of few and of many classes
_WIDTH = 0.62  # of a letter, times its height
_FILLED = 0.8  # of what is there to be filled: by the cells beside a bar of colours, by letters in a cell
_CROWDED = 12  # classes from which names stand upright
_GROUP = 0.8  # of the height of a group of methods, the rest is the gap to the next


def confusion_plot(
    confusion: Metrics | ArrayLike, classes: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix: counts as numbers, shares of the true class as colours.

    A row is a true class, a column what it was taken for; what is right is on the diagonal. Cells without a
    sample are empty, and so are all others of a class that has none.

    Parameters
    ----------
    confusion
        Of `genoseq.supervised.metrics`, or counts (classes, classes).
    classes
        Their names; those of the metrics by default.
    ax
        Axes to draw on.

    Raises
    ------
    UsageError
        If the matrix is not square, or has another number of names.
    """
    counts, names = _counts(confusion, classes)
    ax = axes_of(ax)
    from matplotlib.colors import LinearSegmentedColormap

    totals = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    colours = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", COLOURS[5], COLOURS[0], "#003A5D"])
    image = ax.imshow(shares, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    cell = 72 * _FILLED * ax.get_window_extent().width / ax.figure.dpi / len(names)  # points
    digits = max(len(f"{int(counts.max()):,}"), 3)
    size = float(np.clip(cell / (_WIDTH * digits), _SMALL, _LARGE))
    for row, column in np.argwhere(counts > 0):
        ax.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=size,
            color="white" if shares[row, column] > _DARK else "black",
        )
    right = f"{np.trace(counts) / max(int(counts.sum()), 1):.1%} of {int(counts.sum()):,} right"
    dress(ax, right, "predicted class", "true class")
    ax.grid(visible=False)
    ax.set_xticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(names) + 1) - 0.5, minor=True)
    ax.grid(visible=True, which="minor", color="#E4E4E4", linewidth=0.7)
    ax.tick_params(which="minor", length=0)
    letters = float(np.clip(_FILLED * cell, _SMALL, _LARGE))
    ax.set_xticks(range(len(names)), names, fontsize=letters)
    ax.set_yticks(range(len(names)), names, fontsize=letters)
    if max(map(len, names)) * _WIDTH * letters > cell:  # names that would run into each other
        for label in ax.get_xticklabels():
            if len(names) > _CROWDED:
                label.set_rotation(90)
            else:
                label.set(rotation=45, ha="right", rotation_mode="anchor")
    ax.figure.colorbar(image, ax=ax, pad=0.02, shrink=0.8, label="share of the true class")
    return ax


def confusion_figure(confusion: Metrics | ArrayLike, classes: Sequence[str] = (), title: str = "") -> Figure:
    """The same as a figure of its own, as large as the classes and their names need.

    Parameters
    ----------
    confusion, classes
        As in `confusion_plot`.
    title
        Stands before the share that is right.
    """
    check_matplotlib("--plot")
    from matplotlib.figure import Figure

    counts, names = _counts(confusion, classes)
    side = _side(names)
    figure = Figure(figsize=(side + 2.0, side + 0.9), layout="constrained", dpi=150)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    ax = confusion_plot(counts, names, figure.subplots())
    if title:
        ax.set_title(f"{title}: {ax.get_title(loc='left')}", loc="left", fontsize=11)
    return figure


def comparison_figure(comparison: Comparison, method: str) -> Figure:
    """Draw the figure of `genoseq classify --plot`: the confusion of a method, and the accuracy of all.

    Parameters
    ----------
    comparison
        Of `genoseq.supervised.comparison`.
    method
        The one whose confusion is drawn.
    """
    check_matplotlib("--plot")
    from matplotlib.figure import Figure

    side = _side(comparison.classes)
    widths = side + 1.6, 5.2
    figure = Figure(figsize=(sum(widths), max(side + 0.9, 3.2)), layout="constrained", dpi=150)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    left, right = figure.subplots(1, 2, width_ratios=widths)
    confusion_plot(comparison.of(method).metrics, ax=left)
    left.set_title(f"{method}: {left.get_title(loc='left')}", loc="left", fontsize=11)
    methods_plot({each.method: {"accuracy": each.metrics.accuracy} for each in comparison.methods}, right)
    right.get_legend().remove()
    return figure


def methods_plot(
    results: Mapping[str, Mapping[str, Interval]], ax: Axes | None = None, *, figure: str = "accuracy"
) -> Axes:
    """Draw a figure of several methods on several splits, with its intervals; right is better.

    Splits stand one below the other, and within each the methods in their order, each with a colour and a
    marker of its own; from the ninth on markers are hollow.

    Parameters
    ----------
    results
        Split -> method -> figure with its interval. A method may be missing in a split.
    ax
        Axes to draw on.
    figure
        What it is, the name of the axis.
    """
    ax = axes_of(ax)
    methods = list(dict.fromkeys(method for found in results.values() for method in found))
    for number, method in enumerate(methods):
        shift = _GROUP * ((number + 0.5) / len(methods) - 0.5)
        rows = [(place, found[method]) for place, found in enumerate(results.values()) if method in found]
        values = np.array([[each.value, each.low, each.high] for _, each in rows])
        style = series_style(number)
        if number >= len(COLOURS):
            style["fillstyle"] = "none"
        ax.errorbar(
            values[:, 0],
            [place + shift for place, _ in rows],
            xerr=np.maximum([values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]], 0),
            linestyle="none",
            markersize=5.5,
            elinewidth=1.2,
            capsize=2,
            label=method,
            **style,
        )
    dress(ax, "", figure, "")
    ax.set_yticks(range(len(results)), list(results))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(results) - 0.5, -0.5)
    for border in range(1, len(results)):
        ax.axhline(border - 0.5, color="#B8B8B8", linewidth=0.7)
    ax.grid(visible=False, axis="y")
    add_legend(ax, len(methods), "best")
    if (legend := ax.get_legend()) is not None:  # beside the dots, which it would cover
        legend.set_loc("center left")
        legend.set_bbox_to_anchor((1.0, 0.5))
    return ax


def _side(names: Sequence[str]) -> float:
    """Inches that a matrix of these classes takes, with their names."""
    return float(np.clip(0.55 * len(names), 2.6, 12)) + 0.075 * max(map(len, names))


def _counts(confusion: Metrics | ArrayLike, classes: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The matrix and the names of its classes."""
    if isinstance(confusion, Metrics):
        counts, names = confusion.confusion, list(classes or confusion.classes)
    else:
        counts, names = np.asarray(confusion), list(classes)
    if counts.ndim != 2 or counts.shape != (len(names), len(names)) or not names:
        raise UsageError(f"a confusion matrix {counts.shape} and {len(names)} names of classes")
    return counts, names
