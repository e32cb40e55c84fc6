"""SAM, BAM and CRAM out: the header, and an output that takes blocks of SAM lines.

The aligner formats SAM text in blocks. SAM goes straight to the file; for BAM, CRAM and for sorting the same
text goes through a pipe to samtools (`htslib`), which parses, sorts, compresses and indexes. Every file
appears under its name when it is complete (`files.replacing`).
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.io.files import StrPath, check_output, input_error, open_output, replacing
from genoseq.io.htslib import HtslibWriter, destination, remove_indexes
from genoseq.io.origin import Origin, read_group_id

__all__ = [
    "SORT_MEMORY",
    "AlignmentOutput",
    "alignment_format",
    "header_text",
    "kept_read_groups",
    "open_alignment_output",
    "parse_read_group",
    "read_group_of",
]

SORT_MEMORY = 256 << 20
"""Bytes of records that are sorted in memory, all threads together; more are sorted in pieces on disk."""
_LONGEST_BAI = 1 << 29  # bp, SAM specification, section 5.2: longer contigs need a CSI index
_INDEXES = {"bam": (".bai", ".csi"), "cram": (".crai",)}
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9]):([ -~]+)")  # SAM specification, section 1.3


class AlignmentOutput(Protocol):
    """What `open_alignment_output` gives."""

    def write(self, block: bytes | npt.NDArray[np.uint8], /) -> object:
        """Take whole SAM lines, each with its line end."""


def header_text(
    references: Iterable[tuple[str, int, str | None]],
    *,
    read_groups: Iterable[str] = (),
    program_version: str,
    command_line: str,
    sort_order: str = "unsorted",
) -> str:
    """The header of a SAM file: @HD, @SQ, @RG, @PG, each line with its end.

    Parameters
    ----------
    references
        Name, length in bp, and MD5 (SAM tag M5; None leaves it out) of each contig, in the order of the
        reference.
    read_groups
        Lines `@RG`, as `parse_read_group` makes them and files have them.
    program_version, command_line
        For @PG; line ends and tabs in the command become spaces.
    sort_order
        SO of @HD: unsorted, queryname or coordinate.

    Examples
    --------
    >>> print(
    ...     header_text([("chr1", 100, None)], program_version="0.1.0", command_line="genoseq align r.fq"),
    ...     end="",
    ... )
    @HD VN:1.6 SO:unsorted
    @SQ SN:chr1 LN:100
    @PG ID:genoseq PN:genoseq VN:0.1.0 CL:genoseq align r.fq
    """
    lines = [f"@HD\tVN:1.6\tSO:{sort_order}"]
    for name, length, md5 in references:
        lines.append(f"@SQ\tSN:{name}\tLN:{length}" + (f"\tM5:{md5}" if md5 else ""))
    lines += read_groups
    command = "".join(letter if letter.isprintable() else " " for letter in command_line)
    lines.append(f"@PG\tID:genoseq\tPN:genoseq\tVN:{program_version}\tCL:{command}")
    return "\n".join(lines) + "\n"


def parse_read_group(text: str) -> str:
    r"""A read group as the user types it, as a header line.

    Parameters
    ----------
    text
        `@RG\tID:x\tSM:y` with tabs or with the two characters backslash and t, or the same without `@RG`.

    Raises
    ------
    UsageError
        Without ID, with a field that is no TAG:VALUE, or with a tag twice.

    Examples
    --------
    >>> parse_read_group(r"ID:lane1\tSM:sample")
    '@RG\tID:lane1\tSM:sample'
    """
    fields = text.replace("\\t", "\t").strip().split("\t")
    if fields[0] == "@RG":
        del fields[0]
    tags: list[str] = []
    for field in fields:
        match = _FIELD.fullmatch(field)
        if match is None:
            raise UsageError(
                rf"read group {text!r}: {field!r} is not TAG:VALUE; expected for example ID:lane1\tSM:name"
            )
        tags.append(match[1])
    if len(set(tags)) < len(tags):
        raise UsageError(f"read group {text!r}: a tag occurs twice")
    if "ID" not in tags:
        raise UsageError(rf"read group {text!r}: there is no ID; expected for example ID:lane1\tSM:name")
    return "\t".join(["@RG", *fields])


def read_group_of(text: str) -> str:
    r"""The read group that an option names: a line (`parse_read_group`), or a file with one @RG line.

    Raises
    ------
    UsageError
        As `parse_read_group`, or if the file holds no @RG line, or several.
    InputError
        If the file cannot be read.
    """
    if not Path(text).is_file():
        return parse_read_group(text)
    try:
        content = Path(text).read_text("ascii", "replace")
    except OSError as error:
        raise input_error(error, text) from error
    lines = [line for line in content.splitlines() if line.startswith("@RG\t")]
    if len(lines) != 1:
        raise UsageError(f"{text}: {len(lines)} lines begin with @RG; expected one read group")
    return parse_read_group(lines[0])


def kept_read_groups(origin: Origin | None, paths: Iterable[StrPath]) -> tuple[str, ...]:
    """The lines `@RG` that come with the reads of SAM and BAM files.

    Parameters
    ----------
    paths
        The files, for messages.

    Raises
    ------
    InputError
        If two files say different things of one ID.
    """
    lines = () if origin is None else origin.read_groups
    known: dict[str, str] = {}
    for line in lines:
        if known.setdefault(read_group_id(line), line) != line:
            raise InputError(
                f"the read group {read_group_id(line)!r} is {known[read_group_id(line)]!r} in one file but "
                f"{line!r} in the other; say with --rg what it shall be",
                " ".join(os.fspath(path) for path in paths),
            )
    return lines


def alignment_format(path: StrPath) -> str:
    """The format that an output path asks for by its suffix: "sam", "bam", "cram" or "paf".

    Raises
    ------
    UsageError
        For compressed text, which is not written.
    """
    name = os.fspath(path).lower()
    if name.endswith((".gz", ".bgz", ".bz2", ".xz", ".zst")):
        raise UsageError(
            f"{os.fspath(path)}: SAM, BAM, CRAM or PAF is written; use a name that ends in .sam, .bam, .cram "
            "or .paf"
        )
    return next((suffix for suffix in ("bam", "cram", "paf") if name.endswith(f".{suffix}")), "sam")


@contextlib.contextmanager
def open_alignment_output(
    path: StrPath,
    header: str,
    *,
    format: str | None = None,
    sort: bool = False,
    threads: int = 1,
    sort_memory: int = SORT_MEMORY,
    level: int | None = None,
    fasta: Callable[[Path], None] | None = None,
) -> Iterator[AlignmentOutput]:
    """Open a SAM, BAM or CRAM file for blocks of SAM lines.

    Parameters
    ----------
    path
        File to write, or "-" for standard output. It appears when the block ends without an error.
    header
        From `header_text`; sorting sets SO to coordinate.
    format
        "sam", "bam" or "cram"; None decides by the suffix, SAM for "-".
    sort
        Sort by coordinate; a BAM file gets an index (.bai, or .csi for contigs beyond 2^29 bp) beside it, a
        CRAM file .crai.
    threads
        For compression and sorting.
    sort_memory
        Bytes that sorting may take for records; more are sorted in pieces beside the output.
    level
        Of compression, 0 (none) to 9 (smallest); None: as samtools does it. SAM has none.
    fasta
        Writes the genome as FASTA to a path; CRAM, which stores what differs from it, needs one.

    Raises
    ------
    InputError
        If the path cannot be written.
    UsageError
        For another format.
    """
    chosen = alignment_format(path) if format is None else format
    if chosen not in ("sam", "bam", "cram"):
        raise UsageError(f"alignment format {chosen!r}; expected sam, bam or cram")
    check_output(path)
    if chosen == "sam" and not sort:
        with open_output(path) as file:
            file.write(header.encode())
            yield cast("AlignmentOutput", file)
        return
    with destination(path) as (target, scratch):
        index = _index_suffix(chosen, header) if chosen != "sam" and sort and scratch is not None else None
        arguments = _samtools_arguments(
            chosen,
            target,
            index,
            sort=sort,
            scratch=scratch,
            threads=threads,
            memory=sort_memory,
            level=level,
        )
        if chosen == "cram":
            if fasta is None or scratch is None:
                raise UsageError(f"{os.fspath(path)}: CRAM is written to a file, with the genome at hand")
            fasta(scratch / "genome.fa")
            arguments[1:1] = ["--reference", os.fspath(scratch / "genome.fa")]
        with HtslibWriter("samtools", arguments, os.fspath(path), "alignments") as samtools:
            samtools.write(header.encode())
            yield samtools
        if scratch is not None:
            remove_indexes(path, _INDEXES.get(chosen, ()))
        if index is not None:
            with replacing(f"{os.fspath(path)}{index}") as temporary:
                Path(target + index).replace(temporary)


def _samtools_arguments(
    format: str,
    target: str,
    index: str | None,
    *,
    sort: bool,
    scratch: Path | None,
    threads: int,
    memory: int,
    level: int | None,
) -> list[str]:
    named = target if index is None else f"{target}##idx##{target}{index}"
    arguments = ["sort" if sort else "view", "--no-PG", "-O", format, "-o", named, "-@", str(threads - 1)]
    if level is not None:
        arguments += ["--output-fmt-option", f"level={level}"]
    if index is not None:
        arguments.append("--write-index")
    if sort:
        prefix = Path(tempfile.gettempdir() if scratch is None else scratch, f"genoseq-sort-{os.getpid()}")
        arguments += ["-m", str(max(memory // threads, 16 << 20)), "-T", os.fspath(prefix)]
    return [*arguments, "-"]


def _index_suffix(format: str, header: str) -> str:
    if format == "cram":
        return ".crai"
    lengths = [int(length) for length in re.findall(r"^@SQ\t.*\bLN:(\d+)", header, re.MULTILINE)]
    return ".csi" if any(length > _LONGEST_BAI for length in lengths) else ".bai"
