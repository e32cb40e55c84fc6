"""Bits/base of the mixing model on genomes, beside general compressors and a context of 12 bases.

    python benchmarks/ncd/genome.py ecoli_MG1655.fa.gz human_chr20_GRCh37.fa.gz
    python benchmarks/ncd/genome.py ecoli_MG1655.fa.gz --methods "mixing BEST" "zstd, 2 bits"

whole         the file from its first base to its last, by a method that begins with nothing
held out      the last tenth of every contig, by a model that has learned the rest and learns nothing of it
learning on   the same, learned while it is read; of general compressors what the whole takes more

Bits are divided by the bases that are A, C, G or T. Others are left out of the text that general compressors
get, in letters without line breaks or as four bases a byte ("2 bits"); zstd has level 19 and a window of
2 GiB (--long=31), xz preset 9e. "order 12" is a context of 12 bases on both strands, alone, learned as the
whole is read, and the Markov model of `genoseq.ncd.markov` for what is held out. Each method has a process of
its own for each file, whose peak of resident memory is told; times are CPU seconds of one core for all
columns.
"""

from __future__ import annotations

import argparse
import json
import lzma
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from backports import zstd
from numpy.typing import NDArray

from genoseq.io.fastx import read_fasta
from genoseq.ncd.cost import known_bases
from genoseq.ncd.markov import MarkovModel
from genoseq.ncd.mixing import BEST, FAST, MixingModel, MixingParameters
from genoseq.sequence import LETTERS, encode

Sequences = list[NDArray[np.uint8]]
Figures = dict[str, float]
COLUMNS = ("whole", "held out", "learning on")
ORDER_12 = MixingParameters(orders=((12, 4095),), local=(), patterns=(), seeds=())


def bases(sequences: Sequences) -> int:
    return sum(map(known_bases, sequences))


def learned(model: MixingModel, sequences: Sequences) -> float:
    return sum(float(model.learn(each).sum(dtype=np.float64)) for each in sequences)


def mixing(parameters: MixingParameters, first: Sequences, last: Sequences, whole: Sequences) -> Figures:
    """One pass over nine tenths and the last one; the whole is another order if there are more contigs."""
    model = MixingModel(parameters.sized(bases(whole)))
    begun = learned(model, first)
    held_out = model.bits_per_base(last)
    ended = learned(model, last)
    found = {"held out": held_out, "learning on": ended / bases(last)}
    if len(whole) == 1:
        return found | {"whole": (begun + ended) / bases(whole)}
    del model
    return found | {"whole": learned(MixingModel(parameters.sized(bases(whole))), whole) / bases(whole)}


def order_12(first: Sequences, last: Sequences, whole: Sequences) -> Figures:
    model = MarkovModel.fit(first, 12)
    held_out = model.bits_per_base(last)
    del model
    return mixing(ORDER_12, first, last, whole) | {"held out": held_out}


def letters(sequences: Sequences) -> bytes:
    return b"".join(LETTERS[each[each < 4]].tobytes() for each in sequences)


def two_bits(sequences: Sequences) -> bytes:
    codes = np.concatenate([each[each < 4] for each in sequences])
    codes = np.append(codes, np.zeros(-len(codes) % 4, np.uint8)).reshape(-1, 4)
    return (codes[:, 0] << 6 | codes[:, 1] << 4 | codes[:, 2] << 2 | codes[:, 3]).astype(np.uint8).tobytes()


def general(
    size: Callable[[bytes], int],
    text: Callable[[Sequences], bytes],
    first: Sequences,
    last: Sequences,
    whole: Sequences,
) -> Figures:
    both, before = size(text([*first, *last])), size(text(first))
    found = {"learning on": 8 * (both - before) / bases(last)}
    return found | {"whole": 8 * (both if len(whole) == 1 else size(text(whole))) / bases(whole)}


def zstd_size(text: bytes) -> int:
    parameter = zstd.CompressionParameter
    options = {
        parameter.compression_level: 19,
        parameter.window_log: 31,
        parameter.enable_long_distance_matching: 1,
    }
    return len(zstd.compress(text, options=options))


def xz_size(text: bytes) -> int:
    return len(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))


METHODS: dict[str, Callable[[Sequences, Sequences, Sequences], Figures]] = {
    "mixing BEST": lambda *parts: mixing(BEST, *parts),
    "mixing FAST": lambda *parts: mixing(FAST, *parts),
    "order 12": order_12,
    "zstd, 2 bits": lambda *parts: general(zstd_size, two_bits, *parts),
    "zstd, letters": lambda *parts: general(zstd_size, letters, *parts),
    "xz, 2 bits": lambda *parts: general(xz_size, two_bits, *parts),
    "xz, letters": lambda *parts: general(xz_size, letters, *parts),
}


def child(path: Path, method: str) -> Figures:
    """Figures, CPU seconds without compiling, and the peak of memory."""
    whole = [encode(text) for _, text in read_fasta(path)]
    borders = [len(each) - round(0.1 * len(each)) for each in whole]
    first = [each[:border] for each, border in zip(whole, borders, strict=True)]
    last = [each[border:] for each, border in zip(whole, borders, strict=True)]
    some = [whole[0][whole[0] < 4][:1000]]
    METHODS[method](some, some, some)  # compiles
    start = time.process_time()
    found = METHODS[method](first, last, whole)
    scale = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**30
    return found | {"CPU s": time.process_time() - start, "peak GiB": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("genomes", nargs="+", type=Path, metavar="FASTA")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args.genomes[0], args.child)))
        return
    print(f"{platform.processor() or platform.machine()}, one core; numba {numba.__version__}, "
          f"zstd {zstd.zstd_version}")  # fmt: skip
    print(f"command: python {' '.join(sys.argv)}")
    for path in args.genomes:
        print(f"\n| {path.name}, bits/base | {' | '.join(COLUMNS)} | CPU s | peak GiB |")
        print("|---" * (len(COLUMNS) + 3) + "|")
        for method in args.methods:
            command = [sys.executable, __file__, str(path), "--child", method]
            row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            cells = [f"{row[column]:.3f}" if column in row else "" for column in COLUMNS]
            print(
                f"| {method} | {' | '.join(cells)} | {row['CPU s']:.0f} | {row['peak GiB']:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
