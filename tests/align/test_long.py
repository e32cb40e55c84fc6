"""Long reads: they go home, in parts where they are split, whatever their length, strand and batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pysam
import pytest

from genoseq.align.aligner import Aligner
from genoseq.align.flags import REVERSE, SECONDARY, SUPPLEMENTARY, UNMAPPED
from genoseq.align.presets import long_preset
from genoseq.errors import InputError, UsageError
from genoseq.index.reference import Reference
from genoseq.index.store import Index
from genoseq.io.batch import ReadBatch
from genoseq.sequence import reverse_complement_text


@pytest.fixture(scope="module")
def aligner(toy_index) -> Aligner:
    return Aligner(toy_index, "long")


def text_of(reference, start, end) -> str:
    return "".join("ACGTN"[c] for c in reference.codes(start, end))


def noisy(text, rate, seed=1) -> str:
    """Edits as on a long-read machine: four in ten substitutions, the others single indels."""
    rng = np.random.default_rng(seed)
    out = []
    for letter in text:
        chance = rng.random()
        if chance < 0.4 * rate:
            out.append(rng.choice([other for other in "ACGT" if other != letter]))
        elif chance < 0.7 * rate:
            out += [letter, rng.choice(list("ACGT"))]
        elif chance >= rate:
            out.append(letter)
    return "".join(out)


def at_home(batch, truth, reference):
    """Whether the primary alignment of each read begins where the read is from."""
    a, rows = batch.alignments, np.flatnonzero(batch.primary)
    origin = reference.offsets[truth.contig] + truth.start
    near = np.abs(a.starts[rows] - origin) <= 100
    return near & (a.strands[rows] == truth.reverse)


@pytest.mark.parametrize(("divergence", "least"), [(0.002, 1.0), (0.05, 1.0), (0.15, 1.0), (0.22, 0.97)])
def test_long_reads_go_home(aligner, simulated, divergence, least):
    reference = aligner.index.reference
    truth = simulated(reference, number=60, length=5000, divergence=divergence, indel_share=0.6, seed=4)
    batch = aligner.align(truth.reads)
    assert at_home(batch, truth, reference).mean() >= least
    assert (batch.rows.mapqs[batch.primary] >= 20).mean() >= least - 0.05
    assert not (batch.rows.flags & SUPPLEMENTARY).any()


def test_short_reads_go_home_too(aligner, simulated):
    reference = aligner.index.reference
    truth = simulated(reference, number=500, length=200, divergence=0.08, indel_share=0.6, seed=5)
    assert at_home(aligner.align(truth.reads), truth, reference).mean() > 0.97


def test_lines_agree_with_the_reference(aligner, simulated, tmp_path):
    """pysam rebuilds the reference from MD, and every line must hold the read."""
    reference = aligner.index.reference
    truth = simulated(reference, number=20, length=3000, divergence=0.12, indel_share=0.6, seed=6)
    text = aligner.sam(aligner.align(truth.reads)).tobytes().decode()
    header = "".join(
        f"@SQ\tSN:{n}\tLN:{s}\n" for n, s in zip(reference.names, reference.lengths, strict=True)
    )
    path = tmp_path / "x.sam"
    path.write_text(header + text)
    with pysam.AlignmentFile(path) as file:
        for record in file:
            offset = reference.offsets[reference.names.index(record.reference_name)]
            start, end = offset + record.reference_start, offset + record.reference_end
            assert record.get_reference_sequence().upper() == text_of(reference, start, end)
            pairs = record.get_aligned_pairs(matches_only=True, with_seq=True)
            matches = sum(record.query_sequence[i] == letter for i, _, letter in pairs)
            gaps = sum(length for kind, length in record.cigartuples if kind in (1, 2))
            assert record.get_tag("NM") == len(pairs) - matches + gaps


def test_batches_and_order_change_nothing(aligner, simulated):
    truth = simulated(
        aligner.index.reference, number=30, length=2500, divergence=0.1, indel_share=0.6, seed=7
    )
    whole = sorted(aligner.sam(aligner.align(truth.reads)).tobytes().splitlines())
    order = np.random.default_rng(1).permutation(30)
    parts = [aligner.sam(aligner.align(truth.reads.select(part))).tobytes() for part in np.split(order, 3)]
    assert sorted(b"".join(parts).splitlines()) == whole


def test_a_translocation_and_an_inversion(aligner):
    reference = aligner.index.reference
    first, second = text_of(reference, 20_000, 23_000), text_of(reference, 250_000, 252_000)
    turned = reverse_complement_text(text_of(reference, 100_000, 101_500))
    inverted = text_of(reference, 98_000, 100_000) + turned + text_of(reference, 101_500, 104_000)
    reads = ReadBatch.from_strings(["t", "i"], [noisy(first + second, 0.08), noisy(inverted, 0.08)])
    batch = aligner.align(reads)
    a, flags = batch.alignments, batch.rows.flags
    assert a.reads.tolist() == [0, 0, 1, 1, 1]
    assert (flags & (UNMAPPED | SECONDARY)).tolist() == [0] * 5
    assert (flags & SUPPLEMENTARY > 0).tolist() == [False, True, False, True, True]
    assert np.allclose(a.starts[:2], [20_000, 250_000], atol=60)
    assert np.allclose(sorted(a.starts[2:]), [98_000, 100_000, 101_500], atol=80)
    middle = 2 + int(np.argsort(a.starts[2:])[1])
    assert [bool(flag & REVERSE) for flag in flags[2:]] == [row == middle for row in range(2, 5)]
    lines = [line.split("\t") for line in aligner.sam(batch).tobytes().decode().splitlines()]
    assert [len(field.split(";")) - 1 for row in lines for field in row if field.startswith("SA:Z:")] == [
        1, 1, 2, 2, 2,
    ]  # fmt: skip
    soft = [line.split("\t") for line in aligner.sam(batch, soft_clip=True).tobytes().decode().splitlines()]
    assert [len(row[9]) for row in soft] == reads.lengths[a.reads].tolist()
    assert all("H" not in row[5] for row in soft)


def test_a_large_deletion_stays_in_one_alignment(aligner):
    reference = aligner.index.reference
    text = text_of(reference, 50_000, 52_500) + text_of(reference, 52_900, 55_000)
    batch = aligner.align(ReadBatch.from_strings(["d"], [noisy(text, 0.05)]))
    (start,) = batch.alignments.cigar_starts
    path = batch.alignments.cigars[start : start + batch.alignments.cigar_counts[0]]
    assert 395 <= max(int(op) >> 4 for op in path if op & 15 == 2) <= 405


def test_repeats_have_no_quality_and_secondary_lines(tmp_path):
    rng = np.random.default_rng(8)
    unit, other = ("".join(rng.choice(list("ACGT"), size)) for size in (6000, 9000))
    index = Index.build(Reference.from_sequences([("a", unit + other), ("b", unit)]), tmp_path / "x.gsx")
    reads = ReadBatch.from_strings(["r", "u"], [noisy(unit[1000:5000], 0.1), noisy(other[1000:5000], 0.1)])
    batch = Aligner(index, "long", secondary=2).align(reads)
    assert batch.alignments.reads.tolist() == [0, 0, 1]
    assert (batch.rows.flags & SECONDARY > 0).tolist() == [False, True, False]
    assert batch.rows.mapqs.tolist()[:2] == [0, 0]
    assert batch.rows.mapqs[2] >= 20
    assert batch.rows.seconds[0] == batch.alignments.scores[1]


def test_foreign_and_tiny_reads_stay_unmapped(aligner):
    rng = np.random.default_rng(9)
    texts = ["".join(rng.choice(list("ACGT"), size)) for size in (8000, 300, 19, 1)] + ["N" * 500]
    batch = aligner.align(ReadBatch.from_strings(list("abcde"), texts))
    assert (batch.rows.flags & UNMAPPED).astype(bool).all()
    assert not batch.mapped.any()
    assert batch.too_short.tolist() == [False, False, True, True, False]


def test_a_read_of_a_whole_contig(aligner):
    reference = aligner.index.reference
    text = text_of(reference, 0, int(reference.lengths[0]))
    batch = aligner.align(ReadBatch.from_strings(["all"], [text]))
    assert batch.alignments.starts.tolist() == [0]
    assert batch.alignments.cigars[batch.alignments.cigar_starts[0]] == len(text) << 4
    assert batch.alignments.edits.tolist() == [0]


def test_what_is_refused(aligner):
    reads = ReadBatch.from_strings(["a", "a"], ["ACGT" * 30] * 2)
    pair = replace(reads, mates=np.array([1, 2], np.uint8))
    with pytest.raises(UsageError, match="single reads, not pairs"):
        aligner.align(pair)
    with pytest.raises(UsageError, match="no candidates"):
        aligner.candidates(reads)
    shorter = Aligner(aligner.index, replace(long_preset(), max_length=100))
    with pytest.raises(InputError, match="up to 100 bp"):
        shorter.align(reads)
