"""Twins: sequences that occur again, within a part of the data or in another one.

A method that looks the answer up is right on every test sequence that has a twin among those it learned, and
the published accuracy of many data sets is mostly that. The report counts, for each pair of parts (species,
files, or the two sides of a split), how many sequences of the one have a twin in the other: the same letters,
the same on the other strand, or a near-twin of the same cluster (`genoseq.supervised.homology`). Equal
sequences with different labels are counted by themselves: no method can be right on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError
from genoseq.supervised.splits import groups_of

__all__ = ["DuplicateReport", "Twins", "find_duplicates"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Twins:
    """How many sequences of one part have a twin in another, or within their own.

    Attributes
    ----------
    part, among : str
        Whose sequences are counted, and where their twins are.
    sequences : int
        Of `part`.
    same : int
        Those that occur in `among` with the same letters.
    opposite : int
        Of the others, those whose reverse complement does.
    near : int
        Of the others, those with a member of their cluster there; 0 without clusters.
    contradicted : int
        Those with a twin, on either strand, of another label.
    """

    part: str
    among: str
    sequences: int
    same: int
    opposite: int
    near: int
    contradicted: int


@dataclass(frozen=True)
class DuplicateReport:
    """What occurs again.

    Attributes
    ----------
    sequences, distinct : int
        All, and those that are left if equal ones and reverse complements are counted once.
    rows : tuple of Twins
        A row for each part with itself and with each of the others.
    conflicts : tuple of tuple of int
        Numbers of equal sequences (or reverse complements) that do not all have one label.
    clusters, mixed_clusters : int
        Clusters, and those of several labels; 0 without clusters.
    """

    sequences: int
    distinct: int
    rows: tuple[Twins, ...]
    conflicts: tuple[tuple[int, ...], ...]
    clusters: int
    mixed_clusters: int

    columns = ("part", "among", "sequences", "same", "opposite strand", "near", "other label")
    """Names of the columns of `table`."""

    def table(self) -> list[list[object]]:
        """The rows as cells."""
        return [
            [row.part, row.among, row.sequences, row.same, row.opposite, row.near, row.contradicted]
            for row in self.rows
        ]

    def to_dict(self) -> dict[str, object]:
        """As plain values."""
        rows = [dict(zip(self.columns, cells, strict=True)) for cells in self.table()]
        return {
            "sequences": self.sequences, "distinct": self.distinct, "twins": rows,
            "conflicts": [list(numbers) for numbers in self.conflicts],
            "clusters": self.clusters, "mixed_clusters": self.mixed_clusters,
        }  # fmt: skip


def find_duplicates(
    codes: Sequence[npt.NDArray[np.uint8]],
    labels: Sequence[object] | npt.NDArray[np.generic],
    parts: Sequence[str] = (),
    clusters: Numbers | None = None,
) -> DuplicateReport:
    """Find what occurs again.

    Parameters
    ----------
    codes
        Base codes of the sequences (of proteins those of amino acids, which have no other strand: `opposite`
        then means nothing).
    labels
        Of each sequence.
    parts
        Name of the part of each sequence; all are of one part, "all", by default.
    clusters
        int64 (n,), of near-twins.

    Raises
    ------
    UsageError
        If there are not as many labels, parts or clusters as sequences.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> texts = "AAAC", "GGCA", "GTTT", "AAAC"
    >>> report = find_duplicates([encode(text) for text in texts], "xyxz", ["dog", "dog", "human", "human"])
    >>> report.distinct, report.conflicts
    (2, ((0, 2, 3),))
    >>> report.rows[1]
    Twins(part='dog', among='human', sequences=2, same=1, opposite=0, near=0, contradicted=1)
    """
    names = list(parts) or ["all"] * len(codes)
    for what, given in (("labels", labels), ("parts", names), ("clusters", clusters)):
        if given is not None and len(given) != len(codes):
            raise UsageError(f"{len(codes)} sequences and {len(given)} {what}; one each is needed")
    _, label = np.unique(np.asarray(list(labels)), return_inverse=True)
    equal = _numbered([each.tobytes() for each in codes])
    either = groups_of(codes)
    places = {name: np.array([other == name for other in names], bool) for name in dict.fromkeys(names)}
    rows = tuple(
        _twins(name, other, (places[name], places[other]), equal, either, clusters, label)
        for name in places
        for other in places
    )
    conflicts = tuple(tuple(np.flatnonzero(either == group).tolist()) for group in _mixed(either, label))
    count, mixed = (0, 0) if clusters is None else (len(np.unique(clusters)), len(_mixed(clusters, label)))
    return DuplicateReport(len(codes), int(either.max(initial=-1)) + 1, rows, conflicts, count, mixed)


def _twins(
    name: str,
    other: str,
    masks: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    equal: Numbers,
    either: Numbers,
    clusters: Numbers | None,
    label: Numbers,
) -> Twins:
    own, there = masks
    itself = int(name == other)  # a sequence is no twin of its own

    def found(numbers: Numbers) -> Numbers:
        """How many of the other part have the number of each sequence of this one."""
        return np.bincount(numbers[there], minlength=int(numbers.max()) + 1)[numbers[own]] - itself

    same, twin = found(equal) > 0, found(either)
    alike = found(either * (int(label.max()) + 1) + label)
    near = found(clusters) > 0 if clusters is not None else np.zeros_like(same)
    return Twins(
        name, other, int(own.sum()), int(same.sum()), int(((twin > 0) & ~same).sum()),
        int((near & (twin == 0)).sum()), int((twin > alike).sum()),
    )  # fmt: skip


def _numbered(keys: Sequence[bytes]) -> Numbers:
    """A number for each different key."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


def _mixed(groups: Numbers, label: Numbers) -> list[int]:
    """Groups with several labels."""
    pairs = np.unique(np.stack([groups, label]), axis=1)
    several, counts = np.unique(pairs[0], return_counts=True)
    return several[counts > 1].tolist()
