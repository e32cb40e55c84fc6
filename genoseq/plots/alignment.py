"""Figures of alignments and of what aligners are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genoseq.plots.style import COLOURS, GREY, add_legend, axes_of, check_matplotlib, dress, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genoseq.evaluate import Evaluation

_UNITS = ((1e6, "Mbp"), (1e3, "kbp"))


def reliability_plot(evaluations: Sequence[Evaluation], ax: Axes | None = None) -> Axes:
    """Draw what MAPQ promises against what was observed, with 95 % intervals.

    A point is a bin of MAPQ at its expected error rate, in phred. Above the dashed line the aligner promises
    too much. A hollow point that points down is the upper end of the interval of a bin without a wrong read.

    Parameters
    ----------
    evaluations
        One series each.
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    promise = np.linspace(0, 62, 63)
    ax.plot(promise, 10 ** (-promise / 10), color=GREY, linestyle="--", linewidth=1, label="as promised")
    lowest = 1e-4
    for i, evaluation in enumerate(evaluations):
        rows = [row for row in evaluation.calibration() if row.expected == row.expected]  # not NaN: MAPQ 255
        style, shift = series_style(i), 0.7 * (i - (len(evaluations) - 1) / 2)
        phred = np.array([-10 * np.log10(row.expected) for row in rows]) + shift
        observed = np.array([row.observed for row in rows])
        low = np.array([row.interval_low for row in rows])
        high = np.array([row.interval_high for row in rows])
        some = observed > 0
        ax.errorbar(
            phred[some],
            observed[some],
            yerr=np.maximum([(observed - low)[some], (high - observed)[some]], 0),
            linestyle="-",
            linewidth=1.2,
            markersize=5.5,
            capsize=2.5,
            elinewidth=1,
            label=evaluation.label,
            **style,
        )
        ax.plot(
            phred[~some], high[~some], linestyle="none", color=style["color"], marker="v", fillstyle="none"
        )
        ends = np.concatenate([high[~some], low[some & (low > 0)]])
        lowest = min(lowest, float(ends.min(initial=1.0)))
    ax.set_yscale("log")
    ax.set_ylim(10 ** np.floor(np.log10(lowest)), 1.6)
    ax.set_xlim(-2, 63)
    dress(ax, "Calibration of MAPQ", "MAPQ (expected error, phred)", "observed error rate")
    add_legend(ax, len(evaluations), "lower left")
    return ax


def recall_plot(evaluations: Sequence[Evaluation], ax: Axes | None = None) -> Axes:
    """Draw reads placed right against reads placed wrong, for every threshold of MAPQ.

    Up and to the left is better. Markers are at MAPQ 0, 10, .. 60; thresholds without a wrong read are drawn
    at half of one read.

    Parameters
    ----------
    evaluations
        One series each.
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    for i, evaluation in enumerate(evaluations):
        points = evaluation.recall()
        floor = 0.5 / max(1, evaluation.reads)
        style = series_style(i)
        ax.plot(
            [100 * max(point.wrong, floor) for point in points],
            [100 * point.right for point in points],
            linewidth=1.4,
            markersize=5,
            markevery=[j for j, point in enumerate(points) if point.mapq % 10 == 0],
            label=evaluation.label,
            **style,
        )
    ax.set_xscale("log")
    dress(ax, "Recall", "reads placed wrong (%)", "reads placed right (%)")
    add_legend(ax, len(evaluations), "best")
    return ax


def accuracy_plot(
    divergence: Sequence[float], accuracy: Mapping[str, Sequence[float]], ax: Axes | None = None
) -> Axes:
    """Draw reads placed right against divergence, a line a program.

    Parameters
    ----------
    divergence
        Edit distance a base, as a share (0-0.3).
    accuracy
        Program -> share of reads placed right (0-1) at each divergence; NaN where it was not measured.
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    x = 100 * np.asarray(divergence, dtype=float)
    for i, (label, values) in enumerate(accuracy.items()):
        y = 100 * np.asarray(values, dtype=float)
        measured = ~np.isnan(y)
        ax.plot(x[measured], y[measured], linewidth=1.6, markersize=5, label=label, **series_style(i))
    ax.set_ylim(-2, 102)
    ax.set_xticks(x)
    ax.set_xticklabels([f"{value:g}" for value in x])
    dress(ax, "Accuracy and divergence", "divergence (%)", "reads placed right (%)")
    add_legend(ax, len(accuracy), "lower left")
    return ax


def speed_plot(results: Mapping[str, tuple[float, float]], ax: Axes | None = None) -> Axes:
    """Draw speed against accuracy, a point a program with its name beside it. Up and to the right is better.

    Parameters
    ----------
    results
        Program -> reads a CPU second, share of reads placed right (0-1).
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    dress(ax, "Speed and accuracy", "reads a CPU second", "reads placed right (%)")
    ax.set_xscale("log")
    ax.margins(x=0.16, y=0.1)
    speeds = [speed for speed, _ in results.values()]
    middle = float(np.exp(np.mean(np.log(speeds)))) if speeds else 1.0
    named: list[tuple[float, float]] = []
    for i, (label, (speed, share)) in enumerate(results.items()):
        ax.plot([speed], [100 * share], linestyle="none", markersize=7, **series_style(i))
        right = speed > middle  # names point to the middle, so that none leaves the figure
        # of points side by side each name is lower than the one before
        close = sum(abs(share - s) < 0.03 and 0.25 < speed / v < 4 for v, s in named)
        named.append((speed, share))
        ax.annotate(
            label,
            (speed, 100 * share),
            xytext=(-7 if right else 7, -13 * close),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontsize=9,
        )
    return ax


def report_figure(evaluations: Sequence[Evaluation]) -> Figure:
    """Draw the figure of `genoseq evaluate --plot`: calibration and recall side by side."""
    check_matplotlib("--plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained", dpi=150)
    left, right = figure.subplots(1, 2)
    reliability_plot(evaluations, left)
    recall_plot(evaluations, right)
    if (legend := right.get_legend()) is not None:
        legend.remove()  # the same as on the left
    return figure


def histogram_plot(
    edges: ArrayLike,
    series: Mapping[str, ArrayLike],
    total: int,
    ax: Axes | None = None,
    *,
    x: str,
    y: str,
    filled: bool = True,
) -> Axes:
    """Draw counts in bins as shares of a total, on a logarithmic axis where the bins widen.

    Parameters
    ----------
    edges
        Borders of the bins, one more than bins.
    series
        Name -> count of each bin; a legend names them if there are several.
    total
        What is 100 %.
    ax
        Axes to draw on.
    x, y
        Names of the axes.
    filled
        Areas, or lines for series that lie over each other.
    """
    ax = axes_of(ax)
    borders = np.asarray(edges, dtype=float)
    for i, (label, counts) in enumerate(series.items()):
        shares = 100 * np.asarray(counts, dtype=float) / max(total, 1)
        ax.stairs(
            shares,
            borders,
            fill=filled,
            color=COLOURS[i],
            label=label,
            linestyle="-" if filled or not i else "--",
            linewidth=0 if filled else 1.6,
        )
    widths = np.diff(borders)
    if borders[0] > 0 and widths[-1] > 4 * widths[0]:
        ax.set_xscale("log")
    ax.set_xlim(borders[0], borders[-1])
    ax.set_ylim(bottom=0)
    dress(ax, "", x, y)
    add_legend(ax, len(series) if len(series) > 1 else 0, "best")
    return ax


def depth_plot(edges: ArrayLike, depths: ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw the depth along a contig, with its mean as a line.

    Parameters
    ----------
    edges
        Borders of the bins, bp from the start of the contig, one more than bins.
    depths
        Mean depth in each bin.
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    borders, values = np.asarray(edges, dtype=float), np.asarray(depths, dtype=float)
    unit, name = next(((u, n) for u, n in _UNITS if borders[-1] >= 2 * u), (1.0, "bp"))
    ax.stairs(values, borders / unit, fill=True, color=COLOURS[0])
    mean = float(np.average(values, weights=np.diff(borders)))
    ax.axhline(mean, color=COLOURS[1], linewidth=1, linestyle="--")
    ax.set_xlim(borders[0] / unit, borders[-1] / unit)
    ax.set_ylim(0, values.max() * 1.05 or 1)
    ax.locator_params(axis="y", nbins=3)
    dress(ax, "", name, "depth")
    return ax
