"""FASTQ out: batches of reads as text, plain or gzip."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO, cast

from genoseq.errors import UsageError
from genoseq.io.batch import ReadBatch
from genoseq.io.files import StrPath, open_output

__all__ = ["check_fastq_name", "format_fastq", "open_fastq"]

_NOT_WRITTEN = (".bgz", ".bz2", ".xz", ".zst")  # compressions that are read only


def check_fastq_name(option: str, path: StrPath | None, *, fasta: bool = False) -> None:
    """Refuse names of compressions that are not written.

    Parameters
    ----------
    fasta : bool
        FASTA is to be written.

    Raises
    ------
    UsageError
        With the name of the option and the ones that are.
    """
    if path is not None and os.fspath(path).lower().endswith(_NOT_WRITTEN):
        kind, ending = ("FASTA", ".fa") if fasta else ("FASTQ", ".fq")
        raise UsageError(
            f"{option}: {os.fspath(path)}: plain or gzip {kind} is written; "
            f"use a name that ends in {ending} or {ending}.gz"
        )


def format_fastq(reads: ReadBatch, *, mates: bool = False, comments: bool = False) -> bytes:
    """Lay a batch of reads out as FASTQ; as FASTA, if they have no qualities.

    Parameters
    ----------
    mates : bool
        Let the names of mates end in /1 and /2.
    comments : bool
        Let what followed the name in the header follow again.
    """
    names, letters, quals = reads.names.tobytes(), reads.letters.tobytes(), reads.quals.tobytes()
    notes, c = reads.comments.tobytes(), reads.comment_offsets.tolist()
    n, o = reads.name_offsets.tolist(), reads.offsets.tolist()
    heads = [names[n[i] : n[i + 1]] for i in range(len(reads))]
    if mates and reads.mates is not None:
        heads = [
            b"%b/%d" % (head, mate) if mate else head
            for head, mate in zip(heads, reads.mates.tolist(), strict=True)
        ]
    if comments:
        heads = [
            b"%b %b" % (head, notes[c[i] : c[i + 1]]) if c[i + 1] > c[i] else head
            for i, head in enumerate(heads)
        ]
    if not reads.has_quals:
        return b"".join(b">%b\n%b\n" % (head, letters[o[i] : o[i + 1]]) for i, head in enumerate(heads))
    return b"".join(
        b"@%b\n%b\n+\n%b\n" % (head, letters[o[i] : o[i + 1]], quals[o[i] : o[i + 1]])
        for i, head in enumerate(heads)
    )


@contextlib.contextmanager
def open_fastq(path: StrPath) -> Iterator[BinaryIO]:
    """Open an output; with gzip without a time stamp, if it ends in .gz: the same reads make the same file.

    Raises
    ------
    InputError
        As `genoseq.io.files.check_output`.
    """
    with open_output(path) as file:
        if not os.fspath(path).lower().endswith(".gz"):
            yield file
            return
        import gzip

        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
            yield cast("BinaryIO", packed)
