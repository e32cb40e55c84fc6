"""Trees of genomes whose tree is known: what each compressor finds, and what it costs.

    python benchmarks/ncd/tree.py ecoli_MG1655.fa.gz --length 1000000          some minutes
    python benchmarks/ncd/tree.py ecoli_MG1655.fa.gz --ways zstd mixing nrc    whole genomes

The genome evolves along a random tree: on each branch a share of the bases between 0.4 and 1 times `--change`
is changed, nine of ten by substitution, the others by insertion and deletion of one base; a third of the
leaves is turned to the other strand. `genoseq tree` gets the leaves as FASTA, in a process of its own, once
for each number of threads. A split is a branch that parts the leaves into two groups of two and more; "wrong"
counts those of the known tree that were not found. Machines with work of their own show it in wall seconds;
CPU seconds and memory are of the process.

With `--rates` the distances of the genome and copies with so many changed bases, on the same strand.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from Bio import Phylo

from genoseq.io.fastx import read_fasta
from genoseq.ncd.compressors import NAMED, Zstd
from genoseq.ncd.distances import distance
from genoseq.ncd.far import seeing
from genoseq.ncd.relative_distances import relative_matrix, symmetric_nrc
from genoseq.sequence import decode, encode, reverse_complement

WAYS = {
    "gzip": "--compressor gzip", "bz2": "--compressor bz2", "lz4": "--compressor lz4",
    "snappy": "--compressor snappy", "zstd": "--compressor zstd", "zstd 19": "--compressor zstd --level 19",
    "lzma": "--compressor lzma", "brotli": "--compressor brotli", "mixing": "--compressor mixing",
    "nrc": "--metric nrc", "nrc order 12": "--metric nrc --order 12",
}  # fmt: skip
MB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("genome", type=Path)
    parser.add_argument("--length", type=int, help="bases of it (default: all of the first contig)")
    parser.add_argument("--leaves", type=int, default=8)
    parser.add_argument("--change", type=float, nargs="+", default=[0.01, 0.03, 0.06])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--rates", type=float, nargs="+", help="distances of copies instead of trees")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    genome = encode(next(letters for _, letters in read_fasta(args.genome)))[: args.length]
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    print(f"command: python {' '.join(sys.argv)}\n{genome.size:,} bp\n")
    if args.rates:
        rates(genome, args)
        return
    print("| change a branch | by | threads | wrong splits | wall s | CPU s | peak MiB |")
    print("|---|---|---|---|---|---|---|")
    for change in args.change:
        with tempfile.TemporaryDirectory() as folder:
            rng = np.random.default_rng(args.seed)
            known = grow(genome, list(range(args.leaves)), change, rng, Path(folder))
            for way in args.ways:
                for threads in args.threads:
                    row = measured(WAYS[way], folder, threads, known)
                    print(f"| {change:.0%} | {way} | {threads} | {row} |", flush=True)


def evolved(genome: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    changed = genome.copy()
    hit = rng.random(genome.size) < 0.9 * rate
    changed[hit] = (changed[hit] + rng.integers(1, 4, hit.sum())) % 4
    kept = changed[rng.random(genome.size) >= 0.05 * rate]
    places = np.flatnonzero(rng.random(kept.size) < 0.05 * rate)
    return np.insert(kept, places, rng.integers(0, 4, places.size)).astype(np.uint8)


def grow(genome, leaves, change, rng, folder) -> set[frozenset]:
    """Write the leaves below a node; the groups of leaves that its branches part off."""
    if len(leaves) == 1:
        shown = reverse_complement(genome) if leaves[0] % 3 == 1 else genome
        (folder / f"g{leaves[0]}.fa").write_text(f">g{leaves[0]}\n{decode(shown)}\n")
        return set()
    cut = int(rng.integers(1, len(leaves)))
    groups = set()
    for part in (leaves[:cut], leaves[cut:]):
        groups |= {frozenset(part)}
        groups |= grow(evolved(genome, change * rng.uniform(0.4, 1), rng), part, change, rng, folder)
    return groups


def splits(groups, leaves: int) -> set[frozenset]:
    everyone = frozenset(range(leaves))
    return {frozenset([group, everyone - group]) for group in groups if 1 < len(group) < leaves - 1}


def measured(way: str, folder: str, threads: int, known) -> str:
    files = sorted(map(str, Path(folder).glob("g*.fa")))
    command = [sys.executable, "-m", "genoseq", "tree", *files, *way.split(), "-t", str(threads), "-q"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return f"exit {process.returncode} | | | "
    tree = Phylo.read(io.StringIO(text), "newick")
    groups = [frozenset(int(leaf.name[1:]) for leaf in c.get_terminals()) for c in tree.find_clades()]
    right = splits(known, len(files))
    wrong = len(right - splits(groups, len(files)))
    cpu = used.ru_utime + used.ru_stime
    return f"{wrong} of {len(right)} | {wall:.1f} | {cpu:.1f} | {used.ru_maxrss * 1024 / MB:,.0f}"


def rates(genome: np.ndarray, args: argparse.Namespace) -> None:
    rng = np.random.default_rng(args.seed)
    text = decode(genome)
    copies = [decode(evolved(genome, rate, rng)) for rate in args.rates]
    stranger = decode(rng.integers(0, 4, genome.size).astype(np.uint8))
    print(f"| by | {' | '.join(f'{rate:.0%}' for rate in args.rates)} | random | s a pair |")
    print("|---|" + "---|" * (len(copies) + 2))
    length = 2 * len(text) + len(text) // 10
    long_only = Zstd(3, (length - 1).bit_length())
    tools = {"zstd, long window alone": long_only, **{name: seeing(NAMED[name], length) for name in NAMED}}
    tools["zstd 19"] = seeing(Zstd(19), length)
    tools |= {"nrc": None, "nrc order 12": None}
    for name, tool in tools.items():
        if name.partition(",")[0] not in args.ways:
            continue
        found = []
        start = time.process_time()
        for other in (*copies, stranger):
            if tool is not None:
                found.append(distance(text, other, compressor=tool))
            elif name == "nrc":
                found.append(symmetric_nrc(relative_matrix([text, other]))[0, 1])
            else:
                found.append(symmetric_nrc(relative_matrix([text, other], model=12))[0, 1])
        seconds = (time.process_time() - start) / len(found)
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in found)} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
