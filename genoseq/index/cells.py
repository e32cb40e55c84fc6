"""Cells of the index: a tree over the bases nearest to the anchor.

The leaf that a context falls into is its cell, an inverted list of the FAISS index: no centroid is ever
compared. The tree asks for one base at a time, nearest first (right, left, right, ...): a node with more than
`capacity` anchors is split on the base, among those not asked yet, that divides its anchors most evenly. Near
bases are read outward from the anchor, so that an insertion or deletion further out does not move them. A
cell is lost when one of the some seven bases on the path has changed; `leaves_nearby` therefore also gives
the leaves one substitution away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

NEAR = 16
"""Bases that the tree may ask for: 8 on each side of the word, in the order right 0, left 0, right 1, ..."""
_DEPTH_PENALTY = 0.04  # prefer near bases: a column one step further out must be 4 % more even (encoder.md)
_UNKNOWN = np.uint64(1) << np.uint64(40)


@dataclass(frozen=True)
class CellTree:
    """Trees of all anchor words in one array of nodes.

    Attributes
    ----------
    children : ndarray, shape (nodes, 4), dtype int32
        The node for each base; a leaf ``i`` is stored as ``-1 - i``.
    columns : ndarray, shape (nodes,), dtype uint8
        The near base that the node asks for.
    roots : ndarray, shape (words,), dtype int32
        The root of each anchor word (a leaf, encoded as above, if the word has few anchors).
    leaves : int
        Number of leaves over all words.
    """

    children: NDArray[np.int32]
    columns: NDArray[np.uint8]
    roots: NDArray[np.int32]
    leaves: int

    @classmethod
    def build(
        cls, near: NDArray[np.uint32], words: NDArray[np.uint8], number_of_words: int, capacity: int
    ) -> tuple[CellTree, NDArray[np.int32]]:
        """Grow the tree of each word over the near bases of a reference's anchors.

        Parameters
        ----------
        near : ndarray, shape (n,), dtype uint32
            Near bases of each anchor at two bits a column, as `near_bases` packs them.
        words : ndarray, shape (n,), dtype uint8
            Number of the word of each anchor.
        capacity : int
            A node with more anchors is split.

        Returns
        -------
        tree : CellTree
        leaf : ndarray, shape (n,), dtype int32
            The leaf of each anchor.
        """
        leaf = np.empty(len(near), np.int32)

        def each_word() -> Iterator[list[tuple[NDArray[np.uint32], NDArray[np.int32]]]]:
            for word in range(number_of_words):
                members = np.flatnonzero(words == word)
                own = np.empty(len(members), np.int32)
                yield [(near[members], own)]
                leaf[members] = own  # `grow` has filled it

        return cls.grow(each_word(), capacity), leaf

    @classmethod
    def grow(
        cls,
        words: Iterable[Sequence[tuple[NDArray[np.uint32], NDArray[np.int32]]]],
        capacity: int,
        progress: Callable[[int], None] | None = None,
    ) -> CellTree:
        """Grow the tree of each word over anchors that lie in several arrays, which may be memory maps.

        Parameters
        ----------
        words : iterable of sequences of (near, leaf)
            For each word the near bases of its anchors (uint32) in pieces, each with an array of its length
            (int32) that receives the leaves. How the anchors are cut into pieces does not show in the tree.
        capacity : int
            A node with more anchors is split.
        progress : callable, optional
            Called now and then with the number of anchors that have come to their leaf since.
        """
        children = [np.empty((0, 4), np.int32)]
        columns = [np.empty(0, np.uint8)]
        roots: list[int] = []
        nodes = leaves = 0
        for pieces in words:
            child, column, count = _grow(pieces, capacity, nodes, leaves, progress)
            roots.append(nodes if len(column) else -1 - leaves)
            children.append(child)
            columns.append(column)
            nodes += len(column)
            leaves += count
        return cls(np.concatenate(children), np.concatenate(columns), np.array(roots, np.int32), leaves)

    def is_sound(self, words: int) -> bool:
        """Whether the arrays are what `build` makes of so many words: trees that a walk cannot leave.

        The kernels check none of it; what comes from a file must be asked.
        """
        nodes = len(self.columns) if self.columns.ndim == 1 else -1
        forms = (
            (self.children, np.int32, (nodes, 4)),
            (self.columns, np.uint8, (nodes,)),
            (self.roots, np.int32, (words,)),
        )
        if any(array.dtype != dtype or array.shape != shape for array, dtype, shape in forms):
            return False
        named = np.concatenate([self.roots, self.children.ravel()])
        inner, outer = named[named >= 0], -1 - named[named < 0].astype(np.int64)
        once = np.array_equal(np.sort(inner), np.arange(nodes))
        if not once or not np.array_equal(np.sort(outer), np.arange(self.leaves)):
            return False
        level, asked = self.roots[self.roots >= 0], np.zeros(nodes, np.uint32)
        while len(level):
            if (self.columns[level] >= NEAR).any():
                return False
            own = np.uint32(1) << self.columns[level].astype(np.uint32)
            if (asked[level] & own).any():
                return False
            below = self.children[level]
            asked[below[below >= 0]] = np.repeat(asked[level] | own, (below >= 0).sum(1))
            level = below[below >= 0]
        return True


def _grow(
    pieces: Sequence[tuple[NDArray[np.uint32], NDArray[np.int32]]],
    capacity: int,
    first_node: int,
    first_leaf: int,
    progress: Callable[[int], None] | None,
) -> tuple[NDArray[np.int32], NDArray[np.uint8], int]:
    """One word's tree, level by level: (children, columns, number of leaves).

    Meanwhile an anchor's entry in the array of leaves is the node of this level that it is in, or -1 - leaf.
    """
    count = sum(len(near) for near, _ in pieces)
    split = count > capacity
    if progress and not split:
        progress(count)
    for _, slot in pieces:
        slot[:] = first_node if split else -1 - first_leaf
    children, columns = [np.empty((0, 4), np.int32)], [np.empty(0, np.uint8)]
    level, asked, leaves = first_node, np.zeros(int(split), np.uint32), 0 if split else 1
    while len(asked):
        tally = np.zeros((len(asked), NEAR, 4), np.int32)
        for near, slot in pieces:
            _tally(near, slot, level, tally)
        end = level + len(asked)
        child, column, asked, leaves = _split(tally, asked, capacity, end, first_leaf, leaves)
        for near, slot in pieces:
            settled = _descend(near, slot, level, child, column)
            if progress:
                progress(settled)
        children.append(child)
        columns.append(column)
        level = end
    for _, slot in pieces:
        np.subtract(-1, slot, out=slot)
    return np.concatenate(children), np.concatenate(columns), leaves


@numba.njit(cache=True, nogil=True)
def _tally(near, slot, level, tally):
    """Count the near bases of the anchors that are in the nodes from `level` on."""
    for i in range(near.shape[0]):
        if slot[i] >= 0:
            row = tally[slot[i] - level]
            bases = near[i]
            for c in range(NEAR):
                row[c, (bases >> np.uint32(2 * c)) & np.uint32(3)] += 1


@numba.njit(cache=True, nogil=True)
def _split(tally, asked, capacity, next_node, first_leaf, leaves):
    """Column and children of each node of a level, what each node of the next has asked, leaves so far."""
    count = tally.shape[0]
    children = np.empty((count, 4), np.int32)
    columns = np.empty(count, np.uint8)
    below = np.empty(4 * count, np.uint32)
    nodes = 0
    for node in range(count):
        best = 0
        least = np.inf
        for c in range(NEAR):
            if (asked[node] >> np.uint32(c)) & np.uint32(1):
                continue
            spread = 0.0
            for b in range(4):
                spread += float(tally[node, c, b]) ** 2
            spread *= 1 + _DEPTH_PENALTY * c
            if spread < least:
                least = spread
                best = c
        columns[node] = best
        used = asked[node] | (np.uint32(1) << np.uint32(best))
        exhausted = popcount16(used) == NEAR
        for b in range(4):
            if tally[node, best, b] > capacity and not exhausted:
                children[node, b] = next_node + nodes
                below[nodes] = used
                nodes += 1
            else:
                children[node, b] = -1 - leaves - first_leaf
                leaves += 1
    return children, columns, below[:nodes].copy(), leaves


@numba.njit(cache=True, nogil=True)
def _descend(near, slot, level, children, columns):
    """Bring each anchor of a level's nodes to the child that its base names; how many came to a leaf."""
    settled = 0
    for i in range(near.shape[0]):
        if slot[i] >= 0:
            node = slot[i] - level
            slot[i] = children[node, (near[i] >> np.uint32(2 * columns[node])) & np.uint32(3)]
            settled += slot[i] < 0
    return settled


@numba.njit(cache=True, nogil=True)
def popcount16(bits: np.uint32) -> np.uint32:
    """Bits set among the lowest 16."""
    total = np.uint32(0)
    for c in range(16):
        total += (bits >> np.uint32(c)) & np.uint32(1)
    return total


@numba.njit(cache=True, nogil=True, inline="always")
def near_bases(
    codes: NDArray[np.uint8],
    lo: int,
    hi: int,
    position: int,
    reverse: int,
    length: int,
) -> np.uint64:
    """Near bases of one anchor: two bits a column in the low half, one bit a column that is known from bit 32
    on.

    Bases outside ``lo:hi`` or with code 4 are unknown (and 0).
    """
    bases = np.uint64(0)
    known = np.uint64(0)
    for c in range(NEAR):
        step = c >> 1
        if (c & 1) == 0:  # right of the word, in the direction of the context
            at = position - 1 - step if reverse else position + length + step
        else:
            at = position + length + step if reverse else position - 1 - step
        if lo <= at < hi:
            base = codes[at]
            if base < 4:
                if reverse:
                    base = 3 - base
                bases |= np.uint64(base) << np.uint64(2 * c)
                known |= np.uint64(1) << np.uint64(c)
    return bases | (known << np.uint64(32))


@numba.njit(cache=True, nogil=True)
def pack_near(
    codes: NDArray[np.uint8],
    lo: int,
    hi: int,
    positions: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    count: int,
    length: int,
    out: NDArray[np.uint64],
) -> None:
    """Near bases (uint32; unknown bases as A) of the first `count` anchors of ``codes[lo:hi]``."""
    for a in range(count):
        out[a] = np.uint32(
            near_bases(codes, lo, hi, positions[a], kinds[a] & 1, length) & np.uint64(0xFFFFFFFF)
        )


@numba.njit(cache=True, nogil=True, inline="always")
def leaf_of(
    near: np.uint64,
    root: int,
    children: NDArray[np.int32],
    columns: NDArray[np.uint8],
) -> int:
    """Leaf of packed near bases, or -1 if the path asks for an unknown base."""
    node = root
    while node >= 0:
        column = np.uint64(columns[node])
        if (near >> (np.uint64(32) + column)) & np.uint64(1) == 0:
            return -1
        node = children[node, (near >> (np.uint64(2) * column)) & np.uint64(3)]
    return -1 - node


@numba.njit(cache=True, nogil=True)
def leaves_nearby(
    near: np.uint64,
    root: int,
    children: NDArray[np.int32],
    columns: NDArray[np.uint8],
    out: NDArray[np.int64],
) -> int:
    """Leaf of packed near bases and the leaves one substitution away on its path, deepest change first.

    An unknown base is tried with all four values (once; a second unknown base ends the branch).

    Parameters
    ----------
    out : ndarray, dtype int64
        Receives the leaves; its length is the most that are wanted.

    Returns
    -------
    int
        How many were written.
    """
    path = np.empty(2 * NEAR, np.int64)
    depth = 0
    count = 0
    node = root
    unknown = -1
    while node >= 0:
        path[depth] = node
        column = np.uint64(columns[node])
        if (near >> (np.uint64(32) + column)) & np.uint64(1) == 0:
            unknown = depth
            break
        depth += 1
        node = children[node, (near >> (np.uint64(2) * column)) & np.uint64(3)]
    if unknown < 0:
        out[0] = -1 - node
        count = 1
    last = unknown if unknown >= 0 else depth - 1
    first = unknown if unknown >= 0 else 0
    level = last
    while level >= first:
        parent = path[level]
        column = np.uint64(columns[parent])
        said = (near >> (np.uint64(2) * column)) & np.uint64(3)
        for step in range(4):
            base = (said + np.uint64(step)) & np.uint64(3)
            if count == out.shape[0] or (step == 0 and unknown < 0):
                continue
            leaf = leaf_of(near, children[parent, base], children, columns)
            if leaf >= 0:
                out[count] = leaf
                count += 1
        level -= 1
    return count
