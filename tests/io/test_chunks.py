"""Reads in parts: copied to the byte, and cut where a reader of the whole ends its batches."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io import chunks as chunks_module
from genoseq.io.batch import ReadBatch
from genoseq.io.chunks import Chunk, split_reads
from genoseq.io.fastx import read_batches
from genoseq.io.pairs import interleaved_pairs, paired_batches

SIZES = {"batch_reads": 6, "batch_bases": 90}


def letters(random: np.random.Generator, most: int = 40) -> str:
    return "".join(random.choice(list("ACGTacgtNn"), random.integers(1, most)))


def record(random: np.random.Generator, name: str, most: int = 40) -> str:
    bases = letters(random, most)
    quality = "".join(chr(33 + random.integers(94)) for _ in bases)
    again = name if random.random() < 0.1 else ""
    return f"@{name} BX:Z:A-{random.integers(9)}\tx y\n{bases}\n+{again}\n{quality}\n"


def names_of(random: np.random.Generator, count: int) -> list[str]:
    """Names of pairs, and of single reads between them."""
    names: list[str] = []
    while len(names) < count:
        name = f"r{len(names)}"
        names += [[name], [name, name], [f"{name}/1", f"{name}/2"]][random.integers(3)]
    return names


def made_single(folder: Path, random: np.random.Generator) -> list[Path]:
    (folder / "r.fq").write_text("".join(record(random, name) for name in names_of(random, 60)))
    return [folder / "r.fq"]


def made_mates(folder: Path, random: np.random.Generator) -> list[Path]:
    """Mates of very different lengths: now this file ends a batch, now the other."""
    most = random.choice([3, 60], (60, 2))
    for mate in range(2):
        text = "".join(record(random, f"r{i}/{mate + 1}", most[i, mate]) for i in range(60))
        (folder / f"r_{mate + 1}.fq").write_text(text)
    return [folder / "r_1.fq", folder / "r_2.fq"]


def made_fasta(folder: Path, random: np.random.Generator) -> list[Path]:
    text = "".join(f">r{i} a comment\r\n{letters(random)}\r\n{letters(random)}\r\n\r\n" for i in range(60))
    (folder / "r.fa.gz").write_bytes(gzip.compress(text.encode()))
    return [folder / "r.fa.gz"]


def made_bam(folder: Path, random: np.random.Generator, suffix: str = "bam") -> list[Path]:
    """Pairs in either order, single reads, further records of both, reads with and without qualities."""
    header = pysam.AlignmentHeader.from_text(
        "@HD\tVN:1.6\n@SQ\tSN:one\tLN:1000\n@SQ\tSN:two\tLN:900\n@RG\tID:a\tSM:s\n@RG\tID:b\tSM:s\n"
        "@PG\tID:x\tPN:x\n"
    )
    lines = []
    for i in range(40):
        contig = ["one", "two"][i % 2]
        flags = [[4], [0], [16], [73 + 4, 141], [141, 77], [65, 321, 129], [129, 65, 2113]][i % 7]
        for flag in flags:
            bases = letters(random).upper()
            quality = "*" if 20 <= i < 24 else "".join(chr(33 + random.integers(94)) for _ in bases)
            place = "*\t0\t0\t*" if flag & 4 else f"{contig}\t{1 + i}\t60\t{len(bases)}M"
            tags = f"RG:Z:{'ab'[i % 2]}\tBX:Z:AC-{i}\tNM:i:{i}\tXF:f:0.5"
            mate = "*\t0" if flag & 4 else "two\t7"
            lines.append(f"r{i}\t{flag}\t{place}\t{mate}\t0\t{bases}\t{quality}\t{tags}")
    path = folder / f"r.{suffix}"
    with pysam.AlignmentFile(str(path), "wb" if suffix == "bam" else "w", header=header) as file:
        for line in lines:
            file.write(pysam.AlignedSegment.fromstring(line, header))
    return [path]


def made_sam(folder: Path, random: np.random.Generator) -> list[Path]:
    return made_bam(folder, random, "sam")


def batches_of(paths: list[Path], *, interleaved: bool = False) -> list[ReadBatch]:
    """The batches as `genoseq align` reads them."""
    if len(paths) == 2:
        return list(paired_batches(*paths, batch_pairs=3, batch_bases=90))
    return list(interleaved_pairs(read_batches(paths[0], **SIZES), flagged=not interleaved, **SIZES))


def told(batch: ReadBatch) -> list[tuple[object, ...]]:
    mates = np.zeros(len(batch), int) if batch.mates is None else batch.mates
    return [
        (batch.name(i), batch.sequence(i), batch.quality(i), batch.comment(i), int(mates[i]))
        for i in range(len(batch))
    ]


def files_of(folder: Path, chunks: list[Chunk]) -> list[list[Path]]:
    return [[folder / name for name in chunk.files] for chunk in chunks]


KINDS = [
    (made_single, False),
    (made_single, True),
    (made_fasta, False),
    (made_mates, False),
    (made_bam, False),
    (made_bam, True),
    (made_sam, False),
]


@pytest.mark.filterwarnings("ignore:.*not beside the other")
@pytest.mark.filterwarnings("ignore:no two neighbouring reads")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("make", "interleaved"), KINDS)
def test_the_batches_of_the_chunks_are_those_of_the_whole(tmp_path, make, interleaved, seed):
    paths = make(tmp_path, np.random.default_rng(seed))
    whole = batches_of(paths, interleaved=interleaved)
    for reads in (1, 10, 25):
        folder = tmp_path / f"chunks{reads}"
        chunks = split_reads(paths, folder, reads, interleaved=interleaved, **SIZES)
        assert len(chunks) > 1
        assert sorted(path.name for path in folder.iterdir()) == [n for c in chunks for n in c.files]
        parts = [batches_of(files, interleaved=interleaved) for files in files_of(folder, chunks)]
        assert [told(batch) for part in parts for batch in part] == [told(batch) for batch in whole]
        assert [sum(map(len, part)) for part in parts] == [chunk.reads for chunk in chunks]
        assert all(chunk.reads >= reads for chunk in chunks[:-1])
        if reads == 1 and make not in (made_bam, made_sam):  # records of one name stay together there
            assert [len(part) for part in parts] == [1] * len(whole)


@pytest.mark.parametrize("make", [made_single, made_mates, made_fasta])
def test_text_is_copied_to_the_byte(tmp_path, make):
    paths = make(tmp_path, np.random.default_rng(5))
    chunks = split_reads(paths, tmp_path / "chunks", 10, **SIZES)
    for path, names in zip(paths, zip(*(chunk.files for chunk in chunks), strict=True), strict=True):
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        assert b"".join(gzip.decompress((tmp_path / "chunks" / name).read_bytes()) for name in names) == text


def records_of(path: Path) -> tuple[str, list[str]]:
    text = pysam.view("-h", "--no-PG", str(path)).splitlines()
    return "\n".join(line for line in text if line[0] == "@"), [line for line in text if line[0] != "@"]


@pytest.mark.parametrize("make", [made_bam, made_sam])
def test_records_are_copied_with_all_they_hold(tmp_path, make):
    (path,) = make(tmp_path, np.random.default_rng(6))
    header, lines = records_of(path)
    chunks = split_reads([path], tmp_path / "chunks", 10, **SIZES)
    parts = [records_of(file) for (file,) in files_of(tmp_path / "chunks", chunks)]
    assert {part[0] for part in parts} == {header}
    assert [line for part in parts for line in part[1]] == lines
    names = [{line.split("\t")[0] for line in part[1]} for part in parts]
    assert sum(map(len, names)) == len(set.union(*names))  # no name is in two chunks


def test_neighbours_of_one_name_stay_together(tmp_path):
    records = "".join(f"{'same' if i > 2 else i}\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\t*\n" for i in range(20))
    (tmp_path / "r.sam").write_text(f"@HD\tVN:1.6\n{records}")
    chunks = split_reads([tmp_path / "r.sam"], tmp_path / "chunks", 2, batch_reads=2, batch_bases=1000)
    assert [chunk.reads for chunk in chunks] == [2, 18]


def test_more_chunks_than_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks_module, "_DIGITS", 1)
    ones, twos = made_mates(tmp_path, np.random.default_rng(7))
    chunks = split_reads([ones, twos], tmp_path / "chunks", 1, batch_reads=10)
    assert len(chunks) == 12
    assert chunks[0].files == ("01_1.fq.gz", "01_2.fq.gz")
    names = sorted(path.name for path in (tmp_path / "chunks").iterdir())
    assert names == [name for chunk in chunks for name in chunk.files]


@pytest.mark.parametrize(
    ("name", "content", "file"),
    [
        ("r.fq", b"", "0001.fq.gz"),
        ("r.sam", b"@HD\tVN:1.6\n@SQ\tSN:one\tLN:9\n@RG\tID:a\n", "0001.bam"),
        ("r.sam", b"@HD\tVN:1.6\n@SQ\tSN:one\tLN:9\na\t260\tone\t1\t0\t*\t*\t0\t0\t*\t*\n", "0001.bam"),
    ],
)
def test_without_reads_there_is_one_chunk(tmp_path, name, content, file):
    (tmp_path / name).write_bytes(content)
    with pytest.warns(GenoseqWarning, match="there are no reads in it"):
        assert split_reads([tmp_path / name], tmp_path / "chunks", 10) == [Chunk((file,), 0)]
    if name.endswith("sam"):
        header, lines = records_of(tmp_path / "chunks" / file)
        assert (header + "\n" + "".join(line + "\n" for line in lines)).encode() == content
    with pytest.warns(GenoseqWarning, match="there are no reads in it"):
        assert list(read_batches(tmp_path / "chunks" / file)) == []


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: data])
def test_what_is_wrong_leaves_nothing(tmp_path, compress):
    good = "".join(record(np.random.default_rng(8), f"r{i}") for i in range(30))
    (tmp_path / "r.fq").write_bytes(compress((good + "@bad\nAC-GT*\n+\nIIIIII\n" + good).encode()))
    with pytest.raises(InputError, match=r"r\.fq:122: '\*' is not a nucleotide") as caught:
        split_reads([tmp_path / "r.fq"], tmp_path / "chunks", 10, **SIZES)
    assert caught.value.line == 122
    assert [path.name for path in tmp_path.iterdir()] == ["r.fq"]


def test_a_cut_bam_leaves_nothing(tmp_path):
    (path,) = made_bam(tmp_path, np.random.default_rng(9))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="cut"):
        split_reads([path], tmp_path / "chunks", 10, **SIZES)
    assert [each.name for each in tmp_path.iterdir()] == ["r.bam"]


def test_a_chunk_has_a_read(tmp_path):
    with pytest.raises(UsageError, match="chunks of 0 reads"):
        split_reads(made_single(tmp_path, np.random.default_rng(1)), tmp_path / "chunks", 0)


def test_a_folder_that_holds_something_is_kept(tmp_path):
    paths = made_single(tmp_path, np.random.default_rng(1))
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "mine").write_text("")
    with pytest.raises(InputError, match="not empty"):
        split_reads(paths, tmp_path / "chunks", 10)
    assert [path.name for path in (tmp_path / "chunks").iterdir()] == ["mine"]
