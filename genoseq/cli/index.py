"""Embed a genome and write its index: a folder that `genoseq align` maps into memory.

Every occurrence of an anchor word is embedded and stored in a FAISS index; its cell comes from the bases
around it.

Examples:
  genoseq index genome.fa.gz -o genome.gsx
  genoseq index genome.fa.gz -o small.gsx --preset sr      # one anchor word: half the size
  genoseq index genome.fa.gz -o genome.gsx --default       # what `genoseq align` uses when nothing is named
  genoseq index --info genome.gsx
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from genoseq.cli._options import bounded_int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq index`."""
    parser.add_argument("reference", nargs="?", metavar="REF.fa", help="genome in FASTA, any compression")
    group = parser.add_argument_group("Index")
    group.add_argument(
        "-o", "--output", metavar="REF.gsx", help="folder to write (default: beside the genome)"
    )
    group.add_argument(
        "--preset",
        choices=("sr", "divergent", "long"),
        default="divergent",
        help="divergent: two anchor words, 3.7-4.0 bytes/bp, for reads of 10-25 %% divergence; sr: one, "
        "1.8-2.1 bytes/bp, enough for reads of a close genome; long: as sr, for reads above 1,000 bp",
    )
    group.add_argument(
        "--encoder", metavar="SEED.npz", help="weights of a seed encoder (default: those that ship)"
    )
    group.add_argument(
        "--factory",
        choices=("auto", "PQ16x4fs", "Flat"),
        default="auto",
        help="form of the vectors in FAISS; auto: exact (Flat, 27-65 bytes/bp) below 200 kbp, else PQ16x4fs",
    )
    group.add_argument(
        "--capacity",
        type=bounded_int(50, 100_000),
        default=1500,
        metavar="N",
        help="anchors in a cell before it is split",
    )
    group.add_argument("--default", action="store_true", help="make this the index that `genoseq align` uses")
    group.add_argument(
        "--info", metavar="REF.gsx", help="check every part of an index, show what it holds, and stop"
    )


def run(args: argparse.Namespace) -> None:
    """Build an index, or show one."""
    from genoseq.errors import UsageError
    from genoseq.index.locate import index_beside, set_default
    from genoseq.io.files import check_distinct, check_output, naming_file
    from genoseq.io.table import write_json

    if args.info and (args.reference or args.output or args.encoder or args.default):
        raise UsageError(
            "--info shows an index and builds none: leave REF.fa, -o, --encoder and --default out"
        )
    if not args.info and not args.reference:
        raise UsageError("no genome given: genoseq index REF.fa -o REF.gsx")
    output = args.info or args.output or str(index_beside(args.reference))
    check_distinct({"-o": None if args.info else output, "--json": args.json}, [args.reference, args.encoder])
    if args.json:
        check_output(args.json)
    if not args.info:
        _build(args, output)
    summary = _summary(output, verify=bool(args.info))
    if args.json:
        write_json(args.json, {"command": "index", "command_line": args.command_line, **summary})
    if args.info and args.json != "-" and not args.quiet:
        with naming_file("standard output"):
            sys.stdout.write(_described(output, summary))
    elif not args.info and not args.quiet:
        sys.stderr.write(_described(output, summary))
    if args.default:
        file = set_default(output)
        if not args.quiet:
            print(f"genoseq index: {output} is now the default ({file})", file=sys.stderr)


def _build(args: argparse.Namespace, output: str) -> None:
    from genoseq.cli._progress import Progress, tell_if_compiling
    from genoseq.encoder.seed import SeedEncoder
    from genoseq.index.store import PRESETS, Index, IndexParameters
    from genoseq.index.vectors import quantise

    parameters = IndexParameters(PRESETS[args.preset].words, args.capacity, args.factory)
    encoder = SeedEncoder.load(args.encoder) if args.encoder else None
    tell_if_compiling(quantise, "genoseq index", quiet=args.quiet)
    steps: dict[str, tuple[Progress, int]] = {}

    def report(step: str, done: int, total: int) -> None:
        progress, before = steps.get(step) or (
            Progress(f"genoseq index: {step}", "bp", total, quiet=args.quiet),
            0,
        )
        progress.add(done - before)
        steps[step] = (progress, done)
        if done == total:
            progress.__exit__(None, None, None)

    Index.build(args.reference, output, parameters=parameters, encoder=encoder, progress=report)


def _summary(folder: str, *, verify: bool = False) -> dict[str, Any]:
    from genoseq.index.store import Index

    index = Index.open(folder, verify=verify)  # opening checks that the parts belong together
    manifest = index.manifest
    length = len(index.reference)
    size = sum(part["bytes"] for part in manifest["parts"].values())
    return {
        "format_version": manifest["format_version"],
        "genoseq": manifest["genoseq"],
        "contigs": len(index.reference.names),
        "bp": length,
        "anchors": manifest["anchors"],
        "anchor_words": manifest["encoder"]["words"],
        "encoder": manifest["encoder"]["digest"],
        "cells": index.tree.leaves,
        "factory": index.parameters.factory,
        "bytes": size,
        "bytes_per_bp": round(size / max(length, 1), 3),
    }


def _described(folder: str, summary: dict[str, Any]) -> str:
    return (
        f"{folder}: {summary['contigs']:,} contigs, {summary['bp']:,} bp, {summary['anchors']:,} anchors "
        f"({', '.join(summary['anchor_words'])}) in {summary['cells']:,} cells, {summary['factory']}, "
        f"{summary['bytes']:,} bytes ({summary['bytes_per_bp']} a bp), encoder {summary['encoder']}\n"
    )
