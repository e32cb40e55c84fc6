"""Models of peptides that count: how often a letter follows others. What a network has to beat.

Order 1 counts letters, order 3 words of three. A longer context is trusted the more often it was seen, and
the fewer letters followed it (interpolation of Witten and Bell, IEEE Trans. Inf. Theory 1991); the shortest
falls back on 1/20. Beginnings are contexts as well; X is no letter, and what follows it begins anew.

A letter is predicted from those before it, or, as the pseudo-perplexity does, from all others of the peptide:
then it is the share of the peptide with this letter among those with any of the twenty in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.protein import AMINO_ACIDS, encode_protein

__all__ = ["LetterModel"]

_LETTERS = len(AMINO_ACIDS)
_EDGE = _LETTERS  # in a context: nothing, or something unknown
_LONGEST = 5

Floats = NDArray[np.float64]


class LetterModel:
    """Counts of words of up to `order` letters.

    Parameters
    ----------
    peptides : iterable of str
        To learn from.
    order : int
        1 to 5.
    """

    def __init__(self, peptides: Iterable[str], order: int) -> None:
        if not 1 <= order <= _LONGEST:
            raise UsageError(f"an order of {order}; 1..{_LONGEST} is expected")
        self.order = order
        self._counts: dict[tuple[int, ...], Floats] = defaultdict(lambda: np.zeros(_LETTERS))
        for peptide in peptides:
            codes = self._codes(peptide)
            for place in range(order - 1, len(codes)):
                if codes[place] != _EDGE:
                    for size in range(order):
                        self._counts[tuple(codes[place - size : place])][codes[place]] += 1
        self._shares: dict[tuple[int, ...], Floats] = {}

    def log_perplexity(self, peptide: str, *, both_sides: bool = False) -> float:
        """Mean of -ln p of the letters, nats; those that are none of the twenty do not count.

        Parameters
        ----------
        peptide
        both_sides
            Predict each letter from all others, in place of those before it.

        Raises
        ------
        UsageError
            If no letter counts.
        """
        codes = self._codes(peptide)
        places = [place for place in range(self.order - 1, len(codes)) if codes[place] != _EDGE]
        if not places:
            raise UsageError(f"the peptide {peptide!r} has none of the 20 amino acids")
        found = self._from_all if both_sides else self._from_those_before
        return float(-np.mean([found(codes, place) for place in places]))

    def _codes(self, peptide: str) -> list[int]:
        codes = np.minimum(encode_protein(peptide), _EDGE).tolist()
        return [_EDGE] * (self.order - 1) + codes

    def _from_those_before(self, codes: list[int], place: int) -> float:
        return float(np.log(self._following(tuple(codes[place - self.order + 1 : place]))[codes[place]]))

    def _from_all(self, codes: list[int], place: int) -> float:
        """Only the words that the letter is in differ."""
        logs = np.log(self._following(tuple(codes[place - self.order + 1 : place])))
        own = codes[place]
        for other in range(place + 1, min(place + self.order, len(codes))):
            if codes[other] == _EDGE:
                continue
            for letter in range(_LETTERS):
                context = [*codes[other - self.order + 1 : other]]
                context[place - other] = letter
                logs[letter] += np.log(self._following(tuple(context))[codes[other]])
        top = logs.max()
        return float(logs[own] - top - np.log(np.exp(logs - top).sum()))

    def _following(self, context: tuple[int, ...]) -> Floats:
        """Probability of each letter behind a context."""
        known = self._shares.get(context)
        if known is None:
            shorter = self._following(context[1:]) if context else np.full(_LETTERS, 1 / _LETTERS)
            counts = self._counts.get(context)
            if counts is None:
                known = shorter
            else:
                kinds = np.count_nonzero(counts)
                known = (counts + kinds * shorter) / (counts.sum() + kinds)
            self._shares[context] = known
        return known
