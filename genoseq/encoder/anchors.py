"""Anchors: where in a sequence a context is embedded, and in which direction.

An anchor is an occurrence of a short word that differs from its own reverse complement, such as ``AC``. Where
the forward strand says ``AC`` the context is read forward; where it says ``GT`` the *reverse* strand says
``AC`` and the context is read as its reverse complement. An anchor therefore fixes phase **and** strand: a
read and its locus put the same bases at the same places of the context, whichever strand the read came from,
and one query serves both strands.

::

    ...TTGCATTGAC|AC|GGATTC...      forward anchor, context read left to right
    ...TTGCATTGAC|GT|GGATTC...      reverse anchor, context read right to left, complemented
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.sequence import encode, reverse_complement

NO_ANCHOR = 255
"""Entry of the rule table for a word that anchors nothing."""


@dataclass(frozen=True)
class AnchorWords:
    """The words that anchor contexts.

    Parameters
    ----------
    words : tuple of str
        Words of one length over ``ACGT``; none may equal its own reverse complement or the reverse complement
        of another.

    Raises
    ------
    UsageError
        If the words cannot anchor both phase and strand.
    """

    words: tuple[str, ...] = ("AC", "GA")

    def __post_init__(self) -> None:
        seen: set[str] = set()
        if not self.words or len({len(word) for word in self.words}) != 1:
            raise UsageError(
                f"anchor words must all have one length, found {', '.join(self.words) or 'none'}"
            )
        for word in self.words:
            codes = encode(word)
            if codes.max() > 3:
                raise UsageError(f"anchor word {word} holds letters other than A, C, G and T")
            both = {word, "".join("ACGT"[c] for c in reverse_complement(codes))}
            if len(both) == 1 or both & seen:
                raise UsageError(
                    f"anchor word {word} equals a reverse complement and cannot tell the strands apart"
                )
            seen |= both

    @property
    def length(self) -> int:
        """Length of a word in bp."""
        return len(self.words[0])

    def rule(self) -> NDArray[np.uint8]:
        """Table from a word (2 bits a base) to its kind.

        Returns
        -------
        ndarray, shape (4**length,), dtype uint8
            ``2 * number of the word + orientation`` (0 forward, 1 reverse), or `NO_ANCHOR`.
        """
        table = np.full(4**self.length, NO_ANCHOR, np.uint8)
        for number, word in enumerate(self.words):
            codes = encode(word).astype(np.int64)
            for orientation, said in enumerate((codes, 3 - codes[::-1])):
                table[int("".join(str(c) for c in said), 4)] = 2 * number + orientation
        return table


@numba.njit(cache=True, nogil=True)
def find_anchors(
    codes: NDArray[np.uint8],
    lo: int,
    hi: int,
    rule: NDArray[np.uint8],
    length: int,
    positions: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> int:
    """Anchors of ``codes[lo:hi]``, in order of position.

    Parameters
    ----------
    codes : ndarray, dtype uint8
        Base codes 0 to 3, 4 for anything else.
    lo, hi : int
        Half-open stretch to look at.
    rule, length
        `AnchorWords.rule` and `AnchorWords.length`.
    positions : ndarray, shape (>= hi - lo,), dtype int64
        Receives the first base of each anchor on the forward strand (an index into `codes`).
    kinds : ndarray, shape (>= hi - lo,), dtype uint8
        Receives ``2 * word + orientation``.

    Returns
    -------
    int
        How many were found.
    """
    count = 0
    word = 0
    valid = 0
    mask = (1 << (2 * length)) - 1
    for i in range(lo, hi):
        base = codes[i]
        if base > 3:
            valid = 0
            continue
        word = ((word << 2) | base) & mask
        valid += 1
        if valid >= length and rule[word] != NO_ANCHOR:
            positions[count] = i - length + 1
            kinds[count] = rule[word]
            count += 1
    return count
