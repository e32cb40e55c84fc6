"""What HyenaDNA has to beat: bits/base of Markov models and of mixing models on the same held-out bases.

    python benchmarks/hyena/baselines.py --train human_chr20.fa.gz --other human_chrM.fa.gz ecoli.fa.gz

The last tenth of every contig is held out, as `genoseq train hyena` does it, and the models learn the rest.
They learn nothing of what they score, as the weights of a network are fixed; a mixing model adapts its
weights and local contexts within a contig. Two columns are of models that learn each base after they have
scored it, as a compressor does: "learning on" is the held-out part for one that has learned the rest, "from
nothing" a whole file for one that begins with it. Each model has a process of its own, whose peak of resident
memory is told; times are CPU seconds of one core, compiling left out.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.io.fastx import read_fasta
from genoseq.ncd.cost import known_bases
from genoseq.ncd.markov import LONGEST, MarkovModel
from genoseq.ncd.mixing import BEST, FAST, MixingModel, MixingParameters
from genoseq.sequence import encode

Sequences = list[NDArray[np.uint8]]
MIXING = {"FAST": FAST, "BEST": BEST}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--train", required=True, type=Path, metavar="FASTA")
    parser.add_argument("--other", nargs="*", default=[], type=Path, metavar="FASTA", help="never seen")
    parser.add_argument("--share", type=float, default=0.1, help="that is held out (default: 0.1)")
    parser.add_argument("--models", nargs="+", default=["Markov", *MIXING], choices=["Markov", *MIXING])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args)))
        return
    print(f"{platform.processor() or platform.machine()}, one core; numba {numba.__version__}")
    print(f"command: python {' '.join(sys.argv)}\n")
    columns = ["held out", "learning on", "from nothing"]
    columns += [f"{path.name}{how}" for path in args.other for how in ("", ", from nothing")]
    columns += ["Mb/s learned", "Mb/s scored", "peak GiB"]
    print(f"| bits/base | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for model in args.models:
        command = [sys.executable, __file__, *sys.argv[1:], "--child", model]
        rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        for name, cells in rows.items():
            texts = [f"{cells[column]:.3f}" if column in cells else "" for column in columns]
            print(f"| {name} | {' | '.join(texts)} |", flush=True)


def child(args: argparse.Namespace) -> dict[str, Any]:
    """Rows of the table: figures by column, by name of the model."""
    training, held_out = [], []
    for codes in read(args.train):
        border = len(codes) - round(args.share * len(codes))
        training.append(codes[:border])
        held_out.append(codes[border:])
    others = {path.name: read(path) for path in args.other}
    if args.child == "Markov":
        rows = markov(training, held_out, others)
    else:
        rows = {args.child: mixing(MIXING[args.child], training, held_out, others)}
    scale = 1 if sys.platform == "darwin" else 1024
    for row in rows.values():
        row["peak GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**30
    return rows


def read(path: Path) -> Sequences:
    return [encode(letters) for _, letters in read_fasta(path)]


def markov(training: Sequences, held_out: Sequences, others: dict[str, Sequences]) -> dict[str, Any]:
    MarkovModel.fit([training[0][:100]], 1).bits(training[0][:100])  # compiles
    start = time.process_time()
    longest = MarkovModel.fit(training, LONGEST)
    learned = bases(training) / (time.process_time() - start) / 1e6
    rows = {}
    for order in range(LONGEST + 1):
        model = longest.shorter(order)
        start = time.process_time()
        row = {"held out": model.bits_per_base(held_out), "Mb/s learned": learned}
        row["Mb/s scored"] = bases(held_out) / (time.process_time() - start) / 1e6
        rows[f"Markov, order {order}"] = row | {name: model.bits_per_base(others[name]) for name in others}
    return rows


def mixing(
    parameters: MixingParameters, training: Sequences, held_out: Sequences, others: dict[str, Sequences]
) -> dict[str, float]:
    MixingModel(parameters.sized(100)).learn(training[0][:100])  # compiles
    row = {f"{name}, from nothing": alone(parameters, others[name]) for name in others}
    model = MixingModel(parameters.sized(bases(training)))
    start = time.process_time()
    first = learn(model, training)
    row["Mb/s learned"] = bases(training) / (time.process_time() - start) / 1e6
    start = time.process_time()
    row["held out"] = model.bits_per_base(held_out)
    row["Mb/s scored"] = bases(held_out) / (time.process_time() - start) / 1e6
    row |= {name: model.bits_per_base(others[name]) for name in others}
    last = learn(model, held_out)
    row["learning on"] = last / bases(held_out)
    row["from nothing"] = (first + last) / (bases(training) + bases(held_out))
    return row


def alone(parameters: MixingParameters, sequences: Sequences) -> float:
    """Bits/base of sequences for a model that has learned nothing before."""
    return learn(MixingModel(parameters.sized(bases(sequences))), sequences) / bases(sequences)


def learn(model: MixingModel, sequences: Sequences) -> float:
    """Bits of sequences while they are learned."""
    return sum(float(model.learn(codes).sum(dtype=np.float64)) for codes in sequences)


def bases(sequences: Sequences) -> int:
    return sum(map(known_bases, sequences))


if __name__ == "__main__":
    main()
