"""What is right: the grid of divergence and length, foreign reads, real reads, another strain."""

from __future__ import annotations

from typing import Any

from bench import Bench
from judge import confident_names, coverage, judge, judge_against, judge_head
from peers import TOOLS, Tool
from reads import REAL, ReadSet
from results import sha256

HEAD = TOOLS["last-m100"].reads  # what genoseq is compared with LAST -m100 on
FOREIGN_READS = 20_000  # a target of 0.02 % is 4 of them


def measure_grid(bench: Bench) -> None:
    """Simulated reads of every genome, length and divergence by every tool."""
    for genome in bench.genomes:
        for length in bench.lengths:
            for divergence in bench.divergences:
                reads = bench.reads.simulated(genome, length, divergence, bench.number)
                for tool in bench.selected:
                    if tool.divergences is None or divergence in tool.divergences:
                        _one_set(bench, tool, reads)


def _one_set(bench: Bench, tool: Tool, reads: ReadSet) -> None:
    number = min(tool.reads, reads.number)
    name, key = f"{reads.name}.{tool.name}", {**bench.key(tool), "reads": reads.digest, "number": number}
    if bench.get("grid", name, key) is not None:
        return
    start = bench.startup(tool, reads.genome)
    cost, sam = bench.align(tool, reads, number)
    counts = judge(sam, number)
    head = judge_head(sam, HEAD) if number > HEAD else counts
    bench.drop(sam)
    right = 100 * sum(counts["right"].values()) / number
    speed = number / max(cost.cpu - start["cpu"], 1e-3)
    bench.say(f"grid {name}: {right:.2f} % right, {speed:,.0f} reads a CPU second")
    place = {
        "genome": reads.genome,
        "length": reads.length,
        "divergence": reads.divergence,
        "tool": tool.name,
    }
    measured = {"cost": cost.to_dict(), "startup_cpu": start["cpu"], "counts": counts, "head": head}
    bench.put("grid", name, key, {**place, "number": number, **measured})


def measure_foreign(bench: Bench) -> None:
    """Reads that have no place: of E. coli on chr20, and random ones on every genome."""
    for genome in bench.genomes:
        others = ["random"]
        if genome == "chr20" and bench.reads.has("ecoli"):
            others.append("ecoli")
        for other in others:
            reads = bench.reads.foreign(genome, other, min(FOREIGN_READS, 10 * bench.number))
            for tool in bench.selected:
                number = min(tool.reads, reads.number)
                name = f"{reads.name}.{tool.name}"
                key = {**bench.key(tool), "reads": reads.digest, "number": number}
                if bench.get("foreign", name, key) is None:
                    cost, sam = bench.align(tool, reads, number)
                    counts = judge(sam, number, foreign=True)
                    bench.drop(sam)
                    place = {"genome": genome, "other": other, "tool": tool.name, "number": number}
                    bench.put("foreign", name, key, {**place, "counts": counts, "cost": cost.to_dict()})
                    bench.say(f"foreign {name}: {sum(counts['foreign'].values())} of {number} placed")


def measure_real(bench: Bench) -> None:
    """Reads of NA12878 by every tool, against the BAM that they came in.

    Judged are the reads of MAPQ >= 20 in the BAM, and those of them that bwa, run here on single ends, also
    places at MAPQ >= 20.
    """
    wanted = [g for g in REAL if bench.reads.find(REAL[g]) and (g == "chrM" or g in bench.genomes)]
    for genome in wanted:
        if not bench.reads.has(genome):
            continue
        reads = bench.reads.real(genome)
        names: set[str] | None = None
        first = sorted(bench.selected, key=lambda tool: tool.name != "bwa")
        for tool in first:
            name = f"{reads.name}.{tool.name}"
            key = {**bench.key(tool), "reads": reads.digest, "truth": sha256(reads.truth)}
            kept = bench.work / "out" / f"{reads.name}.bwa-names.txt"
            if bench.get("real", name, key) is not None:
                continue
            cost, sam = bench.align(tool, reads)
            if tool.name == "bwa":
                kept.write_text("\n".join(sorted(confident_names(sam))))
            names = set(kept.read_text().split()) if kept.is_file() else None
            judged: dict[str, Any] = {"bam": judge_against(sam, reads.truth)}
            if names is not None:
                judged["bwa"] = judge_against(sam, reads.truth, only=names)
            bench.drop(sam)
            values = {"genome": genome, "tool": tool.name, "number": reads.number, **judged}
            bench.put("real", name, key, {**values, "cost": cost.to_dict()})
            bench.say(f"real {name}: {sum(judged['bam']['right'].values())} as in the BAM")


def measure_strain(bench: Bench) -> None:
    """Reads of E. coli 536 on MG1655: what true divergence between strains leaves to be found."""
    if "ecoli" not in bench.genomes or not bench.reads.has("strain"):
        return
    reads = bench.reads.strain(bench.number)
    for tool in bench.selected:
        number = min(tool.reads, reads.number)
        name = f"{reads.name}.{tool.name}"
        key = {**bench.key(tool), "reads": reads.digest, "number": number, "form": 2}
        if bench.get("strain", name, key) is None:
            cost, sam = bench.align(tool, reads, number)
            values = {"tool": tool.name, "number": number, **coverage(sam, number)}
            bench.drop(sam)
            bench.put("strain", name, key, {**values, "cost": cost.to_dict()})
            bench.say(f"strain {name}")
