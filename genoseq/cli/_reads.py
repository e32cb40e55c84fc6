"""The reads of `genoseq align`: single ones or pairs from the files, and back into files by what became of
them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from genoseq.align.aligner import AlignedBatch
    from genoseq.align.profile import Profile
    from genoseq.errors import InputError
    from genoseq.io.batch import ReadBatch

__all__ = [
    "SortedOut",
    "add_interleaved",
    "add_reads",
    "check_reads",
    "input_batches",
    "naming_reads",
    "warn_of_single_reads",
]


def add_reads(parser: argparse.ArgumentParser) -> None:
    """Add the files of reads."""
    parser.add_argument(
        "reads",
        nargs="+",
        metavar="READS",
        help="FASTQ, FASTA, BAM or SAM, any compression; - for stdin; a second file holds the mates",
    )


def add_interleaved(group: argparse._ArgumentGroup) -> None:
    """Add the option for mates in one file."""
    group.add_argument(
        "--interleaved",
        action="store_true",
        help="the mates of a pair follow each other in one file, also between single reads",
    )


def check_reads(args: argparse.Namespace) -> None:
    """Refuse files of reads that do not go together.

    Raises
    ------
    UsageError
    """
    from genoseq.errors import UsageError

    if len(args.reads) > 2:
        raise UsageError(
            f"{len(args.reads)} files of reads: one, or two of mates, are aligned at a time "
            "(cat joins files of single reads)"
        )
    if len(args.reads) == 2 and args.interleaved:
        raise UsageError("--interleaved is for one file that holds both mates; two files are mates anyway")
    if len({path if path == "-" else os.path.realpath(path) for path in args.reads}) < len(args.reads):
        raise UsageError(f"{args.reads[0]} is given twice: the second file holds the mates of the first")


def input_batches(args: argparse.Namespace, profile: Profile | None) -> Iterator[ReadBatch]:
    """The reads in batches, as the options and the files say, with progress."""
    from genoseq.align.profile import active, step
    from genoseq.cli._progress import Progress
    from genoseq.io.tags import carried_tags

    batches = _batches(args)
    with Progress("genoseq align", "reads", quiet=args.quiet) as progress:
        while True:
            with active(profile), step("read"):
                batch = next(batches, None)
            if batch is None:
                return
            yield carried_tags(batch, args.reads) if args.comments else batch
            progress.add(len(batch))


def _batches(args: argparse.Namespace) -> Iterator[ReadBatch]:
    from genoseq.io.fastx import read_batches
    from genoseq.io.pairs import interleaved_pairs, paired_batches

    if len(args.reads) == 2:
        return paired_batches(*args.reads, tags=args.comments)
    # BAM and SAM tell themselves what is a pair
    return interleaved_pairs(read_batches(args.reads[0], tags=args.comments), flagged=not args.interleaved)


def naming_reads(error: InputError, paths: list[str]) -> InputError:
    """An error about a read with the file that the read is of: mates take turns."""
    from genoseq.errors import InputError
    from genoseq.io.files import shown_path

    if error.path is not None:
        return error
    return InputError(error.message, shown_path(paths[(error.read or 0) % len(paths)]), error.line)


def warn_of_single_reads(args: argparse.Namespace, start: list[ReadBatch]) -> None:
    """Say that --insert has no effect on single reads; --interleaved without pairs is told by its reader."""
    from genoseq.errors import GenoseqWarning

    if args.insert is not None and not args.interleaved and start and start[0].mates is None:
        found = "--insert is for pairs, and these are single reads (mates: a second file, or --interleaved)"
        warnings.warn(found, GenoseqWarning, stacklevel=2)


class SortedOut:
    """The files of --al and --un: reads as they came, by whether they were placed.

    Parameters
    ----------
    placed, others : BinaryIO, optional
        Where reads go that were placed, and the others.
    """

    def __init__(self, placed: BinaryIO | None, others: BinaryIO | None) -> None:
        self._files = ((True, placed), (False, others))

    @classmethod
    @contextlib.contextmanager
    def open(cls, placed: str | None, others: str | None) -> Iterator[SortedOut]:
        """Open the files that are named; they appear when the block ends without an error."""
        from genoseq.io.fastq import open_fastq

        with (
            open_fastq(placed) if placed else contextlib.nullcontext() as first,
            open_fastq(others) if others else contextlib.nullcontext() as second,
        ):
            yield cls(first, second)

    def write(self, aligned: AlignedBatch) -> None:
        """Write the reads of a batch; names of mates end in /1 and /2."""
        from dataclasses import replace

        from genoseq.io.fastq import format_fastq

        mapped, reads = aligned.mapped, aligned.reads
        for wanted, file in self._files:
            if file is None:
                continue
            rows = (mapped == wanted).nonzero()[0]
            some = replace(reads.select(rows), mates=None if reads.mates is None else reads.mates[rows])
            file.write(format_fastq(some, mates=True, comments=True))
