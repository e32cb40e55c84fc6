"""Short reads in two parts: both are found, and their lines name each other."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.align.aligner import Aligner
from genoseq.align.flags import SECONDARY, SUPPLEMENTARY
from genoseq.io.batch import ReadBatch
from genoseq.sequence import reverse_complement_text


def glued(reference, number, first, second, seed=1):
    """Reads of two stretches of the first contig, their places and strands."""
    rng = np.random.default_rng(seed)
    reads, truth = [], []
    for _ in range(number):
        parts = []
        for length in (first, second):
            start, turned = int(rng.integers(1000, 190_000)), bool(rng.integers(0, 2))
            text = "".join("ACGTN"[c] for c in reference.codes(start, start + length))
            parts.append((reverse_complement_text(text) if turned else text, start, turned))
        reads.append(parts[0][0] + parts[1][0])
        truth.append([(start, int(turned)) for _, start, turned in parts])
    return ReadBatch.from_strings([f"r{i}" for i in range(number)], reads), truth


@pytest.mark.parametrize(("first", "second"), [(75, 75), (110, 40), (36, 64)])
def test_both_parts_are_found(toy_index, first, second):
    reads, truth = glued(toy_index.reference, 200, first, second)
    batch = Aligner(toy_index).align(reads)
    a = batch.alignments
    found = 0
    for read, places in enumerate(truth):
        rows = np.flatnonzero(a.reads == read)
        here = [(a.starts[row], a.strands[row]) for row in rows]
        found += all(any(abs(s - start) < 12 and t == turned for s, t in here) for start, turned in places)
        assert [bool(batch.rows.flags[row] & SUPPLEMENTARY) for row in rows] == [False, True][: len(rows)]
    assert found > 0.88 * len(truth)


def test_one_half_is_no_rival_of_the_other(toy_index):
    reads, _ = glued(toy_index.reference, 200, 75, 75, seed=2)
    batch = Aligner(toy_index).align(reads)
    split = np.unique(batch.alignments.reads[batch.rows.flags & SUPPLEMENTARY > 0])
    primary = np.flatnonzero(np.isin(batch.alignments.reads, split) & (batch.rows.flags & SUPPLEMENTARY == 0))
    assert len(primary) > 170
    assert np.mean(batch.rows.mapqs[primary] >= 20) > 0.9
    assert np.mean(batch.rows.seconds[primary] < 70) > 0.95  # a half of 75 bp has a score of 150 at most


def test_whole_reads_have_one_line(toy_index, simulated):
    for divergence in (0.0, 0.05, 0.12):
        truth = simulated(toy_index.reference, number=500, length=150, divergence=divergence, seed=3)
        batch = Aligner(toy_index).align(truth.reads)
        assert len(batch.alignments) <= 501


def test_a_place_is_told_once(toy_index):
    reads, _ = glued(toy_index.reference, 100, 80, 70)
    batch = Aligner(toy_index, secondary=4).align(reads)
    a = batch.alignments
    for read in range(100):
        rows = np.flatnonzero(a.reads == read)
        supplementary = rows[batch.rows.flags[rows] & SUPPLEMENTARY > 0]
        secondary = rows[batch.rows.flags[rows] & SECONDARY > 0]
        for row in supplementary:
            same = a.strands[secondary] == a.strands[row]
            assert not (same & (np.abs(a.starts[secondary] - a.starts[row]) <= 30)).any()


def test_lines_name_each_other(toy_index):
    reads, _ = glued(toy_index.reference, 50, 90, 60)
    aligner = Aligner(toy_index)
    lines = aligner.sam(aligner.align(reads)).tobytes().decode().splitlines()
    rows = [line.split("\t") for line in lines]
    split = {row[0]: [r for r in rows if r[0] == row[0]] for row in rows if int(row[1]) & SUPPLEMENTARY}
    assert len(split) > 40
    for primary, supplementary in split.values():
        (mine,) = [field for field in primary if field.startswith("SA:Z:")]
        name, position, strand, cigar, quality, edits = mine[5:].rstrip(";").split(",")
        assert (name, position, quality) == (supplementary[2], supplementary[3], supplementary[4])
        assert strand == ("-" if int(supplementary[1]) & 16 else "+")
        assert cigar == supplementary[5].replace("H", "S")
        assert f"NM:i:{edits}" in supplementary
        assert len(supplementary[9]) == sum(
            int(n) for n, kind in zip(*[iter(_parts(supplementary[5]))] * 2, strict=True) if kind in "MIS"
        )


def _parts(cigar):
    import re

    return re.findall(r"\d+|\D", cigar)


def test_a_read_without_a_place_has_no_other_places(toy_index):
    rng = np.random.default_rng(0)
    genome = toy_index.reference
    texts = []
    for _ in range(600):  # three places, the best of which now and then is too little of the read to be told
        starts = rng.integers(0, len(genome) - 40, 3)
        texts.append("".join("ACGTN"[code] for start in starts for code in genome.codes(start, start + 40)))
    reads = ReadBatch.from_strings([f"r{i}" for i in range(len(texts))], texts)
    aligned = Aligner(toy_index, secondary=5).align(reads)
    other = (aligned.rows.flags & SECONDARY) > 0
    assert not aligned.mapped.all()
    assert other.sum() > 100
    assert aligned.mapped[aligned.alignments.reads[other]].all()
