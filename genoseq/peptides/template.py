"""Which letters a peptide may have where: a length, fixed letters, classes, letters to avoid.

K??R????       K first, R fourth, any letter elsewhere
[KR]??[^P]     K or R first; not P at the end
C???????C      as for a disulfide bridge of the ends
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.protein import AMINO_ACIDS

__all__ = ["LONGEST", "Template"]

LONGEST = 100
"""Letters: PepMLM was trained on up to 50, and longer binders are proteins."""
_PART = re.compile(r"\[(\^?)([A-Za-z]+)\]|([A-Za-z?])")


@dataclass(frozen=True, eq=False)
class Template:
    """Letters that are allowed.

    Attributes
    ----------
    allowed : ndarray, shape (length, 20), dtype bool
        By place and amino acid, in the order of `genoseq.protein.AMINO_ACIDS`.
    """

    allowed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        length = len(self.allowed)
        if not 1 <= length <= LONGEST:
            raise UsageError(f"a peptide of {length} letters; 1..{LONGEST} are possible")
        if not self.allowed.any(1).all():
            place = int(np.argmin(self.allowed.any(1))) + 1
            raise UsageError(f"no letter is left for place {place} of the peptide")

    def __len__(self) -> int:
        return len(self.allowed)

    @classmethod
    def of_length(cls, length: int, avoid: str = "") -> Template:
        """Any letters but some.

        Raises
        ------
        UsageError
            If the length is out of range, or nothing is left.
        """
        return cls(np.ones((max(length, 0), len(AMINO_ACIDS)), bool)).avoiding(avoid)

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template.

        Raises
        ------
        UsageError
            If it is not written as the module says.

        Examples
        --------
        >>> Template.parse("K?[^P]").allowed.sum(1).tolist()
        [1, 20, 19]
        """
        rows, at = [], 0
        while at < len(text):
            part = _PART.match(text, at)
            if part is None:
                raise UsageError(
                    f"template {text!r}: {text[at]!r} at place {at + 1} is not understood; {_HELP}"
                )
            negated, several, one = part.groups()
            row = letters(several or one) if one != "?" else np.ones(len(AMINO_ACIDS), bool)
            rows.append(~row if negated else row)
            at = part.end()
        if not rows:
            raise UsageError(f"the template is empty; {_HELP}")
        return cls(np.array(rows))

    def avoiding(self, avoid: str) -> Template:
        """Without some letters, where they are not all that is allowed: what is fixed stays.

        Raises
        ------
        UsageError
            If nothing is left at a place.
        """
        if not avoid:
            return self
        is_fixed = self.allowed.sum(1, keepdims=True) == 1
        return Template(self.allowed & (is_fixed | ~letters(avoid)))

    def bridged(self, first: int, second: int) -> Template:
        """With cysteines at two places, 0-based, and none elsewhere: a disulfide bridge.

        Raises
        ------
        UsageError
            If a place is not in the peptide, or is of another letter.
        """
        cysteine = AMINO_ACIDS.index("C")
        if not 0 <= first < second < len(self):
            raise UsageError(f"a bridge from {first + 1} to {second + 1} in a peptide of {len(self)} letters")
        allowed = self.allowed.copy()
        for place in (first, second):
            if not allowed[place, cysteine]:
                raise UsageError(f"place {place + 1} of the peptide cannot be C, as a bridge wants")
            allowed[place] = np.arange(len(AMINO_ACIDS)) == cysteine
        others = np.setdiff1d(np.arange(len(self)), [first, second])
        allowed[others, cysteine] = False
        return Template(allowed)

    def fits(self, text: str) -> bool:
        """Whether a peptide is as the template says."""
        if len(text) != len(self):
            return False
        codes = [AMINO_ACIDS.find(letter) for letter in text]
        return min(codes) >= 0 and bool(self.allowed[np.arange(len(self)), codes].all())


_HELP = "letters, ? for any, [KR] for one of several, [^P] for none of several"


def letters(text: Iterable[str]) -> NDArray[np.bool_]:
    """Which amino acids stand in a text: bool (20,).

    Raises
    ------
    UsageError
        If a letter is none of the twenty.
    """
    found = np.zeros(len(AMINO_ACIDS), bool)
    for letter in text:
        place = AMINO_ACIDS.find(letter.upper())
        if place < 0:
            raise UsageError(f"{letter!r} is none of the 20 amino acids ({AMINO_ACIDS})")
        found[place] = True
    return found
