"""Mates out of two files, of one, and of BAM; what is wrong with them is told with names and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.fastx import read_batches
from genoseq.io.pairs import interleaved_pairs, paired_batches


def fastq(path: Path, names: list[str], base: str = "A") -> Path:
    path.write_text(
        "".join(
            f"@{name} comment\n{base * (4 + i % 3)}\n+\n{'I' * (4 + i % 3)}\n" for i, name in enumerate(names)
        )
    )
    return path


def names_of(batches) -> list[str]:
    return [batch.name(i) for batch in batches for i in range(len(batch))]


@pytest.mark.parametrize("batch_pairs", [1, 3, 100])
def test_two_files_are_interleaved(tmp_path, batch_pairs):
    names = [f"read{i}" for i in range(7)]
    one = fastq(tmp_path / "1.fq", [f"{name}/1" for name in names], "A")
    two = fastq(tmp_path / "2.fq", [f"{name}/2" for name in names], "C")
    batches = list(paired_batches(one, two, batch_pairs=batch_pairs))
    assert names_of(batches) == [name for name in names for _ in range(2)]
    assert [b.first for b in batches] == [2 * i for i in range(0, 7, batch_pairs)]
    for batch in batches:
        assert batch.mates.tolist() == [1, 2] * (len(batch) // 2)
        assert batch.pairs.tolist() == list(range(0, len(batch), 2))
        assert [batch.sequence(i)[0] for i in range(len(batch))] == ["A", "C"] * (len(batch) // 2)
        assert (batch.lengths[::2] == batch.lengths[1::2]).all()
        assert batch.comment(0) == "comment"


def test_files_in_the_other_order_give_the_other_mates(tmp_path):
    one, two = fastq(tmp_path / "1.fq", ["a/1", "b/1"], "A"), fastq(tmp_path / "2.fq", ["a/2", "b/2"], "C")
    (batch,) = paired_batches(two, one)
    assert (batch.mates.tolist(), names_of([batch])) == ([1, 2, 1, 2], ["a", "a", "b", "b"])
    assert [batch.sequence(i)[0] for i in range(4)] == ["C", "A", "C", "A"]


@pytest.mark.parametrize(
    ("first", "second"), [("a/1", "a/1"), ("a/2", "a/2"), ("a/1", "b/2"), ("a/3", "a/4")]
)
def test_names_that_are_not_those_of_mates(tmp_path, first, second):
    one, two = fastq(tmp_path / "1.fq", [first]), fastq(tmp_path / "2.fq", [second])
    with pytest.raises(InputError, match="read 1 is"):
        list(paired_batches(one, two))


def test_files_that_fall_into_batches_of_other_sizes(tmp_path):
    long = "".join(f"@r{i}\n{'A' * 900_000}\n+\n{'I' * 900_000}\n" for i in range(7))  # 4 Mbp end a batch
    (tmp_path / "1.fq").write_text(long)
    two = fastq(tmp_path / "2.fq", [f"r{i}" for i in range(7)])
    batches = list(paired_batches(tmp_path / "1.fq", two))
    assert len(batches) > 1
    assert names_of(batches) == [f"r{i}" for i in range(7) for _ in range(2)]


def test_names_that_disagree_are_both_told(tmp_path):
    one = fastq(tmp_path / "1.fq", ["a", "b", "c"])
    two = fastq(tmp_path / "2.fq", ["a", "c", "b"])
    with pytest.raises(InputError, match=r"read 2 is 'b' here but 'c' in .*2\.fq") as caught:
        list(paired_batches(one, two))
    assert caught.value.path == str(one)


def test_a_file_with_fewer_reads_is_named(tmp_path):
    one = fastq(tmp_path / "1.fq", ["a", "b", "c"])
    two = fastq(tmp_path / "2.fq", ["a", "b"])
    for files in ((one, two), (two, one)):
        with pytest.raises(InputError, match=r"more reads than .*2\.fq, which ends after 2"):
            list(paired_batches(*files))


def test_qualities_on_one_side_only(tmp_path):
    one = fastq(tmp_path / "1.fq", ["a"])
    (tmp_path / "2.fa").write_text(">a\nACGT\n")
    with pytest.raises(InputError, match="no qualities"):
        list(paired_batches(one, tmp_path / "2.fa"))


@pytest.mark.parametrize("batch_reads", [1, 2, 3, 4, 100])
def test_interleaved_with_single_reads(tmp_path, batch_reads):
    path = fastq(tmp_path / "r.fq", ["a/1", "a/2", "s", "b", "b", "t", "c/1", "c/2", "u"])
    batches = list(interleaved_pairs(read_batches(path, batch_reads=batch_reads)))
    assert names_of(batches) == ["a", "a", "s", "b", "b", "t", "c", "c", "u"]
    assert np.concatenate([b.mates for b in batches]).tolist() == [1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert [b.first for b in batches] == np.cumsum([0, *map(len, batches)])[:-1].tolist()
    for batch in batches:
        assert batch.mates[-1] != 1


def test_no_pairs_at_all_is_a_warning(tmp_path):
    path = fastq(tmp_path / "r.fq", ["a/1", "b/2", "c"])
    with pytest.warns(GenoseqWarning, match="no two neighbouring reads"):
        assert names_of(interleaved_pairs(read_batches(path))) == ["a/1", "b/2", "c"]


def sam(path: Path, records: list[tuple[str, int]]) -> Path:
    lines = [
        f"{name}\t{flag}\t*\t0\t0\t*\t*\t0\t0\t{'ACGT'[i % 4] * 5}\t*"
        for i, (name, flag) in enumerate(records)
    ]
    path.write_text("@HD\tVN:1.6\n" + "\n".join(lines) + "\n")
    return path


def test_flags_of_bam_make_pairs_first_mates_first(tmp_path):
    path = sam(tmp_path / "r.sam", [("a", 77), ("a", 141), ("s", 4), ("b", 141), ("b", 77)])
    batches = list(interleaved_pairs(read_batches(path)))
    assert names_of(batches) == ["a", "a", "s", "b", "b"]
    assert batches[0].mates.tolist() == [1, 2, 0, 1, 2]
    assert [batches[0].sequence(i)[0] for i in range(5)] == ["A", "C", "G", "A", "T"]


@pytest.mark.parametrize("batch_reads", [1, 2, 3, 100])
def test_neighbouring_pairs_of_one_name_in_bam(tmp_path, batch_reads):
    path = sam(tmp_path / "r.sam", [("a", 77), ("a", 141), ("a", 77), ("a", 141), ("a", 141), ("a", 77)])
    batches = list(interleaved_pairs(read_batches(path, batch_reads=batch_reads)))
    letters = [batch.sequence(i)[0] for batch in batches for i in range(len(batch))]
    assert letters == ["A", "C", "G", "T", "C", "A"]
    assert np.concatenate([b.mates for b in batches]).tolist() == [1, 2] * 3


def test_mates_that_are_apart_are_counted(tmp_path):
    path = sam(tmp_path / "r.sam", [("a", 77), ("b", 77), ("a", 141), ("c", 77), ("c", 141)])
    with pytest.warns(GenoseqWarning, match=r"3 mates not beside the other of the pair.*samtools collate"):
        batches = list(interleaved_pairs(read_batches(path)))
    assert np.concatenate([b.mates for b in batches]).tolist() == [0, 0, 0, 1, 2]


@pytest.mark.parametrize(("ones", "twos"), [(4, 6), (6, 4), (4, 8), (8, 4)])
def test_a_longer_file_is_noticed_at_the_end_of_a_batch(tmp_path, ones, twos):
    one = fastq(tmp_path / "1.fq", [f"r{i}" for i in range(ones)])
    two = fastq(tmp_path / "2.fq", [f"r{i}" for i in range(twos)])
    with pytest.raises(InputError, match="which ends after 4"):
        list(paired_batches(one, two, batch_pairs=4))


def test_a_cut_second_file_is_noticed_at_the_end_of_a_batch(tmp_path):
    one = fastq(tmp_path / "1.fq", [f"r{i}" for i in range(4)])
    two = fastq(tmp_path / "2.fq", [f"r{i}" for i in range(5)])
    two.write_text(two.read_text()[:-3])
    with pytest.raises(InputError, match=r"2\.fq"):
        list(paired_batches(one, two, batch_pairs=4))


@pytest.mark.parametrize("batch_reads", [1, 2, 3, 4, 5])
def test_turned_mates_of_bam_are_not_parted_by_a_batch(tmp_path, batch_reads):
    path = sam(
        tmp_path / "r.sam", [("s", 4), ("a", 141), ("a", 77), ("b", 141), ("b", 77), ("c", 77), ("c", 141)]
    )
    batches = list(interleaved_pairs(read_batches(path, batch_reads=batch_reads)))
    letters = [batch.sequence(i)[0] for batch in batches for i in range(len(batch))]
    assert letters == ["A", "G", "C", "A", "T", "C", "G"]
    assert np.concatenate([b.mates for b in batches]).tolist() == [0, 1, 2, 1, 2, 1, 2]
