"""Read groups travel with the reads of SAM and BAM."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pysam
import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.batch import ReadBatch
from genoseq.io.fastx import read_batches
from genoseq.io.origin import NO_GROUP, Origin, read_group_id
from genoseq.io.pairs import paired_batches
from genoseq.io.sam import kept_read_groups

ONE, TWO = "@RG\tID:one\tSM:s", "@RG\tSM:t\tID:two\tDS:ID:x"


def write(path, groups, reads, *, bam=False):
    """Unaligned records; `reads` are names with the ID of their group."""
    lines = ["@HD\tVN:1.6", *groups]
    for name, group in reads:
        tag = f"\tRG:Z:{group}" if group else ""
        lines.append(f"{name}\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\tNH:i:1{tag}")
    path.write_text("\n".join(lines) + "\n")
    if bam:
        pysam.view("-b", "-o", f"{path}.bam", str(path), catch_stdout=False)
        return path.with_name(f"{path.name}.bam")
    return path


def groups_of(batch):
    origin = batch.origin
    return [None if group == NO_GROUP else origin.ids[group] for group in origin.groups]


@pytest.mark.parametrize("bam", [False, True])
def test_the_read_group_of_each_read(tmp_path, bam):
    reads = [("a", "two"), ("b", None), ("c", "one"), ("d", "two")]
    path = write(tmp_path / "r.sam", [ONE, TWO], reads, bam=bam)
    first, second = read_batches(path, batch_reads=3)
    assert first.origin.read_groups == second.origin.read_groups == (ONE, TWO)
    assert groups_of(first) + groups_of(second) == [group for _, group in reads]
    assert groups_of(first.select([2, 0])) == ["one", "two"]
    assert read_group_id("@RG\tSM:x") == ""


def test_other_formats_have_none(tmp_path):
    (tmp_path / "r.fq").write_text("@a\nACGT\n+\nIIII\n")
    (batch,) = read_batches(tmp_path / "r.fq")
    assert batch.origin is batch.select([0]).origin is ReadBatch.concat([batch, batch]).origin is None
    assert kept_read_groups(None, ["r.fq"]) == ()


def test_a_header_in_latin_1(tmp_path):
    path = write(tmp_path / "r.sam", [ONE, "@RG\tID:two\tSM:Zo\xeb"], [("a", "two")])
    path.write_bytes(path.read_text().encode("latin-1"))
    (batch,) = read_batches(path)
    assert batch.origin.read_groups == (ONE, "@RG\tID:two\tSM:Zo\xeb")
    assert groups_of(batch) == ["two"]


def test_read_groups_that_the_header_does_not_have(tmp_path):
    path = write(tmp_path / "r.sam", [ONE], [("a", "one"), ("b", "other"), ("c", "third")])
    with pytest.warns(GenoseqWarning, match="r.sam: 2 reads of read groups that the header does not have"):
        (batch,) = read_batches(path)
    assert groups_of(batch) == ["one", None, None]


def test_batches_end_to_end_share_equal_lines():
    plain = ReadBatch.from_strings(["p"], ["A"])
    left, right = (
        replace(
            ReadBatch.from_strings(["x", "y"], ["A", "C"]),
            origin=Origin(lines, np.array(of, np.int32), np.array([False, True])),
        )
        for lines, of in (((ONE, TWO), [1, 0]), ((TWO,), [0, NO_GROUP]))
    )
    both = ReadBatch.concat([left, plain, right])
    assert both.origin.read_groups == (ONE, TWO)
    assert groups_of(both) == ["two", "one", None, "two", None]
    assert both.origin.failed.tolist() == [False, True, False, False, True]
    assert both.select([4, 2]).origin.failed.tolist() == [True, False]


def test_mates_of_two_files_that_disagree(tmp_path):
    ones = write(tmp_path / "1.sam", [ONE], [("a", "one")])
    twos = write(tmp_path / "2.sam", ["@RG\tID:one\tSM:other"], [("a", "one")])
    (batch,) = paired_batches(ones, twos)
    with pytest.raises(InputError, match=r"1.sam .*2.sam: the read group 'one' is .* say with --rg"):
        kept_read_groups(batch.origin, [ones, twos])
    (batch,) = paired_batches(ones, ones)
    assert kept_read_groups(batch.origin, [ones, ones]) == (ONE,)
