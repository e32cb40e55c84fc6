"""The figure of a tree: where leaves and branches stand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("Bio")
matplotlib.use("Agg")
from Bio.Phylo.BaseTree import Clade, Tree  # noqa: E402
from matplotlib import pyplot  # noqa: E402 - after the choice of the backend

from genoseq.plots import tree_figure, tree_plot  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def example():
    return Tree(Clade(clades=[Clade(2.0, "c"), Clade(0.5, clades=[Clade(1.0, "a"), Clade(1.5, "$b$")])]))


def test_axes_in_axes_out():
    _, ax = pyplot.subplots()
    assert tree_plot(example(), ax) is ax
    pyplot.figure()
    assert tree_plot(example()) is pyplot.gca()


def test_leaves_stand_below_each_other_at_their_distance():
    ax = tree_plot(example(), x="NCD")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "a", r"\$b\$"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert ax.get_xlabel() == "NCD"
    leaders, branches = (c.get_segments() for c in ax.collections)
    assert [segment[0].tolist() for segment in leaders] == [[2, 0], [1.5, 1], [2, 2]]
    assert len({segment[1][0] for segment in leaders}) == 1  # names are aligned
    found = {tuple(map(tuple, segment.tolist())) for segment in branches}
    assert found == {
        ((0, 0), (2, 0)), ((0, 1.5), (0.5, 1.5)), ((0.5, 1), (1.5, 1)), ((0.5, 2), (2, 2)),  # across
        ((0, 0), (0, 1.5)), ((0.5, 1), (0.5, 2)),  # up and down
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
@pytest.mark.parametrize("leaves", [2, 40])
def test_names_fit_into_the_figure(leaves, kind, tmp_path):
    names = [f"{i} " + "W" * (200 if i % 2 else 3) for i in range(leaves)]
    tree = Tree(Clade(clades=[Clade(0.1, name) for name in names]))
    figure = tree_figure(tree, x="NCD")
    figure.savefig(tmp_path / f"x.{kind}")
    ax = figure.axes[0]
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert max(box.x1 for box in boxes) <= figure.bbox.x1 + 1
    assert all(above.y0 >= below.y1 - 1 for above, below in pairwise(boxes))  # apart
    assert ax.get_window_extent().width > 0.3 * figure.bbox.width
    assert max(len(label.get_text()) for label in ax.get_yticklabels()) <= 60


def test_a_tree_of_hundreds_of_leaves_is_one_page():
    tree = Tree(Clade(clades=[Clade(0.1, str(i)) for i in range(600)]))
    figure = tree_figure(tree)
    assert figure.get_figheight() == 60
    assert figure.axes[0].get_yticklabels()[0].get_fontsize() < 5


def test_deep_trees_and_no_lengths():
    clade = Clade(None, "0")
    for number in range(1, 1500):
        clade = Clade(0.0, clades=[clade, Clade(0.0, str(number))])
    ax = tree_plot(Tree(clade))
    assert np.isfinite(ax.get_xlim()).all()
    assert ax.get_xlim()[1] > 1
