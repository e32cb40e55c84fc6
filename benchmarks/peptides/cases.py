"""What the benchmarks of peptides share: the test pairs of PepMLM, a model, the words of the command."""

from __future__ import annotations

import argparse
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers

from genoseq.peptides.model import MaskedModel
from genoseq.peptides.pairs import MEASURED, read_pairs
from genoseq.peptides.targets import Target


@dataclass(frozen=True)
class Case:
    """A target and the peptide that is known to bind it, caps taken off."""

    target: Target
    peptide: str


def arguments(about: str | None, *, model: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--pairs", type=Path, required=True, help="pepmlm_test.csv.gz: the 203 test pairs of PepMLM")
    if model:
        add("--model", default="pepmlm-small", help="name, folder or file of weights (default: pepmlm-small)")
    add("--targets", type=int, help="of the pairs, drawn by chance (default: all)")
    add("-t", "--threads", type=int, default=1)
    add("--seed", type=int, default=1)
    return parser


def cases_of(args: argparse.Namespace) -> list[Case]:
    """The pairs that are looked at, in the order of the file."""
    pairs = read_pairs(args.pairs, limits=MEASURED).pairs
    if args.targets is not None and args.targets < len(pairs):
        chosen = np.random.default_rng(args.seed).choice(len(pairs), args.targets, replace=False)
        pairs = [pairs[number] for number in sorted(chosen)]
    return [Case(Target(pair.place, pair.target, str(args.pairs)), pair.peptide) for pair in pairs]


def model_of(args: argparse.Namespace) -> MaskedModel:
    """The model, on the CPU, with so many threads."""
    torch.set_num_threads(args.threads)
    return MaskedModel.load(args.model, device="cpu")


def announce(args: argparse.Namespace) -> None:
    """The machine, the versions and the command."""
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    threads = f"{args.threads} thread{'s' if args.threads > 1 else ''}"
    print(f"{platform.machine()}, {threads}; Python {platform.python_version()}, {versions}")
    print(f"command: python {' '.join(sys.argv)}\n", flush=True)
