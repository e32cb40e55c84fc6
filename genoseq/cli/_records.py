"""The sequences of `genoseq embed` and `genoseq classify`: records of a file, or regions of a genome."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from genoseq.cli._options import nearest
from genoseq.errors import InputError
from genoseq.io.vectors import Entry
from genoseq.sequence import AMBIGUOUS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genoseq.hyena.windows import Window
    from genoseq.index.reference import Reference

__all__ = ["Record", "read_nucleotides", "read_records", "read_regions"]


@dataclass(frozen=True)
class Record:
    """A sequence to embed or to classify.

    Attributes
    ----------
    sequence : str
        Name of the record or contig.
    start, end : int
        The part of it, bp, 0-based, half-open.
    strand : str
        "-" if the tokens are those of the reverse strand.
    whole : bool
        Whether it is the whole record.
    tokens : ndarray, dtype uint8
    others : int
        Letters that are neither a base nor N.
    """

    sequence: str
    start: int
    end: int
    strand: str
    whole: bool
    tokens: NDArray[np.uint8]
    others: int

    @cached_property
    def entry(self) -> Entry:
        """How it is called in files."""
        name = self.sequence if self.whole else self._name(self.start, self.end)
        return Entry(name, self.sequence, self.start, self.end, self.strand)

    def part(self, window: Window) -> Entry:
        """How one of its windows is called."""
        start, end = self.start + window.start, self.start + window.end
        if self.strand == "-":
            start, end = self.end - window.end, self.end - window.start
        return Entry(self._name(start, end), self.sequence, start, end, self.strand)

    def _name(self, start: int, end: int) -> str:
        return f"{self.sequence}:{start}-{end}{'(-)' if self.strand == '-' else ''}"


def read_records(path: str) -> Iterator[Record]:
    """The records of a file of any kind that genoseq reads, and of 2bit.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from genoseq.hyena.tokenizer import tokens_of

    for name, codes, others in read_nucleotides(path):
        yield Record(name, 0, len(codes), "+", True, tokens_of(codes), others)


def read_nucleotides(path: str) -> Iterator[tuple[str, NDArray[np.uint8], int]]:
    """Name, base codes, and letters that are neither a base nor N, of each record of such a file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from genoseq.io.fastx import read_batches
    from genoseq.io.twobit import is_twobit, read_twobit

    if path != "-" and is_twobit(path):
        for name, codes in read_twobit(path):
            yield name, codes, 0
        return
    for batch in read_batches(path, batch_bases=1 << 20):
        for i, (start, end) in enumerate(zip(batch.offsets[:-1], batch.offsets[1:], strict=True)):
            codes = batch.codes[start:end]
            yield batch.name(i), codes, _others(codes, batch.letters[start:end])


def read_regions(genome: str, bed: str, *, stranded: bool) -> Iterator[Record]:
    """The regions of a BED file, in its order; the genome is read once and kept at two bits a base.

    Parameters
    ----------
    genome : str
        FASTA.
    stranded : bool
        Read regions of the - strand as their reverse complement.

    Raises
    ------
    InputError
        If a file cannot be read, or a region is not in the genome.
    """
    from genoseq.hyena.tokenizer import reverse_complement, tokens_of
    from genoseq.index.reference import Reference
    from genoseq.io.bed import read_bed
    from genoseq.io.files import shown_path
    from genoseq.sequence import ENCODE_TABLE

    regions = list(read_bed(bed))  # what is wrong with any of them is told before the long work
    if not regions:
        return
    reference = Reference.from_fasta(genome)
    places = {
        name: (int(at), int(length))
        for name, at, length in zip(reference.names, reference.offsets, reference.lengths, strict=False)
    }
    for region in regions:
        if region.contig not in places:
            raise InputError(_unknown(region.contig, genome, reference), shown_path(bed), region.line)
        if region.end > (length := places[region.contig][1]):
            found = (
                f"{region.contig}:{region.start}-{region.end} ends behind the contig, which has {length:,} bp"
            )
            raise InputError(found, shown_path(bed), region.line)
    for region in regions:
        at, _ = places[region.contig]
        letters = reference.letters(at + region.start, at + region.end)
        codes = ENCODE_TABLE[letters]
        tokens, strand = tokens_of(codes), "+"
        if stranded and region.strand == "-":
            tokens, strand = reverse_complement(tokens), "-"
        yield Record(region.contig, region.start, region.end, strand, False, tokens, _others(codes, letters))


def _unknown(contig: str, genome: str, reference: Reference) -> str:
    some = ", ".join(reference.names[:3]) + (", .." if len(reference.names) > 3 else "")
    hint = nearest(contig, reference.names) or f"it has {some}"
    return f"contig {contig!r} is not in {genome}; {hint}"


def _others(codes: NDArray[np.uint8], letters: NDArray[np.uint8]) -> int:
    return int(((codes == AMBIGUOUS) & (letters != ord("N"))).sum())
