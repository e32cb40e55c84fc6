"""Statistics of a run against a recount of its SAM lines by pysam, read by read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pysam
import pytest

from genoseq.align.aligner import Aligner
from genoseq.align.extend import Alignments
from genoseq.align.records import Rows
from genoseq.align.statistics import LISTED, PAIR_KINDS, PLOTTED, SUPPLEMENTARY, Coverage, Statistics
from genoseq.io.fastx import ReadBatch
from genoseq.io.sam import header_text
from genoseq.simulate import SimulationParameters, simulate_reads


def recount(path):
    """The same counts, one record after the other."""
    told = {
        name: Counter() for name in ("lengths", "mapqs", "identities", "start", "end", "inserts", "pairs")
    }
    sums, bases = [0, 0], {}
    mates = {}
    with pysam.AlignmentFile(str(path)) as file:
        for name, length in zip(file.references, file.lengths, strict=True):
            bases[name] = np.zeros(length, np.int64)
        for r in file:
            if r.is_secondary:
                continue
            if not r.is_unmapped:
                for low, high in aligned_blocks(r):
                    bases[r.reference_name][low:high] += 1
            if r.is_supplementary:
                continue
            told["lengths"][r.query_length] += 1
            if r.is_paired:
                mates.setdefault(r.query_name, []).append(r)
            if r.is_unmapped:
                continue
            told["mapqs"][r.mapping_quality] += 1
            columns = sum(n for op, n in r.cigartuples if op in (0, 1, 2, 7, 8))
            told["identities"][1000 * (columns - r.get_tag("NM")) // columns] += 1
            sums = [sums[0] + columns, sums[1] + r.get_tag("NM")]
            clips = [r.cigartuples[i][1] * (r.cigartuples[i][0] == 4) for i in (0, -1)]
            for end, clip in zip(("start", "end"), clips[:: -1 if r.is_reverse else 1], strict=True):
                told[end][clip] += 1
    for one, two in mates.values():
        both = not one.is_unmapped and not two.is_unmapped
        same = both and one.reference_id == two.reference_id
        kind = "proper" if one.is_proper_pair else "one_contig" if same else "two_contigs" if both else None
        told["pairs"][kind or ("no_mate" if one.is_unmapped and two.is_unmapped else "one_mate")] += 1
        if same:
            told["inserts"][abs(one.template_length)] += 1
    return told, sums, bases


def aligned_blocks(record):
    at = record.reference_start
    for operation, count in record.cigartuples:
        if operation in (0, 7, 8):
            yield at, at + count
        if operation in (0, 2, 7, 8):
            at += count


def occurring(counts):
    return {int(i): int(counts[i]) for i in np.flatnonzero(counts)}


def compare(statistics, path, names):
    told, sums, bases = recount(path)
    assert occurring(statistics.lengths.counts) == told["lengths"]
    assert occurring(statistics.mapqs) == told["mapqs"]
    assert occurring(statistics.identities) == told["identities"]
    assert statistics.sums.tolist() == sums
    assert [occurring(clips.counts) for clips in statistics.clips] == [told["start"], told["end"]]
    assert dict(zip(PAIR_KINDS, statistics.pairs.tolist(), strict=True)) == {
        kind: told["pairs"][kind] for kind in PAIR_KINDS
    }
    inserts = statistics.inserts
    assert inserts.total == sum(told["inserts"].values())
    if inserts.total:
        assert inserts.quantile(0.5) == sorted(told["inserts"].elements())[(inserts.total - 1) // 2]
    coverage = statistics.coverage
    assert coverage.bases.tolist() == [bases[name].sum() for name in names]
    for contig in coverage.plotted.tolist():
        edges, depths = coverage.along(contig)
        depth = bases[names[contig]]
        assert (edges[0], edges[-1]) == (0, len(depth))
        assert depths == pytest.approx(np.add.reduceat(depth, edges[:-1]) / np.diff(edges))
    assert coverage.mean_depth == pytest.approx(np.concatenate(list(bases.values())).mean())


def ragged(batch: ReadBatch, rng, *, mates: bool) -> ReadBatch:
    """Reads of many lengths, some of other bases at an end, some of nothing that the genome has."""
    texts = [batch.sequence(i) for i in range(len(batch))]
    for i, text in enumerate(texts):
        kind = rng.integers(8)
        junk = "".join(rng.choice(list("ACGT"), 60))
        texts[i] = (text, junk[:40] + text, text + junk, junk * 2, text[: rng.integers(5, 60)])[
            max(kind - 3, 0)
        ]
    made = ReadBatch.from_strings([batch.name(i) for i in range(len(batch))], texts)
    return replace(made, mates=batch.mates) if mates else made


@pytest.mark.parametrize("mates", [False, True])
@pytest.mark.parametrize("secondary", [0, 2])
def test_counts_are_those_of_the_lines(toy_index, tmp_path, mates, secondary):
    aligner = Aligner(toy_index, secondary=secondary)
    reference = toy_index.reference
    wanted = SimulationParameters(number=1200, divergence=(0.0, 0.1, 0.2), seed=4)
    if mates:
        wanted = replace(wanted, insert=(300, 60))
    contigs = zip(reference.names, reference.lengths.tolist(), reference.md5s, strict=True)
    lines = header_text(contigs, program_version="1", command_line="x").encode()
    statistics = Statistics.of(reference)
    rng = np.random.default_rng(5)
    for simulated in simulate_reads(reference, wanted, batch_reads=400):
        aligned = aligner.align(ragged(simulated.reads, rng, mates=mates))
        statistics.add(aligned)
        lines += aligner.sam(aligned).tobytes()
    path = tmp_path / "out.sam"
    path.write_bytes(lines)
    compare(statistics, path, reference.names)
    assert statistics.clipped(0)[0] > 10
    assert statistics.clipped(1)[0] > 10
    assert (statistics.pairs.sum() > 0) == mates


def test_supplementary_lines_cover_but_are_no_reads(toy_index, tmp_path):
    aligner = Aligner(toy_index)
    reference = toy_index.reference
    wanted = SimulationParameters(number=50, seed=6)
    (simulated,) = simulate_reads(reference, wanted, batch_reads=50)
    aligned = aligner.align(simulated.reads)
    a, r = aligned.alignments, aligned.rows
    twice = np.repeat(np.arange(len(a)), 2)
    flags = r.flags[twice] | np.tile([0, SUPPLEMENTARY], len(a)).astype(np.int32)
    doubled = replace(
        aligned,
        alignments=Alignments(
            a.reads[twice], a.strands[twice], a.starts[twice], a.scores[twice], a.edits[twice],
            a.cigars, a.cigar_starts[twice], a.cigar_counts[twice],
        ),
        rows=Rows(flags, r.mapqs[twice], r.seconds[twice], r.mates[twice], r.tlens[twice]),
    )  # fmt: skip
    once, more = Statistics.of(reference), Statistics.of(reference)
    once.add(aligned)
    more.add(doubled)
    assert (more.coverage.bases == 2 * once.coverage.bases).all()
    assert (more.coverage.bins == 2 * once.coverage.bins).all()
    assert (more.mapqs == once.mapqs).all()
    assert (more.sums == once.sums).all()
    assert more.clips[0].total == 50


def test_memory_is_bounded_by_the_genome():
    lengths = np.random.default_rng(7).integers(1, 60_000, 100_000)
    coverage = Coverage.none(np.concatenate([[0], np.cumsum(lengths)]))
    assert len(coverage.bases) == 100_000
    assert len(coverage.plotted) == PLOTTED
    assert len(coverage.bins) <= 300 * PLOTTED
    assert set(lengths[coverage.plotted]) == set(np.sort(lengths)[-PLOTTED:])


def test_small_and_empty_contigs():
    coverage = Coverage.none(np.array([0, 3, 3, 10]))
    assert coverage.plotted.tolist() == [0, 2]
    assert coverage.along(0)[0].tolist() == [0, 1, 2, 3]
    assert coverage.depths.tolist() == [0, 0, 0]


def test_bins_of_identity_hold_all_mapped_reads():
    statistics = Statistics(Coverage.none(np.array([0, 1000])))
    statistics.lengths.add(np.full(10, 150))
    statistics.identities[[700, 953, 999, 1000]] = 1, 2, 3, 4
    edges, counts = statistics.identity_bins()
    assert (edges[0], edges[-1], counts.sum()) == (700, 1000, 10)
    assert counts[-1] == 7
    assert statistics.median_identity() == 0.999
    statistics.identities[:] = 0
    statistics.identities[1000] = 5
    edges, counts = statistics.identity_bins()
    assert (edges[-1], counts.tolist()) == (1000, [5])


def test_nothing_counted(toy_index):
    told = Statistics.of(toy_index.reference).to_dict(toy_index.reference.names)
    assert len(told["coverage"]["contigs"]) == 3 <= LISTED
    assert "pair_kinds" not in told
    assert len(told["identity"]["counts"]) == 0
