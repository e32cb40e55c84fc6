"""The part nearest to the 5' end as the primary line: against rules written out, line by line."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from genoseq.align.aligner import Aligner
from genoseq.align.insert import InsertSize
from genoseq.io.batch import ReadBatch
from genoseq.sequence import reverse_complement_text


def pieces(reference, rng, lengths, near=None):
    """A read glued together from places of the first contig; the first piece starts at `near`, if given."""
    text = ""
    for length in lengths:
        start = int(rng.integers(1000, 190_000)) if near is None else near
        letters = "".join("ACGTN"[c] for c in reference.codes(start, start + length))
        text += reverse_complement_text(letters) if near is None and rng.integers(0, 2) else letters
        near = None
    return text


@pytest.fixture(scope="module")
def pairs(toy_index) -> ReadBatch:
    """Pairs in which one mate, both or none are glued; in some the 5' parts face each other."""
    rng = np.random.default_rng(7)
    reference = toy_index.reference
    names, texts = [], []
    for i in range(120):
        start = int(rng.integers(1000, 180_000))
        one = pieces(reference, rng, [(150,), (60, 90), (90, 60), (50, 50, 50)][i % 4], near=start)
        letters = "".join("ACGTN"[c] for c in reference.codes(start + 250, start + 400))
        two = reverse_complement_text(letters)
        if i % 3 == 0:
            two = two[:60] + pieces(reference, rng, (90,))
        for text in (one, two):
            names.append(f"p{i}")
            texts.append(text)
    batch = ReadBatch.from_strings(names, texts)
    return replace(batch, mates=np.tile(np.array([1, 2], np.uint8), 120))


def lines(index, reads, **options):
    aligner = Aligner(index, "divergent", insert=InsertSize.of(400, 50), **options)
    text = aligner.sam(aligner.align(reads)).tobytes().decode()
    return [line.split("\t") for line in text.splitlines()]


def begin(row):
    """First base of the read, as it was sequenced, that a line aligns."""
    clip = r"(\d+)[SH]$" if int(row[1]) & 16 else r"^(\d+)[SH]"
    found = re.search(clip, row[5])
    return int(found[1]) if found else 0


def span(row):
    length = sum(int(n) for n, kind in re.findall(r"(\d+)([MDIS])", row[5]) if kind in "MD")
    return int(row[3]), int(row[3]) + length


def reads_of(rows):
    found = {}
    for row in rows:
        found.setdefault((row[0], int(row[1]) & 192), []).append(row)
    return found


def test_what_begins_first_is_primary(toy_index, pairs):
    before, after = (reads_of(lines(toy_index, pairs, primary_5=option)) for option in (False, True))
    moved = 0
    for read, rows in after.items():
        assert [int(row[1]) & 2304 for row in rows] == [0] + [2048] * (len(rows) - 1)
        assert begin(rows[0]) == min(map(begin, rows))
        # the same places, with what is said of each
        places = [
            sorted((row[2], row[3], int(row[1]) & 16, row[4], re.sub("H", "S", row[5])) for row in some)
            for some in (before[read], rows)
        ]
        assert places[0] == places[1]
        moved += rows[0][3] != before[read][0][3]
    assert moved > 40


def test_mates_speak_of_the_new_primary_lines(toy_index, pairs):
    after = reads_of(lines(toy_index, pairs, primary_5=True))
    facing = 0
    for (name, mate), rows in after.items():
        one, two = rows[0], after[name, 192 - mate][0]
        for row in rows:
            assert (row[6], row[7]) == ("=" if two[2] == row[2] else two[2], two[3])
            assert bool(int(row[1]) & 32) == bool(int(two[1]) & 16)
            assert f"MC:Z:{two[5]}" in row
            assert f"MQ:i:{two[4]}" in row
        ends = [*span(one), *span(two)]
        assert abs(int(one[8])) == (max(ends) - min(ends) if one[2] == two[2] else 0)
        assert int(one[8]) == -int(two[8])
        left, right = sorted((one, two), key=lambda row: int(row[1]) & 16)
        outer = span(right)[1] - span(left)[0]
        if (int(left[1]) & 16, int(right[1]) & 16) == (0, 16) and begin(left) == begin(right) == 0:
            assert bool(int(one[1]) & 2) == (one[2] == two[2] and 200 < outer < 600)
            facing += bool(int(one[1]) & 2)
        assert int(one[1]) & 2 == int(two[1]) & 2
        assert not any(int(row[1]) & 2 for row in rows[1:])
    assert facing > 150


def test_reads_in_one_part_stay_as_they_are(toy_index, simulated):
    reads = simulated(toy_index.reference, number=100, length=150, divergence=0.02, seed=3).reads
    assert lines(toy_index, reads) == lines(toy_index, reads, primary_5=True)


def test_long_reads(toy_index):
    rng = np.random.default_rng(11)
    texts = [pieces(toy_index.reference, rng, (800, 1500)) for _ in range(8)]
    aligner = Aligner(toy_index, "long", primary_5=True)
    batch = aligner.align(ReadBatch.from_strings([f"r{i}" for i in range(8)], texts))
    rows = reads_of([line.split("\t") for line in aligner.sam(batch).tobytes().decode().splitlines()])
    assert sum(len(some) > 1 for some in rows.values()) >= 6
    assert all(begin(some[0]) < 20 for some in rows.values())
