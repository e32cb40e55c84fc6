"""Regions of a genome from BED files.

Coordinates of BED are those of genoseq, 0-based and half-open. Only the first six columns are read; lines
that begin with ``#``, ``track`` or ``browser``, and empty lines, are no regions (UCSC,
https://genome.ucsc.edu/FAQ/FAQformat.html#format1).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.files import StrPath, open_input

__all__ = ["Region", "read_bed"]

_HEADERS = (b"#", b"track ", b"track\t", b"browser ", b"browser\t")
_STRAND_COLUMN = 6
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Region:
    """A part of a contig.

    Attributes
    ----------
    contig : str
    start, end : int
        bp, 0-based, half-open; never empty.
    strand : str
        "+", "-", or "." where the file does not tell.
    line : int
        Where it stands in the file, 1-based.
    """

    contig: str
    start: int
    end: int
    strand: str
    line: int


def read_bed(path: StrPath) -> Iterator[Region]:
    """The regions of a BED file, compressed or not, in its order; "-" is standard input.

    Raises
    ------
    InputError
        With path and line: fewer than three columns, coordinates that are no numbers, a region that is empty
        or begins before 0, another strand than "+", "-" and ".".

    Warns
    -----
    GenoseqWarning
        If there is no region at all.
    """
    with open_input(path) as stream:
        count = 0
        for number, line in stream.lines():
            if line.strip() and not line.startswith(_HEADERS):
                count += 1
                yield _region(line, stream.path, number)
        if not count:
            warnings.warn(f"{stream.path}: there are no regions in it", GenoseqWarning, stacklevel=2)


def _region(line: bytes, path: str, number: int) -> Region:
    text = line.decode("latin-1")
    fields = text.split("\t") if "\t" in text else text.split()
    if len(fields) < 3:
        found = f"{len(fields)} column{'s' if len(fields) > 1 else ''} in a line of BED: {text[:40]!r}"
        raise InputError(f"{found}; contig, start and end are expected, with tabs between", path, number)
    if not all(_NUMBER.fullmatch(field) for field in fields[1:3]):
        found = f"start and end of a region are {fields[1]!r} and {fields[2]!r}; whole numbers are expected"
        raise InputError(found, path, number)
    start, end = int(fields[1]), int(fields[2])
    if not 0 <= start < end:
        found = f"a region from {start:,} to {end:,}; the start is 0 or more, and the end above it"
        raise InputError(found, path, number)
    strand = fields[_STRAND_COLUMN - 1] if len(fields) >= _STRAND_COLUMN else "."
    if strand not in ("+", "-", "."):
        raise InputError(f"the strand is {strand!r}; '+', '-' or '.' is expected", path, number)
    return Region(fields[0], start, end, strand, number)
