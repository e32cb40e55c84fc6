"""The readers: against naive parsers on random text, every compression, and every kind of bad file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import sys
from types import SimpleNamespace

import numpy as np
import pysam
import pytest
from backports import zstd
from xopen import xopen

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io import fastx
from genoseq.io.fastx import ReadBatch, read_batches, read_fasta
from genoseq.sequence import decode, encode


def flat(batches):
    """Batches as a list of (name, comment, letters, qualities)."""
    reads = []
    for batch in batches:
        assert batch.first == len(reads)
        rows = range(len(batch))
        reads += [(batch.name(i), batch.comment(i), batch.sequence(i), batch.quality(i)) for i in rows]
        text = batch.letters.tobytes().decode()
        assert np.array_equal(batch.codes, encode(text))
        assert batch.offsets[-1] == batch.codes.size == batch.letters.size
        assert batch.quals.size in (0, batch.codes.size)
    return reads


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def shown(letters):
    """A sequence as SAM shows it."""
    return letters.upper().replace("U", "T").replace("-", "N").replace(".", "N")


def random_reads(rng, alphabet="ACGTNacgtuRYK-."):
    reads = []
    for i in range(rng.randrange(1, 40)):
        letters = "".join(rng.choices(alphabet, k=rng.randrange(1, 90)))
        quality = "".join(chr(rng.randrange(33, 127)) for _ in letters)
        comment = rng.choice(["", "1:N:0", "two words", "tab\there"])
        reads.append((f"r{i}" + "x" * rng.randrange(30), comment, letters, quality))
    return reads


def fastq_text(reads, end="\n", *, last_end=True, blank_lines=False):
    text = ""
    for name, comment, letters, quality in reads:
        header = f"@{name} {comment}" if comment else f"@{name}"
        text += end.join([header, letters, "+", quality]) + end + (end if blank_lines else "")
    return text if last_end else text.removesuffix(end)


def fasta_text(reads, end="\n", *, width, last_end=True):
    text = ""
    for name, comment, letters, _ in reads:
        lines = [letters[i : i + width] for i in range(0, len(letters), width)]
        text += end.join([f">{name} {comment}" if comment else f">{name}", *lines]) + end
    return text if last_end else text.removesuffix(end)


@pytest.fixture(params=[None, 3, 16, 64], ids=lambda block: f"block={block}")
def block(request, monkeypatch):
    """Blocks of text so small that every kind of border falls somewhere."""
    if request.param is not None:
        monkeypatch.setattr(fastx, "_BLOCK", request.param)


@pytest.mark.parametrize("seed", range(12))
def test_fastq_against_what_was_written(seed, block, tmp_path):
    rng = random.Random(seed)
    reads = random_reads(rng)
    end = rng.choice(["\n", "\r\n"])
    text = fastq_text(reads, end, last_end=rng.random() < 0.5, blank_lines=rng.random() < 0.3)
    expected = [(name, comment, shown(letters), quality) for name, comment, letters, quality in reads]
    path = write(tmp_path / "reads", text)
    batches = list(
        read_batches(path, batch_reads=rng.choice([1, 2, 7, 100]), batch_bases=rng.choice([1, 50, 10_000]))
    )
    assert flat(batches) == expected


@pytest.mark.parametrize("seed", range(12))
def test_fasta_against_what_was_written(seed, block, tmp_path):
    rng = random.Random(seed)
    reads = random_reads(rng)
    end = rng.choice(["\n", "\r\n"])
    text = fasta_text(reads, end, width=rng.choice([1, 7, 60, 1000]), last_end=rng.random() < 0.5)
    expected = [(name, comment, shown(letters), "") for name, comment, letters, _ in reads]
    path = write(tmp_path / "reads", text)
    batches = list(
        read_batches(path, batch_reads=rng.choice([1, 2, 7, 100]), batch_bases=rng.choice([1, 50, 10_000]))
    )
    assert flat(batches) == expected


@pytest.mark.parametrize("seed", range(12))
def test_a_genome_against_what_was_written(seed, block, tmp_path):
    rng = random.Random(seed)
    contigs = random_reads(rng, "ACGTNacgtuRYK")
    end = rng.choice(["\n", "\r\n"])
    text = fasta_text(contigs, end, width=rng.choice([1, 7, 60, 1000]), last_end=rng.random() < 0.5)
    found = [(name, letters.tobytes().decode()) for name, letters in read_fasta(write(tmp_path / "g", text))]
    assert found == [(name, letters.upper()) for name, _, letters, _ in contigs]


def test_a_batch_ends_at_its_reads_and_at_its_bases(tmp_path):
    path = write(tmp_path / "r.fa", "".join(f">r{i}\n{'A' * 10}\n" for i in range(25)))
    assert [len(batch) for batch in read_batches(path, batch_reads=10)] == [10, 10, 5]
    assert [len(batch) for batch in read_batches(path, batch_bases=35)] == [4, 4, 4, 4, 4, 4, 1]


def test_a_read_longer_than_every_limit(tmp_path):
    letters = "ACGT" * 1_000_000
    path = write(tmp_path / "long.fq", f"@a\n{letters}\n+\n{'I' * len(letters)}\n@b\nAC\n+\nII\n")
    batches = list(read_batches(path, batch_bases=1000))
    assert [batch.lengths.tolist() for batch in batches] == [[4_000_000], [2]]


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "bgz", "two.gz"])
@pytest.mark.parametrize("reader", ["batches", "fasta"])
def test_compression_is_found_by_content(ending, reader, tmp_path):
    reads = random_reads(random.Random(5), "ACGT")
    text = fasta_text(reads, width=20) if reader == "fasta" else fastq_text(reads)
    plain, packed = write(tmp_path / "plain", text), tmp_path / "reads.txt"
    if ending == "bgz":
        pysam.tabix_compress(os.fspath(plain), os.fspath(packed), force=True)
    elif ending == "two.gz":  # gzip files laid end to end are one gzip file
        for part in (text[:100], text[100:]):
            with packed.open("ab") as raw, xopen(raw, "wb", format="gz", threads=0) as file:
                file.write(part.encode())
    else:
        with xopen(packed, "wb", format=ending, threads=0) as file:
            file.write(text.encode())
    if reader == "fasta":
        assert [name for name, _ in read_fasta(packed)] == [name for name, *_ in reads]
    else:
        assert flat(read_batches(packed)) == reads


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "bgz"])
@pytest.mark.parametrize("reader", [read_batches, read_fasta])
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_cut_compressed_file_is_an_error(ending, reader, kept, tmp_path):
    rng = random.Random(1)
    text = ">chr1\n" + "".join("".join(rng.choices("ACGT", k=60)) + "\n" for _ in range(20_000))
    packed = tmp_path / "cut.fa"
    if ending == "bgz":
        pysam.tabix_compress(os.fspath(write(tmp_path / "plain", text)), os.fspath(packed), force=True)
    else:
        with xopen(packed, "wb", format=ending, threads=0) as file:
            file.write(text.encode())
    whole = packed.read_bytes()
    packed.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"cut\.fa: the compressed data (ends early|is damaged)"):
        list(reader(packed))


def test_damaged_compressed_data_is_an_error(tmp_path):
    packed = tmp_path / "bad.fq.gz"
    with xopen(packed, "wb", format="gz", threads=0) as file:
        file.write(fastq_text(random_reads(random.Random(2), "ACGT") * 50).encode())
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r"bad\.fq\.gz.*(damaged|cut|not|more|fewer|expected)"):
        list(read_batches(write(packed, bytes(content))))


CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
PACK = {
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "gz": gzip.compress,
    "zst": lambda text: zstd.compress(text, options=CHECKED),
}


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("reader", [read_batches, read_fasta])
def test_a_second_stream_that_is_damaged_is_no_end_of_the_file(ending, reader, tmp_path):
    """Files laid end to end, as pbzip2 and `cat` make them: what follows the first stream counts."""
    one, two = (PACK[ending](f">{name}\n{'ACGT' * 50}\n".encode()) for name in "ab")
    path = tmp_path / "two.fa"
    path.write_bytes(one + two)
    assert (
        len([each for part in reader(path) for each in (part.lengths if reader is read_batches else [1])])
        == 2
    )
    for place in (0, len(two) // 2, len(two) - 6):
        damaged = bytearray(one + two)
        damaged[len(one) + place] ^= 0xFF
        path.write_bytes(damaged)
        told = r"the compressed data (is damaged|ends early)|something else follows the compressed data"
        with pytest.raises(InputError, match=rf"two\.fa: ({told})"):
            list(reader(path))
    path.write_bytes(one + b"more")
    with pytest.raises(InputError, match=rf"two\.fa: ({told})"):
        list(reader(path))


@pytest.mark.parametrize("ending", ["bz2", "xz", "gz"])
def test_zeros_after_a_stream_are_padding(ending, tmp_path):
    path = tmp_path / "padded.fa"
    path.write_bytes(PACK[ending](b">a\nACGT\n") + bytes(200_000) + PACK[ending](b">b\nACGT\n") + bytes(8))
    assert [name for name, _ in read_fasta(path)] == ["a", "b"]


def test_bgzf_without_its_last_block(tmp_path):
    """As Illumina's bcl2fastq writes it: readable, with a warning."""
    reads = random_reads(random.Random(3), "ACGT")
    packed = tmp_path / "r.fq.gz"
    pysam.tabix_compress(
        os.fspath(write(tmp_path / "plain", fastq_text(reads))), os.fspath(packed), force=True
    )
    packed.write_bytes(packed.read_bytes()[:-28])
    with pytest.warns(GenoseqWarning, match="end-of-file block is missing"):
        assert flat(read_batches(packed)) == reads


GOOD = "@a\nACGT\n+\nIIII\n@b\nACGT\n+\nIIII\n"
BAD_READS = [
    ("@a\nACGT\n+\nIII\n@b\nACGT\n+\nIIII\n", 4, "qualities of '@a' are fewer"),
    ("@a\nACGT\n+\nIIIII\n", 4, "qualities of '@a' are more"),
    ("@a\nACGT\n+\nI\n", 4, "fewer"),
    (GOOD + "@c\nACGTACGT\n+\nIII\n@d\nA\n+\nI\n", 12, "fewer"),
    (GOOD + "@c\nACGTACGTAC\n+\nIII\n@d\nAC\n+\nII\n@e\nA\n+\nI\n", 12, "fewer"),
    (GOOD + "@c\nACGT\n+\nII", 12, "it is cut"),
    (GOOD + "@c\nACGT\n+\n", 12, "it is cut"),
    (GOOD + "@c\nACGT\n+", 12, "it is cut"),
    (GOOD + "@c\nACGT\n", 9, "it is cut"),
    (GOOD + "@c", 9, "it is cut"),
    (GOOD + "@c\n\n+\n\n", 10, "'@c' has no bases"),
    (GOOD + "@c\nACGT\nACGT\n+\nIIIIIIII\n", 11, r"line with '\+'"),
    (GOOD + "c\nACGT\n+\nIIII\n", 9, "starts with '@', found 'c'"),
    (GOOD + "@c\nAC*T\n+\nIIII\n", 10, r"'\*' is not a nucleotide letter"),
    (GOOD + "@c\nACET\n+\nIIII\n", 10, "'E' is not a nucleotide letter"),
    (GOOD + "@c\nAC T\n+\nIIII\n", 10, "0x20 is not a nucleotide letter"),
    (GOOD + "@c\nAC\0T\n+\nIIII\n", 10, "0x00 is not a nucleotide letter"),
    (GOOD + "@c\nACGT\n+\nII I\n", 12, "0x20 is not a quality"),
    (GOOD + "@\nACGT\n+\nIIII\n", 9, "without a name"),
    (GOOD + "@ c\nACGT\n+\nIIII\n", 9, "without a name"),
    (GOOD + "@" + "n" * 255 + "\nACGT\n+\nIIII\n", 9, "255 characters"),
    (GOOD + "@n\x01\nACGT\n+\nIIII\n", 9, "does not allow"),
    (
        GOOD + "@@r@\nACGT\n+\nIIII\n",
        9,
        "name b'@r@' holds a character that SAM does not allow .* without '@'",
    ),
    (GOOD + "@r@\nACGT\n+\nIIII\n", 9, "name b'r@' holds a character that SAM does not allow"),
    (">a\nACGT\n>r@x\nACGT\n", 3, "name b'r@x' holds a character that SAM does not allow"),
    (">a\nACGT\n>b\n>c\nA\n", 3, "'>b' has no bases"),
    (">a\nACGT\n>b\n\n\n", 3, "'>b' has no bases"),
    (">a\nACGT\n>b", 3, "'>b' has no bases"),
    (">a\nACGT\n>b\nAC\nGT\nAXT\n", 6, "'X' is not a nucleotide letter"),
    (">a\nACGT\n>\nACGT\n", 3, "without a name"),
    ("\n\n>a\nACGT\n\nA?\n", 6, r"'\?' is not"),
    ("hello world\n", 1, "starts with 'hello world'; a FASTQ file starts with '@'"),
    ("\x7fELF\x02\x01", 1, "starts with b'.x7fELF"),
    ("PK\x03\x04", 1, "starts with b'PK"),
]


@pytest.mark.parametrize(("text", "line", "message"), BAD_READS)
def test_bad_reads_are_told_with_path_and_line(text, line, message, block, tmp_path):
    path = write(tmp_path / "reads.fq", text)
    with pytest.raises(InputError, match=message) as caught:
        list(read_batches(path))
    assert str(caught.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize(("text", "line", "message"), [row for row in BAD_READS if "cut" not in row[2]])
def test_line_ends_of_windows_change_no_line_number(text, line, message, tmp_path):
    path = write(tmp_path / "reads.fq", text.replace("\n", "\r\n"))
    with pytest.raises(InputError) as caught:
        list(read_batches(path))
    assert caught.value.line == line


def test_the_first_mistake_of_a_file_is_told(tmp_path):
    path = write(tmp_path / "r.fq", "@a\nAXGT\n+\nIIII\n@b\nACGT\n+\nIII\n")
    with pytest.raises(InputError, match="'X'"):
        list(read_batches(path))


def test_reads_before_a_mistake_come_out_in_their_batches(tmp_path):
    path = write(tmp_path / "r.fq", GOOD + "@c\nAXGT\n+\nIIII\n")
    batches = read_batches(path, batch_reads=1)
    assert next(batches).name(0) == "a"
    assert next(batches).name(0) == "b"
    with pytest.raises(InputError):
        next(batches)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\r\n"])
def test_an_empty_file_gives_no_batch_and_a_warning(content, tmp_path):
    path = write(tmp_path / "empty.fq", content)
    with pytest.warns(GenoseqWarning, match=r"empty\.fq: there are no reads"):
        assert list(read_batches(path)) == []


def test_an_empty_compressed_file(tmp_path):
    with xopen(tmp_path / "empty.fq.gz", "wb", threads=0):
        pass
    with pytest.warns(GenoseqWarning, match="there are no reads"):
        assert list(read_batches(tmp_path / "empty.fq.gz")) == []


@pytest.mark.parametrize("reader", [read_batches, read_fasta])
def test_paths_that_cannot_be_read(reader, tmp_path):
    with pytest.raises(InputError, match=r"missing\.fq: no such file"):
        list(reader(tmp_path / "missing.fq"))
    with pytest.raises(InputError, match="is a directory"):
        list(reader(tmp_path))


def test_no_permission(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "r.fq")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match=r"r\.fq: no permission"):
        list(read_batches("r.fq"))


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(GOOD.encode())))
    assert [name for name, *_ in flat(read_batches("-"))] == ["a", "b"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"junk")))
    with pytest.raises(InputError, match="standard input:1: the file starts with 'junk'"):
        list(read_batches("-"))


@pytest.mark.parametrize(
    "header", ["HD\tfirst read", "SQ\tx", "r\t16\tx", "r\t16\tchr1\t7\t60\t4M\t*\t0\t0\tACGT\tIIII"]
)
def test_fastq_with_tabs_is_not_taken_for_sam(header, tmp_path):
    name, comment = header.split("\t", 1)
    path = write(tmp_path / "r.fq", f"@{header}\nACGT\n+\nIIII\n")
    assert flat(read_batches(path)) == [(name, comment, "ACGT", "IIII")]


def test_a_table_is_not_taken_for_sam(tmp_path):
    with pytest.raises(InputError, match=r"r\.bed:1: the file starts with .*; a FASTQ file starts with '@'"):
        list(read_batches(write(tmp_path / "r.bed", "chr1\t100\t200\nchr1\t300\t400\n")))


def test_cram_is_named(tmp_path):
    with pytest.raises(InputError, match="this is CRAM; convert it first: samtools view -b"):
        list(read_batches(write(tmp_path / "r.cram", b"CRAM\x03\x00")))


@pytest.mark.parametrize("limits", [{"batch_reads": 0}, {"batch_bases": 0}])
def test_batch_limits_are_checked_at_the_call(limits):
    with pytest.raises(UsageError, match="at least 1"):
        read_batches("reads.fq", **limits)


BAD_GENOMES = [
    (">a\nACGT\n>b\nACGT\n>a c\nACGT\n", 5, "contig 'a' was on line 1"),
    (">a\nACGT\n>b\n>c\nA\n", 3, "'b' has no bases"),
    (">a\nACGT\n>b\n", 3, "'b' has no bases"),
    (">a", 1, "'a' has no bases"),
    (">a\nACGT\nAC*T\n", 3, r"'\*' is not"),
    (">a\nACGT\nACGT>b\n", 3, "'>' is not"),
    (">a\nAC GT\n", 2, "0x20 is not"),
    (">a\nMKVLE\n", 2, "'L' is not"),
    ("\n>a\nACGT\n\n>\nACGT\n", 5, "without a name"),
    (">a\nACGT\n> b\nACGT\n", 3, "without a name"),
    (">a\x01b\nACGT\n", 1, r"SAM does not allow '\\x01' in the name of a contig"),
    (">a\nACGT\n>*\nACGT\n", 3, r"SAM does not allow '\*' at the start of the name of a contig \('\*'\)"),
    (">=a\nACGT\n", 1, "SAM does not allow '=' at the start of"),
    (">(a\nACGT\n", 1, r"SAM does not allow '\(' at the start of"),
    (">a\nAC-GT\n", 2, r"'-' is a gap \(contig 'a'\); is this an alignment\? Remove the gaps first"),
    (">a\nACGT\n>b\nACGT\n..\n", 5, r"'\.' is a gap \(contig 'b'\)"),
    ("@a\nACGT\n+\nIIII\n", 1, "starts with '@a'; a FASTA file starts with '>'"),
    ("ACGT\n", 1, "starts with 'ACGT'"),
]


@pytest.mark.parametrize(("text", "line", "message"), BAD_GENOMES)
def test_bad_genomes_are_told_with_path_and_line(text, line, message, block, tmp_path):
    path = write(tmp_path / "g.fa", text)
    with pytest.raises(InputError, match=message) as caught:
        list(read_fasta(path))
    assert str(caught.value).startswith(f"{path}:{line}: ")


@pytest.mark.parametrize("letter", "\\,\"'()[]{}<>`é\x7f")
def test_a_contig_name_that_sam_forbids(letter, tmp_path):
    path = write(tmp_path / "g.fa", f">a\nAC\n>b{letter}c\nAC\n".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        list(read_fasta(path))
    expected = f"SAM does not allow {letter!r} in the name of a contig"
    assert str(caught.value).startswith(f"{path}:3: {expected}")


def test_contig_names_that_sam_allows(tmp_path):
    names = ["HLA-A*01:01", "gi|1|ref|NC_1.1|", "a=b", "x@y", "!#$%&+./:;?^_~-"]
    path = write(tmp_path / "g.fa", "".join(f">{name}\nACGT\n" for name in names))
    assert [name for name, _ in read_fasta(path)] == names


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_genome_is_an_error(content, tmp_path):
    with pytest.raises(InputError, match=r"g\.fa.*FASTA"):
        list(read_fasta(write(tmp_path / "g.fa", content)))


def test_contigs_own_their_letters(tmp_path):
    path = write(tmp_path / "g.fa", ">a\nACGT\n>b\nTTTT\n")
    assert [letters.tobytes() for _, letters in list(read_fasta(path))] == [b"ACGT", b"TTTT"]


def test_select_takes_rows_in_any_order():
    batch = ReadBatch.from_strings(
        ["a", "bb", "c"], ["ACGT", "GG", "TTT"], ["IIII", "##", "+++"], comments=["x", "", "z"]
    )
    picked = batch.select([2, 0, 2])
    assert [picked.name(i) + picked.sequence(i) + picked.quality(i) for i in range(3)] == [
        "cTTT+++",
        "aACGTIIII",
        "cTTT+++",
    ]
    assert [picked.comment(i) for i in range(3)] == ["z", "x", "z"]
    assert decode(picked.codes) == "TTTACGTTTT"
    assert batch.select(np.array([False, True, False])).name(0) == "bb"
    assert len(batch.select([])) == 0


def test_from_strings_checks_what_it_is_given():
    with pytest.raises(UsageError, match="2 names"):
        ReadBatch.from_strings(["a", "b"], ["ACGT"])
    with pytest.raises(UsageError, match="4 bases but 3 qualities"):
        ReadBatch.from_strings(["a"], ["ACGT"], ["III"])
    with pytest.raises(InputError, match="'b' has no bases"):
        ReadBatch.from_strings(["a", "b"], ["A", ""])
    for letter in (" ", "\x7f", "é"):
        with pytest.raises(InputError, match=r"read 'b': '.*' is not a quality of phred"):
            ReadBatch.from_strings(["a", "b"], ["A", "C"], ["I", letter])
    with pytest.raises(InputError, match=r"read 'b': '!' at position 1"):
        ReadBatch.from_strings(["a", "b"], ["A", "C!"])
