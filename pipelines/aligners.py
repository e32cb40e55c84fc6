"""Aligners side by side for the study `benchmark_align`: genoseq by its Python API, others by commands.

The commands, what they cost and what a read is worth come from `benchmarks/align`, which measures the tables
of the documentation.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from kept import Kept
from study import Steps, Study  # makes the modules of benchmarks/align known

from judge import judge  # isort: skip
from measure import measure  # isort: skip
from peers import TOOLS, Tool, maf_to_sam, version  # isort: skip
from results import sha256  # isort: skip
from speed import Speed, speed_of  # isort: skip

import genoseq
from genoseq import Aligner, Index, SimulationParameters, random_reads, read_batches, simulate_reads
from genoseq.index.store import PRESETS
from genoseq.io.fastq import format_fastq, open_fastq
from genoseq.io.files import input_error
from genoseq.simulate import SimulatedReads

KEPT, FILES, OURS = "measured.jsonl", "files", "genoseq"


class Program(Protocol):
    """An aligner with its index."""

    name: str
    identity: str

    def align(self, reads: Path, sam: Path) -> dict[str, dict[str, float]]:
        """Align a file: CPU seconds of the ``run``, and of the ``start`` that is in them (`speed_of`)."""


class Genoseq:
    """genoseq by its Python API, from FASTQ to SAM; the index is open, the code compiled.

    Parameters
    ----------
    preset : str
    genome : Path
    folder : Path
        Where the index is, or will be.
    """

    def __init__(self, preset: str, genome: Path, folder: Path) -> None:
        self.name, self.identity = OURS, f"{genoseq.__version__} {preset}"
        self._preset, self._genome, self._folder = preset, genome, folder

    @cached_property
    def index(self) -> Index:
        """Built if it is not there."""
        kind = "sr" if self._preset == "sr" else "divergent"
        path = self._folder / f"{kind}.gsx"
        if not path.exists():
            return Index.build(self._genome, path, parameters=PRESETS[kind])
        found = Index.open(path)
        found.check_source(self._genome)
        return found

    @cached_property
    def aligner(self) -> Aligner:
        """It has aligned a read, so that the clock measures no compilation."""
        aligner = Aligner(self.index, self._preset)
        for simulated in random_reads(SimulationParameters(number=8)):
            aligner.sam(aligner.align(simulated.reads))
        return aligner

    def align(self, reads: Path, sam: Path) -> dict[str, dict[str, float]]:
        """See `Program`."""
        aligner = self.aligner
        start = time.process_time()
        with sam.open("wb") as out:
            for aligned in aligner.stream(read_batches(reads)):
                out.write(aligner.sam(aligned))
        return {"run": {"cpu": time.process_time() - start}, "start": {"cpu": 0.0}}


class Peer:
    """Another program by its command, on one thread.

    Parameters
    ----------
    tool : Tool
    genome : Path
        Plain FASTA.
    folder : Path
        Where the index is, or will be.
    one : Path
        A file of one read, which measures what the start costs.
    """

    def __init__(self, tool: Tool, genome: Path, folder: Path, one: Path) -> None:
        self.name, self.identity = tool.name, version(tool.program)
        self._tool, self._genome, self._folder, self._one = tool, genome, folder, one

    @cached_property
    def index(self) -> Path:
        """Built if it is not there."""
        path = self._tool.index_path(self._folder, "genome")
        if not self._tool.index_bytes(path):
            command = self._tool.index_command(path, self._genome)
            measure(command, log=self._folder / f"{self.name}.log")
        return path

    def align(self, reads: Path, sam: Path) -> dict[str, dict[str, float]]:
        """See `Program`."""
        costs = {"start": self._cost(self._one, sam), "run": self._cost(reads, sam)}
        if self._tool.maf:
            maf_to_sam(sam.with_suffix(".maf"), sam)
        return costs

    def _cost(self, reads: Path, sam: Path) -> dict[str, float]:
        out = sam.with_suffix(".maf") if self._tool.maf else sam
        command = self._tool.align_command(self.index, reads, out)
        return {"cpu": measure(command, log=sam.with_suffix(".log"), stdout=out).cpu}


class Bench:
    """Measures what was not measured yet.

    Parameters
    ----------
    study : Study
    """

    def __init__(self, study: Study) -> None:
        self.params, self.absent = study.params, list[str]()
        self.folder = study.work / FILES
        self.folder.mkdir(exist_ok=True)
        self._kept = Kept(study.work / KEPT)
        source = study.data / self.params["genome"]
        try:
            self._genome = sha256(source)
        except OSError as error:
            raise input_error(error, source) from error
        self._ours = Genoseq(self.params["preset"], source, self.folder)
        self.reference = self._ours.index.reference
        plain, one = self.folder / "genome.fa", self.folder / "one.fq"
        self._write(one, self._simulated(SimulationParameters(number=1)))
        self.reference.write_fasta(plain)  # not all peers read a compressed genome
        tools = [TOOLS[name] for name in self.params["peers"]]
        peers = [Peer(tool, plain, self.folder, one) for tool in tools if tool.available()]
        self.absent = [tool.name for tool in tools if not tool.available()]
        self.programs: list[Program] = [self._ours, *peers]
        sets = len(self.params["lengths"]) * len(self.params["divergences"]) + 1
        self._steps = Steps(study, len(self.programs) * sets + len(self.params["speed"]["divergences"]))

    def counts(self, length: int, divergence: float) -> dict[str, dict[str, Any]]:
        """Right and wrong reads by MAPQ of each program (`judge`)."""
        wanted = self._wanted(self.params["reads"], length, divergence)
        return self._counts(wanted, self._simulated(wanted), foreign=False)

    def foreign(self) -> dict[str, dict[str, Any]]:
        """Random reads that were placed, by MAPQ, of each program."""
        wanted = self._wanted(self.params["foreign"], self.params["lengths"][0], 0.0)
        return self._counts(wanted, random_reads(wanted), foreign=True)

    def speeds(self, divergence: float) -> tuple[dict[str, Speed], dict[str, dict[str, Any]]]:
        """Reads a CPU second of each program, over rounds in which all take turns; and what was right."""
        asked = self.params["speed"]
        wanted = self._wanted(asked["reads"], asked["length"], divergence)
        key = self._key([program.identity for program in self.programs], wanted, asked["rounds"])
        known = key in self._kept
        if not known:
            reads, sam = self.folder / "speed.fq", self.folder / "out.sam"
            rounds: dict[str, list[Any]] = {program.name: [] for program in self.programs}
            counts = {}
            self._write(reads, self._simulated(wanted))
            for _ in range(asked["rounds"]):
                for program in self.programs:
                    rounds[program.name].append(program.align(reads, sam))
                    counts[program.name] = judge(sam, wanted.number)
            self._kept.add(key, {"rounds": rounds, "counts": counts})
        found = {name: speed_of(wanted.number, each) for name, each in self._kept[key]["rounds"].items()}
        told = ", ".join(f"{name} {speed.median:,.0f}" for name, speed in found.items())
        self._steps.done(f"speed at {divergence:.0%}, reads a CPU second: {told}", kept=known)
        return found, self._kept[key]["counts"]

    def _wanted(self, number: int, length: int, divergence: float) -> SimulationParameters:
        return SimulationParameters(
            number=number, length=length, divergence=divergence,
            indel_share=self.params["indel_share"], seed=self.params["seed"],
        )  # fmt: skip

    def _counts(
        self, wanted: SimulationParameters, batches: Iterable[SimulatedReads], *, foreign: bool
    ) -> dict[str, dict[str, Any]]:
        reads, sam = self.folder / "reads.fq", self.folder / "out.sam"
        what = "random reads" if foreign else f"{wanted.length} bp, {wanted.divergence:.0%}"
        keys = {program.name: self._key(program.identity, wanted, foreign) for program in self.programs}
        if not all(key in self._kept for key in keys.values()):
            self._write(reads, batches)
        for program in self.programs:
            key = keys[program.name]
            known = key in self._kept
            if not known:
                program.align(reads, sam)
                self._kept.add(key, judge(sam, wanted.number, foreign=foreign))
            count = sum(self._kept[key]["foreign" if foreign else "right"].values())
            told = f"{count:,} of {wanted.number:,} {'placed' if foreign else 'right'}"
            self._steps.done(f"{what}, {program.name}: {told}", kept=known)
        return {name: self._kept[key] for name, key in keys.items()}

    def _simulated(self, wanted: SimulationParameters) -> Iterable[SimulatedReads]:
        return simulate_reads(self.reference, wanted)

    def _write(self, path: Path, batches: Iterable[SimulatedReads]) -> None:
        with open_fastq(path) as out:
            for batch in batches:
                out.write(format_fastq(batch.reads))

    def _key(self, *parts: Any) -> str:
        words = json.dumps([self._genome, genoseq.__version__, *parts], default=vars, sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()
