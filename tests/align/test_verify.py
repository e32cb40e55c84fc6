"""Verification against plain dynamic programming: mismatches, blocks, edit distance, cut-offs."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.align.verify import (
    FAR,
    clipped_distance,
    diagonal_mismatches,
    edit_distance,
    match_masks,
    pack_read,
)
from genoseq.index.packed import pack_into, unpack, words_for
from genoseq.sequence import reverse_complement

LENGTHS = [1, 15, 16, 31, 32, 33, 63, 64, 65, 100, 128, 150, 250]


def packed(codes):
    words = np.zeros(words_for(len(codes)), np.uint64)
    pack_into(codes, words, 0)
    return words


def mutated(rng, codes, rate):
    out = []
    for base in codes.tolist():
        draw = rng.random()
        if draw < rate * 0.05:
            continue
        if draw < rate * 0.1:
            out += [base, int(rng.integers(4))]
        elif draw < rate:
            out.append((base + int(rng.integers(1, 4))) % 4)
        else:
            out.append(base)
    return np.array(out or [0], np.uint8)


def naive_distance(read, text) -> int:
    """Edits that turn the read into any stretch of the text (Sellers 1980)."""
    row = np.arange(len(read) + 1)
    best = row[-1]
    for base in text.tolist():
        new = np.empty_like(row)
        new[0] = 0
        for i in range(1, len(row)):
            new[i] = min(row[i - 1] + (read[i - 1] != base), row[i] + 1, new[i - 1] + 1)
        row = new
        best = min(best, row[-1])
    return int(best)


def distance(read, genome, position, slack=12, lo=0, hi=None, cutoff=1 << 19):
    forward, reverse = np.zeros(len(read) // 32 + 2, np.uint64), np.zeros(len(read) // 32 + 2, np.uint64)
    pack_read(read, 0, len(read), forward, reverse)
    # filled with ones: what another read left behind must not matter
    masks = np.full((5, (len(read) + 4 * slack) // 64 + 2), 2**64 - 1, np.uint64)
    match_masks(forward, len(read), slack, masks)
    hi = len(genome) if hi is None else hi
    return edit_distance(masks, len(read), slack, packed(genome), position, lo, hi, cutoff)


@pytest.mark.parametrize("length", LENGTHS)
def test_packing_a_read_and_its_other_strand(length):
    rng = np.random.default_rng(length)
    codes = rng.integers(0, 5, length + 20, dtype=np.uint8)
    forward, reverse = np.full((2, length // 32 + 2), 2**64 - 1, np.uint64)
    pack_read(codes, 7, 7 + length, forward, reverse)
    known = np.where(codes > 3, 0, codes)[7 : 7 + length].astype(np.uint8)
    out = np.empty(length, np.uint8)
    unpack(forward, 0, out)
    np.testing.assert_array_equal(out, known)
    unpack(reverse, 0, out)
    np.testing.assert_array_equal(out, reverse_complement(known))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.75])
def test_mismatches_along_the_diagonal(length, rate):
    rng = np.random.default_rng([length, int(100 * rate)])
    genome = rng.integers(0, 4, 400, dtype=np.uint8)
    for position in (0, 1, 17, 64, 400 - length):
        read = genome[position : position + length].copy()
        wrong = rng.random(length) < rate
        read[wrong] = (read[wrong] + rng.integers(1, 4, wrong.sum())) % 4
        forward = np.full(length // 32 + 2, 2**64 - 1, np.uint64)
        pack_read(read, 0, length, forward, np.zeros_like(forward))
        mismatches, good = diagonal_mismatches(forward, length, packed(genome), position)
        assert mismatches == wrong.sum()
        blocks = [wrong[i : i + 16].sum() for i in range(0, length - 15, 16)]
        assert good == sum(block <= 5 for block in blocks)


def banded_distance(read, text, slack) -> int:
    """Edits that turn the read into a stretch of the text, within `slack` of the middle diagonal."""
    far = 10**6
    row = np.where(np.arange(len(text) + 1) <= 2 * slack, 0, far)
    for i in range(1, len(read) + 1):
        new = np.full_like(row, far)
        for j in range(i, min(i + 2 * slack, len(text)) + 1):
            new[j] = min(row[j - 1] + (read[i - 1] != text[j - 1]), row[j] + 1, new[j - 1] + 1)
        row = new
    return int(row.min())


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.5])
def test_edit_distance(length, rate):
    rng = np.random.default_rng([length, int(100 * rate)])
    genome = rng.integers(0, 4, 420, dtype=np.uint8)
    position = int(rng.integers(40, 380 - length)) if length < 340 else 40
    read = mutated(rng, genome[position : position + length], rate)
    for slack in (1, 12, 31):
        for shift in (-slack, 0, slack // 2):
            start = position + shift - slack
            text = genome[max(start, 0) : position + shift + len(read) + slack]
            if start >= 0 and position + shift + len(read) + slack <= len(genome):
                found = distance(read, genome, position + shift, slack)
                assert found == banded_distance(read, text, slack)
                assert found >= naive_distance(read, text)
    if rate <= 0.2:  # few gaps: the band holds the best path
        text = genome[position - 12 : position + len(read) + 12]
        assert distance(read, genome, position) == naive_distance(read, text)


@pytest.mark.parametrize("over", [1, 10, 30])
@pytest.mark.parametrize("side", ["left", "right"])
def test_bases_outside_the_contig_match_nothing(over, side):
    rng = np.random.default_rng(over)
    genome = rng.integers(0, 4, 400, dtype=np.uint8)
    read = genome[120:270].copy()
    lo, hi = (120 + over, 400) if side == "left" else (0, 270 - over)
    assert distance(read, genome, 120, lo=lo, hi=hi) == over
    # the same at the ends of the genome itself
    end = genome[:150] if side == "left" else genome[-150:]
    hanging = (
        np.concatenate([read[:over], end[:-over]])
        if side == "left"
        else np.concatenate([end[over:], read[:over]])
    )
    position = -over if side == "left" else 250 + over
    assert distance(hanging, genome, position) <= over


@pytest.mark.parametrize("seed", range(10))
def test_the_cut_off_never_changes_a_distance_that_it_allows(seed):
    rng = np.random.default_rng(seed)
    genome = rng.integers(0, 4, 300, dtype=np.uint8)
    read = mutated(rng, genome[50:200], 0.15)
    true = distance(read, genome, 50)
    assert 0 < true < 60
    for cutoff in range(-1, true + 30):
        found = distance(read, genome, 50, cutoff=cutoff)
        assert found == true if cutoff >= true else found in (true, FAR), cutoff


def test_a_hopeless_candidate_is_given_up():
    rng = np.random.default_rng(1)
    genome, read = rng.integers(0, 4, 300, dtype=np.uint8), rng.integers(0, 4, 150, dtype=np.uint8)
    assert distance(read, genome, 50, cutoff=10) == FAR


def test_an_empty_window():
    genome = np.zeros(64, np.uint8)
    assert distance(np.array([1, 2, 3], np.uint8), genome, 10, 10) == 3


def naive_clipped(read, genome, position, lo, hi) -> int:
    """The best stretch of the diagonal within lo:hi, by matches less mismatches, as edits of the read."""
    steps = [
        1 if read[i] == genome[position + i] else -1 for i in range(len(read)) if lo <= position + i < hi
    ]
    sums = np.concatenate([[0], np.cumsum(steps)])
    best = max(int(sums[j] - sums[i]) for i in range(len(sums)) for j in range(i, len(sums)))
    return (len(read) - best) // 2


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("lo_hi", [(0, 400), (130, 400), (0, 170), (140, 175)])
def test_clipped_distance_is_that_of_the_best_stretch(length, lo_hi):
    rng = np.random.default_rng(length)
    genome = rng.integers(0, 4, 400).astype(np.uint8)
    position = 120
    read = genome[position : position + length].copy()
    read[: length // 2] = rng.integers(0, 4, length // 2)  # half of it belongs elsewhere
    forward, reverse = np.zeros(length // 32 + 2, np.uint64), np.zeros(length // 32 + 2, np.uint64)
    pack_read(read, 0, length, forward, reverse)
    found = clipped_distance(forward, length, packed(genome), position, *lo_hi)
    assert found == naive_clipped(read, genome, position, *lo_hi)


def test_clipped_distance_of_a_read_that_hangs_over_the_start():
    rng = np.random.default_rng(3)
    genome = rng.integers(0, 4, 400).astype(np.uint8)
    read = np.concatenate([rng.integers(0, 4, 75), genome[:75]]).astype(np.uint8)
    forward, reverse = np.zeros(7, np.uint64), np.zeros(7, np.uint64)
    pack_read(read, 0, 150, forward, reverse)
    assert clipped_distance(forward, 150, packed(genome), -75, 0, 400) == (150 - 75) // 2
