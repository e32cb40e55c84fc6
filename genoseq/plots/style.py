"""What all figures share: colours, markers, axes, and how a figure becomes text."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from genoseq.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F4F24")
"""Of Okabe and Ito (2008), which colour-blind readers can tell apart, with brown for their pale yellow."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#767676"


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


def axes_of(ax: Axes | None) -> Axes:
    """The axes that were given, or the current ones of pyplot."""
    check_matplotlib("a figure")
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.gca()


def series_style(i: int) -> dict[str, Any]:
    """Colour and marker of series `i`."""
    return {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}


def dress(ax: Axes, title: str, x: str, y: str) -> None:
    """Title, names of the axes, and a light grid."""
    ax.set_title(title, loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, which="major", color="#E4E4E4", linewidth=0.7)
    ax.set_axisbelow(True)


def add_legend(ax: Axes, series: int, place: Literal["lower left", "best"]) -> None:
    """A legend, if there are series."""
    if series:
        ax.legend(loc=place, fontsize=9, frameon=True, framealpha=0.9, edgecolor="none", borderpad=0.3)


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
