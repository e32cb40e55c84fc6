"""What else it takes: opening the index, starting, memory, threads."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pysam
from bench import Bench
from peers import OWN, TOOLS, executable
from reads import ReadSet

OPENING = (
    "import sys, time; from genoseq.index.store import Index; started = time.perf_counter(); "
    "Index.open(sys.argv[1]); print(time.perf_counter() - started)"
)
REPEATS = 5


def measure_start(bench: Bench) -> None:
    """`genoseq --help`, opening the index, a thousand reads on a small genome."""
    tool = TOOLS["genoseq"]
    key = bench.key(tool)
    if bench.get("start", "help", key) is None:
        command = [executable("genoseq") or "genoseq", "--help"]
        runs = [bench.run(command, "help") for _ in range(REPEATS)]
        bench.put(
            "start", "help", key, {"wall": median(r.wall for r in runs), "cpu": median(r.cpu for r in runs)}
        )
    for genome in bench.genomes:
        for name in OWN:
            index, _ = bench.index(TOOLS[name], genome)
            if bench.get("start", f"open-{genome}.{name}", key) is None:
                log = bench.work / "logs" / "open.txt"
                seconds = []
                for _ in range(REPEATS):
                    bench.run([sys.executable, "-c", OPENING, str(index)], "open", stdout=log)
                    seconds.append(float(log.read_text()))
                bench.put("start", f"open-{genome}.{name}", key, {"seconds": median(seconds), "tool": name})
    small = "lambda" if bench.reads.has("lambda") else bench.genomes[0]
    if bench.get("start", "thousand", key) is None:
        index, _ = bench.index(tool, small)
        reads = bench.reads.simulated(small, 150, 2, 1000)
        runs = [bench.align_once(tool, index, reads.path, reads.name)[0] for _ in range(REPEATS)]
        wall = median(r.wall for r in runs[1:])
        bench.put("start", "thousand", key, {"genome": small, "wall": wall, "first": runs[0].wall})


def measure_memory(bench: Bench, *, few: int = 100_000, many: int = 1_000_000) -> None:
    """Peak of genoseq for few and many reads of the largest genome."""
    tool, genome = TOOLS["genoseq"], bench.genomes[-1]
    for number in (few, many):
        reads = bench.reads.simulated(genome, 150, 2, number)
        name, key = f"{genome}-n{number}", {**bench.key(tool), "reads": reads.digest}
        if bench.get("memory", name, key) is None:
            index, _ = bench.index(tool, genome)
            cost, out = bench.align_once(tool, index, reads.path, reads.name)
            out.unlink()
            bench.put("memory", name, key, {"genome": genome, "number": number, **cost.to_dict()})
            bench.say(f"memory {name}: {cost.peak / 2**20:,.0f} MiB")


def measure_threads(bench: Bench, *, number: int = 200_000) -> None:
    """One thread and two, free to use all cores: wall seconds, and whether the output is the same."""
    tool, genome = TOOLS["genoseq"], bench.genomes[-1]
    reads = bench.reads.simulated(genome, 150, 10, number)
    key = {**bench.key(tool), "reads": reads.digest}
    if bench.get("threads", genome, key) is not None:
        return
    index, _ = bench.index(tool, genome)
    rounds = []
    digests, ordered = set(), True
    for _ in range(bench.rounds):
        one_round: dict[str, Any] = {}
        for threads in (1, 2):
            start, _ = bench.align_once(
                tool, index, bench.one_read(genome), "threads", threads=threads, core=-1
            )
            cost, out = bench.align_once(tool, index, reads.path, "threads", threads=threads, core=-1)
            digest, in_order = _digest(out, reads)
            digests.add(digest)
            ordered &= in_order
            out.unlink()
            one_round[str(threads)] = {"run": cost.to_dict(), "start": start.to_dict()}
        rounds.append(one_round)
    same = {"identical": len(digests) == 1, "ordered": ordered}
    bench.put("threads", genome, key, {"genome": genome, "number": number, "rounds": rounds, **same})


def _digest(sam: Path, reads: ReadSet) -> tuple[str, bool]:
    """Digest of a SAM without @PG, which states the threads; and whether its reads come in their order.

    Supplementary lines follow the primary one of their read.
    """
    total, expected, in_order = hashlib.sha256(), 0, True
    with sam.open("rb") as file:
        for line in file:
            if line.startswith(b"@PG"):
                continue
            total.update(line)
            if not line.startswith(b"@"):
                expected += not int(line.split(b"\t", 2)[1]) & pysam.FSUPPLEMENTARY
                in_order &= line.startswith(b"%d:" % (expected - 1))
    return total.hexdigest(), in_order and expected == reads.number
