"""Reads and genomes from FASTA, FASTQ, SAM and BAM, in batches of arrays.

The first bytes of the decompressed content decide on the format. FASTA and FASTQ are read in blocks of text
in which one kernel finds the records and another copies them (`fastx_kernels`); SAM and BAM are parsed by
htslib (`bam`). The text in memory is one batch, whatever the size of the file; only a single read longer than
a batch needs more.

What cannot be read is an `InputError` with the file and the 1-based line. CRLF line ends, empty lines between
records, lower case, and a missing newline at the end are tolerated.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io import fastx_kernels as kernels
from genoseq.io.batch import ReadBatch, starts_of
from genoseq.io.files import InputStream, StrPath, open_input
from genoseq.io.raw import RawReads
from genoseq.sequence import describe_letter

__all__ = ["ReadBatch", "read_batches", "read_fasta"]

BATCH_READS, BATCH_BASES = 16384, 1 << 22
_BLOCK = 1 << 20  # bytes of text read at a time
_LONGEST_NAME = 254  # SAM specification, section 1.4: QNAME
_LONGEST_CONTIG = (1 << 31) - 1  # SAM specification, section 1.3: LN of @SQ
# SAM specification, section 1.3: fields of a header line are TAG:VALUE, @CO has text (a read may be named HD)
_SAM_HEADER = re.compile(rb"@(HD|SQ|RG|PG)\t[A-Za-z][A-Za-z0-9]:|@CO\t")
_SAM_COLUMNS = 11  # SAM specification, section 1.4: a record has no fewer
#: SAM specification, section 1.2.1: names of references.
CONTIG_NAME = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")


def read_batches(
    path: StrPath,
    *,
    batch_reads: int = BATCH_READS,
    batch_bases: int = BATCH_BASES,
    tags: bool = False,
    raw: RawReads | None = None,
) -> Iterator[ReadBatch]:
    """Read FASTQ, FASTA, SAM or BAM, compressed or not, in batches.

    Parameters
    ----------
    path
        The file, or "-" for standard input.
    batch_reads
        Most reads in a batch.
    batch_bases
        A batch ends with the read that reaches this many bases (bp).
    tags
        Keep tags of SAM and BAM records that do not tell of an alignment, as comments of the reads.
    raw
        Keeps the reads as they stand in the file, for whoever copies them. Batches of SAM and BAM then tell
        names, lengths and mates, with N for bases.

    Yields
    ------
    ReadBatch
        In the order of the file. SAM and BAM records are turned back to the direction of the read; secondary
        and supplementary records are left out. Reads with and without qualities never share a batch.

    Raises
    ------
    InputError
        With path and line (or read name) for everything that cannot be read.

    Warns
    -----
    GenoseqWarning
        If there is no read at all.
    """
    if batch_reads < 1 or batch_bases < 1:
        raise UsageError(f"a batch of {batch_reads} reads or {batch_bases} bases; at least 1 is needed")
    return _batches(path, batch_reads, batch_bases, raw, tags=tags)


def _batches(
    path: StrPath, batch_reads: int, batch_bases: int, raw: RawReads | None, *, tags: bool
) -> Iterator[ReadBatch]:
    with open_input(path) as stream:
        count = 0
        for batch in _parser(stream, batch_reads, batch_bases, raw, tags=tags):
            count += len(batch)
            yield batch
        if count == 0:
            warnings.warn(f"{stream.path}: there are no reads in it", GenoseqWarning, stacklevel=2)


def _parser(
    stream: InputStream, batch_reads: int, batch_bases: int, raw: RawReads | None, *, tags: bool
) -> Iterator[ReadBatch]:
    head = stream.head
    if head.startswith(b"BAM\x01") or _SAM_HEADER.match(head) or _is_sam_record(head):
        from genoseq.io.bam import alignment_batches  # pysam loads only for SAM and BAM

        return alignment_batches(stream, batch_reads, batch_bases, raw, tags=tags)
    start = head.lstrip(b"\r\n")[:1]
    if start not in (b"@", b">", b""):
        raise _foreign(stream, "a FASTQ file starts with '@', a FASTA file with '>', a BAM file with 'BAM'")
    if raw is not None and start == b">":
        raw.suffix = "fa"
    return _text_batches(stream, start == b">", batch_reads, batch_bases, raw)


def _is_sam_record(head: bytes) -> bool:
    """Whether a file without a header starts with a SAM record: no name of SAM begins with '@'."""
    line, ended, _ = head.partition(b"\n")
    fields = line.split(b"\t")
    enough = len(fields) >= _SAM_COLUMNS if ended else len(fields) > 2
    return enough and fields[1].isdigit() and not head.startswith((b">", b"@"))


def _foreign(stream: InputStream, expected: str) -> InputError:
    if stream.head.startswith(b"CRAM"):
        found = "this is CRAM; convert it first: samtools view -b -o OUT.bam IN.cram"
        return InputError(found, stream.path)
    start = stream.head[:12].split(b"\n")[0]
    shown = (
        repr(start.decode("ascii")) if start.isascii() and start.decode("ascii").isprintable() else str(start)
    )
    return InputError(f"the file starts with {shown}; {expected}", stream.path, 1)


class _Window:
    """The part of the text that is in memory: `data[:end]`."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self.data: npt.NDArray[np.uint8] = np.empty(_BLOCK, np.uint8)
        self.end = 0
        self.last = False

    def more(self, wanted: int) -> None:
        """Append up to `wanted` bytes; `last` tells that the file is at its end."""
        if self.end + wanted > self.data.size:
            grown = np.empty(max(self.end + wanted, self.data.size), np.uint8)
            grown[: self.end] = self.data[: self.end]
            self.data = grown
        got = self._stream.readinto(self.data.data[self.end : self.end + wanted])
        self.end += got
        if got < wanted:
            self.last = True
            self._stream.check_end(strict=False)

    def drop(self, count: int) -> None:
        """Forget the first `count` bytes."""
        rest = self.end - count
        self.data[:rest] = self.data[count : self.end].copy()
        self.end = rest


def _text_batches(
    stream: InputStream, fasta: bool, batch_reads: int, batch_bases: int, raw: RawReads | None
) -> Iterator[ReadBatch]:
    scan = kernels.scan_fasta if fasta else kernels.scan_fastq
    window = _Window(stream)
    table = np.empty((batch_reads, kernels.COLUMNS), np.int64)
    first, line = 0, 1
    while not (window.last and window.end == 0):
        count = position = bases = 0
        while True:
            count, position, bases, line, status = scan(
                window.data, position, window.end, window.last, table, count, bases, batch_bases, line
            )
            if status != kernels.MORE or window.last:
                break
            # as much again as the unfinished record, so that a long one is not scanned over and over
            window.more(max(_BLOCK, window.end - position))
        # an earlier record of the batch may be wrong too: the first mistake of the file is the one to tell
        batch = _filled(stream, window, table[:count], first, fasta) if count else None
        if status not in (kernels.MORE, kernels.FULL):
            raise _scan_error(stream, window, position, line, status, fasta)
        if batch is not None:
            if raw is not None:
                # what stands between records goes with the one before
                starts = np.concatenate([[0], table[1:count, kernels.NAME] - 1, [position]])
                raw.add_text(window.data[:position].tobytes(), starts)
            yield batch
        first += count
        window.drop(position)


def _filled(
    stream: InputStream, window: _Window, table: npt.NDArray[np.int64], first: int, fasta: bool
) -> ReadBatch:
    """Copy the records of `table` out of the text."""
    text = window.data
    name_lengths = table[:, kernels.NAME_END] - table[:, kernels.NAME]
    if name_lengths.max() > _LONGEST_NAME:
        worst = int(np.argmax(name_lengths))
        found = f"a read name of {name_lengths[worst]} characters; SAM allows {_LONGEST_NAME}"
        raise InputError(found, stream.path, int(table[worst, kernels.LINE]))
    name_offsets = starts_of(name_lengths)
    comment_lengths = np.maximum(table[:, kernels.HEADER_END] - table[:, kernels.NAME_END] - 1, 0)
    comment_offsets = starts_of(comment_lengths)
    offsets = starts_of(table[:, kernels.LENGTH])
    names = np.empty(name_offsets[-1], np.uint8)
    comments = np.empty(comment_offsets[-1], np.uint8)
    codes = np.empty(offsets[-1], np.uint8)
    letters = np.empty(offsets[-1], np.uint8)
    quals = np.empty(0 if fasta else offsets[-1], np.uint8)
    status, record = kernels.fill_headers(text, table, name_offsets, names, comment_offsets, comments)
    if status != kernels.FINE:
        name = names[name_offsets[record] : name_offsets[record + 1]].tobytes()
        found = (
            f"the read name {name!r} holds a character that SAM does not allow (printable ASCII without '@')"
        )
        raise InputError(found, stream.path, int(table[record, kernels.LINE]))
    if fasta:
        status, record, place = kernels.fill_fasta(text, table, offsets, codes, letters)
    else:
        status, record, place = kernels.fill_fastq(text, table, offsets, codes, letters, quals)
    if status != kernels.FINE:
        raise _fill_error(stream, text, table[record], status, place)
    return ReadBatch(names, name_offsets, codes, letters, offsets, quals, comments, comment_offsets, first)


def _scan_error(
    stream: InputStream, window: _Window, position: int, line: int, status: int, fasta: bool
) -> InputError:
    text = window.data[position : min(window.end, position + 1000)].tobytes()
    shown = [repr(part.rstrip(b"\r")[:20].decode("latin-1")) for part in text.split(b"\n")] + ["''"] * 4
    messages = {
        kernels.NO_AT: f"a FASTQ record starts with '@', found {shown[0]}",
        kernels.NO_START: f"a FASTA record starts with '>', found {shown[0]}",
        kernels.NO_PLUS: f"expected the line with '+' after the bases of {shown[0]}, found {shown[2]} "
        "(FASTQ with bases on several lines is not supported)",
        kernels.EMPTY: f"the record {shown[0]} has no bases; remove empty reads first",
        kernels.QUALITY_SHORT: f"the qualities of {shown[0]} are fewer than its bases",
        kernels.QUALITY_LONG: f"the qualities of {shown[0]} are more than its bases",
        kernels.CUT: f"the file ends within the record {shown[0]}: it is cut; copy it again",
        kernels.NO_NAME: f"a record without a name after {'>' if fasta else '@'!r}",
    }
    return InputError(messages[status], stream.path, line)


def _fill_error(
    stream: InputStream, text: npt.NDArray[np.uint8], row: npt.NDArray[np.int64], status: int, place: int
) -> InputError:
    name = text[row[kernels.NAME] : row[kernels.NAME_END]].tobytes().decode("ascii")
    # the line of the byte: line ends between the header and the place
    line = int(row[kernels.LINE]) + int(np.count_nonzero(text[row[kernels.NAME] : place] == ord("\n")))
    byte = int(text[place])
    if status == kernels.BAD_QUALITY:
        if byte in b"\r\n":
            return InputError(f"the qualities of {name!r} are fewer than its bases", stream.path, line)
        found = f"{describe_letter(byte)} is not a quality of phred + 33 (read {name!r})"
        return InputError(found, stream.path, line)
    found = f"{describe_letter(byte)} is not a nucleotide letter (IUPAC expected; read {name!r})"
    return InputError(found, stream.path, line)


def read_fasta(path: StrPath) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Read the contigs of a genome, one at a time.

    Memory is that of the longest contig, and about an eighth more.

    Parameters
    ----------
    path
        FASTA, compressed or not; "-" for standard input.

    Yields
    ------
    name, letters
        The name up to the first space or tab, and uint8[n] letters in upper case, IUPAC codes kept.

    Raises
    ------
    InputError
        With path and line: not FASTA, two contigs of one name, a contig without bases or longer than SAM
        allows (2^31 - 1 bp), a name that SAM does not allow, a letter that is no nucleotide, a gap, no contig
        at all, a compressed file that is cut.
    """
    with open_input(path) as stream:
        if not stream.head:
            raise InputError("the file is empty; FASTA with at least one contig is expected", stream.path)
        if not stream.head.lstrip(b"\r\n").startswith(b">"):
            raise _foreign(stream, "a FASTA file starts with '>'")
        yield from _contigs(stream)


def _contigs(stream: InputStream) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    window = _Window(stream)
    seen: dict[str, int] = {}
    window.more(_BLOCK)
    position = window.data[: window.end].tobytes().index(b">")  # only empty lines can stand before it
    line = 1 + int(np.count_nonzero(window.data[:position] == ord("\n")))
    while position < window.end:
        name, position = _contig_header(stream, window, position, line)
        if name in seen:
            raise InputError(f"contig {name!r} was on line {seen[name]} already", stream.path, line)
        seen[name] = line
        letters, position, next_line = _contig_letters(stream, window, position, line + 1, name)
        if letters.size == 0:
            raise InputError(f"contig {name!r} has no bases", stream.path, line)
        if letters.size > _LONGEST_CONTIG:
            found = f"contig {name!r} has {letters.size} bp; SAM allows {_LONGEST_CONTIG}: cut it in pieces"
            raise InputError(found, stream.path, line)
        yield name, letters
        line = next_line


def _contig_header(stream: InputStream, window: _Window, position: int, line: int) -> tuple[str, int]:
    """The name in the header at `position`, and where its line ends; drops the text before."""
    window.drop(position)
    searched = 0
    while True:
        ends = np.flatnonzero(window.data[searched : window.end] == ord("\n"))
        if ends.size or window.last:
            break
        searched = window.end
        window.more(_BLOCK)
    stop = searched + int(ends[0]) if ends.size else window.end
    fields = window.data[1:stop].tobytes().split(None, 1)
    starts_blank = stop > 1 and window.data[1] in b" \t"
    if not fields or starts_blank:
        raise InputError("a contig without a name after '>'", stream.path, line)
    name = fields[0].decode("latin-1")
    allowed = CONTIG_NAME.match(name)
    good = allowed.end() if allowed else 0
    if good < len(name):
        where = "in" if good else "at the start of"
        found = f"SAM does not allow {name[good]!r} {where} the name of a contig ({name!r}); rename it"
        raise InputError(found, stream.path, line)
    return name, min(stop + 1, window.end)


def _contig_letters(
    stream: InputStream, window: _Window, position: int, line: int, name: str
) -> tuple[npt.NDArray[np.uint8], int, int]:
    """The letters from `position` to the next header; returns them, the place and the line of that header."""
    letters = np.empty(_BLOCK, np.uint8)
    filled, line_start = 0, True
    while True:
        room = filled + window.end - position
        if room > letters.size:
            # grows where it stands (realloc), by an eighth: memory stays near the length of the contig
            letters.resize(max(room, letters.size + letters.size // 8), refcheck=False)
        position, filled, line, line_start, stopped = kernels.fold_lines(
            window.data, position, window.end, line_start, letters, filled, line
        )
        if stopped and not line_start:
            letter = describe_letter(int(window.data[position]))
            found = f"{letter} is not a nucleotide letter (IUPAC expected; contig {name!r})"
            if letter in ("'-'", "'.'"):
                found = f"{letter} is a gap (contig {name!r}); is this an alignment? Remove the gaps first"
            raise InputError(found, stream.path, line)
        if stopped or window.last:
            letters.resize(filled, refcheck=False)
            return letters, position, line
        window.drop(position)
        position = 0
        window.more(_BLOCK)
