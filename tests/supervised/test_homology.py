"""Clusters against comparing all pairs, and splits that keep them together."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.sequence import encode, reverse_complement
from genoseq.supervised.homology import homology_clusters, protein_clusters
from genoseq.supervised.splits import random_split


def mutated(codes, rate, rng):
    changed = rng.random(len(codes)) < rate
    return np.where(changed, (codes + rng.integers(1, 4, len(codes))) % 4, codes).astype(np.uint8)


def naive(codes, k, share):
    """Of DNA."""
    sets = []
    for each in codes:
        both = (each, reverse_complement(each))
        words = {
            s[i : i + k].tobytes() for s in both for i in range(len(s) - k + 1) if s[i : i + k].max() < 4
        }
        sets.append({min(w, reverse_complement(np.frombuffer(w, np.uint8)).tobytes()) for w in words})
    return linked(sets, share)


def naive_of_proteins(codes, k, share):
    words = [[each[i : i + k] for i in range(len(each) - k + 1)] for each in codes]
    return linked([{word.tobytes() for word in each if word.max() < 20} for each in words], share)


def linked(sets, share):
    cluster = list(range(len(sets)))
    for i in range(len(sets)):
        for j in range(i):
            shared = len(sets[i] & sets[j])
            if shared and shared >= share * min(len(sets[i]), len(sets[j])):
                old, new = cluster[i], cluster[j]
                cluster = [new if c == old else c for c in cluster]
    return cluster


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_all_pairs(share):
    rng = np.random.default_rng(5)
    codes = []
    for _ in range(8):
        ancestor = rng.integers(0, 4, rng.integers(30, 300)).astype(np.uint8)
        for rate in (0.02, 0.1, 0.2):
            child = mutated(ancestor, rate, rng)[rng.integers(0, 10) :]
            child[rng.random(len(child)) < 0.01] = 4
            codes.append(reverse_complement(child) if rng.random() < 0.5 else child)
    found, expected = homology_clusters(codes, k=9, share=share), naive(codes, 9, share)
    assert [[a == b for b in found] for a in found] == [[a == b for b in expected] for a in expected]
    assert 1 < len(set(expected)) < len(codes)
    assert found.tolist() == np.unique(found, return_inverse=True)[1].tolist()


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_all_pairs_of_proteins(share):
    rng = np.random.default_rng(6)
    codes = []
    for _ in range(8):
        ancestor = rng.integers(0, 20, rng.integers(30, 200)).astype(np.uint8)
        for rate in (0.1, 0.3, 0.5):
            changed = rng.random(len(ancestor)) < rate
            child = np.where(changed, rng.integers(0, 22, len(ancestor)), ancestor)
            codes.append(child[rng.integers(0, 10) :].astype(np.uint8))
    found, expected = protein_clusters(codes, k=3, share=share), naive_of_proteins(codes, 3, share)
    assert [[a == b for b in found] for a in found] == [[a == b for b in expected] for a in expected]
    assert 1 < len(set(expected)) < len(codes)
    assert protein_clusters([np.full(9, 21, np.uint8)] * 2).tolist() == [0, 1]  # nothing is known


def test_chains_are_one_cluster():
    rng = np.random.default_rng(1)
    genome = rng.integers(0, 4, 2000).astype(np.uint8)
    pieces = [genome[start : start + 400] for start in range(0, 1600, 300)]
    alone = rng.integers(0, 4, 400).astype(np.uint8)
    assert homology_clusters([*pieces, alone]).tolist() == [0] * 6 + [1]


def test_a_split_has_no_twins_on_the_other_side():
    rng = np.random.default_rng(2)
    codes, labels = [], []
    for family in range(24):
        ancestor = rng.integers(0, 4, 200).astype(np.uint8)
        codes += [mutated(ancestor, 0.03, rng) for _ in range(4)]
        labels += [family % 2] * 4
    clusters = homology_clusters(codes)
    split = random_split(np.array(labels), clusters, validation=0, test=0.25, seed=1)
    assert len(split.test) == 24
    assert not set(clusters[split.test]) & set(clusters[split.train])


def test_short_and_none():
    assert homology_clusters([]).tolist() == []
    assert homology_clusters([encode("ACG"), encode("ACG")]).tolist() == [0, 1]


@pytest.mark.parametrize("options", [{"k": 7}, {"k": 32}, {"share": 0.0}, {"share": 1.5}])
def test_what_is_out_of_range(options):
    with pytest.raises(UsageError, match="expected"):
        homology_clusters([], **options)


@pytest.mark.parametrize("options", [{"k": 2}, {"k": 15}, {"share": 0.0}])
def test_what_is_out_of_range_of_proteins(options):
    with pytest.raises(UsageError, match="expected"):
        protein_clusters([], **options)
