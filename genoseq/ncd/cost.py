"""Cost: how many bits a sequence takes under a model of other sequences.

A model gives every known base a probability that depends on the bases before it; the base costs minus the
binary logarithm of it. An arithmetic coder would write that many bits, so the sum is the compressed size
without a compressor, and the sum over a sequence that the model has not seen is its *relative* compression.
Unknown bases (code 4) cost nothing and end the context: what follows is as far from what went before as the
beginning of a sequence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.sequence import AMBIGUOUS


class SequenceModel(ABC):
    """What can say how much a sequence costs. Nothing here changes the model."""

    @abstractmethod
    def probabilities(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What comes next at each place.

        Parameters
        ----------
        sequence : ndarray, shape (n,), dtype uint8
            Base codes (`genoseq.sequence`).

        Returns
        -------
        ndarray, shape (n, 4), dtype float32
            Row ``i`` is the distribution of base ``i`` given all bases before it; it adds up to 1. Rows of
            unknown bases are 1/4.
        """

    @abstractmethod
    def costs(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Bits of each base.

        Parameters
        ----------
        sequence : ndarray, shape (n,), dtype uint8
            Base codes (`genoseq.sequence`).

        Returns
        -------
        ndarray, shape (n,), dtype float32
            0 for an unknown base.
        """

    def bits(self, sequence: NDArray[np.uint8]) -> float:
        """Bits of a whole sequence: its relative compression by this model."""
        return float(self.costs(sequence).sum(dtype=np.float64))

    def bits_per_base(self, sequences: Iterable[NDArray[np.uint8]]) -> float:
        """Bits for each known base of sequences, each of which starts anew.

        Raises
        ------
        InputError
            If they hold no known base.
        """
        bits, bases = 0.0, 0
        for sequence in sequences:
            bits += self.bits(sequence)
            bases += known_bases(sequence)
        if not bases:
            raise InputError("no base is known (A, C, G or T): there is nothing to score")
        return bits / bases


def known_bases(sequence: NDArray[np.uint8]) -> int:
    """Bases that are A, C, G or T: what a cost per base is divided by."""
    return int(np.count_nonzero(sequence < AMBIGUOUS))
