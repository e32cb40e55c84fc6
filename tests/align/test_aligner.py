"""The whole aligner on the toy genome: accuracy as figures, order, threads, strands, and the odd reads."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from genoseq.align.aligner import AlignedBatch, Aligner, ordered
from genoseq.align.cigar import SOFT_CLIP
from genoseq.align.flags import SUPPLEMENTARY
from genoseq.align.presets import CASCADES, preset
from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.index.reference import Reference
from genoseq.index.store import Index, IndexParameters
from genoseq.io.fastx import ReadBatch, read_batches
from genoseq.sequence import reverse_complement_text
from genoseq.simulate import SimulationParameters, random_reads

DATA = Path(__file__).resolve().parents[2] / "data"
NEAR = 60  # bp; "right" is within this and on the strand


def begins(batch: AlignedBatch):
    """Concatenated position of each read's first base, clips taken off; strand; of the primary rows."""
    a, primary = batch.alignments, batch.primary
    clipped = np.zeros(len(a), np.int64)
    for row in np.flatnonzero(a.cigar_counts):
        operation = int(a.cigars[a.cigar_starts[row]])
        clipped[row] = operation >> 4 if operation & 15 == SOFT_CLIP else 0
    return (a.starts - clipped)[primary], (batch.rows.flags[primary] & 16) > 0


def right(batch: AlignedBatch, truth, reference: Reference):
    starts, reverse = begins(batch)
    true = reference.offsets[truth.contig] + truth.start
    return batch.mapped & (np.abs(starts - true) <= NEAR) & (reverse == truth.reverse)


@pytest.mark.parametrize(
    ("length", "divergence", "expected"),
    [
        # share of reads placed right; measured 0.994 to 0.996 with 2,000 reads of 150 bp
        (150, 0.0, 0.99),
        (150, 0.05, 0.99),
        (150, 0.10, 0.99),
        (150, 0.15, 0.985),
        (150, 0.20, 0.98),
        (100, 0.10, 0.98),
        (250, 0.20, 0.985),
    ],
)
def test_accuracy(toy_aligner, toy_index, simulated, length, divergence, expected):
    truth = simulated(toy_index.reference, number=1000, length=length, divergence=divergence, seed=7)
    batch = toy_aligner.align(truth.reads)
    good = right(batch, truth, toy_index.reference)
    assert good.mean() >= expected
    mapqs = batch.rows.mapqs[batch.primary]
    sure = mapqs >= 20
    assert sure.mean() > (0.9 if divergence < 0.2 else 0.75)
    assert (sure & ~good).sum() <= 0.005 * sure.sum()
    if divergence == 0:
        assert (batch.alignments.edits[batch.primary][good] == 0).mean() > 0.99


def test_the_second_word_pays_for_divergent_reads(toy_index, simulated):
    truth = simulated(toy_index.reference, number=600, length=100, divergence=0.2, seed=8)
    shares = [
        right(Aligner(toy_index, name).align(truth.reads), truth, toy_index.reference).mean()
        for name in CASCADES
    ]
    assert dict(zip(CASCADES, shares, strict=True))["divergent"] >= max(shares) - 0.005


def test_one_word_index_aligns_too(toy_index, simulated, tmp_path):
    index = Index.build(toy_index.reference, tmp_path / "sr.gsx", parameters=IndexParameters(words=1))
    aligner = Aligner(index)
    assert aligner.parameters == preset("sr")
    truth = simulated(index.reference, number=500, length=150, divergence=0.05, seed=9)
    assert right(aligner.align(truth.reads), truth, index.reference).mean() > 0.985
    # a preset with a second word does what it can with the one that there is
    batch = Aligner(index, "divergent").align(truth.reads)
    assert right(batch, truth, index.reference).mean() > 0.985


@pytest.mark.parametrize("factory", ["Flat", "PQ16x4fs"])
def test_both_forms_of_the_index(factory, simulated, tmp_path):
    rng = np.random.default_rng(4)
    reference = Reference.from_sequences([("c", "".join(rng.choice(list("ACGT"), 30_000)))])
    index = Index.build(reference, tmp_path / "x.gsx", parameters=IndexParameters(2, 1500, factory))
    truth = simulated(reference, number=300, length=150, divergence=0.15, seed=3)
    assert right(Aligner(index).align(truth.reads), truth, reference).mean() > 0.985


# foreign reads


def test_random_reads_are_not_placed_with_confidence(toy_aligner):
    (truth,) = random_reads(SimulationParameters(number=2000, length=150, seed=6))
    batch = toy_aligner.align(truth.reads)
    assert (batch.rows.mapqs < 20).all()
    assert batch.mapped.mean() < 0.01


def test_reads_of_another_genome_are_not_placed_with_confidence(toy_aligner):
    mapqs = np.concatenate(
        [toy_aligner.align(batch).rows.mapqs for batch in read_batches(DATA / "reads_foreign.fq.gz")]
    )
    assert len(mapqs) == 500
    assert (mapqs < 20).all()


# order, threads, batches, strands


@pytest.fixture(scope="module")
def mixed(toy_index, simulated) -> ReadBatch:
    return simulated(
        toy_index.reference, number=900, length=120, length_sd=40, divergence=(0.0, 0.1, 0.2), seed=12
    ).reads


def sam_of(aligner: Aligner, reads: ReadBatch, size: int, threads: int = 1) -> bytes:
    batches = [reads.select(np.arange(i, min(i + size, len(reads)))) for i in range(0, len(reads), size)]
    return b"".join(aligner.sam(batch).tobytes() for batch in aligner.stream(batches, threads=threads))


@pytest.fixture(scope="module")
def whole(toy_index, mixed) -> bytes:
    return sam_of(Aligner(toy_index, secondary=2), mixed, 10_000)


def test_order_of_the_input_is_kept(whole, mixed):
    names = [
        line.split(b"\t")[0].decode() for line in whole.splitlines() if not int(line.split(b"\t")[1]) & 256
    ]
    assert names == [mixed.name(i) for i in range(len(mixed))]


@pytest.mark.parametrize(("size", "threads"), [(300, 1), (300, 2), (37, 3), (64, 1)])
def test_batches_and_threads_do_not_show(toy_index, mixed, whole, size, threads):
    assert sam_of(Aligner(toy_index, secondary=2), mixed, size, threads) == whole


def test_a_read_alone_is_aligned_as_in_company(toy_index, mixed, whole):
    aligner = Aligner(toy_index, secondary=2)
    lines = whole.splitlines(keepends=True)
    for i in range(0, 900, 100):
        name = mixed.name(i).encode() + b"\t"
        assert aligner.sam(aligner.align(mixed.select([i]))).tobytes() == b"".join(
            line for line in lines if line.startswith(name)
        )


def test_the_other_strand_gives_the_mirrored_alignment(toy_aligner, mixed, turned):
    forward, reverse = toy_aligner.align(mixed), toy_aligner.align(turned(mixed))
    sure = (forward.rows.mapqs >= 20) & (reverse.rows.mapqs >= 20)
    assert sure.sum() > 0.85 * len(mixed)
    flags = forward.rows.flags ^ reverse.rows.flags
    assert (flags[sure] == 16).mean() > 0.995  # the order in which anchors are searched knows the strand
    same = [
        forward.alignments.starts[i] == reverse.alignments.starts[i]
        and np.array_equal(operations(forward, i), operations(reverse, i))
        for i in np.flatnonzero(sure)
    ]
    # where two alignments score the same, either may be found
    assert np.mean(same) > 0.97
    scores = forward.alignments.scores - reverse.alignments.scores
    assert (scores[sure] == 0).mean() > 0.99


def operations(batch: AlignedBatch, row: int):
    first = batch.alignments.cigar_starts[row]
    return batch.alignments.cigars[first : first + batch.alignments.cigar_counts[row]]


def test_lower_case_and_qualities_change_nothing(toy_aligner, mixed):
    plain = ReadBatch.from_strings(
        [mixed.name(i) for i in range(50)], [mixed.sequence(i).lower() for i in range(50)]
    )
    one, other = toy_aligner.align(plain), toy_aligner.align(mixed.select(np.arange(50)))
    np.testing.assert_array_equal(one.alignments.starts, other.alignments.starts)
    np.testing.assert_array_equal(one.rows.mapqs, other.rows.mapqs)


def test_ordered_keeps_the_order_and_tells_errors():
    assert list(ordered(lambda x: x * x, range(50), threads=4)) == [x * x for x in range(50)]

    def work(x):
        if x == 30:
            raise InputError("thirty")
        return x

    done = []
    with pytest.raises(InputError, match="thirty"):
        done.extend(ordered(work, range(50), threads=2))
    assert done == list(range(30))


def test_ordered_takes_no_more_than_it_needs():
    """An endless input: what is read ahead is bounded."""
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield len(taken)

    results = ordered(lambda x: x, endless(), threads=2)
    for _ in range(10):
        next(results)
    results.close()
    assert len(taken) <= 10 + 2 * 2 + 1


# odd reads


@pytest.mark.parametrize("text", ["N" * 150, "A", "ACGTA", "A" * 150, "ACGTTGCA", "R" * 30])
def test_reads_that_cannot_be_placed_are_unmapped(toy_aligner, text):
    batch = toy_aligner.align(ReadBatch.from_strings(["odd"], [text]))
    assert batch.rows.flags.tolist() == [4]
    assert batch.rows.mapqs.tolist() == [0]
    assert batch.mapped.tolist() == [False]
    assert batch.too_short.tolist() == [len(text) < 20]
    assert toy_aligner.sam(batch).tobytes().split(b"\t")[:9] == [
        b"odd",
        b"4",
        b"*",
        b"0",
        b"0",
        b"*",
        b"*",
        b"0",
        b"0",
    ]
    assert toy_aligner.paf(batch).size == 0


def test_an_odd_read_in_a_batch_does_not_touch_the_others(toy_aligner, mixed):
    few = mixed.select(np.arange(5))
    expected = toy_aligner.sam(toy_aligner.align(few)).tobytes().splitlines()
    names = ["odd1", *[few.name(i) for i in range(3)], "odd2", *[few.name(i) for i in (3, 4)], "odd3"]
    texts = [
        "N" * 60,
        *[few.sequence(i) for i in range(3)],
        "C",
        *[few.sequence(i) for i in (3, 4)],
        "A" * 99,
    ]
    reads = ReadBatch.from_strings(names, texts, ["I" * len(text) for text in texts])
    lines = toy_aligner.sam(toy_aligner.align(reads)).tobytes().splitlines()
    got = [line.split(b"\t") for line in lines if not line.startswith(b"odd")]
    for one, other in zip(got, (line.split(b"\t") for line in expected), strict=True):
        assert one[:10] + one[11:] == other[:10] + other[11:]  # all but the qualities


@pytest.mark.parametrize("name", CASCADES)
def test_a_read_longer_than_the_preset_allows(toy_index, name):
    longest = preset(name).max_length
    aligner = Aligner(toy_index, name)
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), longest + 1))
    reads = ReadBatch.from_strings(["fine", "giant"], [text[:-1], text])
    with pytest.raises(InputError, match=rf"'giant' has {longest + 1} bp.*{longest} bp"):
        aligner.align(reads)
    assert len(aligner.align(reads.select([0])).rows.flags) == 1


def test_unknown_preset(toy_index):
    with pytest.raises(UsageError, match="nonsense"):
        Aligner(toy_index, "nonsense")


# ends of contigs, several contigs, small genomes


@pytest.mark.parametrize("strand", [0, 1])
@pytest.mark.parametrize("over", [1, 5, 12, 30, 60])
def test_a_read_over_the_end_of_a_contig_is_clipped_there(small_index, strand, over):
    aligner, reference = Aligner(small_index), small_index.reference
    rng = np.random.default_rng(over)
    for contig, end in ((0, "left"), (0, "right"), (1, "left"), (1, "right")):
        codes = reference.contig_codes(contig)
        inside = codes[: 150 - over] if end == "left" else codes[len(codes) - 150 + over :]
        foreign = "".join(rng.choice(list("ACGT"), over))
        text = "".join("ACGTN"[c] for c in inside)
        text = foreign + text if end == "left" else text + foreign
        given = reverse_complement_text(text) if strand else text
        batch = aligner.align(ReadBatch.from_strings(["r"], [given]))
        assert batch.rows.flags[0] == 16 * strand
        low, high = reference.offsets[contig], reference.offsets[contig + 1]
        start = int(batch.alignments.starts[0])
        ops = [(int(op) >> 4, int(op) & 15) for op in operations(batch, 0)]
        stop = start + sum(length for length, kind in ops if kind in (0, 2))
        assert low <= start < stop <= high
        clipped = ops[0 if end == "left" else -1]
        if over > 5:  # reaching the end of the read is worth a short gap
            assert clipped[1] == SOFT_CLIP
            assert clipped[0] == pytest.approx(over, abs=8)


def test_a_read_over_two_contigs_is_aligned_in_two_parts(small_index):
    reference = small_index.reference
    border = int(reference.offsets[1])
    text = "".join("ACGTN"[c] for c in reference.codes(border - 90, border + 60))
    batch = Aligner(small_index).align(ReadBatch.from_strings(["r"], [text]))
    first, second = ([(int(op) >> 4, int(op) & 15) for op in operations(batch, row)] for row in range(2))
    assert batch.alignments.starts.tolist() == [border - 90, border]
    assert batch.rows.flags.tolist() == [0, SUPPLEMENTARY]
    assert first == [(90, 0), (60, SOFT_CLIP)]
    assert second == [(90, SOFT_CLIP), (60, 0)]


def test_reads_of_two_contigs_go_to_their_contig(small_index, simulated):
    truth = simulated(small_index.reference, number=300, length=80, divergence=0.05, seed=2)
    assert set(truth.contig.tolist()) >= {0, 1}
    batch = Aligner(small_index).align(truth.reads)
    assert right(batch, truth, small_index.reference).mean() > 0.98
    tiny = "".join("ACGTN"[c] for c in small_index.reference.contig_codes("tiny", 62, 120))
    batch = Aligner(small_index).align(ReadBatch.from_strings(["r"], [tiny]))
    assert batch.alignments.starts.tolist() == [int(small_index.reference.offsets[2]) + 62]


def test_a_genome_of_100_bp(tmp_path, simulated):
    text = "".join(np.random.default_rng(5).choice(list("ACGT"), 100))
    index = Index.build(Reference.from_sequences([("plasmid", text)]), tmp_path / "x.gsx")
    aligner = Aligner(index)
    truth = simulated(index.reference, number=50, length=60, divergence=0.05, seed=2)
    assert right(aligner.align(truth.reads), truth, index.reference).mean() > 0.9
    batch = aligner.align(
        ReadBatch.from_strings(["whole", "longer"], [text, "GATTACAGATTACA" + text + "CATCATCATCAT"])
    )
    assert batch.mapped.tolist() == [True, True]
    assert batch.alignments.starts.tolist() == [0, 0]


def _without_warning(text, tmp_path) -> Index:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GenoseqWarning)
        return Index.build(Reference.from_sequences([("c", text)]), tmp_path / "x.gsx")


@pytest.mark.parametrize("text", ["A" * 300, "N" * 300, "ACG"])
def test_a_genome_in_which_nothing_can_be_found(text, tmp_path):
    index = _without_warning(text, tmp_path)
    reads = ReadBatch.from_strings(["a", "b"], ["ACGTTGCATGCCATGACGTACCATGACTTAGC" * 3, "A" * 80])
    batch = Aligner(index).align(reads)
    assert batch.rows.flags.tolist() == [4, 4]


def test_a_read_of_a_repeat_has_mapq_zero(tmp_path):
    rng = np.random.default_rng(3)
    repeat, other = ("".join(rng.choice(list("ACGT"), n)) for n in (500, 800))
    text = repeat + other + repeat
    index = Index.build(Reference.from_sequences([("c", text)]), tmp_path / "x.gsx")
    reads = ReadBatch.from_strings(["repeat", "unique"], [repeat[200:350], other[300:450]])
    batch = Aligner(index).align(reads)
    assert batch.mapped.tolist() == [True, True]
    assert batch.rows.mapqs[0] <= 3 < 30 <= batch.rows.mapqs[1]
    assert batch.rows.seconds[0] == 300


@pytest.mark.parametrize("copies", [4, 9])
def test_the_copies_of_a_repeat_share_its_reads(tmp_path, copies):
    rng = np.random.default_rng(4)
    repeat = "".join(rng.choice(list("ACGT"), 1000))
    text = "".join("".join(rng.choice(list("ACGT"), 2000)) + repeat for _ in range(copies))
    index = Index.build(Reference.from_sequences([("c", text)]), tmp_path / "x.gsx")
    at = rng.integers(0, 850, 100 * copies)
    names = [f"r{i}" for i in range(len(at))]
    batch = Aligner(index).align(ReadBatch.from_strings(names, [repeat[i : i + 150] for i in at]))
    shares = np.bincount(begins(batch)[0] // 3000, minlength=copies)
    assert batch.mapped.all()
    assert (batch.rows.mapqs == 0).all()
    assert shares.min() > 60
    assert shares.max() < 140
