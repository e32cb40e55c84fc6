"""Figures of peptides: two properties by rank, and sequence logos."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genoseq.errors import UsageError
from genoseq.plots.style import COLOURS, axes_of, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_BLUE, _ORANGE, _GREEN, _PINK, _, _, _BLACK, _ = COLOURS
_COLOUR_OF = {
    letter: colour
    for letters, colour in (
        ("GSTYC", _GREEN), ("QN", _PINK), ("KRH", _BLUE), ("DE", _ORANGE), ("AVLIPWFM", _BLACK),
    )
    for letter in letters
}  # fmt: skip
"""Polar, with an amide, basic, acidic, hydrophobic: the classes of WebLogo's chemistry."""
_MOST_BITS = math.log2(20)
_LEAST_BITS = 0.02  # of a letter that is drawn
_WIDTH, _THIN = 0.9, 0.3  # of letters, in places; of I
_THIRDS = ((1 / 3, _ORANGE, "first third"), (2 / 3, "#9A9A9A", "second"), (1.0, _BLUE, "last"))


def ranked_plot(
    x: Sequence[float],
    y: Sequence[float],
    ranks: Sequence[float],
    ax: Axes | None = None,
    *,
    x_name: str,
    y_name: str,
) -> Axes:
    """Draw a point for each peptide, coloured by its rank, the best on top.

    Parameters
    ----------
    x, y
        Two properties.
    ranks
        Share of the peptides of its target that rank up to each, above 0 and up to 1.
    ax
        Axes to draw on.
    x_name, y_name
        Of the properties.
    """
    ax = axes_of(ax)
    below = 0.0
    for layer, (limit, colour, name) in enumerate(_THIRDS):
        some = [i for i, rank in enumerate(ranks) if below < rank <= limit]
        below = limit
        if some:
            ax.scatter(
                [x[i] for i in some], [y[i] for i in some],
                s=26, color=colour, alpha=0.85, linewidths=0, label=name, zorder=5 - layer,
            )  # fmt: skip
    dress(ax, "", x_name, y_name)
    ax.legend(
        title="by rank", fontsize=8, title_fontsize=8, frameon=False, loc="center left",
        bbox_to_anchor=(1.0, 0.5), handletextpad=0.2,
    )  # fmt: skip
    return ax


def logo_plot(peptides: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw a sequence logo of peptides of one length.

    A stack is as high as its place is certain, log2(20) minus the entropy, in bits (Schneider and Stephens
    1990), without their correction for few sequences; letters share it, the most frequent on top.

    Parameters
    ----------
    peptides
        Of the twenty amino acids.
    ax
        Axes to draw on.

    Raises
    ------
    UsageError
        If there are none, or they differ in length.
    """
    from matplotlib.patches import PathPatch

    lengths = {len(peptide) for peptide in peptides}
    if len(lengths) != 1:
        raise UsageError(f"a logo of peptides of lengths {sorted(lengths)}; one length is needed")
    ax = axes_of(ax)
    for place, column in enumerate(zip(*peptides, strict=True), 1):
        shares = {letter: count / len(column) for letter, count in Counter(column).items()}
        bits = _MOST_BITS + sum(share * math.log2(share) for share in shares.values())
        base = 0.0
        for letter, share in sorted(shares.items(), key=lambda item: (item[1], item[0])):
            height = share * bits
            if height > _LEAST_BITS:
                width = _THIN if letter == "I" else _WIDTH
                path = _letter(letter, place - width / 2, base, width, height)
                ax.add_patch(PathPatch(path, facecolor=_COLOUR_OF[letter], linewidth=0))
            base += height
    length = lengths.pop()
    dress(ax, "", "place", "bits")
    ax.grid(visible=False, axis="x")
    ax.set_xlim(0.4, length + 0.6)
    ax.set_ylim(0, _MOST_BITS)
    step = -(-length // 25)
    ax.set_xticks([1, *range(step if step > 1 else 2, length + 1, step)])
    return ax


def _letter(letter: str, left: float, bottom: float, width: float, height: float) -> Path:
    """The outline of a letter that fills a box."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    outline = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = outline.get_extents()
    scaled = Affine2D().translate(-box.x0, -box.y0).scale(width / box.width, height / box.height)
    return outline.transformed(scaled.translate(left, bottom))
