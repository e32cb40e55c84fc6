"""How genoseq grows with the genome: building, opening and aligning at several sizes, and a fit to 3.1 Gbp.

    python benchmarks/align/scale.py --data DATA --work WORK

E. coli, the first 10, 20 and 40 Mbp of human chromosome 20, the whole of it, and it with three copies of
which 30 % of the bases were replaced (`--copies`), with both index presets; reads come from the piece they
are aligned to (with copies: from the chromosome). Two things that only a larger genome has are made on
purpose: smaller cells (`--capacity`) give the tree of chromosome 20 the depth that it would have in a genome
4, 16 and 30 times as large, and contigs of N put the first 10 Mbp behind position 3,000,000,000. Measurements
are kept in WORK as JSON; the tables go into docs/human-scale.md, between two markers.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from bench import Bench
from judge import from_counts, judge
from measure import CommandError, last_core
from peers import TOOLS, executable
from resources import OPENING
from results import REPOSITORY, sha256
from scale_table import write_report

from genoseq.index.store import Index

CAPACITY = 1500  # of both presets
DEPTHS = (4, 16, 30)  # how many times larger a genome of this depth is; --capacity takes no less than 50
UNKNOWN = 250_000_000  # bp of a contig of N; BAM takes none of 2**31
FAR_CONTIGS = 12
_LINE = 60


@dataclass(frozen=True)
class Piece:
    """A genome that is indexed.

    Attributes
    ----------
    name, source
        Of the piece, and of the genome that it is cut from.
    known
        Known bases from the start on, Mbp; 0 for all.
    copies
        How many times it is there, all but the first with 30 % of the bases replaced.
    far
        Contigs of N in front of it.
    """

    name: str
    source: str
    known: int = 0
    copies: int = 1
    far: int = 0


@dataclass(frozen=True)
class Case:
    """A piece with an index preset and a capacity of the cells."""

    piece: Piece
    preset: str
    capacity: int = CAPACITY

    @property
    def name(self) -> str:
        """Of its measurements and its folder."""
        return f"{self.piece.name}.{self.preset}.{self.capacity}"


def cases(copies: int) -> list[Case]:
    """Everything that is measured, in order."""
    pieces = [Piece("ecoli", "ecoli"), *(Piece(f"chr20-{n}", "chr20", n) for n in (10, 20, 40))]
    whole = Piece("chr20", "chr20")
    pieces += [
        whole,
        Piece("far", "chr20", 10, far=FAR_CONTIGS),
        Piece(f"chr20x{copies}", "chr20", 0, copies),
    ]
    result = [Case(piece, preset) for piece in pieces for preset in ("sr", "divergent")]
    result += [Case(whole, "divergent", CAPACITY // times) for times in DEPTHS]
    return [*result, Case(whole, "sr", CAPACITY // DEPTHS[-1])]


def make_genome(bench: Bench, piece: Piece) -> Path:
    """FASTA of a piece; contigs of N are written as gzip."""
    source = bench.reads.genome(piece.source)
    if not (piece.known or piece.copies > 1 or piece.far):
        return source
    path = bench.work / "genomes" / f"{piece.name}.fa{'.gz' if piece.far else ''}"
    if path.is_file():
        return path
    header, *lines = source.read_bytes().split(b"\n")
    letters = np.frombuffer(b"".join(lines).upper(), np.uint8)
    if piece.known:
        letters = letters[: np.searchsorted(np.cumsum(letters != ord("N")), 1_000_000 * piece.known) + 1]
    draft = path.with_suffix(".tmp")
    with gzip.open(draft, "wb", 1) if piece.far else draft.open("wb") as out:
        for number in range(piece.far):
            out.write(b">unknown%d\n%s\n" % (number, b"N" * UNKNOWN))
        for number in range(piece.copies):
            name = header if not number else b">copy%d" % number
            out.write(name + b"\n" + _lines(letters if not number else _replaced(letters, number)))
    draft.replace(path)
    return path


def _lines(letters: np.ndarray) -> bytes:
    """Letters in lines, as FASTA."""
    whole = len(letters) // _LINE * _LINE
    lines = np.full((whole // _LINE, _LINE + 1), ord("\n"), np.uint8)
    lines[:, :_LINE] = letters[:whole].reshape(-1, _LINE)
    return lines.tobytes() + letters[whole:].tobytes() + b"\n"


def _replaced(letters: np.ndarray, seed: int) -> np.ndarray:
    """The same with 30 % of the known bases replaced by others of the same composition."""
    random = np.random.default_rng(seed)
    known = np.flatnonzero(letters != ord("N"))
    chosen = known[random.random(len(known), np.float32) < 0.3]
    result = letters.copy()
    result[chosen] = letters[known[random.integers(0, len(known), len(chosen))]]
    return result


def measure_index(bench: Bench, case: Case) -> tuple[Path, dict[str, Any]]:
    """Build the index of a case unless it is there: cost, bytes, cells, opening."""
    genome, tool = make_genome(bench, case.piece), TOOLS["genoseq"]
    folder = bench.work / "indexes" / f"{case.name}.gsx"
    command = [executable("genoseq"), "index", "-q", "-t", "1", "--preset", case.preset]
    command += ["--capacity", str(case.capacity), str(genome), "-o", str(folder)]
    key = {"command": command[1:-3], "identity": bench.code}
    found = bench.get("scale-index", case.name, key)
    if found is not None and folder.is_dir():
        return folder, found
    bench.say(f"index {case.name}")
    bench.warm(tool)
    cost = bench.run(command, f"index-{case.name}")
    log, seconds = bench.work / "logs" / "open.txt", []
    for _ in range(3):
        opening = bench.run([sys.executable, "-c", OPENING, str(folder)], "open", stdout=log)
        seconds.append(float(log.read_text()))
    parts = {path.name: path.stat().st_size for path in folder.iterdir()}
    values = {
        "cost": cost.to_dict(),
        "parts": parts,
        "opening": median(seconds),
        "opening_peak": opening.peak,
    }
    return folder, bench.put("scale-index", case.name, key, {**_identity(case), **values, **_cells(folder)})


def _identity(case: Case) -> dict[str, Any]:
    piece = case.piece
    return {"piece": piece.name, "source": piece.source, "preset": case.preset, "capacity": case.capacity}


def _cells(folder: Path) -> dict[str, Any]:
    """Bases, anchors, cells and their sizes, and the length of the paths to them."""
    index = Index.open(folder)
    sizes, children = index.cell_sizes.astype(np.int64), index.tree.children
    depth_of_node, depth = np.zeros(len(children), np.int64), np.zeros(len(sizes), np.int64)
    level, steps = index.tree.roots[index.tree.roots >= 0], 0
    while len(level):
        depth_of_node[level], steps = steps, steps + 1
        below = children[level].ravel()
        depth[-1 - below[below < 0]] = steps
        level = below[below >= 0]
    runs = index.reference.exceptions
    return {
        "bases": len(index.reference),
        "known": len(index.reference) - int((runs[:, 1] - runs[:, 0]).sum()),
        "anchors": int(sizes.sum()),
        "cells": len(sizes),
        "depth": float((depth * sizes).sum() / sizes.sum()),
        "deepest": int(depth.max()),
        "largest": int(sizes.max()),
        "met": float((sizes**2).sum() / sizes.sum()),
        "over_capacity": float(sizes[sizes > index.parameters.capacity].sum() / sizes.sum()),
        "crowded": float(sizes[sizes > 4 * index.parameters.capacity].sum() / sizes.sum()),
    }


@dataclass(frozen=True)
class Kind:
    """A kind of reads: options of `genoseq simulate`, and reads a file in relation to `--reads`."""

    options: str
    share: float = 1


_DIVERGENT = "-l 150 --divergence"
KINDS = {
    "Illumina": Kind("-l 150 --errors illumina"),
    "pairs": Kind("-l 150 --insert 400,50 --divergence 0.01", 0.5),
    "10 %": Kind(f"{_DIVERGENT} 0.1"),
    "15 %": Kind(f"{_DIVERGENT} 0.15"),
    "20 %": Kind(f"{_DIVERGENT} 0.2"),
    "long": Kind("-l 8000 --length-sd 2000 --errors long --error-rate 0.1", 0.015),
}


def make_reads(bench: Bench, case: Case, kind: str, number: int) -> list[Path]:
    """FASTQ files of a case: from the known part of its genome, one file or two."""
    piece = case.piece
    origin = replace(piece, name=f"chr20-{piece.known}" if piece.known else piece.source, copies=1, far=0)
    stem = bench.reads.folder / f"scale-{origin.name}-{kind.replace(' %', '')}"
    count = max(int(number * KINDS[kind].share), 1)
    files = [Path(f"{stem}-n{count}.{mate}.fq") for mate in (1, 2)]
    if not files[0].is_file():
        command = [executable("genoseq"), "simulate", "-q", "-n", str(count), *KINDS[kind].options.split()]
        outputs = ["-o", str(files[0]), *(["--output2", str(files[1])] if kind == "pairs" else [])]
        bench.run([*command, str(make_genome(bench, origin)), *outputs], "simulate")
    return files[: 2 if kind == "pairs" else 1]


def measure_align(bench: Bench, case: Case, folder: Path, number: int) -> None:
    """Reads of the case's genome against its index: cost, right and wrong."""
    started: dict[str, float] = {}
    for kind in KINDS:
        if kind == "long" and (case.preset != "sr" or case.capacity != CAPACITY):
            continue
        files = make_reads(bench, case, kind, number)
        reads = len(files) * max(int(number * KINDS[kind].share), 1)
        preset = "long" if kind == "long" else case.preset
        command = [executable("genoseq"), "align", "-q", "-t", "1", "--preset", preset, "-x", str(folder)]
        key = {"command": command[1:-1], "identity": bench.code, "reads": [sha256(path) for path in files]}
        if bench.get("scale-align", f"{case.name}.{kind}", key) is not None:
            continue
        out = bench.work / "out" / f"{case.name}.sam"
        start = kind if kind in ("pairs", "long") else "single"
        if start not in started:  # the first run may compile
            one = [*command, *map(str, make_reads(bench, case, kind, 1)), "-o", str(out)]
            started[start] = min(bench.run(one, "start").cpu for _ in range(2))
        cost = bench.run([*command, *map(str, files), "-o", str(out)], f"align-{case.name}")
        counts = judge(out, reads)
        bench.drop(out)
        values = {"kind": kind, "number": reads, "cost": cost.to_dict(), "start": started[start]}
        bench.put("scale-align", f"{case.name}.{kind}", key, {**_identity(case), **values, "counts": counts})
        right = 100 * (from_counts(counts).summary()["right"] or 0)
        bench.say(f"align {case.name} {kind}: {right:.2f} % right, {cost.cpu - started[start]:.1f} s")


def main(argv: list[str] | None = None) -> int:
    """Measure, then write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default=Path("data"), help="folder with genomes/")
    add("--work", type=Path, required=True, help="folder for everything that is made")
    add("--reads", type=int, default=20_000, metavar="N", help="reads of a set (default: %(default)s)")
    add("--copies", type=int, default=4, metavar="N", help="of chromosome 20 in the largest genome")
    add("--core", type=int, default=last_core(), help="CPU core to measure on; -1: any (default: the last)")
    add("--docs", type=Path, default=REPOSITORY / "docs", help="folder of human-scale.md")
    args = parser.parse_args(argv)
    try:
        bench = Bench(
            args.data, args.work, args.core, ("ecoli", "chr20"), (150,), (), args.reads, ("genoseq",)
        )
        for case in cases(args.copies):
            folder, _ = measure_index(bench, case)
            measure_align(bench, case, folder, args.reads)
    except CommandError as error:
        print(f"scale.py: {error}", file=sys.stderr)
        return 1
    bench.say(f"written: {write_report(bench, args.docs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
