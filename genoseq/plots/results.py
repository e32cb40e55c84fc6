"""Figures of what many runs gave: scores by kind of variant and by length of indels, shares of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from genoseq.errors import counted
from genoseq.plots.style import COLOURS, GREY, add_legend, axes_of, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_PALE = "#B4B4B4"
_ROW = 50  # letters, of the longest name for all below an axis, before they stand upright


def scores_plot(
    edges: ArrayLike, series: Mapping[str, ArrayLike], ax: Axes | None = None, *, x: str, y: str
) -> Axes:
    """Draw distributions over each other, each as shares of its own total, with a line across 0.

    Parameters
    ----------
    edges
        Borders of the bins, one more than bins.
    series
        Name -> count of each bin.
    ax
        Axes to draw on.
    x, y
        Names of the axes.
    """
    ax = axes_of(ax)
    borders = np.asarray(edges, dtype=float)
    ax.axvline(0, color=GREY, linewidth=0.8)
    for i, (label, counts) in enumerate(series.items()):
        values = np.asarray(counts, dtype=float)
        shares = 100 * values / max(values.sum(), 1)
        ax.stairs(
            shares, borders, label=label, linewidth=1.6, color=COLOURS[i % len(COLOURS)],
            linestyle=_LINES[i % len(_LINES)],
        )  # fmt: skip
    ax.set_xlim(borders[0], borders[-1])
    ax.set_ylim(bottom=0)
    dress(ax, "", x, y)
    add_legend(ax, len(series), "best")
    return ax


def indel_plot(
    lengths: Sequence[str], quartiles: ArrayLike, ax: Axes | None = None, *, y: str, first: int = 0
) -> Axes:
    """Draw the median of scores by length of indels, with the quartiles as bars.

    Parameters
    ----------
    lengths
        Names of the groups, from the longest deletion to the longest insertion.
    quartiles
        First quartile, median and third quartile of each, (groups, 3).
    ax
        Axes to draw on.
    y
        Name of the axis.
    first
        Groups of deletions, which come first.
    """
    ax = axes_of(ax)
    values = np.asarray(quartiles, dtype=float).reshape(-1, 3)
    places = np.arange(len(values))
    ax.axhline(0, color=GREY, linewidth=0.8)
    halves = (("deletions", slice(0, first), 0, "o"), ("insertions", slice(first, None), 1, "s"))
    shown = 0
    for name, some, colour, marker in halves:
        low, middle, high = values[some].T
        if len(middle):
            ax.errorbar(
                places[some], middle, yerr=np.maximum([middle - low, high - middle], 0), label=name,
                color=COLOURS[colour], marker=marker, linestyle="none", markersize=5, elinewidth=1.2,
                capsize=2,
            )  # fmt: skip
            shown += 1
    ax.set_xticks(
        places, list(lengths), rotation=90 if len(lengths) * max(map(len, lengths), default=0) > _ROW else 0
    )
    ax.set_xlim(-0.6, len(values) - 0.4)
    dress(ax, "", "length (bp)", y)
    ax.grid(visible=False, axis="x")
    add_legend(ax, shown, "best")
    return ax


def composition_plot(counts: Mapping[str, Mapping[str, int]], ax: Axes | None = None, *, x: str) -> Axes:
    """Draw a bar for each sample, divided by class; the smallest of many classes are one part.

    Parameters
    ----------
    counts
        Sample -> class -> number.
    ax
        Axes to draw on.
    x
        Name of the axis.
    """
    ax = axes_of(ax)
    totals: dict[str, int] = {}
    for parts in counts.values():
        for name, number in parts.items():
            totals[name] = totals.get(name, 0) + number
    largest = sorted(totals, key=lambda name: -totals[name])[: len(COLOURS)]
    named = [name for name in totals if name in largest]
    wholes = np.array([max(sum(parts.values()), 1) for parts in counts.values()], dtype=float)
    left = np.zeros(len(counts))
    rows = np.arange(len(counts))
    for i, name in enumerate(named):
        widths = 100 * np.array([parts.get(name, 0) for parts in counts.values()]) / wholes
        ax.barh(rows, widths, left=left, color=COLOURS[i], label=name, height=0.7, linewidth=0)
        left += widths
    if len(named) < len(totals):
        rest = [sum(n for name, n in parts.items() if name not in named) for parts in counts.values()]
        label = counted(len(totals) - len(named), "other")
        ax.barh(rows, 100 * np.array(rest) / wholes, left=left, color=_PALE, label=label, height=0.7)
    dress(ax, "", x, "")
    ax.set_yticks(rows, list(counts))
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 100)
    ax.set_ylim(len(counts) - 0.4, -0.6)
    ax.grid(visible=False, axis="y")
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax
