"""The report of a run: one page of HTML that needs no other file, with figures as SVG inside.

The page says what was run and how the reads fared; `genoseq.align.statistics` counts, this file lays out.
What comes from users (sample, command line, names of files and contigs) is escaped, and never reaches a
figure, where matplotlib would read a dollar sign as mathematics. Figures take the colours of the page, which
follow the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from genoseq import __version__
from genoseq.align.histogram import Histogram
from genoseq.align.parts import FATES, Run
from genoseq.align.presets import ANY, REPEAT, Stage, parameters_of
from genoseq.align.statistics import LISTED, PLOTTED, Statistics, largest
from genoseq.errors import counted
from genoseq.io.files import StrPath, open_output
from genoseq.plots import depth_plot, histogram_plot
from genoseq.reports.page import (
    Cell,
    Chapter,
    Share,
    card,
    facts_panel,
    figure,
    page_of,
    percent,
    table,
)

_ALL = 999  # ranks of anchors up to this are all (`genoseq.align.presets`)
_PAIRS = (
    "proper: face to face, as far apart as in the library",
    "both mapped to one contig, but not proper",
    "mapped to two contigs",
    "one mate mapped",
    "no mate mapped",
)


def write_report(path: StrPath, run: Run) -> None:
    """Write the page, whole or not at all; "-" is standard output.

    Raises
    ------
    InputError
        If the path cannot be written.
    MissingDependencyError
        Without matplotlib.
    """
    text = render(run)
    with open_output(path) as file:
        file.write(text.encode())


def render(run: Run) -> str:
    """The page as text."""
    return page_of([chapter(run)])


def chapter(run: Run) -> Chapter:
    """What a page says of a run."""
    index = run.summary["index"]
    lead = f"{_described(run)}, aligned to {escape(index['genome'] or index['path'])}."
    sections = [_reads(run), _figures(run), _cascades(run), _coverage(run), _facts(run)]
    if len(run.parts) > 1:
        sections.append(_parts(run))
    return Chapter("align", escape(run.sample), lead, list(_cards(run)), sections)


def _described(run: Run) -> str:
    lengths = run.statistics.lengths
    low, high = lengths.shortest, lengths.longest
    spread = f"{low:,} bp" if low == high else f"{low:,} to {high:,} bp"
    return counted(run.summary["reads"], "read") + (f" of {spread}" if lengths.total else "")


def _cards(run: Run) -> Iterator[str]:
    s, t = run.summary, run.statistics
    seconds = max(s["seconds"], 1e-3)

    yield card("Reads", f"{s['reads']:,}", f"{s['bases']:,} bases")
    yield card("Mapped", percent(s["mapped"], s["reads"]), counted(s["mapped"], "read"))
    yield card("Mapped surely", percent(s["mapq20"], s["reads"]), "MAPQ 20 or more")
    if s["pairs"]:
        yield card(
            "Proper pairs", percent(s["proper_pairs"], s["pairs"]), f"of {counted(s['pairs'], 'pair')}"
        )
    identity = percent(t.identity, 1) if s["mapped"] else "–"
    yield card("Identity", identity, "of all aligned bases")
    yield card("Depth", f"{t.coverage.mean_depth:,.3g}×", "mean of the genome")
    threads = f"{run.threads} thread" + "s" * (run.threads != "1")
    yield card("Speed", f"{s['reads'] / seconds:,.0f}", f"reads/s, {threads}")


def _reads(run: Run) -> str:
    reads = run.summary["reads"]
    rows = [(FATES[fate], n, Share(n, reads)) for fate, n in run.fates().items()]
    parts = ["<h2>What became of the reads</h2>", '<div class="grid">']
    parts.append(table("All reads", ("reads", "number", "share"), rows))
    if run.summary["pairs"]:
        counts, total = run.statistics.pairs.tolist(), run.summary["pairs"]
        pairs = [(name, n, Share(n, total)) for name, n in zip(_PAIRS, counts, strict=True)]
        parts.append(table("All pairs, by their mates", ("mates", "number", "share"), pairs))
    return "\n".join([*parts, "</div>"])


def _figures(run: Run) -> str:
    s, t = run.summary, run.statistics
    mapped = s["mapped"]
    figures = [_mapq(t, mapped), _identity(t, mapped)]
    if s["pairs"]:
        figures.append(_inserts(t, s["insert"]))
    if t.lengths.shortest < t.lengths.longest:
        figures.append(_lengths(t))
    figures.append(_clips(t, mapped))
    return "\n".join(["<h2>Alignments</h2>", '<div class="grid">', *figures, "</div>"])


def _mapq(t: Statistics, mapped: int) -> str:
    title = "Mapping quality"
    if not mapped:
        return figure(title, None, "No read was mapped.")
    highest = max(60, int(np.flatnonzero(t.mapqs)[-1]))
    counts, sure = t.mapqs[: highest + 1], np.arange(highest + 1) >= 20
    series = {"20 or more": np.where(sure, counts, 0), "below 20": np.where(sure, 0, counts)}
    caption = (
        f"MAPQ is 20 or more for {percent(counts[sure].sum(), mapped)} of the mapped reads, "
        f"and 0 for {percent(counts[0], mapped)}."
    )
    edges = np.arange(highest + 2) - 0.5
    return figure(
        title,
        lambda ax: histogram_plot(edges, series, mapped, ax, x="MAPQ", y="mapped reads (%)"),
        caption,
    )


def _identity(t: Statistics, mapped: int) -> str:
    title = "Identity"
    if not mapped:
        return figure(title, None, "No read was mapped.")
    edges, counts = t.identity_bins()
    caption = (
        f"1 - NM / columns of each alignment, clips left out. Median {100 * t.median_identity():.1f} %; "
        f"{percent(t.identities[-1], mapped)} of the mapped reads have no edit."
    )
    return figure(
        title,
        lambda ax: histogram_plot(
            edges / 10, {"": counts}, mapped, ax, x="identity (%)", y="mapped reads (%)"
        ),
        caption,
    )


def _inserts(t: Statistics, insert: Mapping[str, Any]) -> str:
    title, total = "Insert size", t.inserts.total
    if not total:
        return figure(title, None, "No pair has both mates on one contig.")
    edges = t.insert_edges()
    counts = t.inserts.binned(edges)
    caption = (
        f"Pairs with both mates on one contig, outer distance. Median {t.inserts.quantile(0.5):,} bp; "
        f"proper from {insert['low']:,} to {insert['high']:,} bp ({insert['source']})."
    )
    if total > counts.sum():
        caption += f" Not drawn: {total - counts.sum():,} pairs farther apart."
    return figure(
        title,
        lambda ax: histogram_plot(edges, {"": counts}, total, ax, x="insert size (bp)", y="pairs (%)"),
        caption,
    )


def _lengths(t: Statistics) -> str:
    lengths = t.lengths
    edges = lengths.edges()
    caption = (
        f"{lengths.shortest:,} to {lengths.longest:,} bp; median {lengths.quantile(0.5):,}, "
        f"mean {lengths.mean:,.0f} bp."
    )
    counts = lengths.binned(edges)
    return figure(
        "Read length",
        lambda ax: histogram_plot(edges, {"": counts}, lengths.total, ax, x="length (bp)", y="reads (%)"),
        caption,
    )


def _clips(t: Statistics, mapped: int) -> str:
    title = "Soft clips"
    if not mapped:
        return figure(title, None, "No read was mapped.")
    shares = [percent(*t.clipped(end)) for end in (0, 1)]
    caption = (
        f"Clipped at the start of the read: {shares[0]} of the mapped reads; at its end: {shares[1]}. "
        "Start and end are those of the read as it was sequenced."
    )
    some = [clips.without(0) for clips in t.clips]
    edges = Histogram(some[0].counts + some[1].counts).edges(low=0)
    if not len(edges):
        return figure(title, None, caption)
    series = {name: clips.binned(edges) for name, clips in zip(("start", "end"), some, strict=True)}
    return figure(
        title,
        lambda ax: histogram_plot(
            edges, series, mapped, ax, x="clipped bases", y="mapped reads (%)", filled=False
        ),
        caption,
    )


def _cascades(run: Run) -> str:
    return "\n<p></p>\n".join(
        ["<h2>Search</h2>", *(_cascade(run, preset, counts) for preset, counts in run.cascades.items())]
    )


def _cascade(run: Run, preset: str, counts: Sequence[int]) -> str:
    words = run.summary["index"]["words"]
    names = [_stage(stage, words) for stage in parameters_of(preset).stages]
    names.append("settled by none, with those too short")
    numbers = [*map(str, range(1, len(names))), "–"]
    rows = [
        (number, name, n, Share(n, sum(counts)))
        for number, name, n in zip(numbers, names, counts, strict=True)
    ]
    caption = (
        f"Reads by the stage that settled them, preset {escape(preset)}. Each stage takes the "
        "reads that those before it did not settle, and costs more."
    )
    return table(caption, ("stage", "search", "reads", "share"), rows)


def _stage(stage: Stage, words: Sequence[str]) -> str:
    """What a stage does, in words."""
    if stage.word >= len(words):
        return "a second anchor word, which this index does not hold"
    word = " and ".join(words if stage.word < 0 else [words[stage.word]])
    last = f" to {stage.last}" if stage.last < _ALL else " and up"
    ranks = (
        f"all anchors {word}"
        if (stage.first, last) == (0, " and up")
        else (f"anchors {word}, {stage.first + 1}{last}")
    )
    text = ranks if stage.takes == ANY else f"{'repeats' if stage.takes == REPEAT else 'divergent'}: {ranks}"
    cells = f" in {stage.probes} cells" if stage.probes > 1 else ""
    return f"{text}; {stage.hits} hits each{cells}"


def _coverage(run: Run) -> str:
    coverage, names = run.statistics.coverage, run.names
    parts = ["<h2>Coverage</h2>"]
    if run.summary["mapped"]:
        plotted = coverage.plotted
        words = "the contigs" if len(plotted) == len(names) else f"the {PLOTTED} largest contigs"
        parts.append(
            f"<p>Depth along {words}: aligned bases of primary and supplementary lines, the mean of each "
            "bin. The dashed line is the mean of the contig.</p>"
        )
        parts += ['<div class="grid">', *(_depth(run, contig) for contig in plotted.tolist()), "</div>"]
    listed = largest(coverage.lengths, LISTED)
    rows = [
        _contig(escape(names[i]), int(coverage.lengths[i]), int(coverage.bases[i])) for i in listed.tolist()
    ]
    others = len(names) - len(listed)
    if others:
        length = int(coverage.lengths.sum() - coverage.lengths[listed].sum())
        bases = int(coverage.bases.sum() - coverage.bases[listed].sum())
        rows.append(_contig(f"{others:,} others", length, bases))
    caption = "Mean depth of the contigs" if not others else f"Mean depth of the {LISTED} largest contigs"
    head = ("contig", "length (bp)", "aligned bases", "mean depth")
    return "\n".join([*parts, "<p></p>", table(caption, head, rows, tall=True)])


def _contig(name: str, length: int, bases: int) -> tuple[Cell, ...]:
    return name, length, bases, bases / max(length, 1)


def _depth(run: Run, contig: int) -> str:
    coverage = run.statistics.coverage
    edges, depths = coverage.along(contig)
    caption = (
        f"{coverage.lengths[contig]:,} bp, mean depth {coverage.depths[contig]:,.2f}, "
        f"bins of {coverage.widths[contig]:,} bp"
    )
    name = escape(run.names[contig])
    return figure(name, lambda ax: depth_plot(edges, depths, ax), caption, height=1.3)


def _facts(run: Run) -> str:
    s, first = run.summary, run.parts[0]
    index, parts = s["index"], len(run.parts)
    facts = {
        "command": f"<code>{escape(first['command_line'])}</code>"
        + (f", and {counted(parts - 1, 'other')}" if parts > 1 else ""),
        "genoseq": escape(__version__),
        "preset": escape(", ".join(run.cascades)),
        "index": f"<code>{escape(index['path'])}</code>",
        "genome": f"{escape(index['genome'] or 'not a file')}: {index['contigs']:,} contigs, "
        f"{index['bp']:,} bp",
        "encoder": f"{escape(index['encoder'])} {escape(index['encoder_digest'])}",
        "threads": run.threads,
        "time": f"{s['seconds']:,.1f} s, finished {run.finished:%Y-%m-%d %H:%M}",
    }
    if s["pairs"]:
        insert = s["insert"]
        facts["fragments"] = (
            f"mean {insert['mean']:.0f} bp, SD {insert['sd']:.0f}, {escape(insert['source'])} "
            "(what the first batch of pairs showed, or what was given)"
        )
    return f"<h2>The run</h2>\n{facts_panel(facts)}"


def _parts(run: Run) -> str:
    """Where the reads of each part went, and what it took."""
    rows: list[tuple[Cell, ...]] = [
        (
            str(number), part["reads"], Share(part["mapped"], part["reads"]), float(part["seconds"]),
            f"<code>{escape(part['command_line'])}</code>",
        )
        for number, part in enumerate(run.parts, 1)
    ]  # fmt: skip
    head = ("part", "reads", "mapped", "seconds", "command")
    caption = f"{len(run.parts):,} runs, each on a part of the reads; what stands above is of all of them"
    return "<p></p>\n" + table(caption, head, rows, tall=True)
