"""Speed side by side: every tool on the same reads in turn, several rounds, start-up taken off.

The grid of `accuracy.py` gives each set once to each tool, maybe on another day. Here the tools alternate, so
that what else the machine does meets all of them, and fast ones get enough reads to be timed. A change of any
of them repeats the whole set.
"""

from __future__ import annotations

from typing import Any

from bench import Bench
from peers import Tool
from reads import ReadSet

SPEED_TOOLS = ("genoseq", "genoseq-sr", "bwa", "minimap2", "last")
SPEED_DIVERGENCES = (0, 5, 10, 15, 20)  # per cent
LENGTH = 150  # bp


def measure_speed(bench: Bench) -> None:
    """Rounds of all tools on every genome and divergence."""
    tools = [tool for tool in bench.selected if tool.name in SPEED_TOOLS]
    for genome in bench.genomes:
        for divergence in SPEED_DIVERGENCES:
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
        one_round = found[tool.name]
        speeds = [speed(one_round["number"], r) for r in one_round["rounds"]]
        bench.say(
            f"speed {reads.name} {tool.name}: {' '.join(f'{s:,.0f}' for s in speeds)} reads a CPU second"
        )
    return found


def speed(number: int, costs: dict[str, Any]) -> float:
    """Reads a CPU second of a round, start-up taken off."""
    return number / max(costs["run"]["cpu"] - costs["start"]["cpu"], 1e-3)
