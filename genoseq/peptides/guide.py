"""A small model of two classes of peptides, wanted and unwanted, that leads a decoder.

Naive Bayes on the letters of a peptide, wherever they stand: the two distributions of letters, each with a
count added, and the same chance for both classes. As in GeDi the log-odds are divided by the number of
letters, so that a peptide half written is judged as a whole one is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.protein import AMINO_ACIDS, encode_protein

__all__ = ["Guide"]

_ADDED = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Guide:
    """What letters say about the class.

    Attributes
    ----------
    odds : ndarray, shape (20,), dtype float64
        Logarithm of the share of each letter in wanted peptides, divided by that in unwanted ones.
    """

    odds: Floats

    @classmethod
    def fit(cls, wanted: Sequence[str], unwanted: Sequence[str]) -> Guide:
        """Learn from peptides of both classes.

        Raises
        ------
        InputError
            If a class has none, or a letter is no amino acid.

        Examples
        --------
        >>> guide = Guide.fit(["KRKK", "RKRG"], ["LIVL", "VVLG"])
        >>> AMINO_ACIDS[guide.odds.argmax()]
        'K'
        """
        shares = []
        for name, peptides in (("wanted", wanted), ("unwanted", unwanted)):
            if not len(peptides):
                raise InputError(f"no {name} peptides to learn from")
            codes = np.concatenate([encode_protein(text) for text in peptides])
            counts = np.bincount(codes[codes < len(AMINO_ACIDS)], minlength=len(AMINO_ACIDS)) + _ADDED
            shares.append(counts / counts.sum())
        return cls(np.log(shares[0]) - np.log(shares[1]))

    def log_wanted(self, peptides: NDArray[np.int64]) -> Floats:
        """Logarithm of the probability of the wanted class, for each letter that may come next.

        Parameters
        ----------
        peptides
            int64 (n, length), codes of amino acids; -1 is not written yet.

        Returns
        -------
        ndarray, shape (n, 20), dtype float64
        """
        written = peptides >= 0
        sums = np.where(written, self.odds[peptides], 0).sum(1)
        mean = (sums[:, None] + self.odds) / (written.sum(1)[:, None] + 1)
        return -np.logaddexp(0, -mean * peptides.shape[1])

    def probability(self, peptides: Sequence[str]) -> Floats:
        """Probability of the wanted class, of whole peptides: float64 (n,)."""
        found = []
        for text in peptides:
            codes = encode_protein(text)
            found.append(self.odds[codes[codes < len(AMINO_ACIDS)]].sum())
        return 1 / (1 + np.exp(-np.array(found)))
