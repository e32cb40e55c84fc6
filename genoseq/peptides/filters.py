"""Filters as expressions: ``charge>=0,gravy<0.5,difficulty!=oxidation``.

Conditions are joined by commas, and all must hold. A condition is a property, a comparison (<, <=, >, >=, =,
!=) and a number; `difficulty` is compared with the name of a flag (= it is among the flags, != it is not).
`length` and `perplexity` count as properties too.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genoseq.errors import UsageError
from genoseq.peptides.properties import NAMES

__all__ = ["Condition", "parse_filters", "rejected_by"]

KNOWN = (*NAMES, "length", "perplexity")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(<=|>=|==|!=|<|>|=)\s*(.+?)\s*")
_TEXT = "difficulty"


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes
    ----------
    name, comparison : str
    value : float or str
        Text for `difficulty`.
    """

    name: str
    comparison: str
    value: float | str

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, str) else f"{self.value:g}"
        return f"{self.name}{self.comparison}{value}"

    def holds(self, properties: Mapping[str, object]) -> bool:
        """Whether a peptide passes."""
        found = properties[self.name]
        if self.name == _TEXT:
            is_among = self.value in str(found).split(", ")
            return is_among == (self.comparison != "!=")
        return bool(_COMPARISONS[self.comparison](found, self.value))


def parse_filters(text: str) -> list[Condition]:
    """Read an expression.

    Raises
    ------
    UsageError
        If it is not written as the module says, or a property is not known.

    Examples
    --------
    >>> [str(each) for each in parse_filters("charge >= 0, gravy<0.5")]
    ['charge>=0', 'gravy<0.5']
    """
    conditions = []
    for part in text.split(","):
        found = _CONDITION.fullmatch(part)
        if found is None:
            raise UsageError(
                f"filter {part.strip()!r} is not understood; a property, a comparison and a number are "
                "expected, for example charge>=0,gravy<0.5"
            )
        name, comparison, value = found.groups()
        if name not in KNOWN:
            close = difflib.get_close_matches(name, KNOWN, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(KNOWN)}"
            raise UsageError(f"filter {part.strip()!r}: no property is called {name!r}; {hint}")
        conditions.append(Condition(name, comparison, _value(name, comparison, value)))
    return conditions


def _value(name: str, comparison: str, text: str) -> float | str:
    if name == _TEXT:
        if comparison not in ("=", "==", "!="):
            raise UsageError(f"filter {name}{comparison}{text}: flags are there (=) or not (!=)")
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"filter {name}{comparison}{text}: {text!r} is not a number") from None


def rejected_by(conditions: Sequence[Condition], properties: Mapping[str, object]) -> Condition | None:
    """The first condition that a peptide fails; None if it passes all."""
    return next((each for each in conditions if not each.holds(properties)), None)
