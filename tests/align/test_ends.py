"""Unrelated ends are clipped, related ones stay, however uneven their errors."""

from __future__ import annotations

import numpy as np

from genoseq.align.aligner import Aligner
from genoseq.align.cigar import DELETION, INSERTION, MATCH, SOFT_CLIP
from genoseq.align.ends import clip_ends
from genoseq.io.batch import ReadBatch


def path_of(*operations):
    return np.array([length << 4 | kind for length, kind in operations], np.uint32)


def test_a_clean_alignment_stays():
    read = np.random.default_rng(1).integers(0, 4, 150).astype(np.uint8)
    target = read.copy()
    read[[3, 70, 71, 90, 120, 146]] = (read[[3, 70, 71, 90, 120, 146]] + 1) % 4
    path = path_of((150, MATCH))
    assert clip_ends(read, 0, target, 0, path) == (0, 0, 0, 1)
    assert path.tolist() == path_of((150, MATCH)).tolist()


def test_an_end_that_is_half_wrong_goes():
    rng = np.random.default_rng(2)
    target = rng.integers(0, 4, 160).astype(np.uint8)
    read = np.concatenate([target[:90], target[93:150]])
    wrong = 90 + np.flatnonzero(rng.random(57) < 0.45)
    read[wrong] = (read[wrong] + 1) % 4
    path = path_of((90, MATCH), (3, DELETION), (57, MATCH))
    begin, start, first, last = clip_ends(read, 0, target, 0, path)
    assert (begin, start, first, last) == (0, 0, 0, 1)
    assert 85 <= path[0] >> 4 <= 92


def test_a_start_that_is_half_wrong_goes():
    rng = np.random.default_rng(3)
    target = rng.integers(0, 4, 160).astype(np.uint8)
    read = np.concatenate([target[5:40], [0, 1], target[40:150]]).astype(np.uint8)
    wrong = np.flatnonzero(rng.random(35) < 0.45)
    read[wrong] = (read[wrong] + 1) % 4
    path = path_of((35, MATCH), (2, INSERTION), (110, MATCH))
    begin, start, first, last = clip_ends(read, 0, target, 5, path)
    assert (first, last) == (2, 3)
    assert begin - 37 == start - 40 >= -4
    assert path[2] >> 4 == 110 - (begin - 37)


def test_an_adapter_is_clipped(toy_aligner):
    reference = toy_aligner.index.reference
    rng = np.random.default_rng(4)
    starts = rng.integers(1000, 150_000, 200)
    genome = ["".join("ACGTN"[c] for c in reference.codes(start, start + 100)) for start in starts]
    reads = [text + "".join(rng.choice(list("ACGT"), 50)) for text in genome]
    batch = Aligner(toy_aligner.index).align(ReadBatch.from_strings([f"r{i}" for i in range(200)], reads))
    a = batch.alignments
    rows = np.flatnonzero(batch.primary)
    first, last = a.cigars[a.cigar_starts[rows]], a.cigars[a.cigar_starts[rows] + a.cigar_counts[rows] - 1]
    end = np.where(a.strands[rows] == 1, first, last)
    clip = np.where(end & 15 == SOFT_CLIP, end >> 4, 0)
    assert np.mean(np.abs(clip.astype(int) - 50) <= 8) > 0.95
