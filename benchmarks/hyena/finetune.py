"""Fine-tuning on real sequences: is it better than a linear probe, and than counting 6-mers?

Tasks of reading short pieces of the human genome without knowing where they lie, as a gene finder must:

    frame       coding sequence: which base of a codon does it begin with?
    frameshift  coding sequence from the first base of a codon: was a base lost in the middle half of it?
    coding      coding sequence, or genomic sequence that the language model was not trained on; either strand
    strand      coding sequence: is it the sense strand, or the other?

Coding pieces are from genes of seven families whose reading frame is open; a family is never in two parts, so
that no relative of a test sequence is trained on. Genomic pieces are from the end of chromosome 20, in blocks
of 100 kb that stay together. Everything else is `genoseq train hyena-classifier`, whose report has all three
methods on the same test parts: five seeds draw parts anew.

    python benchmarks/hyena/finetune.py --data DIR --work work/          # needs genomes/ and families/ in DIR
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genoseq.io.fastx import read_fasta
from genoseq.io.labelled import read_labelled
from genoseq.io.table import write_tsv
from genoseq.sequence import decode, encode, reverse_complement

HELD_OUT = 0.1  # of chromosome 20, its end: what hyena-tiny was not trained on
BLOCK = 100_000  # bp of the chromosome that stay together
STOPS = frozenset((48, 50, 56))  # TAA, TAG, TGA as numbers in base 4
OPTIONS = {
    "frame": ["--pool", "last", "--strands", "forward"],
    "frameshift": ["--pool", "last", "--strands", "forward"],
    "coding": ["--pool", "mean"],
    "strand": ["--pool", "mean", "--strands", "forward"],
}

Row = tuple[str, str, str]  # sequence, label, group


def open_frame(codes: NDArray[np.uint8]) -> bool:
    """Whether a sequence is whole codons without a stop before the last."""
    if len(codes) % 3 or (codes > 3).any():
        return False
    codons = codes.reshape(-1, 3).astype(np.int64) @ [16, 4, 1]
    return not STOPS & set(codons[:-1].tolist())


def coding_pieces(
    data: Path, length: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], int, str]]:
    """Different pieces of genes without end: the piece, where it begins in its gene (bp), its family."""
    table = read_labelled(data / "families" / "human.tsv.gz")
    genes = [
        (codes, f"family {label}")
        for codes, label in zip(table.codes, table.labels, strict=True)
        if len(codes) >= length and open_frame(codes)
    ]
    seen: set[bytes] = set()
    while True:
        codes, family = genes[rng.integers(len(genes))]
        start = int(rng.integers(len(codes) - length + 1))
        piece = codes[start : start + length]
        if piece.tobytes() not in seen:
            seen.add(piece.tobytes())
            yield piece, start, family


def genomic_pieces(
    data: Path, length: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Pieces of the end of chromosome 20 without end, with their block."""
    _, letters = next(iter(read_fasta(data / "genomes" / "human_chr20_GRCh37.fa.gz")))
    codes = encode(letters)
    first = len(codes) - round(HELD_OUT * len(codes))
    while True:
        start = int(rng.integers(first, len(codes) - length + 1))
        piece = codes[start : start + length]
        if (piece < 4).all():
            yield piece, f"block {start // BLOCK}"


def rows_of(task: str, data: Path, number: int, length: int) -> Iterator[Row]:
    """The sequences of a task, always the same."""
    rng = np.random.default_rng(1)
    coding, genomic = coding_pieces(data, length + 1, rng), genomic_pieces(data, length, rng)
    for i in range(number):
        is_other = bool(rng.random() < 0.5)
        if task == "coding" and i % 2:
            piece, group = next(genomic)
            label = "genomic"
        else:
            piece, start, group = next(coding)
            while task == "frameshift" and start % 3:
                piece, start, group = next(coding)
            label = {
                "frame": f"base {start % 3 + 1}",
                "frameshift": "lost" if is_other else "whole",
                "coding": "coding",
                "strand": "antisense" if is_other else "sense",
            }[task]
        if task == "frameshift" and is_other:
            piece = np.delete(piece, rng.integers(length // 4, 3 * length // 4))
        piece = piece[:length]
        if is_other and task in ("coding", "strand"):
            piece = reverse_complement(piece)
        yield decode(piece), label, group


def percent(figure: dict[str, float | None]) -> str:
    """Mean and spread; one seed has no spread."""
    mean, sd = figure["mean"], figure["sd"]
    return f"{100 * (mean or 0):.1f}" + (f" +- {100 * sd:.1f}" if sd is not None else "")


def main() -> None:
    """Make the tasks, train, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with genomes/ and families/")
    add("--work", type=Path, required=True, help="folder for the tasks and the runs; goes on where it was")
    add("--tasks", nargs="+", choices=OPTIONS, default=list(OPTIONS))
    add("--init", default="hyena-tiny", help="the language model (default: hyena-tiny)")
    add("--number", type=int, default=4000, help="sequences of a task (default: 4000)")
    add("--length", type=int, default=120, help="bp (default: 120)")
    add("--seeds", type=int, default=5)
    add("more", nargs="*", help="after --: options of genoseq train hyena-classifier")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    print(f"{args.number:,} sequences of {args.length} bp, {args.seeds} seeds; accuracy %, mean +- sd")
    for task in args.tasks:
        table = args.work / f"{task}.tsv"
        write_tsv(table, ["sequence", "label", "group"], rows_of(task, args.data, args.number, args.length))
        report = args.work / f"{task}.json"
        command = [
            sys.executable, "-m", "genoseq", "train", "hyena-classifier", table, "--group", "group",
            "--init", args.init, "--seeds", args.seeds, "-t", 1, "-o", args.work / task, "--json", report,
            *OPTIONS[task], *args.more,
        ]  # fmt: skip
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        found = json.loads(report.read_text(encoding="utf-8"))["summary"]
        cells = [f"{name} {percent(figures['accuracy'])}" for name, figures in found.items()]
        print(f"{task}: {', '.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
