"""Reads out of SAM and BAM: htslib parses, what comes out are the batches of `fastx`.

The decompressed bytes are fed to htslib through a pipe, so that standard input, compression and cut files
behave as for FASTQ. A read is shown as the sequencer made it: records on the reverse strand are turned back.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from genoseq.errors import GenoseqWarning, InputError, counted
from genoseq.io.batch import ReadBatch, starts_of
from genoseq.io.files import InputStream
from genoseq.io.htslib import HtslibFeed, feeding
from genoseq.io.origin import NO_GROUP, Origin, read_group_id
from genoseq.io.raw import RawReads
from genoseq.io.tags import own_tags
from genoseq.sequence import AMBIGUOUS, reverse_complement_text

__all__ = ["alignment_batches"]

_ANY_CONTIG = b"@SQ\tSN:genoseq:any\tLN:1\n"  # pysam does not read SAM whose header names no contig
# SAM specification, section 1.4: FLAG
_PAIRED, _REVERSE, _FIRST, _LAST, _FAILED, _SECONDARY_OR_SUPPLEMENTARY = 0x1, 0x10, 0x40, 0x80, 0x200, 0x900
_NAME = re.compile(r"[!-?A-~]{1,254}")  # SAM specification, section 1.4: QNAME
_PHRED = 33  # SAM specification, section 1.4: QUAL


def alignment_batches(
    stream: InputStream,
    batch_reads: int,
    batch_bases: int,
    raw: RawReads | None = None,
    *,
    tags: bool = False,
) -> Iterator[ReadBatch]:
    """Primary and unmapped records of an open SAM or BAM file as batches of reads.

    `ReadBatch.mates` tells what the flags say; whether mates follow each other is for `genoseq.io.pairs`.
    With `tags`, the tags of a record that do not tell of an alignment become the comment of the read. The
    read group, which the header has to describe, and whether the read failed are in `ReadBatch.origin`. With
    `raw`, which keeps all records, batches are outlines: their bases are N.

    Raises
    ------
    InputError
        For a file that is cut or damaged, a record without bases, a name that SAM does not allow; with the
        name of the read.

    Warns
    -----
    GenoseqWarning
        If records name a read group that the header does not have: they get none.
    """
    import pysam

    first = b"" if stream.head.startswith(b"BAM") else _ANY_CONTIG
    with feeding(stream, first) as feed:
        if raw is not None:
            raw.suffix, raw.shift = "bam", int(bool(first))
            yield from _outlines(pysam, feed, stream.path, batch_reads, raw)
        else:
            yield from _batches(pysam, feed, stream.path, batch_reads, batch_bases, tags=tags)


def _batches(
    pysam: Any, feed: HtslibFeed, path: str, batch_reads: int, batch_bases: int, *, tags: bool
) -> Iterator[ReadBatch]:
    last = ""
    try:
        with pysam.AlignmentFile(feed.pipe, check_sq=False) as records:
            last = "the header"
            gathered = _Gathered(_read_groups(_header_text(records.header)))
            for record in records:
                name = record.query_name or "*"
                last = f"read {name!r}"
                if record.flag & _SECONDARY_OR_SUPPLEMENTARY:
                    continue
                _check_name(name, path)
                sequence, quality = _as_sequenced(record, path)
                full = gathered.is_full(batch_reads, batch_bases) and not gathered.waits_for(name)
                if full or not gathered.fits(quality is not None):
                    yield gathered.batch(path)
                carried = own_tags(record.to_string()) if tags else ""
                group = record.get_tag("RG") if record.has_tag("RG") else None
                gathered.add(name, sequence, quality, record.flag, carried, group)
    except (OSError, ValueError) as error:
        raise _damage(feed, path, last) from error
    if (wrong := feed.stop()) is not None:
        raise wrong
    if gathered.names:
        yield gathered.batch(path)
    if gathered.strangers:
        found = f"{counted(gathered.strangers, 'read')} of read groups that the header does not have"
        warnings.warn(f"{path}: {found}, which are left out", GenoseqWarning, stacklevel=2)


def _header_text(header: Any) -> str:
    """The text of a header; SAM asks for UTF-8, older files have Latin-1."""
    try:
        return str(header)
    except UnicodeDecodeError as error:
        return bytes(error.object).decode("latin-1")


def _outlines(
    pysam: Any, feed: HtslibFeed, path: str, batch_reads: int, raw: RawReads
) -> Iterator[ReadBatch]:
    """Keep all records in `raw`; what comes out tells names, lengths, flags of mates, and whether there are
    qualities. The bases are not looked at, they are N: that takes a third of the time."""
    last, first = "", 0
    rows: list[tuple[str, int, int]] = []
    had_quality = False
    try:
        with pysam.AlignmentFile(feed.pipe, check_sq=False) as records:
            raw.header = _own_header(pysam, records.header) if raw.shift else records.header
            last = "the header"
            for record in records:
                name, flag, length = record.query_name or "*", record.flag, record.query_length
                last = f"read {name!r}"
                raw.add_record(record)  # before the batch goes: the one that follows it tells where to cut
                if not flag & _SECONDARY_OR_SUPPLEMENTARY:
                    _check_name(name, path)
                    if not length:
                        raise InputError(f"read {name!r} has no bases (SEQ is '*')", path)
                    has_quality = record.query_qualities is not None
                    if rows and (len(rows) == batch_reads or has_quality != had_quality):
                        yield _outline(rows, first, with_quality=had_quality)
                        first += len(rows)
                        rows = []
                    rows.append((name, length, _mate(flag)))
                    had_quality = has_quality
    except (OSError, ValueError) as error:
        raise _damage(feed, path, last) from error
    if (wrong := feed.stop()) is not None:
        raise wrong
    if rows:
        yield _outline(rows, first, with_quality=had_quality)


def _outline(rows: list[tuple[str, int, int]], first: int, *, with_quality: bool) -> ReadBatch:
    """A batch of names, lengths and mates."""
    names, lengths, mates = zip(*rows, strict=True)
    joined = np.frombuffer("".join(names).encode(), np.uint8)
    offsets = starts_of(np.array(lengths, np.int64))
    bases = np.full(offsets[-1], ord("N"), np.uint8)
    return ReadBatch(
        names=joined,
        name_offsets=starts_of(np.fromiter(map(len, names), np.int64, len(names))),
        codes=np.full(offsets[-1], AMBIGUOUS, np.uint8),
        letters=bases,
        offsets=offsets,
        quals=bases if with_quality else bases[:0],
        comments=bases[:0],
        comment_offsets=np.zeros(len(rows) + 1, np.int64),
        first=first,
        mates=np.array(mates, np.uint8) if any(mates) else None,
    )


def _check_name(name: str, path: str) -> None:
    if not _NAME.fullmatch(name):
        found = f"the read name {name!r} is not as SAM allows it (printable ASCII without '@')"
        raise InputError(found, path)


def _damage(feed: HtslibFeed, path: str, last: str) -> InputError:
    """What is wrong with a file that htslib reads no further than `last`: it says so to stderr only."""
    found = f"the file is cut or damaged after {last}"
    if not last:
        found = "the header cannot be read: a line of it is not SAM, or a contig is named twice"
    return feed.stop() or InputError(found, path)


def _own_header(pysam: Any, header: Any) -> Any:
    """The header of a SAM file without the contig that was put before it."""
    text = _header_text(header).replace(_ANY_CONTIG.decode(), "", 1)
    return pysam.AlignmentHeader.from_text(text)


def _read_groups(header: str) -> dict[str, str]:
    """The lines `@RG` of a header by their ID; of two with one ID the first."""
    lines: dict[str, str] = {}
    for line in header.splitlines():
        if line.startswith("@RG\t"):
            lines.setdefault(read_group_id(line), line)
    return lines


def _as_sequenced(record: Any, path: str) -> tuple[str, str | None]:
    sequence, quality = record.query_sequence, _quality(record, path)
    if not sequence:
        raise InputError(f"read {record.query_name!r} has no bases (SEQ is '*')", path)
    if record.flag & _REVERSE:
        return reverse_complement_text(sequence), quality[::-1] if quality else None
    return sequence, quality or None


def _mate(flag: int) -> int:
    """1 or 2 for a mate of a pair, 0 for a single read."""
    return {_FIRST: 1, _LAST: 2}.get(flag & (_FIRST | _LAST), 0) if flag & _PAIRED else 0


def _quality(record: Any, path: str) -> str | None:
    """Quality letters in the direction of the reference.

    Of a single base, pysam 0.24 makes the letter by adding 33 to a bytes object of length one, which Python
    shares with everybody who uses that byte.
    """
    if record.query_length != 1:
        try:
            return record.query_qualities_str
        except UnicodeDecodeError as error:
            found = f"read {record.query_name!r} has a quality above 93, for which SAM has no letter"
            raise InputError(found, path) from error
    values = record.query_qualities
    return None if values is None else chr(values[0] + _PHRED)


class _Gathered:
    """The reads of the batch in the making.

    Parameters
    ----------
    read_groups
        Lines of the header by ID.

    Attributes
    ----------
    strangers
        Reads of other read groups.
    """

    def __init__(self, read_groups: dict[str, str]) -> None:
        self.first = self.strangers = 0
        self._lines = tuple(read_groups.values())
        self._numbers = {name: number for number, name in enumerate(read_groups)}
        self._last = (0, "")  # mate and name that the batch before ended with
        self._clear()

    def _clear(self) -> None:
        self.names: list[str] = []
        self._sequences: list[str] = []
        self._qualities: list[str] = []
        self._mates: list[int] = []
        self._tags: list[str] = []
        self._groups: list[int] = []
        self._failed: list[bool] = []
        self._bases = 0

    def fits(self, with_quality: bool) -> bool:
        return not self.names or bool(self._qualities) == with_quality

    def waits_for(self, name: str) -> bool:
        """Whether the last read is a second mate of that name, and its first has not come yet."""
        if self._mates[-1:] != [2] or self.names[-1] != name:
            return False
        before = (self._mates[-2], self.names[-2]) if len(self.names) > 1 else self._last
        return before != (1, name)

    def is_full(self, batch_reads: int, batch_bases: int) -> bool:
        return len(self.names) >= batch_reads or self._bases >= batch_bases

    def add(self, name: str, sequence: str, quality: str | None, flag: int, tags: str, group: object) -> None:
        # a first mate that follows its second is put before it
        mate = _mate(flag)
        turned = mate == 1 and self.waits_for(name)
        at = len(self.names) - turned
        self.names.insert(at, name)
        self._sequences.insert(at, sequence)
        if quality is not None:
            self._qualities.insert(at, quality)
        self._mates.insert(at, mate)
        self._tags.insert(at, tags)
        number = self._numbers.get(group, NO_GROUP) if isinstance(group, str) else NO_GROUP
        self._groups.insert(at, number)
        self._failed.insert(at, bool(flag & _FAILED))
        self.strangers += number == NO_GROUP and group is not None
        self._bases += len(sequence)

    def batch(self, path: str) -> ReadBatch:
        try:
            batch = ReadBatch.from_strings(
                self.names,
                self._sequences,
                self._qualities or None,
                comments=self._tags,
                first=self.first,
            )
            mates = np.array(self._mates, np.uint8) if any(self._mates) else None
            origin = Origin(self._lines, np.array(self._groups, np.int32), np.array(self._failed, np.bool_))
            batch = replace(batch, mates=mates, origin=origin)
        except InputError as error:
            raise InputError(error.message, path) from error
        self.first += len(batch)
        self._last = (self._mates[-1], self.names[-1])
        self._clear()
        return batch
