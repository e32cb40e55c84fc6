"""Cells of the index: a tree over the bases nearest to the anchor.

The leaf that a context falls into is its cell, an inverted list of the FAISS index: no centroid is ever
compared. The tree asks for one base at a time, nearest first (right, left, right, ...): a node with more than
`capacity` anchors is split on the base, among those not asked yet, that divides its anchors most evenly. Near
bases are read outward from the anchor, so that an insertion or deletion further out does not move them. A
cell is lost when one of the some seven bases on the path has changed; `leaves_nearby` therefore also gives
the leaves one substitution away.
"""

from __future__ import annotations

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
        children = [np.empty((0, 4), np.int32)]
        columns = [np.empty(0, np.uint8)]
        roots = np.empty(number_of_words, np.int32)
        leaf = np.empty(len(near), np.int32)
        nodes = leaves = 0
        for word in range(number_of_words):
            members = np.flatnonzero(words == word)
            child, column, of_member, count = _grow(near[members], capacity, nodes, leaves)
            leaf[members] = of_member
            roots[word] = nodes if len(column) else -1 - leaves
            children.append(child)
            columns.append(column)
            nodes += len(column)
            leaves += count
        return cls(np.concatenate(children), np.concatenate(columns), roots, leaves), leaf

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


@numba.njit(cache=True, nogil=True)
def _grow(near, capacity, first_node, first_leaf):
    """One word's tree, level by level: (children, columns, leaf of each anchor, number of leaves)."""
    count = near.shape[0]
    limit = max(4 * count // max(capacity, 1) + 64, 64)
    children = np.empty((limit, 4), np.int32)
    columns = np.empty(limit, np.uint8)
    asked = np.zeros(limit, np.uint32)
    slot = np.zeros(count, np.int32)  # node of this level that each anchor is in, or -1 - leaf
    nodes = 0
    leaves = 0
    level = 0
    if count > capacity:
        nodes = 1
    else:
        leaves = 1
        slot[:] = -1 - first_leaf
    while level < nodes:
        end = nodes
        tally = np.zeros((end - level, NEAR, 4), np.int32)
        for i in range(count):
            if slot[i] >= 0:
                row = tally[slot[i] - level]
                bases = near[i]
                for c in range(NEAR):
                    row[c, (bases >> np.uint32(2 * c)) & np.uint32(3)] += 1
        if end + 4 * (end - level) > columns.shape[0]:
            wider = 2 * columns.shape[0] + 4 * (end - level)
            children = _wider(children, wider)
            more = np.empty(wider, np.uint8)
            more[:nodes] = columns[:nodes]
            columns = more
            many = np.zeros(wider, np.uint32)
            many[:nodes] = asked[:nodes]
            asked = many
        for node in range(level, end):
            best = 0
            least = np.inf
            for c in range(NEAR):
                if (asked[node] >> np.uint32(c)) & np.uint32(1):
                    continue
                spread = 0.0
                for b in range(4):
                    spread += float(tally[node - level, c, b]) ** 2
                spread *= 1 + _DEPTH_PENALTY * c
                if spread < least:
                    least = spread
                    best = c
            columns[node] = best
            used = asked[node] | (np.uint32(1) << np.uint32(best))
            exhausted = popcount16(used) == NEAR
            for b in range(4):
                if tally[node - level, best, b] > capacity and not exhausted:
                    children[node, b] = nodes
                    asked[nodes] = used
                    nodes += 1
                else:
                    children[node, b] = -1 - leaves - first_leaf
                    leaves += 1
        for i in range(count):
            if slot[i] >= 0:
                slot[i] = children[slot[i], (near[i] >> np.uint32(2 * columns[slot[i]])) & np.uint32(3)]
        level = end
    for node in range(nodes):
        for b in range(4):
            if children[node, b] >= 0:
                children[node, b] += first_node
    return children[:nodes].copy(), columns[:nodes].copy(), -1 - slot, leaves


@numba.njit(cache=True, nogil=True)
def _wider(rows, length):
    out = np.empty((length, 4), np.int32)
    out[: rows.shape[0]] = rows
    return out


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
