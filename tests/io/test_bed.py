"""BED: what is a region, and what is said of a line that is none."""

from __future__ import annotations

import gzip

import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.bed import Region, read_bed


def written(path, text):
    path.write_bytes(text.encode())
    return path


def test_regions(tmp_path):
    text = (
        "# made by hand\ntrack name=x\nbrowser position chr1\n\n"
        "chr1\t0\t10\nchr1\t5\t6\tpeak one\t0\t-\textra\r\nchrtrack\t7\t8\tname\t.\t+\ntrack9 1 2"
    )
    path = written(tmp_path / "a.bed", text)
    wanted = [
        Region("chr1", 0, 10, ".", 5),
        Region("chr1", 5, 6, "-", 6),
        Region("chrtrack", 7, 8, "+", 7),
        Region("track9", 1, 2, ".", 8),
    ]
    assert list(read_bed(path)) == wanted
    packed = tmp_path / "a.bed.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert list(read_bed(packed)) == wanted


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1", "1 column in a line of BED: 'chr1'"),
        ("chr1\t5", "2 columns"),
        ("chr1\t5\tx", "start and end of a region are '5' and 'x'"),
        ("chr1\t5.0\t7", "'5.0'"),
        ("chr1\t-1\t7", "a region from -1 to 7"),
        ("chr1\t7\t7", "a region from 7 to 7"),
        ("chr1\t1_0\t20", "'1_0'"),
        ("chr1\t7,000\t8,000", "'7,000'"),
        ("chr1\t1\t7\tname\t0\tx", "the strand is 'x'"),
        (">chr1 ACGT", "2 columns"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    path = written(tmp_path / "a.bed", f"chr1\t0\t10\n{line}\n")
    with pytest.raises(InputError) as caught:
        list(read_bed(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


def test_missing_and_empty(tmp_path):
    with pytest.warns(GenoseqWarning, match=r"a\.bed: there are no regions in it"):
        assert list(read_bed(written(tmp_path / "a.bed", "# nothing\n"))) == []
    with pytest.raises(InputError, match="no such file"):
        list(read_bed(tmp_path / "b.bed"))
