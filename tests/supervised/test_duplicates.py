"""The report of duplicates against comparing all pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.sequence import decode, reverse_complement, reverse_complement_text
from genoseq.supervised.duplicates import find_duplicates


def naive(texts, labels, parts, clusters, part, among):
    """Same, opposite, near, contradicted."""
    counts = np.zeros(4, int)
    for i, text in enumerate(texts):
        if parts[i] != part:
            continue
        others = [j for j in range(len(texts)) if j != i and parts[j] == among]
        same = [j for j in others if texts[j] == text]
        opposite = [j for j in others if texts[j] == reverse_complement_text(text)]
        near = [j for j in others if clusters[j] == clusters[i]]
        counts[0] += bool(same)
        counts[1] += bool(opposite and not same)
        counts[2] += bool(near and not same and not opposite)
        counts[3] += any(labels[j] != labels[i] for j in same + opposite)
    return counts.tolist()


def test_all_pairs():
    rng = np.random.default_rng(1)
    pool = [rng.integers(0, 4, 12).astype(np.uint8) for _ in range(25)]
    chosen = rng.integers(0, 25, 80)
    codes = [reverse_complement(pool[i]) if rng.random() < 0.4 else pool[i] for i in chosen]
    parts = rng.choice(["dog", "ape", "human"], 80).tolist()
    labels = [str(i % 3) if rng.random() < 0.9 else "odd" for i in chosen]
    clusters = chosen // 3
    report = find_duplicates(codes, labels, parts, clusters)
    texts = [decode(each) for each in codes]
    assert len(report.rows) == 9
    for row in report.rows:
        found = [row.same, row.opposite, row.near, row.contradicted]
        assert found == naive(texts, labels, parts, clusters, row.part, row.among)
        assert row.sequences == parts.count(row.part)
    assert report.distinct == len(set(chosen.tolist()))
    mixed = [np.flatnonzero(chosen == i).tolist() for i in range(25)]
    mixed = sorted(each for each in mixed if len({labels[number] for number in each}) > 1)
    assert sorted(map(list, report.conflicts)) == mixed
    assert report.clusters == len(set(clusters.tolist()))
    assert report.mixed_clusters == sum(
        len({labels[i] for i in np.flatnonzero(clusters == c)}) > 1 for c in set(clusters.tolist())
    )
    assert mixed
    assert json.loads(json.dumps(report.to_dict()))["twins"][0]["sequences"] == report.rows[0].sequences


def test_one_part_without_twins_and_nothing():
    report = find_duplicates([np.zeros(5, np.uint8), np.ones(5, np.uint8)], [1, 2])
    assert report.table() == [["all", "all", 2, 0, 0, 0, 0]]
    assert (report.distinct, report.conflicts, report.clusters) == (2, (), 0)
    assert find_duplicates([], []).rows == ()


def test_what_does_not_fit():
    with pytest.raises(UsageError, match="1 sequences and 2 labels"):
        find_duplicates([np.zeros(5, np.uint8)], ["a", "b"])
    with pytest.raises(UsageError, match="1 sequences and 2 clusters"):
        find_duplicates([np.zeros(5, np.uint8)], ["a"], clusters=np.array([1, 2]))
