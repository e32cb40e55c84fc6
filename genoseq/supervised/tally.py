"""Labels counted: what a report tells of a table that `genoseq classify` wrote."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.table import Table

__all__ = ["BINS", "NONE", "LabelTally", "tally_labels"]

NONE = "none"
"""Label of what `genoseq classify --reject` refuses."""
BINS = 50
"""Of confidence, from 0 to 1."""


@dataclass
class LabelTally:
    """What is known of the labels of a file.

    Attributes
    ----------
    classes : tuple of str
        In the order of the table.
    labels : Counter
        Sequences of each class, and of `NONE`.
    confident, refused : ndarray, shape (BINS,), dtype int64
        Sequences by the probability of their label; of `NONE`, by that of the most probable class.
    """

    classes: tuple[str, ...]
    labels: Counter[str] = field(default_factory=Counter)
    confident: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    refused: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @property
    def sequences(self) -> int:
        """How many were counted."""
        return self.labels.total()

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, and `NONE` if a sequence has no class."""
        return (*self.classes, NONE) if self.rejected else self.classes

    @property
    def rejected(self) -> int:
        """Sequences without a class."""
        return 0 if NONE in self.classes else self.labels[NONE]

    def median(self) -> float:
        """Median probability of the labels, to a bin; NaN if there is none."""
        sums = np.cumsum(self.confident)
        if not sums[-1]:
            return math.nan
        return (float(np.searchsorted(sums, (sums[-1] + 1) // 2)) + 0.5) / BINS

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON."""
        return {
            "sequences": self.sequences,
            "labels": {name: self.labels[name] for name in self.classes},
            "rejected": self.rejected,
            "median_probability": self.median(),
            "probability": {"edges": np.arange(BINS + 1) / BINS, "counts": self.confident},
        }


def tally_labels(table: Table) -> LabelTally:
    """Count the labels of a table.

    Raises
    ------
    InputError
        With the line, if a label is no class of the table or a probability no number of 0 to 1.

    Warns
    -----
    GenoseqWarning
        If there are no rows.
    """
    columns = [at for at, name in enumerate(table.columns) if name.startswith("p_")]
    places = {table.columns[at].removeprefix("p_"): at for at in columns}
    label = table.columns.index("label")
    found = LabelTally(tuple(places))
    for number, row in table.rows:
        name = row[label]
        chosen = columns if name == NONE and NONE not in places else [places.get(name, -1)]
        if chosen == [-1]:
            raise InputError(f"the label {name!r} has no column p_{name}", table.path, number)
        try:
            share = max(float(row[at]) for at in chosen)
        except ValueError as error:
            raise InputError(f"is no probability ({error})", table.path, number) from error
        if not -1e-6 <= share <= 1 + 1e-6:
            raise InputError(f"a probability of {share:g}; 0 to 1 is expected", table.path, number)
        found.labels[name] += 1
        counts = found.confident if len(chosen) == 1 and name in places else found.refused
        counts[min(max(int(share * BINS + 1e-9), 0), BINS - 1)] += 1
    if not found.sequences:
        warnings.warn(f"{table.path}: there are no rows in it", GenoseqWarning, stacklevel=2)
    return found
