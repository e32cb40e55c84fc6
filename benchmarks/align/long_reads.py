"""Long reads: simulated ones of three divergences and real ones, genoseq and minimap2 in turn.

As in `speed.py` the tools alternate for several rounds, and what mapping one read takes is taken off: here it
is the first read of the set. What is judged is the output of the last round.
"""

from __future__ import annotations

from typing import Any

from bench import Bench
from judge import judge_long
from peers import LONG_TOOLS, Tool
from reads import PACBIO, ReadSet
from speed import speed_of

DIVERGENCES = (5, 12, 15)  # per cent
REAL = "PacBio"  # in the place of a divergence
_WARM = 50  # reads that compile all of genoseq's kernels


def measure_long(bench: Bench) -> None:
    """Rounds on every genome and divergence, and on the real reads."""
    asked = {tool.program for tool in bench.selected}
    tools = [tool for tool in LONG_TOOLS.values() if tool.program in asked]
    simulated = [tool for tool in tools if tool.name != "minimap2-pb"]
    for genome in bench.genomes:
        for divergence in DIVERGENCES:
            reads = bench.reads.long(genome, divergence, bench.long_reads)
            _measure(bench, simulated, reads, divergence)
    if "ecoli" in bench.genomes and bench.reads.find(PACBIO):
        _measure(bench, tools, bench.reads.pacbio(), REAL)


def _measure(bench: Bench, tools: list[Tool], reads: ReadSet, divergence: float | str) -> None:
    key = {
        "tools": {tool.name: bench.key(tool) for tool in tools},
        "reads": reads.digest,
        "rounds": bench.rounds,
    }
    if bench.get("long", reads.name, key) is None:
        place = {"genome": reads.genome, "divergence": divergence, "number": reads.number}
        size = {"bases": bench.reads.bases_of(reads)}
        bench.put("long", reads.name, key, {**place, **size, "tools": _rounds(bench, tools, reads)})


def _rounds(bench: Bench, tools: list[Tool], reads: ReadSet) -> dict[str, Any]:
    """Per tool what its alignments are worth, and of each round the costs of the run and of its start-up."""
    found: dict[str, Any] = {tool.name: {"rounds": []} for tool in tools}
    one = bench.reads.head(reads, 1)
    for tool in tools:
        index, _ = bench.index(tool, reads.genome)
        bench.align_once(tool, index, bench.reads.head(reads, _WARM), reads.name)
    for number in range(bench.rounds):
        for tool in tools:
            index, _ = bench.index(tool, reads.genome)
            start, _ = bench.align_once(tool, index, one, reads.name)
            cost, out = bench.align_once(tool, index, reads.path, reads.name)
            found[tool.name]["rounds"].append({"run": cost.to_dict(), "start": start.to_dict()})
            if number == bench.rounds - 1:
                found[tool.name] |= judge_long(out, reads.number, simulated=bool(reads.divergence))
                bench.drop(out)
    for tool in tools:
        one_tool = found[tool.name]
        speeds = speed_of(reads.number, one_tool["rounds"])
        right = sum(one_tool["counts"]["right"].values()) if reads.divergence else one_tool["covered"]
        bench.say(
            f"long {reads.name} {tool.name}: {right} of {reads.number} right or covered, identity "
            f"{100 * one_tool['identity']:.2f} %, {speeds.median:,.0f} reads a CPU second"
        )
    return found
