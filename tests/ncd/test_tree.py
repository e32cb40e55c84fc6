"""Additive distances give the tree, UPGMA is as defined, and Newick is read by another parser."""

from __future__ import annotations

import builtins
import io

import numpy as np
import pytest

from genoseq.errors import MissingDependencyError, UsageError

Phylo = pytest.importorskip("Bio.Phylo")

from Bio.Phylo.BaseTree import Clade, Tree  # noqa: E402

from genoseq.ncd.tree import neighbour_joining, newick, rooted_at_midpoint, upgma  # noqa: E402


def random_tree(rng, leaves, shape="any"):
    """Distances along the branches of a random tree, and its splits; a chain is as deep as it can be."""
    groups = [(frozenset([leaf]), {leaf: 0.0}) for leaf in range(leaves)]
    far = np.zeros((leaves, leaves))
    splits = set()
    while len(groups) > 1:
        one = groups.pop(0 if shape == "chain" else int(rng.integers(len(groups))))
        two = groups.pop(0 if shape == "chain" else int(rng.integers(len(groups))))
        depths = []
        for members, deep in (one, two):
            length = float(rng.uniform(0.05, 1))
            depths.append({leaf: value + length for leaf, value in deep.items()})
            if 1 < len(members) < leaves - 1:
                splits.add(frozenset([members, frozenset(range(leaves)) - members]))
        for i, a in depths[0].items():
            for j, b in depths[1].items():
                far[i, j] = far[j, i] = a + b
        groups.insert(0, (one[0] | two[0], depths[0] | depths[1]))
    return far, splits


def read(text):
    return Phylo.read(io.StringIO(text), "newick")


def measured(tree, names):
    """Distances along the branches of a tree that was read."""
    steps = {}
    for clade in tree.find_clades():
        for child in clade.clades:
            steps.setdefault(id(clade), []).append((child, child.branch_length))
            steps.setdefault(id(child), []).append((clade, child.branch_length))
    leaves = {clade.name: clade for clade in tree.get_terminals()}
    assert sorted(leaves) == sorted(names)
    found = np.zeros((len(names), len(names)))
    for i, name in enumerate(names):
        waiting, seen = [(leaves[name], 0.0)], {id(leaves[name])}
        while waiting:
            clade, far = waiting.pop()
            if not clade.clades:
                found[i, names.index(clade.name)] = far
            for other, step in steps[id(clade)]:
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append((other, far + step))
    return found


def splits_of(tree, names):
    everyone = frozenset(range(len(names)))
    groups = [frozenset(names.index(leaf.name) for leaf in c.get_terminals()) for c in tree.find_clades()]
    return {frozenset([group, everyone - group]) for group in groups if 1 < len(group) < len(names) - 1}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("leaves", [2, 3, 4, 9, 25])
def test_additive_distances_give_their_tree(seed, leaves):
    far, splits = random_tree(np.random.default_rng(seed), leaves)
    names = [f"leaf {i}" for i in range(leaves)]
    tree = neighbour_joining(names, far)
    found = read(newick(tree))
    assert splits_of(found, names) == splits
    assert measured(found, names) == pytest.approx(far, abs=1e-4)
    rooted = read(newick(rooted_at_midpoint(tree)))
    assert splits_of(rooted, names) == splits
    assert measured(rooted, names) == pytest.approx(far, abs=1e-4)
    # the root is half-way between the leaves farthest from each other, which lie on two sides of it
    depths = [max(rooted.distance(leaf) for leaf in c.get_terminals()) for c in rooted.root.clades]
    assert sorted(depths)[-2:] == pytest.approx([far.max() / 2] * 2, abs=1e-4)
    assert len(rooted.root.clades) == 2
    assert all(len(clade.clades) in (0, 2) for clade in rooted.find_clades())


def test_the_tree_that_was_given_stays_as_it_is():
    far, _ = random_tree(np.random.default_rng(1), 8)
    tree = neighbour_joining("abcdefgh", far)
    before = newick(tree)
    assert newick(rooted_at_midpoint(tree)) != before
    assert newick(tree) == before
    assert len(tree.root.clades) == 3
    again = rooted_at_midpoint(rooted_at_midpoint(tree))
    assert measured(read(newick(again)), list("abcdefgh")) == pytest.approx(far, abs=1e-4)


def test_a_midpoint_that_is_a_node():
    tree = Tree(Clade(clades=[Clade(2.0, "a"), Clade(2.0, "b"), Clade(1.0, "c")]))
    assert newick(rooted_at_midpoint(tree)) == "(a:2,b:2,c:1);"


def test_distances_of_nothing():
    names = list("abcde")
    for tree in (neighbour_joining(names, np.zeros((5, 5))), upgma(names, np.zeros((5, 5)))):
        rooted = rooted_at_midpoint(tree)
        assert sorted(leaf.name for leaf in rooted.get_terminals()) == names
        assert measured(read(newick(rooted)), names).max() == 0


def test_no_branch_is_negative_and_pairs_keep_their_distance():
    """Of four points the triangle a, b, c is broken: a-b is longer than the way over c."""
    far = np.array([[0, 9, 1, 3], [9, 0, 2, 4], [1, 2, 0, 3], [3, 4, 3, 0.0]])
    negative = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = np.triu(rng.random((8, 8)), 1)
        tree = neighbour_joining(list("abcdefgh"), noise + noise.T)
        lengths = [clade.branch_length for clade in tree.find_clades() if clade is not tree.root]
        assert min(lengths) >= 0
        negative += min(lengths) == 0
        for clade in tree.get_nonterminals():
            pair = clade.clades[:2]
            if all(child.is_terminal() for child in pair):
                i, j = ("abcdefgh".index(child.name) for child in pair)
                joined = sum(child.branch_length for child in pair)
                assert joined == pytest.approx((noise + noise.T)[i, j])
    assert negative > 10  # there is something to test
    assert min(c.branch_length or 0 for c in neighbour_joining("abcd", far).find_clades()) >= 0


def naive_upgma(far):
    """Heights at which two leaves meet: mean distances of clusters, from all their leaves."""
    clusters = [frozenset([i]) for i in range(len(far))]
    met = np.zeros_like(far)
    while len(clusters) > 1:
        means = {
            (a, b): np.mean([far[i, j] for i in a for j in b]) for a in clusters for b in clusters if a != b
        }
        one, two = min(means, key=means.get)
        for i in one:
            for j in two:
                met[i, j] = met[j, i] = means[one, two]
        clusters = [c for c in clusters if c not in (one, two)] + [one | two]
    return met


@pytest.mark.parametrize("seed", range(8))
def test_upgma_is_average_linkage(seed):
    noise = np.triu(np.random.default_rng(seed).random((11, 11)), 1)
    far = noise + noise.T
    names = list("abcdefghijk")
    tree = read(newick(upgma(names, far)))
    assert measured(tree, names) == pytest.approx(naive_upgma(far), abs=1e-4)
    depths = [tree.distance(leaf) for leaf in tree.get_terminals()]
    assert max(depths) == pytest.approx(min(depths), abs=1e-5)


NAMES = [
    "plain", "with blank", "E. coli: K-12", "(bracket)", "it's", "a''b", "a,b;c", "[comment]", "under_score",
    "Å ngström", "sp|P69905|HBA", "1.5", "back\\slash", "e-5",
]  # fmt: skip


@pytest.mark.parametrize("method", [neighbour_joining, upgma])
def test_names_come_back(method):
    far, _ = random_tree(np.random.default_rng(4), len(NAMES))
    text = newick(rooted_at_midpoint(method(NAMES, far)))
    assert sorted(leaf.name for leaf in read(text).get_terminals()) == sorted(NAMES)
    assert "under_score:" in text
    assert "'it''s':" in text


def test_a_tree_as_deep_as_it_has_leaves():
    """No recursion: a lineage that changes step by step."""
    clade = Clade(1.0, "0")
    for number in range(1, 3000):
        clade = Clade(1.0, clades=[clade, Clade(1.0, str(number))])
    rooted = rooted_at_midpoint(Tree(clade))
    text = newick(rooted)
    assert text.count(",") == 2999
    assert text.count("(") == text.count(")") == 2998  # three branches at the top: the middle is a node


@pytest.mark.parametrize(
    ("names", "distances", "words"),
    [
        ("a", np.zeros((1, 1)), "1 leaves; 2 or more"),
        ("aa", np.zeros((2, 2)), "one name"),
        ("ab", np.zeros((3, 3)), r"\(3, 3\) between 2"),
        ("ab", np.array([[0, 1], [2, 0.0]]), "symmetric"),
        ("ab", np.ones((2, 2)), "0 on the diagonal"),
        ("ab", np.array([[0, np.nan], [np.nan, 0]]), "finite"),
    ],
)
@pytest.mark.parametrize("method", [neighbour_joining, upgma])
def test_what_is_no_matrix_of_distances(method, names, distances, words):
    with pytest.raises(UsageError, match=words):
        method(list(names), distances)


@pytest.mark.parametrize("method", [neighbour_joining, upgma])
def test_without_biopython(monkeypatch, method):
    whole = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("Bio"):
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"needs biopython.*genoseq\[ncd\]"):
        method(["a", "b"], np.zeros((2, 2)))
