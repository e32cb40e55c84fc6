"""Reads out of SAM and BAM: the same reads as in the FASTQ they came from."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
from types import SimpleNamespace

import pysam
import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.fastx import read_batches
from genoseq.sequence import reverse_complement_text

HEADER = "@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:chr1\tLN:1000\n"


def line(name, flag, letters, quality="*", *, contig="chr1", position=10, cigar=None):
    cigar = f"{len(letters)}M" if cigar is None else cigar
    if flag & 4:
        contig, position, cigar = "*", 0, "*"
    return f"{name}\t{flag}\t{contig}\t{position}\t30\t{cigar}\t*\t0\t0\t{letters}\t{quality}\n"


def as_bam(text, path):
    """The SAM text as a BAM file, made by pysam."""
    sam = path.with_suffix(".sam")
    sam.write_text(text)
    pysam.view("-b", "-o", os.fspath(path), os.fspath(sam), catch_stdout=False)
    return path


def reads_of(path, **limits):
    batches = list(read_batches(path, **limits))
    assert [batch.first for batch in batches] == [sum(map(len, batches[:i])) for i in range(len(batches))]
    return [(b.name(i), b.sequence(i), b.quality(i)) for b in batches for i in range(len(b))]


@pytest.fixture(params=["sam", "bam", "headerless"])
def written(request, tmp_path):
    """A function that writes SAM records in one of the forms and gives the path."""

    def write(records):
        text = "".join(records)
        if request.param == "bam":
            return as_bam(HEADER + text, tmp_path / "r.bam")
        path = tmp_path / "r.sam"
        path.write_text(text if request.param == "headerless" else HEADER + text)
        return path

    return write


def test_records_are_turned_back_to_the_direction_of_the_read(tmp_path):
    rng = random.Random(4)
    reads, records = [], []
    for i in range(50):
        letters = "".join(rng.choices("ACGTN", k=rng.randrange(1, 60)))
        quality = "".join(chr(rng.randrange(33, 126)) for _ in letters)
        reads.append((f"r{i}", letters, quality))
        flag = rng.choice([0, 4, 16, 77])
        if flag & 16:
            records.append(line(f"r{i}", flag, reverse_complement_text(letters), quality[::-1]))
        else:
            records.append(line(f"r{i}", flag, letters, quality))
    for limits in ({}, {"batch_reads": 7}, {"batch_bases": 100}):
        assert reads_of(as_bam(HEADER + "".join(records), tmp_path / "r.bam"), **limits) == reads


def test_secondary_and_supplementary_records_are_left_out(tmp_path):
    records = [line("a", 0, "ACGT", "IIII"), line("a", 256, "ACGT", "IIII"), line("a", 2064, "AC", "II")]
    assert reads_of(as_bam(HEADER + "".join(records), tmp_path / "r.bam")) == [("a", "ACGT", "IIII")]


def test_records_in_every_form(written):
    path = written([line("a", 4, "ACGT", "IIII"), line("b", 4, "GGN", "+++"), line("c", 16, "AACG", "1234")])
    assert reads_of(path) == [("a", "ACGT", "IIII"), ("b", "GGN", "+++"), ("c", "CGTT", "4321")]


def test_reads_with_and_without_qualities_never_share_a_batch(written):
    path = written(
        [line("a", 4, "ACGT", "IIII"), line("b", 4, "GG"), line("c", 4, "TT"), line("d", 4, "A", "#")]
    )
    assert [(len(batch), batch.has_quals) for batch in read_batches(path)] == [
        (1, True),
        (2, False),
        (1, True),
    ]


def test_a_single_base_leaves_the_bytes_of_python_alone(written):
    path = written([line(name, 4, "A", "#") for name in "abc"] + [line("d", 4, "C")])
    assert reads_of(path) == [("a", "A", "#"), ("b", "A", "#"), ("c", "A", "#"), ("d", "C", "")]
    assert bytes([2])[0] == 2  # '#' is quality 2


def test_a_record_without_bases_is_named(written):
    path = written([line("a", 4, "ACGT", "IIII"), line("empty", 4, "*")])
    with pytest.raises(InputError, match=r"r\.[sb]am: read 'empty' has no bases"):
        reads_of(path)


def test_a_name_that_sam_forbids_is_told(written):
    path = written([line("a", 4, "ACGT", "IIII"), line("r@x", 4, "ACGT", "IIII")])
    with pytest.raises(InputError, match=r"r\.[sb]am: the read name 'r@x' is not as SAM allows it .*'@'"):
        reads_of(path)


@pytest.mark.parametrize("value", [94, 130, 223, 254, 255])
def test_a_quality_that_no_letter_stands_for(value, tmp_path):
    """BAM holds any byte; SAM has letters for 0 to 93."""
    path = as_bam(HEADER + line("a", 4, "ACGT", "IIII"), tmp_path / "r.bam")
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-2] = value
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"r\.bam: read 'a'.*(not a quality of|a quality above 93)"):
        reads_of(path)


def test_a_header_with_a_contig_twice_is_told_in_plain_words(tmp_path):
    path = tmp_path / "r.sam"
    path.write_text(HEADER + "@SQ\tSN:chr1\tLN:1000\n" + line("a", 4, "ACGT", "IIII"))
    with pytest.raises(InputError, match=r"header cannot be read: .* a contig is named twice$"):
        reads_of(path)


def test_no_records_is_a_warning(tmp_path):
    with pytest.warns(GenoseqWarning, match="there are no reads"):
        assert reads_of(as_bam(HEADER, tmp_path / "r.bam")) == []


def test_standard_input(tmp_path, monkeypatch):
    path = as_bam(HEADER + line("a", 4, "ACGT", "IIII"), tmp_path / "r.bam")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(path.read_bytes())))
    assert reads_of("-") == [("a", "ACGT", "IIII")]


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_cut_bam_file_is_an_error(kept, tmp_path):
    rng = random.Random(1)
    records = [line(f"r{i}", 4, "".join(rng.choices("ACGT", k=100)), "I" * 100) for i in range(5000)]
    path = as_bam(HEADER + "".join(records), tmp_path / "r.bam")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"r\.bam: .*cut"):
        reads_of(path)


def test_a_bam_file_cut_between_blocks_is_an_error(tmp_path):
    path = as_bam(HEADER + line("a", 4, "ACGT", "IIII"), tmp_path / "r.bam")
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(InputError, match="end-of-file block is missing"):
        reads_of(path)


def test_a_damaged_sam_line_is_an_error(tmp_path):
    path = tmp_path / "r.sam"
    path.write_text(HEADER + line("a", 4, "ACGT", "IIII") + "b\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tII\n")
    with pytest.raises(InputError, match="damaged after read 'a'"):
        reads_of(path)


def test_stopping_early_ends_the_feeder(tmp_path):
    records = [line(f"r{i}", 4, "ACGT" * 25, "I" * 100) for i in range(5000)]
    batches = read_batches(as_bam(HEADER + "".join(records), tmp_path / "r.bam"), batch_reads=10)
    assert len(next(batches)) == 10
    batches.close()


def test_damage_far_from_the_end_is_an_error_at_once(tmp_path):
    """What follows the damage is more than a pipe holds, and nobody reads it."""
    records = [line(f"r{i}", 4, "ACGT" * 25, "I" * 100) for i in range(5000)]
    records[50] = "b\tx\t*\tzz\n"
    path = tmp_path / "r.sam"
    path.write_text(HEADER + "".join(records))
    with pytest.raises(InputError, match="damaged after read 'r49'"):
        reads_of(path)
