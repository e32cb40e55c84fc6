"""Tables of `scale.py`: what was measured by size, lines through it, and where they lead at 3.1 Gbp."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench import Bench
from judge import from_counts
from measure import processor
from results import Results, commit
from table import markdown

GENOME = 3100.0  # Mbp: a human genome
PRESETS = ("sr", "divergent")
KINDS = ("Illumina", "pairs", "10 %", "15 %", "20 %", "long")
CAPACITY = 1500
BEGIN = "<!-- made by benchmarks/align/scale.py: begin -->"
END = "<!-- made by benchmarks/align/scale.py: end -->"
Record = dict[str, Any]


def write_report(bench: Bench, folder: Path) -> Path:
    """Write the tables between the markers of `human-scale.md`; returns its path."""
    path = folder / "human-scale.md"
    old = path.read_text(encoding="utf-8") if path.is_file() else f"# A human genome\n\n{BEGIN}\n{END}\n"
    before, after = old.split(BEGIN, 1)[0], old.split(END, 1)[1]
    parts = [_about(bench), building(bench.results), aligning(bench.results), depth(bench.results)]
    text = "\n\n".join([*parts, extrapolation(bench.results)])
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return path


def _about(bench: Bench) -> str:
    """How this was measured."""
    commits = {record["commit"] for _, record in bench.results.all("scale-index")} or {commit()}
    return (
        f"Made on {datetime.now(UTC).date().isoformat()} by `python benchmarks/align/scale.py --data DATA "
        f"--work WORK --reads {bench.number}` on {processor()}, genoseq at commit "
        f"{', '.join(sorted(commits))}. One thread; CPU seconds are user and system time."
    )


def indexes(results: Results, preset: str, *, capacity: int = CAPACITY) -> list[Record]:
    """Measured indexes of a preset, the smallest genome first."""
    found = [record for _, record in results.all("scale-index")]
    chosen = [r for r in found if r["preset"] == preset and r["capacity"] == capacity]
    return sorted(chosen, key=lambda record: (record["known"], record["bases"]))


def alignments(results: Results, index: Record) -> dict[str, Record]:
    """Measured alignments to an index, by the kind of reads."""
    wanted = [index[name] for name in ("piece", "preset", "capacity")]
    found = [record for _, record in results.all("scale-align")]
    same = [r for r in found if [r[name] for name in ("piece", "preset", "capacity")] == wanted]
    return {record["kind"]: record for record in same}


def building(results: Results) -> str:
    """Cost of building, size on disk, cells, opening."""
    rows = []
    for preset in PRESETS:
        for r in indexes(results, preset):
            size = sum(r["parts"].values())
            rows.append(
                (
                    r["piece"], preset, f"{r['known'] / 1e6:.1f}", f"{r['anchors'] / 1e6:.2f}",
                    f"{r['cost']['cpu']:.1f}", f"{r['cost']['peak'] / 2**20:,.0f}", f"{size / 2**20:,.0f}",
                    f"{size / r['known']:.2f}", f"{r['cells']:,}", f"{r['depth']:.2f}", f"{r['met']:,.0f}",
                    f"{r['largest']:,}", f"{100 * r['over_capacity']:.2f}", f"{1000 * r['opening']:.1f}",
                )
            )  # fmt: skip
    columns = (
        "genome", "index", "Mbp known", "anchors, M", "CPU s", "peak MiB", "disk MiB", "bytes/bp", "cells",
        "depth", "met", "largest cell", "% above capacity", "opening, ms",
    )  # fmt: skip
    about = (
        "Depth: bases asked on the way to the cell, mean over the anchors. Met: anchors in the cell of an "
        "anchor, mean over the anchors (what a query of one cell scans). Above capacity: anchors in cells "
        "that the 16 near bases could not split below 1,500. *far* has 3,000 Mbp of N in front of the first "
        "10 Mbp."
    )
    return f"### Building\n\n{about}\n\n" + markdown(columns, rows)


def seconds_a_read(record: Record) -> float:
    """CPU seconds, start-up taken off."""
    return max(record["cost"]["cpu"] - record["start"], 1e-3) / record["number"]


def right(record: Record) -> float:
    """Per cent of the reads that are right."""
    return 100 * (from_counts(record["counts"]).summary()["right"] or 0)


def confident_wrong(record: Record) -> float:
    """Per cent of the reads that are wrong at MAPQ >= 20."""
    return 100 * (from_counts(record["counts"]).summary()["wrong_confident"] or 0)


def aligning(results: Results) -> str:
    """Right and speed by genome, and the peak of memory."""
    rows = []
    for preset in PRESETS:
        for index in indexes(results, preset):
            found = alignments(results, index)
            cells = [
                f"{right(found[k]):.2f} / {1 / seconds_a_read(found[k]):,.0f}" if k in found else None
                for k in KINDS
            ]
            peak = max((r["cost"]["peak"] for r in found.values()), default=0)
            own = max((r["cost"]["own"] for r in found.values()), default=0)
            memory = f"{peak / 2**20:,.0f} / {own / 2**20:,.0f}"
            rows.append((index["piece"], preset, *cells, memory))
    about = (
        "% right / reads a CPU second, start-up taken off. Illumina, 10, 15, 20 %: 150 bp; pairs: 2 x 150 "
        "bp, 1 %; long: 8 kb, 10 % errors, `--preset long`. Memory: the largest peak, and of it what is not "
        "mapped from files."
    )
    return f"### Aligning\n\n{about}\n\n" + markdown(("genome", "index", *KINDS, "peak / own MiB"), rows)


def depth(results: Results) -> str:
    """Chromosome 20 with the depth of larger genomes."""
    rows = []
    for preset in PRESETS:
        every = [r for _, r in results.all("scale-index") if r["piece"] == "chr20" and r["preset"] == preset]
        for index in sorted(every, key=lambda record: -record["capacity"]):
            found = alignments(results, index)
            cells = [_judged(found[k]) if k in found else None for k in KINDS[:-1]]
            times = f"{CAPACITY / index['capacity']:.0f}"
            rows.append((preset, f"{index['capacity']:,}", times, f"{index['depth']:.2f}", *cells))
    columns = ("index", "capacity", "depth as of a genome so many times larger", "depth", *KINDS[:-1])
    about = "Chromosome 20, smaller cells: % right / % wrong at MAPQ >= 20 / reads a CPU second."
    return f"### Depth\n\n{about}\n\n" + markdown(columns, rows)


def _judged(record: Record) -> str:
    return f"{right(record):.2f} / {confident_wrong(record):.3f} / {1 / seconds_a_read(record):,.0f}"


def extrapolation(results: Results) -> str:
    """Lines through the pieces of chromosome 20, and where they lead."""
    rows = []
    for preset in PRESETS:
        all_of = [r for r in indexes(results, preset) if r["source"] == "chr20" and r["piece"] != "far"]
        quantities: list[tuple[str, Callable[[Record], float], str]] = [
            ("building, CPU s", lambda r: r["cost"]["cpu"], ",.0f"),
            ("building, peak GiB", lambda r: r["cost"]["peak"] / 2**30, ".2f"),
            ("disk, GiB", lambda r: sum(r["parts"].values()) / 2**30, ".2f"),
            ("anchors, M", lambda r: r["anchors"] / 1e6, ",.0f"),
            ("cells, thousands", lambda r: r["cells"] / 1e3, ",.0f"),
            ("opening, ms", lambda r: 1000 * r["opening"], ",.0f"),
        ]
        for what, value, form in quantities:
            points = [(r["known"] / 1e6, value(r)) for r in all_of]
            rows.append((preset, what, "size", *fitted(points, form)))
        for kind in KINDS:
            found = [(r, alignments(results, r).get(kind)) for r in all_of]
            times = [(np.log2(r["known"] / 1e6), 1e6 * seconds_a_read(a)) for r, a in found if a]
            shares = [(np.log2(r["known"] / 1e6), right(a)) for r, a in found if a]
            if len(times) > 2:
                rows.append((preset, f"{kind}: us a read", "log2 of it", *fitted(times, ".1f", log=True)))
                rows.append((preset, f"{kind}: % right", "log2 of it", *fitted(shares, ".2f", log=True)))
    columns = (
        "index", "what", "linear in", "per Mbp, or per doubling", "worst miss",
        "largest: foretold / measured", "at 3.1 Gbp", "without one point",
    )  # fmt: skip
    about = (
        "Lines through the pieces of chromosome 20 and its copies, least squares. Worst miss: of a point "
        "from the line. Largest: what the line through the smaller ones says of the largest, and what "
        "was measured. Without one point: the range at 3.1 Gbp when any one point is left out."
    )
    return f"### Lines\n\n{about}\n\n" + markdown(columns, rows)


def fitted(points: list[tuple[float, float]], form: str, *, log: bool = False) -> tuple[str, ...]:
    """Slope, worst miss, the largest as foretold and as measured, the value at 3.1 Gbp and its range."""
    x, y = np.array(sorted(points)).T
    goal = np.log2(GENOME) if log else GENOME
    slope, base = np.polyfit(x, y, 1)
    miss = np.abs(slope * x + base - y).max()
    others = [np.polyval(np.polyfit(np.delete(x, i), np.delete(y, i), 1), goal) for i in range(len(x))]
    smaller = np.polyval(np.polyfit(x[:-1], y[:-1], 1), x[-1])
    return (
        f"{slope:.3g}", f"{miss:.2g}", f"{smaller:{form}} / {y[-1]:{form}}", f"{slope * goal + base:{form}}",
        f"{min(others):{form}} to {max(others):{form}}",
    )  # fmt: skip
