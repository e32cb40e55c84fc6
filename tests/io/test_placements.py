"""Placements of SAM, BAM and PAF; SAM and BAM of the same records are the same to the last field."""

import re

import numpy as np
import pysam
import pytest

from genoseq.errors import InputError
from genoseq.io.placements import Placement, read_placements

HEADER = "@HD\tVN:1.6\n@SQ\tSN:c\tLN:100000\n"


def random_sam(seed, count=200):
    """Records with every kind of clip and flag."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(count):
        before, after = rng.choice(["", "5H", "7S", "5H7S"]), rng.choice(["", "5H", "7S", "7S5H"])
        cigar = f"{before}{rng.integers(1, 30)}M{rng.choice(['2I', '2D', '3N', '1X', '1='])}10M{after}"
        flag = int(rng.choice([0, 16, 4, 256, 2048, 65, 129 + 16, 77, 141]))
        length = sum(int(n) for n, kind in re.findall(r"(\d+)([MIS=X])", cigar))
        place = ("*", 0, 0, "*") if flag & 4 else ("c", rng.integers(1, 90_000), rng.integers(0, 256), cigar)
        name = f"r{i}" + ("/2" if i % 11 == 0 and not flag & 1 else "")
        fields = [name, flag, *place, "*", 0, 0, "A" * length, "I" * length, f"AS:i:{i - 50}"]
        lines.append("\t".join(map(str, fields)) + "\n")
    return HEADER + "".join(lines)


@pytest.mark.parametrize("seed", range(5))
def test_sam_and_bam_agree(tmp_path, seed):
    text, binary = tmp_path / "x.sam", tmp_path / "x.bam"
    text.write_text(random_sam(seed))
    with pysam.AlignmentFile(text) as records, pysam.AlignmentFile(binary, "wb", template=records) as out:
        for record in records:
            out.write(record)
    ours = list(read_placements(text))
    theirs = list(read_placements(binary))
    assert len(ours) == 200
    assert [p._replace(line=0) for p in ours] == [p._replace(line=0) for p in theirs]
    with pysam.AlignmentFile(text) as records:
        for record, place in zip(records, ours, strict=True):
            if not record.is_unmapped:
                clips = re.match(r"(?:(\d+)H)?(?:(\d+)S)?", record.cigarstring).groups("0")
                assert place.start == record.reference_start - sum(map(int, clips))
                assert place.score == record.get_tag("AS")


def test_lines_are_counted(tmp_path):
    path = tmp_path / "x.sam"
    path.write_text(random_sam(1, 3))
    assert [place.line for place in read_placements(path)] == [3, 4, 5]


def test_records_across_blocks(tmp_path):
    """More than one block of a megabyte; the last line has no end."""
    path = tmp_path / "x.sam"
    row = "r\t0\tc\t101\t9\t100M\t*\t0\t0\t" + "A" * 100 + "\t" + "I" * 100
    path.write_text(HEADER + "\n".join([row] * 10_001))
    places = list(read_placements(path))
    assert len(places) == 10_001
    assert {p._replace(line=0) for p in places} == {
        Placement("r", 0, True, False, False, "c", 100, False, 9, 0, 0)
    }


@pytest.mark.parametrize("cut", [100, 4000, -10])
def test_cut_bam(tmp_path, cut):
    text, binary = tmp_path / "x.sam", tmp_path / "x.bam"
    text.write_text(random_sam(1, 2000))
    pysam.view("-b", "-o", str(binary), str(text), catch_stdout=False)
    binary.write_bytes(binary.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"x\.bam: the (file|compressed data) .*cut.*; copy it again$"):
        list(read_placements(binary))


def test_damaged_bam(tmp_path):
    text, binary = tmp_path / "x.sam", tmp_path / "x.bam"
    text.write_text(random_sam(1, 2000))
    pysam.view("-b", "-o", str(binary), str(text), catch_stdout=False)
    content = bytearray(binary.read_bytes())
    content[len(content) * 9 // 10] ^= 255
    binary.write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read_placements(binary))
    found = re.fullmatch(r"the file is cut or damaged at record (\d+); copy it again", caught.value.message)
    assert found
    assert 1 < int(found[1]) < 2000
