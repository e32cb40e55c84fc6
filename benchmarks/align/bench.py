"""One benchmark: its folders, and what all measurements share (indexes, start-up, one alignment)."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import CommandError, Cost, measure, median_cost
from peers import TOOLS, Tool, maf_to_sam, version
from reads import ReadMaker, ReadSet
from results import ALIGNMENT, Results, commit, source_digest


@dataclass
class Bench:
    """What is measured and where.

    Attributes
    ----------
    data, work
        Folder of the data, folder for everything that is made.
    core
        CPU core that measurements stay on; -1 leaves them free.
    genomes, lengths, divergences, number
        The grid of simulated reads: names, bp, per cent, reads a set.
    tools
        Names of what is run, genoseq first.
    rounds, speed_reads, slow_reads, speed_divergences
        Of the speed table: how often it is run, reads for most programs, reads for LAST, per cent.
    long_reads
        Long reads a set.
    again
        Kinds of measurements that are made again, though they still hold.
    """

    data: Path
    work: Path
    core: int
    genomes: tuple[str, ...]
    lengths: tuple[int, ...]
    divergences: tuple[int, ...]
    number: int
    tools: tuple[str, ...]
    rounds: int = 3
    speed_reads: int = 100_000
    slow_reads: int = 5_000
    speed_divergences: tuple[int, ...] = (0, 5, 10, 15, 20)
    long_reads: int = 2_000
    again: frozenset[str] = frozenset()
    keep: bool = False
    reads: ReadMaker = field(init=False)
    results: Results = field(init=False)
    code: str = field(init=False)

    def __post_init__(self) -> None:
        self.reads = ReadMaker(self.data, self.work)
        self.results = Results(self.work / "results")
        self.code = source_digest(*ALIGNMENT)
        for folder in ("logs", "indexes", "out"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)

    @property
    def selected(self) -> list[Tool]:
        """The tools that are run, those that are installed."""
        return [TOOLS[name] for name in self.tools if TOOLS[name].available()]

    def say(self, text: str) -> None:
        """A line of progress."""
        print(text, file=sys.stderr, flush=True)

    def key(self, tool: Tool) -> dict[str, Any]:
        """What a measurement of a tool depends on, but for the reads."""
        identity = self.code if tool.own else version(tool.program)
        return {"index": tool.index, "align": tool.align, "identity": identity}

    def get(self, kind: str, name: str, key: dict[str, Any]) -> dict[str, Any] | None:
        """A measurement that still holds and is not to be made again."""
        return None if kind in self.again else self.results.get(kind, name, key)

    def put(self, kind: str, name: str, key: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Keep a measurement, with the commit it was made at.

        Raises
        ------
        CommandError
            If genoseq was measured and its code is not what it was when this run began.
        """
        if self.code in str(key) and source_digest(*ALIGNMENT) != self.code:
            raise CommandError(f"genoseq changed while {kind} {name} was measured; run this again")
        return self.results.put(kind, name, key, {"commit": commit(), **values})

    def run(
        self, command: list[str], name: str, *, stdout: Path | None = None, core: int | None = None
    ) -> Cost:
        """Measure a command, on the benchmark's core unless told."""
        log = self.work / "logs" / f"{name}.log"
        return measure(command, log=log, stdout=stdout, core=self.core if core is None else core)

    def index(self, tool: Tool, genome: str) -> tuple[Path, dict[str, Any]]:
        """The index of a genome, built and measured unless it is there; one for tools that share it."""
        reference, path = self.reads.genome(genome), tool.index_path(self.work / "indexes", genome)
        name, key = path.name, {k: v for k, v in self.key(tool).items() if k != "align"}
        found = self.get("index", name, key)
        if found is not None and tool.index_bytes(path):
            return path, found
        self.say(f"index {name}")
        if tool.own:
            self.warm(tool)
        cost = self.run(tool.index_command(path, reference), f"index-{name}")
        size = {"bytes": tool.index_bytes(path), "bases": self.reads.bases(genome)}
        return path, self.put("index", name, key, {**cost.to_dict(), **size})

    def startup(self, tool: Tool, genome: str) -> dict[str, Any]:
        """What it costs to map one read: the median of three runs."""
        index, _ = self.index(tool, genome)
        name, key = f"{genome}.{tool.name}", self.key(tool)
        found = self.get("startup", name, key)
        if found is None:
            one = self.one_read(genome)
            self.align_once(tool, index, one, name)  # compiles, fills the caches of the system
            cost = median_cost([self.align_once(tool, index, one, name)[0] for _ in range(3)])
            found = self.put("startup", name, key, cost.to_dict())
        return found

    def one_read(self, genome: str) -> Path:
        """A file with one read of a genome."""
        return self.reads.simulated(genome, 150, 0, 1).path

    def align_once(
        self,
        tool: Tool,
        index: Path,
        reads: Path,
        name: str,
        *,
        mates: Path | None = None,
        threads: int = 1,
        core: int | None = None,
    ) -> tuple[Cost, Path]:
        """Align a file once: the cost, and the SAM (or MAF) that came out."""
        out = self.work / "out" / f"{name}.{tool.name}.{'maf' if tool.maf else 'sam'}"
        command = tool.align_command(index, reads, out, threads=threads, mates=mates)
        cost = self.run(command, f"align-{out.stem}", stdout=out if tool.stdout else None, core=core)
        return cost, out

    def align(self, tool: Tool, reads: ReadSet, number: int | None = None) -> tuple[Cost, Path]:
        """Align a set, or its first reads: the cost, and the SAM."""
        index, _ = self.index(tool, reads.genome)
        number = min(number or reads.number, reads.number)
        cost, out = self.align_once(tool, index, self.reads.head(reads, number), reads.name)
        if not tool.maf:
            return cost, out
        sam = out.with_suffix(".sam")
        maf_to_sam(out, sam)
        self.drop(out)
        return cost, sam

    def drop(self, path: Path) -> None:
        """Delete an output, unless all are kept."""
        if not self.keep:
            path.unlink(missing_ok=True)

    def warm(self, tool: Tool) -> None:
        """Let genoseq compile before its index is timed, on a genome of one read's size."""
        tiny = self.work / "indexes" / "warm.fa"
        if not tiny.is_file():
            genome = self.reads.genome(self.genomes[0])
            tiny.write_text("\n".join(genome.read_text().split("\n", 4000)[:4000]) + "\n")
        self.run(tool.index_command(tiny.with_suffix(f".{tool.suffix}"), tiny), f"warm-{tool.name}")
