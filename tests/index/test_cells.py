"""The tree of cells: one leaf for a reference anchor and for a read over it; neighbours by brute force."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.index import cells
from genoseq.index.cells import NEAR, CellTree, leaves_nearby, pack_near
from genoseq.sequence import reverse_complement

WORDS = AnchorWords(("AC", "GA"))


@numba.njit
def walk(near, root, children, columns):
    return cells.leaf_of(near, root, children, columns)


@numba.njit
def near_of(codes, lo, hi, position, reverse):
    return cells.near_bases(codes, lo, hi, position, reverse, 2)


def anchors_of(codes):
    positions, kinds = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
    count = find_anchors(codes, 0, len(codes), WORDS.rule(), 2, positions, kinds)
    return positions[:count], kinds[:count]


def pack(codes):
    positions, kinds = anchors_of(codes)
    near = np.empty(len(positions), np.uint32)
    pack_near(codes, 0, len(codes), positions, kinds, len(positions), 2, near)
    return positions, kinds, near


def naive_near(codes, position: int, kind: int) -> list[int]:
    """Base of each column, 4 if unknown: right 0, left 0, right 1, ... in the direction of the anchor."""
    turned = reverse_complement(codes) if kind & 1 else codes
    at = len(codes) - 2 - position if kind & 1 else position
    wanted = [at + 2 + c // 2 if c % 2 == 0 else at - 1 - c // 2 for c in range(NEAR)]
    return [int(turned[w]) if 0 <= w < len(codes) else 4 for w in wanted]


@pytest.fixture(scope="module")
def genome():
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 4, 30_000, dtype=np.uint8)
    codes[10_000:20_000] = codes[:10_000]  # repeats: uneven cells
    codes[rng.random(len(codes)) < 0.001] = 4
    return codes


@pytest.fixture(scope="module")
def grown(genome):
    positions, kinds, near = pack(genome)
    tree, leaf = CellTree.build(near, kinds >> 1, 2, 40)
    return tree, leaf, positions, kinds, near


@pytest.mark.parametrize("seed", range(3))
def test_near_bases(seed):
    codes = np.random.default_rng(seed).integers(0, 5, 200, dtype=np.uint8)
    positions, kinds, packed = pack(codes)
    assert len(positions) > 10
    for position, kind, short in zip(positions.tolist(), kinds.tolist(), packed.tolist(), strict=True):
        expected = naive_near(codes, position, kind)
        value = int(near_of(codes, 0, len(codes), position, kind & 1))
        assert [(value >> (32 + c)) & 1 for c in range(NEAR)] == [b < 4 for b in expected]
        assert [(value >> (2 * c)) & 3 for c in range(NEAR)] == [b if b < 4 else 0 for b in expected]
        assert short == value & 0xFFFFFFFF


def test_a_read_walks_to_the_leaf_that_the_build_gave(grown, genome):
    tree, leaf, positions, kinds, _ = grown
    compared = 0
    for position, kind, expected in zip(positions.tolist(), kinds.tolist(), leaf.tolist(), strict=True):
        near = near_of(genome, 0, len(genome), position, kind & 1)
        walked = walk(near, tree.roots[kind >> 1], tree.children, tree.columns)
        unknown = 4 in naive_near(genome, position, kind)
        assert walked == expected or (unknown and walked == -1)
        compared += walked == expected
    assert compared > 0.95 * len(positions)


def test_both_strands_share_the_cell(grown, genome):
    tree = grown[0]
    piece = genome[500:700]
    turned = reverse_complement(piece)
    leaves = {}
    for codes in (piece, turned):
        for position, kind in zip(*[a.tolist() for a in anchors_of(codes)], strict=True):
            near = near_of(codes, 0, 200, position, kind & 1)
            at = position if codes is piece else 198 - position
            leaf = walk(near, tree.roots[kind >> 1], tree.children, tree.columns)
            leaves.setdefault(at, []).append(int(leaf))
    assert len(leaves) > 30
    assert all(len(pair) == 2 and pair[0] == pair[1] for pair in leaves.values())


def test_leaves_are_dense_and_within_capacity(grown):
    tree, leaf, _, kinds, near = grown
    sizes = np.bincount(leaf, minlength=tree.leaves)
    assert len(sizes) == tree.leaves
    # only a leaf whose anchors agree in all near bases may hold more than the capacity
    for crowded in np.flatnonzero(sizes > 40):
        assert len(np.unique(near[leaf == crowded])) == 1
    # a leaf belongs to one word
    assert all(len(set((kinds[leaf == i] >> 1).tolist())) == 1 for i in np.flatnonzero(sizes))


def test_a_path_asks_for_no_base_twice(grown):
    tree = grown[0]
    pending = [(int(root), frozenset()) for root in tree.roots]
    leaves = []
    while pending:
        node, asked = pending.pop()
        if node < 0:
            leaves.append(-1 - node)
            continue
        column = int(tree.columns[node])
        assert column not in asked
        pending += [(int(child), asked | {column}) for child in tree.children[node]]
    assert sorted(leaves) == list(range(tree.leaves))


def naive_nearby(value: int, root: int, tree: CellTree) -> list[int]:
    """Own leaf, then for each node of the path from the deepest: the leaves under its other bases."""

    def column_of(node):
        return int(tree.columns[node])

    def known(c):
        return (value >> (32 + c)) & 1

    def base(c):
        return (value >> (2 * c)) & 3

    def down(node):
        while node >= 0:
            c = column_of(node)
            if not known(c):
                return None
            node = int(tree.children[node, base(c)])
        return -1 - node

    path, node = [], int(root)
    while node >= 0 and known(column_of(node)):
        path.append(node)
        node = int(tree.children[node, base(column_of(node))])
    if node >= 0:  # an unknown base: all four values of it, nothing else
        said = base(column_of(node))
        tried = [down(int(tree.children[node, (said + step) & 3])) for step in range(4)]
        return [leaf for leaf in tried if leaf is not None]
    found = [-1 - node]
    for parent in reversed(path):
        said = base(column_of(parent))
        tried = [down(int(tree.children[parent, (said + step) & 3])) for step in (1, 2, 3)]
        found += [leaf for leaf in tried if leaf is not None]
    return found


@pytest.mark.parametrize("most", [1, 5, 64])
def test_nearby_leaves_by_brute_force(grown, most):
    tree = grown[0]
    rng = np.random.default_rng(most)
    codes = rng.integers(0, 4, 600, dtype=np.uint8)
    codes[rng.random(600) < 0.02] = 4
    out = np.empty(most, np.int64)
    unknown = 0
    for position, kind in zip(*[a.tolist() for a in anchors_of(codes)], strict=True):
        near = near_of(codes, 0, 600, position, kind & 1)
        root = tree.roots[kind >> 1]
        count = leaves_nearby(near, root, tree.children, tree.columns, out)
        expected = naive_nearby(int(near), int(root), tree)
        assert out[:count].tolist() == expected[:most]
        assert len(set(expected)) == len(expected)
        unknown += walk(near, root, tree.children, tree.columns) == -1
    assert unknown


def test_a_substitution_on_the_path_is_found_nearby(grown, genome):
    tree, leaf, positions, kinds, _ = grown
    out = np.empty(64, np.int64)
    rng = np.random.default_rng(8)
    tried = 0
    for i in rng.choice(len(positions), 200, replace=False):
        position, kind = int(positions[i]), int(kinds[i])
        piece = genome[position - 30 : position + 32].copy()
        if len(piece) < 62 or (piece > 3).any():
            continue
        at = 30 + int(rng.choice([-3, -2, -1, 2, 3, 4]))
        piece[at] = (piece[at] + rng.integers(1, 4)) % 4
        near = near_of(piece, 0, 62, 30, kind & 1)
        count = leaves_nearby(near, tree.roots[kind >> 1], tree.children, tree.columns, out)
        # the leaf of the unchanged path is there, unless the changed base leads to other questions
        if len(tree.columns) and walk(near, tree.roots[kind >> 1], tree.children, tree.columns) == leaf[i]:
            assert out[0] == leaf[i]
        else:
            assert leaf[i] in out[:count]
        tried += 1
    assert tried > 100


@pytest.mark.parametrize("number", [0, 1, 7])
def test_few_anchors_are_one_leaf_a_word(number):
    near = np.arange(number, dtype=np.uint32)
    tree, leaf = CellTree.build(near, np.zeros(number, np.uint8), 2, 50)
    assert tree.leaves == 2
    assert tree.roots.tolist() == [-1, -2]
    assert leaf.tolist() == [0] * number


def test_equal_anchors_end_in_one_leaf_however_many():
    near = np.full(5000, 0x12345678, np.uint32)
    _, leaf = CellTree.build(near, np.zeros(5000, np.uint8), 1, 50)
    assert len(set(leaf.tolist())) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_cut_into_pieces_does_not_show(grown, seed):
    """Nor does a piece of no anchor; and each anchor is told once as settled."""
    tree, leaf, _, kinds, near = grown
    rng = np.random.default_rng(seed)
    out, words, expected = np.empty(len(near), np.int32), [], []
    for word in range(2):
        members = np.flatnonzero(kinds >> 1 == word)
        expected.append(leaf[members])
        cuts = np.sort(rng.integers(0, len(members), 5))
        cuts = np.concatenate([[0], cuts[:1], cuts, [len(members)]])
        own = near[members]
        own.flags.writeable = False  # as a file that is mapped to be read
        target = out[: len(members)] if not word else out[len(expected[0]) :]
        words.append([(own[low:high], target[low:high]) for low, high in pairwise(cuts)])
    told = []
    again = CellTree.grow(words, 40, told.append)
    for name in ("children", "columns", "roots"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tree, name))
    assert again.leaves == tree.leaves
    np.testing.assert_array_equal(out, np.concatenate(expected))
    assert sum(told) == len(near)
    assert len(told) > 10
