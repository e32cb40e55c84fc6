"""The targets of long reads, all against minimap2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from long_reads import REAL
from speed import Speed, speed_of
from targets import Figures, Row

LONG = "genoseq-long"
RIVAL = "minimap2-ont"
_SLACK = 0.2  # points of identity


def long_rows(figures: Figures) -> Iterator[Row]:
    """Right as often as minimap2, half as fast, alignments as good."""
    found = figures.long()
    for genome in figures.genomes:
        records = {d: record for (g, d), record in found.items() if g == genome and d != REAL}
        what = f"long reads, {genome}"
        yield from _compare(records, f"{what}: right", ">= minimap2's", long_right, "{:.2f}")
        yield from _quality_and_speed(records, what)
    records = {d: record for (_, d), record in found.items() if d == REAL}
    what = "real PacBio reads of E. coli"
    for rival in (RIVAL, "minimap2-pb"):
        target = f">= {rival}'s"
        yield from _compare(records, f"{what}: aligned over >= 80 %", target, _covered, "{}", rival=rival)
        bases = f"{what}: % of bases aligned"
        yield from _compare(records, bases, target, long_aligned, "{:.2f}", rival=rival)
    yield from _quality_and_speed(records, what)


def _quality_and_speed(records: dict[Any, dict[str, Any]], what: str) -> Iterator[Row]:
    target = f">= minimap2's - {_SLACK}"
    yield from _compare(records, f"{what}: identity", target, long_identity, "{:.2f}", slack=_SLACK)
    speed = f"{what}: reads a CPU second"
    yield from _compare(records, speed, ">= 0.5x minimap2", _median_speed, "{:,.0f}", share=0.5)


def _compare(
    records: dict[Any, dict[str, Any]], what: str, target: str,
    figure: Callable[[dict[str, Any], str], float], form: str, *,
    rival: str = RIVAL, share: float = 1.0, slack: float = 0.0,
) -> Iterator[Row]:  # fmt: skip
    """One row: a figure of genoseq and of its rival at each divergence; met if it is at all of them."""
    parts, met = [], True
    for divergence, record in sorted(records.items()):
        if not {LONG, rival} <= record["tools"].keys():
            continue
        ours, theirs = figure(record, LONG), figure(record, rival)
        met &= ours >= share * theirs - slack - 1e-9
        words = f"{form.format(ours)} against {form.format(theirs)}"
        words += f" ({ours / theirs:.2f}x)" if share < 1 else ""
        parts.append(words if divergence == REAL else f"{divergence} %: {words}")
    if parts:
        yield Row(what, target, "; ".join(parts), met)


def long_right(record: dict[str, Any], tool: str) -> float:
    """Per cent of the reads that are placed right."""
    return 100 * sum(record["tools"][tool]["counts"]["right"].values()) / record["number"]


def long_identity(record: dict[str, Any], tool: str) -> float:
    """Mean identity of the primary alignments (%)."""
    return 100 * record["tools"][tool]["identity"]


def long_aligned(record: dict[str, Any], tool: str) -> float:
    """Per cent of all bases that primary and supplementary lines align."""
    return 100 * record["tools"][tool]["aligned"] / record["bases"]


def long_speed(record: dict[str, Any], tool: str) -> Speed:
    """Reads a CPU second."""
    return speed_of(record["number"], record["tools"][tool]["rounds"])


def _covered(record: dict[str, Any], tool: str) -> int:
    return record["tools"][tool]["covered"]


def _median_speed(record: dict[str, Any], tool: str) -> float:
    return long_speed(record, tool).median
