"""Pairs: rescue against plain dynamic programming, what mates tell each other, and how their lines fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pysam
import pytest

from genoseq.align import pair
from genoseq.align.aligner import Aligner
from genoseq.align.insert import FEWEST, InsertSize, learn
from genoseq.align.pair import fragment_length, insert_cost
from genoseq.align.verify import pack_read
from genoseq.align.vote import OFFSET, STRAND_SHIFT
from genoseq.errors import UsageError
from genoseq.index.packed import pack_into, words_for
from genoseq.index.reference import Reference
from genoseq.index.store import Index
from genoseq.io.fastx import ReadBatch
from genoseq.simulate import SimulatedReads, SimulationParameters, simulate_reads

INSERT = (400.0, 50.0)


def key(position: int, strand: int) -> int:
    return strand << STRAND_SHIFT | (position + OFFSET)


def naive_scan(read, text) -> tuple[int, int]:
    """Least edits of the read in the text, both ends free there, and the first end of such a place."""
    row = list(range(len(read) + 1))
    best, where = len(read) + 1, len(text)
    for j, base in enumerate(text):
        new = [0] * len(row)
        for i in range(1, len(row)):
            new[i] = min(row[i] + 1, new[i - 1] + 1, row[i - 1] + (read[i - 1] != base))
        row = new
        if row[-1] < best:
            best, where = row[-1], j + 1
    return best, where


@pytest.mark.parametrize("length", [20, 63, 64, 65, 128, 150, 193])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_scan_is_the_plain_algorithm(length, rate):
    rng = np.random.default_rng(int(length + 1000 * rate))
    genome = rng.integers(0, 4, length + 180).astype(np.uint8)
    read = genome[60 : 60 + length + 2].copy()
    wrong = rng.random(len(read)) < rate
    read[wrong] = rng.integers(0, 4, wrong.sum())
    read = np.delete(read, rng.integers(0, len(read), 2))[:length]
    words = np.zeros(words_for(len(genome)), np.uint64)
    pack_into(genome, words, 0)
    size = len(read)
    bench = pair._Bench(
        np.zeros((2, size // 32 + 2), np.uint64),
        np.full((4, size // 64 + 1), 2**64 - 1, np.uint64),
        np.zeros(size // 64 + 1, np.uint64),
        np.zeros(size // 64 + 1, np.uint64),
    )
    pack_read(read, 0, size, bench.packed[0], bench.packed[1])
    pair._masks(bench.packed[0], size, bench.masks)
    edits, end = naive_scan(read.tolist(), genome[5:].tolist())
    assert pair._scan(bench, size, words, 5, len(genome), size) == (edits, end + 5)
    if edits > 2:
        assert pair._scan(bench, size, words, 5, len(genome), edits - 1)[0] == edits  # limit + 1


def test_fragment_length_needs_mates_that_face_each_other():
    contigs = np.array([0, 1000, 2000])
    assert fragment_length(key(100, 0), 150, key(350, 1), 150, contigs) == 400
    assert fragment_length(key(350, 1), 150, key(100, 0), 150, contigs) == 400
    assert fragment_length(key(100, 0), 150, key(350, 0), 150, contigs) == -1  # one strand
    assert fragment_length(key(100, 1), 150, key(350, 0), 150, contigs) == -1  # back to back
    assert fragment_length(key(800, 0), 150, key(1100, 1), 150, contigs) == -1  # two contigs


def test_the_insert_size_is_learned_in_spite_of_chimeras():
    rng = np.random.default_rng(1)
    fragments = np.concatenate([rng.normal(350, 40, 2000), rng.uniform(1, 9000, 100)]).astype(np.int64)
    found = learn(fragments)
    assert found is not None
    assert found.mean == pytest.approx(350, abs=5)
    assert found.sd == pytest.approx(40, rel=0.1)
    assert 120 < found.low < 200
    assert 500 < found.high < 580
    assert learn(fragments[: FEWEST - 1]) is None
    assert insert_cost(350, InsertSize.of(350, 40)) == 0
    assert insert_cost(470, InsertSize.of(350, 40)) == pytest.approx(9 / 8)


@pytest.mark.parametrize(("mean", "sd"), [(0, 10), (-5, 1), (400, -1), (400, 500), (20_000, 5)])
def test_impossible_insert_sizes_are_refused(mean, sd):
    with pytest.raises(UsageError, match="insert size"):
        InsertSize.of(mean, sd)


@pytest.fixture(scope="module")
def pairs(toy_index) -> Callable[..., SimulatedReads]:
    def make(number: int, divergence: float, **more) -> SimulatedReads:
        wanted = SimulationParameters(number=number, divergence=divergence, insert=INSERT, seed=9, **more)
        (batch,) = simulate_reads(toy_index.reference, wanted, batch_reads=2 * number)
        return batch

    return make


def right(aligned, simulated: SimulatedReads, reference: Reference):
    rows = np.flatnonzero(aligned.primary)
    a = aligned.alignments
    first = a.cigars[np.minimum(a.cigar_starts[rows], len(a.cigars) - 1)]
    clip = np.where((first & 15) == 4, first >> 4, 0).astype(np.int64)
    true = reference.offsets[simulated.contig] + simulated.start
    near = np.abs(a.starts[rows] - clip - true) <= 60
    return near & (a.strands[rows] == simulated.reverse) & aligned.mapped


@pytest.mark.parametrize("divergence", [0.01, 0.15])
def test_pairs_are_placed_and_proper(toy_aligner, toy_index, pairs, divergence):
    simulated = pairs(600, divergence)
    aligned = toy_aligner.align(simulated.reads)
    assert right(aligned, simulated, toy_index.reference).mean() > 0.995
    assert ((aligned.rows.flags[aligned.primary] & 2) > 0).mean() > 0.99
    assert aligned.insert.mean == pytest.approx(INSERT[0], abs=12)


def test_a_mate_in_a_repeat_is_told_its_copy(tmp_path):
    rng = np.random.default_rng(4)
    unique = ["".join(rng.choice(list("ACGT"), 3000)) for _ in range(3)]
    repeat = "".join(rng.choice(list("ACGT"), 600))
    genome = unique[0] + repeat + unique[1] + repeat + unique[2]
    index = Index.build(Reference.from_sequences([("c", genome)]), tmp_path / "r.gsx")
    aligner = Aligner(index, insert=InsertSize.of(400, 50))
    second_copy = len(unique[0]) + len(repeat) + len(unique[1])
    start = second_copy - 180  # the first mate before the second copy, the second mate within it
    fragment = genome[start : start + 420]
    turned = fragment[-100:].translate(str.maketrans("ACGT", "TGCA"))[::-1]
    single = ReadBatch.from_strings(["p", "p"], [fragment[:100], turned])
    together = dataclasses.replace(single, mates=np.array([1, 2], np.uint8))
    assert aligner.align(single).rows.mapqs[1] == 0
    aligned = aligner.align(together)
    assert aligned.alignments.starts.tolist() == [start, start + 320]
    assert aligned.rows.mapqs[1] > 10
    assert (aligned.rows.flags & 2 > 0).all()


def test_a_mate_that_the_search_cannot_find_is_rescued(toy_index, pairs):
    simulated = pairs(200, 0.0)
    reads = simulated.reads
    letters = reads.letters.copy().reshape(400, 150)
    rng = np.random.default_rng(2)
    for row in letters[1::2]:  # every sixth base of the second mates: no anchor context survives
        row[::4] = rng.permuted(np.frombuffer(b"ACGT" * 10, np.uint8))[: len(row[::4])]
    texts = [bytes(row).decode() for row in letters]
    names = [reads.name(i) for i in range(400)]
    batch = ReadBatch.from_strings(names, texts)
    alone = Aligner(toy_index).align(batch)
    aligner = Aligner(toy_index, insert=InsertSize.of(*INSERT))
    together = aligner.align(dataclasses.replace(batch, mates=reads.mates))
    before = right(alone, simulated, toy_index.reference)[1::2].mean()
    after = right(together, simulated, toy_index.reference)[1::2].mean()
    assert after > 0.98
    assert after >= before


def test_swapped_mates_give_the_mirrored_result(toy_index, pairs):
    simulated = pairs(300, 0.08)
    aligner = Aligner(toy_index, insert=InsertSize.of(*INSERT))
    swapped = simulated.reads.select(np.arange(600).reshape(-1, 2)[:, ::-1].ravel())
    swapped = dataclasses.replace(swapped, mates=simulated.reads.mates)
    one, two = aligner.align(simulated.reads), aligner.align(swapped)
    mirror = np.arange(600).reshape(-1, 2)[:, ::-1].ravel()
    assert (one.alignments.starts == two.alignments.starts[mirror]).all()
    assert (one.rows.mapqs == two.rows.mapqs[mirror]).all()
    assert (one.rows.tlens == two.rows.tlens[mirror]).all()
    first_last = 64 | 128
    assert ((one.rows.flags ^ two.rows.flags[mirror]) == first_last).all()


def test_results_do_not_depend_on_the_batch_when_the_insert_is_given(toy_index, pairs):
    simulated = pairs(100, 0.1)
    aligner = Aligner(toy_index, insert=InsertSize.of(*INSERT))
    whole = bytes(aligner.sam(aligner.align(simulated.reads)))
    parts = b""
    for low in range(0, 200, 40):
        part = simulated.reads.select(np.arange(low, low + 40))
        part = dataclasses.replace(part, mates=simulated.reads.mates[low : low + 40])
        parts += bytes(aligner.sam(aligner.align(part)))
    assert parts == whole


def test_lines_of_mates_fit_each_other(toy_index, pairs):
    simulated = pairs(150, 0.03)
    reads = simulated.reads
    letters = reads.letters.copy()
    rng = np.random.default_rng(1)
    for i in (1, 8, 20, 21):  # mates that belong nowhere; once both
        letters[reads.offsets[i] : reads.offsets[i + 1]] = rng.choice(np.frombuffer(b"ACGT", np.uint8), 150)
    texts = [bytes(letters[reads.offsets[i] : reads.offsets[i + 1]]).decode() for i in range(300)]
    batch = ReadBatch.from_strings([reads.name(i) for i in range(300)], texts)
    batch = dataclasses.replace(batch, mates=reads.mates)
    aligner = Aligner(toy_index)
    aligned = aligner.align(batch)
    header = "".join(
        f"@SQ\tSN:{name}\tLN:{length}\n"
        for name, length in zip(toy_index.reference.names, toy_index.reference.lengths, strict=True)
    )
    text = header + bytes(aligner.sam(aligned)).decode()
    records = _records(text)
    assert len(records) == 300
    lost = 0
    for one, two in zip(records[::2], records[1::2], strict=True):
        assert one.query_name == two.query_name
        assert (one.is_read1, two.is_read2) == (True, True)
        for mine, other in ((one, two), (two, one)):
            assert mine.is_paired
            assert mine.mate_is_unmapped == other.is_unmapped
            assert mine.mate_is_reverse == other.is_reverse
            assert mine.is_proper_pair == other.is_proper_pair
            assert mine.template_length == -other.template_length
            if not other.is_unmapped:
                assert mine.next_reference_name == other.reference_name
                assert mine.next_reference_start == other.reference_start
                assert mine.get_tag("MC") == other.cigarstring
                assert mine.get_tag("MQ") == other.mapping_quality
            else:
                lost += 1
                assert not mine.is_proper_pair
                # an unmapped mate stands where the other is
                assert other.reference_start == mine.reference_start
                assert not mine.has_tag("MC")
    assert lost == 4
    shown = aligned.without_unmapped()
    assert bytes(aligner.sam(shown)).count(b"\n") == 296


def _records(text: str) -> list[pysam.AlignedSegment]:
    lines = [line for line in text.splitlines() if line]
    header = pysam.AlignmentHeader.from_text("\n".join(line for line in lines if line.startswith("@")) + "\n")
    return [pysam.AlignedSegment.fromstring(line, header) for line in lines if not line.startswith("@")]


def test_single_reads_between_pairs_stay_as_they_are(toy_aligner, pairs):
    simulated = pairs(50, 0.05)
    reads = simulated.reads
    alone = reads.select(np.arange(0, 20))
    mixed = ReadBatch.concat([alone, reads])
    mates = np.concatenate([np.zeros(20, np.uint8), reads.mates])
    mixed = dataclasses.replace(mixed, mates=mates)
    lines = bytes(toy_aligner.sam(toy_aligner.align(mixed))).split(b"\n")
    assert lines[:20] == bytes(toy_aligner.sam(toy_aligner.align(alone))).split(b"\n")[:20]
    assert lines[20:] == bytes(toy_aligner.sam(toy_aligner.align(reads))).split(b"\n")


def test_nothing_is_learned_from_few_pairs_or_a_given_size(toy_index, pairs):
    reads = pairs(10, 0.0).reads
    aligner = Aligner(toy_index)
    assert aligner.learn_insert(reads) is None
    assert aligner.insert_source == "assumed"
    many = pairs(100, 0.0).reads
    found = aligner.learn_insert(many)
    assert found is aligner.insert
    assert found.mean == pytest.approx(INSERT[0], abs=20)
    assert aligner.insert_source == "learned"
    assert Aligner(toy_index, insert=InsertSize.of(300, 30)).learn_insert(many) is None


def test_a_mate_too_short_to_mean_anything_changes_nothing(toy_index, pairs):
    reads = pairs(20, 0.0).reads
    names = [reads.name(i) for i in range(40)]
    texts = [reads.sequence(i) if i % 2 == 0 else reads.sequence(i)[: 2 + i // 3] for i in range(40)]
    batch = ReadBatch.from_strings(names, texts)
    aligner = Aligner(toy_index, insert=InsertSize.of(*INSERT))
    alone, together = aligner.align(batch), aligner.align(dataclasses.replace(batch, mates=reads.mates))
    assert not together.mapped[1::2].any()
    assert (together.rows.mapqs[::2] == alone.rows.mapqs[::2]).all()


def test_clear_mates_that_do_not_fit_keep_their_mapping_quality(toy_index, pairs):
    simulated = pairs(400, 0.01)
    reads = simulated.reads
    order = np.arange(800)
    order[1:80:2] = np.roll(order[1:80:2], 2)  # 40 pairs torn apart
    torn = dataclasses.replace(reads.select(order), mates=reads.mates)
    alone = Aligner(toy_index).align(reads.select(order)).rows.mapqs
    aligned = Aligner(toy_index).align(torn)
    assert ((aligned.rows.flags[:80] & 2) == 0).mean() > 0.9
    clear = alone[:80] >= 30
    assert clear.sum() > 60
    assert (aligned.rows.mapqs[:80][clear] >= 20).mean() > 0.9


def test_the_mate_of_a_secondary_line_is_where_the_primary_is(tmp_path):
    rng = np.random.default_rng(4)
    unique = ["".join(rng.choice(list("ACGT"), 3000)) for _ in range(3)]
    repeat = "".join(rng.choice(list("ACGT"), 600))
    index = Index.build(
        Reference.from_sequences([("c", unique[0] + repeat + unique[1] + repeat + unique[2])]),
        tmp_path / "r.gsx",
    )
    nowhere = "".join(rng.choice(list("ACGT"), 100))
    batch = ReadBatch.from_strings(["p", "p"], [repeat[100:200], nowhere])
    aligner = Aligner(index, secondary=3)
    aligned = aligner.align(dataclasses.replace(batch, mates=np.array([1, 2], np.uint8)))
    fields = [line.split("\t") for line in bytes(aligner.sam(aligned)).decode().splitlines()]
    assert [int(line[1]) & 256 for line in fields] == [0, 256, 0]
    assert fields[0][3] != fields[1][3]
    assert {line[7] for line in fields} == {fields[2][3]} == {fields[0][3]}
