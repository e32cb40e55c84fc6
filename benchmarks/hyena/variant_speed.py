"""Scoring variants: what sharing saves, and how near the network runs to the rate of matrix products.

Variants of a genome are scored with a network of the smallest published architecture (weights do not matter),
windows of 1,024 bp, both strands: scattered over a stretch, clustered, and all substitutions of a region. The
plain way, every allele whole and REF anew for each, is timed on some of them. Rounds alternate with a product
of float32 matrices on as many threads; times are CPU seconds, of the median round. A position costs about
1 MFLOP, so

    share of the rate = positions / CPU seconds * 1 MFLOP / (FLOP a CPU second of the product)

    python benchmarks/hyena/variant_speed.py --data human_chr20.fa.gz
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from embed_speed import product_rate

from genoseq.hyena.alleles import Variant, VariantWindow, frame
from genoseq.hyena.config import RELEASED
from genoseq.hyena.hyenadna import HyenaDNA
from genoseq.hyena.longcontext import Inference
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.scores import target_log_probabilities
from genoseq.hyena.tokenizer import reverse_complement, tokens_of
from genoseq.hyena.variants import VariantScorer
from genoseq.hyena.workers import one_core
from genoseq.index.genome import Genome, open_genome
from genoseq.sequence import decode, encode

FLOP = 1e6  # a position of the smallest architecture
WINDOW = VariantWindow(1024, 128)
ROWS = 8  # windows in a batch of the plain way


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def variant_sets(genome: Genome, number: int, stretch: int, seed: int) -> dict[str, list[Variant]]:
    """Variants by name: single bases mostly, a tenth short indels."""
    contig, length = genome.names[0], int(genome.lengths[0])
    rng = np.random.default_rng(seed)
    start = length // 2
    codes = genome.contig_codes(contig, start, min(start + stretch, length))
    known = np.flatnonzero(codes < 4)
    known = known[known < len(codes) - 20]

    def some(places: np.ndarray) -> list[Variant]:
        found = []
        for at in np.sort(places).tolist():
            size = int(rng.choice([1, 5, 10], p=[0.9, 0.05, 0.05]))
            ref = decode(codes[at : at + (size if rng.random() < 0.5 else 1)])
            alt = (
                "ACGT"[(codes[at] + int(rng.integers(1, 4))) % 4]
                if size == 1
                else ref[0] + "ACGTACGTAC"[:size]
            )
            if "N" not in ref and ref != alt:
                found.append(Variant(contig, start + at, ref, alt))
        return found

    every = [
        Variant(contig, start + at, "ACGT"[codes[at]], base)
        for at in known[: number // 3].tolist()
        for base in "ACGT"
        if base != "ACGT"[codes[at]]
    ]
    return {
        f"scattered over {stretch / 1e6:.1f} Mbp": some(rng.choice(known, number, replace=False)),
        "clustered, one in 10 bp": some(known[::10][:number]),
        "all substitutions": every,
    }


def plain_rows(genome: Genome, variants: list[Variant]) -> list[np.ndarray]:
    """Tokens of every window of the plain way: REF and ALT of each variant on both strands."""
    rows = []
    for contig, position, ref, alt in variants:
        length = int(genome.lengths[genome.names.index(contig)])
        for strand in (False, True):
            f = frame(position, len(ref), len(alt), length, WINDOW, reverse=strand)
            left, right = (f.right, f.left) if strand else (f.left, f.right)
            before = genome.contig_codes(contig, position - left, position)
            behind = genome.contig_codes(contig, position + len(ref), position + len(ref) + right)
            for allele in (ref, alt):
                tokens = tokens_of(np.concatenate([before, encode(allele), behind]))
                rows.append(reverse_complement(tokens) if strand else tokens)
    return rows


def plain_way(model: HyenaDNA, rows: list[np.ndarray]) -> None:
    """Score windows whole."""
    inference = Inference(model.network)
    with one_core(), model.inference():
        for first in range(0, len(rows), ROWS):
            some = rows[first : first + ROWS]
            ids = torch.full((len(some), max(map(len, some))), 4)
            for row, tokens in zip(ids, some, strict=True):
                row[: len(tokens)] = torch.from_numpy(tokens.astype(np.int64))
            target_log_probabilities(model.network, ids, inference.states(ids))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", default="data/genome.fa.gz", help="a genome in FASTA; its first contig is used"
    )
    parser.add_argument("--number", type=int, default=2000, help="variants in a set")
    parser.add_argument("--plain", type=int, default=40, help="variants that the plain way is timed on")
    parser.add_argument("--stretch", type=int, default=2_000_000, help="bp that they are scattered over")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    network = HyenaNetwork(RELEASED["hyenadna-tiny-1k-seqlen"]).eval()
    model = HyenaDNA(network)
    genome = open_genome(args.data)
    print(f"torch {torch.__version__}, {args.threads} threads, {genome.names[0]} of {args.data}")
    columns = (
        "variants",
        "which",
        "positions",
        "of the plain way",
        "kb/s",
        "of the rate",
        "variants/s",
        "plain",
    )
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name, variants in variant_sets(genome, args.number, args.stretch, 1).items():
        rows = plain_rows(genome, variants[:: max(1, len(variants) // args.plain)])
        speeds, shares, plains = [], [], []
        for _ in range(args.rounds):
            scorer = VariantScorer(model, genome, WINDOW)
            rate, _ = product_rate(args.threads)
            seconds = cpu_seconds(lambda scorer=scorer, variants=variants: scorer.score(variants))
            rate = (rate + product_rate(args.threads)[0]) / 2
            speeds.append(scorer.computed / seconds)
            shares.append(scorer.computed * FLOP / seconds / rate)
            plains.append(len(rows) / 4 / cpu_seconds(lambda rows=rows: plain_way(model, rows)))
        ours = median(speeds) * len(variants) / scorer.computed
        print(
            f"| {len(variants):,} | {name} | {scorer.computed:,} | {scorer.computed / scorer.whole:.0%} "
            f"| {median(speeds) / 1e3:.0f} | {median(shares):.0%} | {ours:.0f} | {median(plains):.1f} |"
        )


if __name__ == "__main__":
    main()
