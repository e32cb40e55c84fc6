"""Truth: where a simulated read is from stands in its name, which every aligner carries into its output.

`NUMBER:CONTIG:START0:END0:STRAND`, 0-based and half-open on the reference; the contig may hold colons. The
mates of a pair share a name, which has the place of the second after that of the first:
`NUMBER:CONTIG:START0:END0:STRAND:START0:END0:STRAND`. Reads that come from nowhere have the contig `random`
(uniform bases) or `foreign` (another genome).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from genoseq.errors import InputError

__all__ = ["FOREIGN", "RANDOM", "Truth", "origin_names", "parse_truth"]

RANDOM, FOREIGN = "random", "foreign"  # contig names of reads without a place on the reference
_TRUTH = re.compile(r"(\d+):(.+?):(\d+):(\d+):([+-])(?::(\d+):(\d+):([+-]))?")


class Truth(NamedTuple):
    """Where a simulated read is from.

    Attributes
    ----------
    number
        0-based number of the read in its file.
    contig
        Name of the contig, or `random` or `foreign`.
    start, end
        0-based half-open interval on the contig (bp).
    strand
        `+` or `-`.
    """

    number: int
    contig: str
    start: int
    end: int
    strand: str

    @property
    def is_foreign(self) -> bool:
        """Whether the read has no place on the reference."""
        return self.contig in (RANDOM, FOREIGN)


def parse_truth(name: str, *, mate: int = 1) -> Truth:
    """Read the origin of a simulated read from its name.

    Parameters
    ----------
    name
        Name of the read, or of a pair.
    mate
        1, or 2 for the second mate of a pair.

    Raises
    ------
    InputError
        When the name does not have the form `NUMBER:CONTIG:START0:END0:STRAND`, for a pair with
        `:START0:END0:STRAND` of the second mate.

    Examples
    --------
    >>> parse_truth("7:HLA:A*01:100:250:-")
    Truth(number=7, contig='HLA:A*01', start=100, end=250, strand='-')
    >>> parse_truth("8:chr1:100:250:+:380:530:-", mate=2)
    Truth(number=8, contig='chr1', start=380, end=530, strand='-')
    """
    match = _TRUTH.fullmatch(name)
    place = None if match is None else match.groups()[2:5] if mate == 1 else match.groups()[5:8]
    if match is None or place is None or place[0] is None or int(place[0]) > int(place[1]):
        raise InputError(
            f"read name {name!r} does not tell the origin of the read; expected "
            f"NUMBER:CONTIG:START0:END0:STRAND{'' if mate == 1 else ' of each mate'}, as genoseq simulate "
            "writes it"
        )
    return Truth(int(match[1]), match[2], int(place[0]), int(place[1]), place[2])


def origin_names(first: int, names: list[str], places: np.ndarray, mates: int) -> list[bytes]:
    """Names of reads (or of pairs, each twice), which tell where they are from."""
    rows = [(names[c], f"{start}:{end}:{'-+'[not reverse]}") for c, start, end, reverse in places.tolist()]
    if mates == 1:
        return [f"{first + i}:{contig}:{place}".encode() for i, (contig, place) in enumerate(rows)]
    titles = []
    for i in range(0, len(rows), 2):
        titles += [f"{first + i // 2}:{rows[i][0]}:{rows[i][1]}:{rows[i + 1][1]}".encode()] * 2
    return titles
