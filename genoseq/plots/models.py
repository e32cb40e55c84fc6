"""Figures of sequence models: what substitutions score, how a training went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from genoseq.plots.style import COLOURS, GREY, add_legend, axes_of, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LETTERS = 120  # that can be read along an axis


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
    ax = axes_of(ax)
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
    dress(ax, "Substitutions", "position (bp, from 1)", "ALT")
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


def training_plot(
    log: Iterable[Mapping[str, Any]], baselines: Mapping[str, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw bits/base during a training: of the training windows, and of the held-out ones.

    Parameters
    ----------
    log
        Lines of ``log.jsonl`` of `genoseq train hyena`, parsed: those with ``step`` and ``loss`` or
        ``held_out`` (bits/base). Others are passed over.
    baselines
        Bits/base of other models by name, drawn as lines across.
    ax
        Axes to draw on.
    """
    ax = axes_of(ax)
    lines = [line for line in log if "step" in line]
    worst = []
    curves: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("loss", "training", {"color": COLOURS[5], "linewidth": 1}),
        ("held_out", "held out", {"color": COLOURS[0], "marker": "o", "markersize": 4}),
    )
    for key, name, style in curves:
        points = np.array([(line["step"], line[key]) for line in lines if key in line], dtype=float).reshape(
            -1, 2
        )
        if len(points):
            ax.plot(*points.T, label=name, **style)
            worst.append(float(np.quantile(points[:, 1], 0.98)))
    for at, (name, bits) in enumerate((baselines or {}).items()):
        ax.axhline(bits, color=GREY, linestyle=("--", ":", "-.")[at % 3], linewidth=1, label=name)
    if worst:
        ax.set_ylim(top=max(worst) + 0.02)  # the first steps, which are far above, leave the figure
    ax.xaxis.set_major_formatter("{x:,.0f}")
    dress(ax, "Training", "step", "bits/base")
    add_legend(ax, len(ax.lines), "best")
    return ax
