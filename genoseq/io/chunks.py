"""Reads of a file cut into files of about equal size, so that many machines can work on them.

A chunk ends where a batch of the reader ends, and a batch depends on nothing before it (`genoseq.io.cut`): a
program that works by batches makes of the chunks, one after the other, what it makes of the file. Text is
copied byte by byte, records of SAM and BAM with all that they hold; neighbouring records of one name stay
together. Nothing but a batch or two is in memory.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from isal import isal_zlib

from genoseq.errors import UsageError
from genoseq.io.fastx import BATCH_BASES, BATCH_READS, read_batches
from genoseq.io.files import StrPath, naming_file
from genoseq.io.folders import new_folder
from genoseq.io.pairs import interleaved_pairs, paired_batches
from genoseq.io.raw import RawReads

__all__ = ["Chunk", "split_reads"]

# 1 s for 350 MB of FASTQ, which become 47 % (level 0: as long, 55 %; zlib's level 1: 4 s, 48 %).
_LEVEL = 1
_GZIP = 31  # zlib: window of 32 KiB, and the header of gzip, here without name and time
_DIGITS = 4
_Copy = Callable[[int | None], None]


class Chunk(NamedTuple):
    """A part of the reads.

    Attributes
    ----------
    files : tuple of str
        Names in the folder; two of mates.
    reads : int
        Of all of them together.
    """

    files: tuple[str, ...]
    reads: int


def split_reads(
    paths: Sequence[StrPath],
    folder: StrPath,
    reads: int,
    *,
    interleaved: bool = False,
    batch_reads: int = BATCH_READS,
    batch_bases: int = BATCH_BASES,
    progress: Callable[[int], object] | None = None,
) -> list[Chunk]:
    """Cut a file of reads, or two of mates, into a folder of files `0001.fq.gz`, `0002.fq.gz`, ...

    Parameters
    ----------
    paths
        One file of reads in any form that `read_batches` reads, or two of mates.
    folder
        New, or empty; it appears when it is complete.
    reads
        Least number of reads of a chunk but the last; the batch that reaches it is the last of a chunk. Of
        pairs both mates count.
    interleaved
        Mates follow each other in the one file. Those of SAM and BAM are known by their flags.
    batch_reads, batch_bases
        As of `read_batches`; those of the reader of the chunks. Of two files of mates a batch has half as
        many pairs.
    progress
        Called with the number of reads of each batch.

    Returns
    -------
    list of Chunk
        At least one; without reads, if there are none.

    Raises
    ------
    InputError
        If the reads cannot be read, or the folder cannot be written.
    UsageError
        If `reads` is less than 1.

    Warns
    -----
    GenoseqWarning
        As `read_batches` and `interleaved_pairs`.
    """
    if reads < 1:
        raise UsageError(f"chunks of {reads} reads; at least 1 is needed")
    raws = tuple(RawReads() for _ in paths)
    if len(raws) == 2:
        pairs = -(-batch_reads // 2)
        batches = paired_batches(*paths, batch_pairs=pairs, batch_bases=batch_bases, raw=(raws[0], raws[1]))
    else:
        each = read_batches(paths[0], batch_reads=batch_reads, batch_bases=batch_bases, raw=raws[0])
        batches = interleaved_pairs(
            each, flagged=not interleaved, batch_reads=batch_reads, batch_bases=batch_bases
        )
    with new_folder(folder) as temporary, _Writer(raws, temporary, folder, reads) as writer:
        for batch in batches:
            writer.add(len(batch))
            if progress is not None:
                progress(len(batch))
        return writer.finish()


class _Writer(contextlib.ExitStack):
    """The chunks, one after the other; leaving the block closes what an error left open.

    Parameters
    ----------
    raws
        Reads of the files, as they were read.
    temporary, folder
        Where the chunks are written, and where they will be.
    reads
        Least number of reads of a chunk.
    """

    def __init__(self, raws: Sequence[RawReads], temporary: Path, folder: StrPath, reads: int) -> None:
        super().__init__()
        self._raws, self._temporary, self._folder, self._least = raws, temporary, Path(folder), reads
        self._chunks: list[Chunk] = []
        self._copies: list[_Copy] = []  # open, of the last chunk

    def add(self, count: int) -> None:
        """Copy the next batch, of `count` reads of all files together."""
        full = self._copies and self._chunks[-1].reads >= self._least
        if full and not any(raw.parted for raw in self._raws):
            self.close()
            self._copies = []
        if not self._copies:
            self._open()
        for copy in self._copies:
            copy(count // len(self._copies))
        self._chunks[-1] = self._chunks[-1]._replace(reads=self._chunks[-1].reads + count)

    def finish(self) -> list[Chunk]:
        """Copy what follows the last read, and give the files their names."""
        if not self._chunks:
            self._open()
        for copy in self._copies:
            copy(None)
        self.close()
        if len(self._chunks) < 10**_DIGITS:
            return self._chunks
        return [self._renamed(chunk, len(str(len(self._chunks)))) for chunk in self._chunks]

    def _open(self) -> None:
        """Begin a chunk."""
        number = f"{len(self._chunks) + 1:0{_DIGITS}d}"
        mates = ("",) if len(self._raws) == 1 else ("_1", "_2")
        names = []
        for raw, mate in zip(self._raws, mates, strict=True):
            is_text = raw.suffix != "bam"
            name = f"{number}{mate}.{raw.suffix}{'.gz' if is_text else ''}"
            copying = _copying_text if is_text else _copying_records
            self.enter_context(naming_file(self._folder / name))
            self._copies.append(self.enter_context(copying(raw, self._temporary / name)))
            names.append(name)
        self._chunks.append(Chunk(tuple(names), 0))

    def _renamed(self, chunk: Chunk, digits: int) -> Chunk:
        """A chunk whose names have more digits, so that all of them sort."""
        names = []
        for name in chunk.files:
            number = re.split("[._]", name)[0]
            names.append(f"{number.zfill(digits)}{name.removeprefix(number)}")
            (self._temporary / name).rename(self._temporary / names[-1])
        return Chunk(tuple(names), chunk.reads)


@contextlib.contextmanager
def _copying_text(raw: RawReads, path: Path) -> Iterator[_Copy]:
    """A file of text that takes so many reads; None for what follows the last."""
    packed = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    with path.open("wb") as file:

        def copy(count: int | None) -> None:
            for text in raw.texts(count or 0):
                file.write(packed.compress(text))

        yield copy
        file.write(packed.flush())


@contextlib.contextmanager
def _copying_records(raw: RawReads, path: Path) -> Iterator[_Copy]:
    """As `_copying_text`, a BAM file."""
    import pysam

    with pysam.AlignmentFile(
        os.fspath(path), "wb", header=raw.header, format_options=[f"level={_LEVEL}"]
    ) as file:

        def copy(count: int | None) -> None:
            for record in raw.records(count):
                if raw.shift:
                    record.reference_id = max(record.reference_id - raw.shift, -1)
                    record.next_reference_id = max(record.next_reference_id - raw.shift, -1)
                file.write(record)

        yield copy
