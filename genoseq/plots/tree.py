"""Figures of trees: a phylogram, its leaves one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genoseq.plots.style import COLOURS, GREY, axes_of, check_matplotlib, dress

if TYPE_CHECKING:
    from Bio.Phylo.BaseTree import Clade, Tree
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_NAME = 60  # letters; what is longer loses its middle
_LINE, _TALLEST = 0.22, 60.0  # inches: of a leaf, and of a figure
_LETTER, _BRANCHES, _AROUND = 0.085, 6.0, 1.1  # inches: a letter of a name, width of branches, other height


def tree_plot(tree: Tree, ax: Axes | None = None, *, x: str = "distance", title: str = "") -> Axes:
    """Draw a rooted tree from left to right, with the names of its leaves below each other on the right.

    A dotted line leads from each leaf to its name. The axis is the length from the root.

    Parameters
    ----------
    tree
        Of Biopython, as of `genoseq.ncd.tree`. Leaves are drawn from the top in its order.
    ax
        Axes to draw on.
    x
        What lengths are.
    title
    """
    ax = axes_of(ax)
    order = _downwards(tree.root)
    depth = {id(tree.root): 0.0}
    for clade in order:
        for child in clade.clades:
            depth[id(child)] = depth[id(clade)] + float(child.branch_length or 0.0)
    leaves = [clade for clade in order if not clade.clades]
    height = {id(leaf): float(number) for number, leaf in enumerate(leaves)}
    for clade in reversed(order):
        if clade.clades:
            ends = [height[id(child)] for child in clade.clades]
            height[id(clade)] = (min(ends) + max(ends)) / 2
    across, up = [], []
    for clade in order:
        for child in clade.clades:
            across.append([(depth[id(clade)], height[id(child)]), (depth[id(child)], height[id(child)])])
        if clade.clades:
            ends = [height[id(child)] for child in clade.clades]
            up.append([(depth[id(clade)], min(ends)), (depth[id(clade)], max(ends))])
    end = max(depth.values()) or 1.0
    leaders = [[(depth[id(leaf)], height[id(leaf)]), (1.02 * end, height[id(leaf)])] for leaf in leaves]
    _lines(ax, leaders, GREY, 0.6, "dotted")
    _lines(ax, [*across, *up], COLOURS[0], 1.5, "solid")
    dress(ax, title, x, "")
    ax.spines["left"].set_visible(False)
    ax.grid(visible=False, axis="y")
    ax.yaxis.tick_right()
    ax.set_yticks(range(len(leaves)), [_shown(leaf.name or "") for leaf in leaves])
    ax.tick_params(axis="y", length=0, pad=2)
    ax.set_xlim(-0.01 * end, 1.02 * end)
    ax.set_ylim(len(leaves) - 0.4, -0.6)  # the first on top
    return ax


def tree_figure(tree: Tree, *, x: str = "distance", title: str = "") -> Figure:
    """Draw the figure of `genoseq tree --plot`, as tall as the tree has leaves and as wide as their names."""
    check_matplotlib("--plot")
    from matplotlib.figure import Figure

    names = [_shown(clade.name or "") for clade in _downwards(tree.root) if not clade.clades]
    whole = _AROUND + _LINE * len(names)
    size = 9.0 * min(1.0, (_TALLEST - _AROUND) / (whole - _AROUND))  # points
    width = _BRANCHES + _LETTER * max(map(len, names)) * size / 9
    figure = Figure(figsize=(width, min(whole, _TALLEST)), layout="constrained", dpi=150)
    ax = tree_plot(tree, figure.subplots(), x=x, title=title)
    ax.tick_params(axis="y", labelsize=size)
    return figure


def _downwards(root: Clade) -> list[Clade]:
    """Every clade, parents first, without recursion: trees may be deep."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(found[-1].clades)
    return found


def _shown(name: str) -> str:
    """A name that fits, and that matplotlib does not read as mathematics."""
    if len(name) > _LONGEST_NAME:
        half = (_LONGEST_NAME - 1) // 2
        name = f"{name[:half]}…{name[-half:]}"
    return name.replace("$", r"\$")


def _lines(
    ax: Axes, segments: list[list[tuple[float, float]]], colour: str, width: float, style: str
) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(segments, colors=colour, linewidths=width, linestyles=style, capstyle="projecting")
    ax.add_collection(lines)
