"""The band against Gotoh's recurrences on the whole matrix: the best score, and a path that has it."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.align.band import Costs, fill, reach, strip_for
from genoseq.align.cigar import INSERTION, MATCH
from genoseq.align.lanes import LANES
from genoseq.align.stitch import score_of

COSTS = Costs(*(np.int16(value) for value in (2, -4, 6, 2, 25, 1)))
BONUS = 10


def whole_matrix(query, target) -> np.ndarray:
    """Best scores of all prefixes, with gaps of two slopes."""
    m, n = len(query), len(target)
    never = -(10**6)
    best = np.full((m + 1, n + 1), never)
    inserted, deleted = np.full((2, m + 1, n + 1), never), np.full((2, m + 1, n + 1), never)
    best[0, 0] = 0
    for i in range(m + 1):
        for j in range(n + 1):
            if i == j == 0:
                continue
            for piece, (first, more) in enumerate(((6, 2), (25, 1))):
                if i:
                    inserted[piece, i, j] = max(best[i - 1, j] - first, inserted[piece, i - 1, j] - more)
                if j:
                    deleted[piece, i, j] = max(best[i, j - 1] - first, deleted[piece, i, j - 1] - more)
            pair = never
            if i and j:
                same = query[i - 1] == target[j - 1] and query[i - 1] < 4
                pair = best[i - 1, j - 1] + (2 if same else -4)
            best[i, j] = max(pair, *inserted[:, i, j], *deleted[:, i, j])
    return best


def changed(rng, letters, rate) -> np.ndarray:
    out = []
    for letter in letters:
        chance = rng.random()
        if chance < 0.4 * rate:
            out.append((letter + rng.integers(1, 4)) % 4)
        elif chance < 0.7 * rate:
            out += [letter, rng.integers(0, 4)]
        elif chance >= rate:
            out.append(letter)
    return np.array(out or [0], np.uint8)


def problems(number):
    """Pairs of sequences: related at several rates, with a long gap, with N, and unrelated."""
    rng = np.random.default_rng(7)
    for trial in range(number):
        target = rng.integers(0, 5 if trial % 3 == 0 else 4, rng.integers(1, 110)).astype(np.uint8)
        query = changed(rng, target, rng.choice([0, 0.05, 0.15, 0.3]))
        if trial % 5 == 0 and len(query) > 60:
            query = np.concatenate([query[:20], query[20 + rng.integers(1, 35) :]])
        if trial % 7 == 0:
            query = rng.integers(0, 4, rng.integers(1, 90)).astype(np.uint8)
        yield query, target


def lengths_of(path) -> tuple[int, int]:
    """Letters of the query and of the target that a path takes."""
    query = sum(int(op) >> 4 for op in path if op & 15 in (MATCH, INSERTION))
    return query, sum(int(op) >> 4 for op in path if op & 15 != INSERTION)


def test_fill_finds_the_best_score():
    for query, target in problems(120):
        score, count, strip = fill(strip_for(10, LANES), query, target, LANES, COSTS)
        path = strip.operations[:count][::-1].copy()
        assert score == whole_matrix(query, target)[-1, -1]
        assert score_of(query, target, 0, 0, path, COSTS)[0] == score
        assert lengths_of(path) == (len(query), len(target))


@pytest.mark.parametrize("backward", [False, True])
def test_reach_finds_the_best_end(backward):
    for query, target in problems(120):
        scores = whole_matrix(query, target)
        best = max(scores.max(), scores[-1].max() + BONUS)
        given = (query[::-1].copy(), target[::-1].copy()) if backward else (query, target)
        i, j, count, strip = reach(strip_for(10, LANES), *given, backward, 4 * LANES, COSTS, 10**6, BONUS)
        path = strip.operations[:count][::-1].copy()
        assert lengths_of(path) == (i, j)
        value = score_of(query, target, 0, 0, path, COSTS)[0] + (BONUS if i == len(query) else 0)
        assert best - BONUS <= value <= best  # an end that is no pair gets no bonus


def test_reach_stops_where_nothing_belongs():
    rng = np.random.default_rng(3)
    common = rng.integers(0, 4, 300).astype(np.uint8)
    query, target = (np.concatenate([common, rng.integers(0, 4, 3000).astype(np.uint8)]) for _ in range(2))
    i, j, _, _ = reach(strip_for(10, LANES), query, target, False, LANES, COSTS, 100, BONUS)
    assert abs(i - 300) < 20
    assert abs(j - 300) < 20


@pytest.mark.parametrize("gap", [40, 150, 600])
def test_a_long_gap_stays_whole(gap):
    rng = np.random.default_rng(gap)
    left, right, between = (rng.integers(0, 4, size).astype(np.uint8) for size in (200, 200, gap))
    read, target = np.concatenate([left, right]), np.concatenate([left, between, right])
    score, count, strip = fill(strip_for(10, LANES), read, target, LANES, COSTS)
    path = [(int(op) >> 4, int(op) & 15) for op in strip.operations[:count]]
    assert score == 800 - min(4 + 2 * gap, 24 + gap)
    assert sorted(length for length, kind in path if kind != MATCH) == [gap]
