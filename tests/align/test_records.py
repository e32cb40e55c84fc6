"""SAM and PAF lines, read back by pysam and checked by samtools calmd."""

from __future__ import annotations

import numpy as np
import pysam
import pytest

from genoseq.align.aligner import AlignedBatch, Aligner
from genoseq.index.reference import Reference
from genoseq.index.store import Index
from genoseq.io.fastx import ReadBatch
from genoseq.io.sam import header_text
from genoseq.sequence import reverse_complement_text


@pytest.fixture(scope="module")
def aligner(small_index) -> Aligner:
    return Aligner(small_index, secondary=2)


def hand_made(reference: Reference, seed: int, number: int = 400) -> ReadBatch:
    """Reads with substitutions, gaps, N and ragged ends, over letters that are no bases too."""
    rng = np.random.default_rng(seed)
    genome = reference.codes(0, len(reference))
    names, sequences, qualities = [], [], []
    for i in range(number):
        length = int(rng.integers(60, 200))
        start = int(rng.integers(0, len(reference) - length))
        letters = ["ACGTN"[c] for c in genome[start : start + length]]
        rate = float(rng.choice([0, 0.03, 0.1]))
        for at in np.flatnonzero(rng.random(length) < rate).tolist():
            letters[at] = str(rng.choice(["A", "C", "G", "T", "N", "", "AC", "R", "GATTACA"], p=P_EDIT))
        if i % 7 == 0:
            del letters[length // 2 : length // 2 + 6]
        if i % 11 == 0:
            letters[:12] = rng.choice(list("ACGT"), 12)
        text = "".join(letters)
        names.append(f"read{i}")
        sequences.append(reverse_complement_text(text) if i % 2 else text)
        qualities.append("".join(map(chr, rng.integers(33, 74, len(text)))))
    return ReadBatch.from_strings(names, sequences, qualities)


P_EDIT = [0.2, 0.2, 0.2, 0.2, 0.04, 0.05, 0.04, 0.02, 0.05]


@pytest.fixture(scope="module")
def batch(aligner) -> AlignedBatch:
    return aligner.align(hand_made(aligner.index.reference, 1))


def write_sam(aligner: Aligner, batch: AlignedBatch, path, read_group: str | None = None) -> None:
    reference = aligner.index.reference
    header = header_text(
        zip(reference.names, reference.lengths.tolist(), reference.md5s, strict=True),
        read_groups=[read_group] if read_group else [], program_version="0", command_line="genoseq",
    )  # fmt: skip
    group = "g" if read_group else ""
    path.write_bytes(header.encode() + aligner.sam(batch, read_group=group).tobytes())


@pytest.fixture(scope="module")
def sam(aligner, batch, tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "out.sam"
    write_sam(aligner, batch, path)
    return path


@pytest.fixture(scope="module")
def records(sam) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(sam)) as file:
        return list(file)


@pytest.fixture(scope="module")
def primary(records):
    return [r for r in records if not r.is_secondary]


def test_every_read_has_its_line_in_order(batch, primary):
    assert [r.query_name for r in primary] == [batch.reads.name(i) for i in range(len(batch.reads))]
    assert sum(not r.is_unmapped for r in primary) == batch.mapped.sum() > 300


def test_sequence_and_qualities_are_turned_with_the_strand(batch, primary):
    strands = set()
    for i, record in enumerate(primary):
        sequence, quality = batch.reads.sequence(i), batch.reads.quality(i)
        if record.is_reverse:
            sequence, quality = reverse_complement_text(sequence), quality[::-1]
        assert record.query_sequence == sequence
        assert record.query_qualities_str == quality
        strands.add(record.is_reverse)
    assert strands == {True, False}


def test_unmapped_lines(records):
    unmapped = [r for r in records if r.is_unmapped]
    assert unmapped
    for record in unmapped:
        assert record.flag == 4
        assert (record.reference_id, record.pos, record.mapping_quality) == (-1, -1, 0)
        assert record.cigarstring is None
        assert not record.get_tags()


def test_secondary_lines(aligner, tmp_path):
    """A read of a repeat: the other place is a secondary line without bases, after the primary one."""
    rng = np.random.default_rng(2)
    repeat = "".join(rng.choice(list("ACGT"), 400))
    spacers = ["".join(rng.choice(list("ACGT"), 1000)) for _ in range(3)]
    changed = repeat[:200] + ("A" if repeat[200] != "A" else "C") + repeat[201:]
    text = spacers[0] + repeat + spacers[1] + changed + spacers[2]
    index = Index.build(Reference.from_sequences([("c", text)]), tmp_path / "x.gsx")
    several = Aligner(index, secondary=3)
    reads = ReadBatch.from_strings(["r", "unique"], [repeat[100:250], spacers[0][100:250]], ["I" * 150] * 2)
    write_sam(several, several.align(reads), tmp_path / "x.sam")
    with pysam.AlignmentFile(str(tmp_path / "x.sam")) as file:
        lines = list(file)
    assert [(r.query_name, r.flag, r.pos) for r in lines] == [
        ("r", 0, 1100),
        ("r", 256, 2500),
        ("unique", 0, 100),
    ]
    assert lines[0].query_sequence == repeat[100:250]
    assert lines[1].query_sequence is None
    assert lines[1].query_qualities is None
    assert lines[1].cigarstring == "150M"
    assert lines[1].mapping_quality == 0
    assert lines[0].get_tag("XS") == lines[1].get_tag("AS") < lines[0].get_tag("AS")
    assert (lines[0].get_tag("NM"), lines[1].get_tag("NM")) == (0, 1)
    assert lines[0].mapping_quality < 30 <= lines[2].mapping_quality
    none = Aligner(index).align(reads)
    assert len(none.rows.flags) == 2


def test_secondary_lines_are_other_places(records):
    seen = {}
    for record in records:
        if not record.is_unmapped:
            seen.setdefault(record.query_name, []).append(
                (record.reference_id, record.pos, record.is_reverse)
            )
    assert all(len(set(places)) == len(places) for places in seen.values())


def test_md_and_nm_agree_with_samtools_calmd(aligner, sam, records, tmp_path):
    reference = aligner.index.reference
    with (tmp_path / "ref.fa").open("w") as file:
        codes = reference.codes(0, len(reference))
        letters = np.array(list("ACGTN"))[codes]
        for start, end, letter in reference.exceptions.tolist():
            letters[start:end] = chr(letter)
        for name, low, high in zip(reference.names, reference.offsets, reference.offsets[1:], strict=False):
            file.write(f">{name}\n{''.join(letters[low:high])}\n")
    primaries = tmp_path / "primary.sam"
    lines = [
        line for line in sam.read_text().splitlines() if line[0] == "@" or not int(line.split("\t")[1]) & 256
    ]
    primaries.write_text("\n".join(lines) + "\n")
    text = pysam.calmd(str(primaries), str(tmp_path / "ref.fa"))
    compared = ambiguous = gaps = 0
    theirs = [line.split("\t") for line in text.splitlines() if not line.startswith("@")]
    ours = [line.split("\t") for line in lines if not line.startswith("@")]
    for their, our in zip(theirs, ours, strict=True):
        assert their[:11] == our[:11]
        their_tags, our_tags = ({t for t in f[11:] if t[:2] in ("NM", "MD")} for f in (their, our))
        assert their_tags == our_tags, our[0]
        compared += bool(our_tags)
        md = "".join(t[5:] for t in our_tags if t.startswith("MD"))
        ambiguous += any(c in md for c in "NRYSWKMBDHV")
        gaps += "^" in md
    assert compared > 300
    assert ambiguous > 20
    assert gaps > 20


def test_the_aligned_bases_are_those_of_the_reference(aligner, primary):
    reference = aligner.index.reference
    for record in primary:
        if record.is_unmapped:
            continue
        target = reference.contig_codes(record.reference_name)
        edits = sum(length for kind, length in record.cigartuples if kind in (1, 2))
        for at, where in record.get_aligned_pairs(matches_only=True):
            edits += record.query_sequence[at] != "ACGTN"[target[where]] or target[where] > 3
        assert edits == record.get_tag("NM")


def test_cigars_and_coordinates(aligner, records):
    lengths = dict(zip(aligner.index.reference.names, aligner.index.reference.lengths.tolist(), strict=True))
    for record in records:
        if record.is_unmapped:
            continue
        kinds = [kind for kind, _ in record.cigartuples]
        assert set(kinds) <= {0, 1, 2, 4}
        inner = [kind for kind in kinds if kind != 4]
        assert inner[0] == inner[-1] == 0
        assert 4 not in kinds[1:-1]
        if not record.is_secondary:
            assert record.infer_read_length() == len(record.query_sequence)
        assert 0 <= record.reference_start < record.reference_end <= lengths[record.reference_name]
        assert 0 <= record.mapping_quality <= 60
        assert record.get_tag("AS") <= 2 * record.infer_read_length()


def test_read_group_and_reads_without_qualities(aligner, batch, tmp_path):
    reads = ReadBatch.from_strings(["f"], [batch.reads.sequence(0)])
    write_sam(aligner, aligner.align(reads), tmp_path / "x.sam", "@RG\tID:g\tSM:s")
    with pysam.AlignmentFile(str(tmp_path / "x.sam")) as file:
        (record,) = (r for r in file if not r.is_secondary)
        assert file.header.to_dict()["RG"] == [{"ID": "g", "SM": "s"}]
    assert record.get_tag("RG") == "g"
    assert record.query_qualities is None


def test_paf_says_what_sam_says(aligner, batch, records):
    lines = [line.split("\t") for line in aligner.paf(batch).tobytes().decode().splitlines()]
    mapped = [r for r in records if not r.is_unmapped]
    assert len(lines) == len(mapped)
    reference = aligner.index.reference
    lengths = dict(zip(reference.names, reference.lengths.tolist(), strict=True))
    for fields, record in zip(lines, mapped, strict=True):
        length = record.infer_read_length()
        clips = [n if kind == 4 else 0 for kind, n in (record.cigartuples[0], record.cigartuples[-1])]
        start, end = (clips[1], length - clips[0]) if record.is_reverse else (clips[0], length - clips[1])
        block = sum(n for kind, n in record.cigartuples if kind != 4)
        gaps = sum(n for kind, n in record.cigartuples if kind in (1, 2))
        assert fields[:12] == [
            record.query_name, str(length), str(start), str(end), "-" if record.is_reverse else "+",
            record.reference_name, str(lengths[record.reference_name]), str(record.reference_start),
            str(record.reference_end), str(block - gaps - (record.get_tag("NM") - gaps)), str(block),
            str(record.mapping_quality),
        ]  # fmt: skip
        cigar = "".join(f"{n}{'MIDNSHP=X'[kind]}" for kind, n in record.cigartuples if kind != 4)
        tags = dict(tag.split(":", 1) for tag in fields[12:])
        assert tags["tp"] == ("A:S" if record.is_secondary else "A:P")
        assert tags["NM"] == f"i:{record.get_tag('NM')}"
        assert tags["AS"] == f"i:{record.get_tag('AS')}"
        assert tags["cg"] == f"Z:{cigar}"  # without clips, as the PAF specification wants it


def test_without_unmapped(aligner, batch):
    shown = batch.without_unmapped()
    text = aligner.sam(shown).tobytes().decode()
    whole = aligner.sam(batch).tobytes().decode()
    assert text.splitlines() == [line for line in whole.splitlines() if line.split("\t")[1] != "4"]
    assert text != whole


def test_no_reads(aligner):
    empty = aligner.align(ReadBatch.from_strings([], []))
    assert aligner.sam(empty).size == 0
    assert aligner.paf(empty).size == 0
