"""Trees from distances: neighbour joining and UPGMA, a root at the midpoint, Newick.

Trees are those of Biopython (`Bio.Phylo.BaseTree.Tree`), so that everything it can do with them is at hand;
neighbour joining (Saitou and Nei 1987) is its own as well. UPGMA is that of scipy, average linkage: what
Biopython calls so takes the mean of two clusters whatever their sizes, which is WPGMA.

**Negative lengths.** Distances that fit no tree give branches below zero. Such a branch becomes 0 and its
sister takes the difference, so that the path between the two stays as it was (Kuhner and Felsenstein 1994).

**Root.** Neighbour joining tells no root. That of `rooted_at_midpoint` lies half-way between the two leaves
farthest from each other, which is right if all lineages change at one rate, and makes a drawing readable.

Nothing here is recursive: a tree of a lineage that changes step by step is as deep as it has leaves.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genoseq.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from Bio.Phylo.BaseTree import Clade, Tree

__all__ = ["check_biopython", "neighbour_joining", "newick", "rooted_at_midpoint", "upgma"]

# Newick needs quotes around blanks, brackets, quotes, colons, semicolons and commas; these do without in
# every program. An underscore stands for itself, as RAxML, IQ-TREE and FastTree write it.
_BARE = re.compile(r"[0-9A-Za-z_.|/+#@-]+")

Distances = npt.NDArray[np.float64]


def check_biopython(what: str) -> None:
    """Refuse to begin what cannot be finished without Biopython.

    Raises
    ------
    MissingDependencyError
        If it is not installed; `what` needs it.
    """
    try:
        import Bio.Phylo.BaseTree  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(what, "biopython", "ncd") from error


def neighbour_joining(names: Sequence[str], distances: Distances) -> Tree:
    """The tree of a matrix of distances by neighbour joining, without a root: three branches at the top.

    Parameters
    ----------
    names
        Of the leaves, two or more, all different.
    distances
        Shape (n, n), symmetric, 0 on the diagonal. The time grows with n^3: 4 s for 240 leaves.

    Returns
    -------
    Bio.Phylo.BaseTree.Tree
        With lengths of 0 and more in the unit of the distances.

    Raises
    ------
    UsageError
        If it is no matrix of distances between so many leaves.
    MissingDependencyError
        If Biopython is not installed.
    """
    _check(names, distances)
    check_biopython("neighbour joining")
    from Bio.Phylo.TreeConstruction import DistanceMatrix, DistanceTreeConstructor

    rows = [[float(value) for value in distances[i, : i + 1]] for i in range(len(names))]
    numbers = [str(number) for number in range(len(names))]  # it calls inner nodes "Inner1"
    tree = DistanceTreeConstructor().nj(DistanceMatrix(numbers, rows))
    for clade in _downwards(tree.root):
        clade.name = names[int(clade.name)] if not clade.clades else None
    tree.root.branch_length = None
    _without_negative(tree)
    return tree


def upgma(names: Sequence[str], distances: Distances) -> Tree:
    """The tree of a matrix of distances by UPGMA: rooted, every leaf as far from the root as the others.

    Parameters
    ----------
    names, distances
        As of `neighbour_joining`.

    Raises
    ------
    UsageError, MissingDependencyError
        As `neighbour_joining`.
    """
    _check(names, distances)
    check_biopython("UPGMA")
    from Bio.Phylo.BaseTree import Clade, Tree
    from scipy.cluster.hierarchy import linkage

    clades = [Clade(name=name) for name in names]
    heights = [0.0] * len(names)
    for one, two, distance, _ in linkage(distances[np.triu_indices(len(names), 1)], "average"):
        children = [int(one), int(two)]
        for child in children:
            clades[child].branch_length = max(0.0, float(distance) / 2 - heights[child])
        clades.append(Clade(clades=[clades[child] for child in children]))
        heights.append(float(distance) / 2)
    return Tree(clades[-1], rooted=True)


def rooted_at_midpoint(tree: Tree) -> Tree:
    """The same tree with its root half-way between the two leaves farthest from each other.

    Children are sorted: small groups first, then by what was above.

    Parameters
    ----------
    tree
        With lengths of 0 and more; it stays as it is.
    """
    from Bio.Phylo.BaseTree import Clade, Tree

    near, names = _graph(tree)
    leaves = [node for node, others in enumerate(near) if len(others) == 1]
    start = _farthest(near, leaves[0], leaves)[-1]
    path = _farthest(near, start, leaves)
    left = sum(near[a][b] for a, b in pairwise(path)) / 2
    for above, below in pairwise(path):
        length = near[above][below]
        if left <= length or below == path[-1]:  # the branch with the midpoint
            break
        left -= length
    left = min(left, length)
    root = Clade()
    waiting: deque[tuple[int, int, float, Clade]] = deque()
    if left == length and len(near[below]) > 1:  # it is a node
        waiting += [(node, below, step, root) for node, step in near[below].items()]
    else:
        waiting += [(above, below, left, root), (below, above, length - left, root)]
    while waiting:
        node, before, length, parent = waiting.popleft()
        clade = Clade(branch_length=length, name=names[node])
        parent.clades.append(clade)
        waiting += [(other, node, step, clade) for other, step in near[node].items() if other != before]
    found = Tree(root, rooted=True)
    _sort(found)
    return found


def newick(tree: Tree) -> str:
    """A tree as Newick, on one line without its end.

    Names are quoted where they need it, with a quote in a name doubled; lengths have six digits.

    Examples
    --------
    >>> import numpy as np
    >>> distances = np.array([[0, 3, 4], [3, 0, 5], [4, 5, 0.0]])
    >>> newick(rooted_at_midpoint(neighbour_joining(["E. coli", "b", "c"], distances)))
    "(c:2.5,('E. coli':1,b:2):0.5);"
    """
    parts: list[str] = []
    # a clade, whether it is the first of its siblings, and whether its children are written
    waiting: list[tuple[Clade, bool, bool]] = [(tree.root, True, False)]
    while waiting:
        clade, is_first, is_open = waiting.pop()
        if not is_open:
            parts.append("" if is_first else ",")
        if clade.clades and not is_open:
            parts.append("(")
            waiting.append((clade, is_first, True))
            children = [(child, number == 0, False) for number, child in enumerate(clade.clades)]
            waiting += reversed(children)
            continue
        parts.append(")" if is_open else "")
        parts.append(_quoted(clade.name or ""))
        if clade.branch_length is not None and clade is not tree.root:
            parts.append(f":{clade.branch_length:.6g}")
    return "".join(parts) + ";"


def _quoted(name: str) -> str:
    if not name or _BARE.fullmatch(name):
        return name
    return "'" + name.replace("'", "''") + "'"


def _check(names: Sequence[str], distances: Distances) -> None:
    if len(names) < 2:
        raise UsageError(f"a tree of {len(names)} leaves; 2 or more are expected")
    if len(set(names)) < len(names):
        raise UsageError("two leaves of the tree have one name")
    if distances.shape != (len(names), len(names)):
        raise UsageError(f"distances of shape {distances.shape} between {len(names)} leaves")
    if not np.isfinite(distances).all() or not np.array_equal(distances, distances.T) or distances.trace():
        raise UsageError("distances must be finite and symmetric, with 0 on the diagonal")


def _downwards(root: Clade) -> Iterator[Clade]:
    """Every clade, parents first."""
    waiting = [root]
    while waiting:
        clade = waiting.pop()
        yield clade
        waiting += reversed(clade.clades)


def _without_negative(tree: Tree) -> None:
    for clade in _downwards(tree.root):
        pair = clade.clades[:2]  # what was joined; a third one at the top is what was left
        for child, sister in zip(pair, reversed(pair), strict=True):
            if child.branch_length < 0:
                sister.branch_length += child.branch_length
                child.branch_length = 0.0
        for child in clade.clades:
            child.branch_length = max(0.0, child.branch_length)


def _graph(tree: Tree) -> tuple[list[dict[int, float]], list[str | None]]:
    """Neighbours of each node with the lengths between, and names. A root of two branches is no node."""
    near: list[dict[int, float]] = []
    names: list[str | None] = []
    numbers: dict[int, int] = {}
    root = tree.root
    for clade in _downwards(root):
        numbers[id(clade)] = len(near)
        near.append({})
        names.append(clade.name if not clade.clades else None)
    for clade in _downwards(root):
        for child in clade.clades:
            one, two, length = numbers[id(clade)], numbers[id(child)], float(child.branch_length or 0.0)
            near[one][two] = near[two][one] = length
    if len(near[0]) == 2:
        (one, left), (two, right) = near[0].items()
        near[one][two] = near[two][one] = left + right
        del near[one][0], near[two][0]
        near[0] = {}
    return near, names


def _farthest(near: list[dict[int, float]], start: int, leaves: list[int]) -> list[int]:
    """The nodes on the way from a leaf to that farthest from it, the first of several."""
    before = {start: start}
    far = {start: 0.0}
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for other, length in near[node].items():
            if other not in before:
                before[other] = node
                far[other] = far[node] + length
                waiting.append(other)
    end = max((leaf for leaf in leaves if leaf != start), key=lambda leaf: far[leaf])
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]


def _sort(tree: Tree) -> None:
    """Small groups first."""
    sizes: dict[int, int] = {}
    for clade in reversed(list(_downwards(tree.root))):
        sizes[id(clade)] = sum(sizes[id(child)] for child in clade.clades) or 1
        clade.clades.sort(key=lambda child: sizes[id(child)])
