"""One design by a large architecture with random weights, in a process whose memory is bounded.

    python benchmarks/peptides/memory.py                        ESM-2 650M, 8 GiB, a target of 224 residues
    python benchmarks/peptides/memory.py --shape esm2_t6_8M     a quick look

The weights are random: this is about memory and time, not about peptides. The network is saved and read as a
user's would be, its peak includes that. The bound is on the data of the process (RLIMIT_DATA), what is told
is the peak of resident memory.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers

from genoseq.peptides.decoders import Iterative
from genoseq.peptides.design import DesignPlan, design
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.network import SHAPES, new_network, save_network
from genoseq.peptides.targets import Target
from genoseq.peptides.template import Template
from genoseq.protein import AMINO_ACIDS

GIB = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="esm2_t33_650M")
    parser.add_argument("--residues", type=int, default=224)
    parser.add_argument("--length", type=int, default=12)
    parser.add_argument("--limit", type=float, default=8.0, help="GiB")
    parser.add_argument("-t", "--threads", type=int, default=1)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=("make", "use"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(child(args)))
        return
    print(f"{platform.machine()}; torch {torch.__version__}, transformers {transformers.__version__}")
    print(f"command: python {' '.join(sys.argv)}\n")
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for part in ("make", "use"):
            words = [sys.executable, __file__, *sys.argv[1:], "--part", part, "--folder", folder]
            done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            found[part] = json.loads(done.stdout.splitlines()[-1])
    use = found["use"]
    print("| shape | parameters | target | peptide | peak GiB | limit GiB | load, s | design, s | peptide |")
    print("|---|---|---|---|---|---|---|---|---|")
    sizes = f"{use['parameters']:,} | {args.residues} | {args.length}"
    times = f"{use['load']:.1f} | {use['design']:.1f}"
    print(f"| {args.shape} | {sizes} | {use['peak']:.2f} | {args.limit:g} | {times} | {use['peptide']} |")


def child(args: argparse.Namespace) -> dict[str, object]:
    """One part, in a process of its own."""
    torch.set_num_threads(args.threads)
    if args.part == "make":
        torch.manual_seed(1)
        save_network(new_network(SHAPES[args.shape]), Path(args.folder))
        return {}
    bound = int(args.limit * GIB)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
    marks = [time.perf_counter()]
    model = MaskedModel.load(args.folder, device="cpu")
    marks.append(time.perf_counter())
    letters = "".join(np.random.default_rng(1).choice(list(AMINO_ACIDS), args.residues))
    plan = DesignPlan((Template.of_length(args.length),), 1, 10, decoder=Iterative())  # two are scored
    found = design(model, Target("random", letters, "random"), plan).candidates
    marks.append(time.perf_counter())
    scale = 1 if sys.platform == "darwin" else 1024
    return {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / GIB,
        "load": marks[1] - marks[0], "design": marks[2] - marks[1], "peptide": found[0].peptide,
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
    }  # fmt: skip


if __name__ == "__main__":
    main()
