"""The targets of pairs of reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from targets import OURS, RIVALS, Figures, Row, at_least


def pair_rows(figures: Figures) -> Iterator[Row]:
    """Pairs: right and proper as often as bwa's, and hardly ever wrong with confidence."""
    for genome in figures.genomes:
        pairs = figures.pairs(genome)
        divergences = [d for d in sorted({d for d, _ in pairs}) if {(d, OURS), (d, "bwa")} <= pairs.keys()]
        if not divergences:
            continue
        for what, share in (("right", pair_right), ("proper", pair_proper)):
            gaps = {d: share(pairs[d, OURS]) - share(pairs[d, "bwa"]) for d in divergences}
            worst = min(gaps, key=gaps.get)
            figure = f"worst at {worst:g} %: {share(pairs[worst, OURS]):.2f} against "
            figure += f"{share(pairs[worst, 'bwa']):.2f} ({gaps[worst]:+.2f})"
            yield Row(
                f"pairs, {genome}: {what}", ">= bwa's - 0.1", figure, round(gaps[worst], 6) >= -0.1 - 1e-9
            )
        last = divergences[-1]
        rivals = {t: pair_right(pairs[last, t]) for t in RIVALS if (last, t) in pairs}
        best = max(rivals, key=rivals.get)
        figure = f"{pair_right(pairs[last, OURS]):.2f} against {rivals[best]:.2f} ({best})"
        met = pair_right(pairs[last, OURS]) > rivals[best]
        yield Row(f"pairs, {genome}, {last:g} %: right", "above every peer", figure, met)
        wrong = {d: pair_wrong(pairs[d, OURS]) for d in divergences if d <= 5}
        worst = max(wrong, key=wrong.get)
        figure = f"{wrong[worst]:.3f} % at {worst:g} %"
        yield Row(
            f"pairs, {genome}: wrong at MAPQ >= 20", "<= 0.02 % up to 5 %", figure, wrong[worst] <= 0.02
        )


def pair_right(record: dict[str, Any]) -> float:
    """Per cent of the mates that are placed right."""
    return 100 * sum(record["counts"]["right"].values()) / record["number"]


def pair_proper(record: dict[str, Any]) -> float:
    """Per cent of the mates that are flagged as of a proper pair."""
    return 100 * record["proper"] / record["number"]


def pair_wrong(record: dict[str, Any]) -> float:
    """Per cent of the mates that are placed wrong at MAPQ >= 20."""
    return 100 * at_least(record["counts"]["wrong"], 20) / record["number"]
