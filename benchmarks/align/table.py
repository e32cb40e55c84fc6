"""The tables of the report, in Markdown, from the measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judge import from_counts
from long_reads import REAL
from long_targets import long_aligned, long_identity, long_right, long_rows, long_speed
from pair_targets import pair_proper, pair_right, pair_rows, pair_wrong
from peers import LONG_TOOLS, TOOLS
from targets import (
    MEBI,
    Cell,
    Figures,
    accuracy_rows,
    at_least,
    foreign_rows,
    mapq_counts,
    mapq_rows,
    real_rows,
    resource_rows,
    speed_rows,
    strain_figures,
    strain_rows,
)

TOOL_ORDER = tuple(TOOLS)
CALIBRATED = ("genoseq", "genoseq-sensitive", "genoseq-sr", "bwa", "bowtie2", "minimap2", "last")
TARGETS = (
    accuracy_rows,
    pair_rows,
    speed_rows,
    long_rows,
    foreign_rows,
    real_rows,
    strain_rows,
    mapq_rows,
    resource_rows,
)
PUBLISHED = (
    "DNA-ESA's own figures (Holur et al., Bioinformatics 2025, btaf041, and its repository): "
    "99 % recall of reads of 250 bp on the human genome, within the true chromosome and on "
    "the forward strand; its figure of recall by length at K = 50 shows about 45 % at 150 bp "
    "and 86 % at 250 bp; about 10,000 reads a minute."
)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; None is an empty cell."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join("" if x is None else str(x) for x in row) + " |" for row in rows]
    return "\n".join(lines)


def target_table(figures: Figures) -> str:
    """What was to be shown, what came out, and whether that is enough."""
    words = {True: "met", False: "**not met**", None: ""}
    found = (row for rows_of in TARGETS for row in rows_of(figures))
    rows = [(row.what, row.target, row.figure, words[row.met]) for row in found]
    return "## Targets\n\n" + markdown(("what", "target", "figure", ""), rows) if rows else ""


def accuracy_tables(figures: Figures) -> list[str]:
    """Right, and right and wrong with confidence, by genome and length."""
    result = []
    divergences = figures.divergences()
    places = sorted(
        {(c.genome, c.length) for c in figures.grid}, key=lambda p: (figures.genomes.index(p[0]), p[1])
    )
    for genome, length in places:
        cells = [Cell(genome, length, divergence) for divergence in divergences]
        rows, confident = [], []
        for tool in TOOL_ORDER:
            found = [figures.right(cell, tool) if cell in figures.grid else None for cell in cells]
            if any(share is not None for share in found):
                rows.append((tool, *(None if share is None else f"{share:.2f}" for share in found)))
                confident.append((tool, *(_confident(figures, cell, tool) for cell in cells)))
        names = [f"{divergence} %" for divergence in divergences]
        result.append(
            f"### {genome}, {length} bp\n\n"
            + markdown(("% right", *names), rows)
            + "\n\n"
            + markdown(("% right / % wrong at MAPQ >= 20, of all reads", *names), confident)
        )
    return ["## Accuracy", *result] if result else []


def _confident(figures: Figures, cell: Cell, tool: str) -> str | None:
    record = figures.grid[cell].get(tool) if cell in figures.grid else None
    if record is None:
        return None
    summary = from_counts(record["counts"]).summary()
    return f"{100 * summary['right_confident']:.2f} / {100 * summary['wrong_confident']:.3f}"


def pair_tables(figures: Figures) -> list[str]:
    """Pairs: right, proper, wrong with confidence, and speed."""
    result = []
    for genome in figures.genomes:
        pairs = figures.pairs(genome)
        divergences = sorted({divergence for divergence, _ in pairs})
        rows = []
        for tool in TOOL_ORDER:
            found = [pairs.get((divergence, tool)) for divergence in divergences]
            if any(found):
                rows.append((tool, *(None if one is None else _pair_cell(one) for one in found)))
        if rows:
            names = [f"{divergence:g} %" for divergence in divergences]
            result.append(
                f"### {genome}, 2 x 150 bp\n\n"
                + markdown(("% right / % proper / % wrong at MAPQ >= 20 / reads a CPU s", *names), rows)
            )
    about = (
        "Fragments of 400 bp (standard deviation 50), no sequencing errors; reads count one by one. One run, "
        "start-up taken off the CPU seconds."
    )
    return [f"## Pairs\n\n{about}", *result] if result else []


def _pair_cell(record: dict[str, Any]) -> str:
    speed = record["number"] / max(record["cost"]["cpu"] - record["startup_cpu"], 1e-3)
    return f"{pair_right(record):.2f} / {pair_proper(record):.2f} / {pair_wrong(record):.3f} / {speed:,.0f}"


def long_tables(figures: Figures) -> list[str]:
    """Long reads: simulated ones by genome and divergence, and real ones."""
    found = figures.long()
    common = ("identity %", "% of bases aligned", "supplementary lines", "reads a CPU second", "peak, MiB")
    result = []
    for genome in figures.genomes:
        rows = []
        for divergence in sorted(d for g, d in found if g == genome and d != REAL):
            record = found[genome, divergence]
            for tool in (name for name in LONG_TOOLS if name in record["tools"]):
                summary = from_counts(record["tools"][tool]["counts"]).summary()
                sure = f"{100 * summary['right_confident']:.2f} / {100 * summary['wrong_confident']:.2f}"
                right = f"{long_right(record, tool):.2f}"
                rows.append((f"{divergence} %", tool, right, sure, *_long_cells(record, tool)))
        if rows:
            sure = "% right / % wrong at MAPQ >= 20, of all reads"
            names = ("divergence", "tool", "% right", sure, *common)
            result.append(f"### {genome}, 8 kb\n\n" + markdown(names, rows))
    for record in (record for (_, divergence), record in found.items() if divergence == REAL):
        tools = {name: record["tools"][name] for name in LONG_TOOLS if name in record["tools"]}
        rows = [(name, t["placed"], t["covered"], *_long_cells(record, name)) for name, t in tools.items()]
        names = ("tool", "reads placed", "aligned over >= 80 %", *common)
        words = f"{record['number']} reads, {record['bases']:,} bases."
        result.append(f"### Real PacBio reads of E. coli\n\n{words}\n\n" + markdown(names, rows))
    about = (
        "Reads of 8 kb on average (log-normal, standard deviation 3 kb), 40 % substitutions and 60 % "
        "insertions and deletions, no further errors. *Right*: the primary line covers more than half of the "
        "origin, on its strand. Identity: one less NM over the columns of the primary alignment, mean of the "
        "placed reads. Bases aligned: by primary and supplementary lines. The tools alternate; median of the "
        "rounds (lowest-highest), what the first read takes taken off. Peak: resident memory, the mapped "
        "index included."
    )
    return [f"## Long reads\n\n{about}", *result] if result else []


def _long_cells(record: dict[str, Any], tool: str) -> tuple[str, ...]:
    one, speed = record["tools"][tool], long_speed(record, tool)
    peak = max(found["run"]["peak"] for found in one["rounds"]) / MEBI
    return (
        f"{long_identity(record, tool):.2f}",
        f"{long_aligned(record, tool):.2f}",
        f"{one['supplementary']}",
        f"{speed.median:,.0f} ({speed.low:,.0f}-{speed.high:,.0f})",
        f"{peak:,.0f}",
    )


def speed_tables(figures: Figures) -> list[str]:
    """Reads a CPU second: of the alternating rounds, and for the other tools of the grid."""
    result = []
    for genome in figures.genomes:
        divergences = [d for d in ("Illumina", *figures.divergences()) if figures.speeds(genome, d)]
        if not divergences:
            continue
        rows = []
        for tool in TOOL_ORDER:
            cells = []
            for divergence in divergences:
                speeds = figures.speeds(genome, divergence).get(tool)
                if speeds is not None:
                    cells.append(f"{speeds.median:,.0f} ({speeds.low:,.0f}-{speeds.high:,.0f})")
                else:
                    cells.append(_grid_speed(figures, Cell(genome, 150, divergence), tool))
            if any(cells):
                rows.append((tool, *cells))
        names = [f"{d} %" if isinstance(d, int) else d for d in divergences]
        result.append(f"### {genome}, 150 bp\n\n" + markdown(("reads a CPU second", *names), rows))
    if not result:
        return []
    about = (
        "Median of the rounds (lowest-highest), in which the tools alternate on the same "
        "reads, start-up taken off; LAST gets the first few thousand reads of a set. Figures "
        "without a range are of one run of the accuracy table. Illumina: no divergence, with "
        "the errors of such a machine."
    )
    return [f"## Speed\n\n{about}", *result]


def _grid_speed(figures: Figures, cell: Cell, tool: str) -> str | None:
    record = figures.grid[cell].get(tool) if cell in figures.grid else None
    if record is None:
        return None
    return f"{record['number'] / max(record['cost']['cpu'] - record['startup_cpu'], 1e-3):,.0f}"


def mapq_table(figures: Figures) -> str:
    """Share wrong by MAPQ and divergence, all genomes and lengths together."""
    rows = []
    for tool in CALIBRATED:
        for low, high in ((20, 29), (30, 254)):
            cells = []
            for divergence in figures.divergences():
                wrong, placed = mapq_counts(figures.pooled(tool, divergence), low, high)
                cells.append(f"{100 * wrong / placed:.2f} ({wrong}/{placed:,})" if placed else None)
            if any(cells):
                rows.append((tool, "20-29" if high < 254 else ">= 30", *cells))
    if not rows:
        return ""
    names = [f"{divergence} %" for divergence in figures.divergences()]
    return (
        "## MAPQ\n\nPer cent wrong (reads) among the placed, all genomes and lengths together, by "
        "divergence.\n\n" + markdown(("tool", "MAPQ", *names), rows)
    )


def foreign_table(figures: Figures) -> str:
    """Reads that have no place."""
    found = {(r["genome"], r["other"], r["tool"]): r for r in figures.foreign()}
    places = sorted({(genome, other) for genome, other, _ in found})
    rows = []
    for tool in TOOL_ORDER:
        cells = []
        for place in places:
            record = found.get((*place, tool))
            if record is None:
                cells.append(None)
                continue
            counts, number = record["counts"]["foreign"], record["number"]
            cells.append(
                f"{100 * at_least(counts, 0) / number:.2f} / {100 * at_least(counts, 20) / number:.3f}"
            )
        if any(cells):
            rows.append((tool, *cells))
    names = [f"{other} on {genome}" for genome, other in places]
    return (
        "## Foreign reads\n\n" + markdown(("% placed / % placed at MAPQ >= 20", *names), rows) if rows else ""
    )


def real_table(figures: Figures) -> str:
    """Real reads against their BAM."""
    records = {(r["genome"], r["tool"]): r for _, r in figures.results.all("real")}
    genomes = sorted({genome for genome, _ in records})
    rows = []
    for tool in TOOL_ORDER:
        cells = []
        for genome in genomes:
            for truth in ("bam", "bwa"):
                counts = records.get((genome, tool), {}).get(truth)
                if counts is None:
                    cells.append(None)
                    continue
                found = from_counts(counts)
                cells.append(f"{100 * float(found.right.sum()) / max(found.reads, 1):.2f} of {found.reads:,}")
        if any(cells):
            rows.append((tool, *cells))
    words = ("MAPQ >= 20 in the BAM", "and by bwa here")
    names = [f"{genome}: {word}" for genome in genomes for word in words]
    about = "Single-end, against the BAM (bwa on pairs): per cent of the reads that are placed as there."
    return f"## Real reads of NA12878\n\n{about}\n\n" + markdown(("tool", *names), rows) if rows else ""


def strain_table(figures: Figures) -> str:
    """Another strain."""
    found = strain_figures(figures)
    rows = []
    for tool in TOOL_ORDER:
        if tool in found:
            one = found[tool]
            common = f"{one['common']:+.3f}" if "common" in one and tool != "genoseq" else None
            shares = (f"{one[name]:.2f}" for name in ("mapped", "identity", "matching"))
            rows.append((tool, *shares, common, f"{one['number']:,}"))
    columns = ("tool", "% mapped", "mean identity %", "% of all bases that match")
    columns += ("genoseq's identity more, reads that both map", "reads")
    about = (
        "Reads of 150 bp of E. coli 536 with 0.5 % errors on MG1655. Mapped: aligned over >= 80 % of "
        "the read at >= 80 % identity. Identity: matches over columns of the alignment, mean of the "
        "mapped reads; it is higher for who maps fewer diverged reads or clips more of them, so the "
        "matching bases of all reads and the reads that both map are compared too."
    )
    return f"## Another strain\n\n{about}\n\n" + markdown(columns, rows) if rows else ""


def index_table(figures: Figures) -> str:
    """What the indexes take."""
    rows = []
    for genome in figures.genomes:
        for tool in dict.fromkeys(TOOLS[name].suffix for name in TOOL_ORDER):
            found = figures.index(genome, tool)
            if found is not None:
                name = next(n for n in TOOL_ORDER if TOOLS[n].suffix == tool)
                size = f"{found['bytes'] / found['bases']:.2f}"
                peak = f"{found['peak'] / 2**20:,.0f}"
                rows.append((genome, name, f"{found['cpu']:.1f}", f"{found['wall']:.1f}", peak, size))
    columns = ("genome", "index of", "CPU s", "wall s", "peak MiB", "bytes/bp on disk")
    return "## Indexes\n\n" + markdown(columns, rows) if rows else ""


def window_table(figures: Figures) -> str:
    """The published way."""
    records = [record for _, record in figures.results.all("windows")]
    if not records:
        return ""
    rows = []
    for record in records:
        genome = record["genome"]
        places = sorted({(row["length"], row["divergence"]) for row in record["rows"]})
        for length, divergence in places:
            here = [r for r in record["rows"] if (r["length"], r["divergence"]) == (length, divergence)]
            of = {row["hits"]: row for row in here}
            recalls = [f"{100 * of[k]['published']:.1f} / {100 * of[k]['placed']:.1f}" for k in sorted(of)]
            ours = figures.right(Cell(genome, length, divergence), "genoseq")
            speed = f"{here[0]['reads_per_cpu_second']:,.0f}"
            own = None if ours is None else f"{ours:.2f}"
            rows.append((record["encoder"], genome, length, divergence, *recalls, speed, own))
    trained = "; ".join(
        dict.fromkeys(f"{r['encoder']}: {r['recipe']}, {r['trained']} CPU s" for r in records)
    )
    hits = sorted({row["hits"] for record in records for row in record["rows"]})
    columns = (
        "encoder",
        "genome",
        "bp",
        "divergence %",
        *(f"@{k}" for k in hits),
        "reads a CPU second",
        "genoseq, % right",
    )
    about = (
        "Recall (%) among the K closest windows of 256 bp at stride 128, searched exactly on both strands: "
        "by the published rule (a window overlaps the origin) / within what windows can tell of the place, "
        "and the strand. Trained on one core from human chromosome 20 (first 40 Mb) and E. coli 536, asked "
        "about chromosome 20 beyond 42 Mb and E. coli MG1655. The published transformer is ten times wider "
        f"and was trained on GPUs ({trained}). {PUBLISHED}"
    )
    return f"## The published way: whole windows\n\n{about}\n\n" + markdown(columns, rows)
