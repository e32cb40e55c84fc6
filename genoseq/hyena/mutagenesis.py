"""In-silico mutagenesis: the scores of all substitutions of a region.

Alleles in one window share it (`genoseq.hyena.variants`): with windows of 1,024 bp on a grid of 128 bp a
substitution costs some 1,200 positions of the network instead of 4,096.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.hyena.alleles import Variant
from genoseq.hyena.variants import VariantScorer
from genoseq.index.genome import contig_length
from genoseq.sequence import AMBIGUOUS, decode

_BASES = 2048  # of a region at a time


@dataclass(frozen=True)
class Mutagenesis:
    """Scores of all substitutions in a region.

    Attributes
    ----------
    contig : str
    start : int
        First base, 0-based.
    codes : ndarray, shape (length,), dtype uint8
        Bases of the reference (`genoseq.sequence`).
    llr : ndarray, shape (length, 4), dtype float64
        Score of A, C, G and T at each base, nats; NaN for the base of the reference, and where that is
        unknown.
    """

    contig: str
    start: int
    codes: NDArray[np.uint8]
    llr: NDArray[np.float64]

    @property
    def letters(self) -> str:
        """Bases of the reference; N for what is not A, C, G or T."""
        return decode(self.codes)


def saturate(
    scorer: VariantScorer, contig: str, start: int, end: int, tell: Callable[[int], object] | None = None
) -> Mutagenesis:
    """Score all substitutions of a region: in-silico mutagenesis.

    Parameters
    ----------
    contig, start, end
        The region, 0-based half-open.
    tell : callable, optional
        Called now and then with how many more substitutions are done.

    Raises
    ------
    InputError
        If the genome has no such region.
    """
    contig_length(scorer.genome, contig)
    codes = scorer.genome.contig_codes(contig, start, end)
    llr = np.full((len(codes), 4), np.nan)
    for first in range(0, len(codes), _BASES):
        part = codes[first : first + _BASES]
        places = [
            (at, base) for at, ref in enumerate(part) if ref < AMBIGUOUS for base in range(4) if base != ref
        ]
        variants = [
            Variant(contig, start + first + at, "ACGT"[part[at]], "ACGT"[base]) for at, base in places
        ]
        rows, columns = np.array(places, np.int64).reshape(-1, 2).T
        llr[first + rows, columns] = scorer.score(variants, tell=tell).llr
    return Mutagenesis(contig, start, codes, llr)
