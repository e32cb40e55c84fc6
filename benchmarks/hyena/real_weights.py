"""Real weights: what two trained classifiers say of human and of E. coli windows.

    python benchmarks/hyena/real_weights.py --weights DIR --human human_chr20.fa.gz --ecoli ecoli.fa.gz

The files are two-class heads (eukaryote or not) on the architectures tiny-1k and tiny-16k, with the keys of
the released checkpoints (hyena_tiny1k_remag033.safetensors, hyena_tiny16k_remag061.safetensors; PyPI remag
0.3.3 and 0.6.1). Windows are spread evenly over each genome; those with N are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from genoseq.hyena.classifier import HyenaClassifier
from genoseq.index.genome import open_genome
from genoseq.sequence import decode

FILES = {"hyena_tiny1k_remag033": (1_024,), "hyena_tiny16k_remag061": (1_024, 4_096, 16_384)}


def windows(path: Path, length: int, number: int) -> list[str]:
    """Windows of the first contig, evenly spread."""
    genome = open_genome(path)
    contig, end = genome.names[0], int(genome.lengths[0]) - length
    codes = (
        genome.contig_codes(contig, start, start + length)
        for start in np.linspace(0, end, number, dtype=int).tolist()
    )
    return [decode(each) for each in codes if (each < 4).all()]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--weights", type=Path, required=True, help="folder of the two files")
    add("--human", type=Path, required=True)
    add("--ecoli", type=Path, required=True)
    add("--bases", type=int, default=200_000, help="of each genome, about (default: 200000)")
    args = parser.parse_args()
    print("| weights | window | mean P(eukaryote), human | E. coli |")
    print("|---|---|---|---|")
    for name, lengths in FILES.items():
        classifier = HyenaClassifier.load(
            args.weights / f"{name}.safetensors", classes=("prokaryote", "eukaryote"), device="cpu"
        )
        for length in lengths:
            found = [
                f"{classifier.probabilities(windows(path, length, args.bases // length))[:, 1].mean():.4f}"
                for path in (args.human, args.ecoli)
            ]
            print(f"| {name} | {length:,} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
