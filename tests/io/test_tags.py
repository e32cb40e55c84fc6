"""Tags of reads: what is one, and which of a BAM record are carried."""

from __future__ import annotations

import pytest

from genoseq.errors import InputError
from genoseq.io.batch import ReadBatch
from genoseq.io.tags import carried_tags, own_tags


def reads(*comments: str) -> ReadBatch:
    names = [f"r{i}" for i in range(len(comments))]
    return ReadBatch.from_strings(names, ["ACGT"] * len(comments), comments=comments)


def test_tags_pass():
    tags = ["", "BX:Z:ACGT-1", "RX:Z:AC GT\tQX:Z:!~\tXa:i:-5\tXb:f:1e-5\tXc:A:!\tXd:B:c,1,-2\tXe:H:1F"]
    carried = carried_tags(reads(*tags), ["x"])
    assert [carried.comment(i) for i in range(3)] == tags


@pytest.mark.parametrize(
    "comment",
    [
        *("1:N:0:ACGT", "BX:Z:A\t", "BX:i:x", "B:Z:x", "BX:Q:1", "Xc:A:ab"),
        *("BX:i:4294967296", "BX:f:.", "BX:f:1e", "BX:B:c1", "BX:B:c,1.5", "BX:H:A", "BX:Z:A\tBX:Z:A"),
    ],
)
def test_what_is_no_tag_is_refused_with_the_read(comment):
    with pytest.raises(InputError, match="comment of read 'r1' has"):
        carried_tags(reads("BX:Z:AC", comment), ["reads.fq"])


def test_a_wrong_tag_is_told_with_its_file_and_not_at_length():
    with pytest.raises(InputError) as caught:
        carried_tags(reads("BX:Z:AC", "x" * 10_000), ["1.fq", "2.fq"])
    assert caught.value.path == "2.fq"
    assert len(str(caught.value)) < 200


def test_tags_of_an_alignment_stay_behind():
    line = "r\t0\tc\t1\t60\t4M\t*\t0\t0\tACGT\t*\tNM:i:0\tBX:Z:AC\tMD:Z:4\tRG:Z:a\tRX:Z:GT\n"
    assert own_tags(line) == "BX:Z:AC\tRX:Z:GT"
    assert own_tags("r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\t*") == ""
    carried = carried_tags(reads("NM:i:0\tBX:Z:AC\tRG:Z:a", "RG:Z:a", "RX:Z:GT"), ["x"])
    assert [carried.comment(i) for i in range(3)] == ["BX:Z:AC", "", "RX:Z:GT"]
