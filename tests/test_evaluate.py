"""Evaluation of hand-made files with known answers, and the statistics against their definitions."""

import gzip
import math
import re

import numpy as np
import pysam
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.evaluate import (
    Evaluation,
    evaluate,
    evaluate_against,
    placements_of,
    wilson_interval,
)

HEADER = "@HD\tVN:1.6\n@SQ\tSN:c\tLN:100000\n@SQ\tSN:d:1\tLN:100000\n"
SEQUENCE, QUALITY = "A" * 100, "I" * 100


def line(name, flag=0, contig="c", position=1, mapq=60, cigar="100M", tags=""):
    """A line of SAM; `position` is 0-based."""
    if flag & 4:
        contig, position, mapq, cigar = "*", -1, 0, "*"
    fields = [name, flag, contig, position + 1, mapq, cigar, "*", 0, 0, SEQUENCE, QUALITY]
    return "\t".join(map(str, fields)) + (f"\t{tags}" if tags else "") + "\n"


def sam(path, *lines):
    path.write_text(HEADER + "".join(lines))
    return path


def bam(path, source):
    with pysam.AlignmentFile(source) as records, pysam.AlignmentFile(path, "wb", template=records) as out:
        for record in records:
            out.write(record)
    return path


HAND_MADE = [
    line("0:c:500:600:+", position=500),  # right
    line("1:c:500:600:+", position=560, mapq=30),  # right, at the distance exactly
    line("2:c:500:600:+", position=439, mapq=20),  # wrong: 61 bp away
    line("3:c:500:600:-", position=500, mapq=20),  # wrong: strand
    line("4:d:1:500:600:-", flag=16, contig="d:1", position=500, mapq=19),  # right, contig with a colon
    line("5:d:1:500:600:+", position=500, mapq=0),  # wrong: contig
    line("6:c:500:600:+", position=580, cigar="80S20M"),  # right: starts at 500 without the clip
    line("7:c:500:600:+", position=580, cigar="10H70S30M", mapq=40),  # right: hard clips count too
    line("8:c:500:600:+", position=500, cigar="20M80S", mapq=9),  # right: clips at the end do not move it
    line("9:c:500:600:+", flag=4),  # unmapped
    line("10:c:500:600:+", flag=4),
    line("10:c:500:600:+", flag=256, position=500),  # secondary
    line("0:c:500:600:+", flag=2048, position=9000),  # supplementary
    line("11:random:0:0:+", position=77, mapq=25),  # foreign, placed
    line("12:foreign:5:105:-", flag=4),  # foreign, not placed
    line("13:c:500:600:+", position=500, mapq=255),  # right; MAPQ not available
]


@pytest.fixture(params=["sam", "sam.gz", "bam", "no header", "CRLF"])
def hand_made(request, tmp_path):
    path = sam(tmp_path / "x.sam", *HAND_MADE)
    if request.param == "sam.gz":
        path = tmp_path / "x.sam.gz"
        path.write_bytes(gzip.compress((tmp_path / "x.sam").read_bytes()))
    elif request.param == "bam":
        path = bam(tmp_path / "x.bam", path)
    elif request.param == "no header":
        path.write_text("".join(HAND_MADE))
    elif request.param == "CRLF":
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return path


def test_hand_made(hand_made):
    result = evaluate(hand_made)
    assert np.flatnonzero(result.right).tolist() == [9, 19, 30, 40, 60, 255]
    assert result.right[60] == 2
    assert np.flatnonzero(result.wrong).tolist() == [0, 20]
    assert result.wrong[20] == 2
    assert np.flatnonzero(result.foreign).tolist() == [25]
    assert result.summary() == {
        "reads": 12,
        "mapped": 10 / 12,
        "right": 7 / 12,
        "right_confident": 4 / 12,
        "wrong_confident": 2 / 12,
        "foreign_reads": 2,
        "foreign_placed": 0.5,
        "foreign_confident": 0.5,
        "unmapped": 3,
        "missing": 0,
        "secondary": 1,
        "supplementary": 1,
        "repeated": 0,
        "unjudged": 0,
    }


def test_distance(tmp_path):
    path = sam(tmp_path / "x.sam", line("0:c:500:600:+", position=560), line("1:c:500:600:+", position=505))
    assert [evaluate(path, distance=d).summary()["right"] for d in (4, 5, 59, 60)] == [0, 0.5, 0.5, 1]


def test_missing_reads(tmp_path):
    path = sam(tmp_path / "x.sam", line("0:c:500:600:+", position=500), line("7:c:500:600:+", flag=4))
    result = evaluate(path, reads=10)
    assert (result.reads, result.unmapped, result.missing) == (10, 1, 8)
    assert result.summary()["right"] == 0.1
    with pytest.raises(InputError, match="holds 2 reads, but 1 were aligned"):
        evaluate(path, reads=1)


def test_foreign_reads_of_any_name(tmp_path):
    path = sam(tmp_path / "x.sam", line("SRR1.1", position=500, mapq=20), line("SRR1.2", flag=4))
    result = evaluate(path, foreign=True, reads=4)
    assert (result.reads, result.foreign_reads, result.foreign_missing) == (0, 4, 2)
    assert result.summary()["foreign_confident"] == 0.25
    assert result.summary()["right"] is None


def test_several_primary_lines(tmp_path):
    """LAST writes all parts of a read as primary lines, one after the other; the best counts, once."""
    path = sam(
        tmp_path / "x.sam",
        line("0:c:500:600:+", position=9000, tags="AS:i:20"),
        line("0:c:500:600:+", position=500, tags="NM:i:1\tAS:i:80", mapq=33),
        line("1:c:500:600:+", position=500),
        line("0:c:500:600:+", position=9000, tags="AS:i:90"),  # not adjacent: the first group has counted
    )
    result = evaluate(path)
    assert (result.reads, result.repeated) == (2, 2)
    assert result.right[33] == 1


def test_paf(tmp_path):
    path = tmp_path / "x.paf"
    rows = [
        ("0:c:500:600:+", 100, 0, 100, "+", "c", 100_000, 500, 600, 90, 100, 60, "tp:A:P"),
        (
            "1:c:500:600:+",
            100,
            80,
            100,
            "+",
            "c",
            100_000,
            580,
            600,
            20,
            20,
            7,
            "tp:A:P",
        ),  # right: clip of 80
        (
            "2:c:500:600:-",
            100,
            0,
            20,
            "-",
            "c",
            100_000,
            580,
            600,
            20,
            20,
            8,
        ),  # right: 80 clipped on the left
        ("3:c:500:600:-", 100, 80, 100, "-", "c", 100_000, 580, 600, 20, 20, 9),  # wrong
        ("0:c:500:600:+", 100, 0, 100, "+", "d:1", 100_000, 500, 600, 90, 100, 0, "tp:A:S"),
        ("4:c:500:600:+", 100, 0, 0, "*", "*", 0, 0, 0, 0, 0, 0),
    ]
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    result = evaluate(path, reads=6)
    assert np.flatnonzero(result.right).tolist() == [7, 8, 60]
    assert np.flatnonzero(result.wrong).tolist() == [9]
    assert (result.secondary, result.unmapped, result.missing) == (1, 1, 1)


@pytest.mark.parametrize("content", ["", HEADER])
def test_no_reads(tmp_path, content):
    path = tmp_path / "x.sam"
    path.write_text(content)
    result = evaluate(path)
    assert result.reads == 0
    assert result.calibration() == []
    assert result.recall() == []
    assert evaluate(path, reads=5).missing == 5


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("hello world\n", 1, "starts with 'hello world'; expected an alignment in SAM, BAM or PAF"),
        (">a\nACGT\n", 1, "expected an alignment"),
        (HEADER + line("read1"), 4, "does not tell the origin"),
        (HEADER + line("0:c:1:2:+") + "1:c:1:2:+\t0\tc\t5\t60\n", 5, "5 of 11 columns"),
        (HEADER + line("0:c:1:2:+") + line("1:c:1:2:+")[:-30], 5, "100 bases but 71 qualities"),
        (HEADER + line("0:c:1:2:+", mapq=300), 4, "MAPQ 300"),
        (HEADER + line("0:c:1:2:+", cigar="10Q"), 4, "CIGAR '10Q'"),
        (HEADER + line("0:c:1:2:+").replace("\t60\t", "\tx\t"), 4, "invalid literal"),
        (HEADER + line("99999999999:c:1:2:+"), 4, "read number 99999999999 is too large"),
        ("r\t9\t0\t9\t+\tc\t9\t0\t9\t9\t9\t60\n", 1, "does not tell the origin"),
        ("0:c:1:2:+\t9\t0\t9\t+\tc\t9\t0\t9\t9\t9\t60\nr\t9\t0\n", 2, "3 of 12 columns"),
        ("0:c:1:2:+\t9\t5\t4\t+\tc\t9\t0\t9\t9\t9\t60\n", 1, "read interval 5-4 of 9"),
    ],
)
def test_bad_lines(tmp_path, text, place, found):
    path = tmp_path / "bad.sam"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(found)) as error:
        evaluate(path)
    assert str(error.value).startswith(f"{path}:{place}: ")


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_cut_bam(tmp_path, kept):
    lines = [line(f"{i}:c:500:600:+", position=500 + i) for i in range(3000)]
    whole = bam(tmp_path / "x.bam", sam(tmp_path / "x.sam", *lines)).read_bytes()
    path = tmp_path / "cut.bam"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match="cut"):
        evaluate(path)


def test_cut_gzip(tmp_path):
    path = tmp_path / "x.sam.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + line("0:c:1:2:+").encode() * 50)[:-20])
    with pytest.raises(InputError, match="cut"):
        evaluate(path)


def test_cram_is_named(tmp_path):
    path = tmp_path / "x.cram"
    path.write_bytes(b"CRAM\3\0" + bytes(100))
    with pytest.raises(InputError, match="is CRAM; expected SAM, BAM or PAF"):
        evaluate(path)


def test_options_out_of_range(tmp_path):
    path = sam(tmp_path / "x.sam")
    for options in ({"distance": -1}, {"reads": -1}):
        with pytest.raises(UsageError, match="expected 0 or more"):
            evaluate(path, **options)
    with pytest.raises(UsageError, match="expected 0 to 255"):
        placements_of(path, min_mapq=256)


def test_against(tmp_path):
    other = sam(
        tmp_path / "other.sam",
        line("a", position=500),
        line("b", position=500),
        line("c", position=500),
        line("d", position=500),
        line("low", position=500, mapq=19),
        line("none", flag=4),
        line("a", flag=256, position=700),
    )
    path = sam(
        tmp_path / "x.sam",
        line("a", position=560, mapq=12),  # agrees
        line("b", position=561, mapq=13),  # does not
        line("c", flag=4),
        line("low", position=1),
        line("none", position=1),
    )
    for file in (path, bam(tmp_path / "x.bam", path)):
        result = evaluate_against(file, placements_of(other, min_mapq=20))
        assert (result.reads, result.unmapped, result.missing, result.unjudged) == (4, 1, 1, 2)
        assert np.flatnonzero(result.right).tolist() == [12]
        assert np.flatnonzero(result.wrong).tolist() == [13]


MATES = [line("m", flag=1 + 64, position=100), line("m", flag=1 + 16 + 128, position=400)]


@pytest.mark.parametrize(
    ("lines", "right", "wrong"),
    [
        (MATES, 2, 0),
        (MATES[::-1], 2, 0),
        ([line("m", position=100), line("m", flag=16, position=400)], 2, 0),  # mates not told: either agrees
        ([line("m/2", flag=16, position=400), line("m/1", position=100)], 2, 0),
        ([line("m/1", flag=16, position=400), line("m/2", position=100)], 0, 2),  # the mates are exchanged
        ([line("m", position=9000), line("m", position=100)], 1, 1),
        ([line("m", position=9000)], 0, 1),
    ],
)
def test_against_mates(tmp_path, lines, right, wrong):
    places = placements_of(sam(tmp_path / "other.sam", *MATES))
    result = evaluate_against(sam(tmp_path / "x.sam", *lines), places)
    assert (result.right.sum(), result.wrong.sum()) == (right, wrong)
    assert result.reads == 2
    again = evaluate_against(sam(tmp_path / "x.sam", *lines), places)  # the places are not used up
    assert again.summary() == result.summary()


def test_wilson_interval():
    # Newcombe (1998), table I: 81 of 263, method 3 (Wilson without continuity correction)
    assert wilson_interval(81, 263) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson_interval(0, 20) == (0.0, pytest.approx(0.1611, abs=5e-5))
    assert wilson_interval(20, 20) == (pytest.approx(0.8389, abs=5e-5), 1.0)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def counts(seed):
    rng = np.random.default_rng(seed)
    result = Evaluation("x", unmapped=int(rng.integers(100)), missing=3)
    result.right[:61] = rng.integers(0, 50, 61)
    result.wrong[:40] = rng.integers(0, 5, 40)
    return result


@pytest.mark.parametrize("seed", range(3))
def test_calibration_against_single_reads(seed):
    result = counts(seed)
    reads = [(q, False) for q in range(256) for _ in range(result.right[q])]
    reads += [(q, True) for q in range(256) for _ in range(result.wrong[q])]
    for row in result.calibration():
        inside = [(q, wrong) for q, wrong in reads if row.low <= q <= row.high]
        assert row.placed == len(inside)
        assert row.wrong == sum(wrong for _, wrong in inside)
        assert row.observed == row.wrong / row.placed
        assert row.expected == pytest.approx(np.mean([10 ** (-q / 10) for q, _ in inside]))
        assert row.interval_low < row.observed < row.interval_high or row.wrong == 0
    assert sum(row.placed for row in result.calibration()) == len(reads)


@pytest.mark.parametrize("seed", range(3))
def test_recall_against_its_definition(seed):
    result = counts(seed)
    for point in result.recall():
        assert point.right == pytest.approx(result.right[point.mapq :].sum() / result.reads)
        assert point.wrong == pytest.approx(result.wrong[point.mapq :].sum() / result.reads)
    assert [point.mapq for point in result.recall()] == sorted(
        (p.mapq for p in result.recall()), reverse=True
    )
    assert result.recall()[-1].right == pytest.approx(result.summary()["right"])


def test_mapq_255_promises_nothing():
    result = Evaluation("x")
    result.right[255] = 9
    (row,) = result.calibration()
    assert (row.low, row.placed) == (255, 9)
    assert math.isnan(row.expected)
    assert result.summary()["right_confident"] == 0


def test_evaluations_add_up():
    a, b = counts(1), counts(2)
    both = a + b
    assert both.reads == a.reads + b.reads
    assert np.array_equal(both.wrong, a.wrong + b.wrong)
    assert both.missing == 6
    assert both.label == a.label
