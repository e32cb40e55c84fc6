"""A genome to look up stretches in: by its index where there is one, else read into memory.

Both give the same bases. With ``REF.fa.fai`` beside the FASTA (and ``REF.fa.gz.gzi`` for BGZF) a look-up
reads a few kilobytes, and work begins at once. Any other FASTA, plain or compressed in any way, and 2bit are
read once into two bits a base: a human genome takes a minute and 0.8 GB.
"""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.index.reference import Reference
from genoseq.io.faidx import IndexedFasta, fasta_indexes
from genoseq.io.files import StrPath
from genoseq.io.twobit import is_twobit, read_twobit
from genoseq.sequence import decode, encode

__all__ = ["Genome", "contig_length", "open_genome", "parse_region"]

_REGION = re.compile(r"(.+):([\d,]+)-([\d,]+)")


class Genome(Protocol):
    """Contigs with names, of which any stretch can be had; `Reference` and `IndexedFasta` are such."""

    @property
    def names(self) -> list[str]:
        """Of the contigs."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Of the contigs, bp."""

    def contig_codes(self, contig: str, start: int, end: int, /) -> NDArray[np.uint8]:
        """Base codes of a stretch, 0-based half-open."""


def open_genome(source: StrPath | Mapping[str, str] | Genome) -> Genome:
    """A genome from a FASTA or 2bit file, from letters by contig, or as it is.

    Raises
    ------
    InputError
        If the file cannot be read, or letters are no nucleotides.

    Warns
    -----
    GenoseqWarning
        If an index is there but older than the FASTA: then it is not used.
    """
    if isinstance(source, Mapping):
        for letters in source.values():
            encode(letters)  # tells what is no nucleotide
        return Reference.from_sequences(source.items())
    if not isinstance(source, str | os.PathLike):
        return source
    if not Path(source).is_file():  # missing, a folder, standard input, a pipe: read_fasta tells
        return Reference.from_fasta(source)  # type: ignore[arg-type]
    if is_twobit(source):
        return Reference.from_sequences((name, decode(codes)) for name, codes in read_twobit(source))
    indexes = fasta_indexes(source)
    if not all(index.is_file() for index in indexes):
        return Reference.from_fasta(os.fspath(source))
    changed = Path(source).stat().st_mtime
    if old := [index for index in indexes if index.stat().st_mtime < changed]:
        message = (
            f"{old[0]} is older than the FASTA and is not used: all of it is read; samtools faidx renews it"
        )
        warnings.warn(message, GenoseqWarning, stacklevel=2)
        return Reference.from_fasta(os.fspath(source))
    return IndexedFasta(source)


def contig_length(genome: Genome, contig: str) -> int:
    """Length of a contig, bp.

    Raises
    ------
    InputError
        If there is none of that name, with the one that was probably meant.
    """
    names = genome.names
    if contig in names:
        return int(genome.lengths[names.index(contig)])
    other = contig[3:] if contig.startswith("chr") else f"chr{contig}"
    mitochondria = {"chrM": "MT", "MT": "chrM"}.get(contig, other)
    near = next((name for name in (other, mitochondria) if name in names), None)
    if near is not None:
        hint = f"it is {near!r} there: rename one of them (bcftools annotate --rename-chrs)"
    elif close := difflib.get_close_matches(contig, names, 1):
        hint = f"did you mean {close[0]!r}?"
    else:
        hint = f"it has {', '.join(names[:5])}{', ..' if len(names) > 5 else ''}"
    raise InputError(f"the reference has no contig {contig!r}; {hint}")


def parse_region(text: str, genome: Genome) -> tuple[str, int, int]:
    """A region as samtools has it, ``CONTIG:START-END``, 1-based with both ends; or a whole contig.

    Returns
    -------
    contig, start, end
        0-based, half-open.

    Raises
    ------
    UsageError
        If it is not written so.
    InputError
        If the reference has no such contig, or it ends before.

    Examples
    --------
    >>> genome = open_genome({"chr1": "ACGTACGTAC"})
    >>> parse_region("chr1:2-5", genome), parse_region("chr1", genome)
    (('chr1', 1, 5), ('chr1', 0, 10))
    """
    found = _REGION.fullmatch(text)
    if text in genome.names or found is None:
        if ":" in text and text not in genome.names:
            raise UsageError(f"region {text!r}: expected CONTIG:START-END, the first base being 1")
        return text, 0, contig_length(genome, text)
    contig, first, last = found[1], *(int(number.replace(",", "") or 0) for number in found.groups()[1:])
    length = contig_length(genome, contig)
    if not 1 <= first <= last:
        raise UsageError(f"region {text!r}: START is 1 or more and not beyond END")
    if last > length:
        raise InputError(f"region {text!r} leaves the contig, which has {length:,} bp")
    return contig, first - 1, last
