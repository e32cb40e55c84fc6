"""SAM and BAM outputs, judged by pysam."""

from __future__ import annotations

import os
import random

import numpy as np
import pysam
import pytest

from genoseq.errors import GenoseqError, InputError, UsageError
from genoseq.io.origin import read_group_id
from genoseq.io.sam import (
    alignment_format,
    header_text,
    open_alignment_output,
    parse_read_group,
)

MD5 = "0123456789abcdef" * 2
GROUP = parse_read_group(r"@RG\tID:lane\tSM:me")
HEADER = header_text(
    [("chr1", 5000, MD5), ("chr2", 300, None)],
    read_groups=[GROUP],
    program_version="0.1.0",
    command_line="genoseq align\t-x 'a b'",
)


def lines(count, seed=0):
    rng = random.Random(seed)
    for i in range(count):
        letters = "".join(rng.choices("ACGT", k=50))
        contig, last = rng.choice([("chr1", 4950), ("chr2", 250)])
        where = f"{contig}\t{rng.randrange(1, last)}"
        tags = "NM:i:0\tMD:Z:50\tAS:i:50\tRG:Z:lane"
        yield f"r{i}\t0\t{where}\t60\t50M\t*\t0\t0\t{letters}\t{'I' * 50}\t{tags}\n"


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_the_header_is_what_pysam_reads():
    header = pysam.AlignmentHeader.from_text(HEADER).to_dict()
    assert header["HD"] == {"VN": "1.6", "SO": "unsorted"}
    assert header["SQ"] == [{"SN": "chr1", "LN": 5000, "M5": MD5}, {"SN": "chr2", "LN": 300}]
    assert header["RG"] == [{"ID": "lane", "SM": "me"}]
    assert header["PG"] == [{"ID": "genoseq", "PN": "genoseq", "VN": "0.1.0", "CL": "genoseq align -x 'a b'"}]


@pytest.mark.parametrize(
    "text",
    [r"@RG\tID:a\tSM:b", "@RG\tID:a\tSM:b", r"ID:a\tSM:b", "ID:a\tSM:b"],
    ids=["escaped", "tabs", "short", "both"],
)
def test_read_groups_in_every_spelling(text):
    assert parse_read_group(text) == "@RG\tID:a\tSM:b"
    assert read_group_id(parse_read_group(text)) == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SM:b", "no ID"),
        ("", "not TAG:VALUE"),
        ("ID:a\\tSM", "'SM' is not"),
        ("ID:a\\tID:b", "twice"),
        ("ID:", "'ID:' is not"),
    ],
)
def test_bad_read_groups(text, message):
    with pytest.raises(UsageError, match=message):
        parse_read_group(text)


def test_format_by_suffix():
    assert [alignment_format(name) for name in ("-", "x.sam", "x", "X.BAM")] == ["sam", "sam", "sam", "bam"]
    assert [alignment_format(name) for name in ("x.paf", "X.PAF")] == ["paf", "paf"]
    for name in ("x.sam.gz", "x.PAF.GZ", "x.bam.zst"):
        with pytest.raises(UsageError, match=r"use a name that ends in \.sam, \.bam, \.cram or \.paf"):
            alignment_format(name)


@pytest.mark.parametrize("suffix", ["sam", "bam"])
@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_written_is_what_pysam_reads(suffix, sort, threads, tmp_path):
    records = list(lines(3000))
    path = tmp_path / f"out.{suffix}"
    with open_alignment_output(path, HEADER, sort=sort, threads=threads) as output:
        output.write("".join(records[:10]).encode())
        output.write(np.frombuffer("".join(records[10:]).encode(), np.uint8))
        assert not path.exists()
    pysam.quickcheck(os.fspath(path))
    with pysam.AlignmentFile(os.fspath(path)) as file:
        read = [record.to_string() + "\n" for record in file]
        assert file.header.to_dict()["HD"]["SO"] == ("coordinate" if sort else "unsorted")
        assert len(file.header.to_dict()["PG"]) == 1
    assert sorted(read) == sorted(records)
    places = [(line.split("\t")[2], int(line.split("\t")[3])) for line in read]
    assert (places == sorted(places)) == sort
    if not sort:
        assert read == records
    indexed = ["out.bam", "out.bam.bai"] if sort and suffix == "bam" else [f"out.{suffix}"]
    assert names(tmp_path) == indexed
    if len(indexed) == 2:
        with pysam.AlignmentFile(os.fspath(path)) as file:
            expected = sum(1 for line in records if "\tchr2\t" in line)
            assert file.count("chr2") == expected > 0


def test_a_contig_beyond_the_reach_of_bai_gets_csi(tmp_path):
    header = header_text([("long", 1 << 30, None)], program_version="0", command_line="x")
    with open_alignment_output(tmp_path / "out.bam", header, sort=True) as output:
        output.write(b"r\t0\tlong\t1000000000\t60\t4M\t*\t0\t0\tACGT\tIIII\n")
    assert names(tmp_path) == ["out.bam", "out.bam.csi"]


@pytest.mark.parametrize(("sort", "left"), [(False, []), (True, ["out.bam.bai"])])
def test_indexes_of_the_bam_before_are_removed(sort, left, tmp_path):
    old = ["out.bam.bai", "out.bam.csi", "out.bai", "out.csi"]
    for name in ["out.bam", *old, "other.bam.bai"]:
        (tmp_path / name).write_bytes(b"old")
    with open_alignment_output(tmp_path / "out.bam", HEADER, sort=sort) as output:
        output.write("".join(lines(10)).encode())
        assert names(tmp_path).count("out.bam.csi") == 1  # until the new file is whole
    assert names(tmp_path) == sorted(["other.bam.bai", "out.bam", *left])
    assert all((tmp_path / name).read_bytes() != b"old" for name in left)


@pytest.mark.parametrize(
    ("format", "kept"), [("bam", ["out.cram.crai", "out.crai"]), ("cram", ["out.bai", "out.csi"])]
)
def test_indexes_of_another_format_stay(format, kept, tmp_path):
    for name in kept:
        (tmp_path / name).write_bytes(b"old")
    genome = f">chr1\n{'A' * 1000}\n>chr2\n{'A' * 1000}\n"
    with open_alignment_output(
        tmp_path / f"out.{format}", HEADER, sort=True, fasta=lambda path: path.write_text(genome) and None
    ):
        pass
    assert {name for name in kept if (tmp_path / name).read_bytes() == b"old"} == set(kept)


@pytest.mark.parametrize("suffix", ["sam", "bam"])
def test_a_sorted_file_on_a_full_disk_is_one_clean_line(suffix):
    with (
        pytest.raises(GenoseqError) as caught,
        open_alignment_output("/dev/full", HEADER, format=suffix, sort=True) as output,
    ):
        output.write("".join(lines(10)).encode())
    text = str(caught.value)
    assert text.startswith("/dev/full: samtools could not write the alignments: ")
    assert text.endswith("No space left on device")
    assert "SamtoolsError" not in text
    assert "\\n" not in text


@pytest.mark.parametrize("suffix", ["sam", "bam"])
def test_no_alignments_is_a_valid_file(suffix, tmp_path):
    with open_alignment_output(tmp_path / f"out.{suffix}", HEADER):
        pass
    with pysam.AlignmentFile(os.fspath(tmp_path / f"out.{suffix}")) as file:
        assert list(file) == []
        assert file.references == ("chr1", "chr2")


@pytest.mark.parametrize(
    "options", [{"format": "sam"}, {"format": "bam"}, {"format": "bam", "sort": True}, {"sort": True}]
)
def test_standard_output(options, capfdbinary, tmp_path):
    records = list(lines(20))
    with open_alignment_output("-", HEADER, **options) as output:
        output.write("".join(records).encode())
    (tmp_path / "out").write_bytes(capfdbinary.readouterr().out)
    with pysam.AlignmentFile(os.fspath(tmp_path / "out")) as file:
        assert sorted(record.to_string() + "\n" for record in file) == sorted(records)
        assert file.is_bam == (options.get("format") == "bam")


@pytest.mark.parametrize("options", [{"format": "sam"}, {"format": "bam"}, {"format": "bam", "sort": True}])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_an_error_the_old_file_is_there_and_nothing_else(options, error, tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")

    def fail(output):
        output.write("".join(lines(2000)).encode())
        raise error

    with pytest.raises(error), open_alignment_output(path, HEADER, **options) as output:
        fail(output)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("sort", [False, True])
def test_lines_that_are_no_sam_are_an_error(sort, tmp_path):
    with (
        pytest.raises(GenoseqError, match=r"out\.bam: samtools could not write"),
        open_alignment_output(tmp_path / "out.bam", HEADER, sort=sort) as output,
    ):
        output.write(b"nonsense\n" * 200_000)
    assert names(tmp_path) == []


def test_paths_and_formats_are_checked_first(tmp_path):
    with (
        pytest.raises(InputError, match="no folder"),
        open_alignment_output(tmp_path / "no" / "x.bam", HEADER),
    ):
        pass
    with (
        pytest.raises(UsageError, match="expected sam, bam or cram"),
        open_alignment_output("-", HEADER, format="vcf"),
    ):
        pass
    with (
        pytest.raises(UsageError, match="CRAM is written to a file, with the genome at hand"),
        open_alignment_output("-", HEADER, format="cram"),
    ):
        pass
