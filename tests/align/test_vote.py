"""The vote, against a plain implementation over Python lists."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from genoseq.align import vote
from genoseq.align.loci import Ballot
from genoseq.align.vote import (
    ASKED,
    FULL,
    HIT,
    LEADS,
    MAX_HITS,
    OFFSET,
    SECOND,
    SIGNS,
    STRAND_SHIFT,
    STRONG_SHARE,
    STRONG_VOTE,
    cluster,
    keep_hits,
)

FLANK = 22


@numba.njit
def decoded(key):
    return vote.key_strand(key), vote.key_position(key)


def key_of(strand: int, position: int) -> int:
    return (strand << STRAND_SHIFT) | (position + OFFSET)


@pytest.mark.parametrize("strand", [0, 1])
@pytest.mark.parametrize("position", [-500, 0, 1, 3_100_000_000])
def test_a_key_holds_strand_and_position(strand, position):
    assert decoded(np.int64(key_of(strand, position))) == (strand, position)


def naive_clusters(hits, tolerance):
    """(key of the best hit, score, supporters) of each cluster; hits are (key, vote, anchor)."""
    groups, previous = [], None
    for hit in sorted(hits, key=lambda h: h[0]):
        if previous is None or hit[0] - previous > tolerance:
            groups.append([])
        groups[-1].append(hit)
        previous = hit[0]
    found = []
    for group in groups:
        best_of = {}
        for _, value, anchor in group:
            best_of[anchor] = max(value, best_of.get(anchor, 0.0))
        key = max(group, key=lambda h: h[1])[0]
        found.append((key, sum(best_of.values()), len(best_of)))
    return sorted(found, key=lambda c: -c[1])


def clustered(hits, tolerance, limit, length):
    """Candidates of the hits of a read of `length` bp."""
    keys, votes, owners = (np.array(column) for column in zip(*hits, strict=True))
    stamp, best_of = np.full(length, -1, np.int64), np.empty(length, np.float32)
    out = np.empty(limit, np.int64), np.empty(limit, np.float32), np.empty(limit, np.int64)
    count, total = cluster(
        keys.astype(np.int64), votes.astype(np.float32), owners.astype(np.int64), tolerance,
        np.empty(len(hits), np.int64), stamp, best_of, *out,
    )  # fmt: skip
    assert (stamp == -1).all()  # clean for the next read
    return [column[:count].tolist() for column in out], total


@pytest.mark.parametrize("number", [1, 2, 30, 48, 49, 300])
@pytest.mark.parametrize("seed", range(5))
def test_clusters(number, seed):
    rng = np.random.default_rng([number, seed])
    hits = [
        (
            key_of(int(rng.integers(2)), int(rng.integers(0, 6 * number))),
            float(rng.random()),
            int(rng.integers(12)),
        )
        for _ in range(number)
    ]
    expected = naive_clusters(hits, 4)
    (keys, votes, supporters), total = clustered(hits, 4, number, 12)
    assert len(keys) == len(expected)
    assert keys == [c[0] for c in expected]
    np.testing.assert_allclose(votes, [c[1] for c in expected], rtol=1e-5)
    assert supporters == [c[2] for c in expected]
    assert total == pytest.approx(sum(c[1] for c in expected), rel=1e-5)


def test_only_the_best_candidates_are_kept_and_all_are_counted():
    hits = [(key_of(0, 100 * i), 0.01 * (i + 1), i) for i in range(20)]
    (keys, _, _), total = clustered(hits, 6, 3, 20)
    assert keys == [key_of(0, 1900), key_of(0, 1800), key_of(0, 1700)]
    assert total == pytest.approx(sum(0.01 * (i + 1) for i in range(20)), rel=1e-5)


def test_strands_do_not_mix():
    (keys, _, supporters), _ = clustered([(key_of(0, 50), 0.5, 0), (key_of(1, 50), 0.4, 1)], 6, 5, 2)
    assert keys == [key_of(0, 50), key_of(1, 50)]
    assert supporters == [1, 1]


def test_an_anchor_votes_once_in_a_cluster():
    hits = [(key_of(0, 50), 0.5, 0), (key_of(0, 51), 0.3, 0), (key_of(0, 52), 0.6, 0)]
    (keys, votes, supporters), _ = clustered(hits, 6, 5, 1)
    assert (keys, supporters) == ([key_of(0, 52)], [1])
    assert votes[0] == pytest.approx(0.6)


def test_neighbours_chain_beyond_the_tolerance():
    (keys, _, _), _ = clustered([(key_of(0, 5 * i), 0.5, i) for i in range(10)], 5, 5, 10)
    assert len(keys) == 1


# hits to keys


def kept(ids, similarities, *, positions, kinds, offsets, live, base=0.3, old=None):
    """keep_hits for one anchor a read, with the arrays that it wants: hits, starts, signs."""
    reads = len(offsets) - 1
    slots = np.full(reads, -1, np.int64)
    old = Ballot(*old) if old else Ballot(np.zeros(1, np.int64), *[np.empty(0, t) for t in "qfq"])
    slots[: len(old.starts) - 1] = np.arange(len(old.starts) - 1)
    room = len(old.keys) + np.size(ids)
    new = Ballot(np.empty(len(live) + 1, np.int64), *[np.empty(room, t) for t in "qfq"])
    signs = np.zeros((reads, SIGNS), np.int32)
    total = keep_hits(
        np.array(live), slots, old, np.arange(len(ids)), np.arange(len(live) + 1),
        np.array(similarities, np.float32), np.array(ids, np.int64), np.array(positions),
        np.array(kinds, np.uint8), np.array(offsets), 2, FLANK, np.float32(base), new, signs,
    )  # fmt: skip
    hits = zip(
        new.keys[:total].tolist(), new.votes[:total].tolist(), new.anchors[:total].tolist(), strict=True
    )
    return list(hits), new.starts, signs


@pytest.mark.parametrize("orientation", [0, 1])
def test_the_diagonal_of_a_hit(orientation):
    """A read of 100 bp cut from 5000:5100 of the reference, an anchor at 30: its hit leads back to 5000."""
    word = 2
    # forward strand: the anchor has the orientation of the reference's anchor
    hit = 2 * (5000 + 30) + orientation
    hits, _, _ = kept([[hit]], [[0.9]], positions=[30], kinds=[orientation], offsets=[0, 100], live=[0])
    assert hits == [(key_of(0, 5000), pytest.approx(0.6), 30)]
    # reverse strand: the base of the reference at 5030 is at 100 - 30 - word in the read, orientation turned
    hits, _, _ = kept(
        [[hit]], [[0.9]], positions=[100 - 30 - word], kinds=[1 - orientation], offsets=[0, 100], live=[0]
    )
    assert hits == [(key_of(1, 5000), pytest.approx(0.6), 100 - 30 - word)]


def test_positions_are_counted_from_the_read():
    hits, starts, _ = kept(
        [[2 * 5030], [2 * 705]], [[0.9], [0.8]], positions=[130, 205], kinds=[0, 0],
        offsets=[0, 100, 200, 300], live=[1, 2],
    )  # fmt: skip
    assert [h[0] for h in hits] == [key_of(0, 5000), key_of(0, 700)]
    assert starts.tolist() == [0, 1, 2]


def test_hits_that_say_nothing_are_dropped():
    ids, similarities = [[20, 30, 40], [50, -1, -1]], [[0.5, 0.3, 0.2], [0.9, 9.0, 9.0]]
    hits, starts, signs = kept(
        ids, similarities, positions=[5, 105], kinds=[0, 0], offsets=[0, 100, 200], live=[0, 1]
    )
    assert [h[2] for h in hits] == [5, 5]
    assert starts.tolist() == [0, 1, 2]
    assert signs[:, [SECOND, HIT, FULL, ASKED]].tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]


FIRST = 0.3 + STRONG_VOTE + 0.1


@pytest.mark.parametrize(
    ("others", "second", "full"),
    [
        ([FIRST, FIRST], 1, 1),
        ([0.3 + STRONG_SHARE * (FIRST - 0.3) * 1.01] * 2, 1, 1),
        ([FIRST, 0.3 + STRONG_VOTE - 0.01], 1, 0),
        ([0.3 + STRONG_VOTE - 0.01, 0.2], 0, 0),
    ],
)
def test_strong_further_hits_are_signs_of_a_repeat(others, second, full):
    _, _, signs = kept(
        [[20, 400, 600]], [[FIRST, *others]], positions=[50], kinds=[0], offsets=[0, 100], live=[0]
    )
    assert signs[0, [SECOND, HIT, FULL, ASKED]].tolist() == [second, 1, full, 1]


@pytest.mark.parametrize(
    ("position", "second", "leads"),
    [
        (50, 0.8, 1),
        (50, 0.9, 0),
        (50, 0.2, 1),
        (FLANK, 0.8, 1),
        (FLANK - 1, 0.8, 0),
        (99 - FLANK, 0.8, 0),
    ],
)
def test_a_whole_context_leads_if_no_other_is_as_near(position, second, leads):
    _, _, signs = kept(
        [[20, 400]], [[0.9, second]], positions=[position], kinds=[0], offsets=[0, 100], live=[0]
    )
    assert signs[0, LEADS] == leads


def test_hits_of_earlier_stages_are_kept():
    earlier = np.array([0, 2, 3]), np.array([7, 8, 9]), np.array([0.1, 0.2, 0.3], "f"), np.array([4, 5, 6])
    hits, starts, _ = kept(
        [[2 * 5030]], [[0.9]], positions=[130], kinds=[0], offsets=[0, 100, 200], live=[1], old=earlier
    )
    assert [(h[0], h[2]) for h in hits] == [(9, 6), (key_of(0, 5000), 30)]
    assert starts.tolist() == [0, 2]


def test_a_read_never_votes_with_more_hits_than_fit():
    most = MAX_HITS + 100
    ids = [np.arange(most) * 200]
    hits, _, _ = kept(ids, [np.full(most, 0.9)], positions=[5], kinds=[0], offsets=[0, 100], live=[0])
    assert len(hits) == MAX_HITS
    (keys, _, _), _ = clustered(hits, 6, 10, 100)
    assert len(keys) == 10
