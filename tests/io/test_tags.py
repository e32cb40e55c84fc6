"""Tags of reads: what is one, and which of a BAM record are carried."""

from __future__ import annotations

import pytest

from genoseq.errors import InputError
from genoseq.io.batch import ReadBatch
from genoseq.io.tags import check_tags, own_tags


def reads(*comments: str) -> ReadBatch:
    names = [f"r{i}" for i in range(len(comments))]
    return ReadBatch.from_strings(names, ["ACGT"] * len(comments), comments=comments)


def test_tags_pass():
    check_tags(
        reads("", "BX:Z:ACGT-1", "RX:Z:AC GT\tQX:Z:!~\tXa:i:-5\tXb:f:1e-5\tXc:A:!\tXd:B:c,1,-2\tXe:H:1F"), "x"
    )


@pytest.mark.parametrize("comment", ["1:N:0:ACGT", "BX:Z:A\t", "BX:i:x", "B:Z:x", "BX:Q:1", "Xc:A:ab"])
def test_what_is_no_tag_is_refused_with_the_read(comment):
    with pytest.raises(InputError, match="comment of read 'r1' has"):
        check_tags(reads("BX:Z:AC", comment), "reads.fq")


def test_tags_of_an_alignment_stay_behind():
    line = "r\t0\tc\t1\t60\t4M\t*\t0\t0\tACGT\t*\tNM:i:0\tBX:Z:AC\tMD:Z:4\tRG:Z:a\tRX:Z:GT\n"
    assert own_tags(line) == "BX:Z:AC\tRX:Z:GT"
    assert own_tags("r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\t*") == ""
