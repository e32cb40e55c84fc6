"""The cascade: verified loci are what plain arithmetic says; later stages are for the doubtful only."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from genoseq.align.cascade import find_loci
from genoseq.align.loci import LOCI, Loci
from genoseq.align.presets import CASCADES, preset
from genoseq.align.verify import FAR
from genoseq.align.vote import OFFSET, STRAND_SHIFT
from genoseq.errors import UsageError
from genoseq.sequence import encode, reverse_complement

PARAMETERS = preset("divergent")


def place(key: int) -> tuple[int, int]:
    """(strand, concatenated position)."""
    return key >> STRAND_SHIFT, (key & ((1 << STRAND_SHIFT) - 1)) - OFFSET


def plain_distance(read, text, first) -> int:
    """Edits that turn the read into a stretch of the text, whose base 0 is column `first` of the band."""
    far = 10**6
    rows = np.arange(len(read) + 1)
    row = np.where(rows == 0, 0, far)
    best = far
    for column, base in enumerate(text.tolist(), first + 1):
        new = np.minimum(np.concatenate([[0], row[:-1] + (read != base)]), row + 1)
        new[(rows > column) | (rows < column - 2 * PARAMETERS.slack)] = far
        # insertions run along the column: a minimum that grows by one a step
        row = np.minimum.accumulate(new - rows) + rows
        row[rows > column] = far
        best = min(best, row[-1])
    return int(best)


def plain_clipped(read, text, first) -> int:
    """What the best stretch of the diagonal is worth, as edits of the whole read."""
    column = np.arange(len(text)) + first
    inside = (column >= 0) & (column < len(read))
    steps = np.where(read[column[inside]] == text[inside], 1, -1)
    best = running = 0
    for step in steps.tolist():
        running = max(running + step, 0)
        best = max(best, running)
    return (len(read) - best) // 2


@pytest.fixture(scope="module", params=[0.0, 0.1, 0.2])
def searched(request, toy_index, simulated):
    batch = simulated(toy_index.reference, number=300, length=150, divergence=request.param, seed=5)
    return batch, find_loci(batch.reads.codes, batch.reads.offsets, toy_index, PARAMETERS), request.param


def test_loci_are_sorted_and_different(searched):
    _, loci, _ = searched
    assert loci.counts.max() <= LOCI
    for count, keys, distances in zip(loci.counts, loci.keys, loci.distances, strict=True):
        assert (np.diff(distances[:count]) >= 0).all()
        assert (distances[:count] < FAR).all()
        assert (distances[count:] == FAR).all()
        apart = np.abs(keys[:count, None] - keys[None, :count])[~np.eye(count, dtype=bool)]
        assert (apart > PARAMETERS.slack).all()


def test_distances_are_edit_distances(searched, toy_index):
    batch, loci, _ = searched
    reference = toy_index.reference
    compared = 0
    for i in range(0, len(batch), 6):
        codes = batch.reads.codes[batch.reads.offsets[i] : batch.reads.offsets[i + 1]]
        for key, distance in zip(
            loci.keys[i, : loci.counts[i]].tolist(), loci.distances[i].tolist(), strict=False
        ):
            strand, position = place(key)
            read = reverse_complement(codes) if strand else codes
            # verification knows N as A, in the read and in the reference
            read = np.where(read > 3, 3 if strand else 0, read)
            contig = reference.contig_of(position + len(read) // 2)
            low = max(position - PARAMETERS.slack, reference.offsets[contig])
            high = min(position + len(read) + PARAMETERS.slack, reference.offsets[contig + 1])
            text = reference.codes(low, high)
            text = np.where(text > 3, 0, text)
            true = plain_distance(read, text, low - (position - PARAMETERS.slack))
            if distance < true:  # what is far from the whole read may be close to a part of it
                assert distance == plain_clipped(read, text, low - position) > len(read) >> 3
                continue
            # mismatches along the diagonal, an upper bound, settle clean reads and rivals beyond the cut-off
            assert distance >= true
            best = int(loci.distances[i, 0])
            assert distance == true or distance <= len(read) >> 4 or true > best + len(read) // 4
            compared += distance == true
    assert compared >= 50


def test_the_true_locus_is_the_best_one(searched, toy_index):
    batch, loci, _ = searched
    true = toy_index.reference.offsets[batch.contig] + batch.start
    found = [place(key) for key in loci.keys[:, 0].tolist()]
    right = [
        strand == reverse and abs(position - start) <= 30
        for (strand, position), reverse, start in zip(found, batch.reverse, true, strict=True)
    ]
    assert np.mean(right) > 0.97


def test_stages_are_for_the_doubtful(searched, toy_index):
    batch, loci, divergence = searched
    stages = len(PARAMETERS.stages)
    assert loci.stage.min() >= 0
    assert loci.stage.max() <= stages
    # with one stage only: who convinced in the first stage has the same best locus
    first = dataclasses.replace(PARAMETERS, stages=PARAMETERS.stages[:1])
    alone = find_loci(batch.reads.codes, batch.reads.offsets, toy_index, first)
    settled = loci.stage == 0
    assert settled.any()
    assert not settled.all()
    np.testing.assert_array_equal(alone.stage == 0, settled)
    np.testing.assert_array_equal(alone.keys[settled], loci.keys[settled])
    # the others are never worse for the later stages
    assert (loci.distances[:, 0] <= alone.distances[:, 0]).all()
    if divergence == 0.2:
        assert (loci.distances[:, 0] < alone.distances[:, 0]).any()


def test_reads_do_not_disturb_each_other(searched, toy_index):
    batch, together, _ = searched
    for i in (0, 7, 150, 299):
        one = batch.reads.select([i])
        alone = find_loci(one.codes, one.offsets, toy_index, PARAMETERS)
        for name in Loci._fields:
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[i], name)


@pytest.mark.parametrize("text", ["N" * 100, "A" * 100, "ACGT", "A", "GT" * 4])
def test_reads_without_a_usable_anchor_have_no_locus(text, toy_index):
    loci = find_loci(encode(text), np.array([0, len(text)]), toy_index, PARAMETERS)
    assert loci.counts.tolist() == [0]
    assert loci.stage.tolist() == [len(PARAMETERS.stages)]


def test_presets():
    for name in CASCADES:
        parameters = preset(name)
        assert all(
            stage.first < stage.last and stage.hits >= 1 and stage.probes >= 1 for stage in parameters.stages
        )
    with pytest.raises(UsageError, match=r"unknown preset 'nonsense'; choose from sr, divergent"):
        preset("nonsense")
