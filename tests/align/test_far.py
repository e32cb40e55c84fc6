"""Positions beyond 32 bits: five billion unknown bases in front of a genome change no sure alignment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genoseq.align.aligner import Aligner
from genoseq.index.build import encode_reference
from genoseq.index.reference import Reference
from genoseq.index.vectors import VectorIndex, write_vectors
from genoseq.simulate import SimulationParameters, simulate_reads

CONTIG, CONTIGS = 1 << 30, 5  # N in front: bp of a contig (SAM takes none of 2**31), and how many
SHIFT = CONTIG * CONTIGS


@pytest.fixture(scope="module")
def far_index(toy_index, tmp_path_factory):
    """The toy index with all positions shifted; pages of bases that nobody looks at take no memory."""
    near, folder = toy_index.reference, tmp_path_factory.mktemp("far")
    words = np.zeros(SHIFT // 32 + len(near.words), np.uint64)
    words[SHIFT // 32 :] = near.words
    unknown, moved = [[0, SHIFT, ord("N")]], np.array([SHIFT, SHIFT, 0])
    far = Reference(
        [*(f"unknown{n}" for n in range(CONTIGS)), *near.names],
        np.concatenate([np.arange(CONTIGS) * CONTIG, near.offsets + SHIFT]),
        [*near.md5s[:1] * CONTIGS, *near.md5s],
        words,
        np.concatenate([unknown, near.exceptions + moved]),
    )
    encoder, parameters = toy_index.encoder, toy_index.parameters
    tree, leaf, codes, ids = encode_reference(
        near, encoder, parameters.words, parameters.capacity, exact=False
    )
    write_vectors(folder, codes, ids + 2 * SHIFT, leaf, tree.leaves, encoder.codebook, exact=False)
    vectors = VectorIndex.open(
        folder, toy_index.cell_sizes, encoder.codebook, exact=False, positions=len(far)
    )
    return replace(toy_index, reference=far, vectors=vectors)


def check_same(near, far, reads):
    """What is sure is equal. Of equal places one is drawn by lot, from its position: few lines may differ."""
    one, other = near.align(reads), far.align(reads)
    rows, others = np.flatnonzero(one.primary), np.flatnonzero(other.primary)
    sure = (one.rows.mapqs[rows] >= 20) & (other.rows.mapqs[others] >= 20)
    assert sure.mean() > 0.8
    starts = one.alignments.starts[rows[sure]]
    np.testing.assert_array_equal(other.alignments.starts[others[sure]], starts + SHIFT)
    for text, far_text in ((near.sam(one), far.sam(other)), (near.paf(one), far.paf(other))):
        lines, far_lines = (set(array.tobytes().splitlines()) for array in (text, far_text))
        assert len(lines & far_lines) >= 0.95 * len(lines)


@pytest.mark.parametrize(("preset", "length"), [("sensitive", 150), ("long", 3000)])
def test_far_positions_change_nothing_else(toy_index, far_index, simulated, preset, length):
    truth = simulated(toy_index.reference, number=200, length=length, divergence=0.15, seed=6)
    check_same(*(Aligner(index, preset, secondary=2) for index in (toy_index, far_index)), truth.reads)


def test_far_mates_find_each_other(toy_index, far_index):
    wanted = SimulationParameters(number=200, length=100, insert=(300.0, 30.0), divergence=0.1, seed=7)
    (truth,) = simulate_reads(toy_index.reference, wanted, batch_reads=400)
    check_same(Aligner(toy_index), Aligner(far_index), truth.reads)


def test_far_pieces_are_walked_through(far_index):
    reference = far_index.reference
    pieces = [piece for piece in reference.chunks(CONTIG, 100) if piece[0] >= SHIFT]
    assert [end - start for start, end, _, _ in pieces] == reference.lengths[CONTIGS:].tolist()
    start = int(reference.offsets[CONTIGS])
    assert (reference.letters(start - 5, start) == ord("N")).all()
    assert reference.contig_of(start) == CONTIGS
