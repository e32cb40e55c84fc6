"""Scores of variants counted: what a report tells of a file that `genoseq variants` wrote.

A file is read once, record by record. Scores fall into bins of one hundredth of a nat, from 20 nats on of a
hundredth of the score, so that memory does not grow with the file and medians are exact to a bin.
"""

from __future__ import annotations

import heapq
import math
import re
import warnings
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError
from genoseq.hyena.alleles import SCORE, SKIP, trim
from genoseq.io.files import InputStream
from genoseq.io.table import Table
from genoseq.io.vcf import Call, read_calls

__all__ = [
    "KINDS",
    "LENGTHS",
    "UNKNOWN",
    "Allele",
    "Distribution",
    "ScoreTally",
    "joined",
    "kind_of",
    "tally_calls",
    "tally_table",
]

KINDS = ("SNV", "MNV", "insertion", "deletion", "complex")
"""One base for another; several for as many; bases put in; taken out; some for another number of them."""
UNKNOWN = "unknown"
"""Why an allele without a score has none, where the file does not say."""
_FINE, _LINEAR, _FAR, _RATIO = 100, 20, 1e6, 1.01  # bins a nat, up to so many nats; then growing bins
_LISTED = 10  # most and least likely alleles
_HELD = 4096  # scores that wait to be counted


def _borders() -> NDArray[np.float64]:
    linear = np.arange(-_LINEAR * _FINE, _LINEAR * _FINE + 1) / _FINE
    outer = _LINEAR * _RATIO ** np.arange(1, math.ceil(math.log(_FAR / _LINEAR, _RATIO)) + 1)
    return np.concatenate([-outer[::-1], linear, outer])


_BORDERS = _borders()
LENGTHS = (*range(1, 11), 15, 20, 30, 50, 100, 200)
"""The longest indel of each group, bp; longer ones are one more group."""


@dataclass
class Distribution:
    """Scores in bins.

    Attributes
    ----------
    counts : ndarray, dtype int64
        By bin; the outermost bins hold what lies beyond.
    low, high : float
        The least and the largest score, nats; infinite if there is none.

    Examples
    --------
    >>> scores = Distribution()
    >>> scores.add(np.array([-1.0, 0.5, 3.0]))
    >>> scores.total, round(scores.quantile(0.5), 3), scores.high
    (3, 0.505, 3.0)
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(_BORDERS) - 1, np.int64))
    low: float = math.inf
    high: float = -math.inf

    def add(self, scores: NDArray[np.float64]) -> None:
        """Count scores (float64[n], nats, finite)."""
        if not len(scores):
            return
        # what is rounded to 4 decimals must not fall below a border of 2
        bins = np.searchsorted(_BORDERS, scores + 1e-9, side="right") - 1
        self.counts += np.bincount(np.clip(bins, 0, len(self.counts) - 1), minlength=len(self.counts))
        self.low, self.high = min(self.low, float(scores.min())), max(self.high, float(scores.max()))

    @property
    def total(self) -> int:
        """How many were counted."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """The middle of the bin in which this share (0-1) of all is reached; NaN if there is none."""
        total = self.total
        if not total:
            return math.nan
        rank = min(max(math.ceil(share * total), 1), total)
        at = int(np.searchsorted(np.cumsum(self.counts), rank))
        middle = float(_BORDERS[at] + _BORDERS[at + 1]) / 2
        return min(max(middle, self.low), self.high)

    def binned(self, edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """Counts between borders, whole bins by their middle; what lies outside is not counted."""
        sums = np.concatenate([[0], np.cumsum(self.counts)])
        middles = (_BORDERS[:-1] + _BORDERS[1:]) / 2
        return np.diff(sums[np.searchsorted(middles, edges)])

    def to_dict(self) -> dict[str, Any]:
        """Number, least, quartiles and largest, for JSON."""
        quartiles = {name: self.quantile(s) for name, s in (("q1", 0.25), ("median", 0.5), ("q3", 0.75))}
        return {"alleles": self.total, "lowest": self.low, **quartiles, "highest": self.high}


class Allele(NamedTuple):
    """An ALT allele with its score (nats); position of REF from 1 on, as in the file."""

    llr: float
    contig: str
    position: int
    name: str
    ref: str
    alt: str


@dataclass
class ScoreTally:
    """What is known of the scores of a file.

    Attributes
    ----------
    how : str
        Model and windows, as the file tells; empty if it does not.
    records : int
        Of VCF; of a table, places with their REF.
    alleles : int
        ALT alleles; a record without ALT counts as one.
    kinds : dict
        Scores by kind (`KINDS`).
    lengths : dict
        Scores of insertions (above 0) and deletions (below) by the longest of their group, bp; infinite
        for what is longer than all other groups.
    skipped : Counter
        Alleles without a score by reason (`genoseq.hyena.alleles.SKIPPED`, `UNKNOWN`).
    """

    how: str = ""
    records: int = 0
    alleles: int = 0
    kinds: dict[str, Distribution] = field(default_factory=dict)
    lengths: dict[float, Distribution] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    _held: dict[tuple[str, float], list[float]] = field(default_factory=dict, repr=False)
    _waiting: int = field(default=0, repr=False)
    _least: list[tuple[float, int, Allele]] = field(default_factory=list, repr=False)
    _most: list[tuple[float, int, Allele]] = field(default_factory=list, repr=False)

    @property
    def scored(self) -> int:
        """Alleles with a score."""
        return sum(each.total for each in self.kinds.values())

    def all(self) -> Distribution:
        """The scores of all kinds."""
        return joined(self.kinds.values())

    def least(self) -> list[Allele]:
        """The least likely alleles, the least likely first; of equal ones the first in the file."""
        return [allele for *_, allele in sorted(self._least, reverse=True)]

    def most(self) -> list[Allele]:
        """The most likely alleles, the most likely first."""
        return [allele for *_, allele in sorted(self._most, reverse=True)]

    def add(self, allele: Allele) -> None:
        """Count an allele with its score."""
        self.alleles += 1
        kind, length = kind_of(allele.ref, allele.alt)
        self._held.setdefault((kind, _group(length)), []).append(allele.llr)
        self._waiting += 1
        if self._waiting >= _HELD:
            self.flush()
        for heap, key in ((self._least, -allele.llr), (self._most, allele.llr)):
            entry = (key, -self.alleles, allele)
            if len(heap) < _LISTED:
                heapq.heappush(heap, entry)
            elif entry > heap[0]:
                heapq.heapreplace(heap, entry)

    def skip(self, reason: str) -> None:
        """Count an allele without a score."""
        self.alleles += 1
        self.skipped[reason] += 1

    def flush(self) -> None:
        """Count what was held back; to be called after the last allele."""
        for (kind, length), scores in self._held.items():
            values = np.array(scores)
            self.kinds.setdefault(kind, Distribution()).add(values)
            if length:
                self.lengths.setdefault(length, Distribution()).add(values)
        self._held, self._waiting = {}, 0

    def to_dict(self) -> dict[str, Any]:
        """Everything for JSON."""
        return {
            "records": self.records, "alleles": self.alleles, "scored": self.scored,
            "skipped": dict(self.skipped), "how": self.how,
            "kinds": {kind: self.kinds[kind].to_dict() for kind in KINDS if kind in self.kinds},
            "least_likely": [allele._asdict() for allele in self.least()],
            "most_likely": [allele._asdict() for allele in self.most()],
        }  # fmt: skip


def joined(some: Iterable[Distribution]) -> Distribution:
    """The scores of several distributions in one."""
    found = Distribution()
    for each in some:
        found.counts += each.counts
        found.low, found.high = min(found.low, each.low), max(found.high, each.high)
    return found


def kind_of(ref: str, alt: str) -> tuple[str, int]:
    """The kind of an allele (`KINDS`), and the bases that an insertion (+) or deletion (-) is long; else 0.

    Examples
    --------
    >>> kind_of("A", "T"), kind_of("CA", "C"), kind_of("C", "CAT"), kind_of("CAT", "GA")
    (('SNV', 0), ('deletion', -1), ('insertion', 2), ('complex', 0))
    """
    if len(ref) == len(alt) == 1:
        return "SNV", 0
    _, ref, alt = trim(0, ref, alt)
    if not alt and ref:
        return "deletion", -len(ref)
    if not ref and alt:
        return "insertion", len(alt)
    if len(ref) == len(alt):
        return ("SNV" if len(ref) <= 1 else "MNV"), 0
    return "complex", 0


def _group(length: int) -> float:
    """The longest of the group of an indel, with its sign; infinite for the last group."""
    if not length:
        return 0
    at = bisect_left(LENGTHS, abs(length))
    return math.copysign(LENGTHS[at] if at < len(LENGTHS) else math.inf, length)


def tally_calls(stream: InputStream) -> ScoreTally:
    """Count the scores of VCF or BCF.

    Raises
    ------
    InputError
        If it has no scores, or is damaged.
    """
    found = ScoreTally()
    with read_calls(stream) as calls:
        described = calls.info(SCORE)
        if described is None:
            raise InputError(f"has no scores (INFO {SCORE}); score it with genoseq variants", stream.path)
        found.how = re.sub(r"^.*?nats; ", "", described)
        skips = calls.info(SKIP) is not None
        for call in calls:
            found.records += 1
            if not call.alts:
                found.skip("missing")
            try:
                _count(found, call, call.record.info.get(SKIP) if skips else None)
            except (TypeError, ValueError) as error:
                wrong = f"record {call.number}: INFO {SCORE} or {SKIP} has not one value for each ALT allele"
                raise InputError(wrong, stream.path, call.line) from error
    found.flush()
    return found


def _count(found: ScoreTally, call: Call, reasons: Sequence[str | None] | None) -> None:
    """Count the alleles of a record."""
    missing = (None,) * len(call.alts)
    scores = call.record.info.get(SCORE) or missing
    name = call.record.id or "."
    for alt, score, reason in zip(call.alts, scores, reasons or missing, strict=True):
        if score is not None and math.isfinite(score):
            llr = round(float(score), 4)
            found.add(Allele(llr, call.contig, call.position + 1, name, call.ref, alt))
        else:
            found.skip(UNKNOWN if reason in (None, ".") else reason)


def tally_table(table: Table) -> ScoreTally:
    """Count the scores of a table; as `tally_calls`."""
    found, place = ScoreTally(), None
    for number, row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        here = cells["contig"], cells["position"], cells["ref"], cells.get("id")
        found.records += here != place
        place = here
        if not cells["llr"]:
            found.skip(cells.get("skipped") or UNKNOWN)
            continue
        try:
            llr, position = float(cells["llr"]), int(cells["position"])
            if not math.isfinite(llr):
                raise ValueError(f"a score of {llr}")
        except ValueError as error:
            raise InputError(f"is no score of a variant ({error})", table.path, number) from error
        name = cells.get("id") or "."
        found.add(Allele(llr, cells["contig"], position, name, cells["ref"], cells["alt"]))
    found.flush()
    _warn_if_empty(table, found.alleles)
    return found


def _warn_if_empty(table: Table, rows: int) -> None:
    if not rows:
        warnings.warn(f"{table.path}: there are no rows in it", GenoseqWarning, stacklevel=3)
