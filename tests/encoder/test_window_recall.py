"""Recall@K with an encoder that knows the answer, so that every rule can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.window_recall import PlacedReads, window_recall
from genoseq.errors import UsageError
from genoseq.sequence import kmers, reverse_complement


class CountOfWords:
    """Counts of 6-mers: exact enough on random sequence, and sensitive to the strand."""

    dim = 4096

    def encode(self, codes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(offsets) - 1, self.dim), np.float32)
        for row, lo, hi in zip(rows, offsets[:-1], offsets[1:], strict=True):
            words = kmers(codes[lo:hi], 6)
            np.add.at(row, words[words >= 0], 1)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture(scope="module")
def genome() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, 12_000).astype(np.uint8)


def reads_of(genome: np.ndarray, *, lie: bool = False) -> PlacedReads:
    starts = np.arange(200, 10_000, 431)
    reverse = np.arange(len(starts)) % 2 == 1
    pieces = [
        reverse_complement(genome[s : s + 150]) if r else genome[s : s + 150]
        for s, r in zip(starts, reverse, strict=True)
    ]
    offsets = np.arange(len(starts) + 1) * 150
    return PlacedReads(np.concatenate(pieces), offsets, starts, starts + 150, ~reverse if lie else reverse)


def test_exact_reads_of_both_strands_are_found_first(genome: np.ndarray) -> None:
    first, more = window_recall(CountOfWords(), genome, reads_of(genome), window=200, stride=50, hits=(1, 8))
    assert first.published == first.placed == 1
    assert (first.hits, more.hits) == (1, 8)
    assert first.windows == len(range(0, 12_000 - 200 + 1, 50))


def test_the_wrong_strand_counts_for_the_published_rule_only(genome: np.ndarray) -> None:
    row = window_recall(CountOfWords(), genome, reads_of(genome, lie=True), window=200, stride=50, hits=(1,))[
        0
    ]
    assert row.published == 1
    assert row.placed == 0


def test_a_distant_overlap_counts_for_the_published_rule_only(genome: np.ndarray) -> None:
    reads = reads_of(genome)
    moved = PlacedReads(reads.codes, reads.offsets, reads.starts + 110, reads.ends + 110, reads.reverse)
    row = window_recall(CountOfWords(), genome, moved, window=200, stride=10, hits=(1,))[0]
    assert row.published == 1
    assert row.placed == 0
    far = PlacedReads(reads.codes, reads.offsets, reads.starts + 700, reads.ends + 700, reads.reverse)
    assert window_recall(CountOfWords(), genome, far, window=200, stride=10, hits=(1,))[0].published == 0


def test_windows_of_unknown_bases_are_left_out(genome: np.ndarray) -> None:
    holed = genome.copy()
    holed[10_500:] = 4
    row = window_recall(CountOfWords(), holed, reads_of(genome), window=200, stride=50, hits=(1,))[0]
    # the last windows kept have at most half of their bases unknown
    assert row.windows == len(range(0, 10_500 - 100 + 1, 50))
    assert row.placed == 1


def test_impossible_numbers_are_refused(genome: np.ndarray) -> None:
    with pytest.raises(UsageError, match="must be positive"):
        window_recall(CountOfWords(), genome, reads_of(genome), stride=0)
    with pytest.raises(UsageError, match="less than a window"):
        window_recall(CountOfWords(), genome[:100], reads_of(genome))
