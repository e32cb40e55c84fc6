"""Pairs of reads: right, proper and confident at several divergences, and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import Bench
from judge import judge

LENGTH, INSERT = 150, "400,50"  # bp
DIVERGENCES = (0.1, 1, 5, 10)  # per cent
_SECONDARY_OR_SUPPLEMENTARY, _PROPER = 0x900, 0x2


def measure_pairs(bench: Bench) -> None:
    """Pairs of every genome by every tool that takes pairs."""
    for genome in bench.genomes:
        for divergence in DIVERGENCES:
            reads = bench.reads.pairs(genome, LENGTH, divergence, INSERT, bench.number)
            for tool in bench.selected:
                if tool.pairs is None:
                    continue
                name = f"{reads.name}.{tool.name}"
                key = {**bench.key(tool), "align": tool.pairs, "reads": reads.digest}
                if bench.get("pairs", name, key) is not None:
                    continue
                start = bench.startup(tool, genome)
                index, _ = bench.index(tool, genome)
                if tool.own:  # compiles
                    few = bench.reads.pairs(genome, LENGTH, divergence, INSERT, 100)
                    bench.align_once(tool, index, few.path, few.name, mates=few.mates)
                cost, sam = bench.align_once(tool, index, reads.path, reads.name, mates=reads.mates)
                values: dict[str, Any] = {"counts": judge(sam, reads.number), "proper": _proper(sam)}
                bench.drop(sam)
                right = 100 * sum(values["counts"]["right"].values()) / reads.number
                bench.say(f"pairs {name}: {right:.2f} % right")
                place = {"genome": genome, "divergence": divergence, "tool": tool.name}
                took = {"cost": cost.to_dict(), "startup_cpu": start["cpu"], "number": reads.number}
                bench.put("pairs", name, key, {**place, **took, **values})


def _proper(sam: Path) -> int:
    """Primary lines that are flagged as of a proper pair."""
    with sam.open() as file:
        flags = (int(line.split("\t", 2)[1]) for line in file if line[:1] != "@")
        return sum(bool(flag & _PROPER) for flag in flags if not flag & _SECONDARY_OR_SUPPLEMENTARY)
