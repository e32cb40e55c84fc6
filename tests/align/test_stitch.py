"""Stitching: fixed points, parted chains, gaps shifted to the left."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.align.band import Costs, strip_for
from genoseq.align.cigar import DELETION, INSERTION, MATCH
from genoseq.align.lanes import LANES
from genoseq.align.stitch import Cut, fixed_points, score_of, shift_gaps, stitch

COSTS = Costs(*(np.int16(value) for value in (2, -4, 6, 2, 25, 1)))


def letters(rng, number):
    return rng.integers(0, 4, number).astype(np.uint8)


def stitched(read, target, places, positions, *, drop=400):
    points = fixed_points(read, target, np.array(places), np.array(positions), 2)
    operations = np.zeros(4 * len(read) + 64, np.uint32)
    pieces, _ = stitch(read, target, points, COSTS, Cut(drop, 10), strip_for(500, LANES), operations)
    return [
        (piece, [(int(op) >> 4, int(op) & 15) for op in operations[piece.first : piece.last]])
        for piece in pieces
    ]


def test_an_exact_read_is_one_match():
    rng = np.random.default_rng(1)
    target = letters(rng, 1200)
    ((piece, path),) = stitched(target[100:1100].copy(), target, [40, 500, 900], [140, 600, 1000])
    assert path == [(1000, MATCH)]
    assert (piece.read_start, piece.read_end, piece.start, piece.end) == (0, 1000, 100, 1100)


def test_indels_between_fixed_points():
    rng = np.random.default_rng(2)
    target = letters(rng, 1200)
    read = np.concatenate([target[100:400], target[440:700], letters(rng, 12), target[700:1100]])
    ((piece, path),) = stitched(read, target, [100, 400, 800], [200, 540, 928])
    assert [(length, kind) for length, kind in path if kind != MATCH] == [(40, DELETION), (12, INSERTION)]
    assert (piece.read_end, piece.end) == (len(read), 1100)


def test_false_hits_fix_nothing():
    rng = np.random.default_rng(3)
    target = letters(rng, 1200)
    read = target[100:1100].copy()
    ((_, path),) = stitched(read, target, [100, 300, 500], [200, 417, 600])
    assert path == [(1000, MATCH)]


def test_an_inversion_parts_the_chain():
    rng = np.random.default_rng(4)
    target = letters(rng, 3000)
    read = target.copy()
    read[1200:1800] = 3 - target[1200:1800][::-1]
    pieces = stitched(read, target, [300, 900, 2000, 2600], [300, 900, 2000, 2600], drop=200)
    assert len(pieces) == 2
    (first, _), (second, _) = pieces
    assert abs(first.read_end - 1200) < 30
    assert abs(second.read_start - 1800) < 30
    assert first.read_start == 0
    assert second.read_end == 3000


def test_unrelated_ends_are_not_aligned():
    rng = np.random.default_rng(5)
    target = letters(rng, 2000)
    read = np.concatenate([letters(rng, 300), target[500:1500], letters(rng, 300)])
    ((piece, _),) = stitched(read, target, [500, 900], [700, 1100])
    assert abs(piece.read_start - 300) < 25
    assert abs(piece.read_end - 1300) < 25


@pytest.mark.parametrize("kind", [INSERTION, DELETION])
def test_gaps_go_as_far_left_as_they_can(kind):
    unit, flank = np.array([0, 1, 2], np.uint8), np.array([3, 3, 3, 2, 1], np.uint8)
    more = np.concatenate([flank, np.tile(unit, 6), flank])
    less = np.concatenate([flank, np.tile(unit, 5), flank])
    read, target = (more, less) if kind == INSERTION else (less, more)
    path = np.array([5 + 15 << 4 | MATCH, 3 << 4 | kind, 5 << 4 | MATCH], np.uint32)
    before = score_of(read, target, 0, 0, path, COSTS)
    shift_gaps(read, target, 0, 0, path)
    assert [(int(op) >> 4, int(op) & 15) for op in path] == [(5, MATCH), (3, kind), (20, MATCH)]
    assert score_of(read, target, 0, 0, path, COSTS) == before
