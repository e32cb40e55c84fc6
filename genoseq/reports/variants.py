"""What a report says of scored variants: scores by kind and by length of indels, alleles at both ends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import counted
from genoseq.hyena.alleles import SKIPPED
from genoseq.hyena.tally import KINDS, LENGTHS, UNKNOWN, Allele, Distribution, ScoreTally, joined
from genoseq.plots import indel_plot, scores_plot
from genoseq.reports.page import Cell, Chapter, Share, card, facts_panel, figure, of_each, percent, table

__all__ = ["chapter", "score_edges"]

_BINS = 60  # of a figure, at most
_ENDS = 0.005  # of the scores at each end that are not drawn
_LONGEST = 24  # bases of an allele that are shown
_GROUPS = {"Substitutions": KINDS[:2], "Insertions and deletions": KINDS[2:]}
_REASONS = {**SKIPPED, UNKNOWN: "no score, and the file does not say why"}


def chapter(samples: Mapping[str, ScoreTally]) -> Chapter:
    """The chapter of one or several files.

    Parameters
    ----------
    samples
        What was counted, by sample.
    """
    names, tallies = list(samples), list(samples.values())
    title = escape(names[0]) if len(names) == 1 else f"Variants of {counted(len(names), 'sample')}"
    sections = [_overview(samples)] if len(names) > 1 else []
    sections += of_each(samples, partial(_sample, several=len(names) > 1))
    records = sum(tally.records for tally in tallies)
    alleles = sum(tally.alleles for tally in tallies)
    lead = f"{counted(records, 'record')} with {counted(alleles, 'ALT allele')}, scored by HyenaDNA."
    return Chapter("variants", title, lead, list(_cards(tallies)), sections)


def _cards(tallies: Sequence[ScoreTally]) -> Iterator[str]:
    alleles, scored = (sum(getattr(each, name) for each in tallies) for name in ("alleles", "scored"))
    yield card("Alleles", f"{alleles:,}", f"in {counted(sum(each.records for each in tallies), 'record')}")
    yield card("Scored", percent(scored, alleles), counted(scored, "allele"))
    yield card("Without a score", f"{alleles - scored:,}", percent(alleles - scored, alleles))
    for kind in KINDS:
        total = sum(each.kinds[kind].total for each in tallies if kind in each.kinds)
        if total:
            yield card(
                _plural(kind).capitalize() if kind.islower() else _plural(kind),
                f"{total:,}",
                percent(total, scored),
            )


def _overview(samples: Mapping[str, ScoreTally]) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            escape(name), tally.records, tally.alleles, Share(tally.scored, tally.alleles),
            *(_median(tally.kinds.get(kind)) for kind in KINDS),
        )
        for name, tally in samples.items()
    ]  # fmt: skip
    head = ("sample", "records", "alleles", "scored", *map(_plural, KINDS))
    caption = "Alleles of each sample, and the median score of each kind (log-likelihood ratio, nats)"
    return f"<h2>Samples</h2>\n{table(caption, head, rows, tall=True)}"


def _sample(name: str, tally: ScoreTally, *, several: bool) -> Iterator[str]:
    heading, whose = (escape(name), f" of {escape(name)}") if several else ("Scores", "")
    yield f"<h2>{heading}</h2>"
    yield '<div class="grid">'
    yield from _by_kind(tally, whose)
    if tally.lengths:
        yield _by_length(tally, whose)
    yield "</div><p></p>"
    yield _kinds(tally)
    if tally.scored:
        words = "The {} likely alleles: the model prefers {}"
        yield '<p></p><div class="grid">'
        yield _extremes(tally.least(), words.format("least", "REF"))
        yield _extremes(tally.most(), words.format("most", "ALT"))
        yield "</div>"
    if tally.skipped:
        yield "<p></p>" + _skipped(tally)
    if tally.how:
        yield "<p></p>" + facts_panel({"scored by": escape(tally.how)})


def _by_kind(tally: ScoreTally, whose: str) -> Iterator[str]:
    """Figures of the scores; indels, which pay for their bases, have an axis of their own."""
    for title, kinds in _GROUPS.items():
        some = {_plural(kind): tally.kinds[kind] for kind in kinds if kind in tally.kinds}
        if some:
            yield _distributions(f"{title}{whose}", some)
    if not tally.kinds:
        yield figure(f"Scores{whose}", None, "No allele has a score.")


def _distributions(title: str, kinds: Mapping[str, Distribution]) -> str:
    every = joined(kinds.values())
    edges = score_edges(every)
    series = {name: scores.binned(edges) for name, scores in kinds.items()}
    drawn = sum(int(counts.sum()) for counts in series.values())
    caption = (
        "Log-likelihood of the sequence with ALT minus that with REF, nats; each kind as shares of its own. "
        f"Median {every.quantile(0.5):.2f}, from {every.low:,.2f} to {every.high:,.2f}."
    )
    if drawn < every.total:
        caption += f" Not drawn: {counted(every.total - drawn, 'allele')} farther out."
    return figure(
        title, partial(scores_plot, edges, series, x="log-likelihood ratio (nats)", y="alleles (%)"), caption
    )


def score_edges(scores: Distribution) -> NDArray[np.float64]:
    """Borders of bins to show scores in (nats), without the few that are far out: 0 is a border."""
    low, high = min(scores.quantile(_ENDS), 0.0), max(scores.quantile(1 - _ENDS), 0.0)
    width, step = 0.01, 0
    while (high - low) / width > _BINS - 2:
        width *= (2, 2.5, 2)[step % 3]  # 0.01, 0.02, 0.05, 0.1, ..
        step += 1
    first, last = math.floor(low / width + 1e-9), math.floor(high / width + 1e-9) + 1
    return np.arange(first, last + 1, dtype=np.float64) * width


def _by_length(tally: ScoreTally, whose: str) -> str:
    groups = sorted(tally.lengths)
    quartiles = [[tally.lengths[group].quantile(share) for share in (0.25, 0.5, 0.75)] for group in groups]
    deletions = sum(group < 0 for group in groups)
    total = sum(each.total for each in tally.lengths.values())
    return figure(
        f"Indels by length{whose}",
        partial(
            indel_plot, [_length(abs(group)) for group in groups], quartiles,
            y="log-likelihood ratio (nats)", first=deletions,
        ),
        f"Median and quartiles of {counted(total, 'indel')}. An indel also pays for its bases: compare it "
        "with others of its length.",
    )  # fmt: skip


def _length(longest: float) -> str:
    """A group of lengths in words: it ends with `longest`."""
    if math.isinf(longest):
        return f"> {LENGTHS[-1]}"
    at = LENGTHS.index(int(longest))
    first = LENGTHS[at - 1] + 1 if at else 1
    return f"{first}" if first == longest else f"{first}–{longest:.0f}"


def _kinds(tally: ScoreTally) -> str:
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        if (scores := tally.kinds.get(kind)) is None:
            continue
        quartiles = [f"{scores.quantile(share):.2f}" for share in (0.25, 0.5, 0.75)]
        rows.append((_plural(kind), scores.total, f"{scores.low:,.2f}", *quartiles, f"{scores.high:,.2f}"))
    head = ("kind", "alleles", "least", "first quartile", "median", "third quartile", "largest")
    return table("Scores by kind, nats", head, rows)


def _extremes(alleles: Sequence[Allele], caption: str) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{escape(each.contig)}:{each.position:,}", escape(each.name),
            f"<code>{_shown(each.ref)}&gt;{_shown(each.alt)}</code>", each.llr,
        )
        for each in alleles
    ]  # fmt: skip
    return table(caption, ("place", "ID", "allele", "nats"), rows)


def _shown(allele: str) -> str:
    text = allele if len(allele) <= _LONGEST else f"{allele[:_LONGEST]}… ({len(allele):,} bp)"
    return escape(text)


def _skipped(tally: ScoreTally) -> str:
    rows: list[tuple[Cell, ...]] = [
        (escape(reason), escape(_REASONS.get(reason, "")), count, Share(count, tally.alleles))
        for reason, count in tally.skipped.most_common()
    ]
    return table("Alleles without a score, by reason", ("reason", "", "alleles", "share"), rows)


def _median(scores: Distribution | None) -> str:
    return f"{scores.quantile(0.5):.2f}" if scores is not None and scores.total else "–"


def _plural(kind: str) -> str:
    return kind if kind == "complex" else f"{kind}s"
