"""Figures of the reports: axes in, axes out.

Every function draws on `ax`, or on the current axes of pyplot when none are given, and returns them; saving
and showing is the caller's. Colours are those of Okabe and Ito (2008), which colour-blind readers can tell
apart, with brown for their pale yellow, and every series has its own marker too. matplotlib is the extra
`plots`, imported only to draw.

    from genoseq.evaluate import evaluate
    from genoseq.plots import reliability_plot

    reliability_plot([evaluate("reads.bam")]).figure.savefig("reliability.png")
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from genoseq.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genoseq.evaluate import Evaluation

__all__ = [
    "accuracy_plot",
    "check_matplotlib",
    "depth_plot",
    "histogram_plot",
    "mutagenesis_plot",
    "recall_plot",
    "reliability_plot",
    "report_figure",
    "speed_plot",
    "svg_figure",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F4F24")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#767676"
_MOST_LETTERS = 120  # that can be read along an axis
_UNITS = ((1e6, "Mbp"), (1e3, "kbp"))


def check_matplotlib(what: str) -> None:
    """Refuse to begin what cannot be finished without figures.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed; `what` (an option) needs it.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(what, "matplotlib", "plots") from error


def _axes(ax: Axes | None) -> Axes:
    check_matplotlib("a figure")
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.gca()


def _series(i: int) -> dict[str, Any]:
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}


def _dress(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, which="major", color="#E4E4E4", linewidth=0.7)
    ax.set_axisbelow(True)


def _legend(ax: Axes, series: int, place: Literal["lower left", "best"]) -> None:
    if series:
        ax.legend(loc=place, fontsize=9, frameon=True, framealpha=0.9, edgecolor="none", borderpad=0.3)


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
    ax = _axes(ax)
    promise = np.linspace(0, 62, 63)
    ax.plot(promise, 10 ** (-promise / 10), color=GREY, linestyle="--", linewidth=1, label="as promised")
    lowest = 1e-4
    for i, evaluation in enumerate(evaluations):
        rows = [row for row in evaluation.calibration() if row.expected == row.expected]  # not NaN: MAPQ 255
        style, shift = _series(i), 0.7 * (i - (len(evaluations) - 1) / 2)
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
    _dress(ax, "Calibration of MAPQ", "MAPQ (expected error, phred)", "observed error rate")
    _legend(ax, len(evaluations), "lower left")
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
    ax = _axes(ax)
    for i, evaluation in enumerate(evaluations):
        points = evaluation.recall()
        floor = 0.5 / max(1, evaluation.reads)
        style = _series(i)
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
    _dress(ax, "Recall", "reads placed wrong (%)", "reads placed right (%)")
    _legend(ax, len(evaluations), "best")
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
    ax = _axes(ax)
    x = 100 * np.asarray(divergence, dtype=float)
    for i, (label, values) in enumerate(accuracy.items()):
        y = 100 * np.asarray(values, dtype=float)
        measured = ~np.isnan(y)
        ax.plot(x[measured], y[measured], linewidth=1.6, markersize=5, label=label, **_series(i))
    ax.set_ylim(-2, 102)
    ax.set_xticks(x)
    ax.set_xticklabels([f"{value:g}" for value in x])
    _dress(ax, "Accuracy and divergence", "divergence (%)", "reads placed right (%)")
    _legend(ax, len(accuracy), "lower left")
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
    ax = _axes(ax)
    _dress(ax, "Speed and accuracy", "reads a CPU second", "reads placed right (%)")
    ax.set_xscale("log")
    ax.margins(x=0.16, y=0.1)
    speeds = [speed for speed, _ in results.values()]
    middle = float(np.exp(np.mean(np.log(speeds)))) if speeds else 1.0
    named: list[tuple[float, float]] = []
    for i, (label, (speed, share)) in enumerate(results.items()):
        ax.plot([speed], [100 * share], linestyle="none", markersize=7, **_series(i))
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
    ax = _axes(ax)
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
    _dress(ax, "", x, y)
    _legend(ax, len(series) if len(series) > 1 else 0, "best")
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
    ax = _axes(ax)
    borders, values = np.asarray(edges, dtype=float), np.asarray(depths, dtype=float)
    unit, name = next(((u, n) for u, n in _UNITS if borders[-1] >= 2 * u), (1.0, "bp"))
    ax.stairs(values, borders / unit, fill=True, color=COLOURS[0])
    mean = float(np.average(values, weights=np.diff(borders)))
    ax.axhline(mean, color=COLOURS[1], linewidth=1, linestyle="--")
    ax.set_xlim(borders[0] / unit, borders[-1] / unit)
    ax.set_ylim(0, values.max() * 1.05 or 1)
    ax.locator_params(axis="y", nbins=3)
    _dress(ax, "", name, "depth")
    return ax


def mutagenesis_plot(llr: ArrayLike, bases: str, start: int = 0, ax: Axes | None = None) -> Axes:
    """Draw the scores of all substitutions of a region as a heat map, with a bar of its colours.

    Blue substitutions are more probable than the reference, vermilion ones less. The base of the reference is
    grey, and so is what has no score.

    Parameters
    ----------
    llr
        Log-likelihood ratio of A, C, G and T at each base, (length, 4), nats; NaN where there is none.
    bases
        Letters of the region.
    start
        Its first base, 0-based; the axis counts from 1.
    ax
        Axes to draw on.
    """
    ax = _axes(ax)
    from matplotlib.colors import LinearSegmentedColormap

    values = np.asarray(llr, dtype=float)
    colours = LinearSegmentedColormap.from_list("llr", [COLOURS[1], "#FFFFFF", COLOURS[0]])
    most = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    image = ax.imshow(
        values.T,
        cmap=colours.with_extremes(bad="#C8C8C8"),
        vmin=-most,
        vmax=most,
        aspect="auto",
        interpolation="nearest",
        extent=(start + 0.5, start + len(values) + 0.5, 3.5, -0.5),
    )
    _dress(ax, "Substitutions", "position (bp, from 1)", "ALT")
    ax.grid(visible=False)
    ax.set_yticks(range(4), "ACGT")
    ax.locator_params(axis="x", integer=True)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    if len(bases) <= _MOST_LETTERS:
        top = ax.secondary_xaxis("top")
        top.set_xticks(range(start + 1, start + 1 + len(bases)), bases, fontsize=7)
        top.tick_params(length=0, pad=1)
        top.spines["top"].set_visible(False)
    ax.figure.colorbar(image, ax=ax, pad=0.01, label="log-likelihood\nratio (nats)")
    return ax


def svg_figure(draw: Callable[[Axes], object], name: str, *, width: float = 5.0, height: float = 2.6) -> str:
    """Draw on the axes of a new figure and give it as SVG, the same text for the same figure.

    Parameters
    ----------
    draw
        Draws on the axes.
    name
        Sets ids of this figure apart from those of others on a page.
    width, height
        Inches.
    """
    check_matplotlib("a figure")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9}):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        out = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    return out.getvalue()
