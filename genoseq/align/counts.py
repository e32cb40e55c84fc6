"""Statistics of a run as whole numbers, for a file, and back: by them the parts of a sample are added up.

What `Statistics.to_dict` tells is for readers: bins that fit what was counted. Bins of two runs differ, so
this is the other form, everything as it was counted. Values of histograms that did not occur are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genoseq.align.histogram import LONGEST, Histogram
from genoseq.align.statistics import Coverage, Statistics

__all__ = ["add_statistics", "counts_of", "statistics_of"]

_MOST = 2**53  # a larger count is none: JSON of other programs holds no larger whole number exactly


def counts_of(statistics: Statistics, names: Sequence[str]) -> dict[str, Any]:
    """Everything that was counted, as numbers, lists and mappings for JSON.

    Parameters
    ----------
    statistics
    names
        Of the contigs.

    Returns
    -------
    dict
        `contigs` (names, lengths in bp, aligned bases), `bins` (aligned bases in the bins of the largest
        contigs), `mapqs`, `identities` (thousandths), `lengths`, `clips` (start, end) and `inserts` (bp) as
        value -> count; `sums` (columns, edits), `pairs`.
    """
    coverage = statistics.coverage
    return {
        "contigs": {
            "names": list(names),
            "lengths": coverage.lengths.tolist(),
            "bases": coverage.bases.tolist(),
        },
        "bins": coverage.bins.tolist(),
        "mapqs": _sparse(statistics.mapqs),
        "identities": _sparse(statistics.identities),
        "sums": statistics.sums.tolist(),
        "lengths": statistics.lengths.to_dict(),
        "clips": [clips.to_dict() for clips in statistics.clips],
        "inserts": statistics.inserts.to_dict(),
        "pairs": statistics.pairs.tolist(),
    }


def statistics_of(counts: Mapping[str, Any]) -> tuple[list[str], Statistics]:
    """Names of the contigs, and the statistics that `counts_of` told, also after a way through JSON.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not as `counts_of` tells it.
    """
    names = [str(name) for name in counts["contigs"]["names"]]
    lengths = _whole(counts["contigs"]["lengths"], len(names))
    coverage = Coverage.none(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    coverage.bases[:] = _whole(counts["contigs"]["bases"], len(names))
    coverage.bins[:] = _whole(counts["bins"], len(coverage.bins))
    start, end = (_histogram(each) for each in counts["clips"])
    found = Statistics(
        coverage, lengths=_histogram(counts["lengths"]), clips=(start, end),
        inserts=_histogram(counts["inserts"]),
    )  # fmt: skip
    for name, values in (("mapqs", found.mapqs), ("identities", found.identities)):
        for value, count in _items(counts[name], len(values) - 1):
            values[value] = count
    found.sums[:] = _whole(counts["sums"], len(found.sums))
    found.pairs[:] = _whole(counts["pairs"], len(found.pairs))
    return names, found


def add_statistics(total: Statistics, other: Statistics) -> None:
    """Count in `total` what another run on the same genome counted."""
    total.coverage.bases[:] += other.coverage.bases
    total.coverage.bins[:] += other.coverage.bins
    for name in ("mapqs", "identities", "sums", "pairs"):
        getattr(total, name)[:] += getattr(other, name)
    mine, theirs = ((each.lengths, each.inserts, *each.clips) for each in (total, other))
    for one, two in zip(mine, theirs, strict=True):
        one.counts[:] += two.counts


def _sparse(counts: NDArray[np.int64]) -> dict[int, int]:
    some = np.flatnonzero(counts)
    return dict(zip(some.tolist(), counts[some].tolist(), strict=True))


def _items(counts: Mapping[Any, Any], most: int) -> list[tuple[int, int]]:
    """Value and count, which JSON gives as text and number."""
    found = [(int(value), count) for value, count in counts.items()]
    _whole([count for _, count in found], len(found))
    if any(not 0 <= value <= most for value, _ in found):
        raise ValueError(f"a value out of 0..{most}")
    return found


def _histogram(counts: Mapping[Any, Any]) -> Histogram:
    return Histogram.of(dict(_items(counts, LONGEST)))


def _whole(values: ArrayLike, length: int) -> NDArray[np.int64]:
    found = np.asarray(values)
    if found.shape != (length,) or (length and found.dtype != np.int64):
        raise ValueError(f"{length} whole numbers are expected, not {found.shape} of {found.dtype}")
    if length and (found.min() < 0 or found.max() > _MOST):
        raise ValueError("a count out of range")
    return found.astype(np.int64)
