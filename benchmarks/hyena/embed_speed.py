"""How fast `genoseq embed` is: 1 Mbp of FASTA in 1-kb windows, the smallest architecture, as a share of what
the matrix products alone would take.

    python benchmarks/hyena/embed_speed.py [--threads 1 2] [--rounds 3] [--precision fp32 bf16]

The command runs in this process, from reading the file to the .npz in its place; before and after each run
the rate of float32 products (1,024 x 1,024 x 1,024) is measured on the same threads. Both are told by seconds
of CPU, which other work on the machine leaves alone, and by the clock. A base takes 0.79 million operations
in products, about 1 million in all; the share is told for both. Weights are random, with a seed.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from genoseq.cli import main as genoseq
from genoseq.hyena.config import RELEASED
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.weights import save_network
from genoseq.hyena.workers import Workers, one_core

MODEL = "hyenadna-tiny-1k-seqlen"
BASES, RECORDS = 1_000_000, 5
ABOUT = 1e6  # operations a base, products, transforms and all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--window", type=int, default=1000)
    args = parser.parse_args()
    config = RELEASED[MODEL]
    products = config.n_layer * 2 * (4 * config.d_model**2 + 2 * config.d_model * config.d_inner)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}")
    print(f"command: python {' '.join(sys.argv)}\n")
    columns = ["threads", "precision", "kb a CPU s", "kb/s", "fp32 GFLOP a CPU s", "GFLOP/s"]
    print(f"| {' | '.join([*columns, 'share', 'at 1 MFLOP a base'])} |\n" + "|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.manual_seed(1)
        save_network(HyenaNetwork(config), folder / "model")
        write_fasta(folder / "a.fa")
        for threads in args.threads:
            for precision in args.precision:
                rates, speeds = [], []
                for _ in range(args.rounds):
                    rates.append(product_rate(threads))
                    speeds.append(embed(folder, threads, precision, args.window))
                    rates.append(product_rate(threads))
                rate, rate_wall = (median(part) for part in zip(*rates, strict=True))
                speed, speed_wall = (median(part) for part in zip(*speeds, strict=True))
                cells = [f"{speed / 1e3:.0f}", f"{speed_wall / 1e3:.0f}", f"{rate / 1e9:.0f}"]
                cells += [
                    f"{rate_wall / 1e9:.0f}",
                    f"{speed * products / rate:.0%}",
                    f"{speed * ABOUT / rate:.0%}",
                ]
                print(f"| {threads} | {precision} | {' | '.join(cells)} |", flush=True)


def write_fasta(path: Path) -> None:
    rng = np.random.default_rng(1)
    with path.open("w") as file:
        for i in range(RECORDS):
            letters = rng.choice(np.frombuffer(b"ACGT", np.uint8), BASES // RECORDS).tobytes().decode()
            lines = "\n".join(letters[at : at + 60] for at in range(0, len(letters), 60))
            file.write(f">r{i}\n{lines}\n")


def product_rate(threads: int, size: int = 1024, count: int = 8) -> tuple[float, float]:
    """Operations a CPU second, and a wall second, of products on as many threads."""
    a, b = torch.randn(2, size, size)

    def work(_: int) -> None:
        torch.mm(a, b)

    with one_core(), Workers(threads, torch.inference_mode) as workers:
        workers.map(work, range(2 * threads))
        cpu, wall = time.process_time(), time.perf_counter()
        workers.map(work, range(count * threads))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    done = 2 * size**3 * count * threads
    return done / cpu, done / wall


def embed(folder: Path, threads: int, precision: str, window: int) -> tuple[float, float]:
    """Bases a CPU second, and a wall second, of the whole command."""
    command = ["embed", str(folder / "a.fa"), "-m", str(folder / "model"), "--device", "cpu", "-q"]
    command += ["--window", str(window), "-o", str(folder / "v.npz"), "-t", str(threads)]
    cpu, wall = time.process_time(), time.perf_counter()
    if genoseq([*command, "--precision", precision]):
        raise SystemExit("failed")
    return BASES / (time.process_time() - cpu), BASES / (time.perf_counter() - wall)


if __name__ == "__main__":
    main()
