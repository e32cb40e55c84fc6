"""The report: docs/benchmarks.md between two markers, and its figures; text outside the markers stays."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

from bench import Bench
from figures import draw_accuracy, draw_reliability, draw_speed
from measure import processor
from peers import LONG_TOOLS, TOOLS, version
from results import commit
from table import (
    accuracy_tables,
    foreign_table,
    index_table,
    long_tables,
    mapq_table,
    pair_tables,
    real_table,
    speed_tables,
    strain_table,
    target_table,
    window_table,
)
from targets import Figures

BEGIN, END = (
    "<!-- made by benchmarks/align/run.py: begin -->",
    "<!-- made by benchmarks/align/run.py: end -->",
)
TITLE = "# Benchmarks of genoseq align\n"


def write_report(bench: Bench, folder: Path) -> Path:
    """Write `benchmarks.md` and `img/` from whatever was measured; returns the path of the text."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = Figures(bench.results, bench.genomes, bench.number)
    images = _draw(figures, folder / "img")
    path = folder / "benchmarks.md"
    before, after = TITLE + "\n", "\n"
    if path.is_file():
        old = path.read_text(encoding="utf-8")
        if BEGIN in old and END in old:
            before, after = old.split(BEGIN, 1)[0], old.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{_text(bench, figures, images)}\n{END}{after}", encoding="utf-8")
    return path


def _draw(figures: Figures, folder: Path) -> dict[str, str]:
    """Draw what was measured; caption -> path beside the text."""
    if not figures.grid:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    plans = (
        ("Reads placed right by divergence, 150 bp", "align_accuracy.png", draw_accuracy),
        ("Calibration of MAPQ, all simulated reads together", "align_reliability.png", draw_reliability),
        ("Speed and accuracy on reads of 150 bp", "align_speed.png", draw_speed),
    )
    return {caption: f"img/{name}" for caption, name, draw in plans if draw(figures, folder / name)}


def _text(bench: Bench, figures: Figures, images: dict[str, str]) -> str:
    parts = [_about(bench, figures), target_table(figures)]
    parts += [f"![{caption}]({path})" for caption, path in images.items()]
    parts += [*accuracy_tables(figures), *pair_tables(figures), *speed_tables(figures)]
    parts += [*long_tables(figures), mapq_table(figures)]
    parts += [foreign_table(figures), real_table(figures), strain_table(figures), index_table(figures)]
    parts += [window_table(figures), _commands(bench)]
    return "\n\n".join(part for part in parts if part)


def _about(bench: Bench, figures: Figures) -> str:
    """How this was measured."""
    measured = [t["genoseq"] for t in figures.grid.values() if "genoseq" in t]
    pairs = [record for _, record in figures.results.all("pairs") if record["tool"] == "genoseq"]
    found = [*measured, *pairs, *figures.long().values()]
    commits = list(dict.fromkeys(record["commit"] for record in found)) or [commit()]
    today = datetime.now(UTC).date().isoformat()
    words = ["python benchmarks/align/run.py --data DATA --work WORK", f"--genomes {' '.join(bench.genomes)}"]
    words += [f"--lengths {' '.join(map(str, bench.lengths))}", f"--reads {bench.number}"]
    return (
        f"Made on {today} by `{' '.join(words)}`\n"
        f"on {processor()} ({platform.system()}, Python {platform.python_version()}), genoseq at commit "
        f"{', '.join(commits)}.\n\n"
        "One thread, on one core; every tool on the same reads, made by `genoseq simulate` "
        "(90 % substitutions, 10 % indels of mean 1.5 bp, both strands, no sequencing "
        "errors). *Right*: within 60 bp of the origin, on its strand. CPU seconds are user "
        "and system time of the command from FASTQ to SAM, and what mapping one read takes is "
        "taken off; LAST's stop at MAF, the conversion is not counted. *genoseq* is the "
        "preset `divergent` (two anchor words), *genoseq-sr* the smaller index, *genoseq-sensitive* one "
        "more stage for the reads that nothing convinced; `auto`, the default, takes the first, and the "
        "last for reads below 85 % identity. LAST "
        "`-m100` sees the first 1,000 reads of a set."
    )


def _commands(bench: Bench) -> str:
    lines = [
        "## Commands and versions",
        "",
        "| tool | version | index | align |",
        "| --- | --- | --- | --- |",
    ]
    asked = {TOOLS[name].program for name in bench.tools}
    long_tools = (tool for tool in LONG_TOOLS.values() if tool.program in asked)
    for tool in (*(TOOLS[name] for name in bench.tools), *long_tools):
        lines.append(f"| {tool.name} | {version(tool.program)} | `{tool.index}` | `{tool.align}` |")
    return "\n".join(lines)
