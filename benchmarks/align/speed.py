"""Speed side by side: every tool on the same reads in turn, several rounds, start-up taken off.

The grid of `accuracy.py` gives each set once to each tool, maybe on another day. Here the tools alternate, so
that what else the machine does meets all of them, and fast ones get enough reads to be timed. A change of any
of them repeats the whole set.
"""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from bench import Bench
from peers import Tool
from reads import ReadSet

SPEED_TOOLS = ("genoseq", "genoseq-sensitive", "genoseq-sr", "bwa", "minimap2", "last")
LENGTH = 150  # bp
ILLUMINA = "Illumina"  # in the place of a divergence: none, but with sequencing errors


class Speed(NamedTuple):
    """Reads a CPU second, start-up taken off: median of the rounds, lowest and highest."""

    median: float
    low: float
    high: float


def measure_speed(bench: Bench) -> None:
    """Rounds of all tools on every genome and divergence."""
    tools = [tool for tool in bench.selected if tool.name in SPEED_TOOLS]
    for genome in bench.genomes:
        for divergence in (ILLUMINA, *bench.speed_divergences):
            if divergence == ILLUMINA:
                reads = bench.reads.illumina(genome, LENGTH, bench.speed_reads)
            else:
                reads = bench.reads.simulated(genome, LENGTH, divergence, bench.speed_reads)
            key = {
                "tools": {tool.name: bench.key(tool) for tool in tools},
                "reads": reads.digest,
                "slow_reads": bench.slow_reads,
                "rounds": bench.rounds,
            }
            if bench.get("speed", reads.name, key) is None:
                place = {"genome": genome, "length": LENGTH, "divergence": divergence}
                bench.put("speed", reads.name, key, {**place, "tools": _rounds(bench, tools, reads)})


def _rounds(bench: Bench, tools: list[Tool], reads: ReadSet) -> dict[str, Any]:
    """Per tool the reads, and of each round the costs of the run and of its start-up."""
    found: dict[str, Any] = {}
    for tool in tools:
        number = min(reads.number, bench.slow_reads if tool.maf else reads.number)
        found[tool.name] = {"number": number, "rounds": []}
        bench.startup(tool, reads.genome)  # warm
    one = bench.one_read(reads.genome)
    for _ in range(bench.rounds):
        for tool in tools:
            index, _ = bench.index(tool, reads.genome)
            part = bench.reads.head(reads, found[tool.name]["number"])
            start, out = bench.align_once(tool, index, one, reads.name)
            cost, out = bench.align_once(tool, index, part, reads.name)
            out.unlink()
            found[tool.name]["rounds"].append({"run": cost.to_dict(), "start": start.to_dict()})
    for tool in tools:
        speeds = speed_of(found[tool.name]["number"], found[tool.name]["rounds"])
        figures = f"{speeds.median:,.0f} ({speeds.low:,.0f}-{speeds.high:,.0f})"
        bench.say(f"speed {reads.name} {tool.name}: {figures} reads a CPU second")
    return found


def speed_of(number: int, rounds: list[dict[str, Any]]) -> Speed:
    """Speed of a tool over its rounds; the median start-up is taken off each."""
    start = median(r["start"]["cpu"] for r in rounds)
    speeds = [number / max(r["run"]["cpu"] - start, 1e-3) for r in rounds]
    return Speed(median(speeds), min(speeds), max(speeds))
