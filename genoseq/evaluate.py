"""How well an aligner did: accuracy, calibration of MAPQ and recall, from its SAM, BAM or PAF.

A read is **right** when it is placed within `distance` of where it is from, on that contig and strand. Where
it is from stands in its name (`genoseq.simulate`), or, for real reads, in the alignments of another program
(`placements_of`). Only counts by MAPQ are kept of a file, so memory does not grow with it:

    file -> placements, one a read (secondary and supplementary lines are counted) -> verdict -> counts

The start of an alignment is the place of the read's first base: leading clips are taken off. When several
primary lines of a read follow each other (LAST writes such files), the one with the best score counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from os import fspath
from typing import NamedTuple

import numpy as np

from genoseq.errors import InputError, UsageError
from genoseq.io.files import StrPath
from genoseq.io.placements import Placement, read_placements
from genoseq.truth import Truth, parse_truth

__all__ = [
    "MAPQ_BINS",
    "Evaluation",
    "MapqBin",
    "RecallPoint",
    "evaluate",
    "evaluate_against",
    "placements_of",
    "wilson_interval",
]

#: Lowest and highest MAPQ of a row of the calibration table; 255 is "not available" (SAM specification 1.4).
MAPQ_BINS = ((0, 0), (1, 9), (10, 19), (20, 29), (30, 39), (40, 59), (60, 254))
UNAVAILABLE = 255
CONFIDENT = 20  # the MAPQ that users filter at, and that the peers were measured at
MAX_NUMBER = 1 << 31  # reads a file; bounds the bit set of the reads that were seen


def wilson_interval(events: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Confidence interval of a share, by Wilson (1927); 95 % unless told.

    Examples
    --------
    >>> [round(x, 4) for x in wilson_interval(0, 100)]
    [0.0, 0.037]
    """
    if trials == 0:
        return 0.0, 1.0
    share, square = events / trials, z * z
    centre = share + square / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    low, high = (centre - half) / (1 + square / trials), (centre + half) / (1 + square / trials)
    return (0.0 if events == 0 else max(0.0, low)), (1.0 if events == trials else min(1.0, high))


class MapqBin(NamedTuple):
    """A row of the calibration table: reads of MAPQ `low` to `high`, error rates with their 95 % interval."""

    low: int
    high: int
    placed: int
    wrong: int
    observed: float
    interval_low: float
    interval_high: float
    expected: float


class RecallPoint(NamedTuple):
    """Shares of all reads that are placed right and wrong when only MAPQ >= `mapq` is kept."""

    mapq: int
    right: float
    wrong: float


@dataclass
class Evaluation:
    """Counts of one file, or of several added up.

    Attributes
    ----------
    label
        What the file is called in tables and plots.
    right, wrong
        int64[256], reads that have an origin and were placed right or wrong, by MAPQ.
    foreign
        int64[256], reads without an origin on the reference that were placed all the same, by MAPQ.
    unmapped, foreign_unmapped
        Reads in the file that were not placed.
    missing, foreign_missing
        Reads that are not in the file, though they were aligned.
    secondary, supplementary, repeated
        Lines that were not looked at: other places, other parts, and further primary lines of a read.
    unjudged
        Reads whose origin is not known (only against another program's alignments).
    """

    label: str
    right: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    wrong: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    foreign: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    unmapped: int = 0
    foreign_unmapped: int = 0
    missing: int = 0
    foreign_missing: int = 0
    secondary: int = 0
    supplementary: int = 0
    repeated: int = 0
    unjudged: int = 0

    def __add__(self, other: Evaluation) -> Evaluation:
        mine, theirs = vars(self), vars(other)
        return Evaluation(self.label, **{k: mine[k] + theirs[k] for k in mine if k != "label"})

    @property
    def reads(self) -> int:
        """Reads with an origin, placed or not."""
        return self.mapped + self.unmapped + self.missing

    @property
    def mapped(self) -> int:
        """Reads with an origin that were placed."""
        return int(self.right.sum() + self.wrong.sum())

    @property
    def foreign_reads(self) -> int:
        """Reads without an origin on the reference, placed or not."""
        return int(self.foreign.sum()) + self.foreign_unmapped + self.foreign_missing

    def summary(self) -> dict[str, float | int | None]:
        """Counts and shares (0-1); shares of reads that do not exist are None.

        `right_confident` and `wrong_confident` are shares of all reads that have an origin, at MAPQ >= 20.
        """

        def share(count: np.integer | int, of: int) -> float | None:
            return float(count) / of if of else None

        at = slice(CONFIDENT, UNAVAILABLE)
        return {
            "reads": self.reads,
            "mapped": share(self.mapped, self.reads),
            "right": share(self.right.sum(), self.reads),
            "right_confident": share(self.right[at].sum(), self.reads),
            "wrong_confident": share(self.wrong[at].sum(), self.reads),
            "foreign_reads": self.foreign_reads,
            "foreign_placed": share(self.foreign.sum(), self.foreign_reads),
            "foreign_confident": share(self.foreign[at].sum(), self.foreign_reads),
            "unmapped": self.unmapped + self.foreign_unmapped,
            "missing": self.missing + self.foreign_missing,
            "secondary": self.secondary,
            "supplementary": self.supplementary,
            "repeated": self.repeated,
            "unjudged": self.unjudged,
        }

    def calibration(self) -> list[MapqBin]:
        """The calibration table: placed reads with an origin by MAPQ, observed and expected error rates.

        The expected rate is the mean of 10^(-MAPQ/10) over the reads of the bin. Empty bins are left out.
        """
        rows = []
        for low, high in (*MAPQ_BINS, (UNAVAILABLE, UNAVAILABLE)):
            mapq = np.arange(low, high + 1)
            wrong = int(self.wrong[mapq].sum())
            counts = self.right[mapq] + self.wrong[mapq]
            placed = int(counts.sum())
            if placed == 0:
                continue
            expected = (
                math.nan if low == UNAVAILABLE else float((counts * 10.0 ** (-mapq / 10)).sum() / placed)
            )
            rows.append(
                MapqBin(low, high, placed, wrong, wrong / placed, *wilson_interval(wrong, placed), expected)
            )
        return rows

    def recall(self) -> list[RecallPoint]:
        """The recall curve, one point for each MAPQ in the file, from the highest down."""
        if self.reads == 0:
            return []
        order = [*range(UNAVAILABLE - 1, -1, -1)]
        right, wrong = np.cumsum(self.right[order]), np.cumsum(self.wrong[order])
        used = (self.right + self.wrong)[order] > 0
        return [
            RecallPoint(q, float(right[i] / self.reads), float(wrong[i] / self.reads))
            for i, q in enumerate(order)
            if used[i]
        ]

    def to_dict(self) -> dict[str, object]:
        """Everything, for `genoseq.io.table.write_json`."""
        return {
            "label": self.label,
            "summary": self.summary(),
            "calibration": [row._asdict() for row in self.calibration()],
            "recall": [point._asdict() for point in self.recall()],
        }


def _primary(path: StrPath, result: Evaluation) -> Iterator[Placement]:
    """Leave the lines out that do not place a read, and count them."""
    for placement in read_placements(path):
        if placement.secondary:
            result.secondary += 1
        elif placement.supplementary:
            result.supplementary += 1
        else:
            yield placement


def _best_of_each(placements: Iterable[Placement], result: Evaluation) -> Iterator[Placement]:
    """Of primary lines of one read that follow each other the best; an unmapped one is the worst."""
    for _, group in groupby(placements, key=lambda p: (p.name, p.mate)):
        lines = list(group)
        result.repeated += len(lines) - 1
        yield max(lines, key=lambda p: (p.mapped, p.score, p.mapq))


class _Seen:
    """Which reads came by, one bit each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> bool:
        """Note a read; False when it was there before."""
        byte, bit = number >> 3, 1 << (number & 7)
        if byte >= len(self._bits):
            self._bits.extend(bytes(max(byte + 1 - len(self._bits), len(self._bits), 1024)))
        new = not self._bits[byte] & bit
        self._bits[byte] |= bit
        return bool(new)


def evaluate(
    path: StrPath,
    *,
    distance: int = 60,
    reads: int | None = None,
    foreign: bool = False,
    label: str | None = None,
) -> Evaluation:
    """Judge alignments of simulated reads by the origin in their names.

    Parameters
    ----------
    path
        SAM, BAM or PAF, compressed or not; "-" is standard input.
    distance
        Largest distance from the true start that is right (bp).
    reads
        Reads that were aligned; those that are not in the file then count as not placed.
    foreign
        No read of the file has an origin on the reference, whatever its name.
    label
        Name in tables; the path unless told.

    Raises
    ------
    InputError
        For a file that is not what it should be, a name without an origin, or more reads than `reads`.
    UsageError
        When `distance` or `reads` is negative.
    """
    _check_not_negative("distance", distance)
    _check_not_negative("reads", reads)
    result, seen, count = Evaluation(label or fspath(path)), _Seen(), 0
    for placement in _best_of_each(_primary(path, result), result):
        if not foreign:
            truth = _truth(path, placement)
            if not seen.add(2 * truth.number + (placement.mate == 2)):
                result.repeated += 1
                continue
        count += 1
        if foreign or truth.is_foreign:
            if placement.mapped:
                result.foreign[placement.mapq] += 1
            else:
                result.foreign_unmapped += 1
        elif not placement.mapped:
            result.unmapped += 1
        else:
            near = abs(placement.start - truth.start) <= distance
            same = placement.contig == truth.contig and placement.reverse == (truth.strand == "-")
            (result.right if near and same else result.wrong)[placement.mapq] += 1
    if reads is not None:
        if count > reads:
            raise InputError(
                f"holds {count} reads, but {reads} were aligned; check the number of reads", path
            )
        if foreign or (result.reads == 0 and result.foreign_reads):
            result.foreign_missing = reads - count
        else:
            result.missing = reads - count
    return result


def _truth(path: StrPath, placement: Placement) -> Truth:
    try:
        truth = parse_truth(placement.name, mate=max(placement.mate, 1))
    except InputError as error:
        found = f"{error}; reads without it need --foreign or --against"
        raise InputError(found, path, placement.line) from None
    if truth.number >= MAX_NUMBER:
        found = f"read number {truth.number} is too large; expected below {MAX_NUMBER}"
        raise InputError(found, path, placement.line)
    return truth


def _check_not_negative(name: str, value: int | None) -> None:
    if value is not None and value < 0:
        raise UsageError(f"{name}: {value} is out of range; expected 0 or more")


def placements_of(path: StrPath, *, min_mapq: int = CONFIDENT) -> dict[str, list[Placement]]:
    """Read where another program placed each read: primary lines of at least `min_mapq`, by name.

    Memory grows with the file: about 0.5 kB a read.
    """
    if not 0 <= min_mapq <= 255:
        raise UsageError(f"min_mapq: {min_mapq} is out of range; expected 0 to 255")
    places: dict[str, list[Placement]] = {}
    for placement in _primary(path, Evaluation("")):
        if placement.mapped and placement.mapq >= min_mapq:
            places.setdefault(placement.name, []).append(placement)
    return places


def evaluate_against(
    path: StrPath, places: dict[str, list[Placement]], *, distance: int = 60, label: str | None = None
) -> Evaluation:
    """Judge alignments of real reads by those of another program; right is "placed as there".

    Mates are told apart by flag or by a name that ends in /1 or /2. A line that tells no mate may agree with
    either.

    Parameters
    ----------
    path
        SAM, BAM or PAF.
    places
        From `placements_of`; reads that are not in it are not judged.
    distance, label
        As in `evaluate`.
    """
    _check_not_negative("distance", distance)
    result = Evaluation(label or fspath(path))
    left = {name: list(there) for name, there in places.items()}
    others: dict[str, list[Placement]] = {}
    for here in _primary(path, result):
        there = left.get(here.name)
        if there is None:
            result.unjudged += 1
            continue
        for i, other in enumerate(there):
            if _agree(here, other, distance):
                result.right[here.mapq] += 1
                del there[i]
                break
        else:
            others.setdefault(here.name, []).append(here)
    for name, there in left.items():
        unmatched = others.pop(name, [])
        for other in there:
            same = [i for i, here in enumerate(unmatched) if _mates_fit(here, other)]
            if not same:
                result.missing += 1
                continue
            here = unmatched.pop(same[0])
            if here.mapped:
                result.wrong[here.mapq] += 1
            else:
                result.unmapped += 1
        result.unjudged += len(unmatched)
    return result


def _mates_fit(one: Placement, other: Placement) -> bool:
    return one.mate == other.mate or 0 in (one.mate, other.mate)


def _agree(one: Placement, other: Placement, distance: int) -> bool:
    return (
        one.mapped
        and _mates_fit(one, other)
        and one.contig == other.contig
        and one.reverse == other.reverse
        and abs(one.start - other.start) <= distance
    )
