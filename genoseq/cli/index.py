"""Embed a genome and write its index: a folder that `genoseq align` maps into memory.

Every occurrence of an anchor word is embedded and stored in a FAISS index; its cell comes from the bases
around it. Several tasks can share the work for a large genome: each makes a shard, and merging the shards
gives the index that one task would have made, byte for byte.

Examples:
  genoseq index genome.fa.gz -o genome.gsx
  genoseq index genome.fa.gz -o small.gsx --preset sr      # one anchor word: half the size
  genoseq index genome.fa.gz -o genome.gsx --default       # what `genoseq align` uses when nothing is named
  genoseq index --info genome.gsx
  genoseq index genome.fa.gz --shard 1/4 -o 1.shard        # likewise 2/4, 3/4 and 4/4, on any machines
  genoseq index --merge 1.shard 2.shard 3.shard 4.shard -o genome.gsx
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genoseq.cli._options import bounded_int

if TYPE_CHECKING:
    from genoseq.index.build import BuildProgress

_PRESET, _FACTORY, _CAPACITY = "divergent", "auto", 1500
_MOST_SHARDS = 10_000


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
        help="divergent: two anchor words, 3.7-4.0 bytes/bp, for reads of 10-25 %% divergence; sr: one, "
        "1.8-2.1 bytes/bp, enough for reads of a close genome; long: as sr, for reads above 1,000 bp "
        f"(default: {_PRESET})",
    )
    group.add_argument(
        "--encoder", metavar="SEED.npz", help="weights of a seed encoder (default: those that ship)"
    )
    group.add_argument(
        "--factory",
        choices=("auto", "PQ16x4fs", "Flat"),
        help="form of the vectors in FAISS; auto: exact (Flat, 27-65 bytes/bp) below 200 kbp, else PQ16x4fs "
        f"(default: {_FACTORY})",
    )
    group.add_argument(
        "--capacity",
        type=bounded_int(50, 100_000),
        metavar="N",
        help=f"anchors in a cell before it is split (default: {_CAPACITY})",
    )
    group.add_argument("--default", action="store_true", help="make this the index that `genoseq align` uses")
    group.add_argument(
        "--info",
        metavar="REF.gsx",
        help="check every part of an index or of a shard, show what it holds, and stop",
    )
    group = parser.add_argument_group("Shards")
    group.add_argument(
        "--shard",
        type=_shard_number,
        metavar="I/N",
        help="write shard I of N (from 1 on), a folder for --merge; without -o beside the genome, as "
        "REF.I-of-N.shard",
    )
    group.add_argument(
        "--merge", nargs="+", metavar="SHARD", help="join all shards of a genome to the index -o; no REF.fa"
    )


def _shard_number(text: str) -> tuple[int, int]:
    """An argparse type: I/N, as two numbers."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N, as 1/4 for the first of four")
    number, of = int(found[1]), int(found[2])
    if not 1 <= number <= of <= _MOST_SHARDS:
        raise argparse.ArgumentTypeError(f"{text}: I is 1..N, and N at most {_MOST_SHARDS:,}")
    return number, of


def run(args: argparse.Namespace) -> None:
    """Build an index or a shard, join shards, or show one of them."""
    from genoseq.index.locate import index_beside, set_default, shard_beside
    from genoseq.io.files import check_distinct, check_output, naming_file
    from genoseq.io.table import write_json

    _check_together(args)
    output = args.info or args.output
    if not output:
        beside = shard_beside(args.reference, *args.shard) if args.shard else index_beside(args.reference)
        output = str(beside)
    check_distinct({"-o": None if args.info else output, "--json": args.json}, [args.reference, args.encoder])
    if args.json:
        check_output(args.json)
    if args.merge:
        from genoseq.index.merge import merge_shards

        merge_shards(args.merge, output, progress=_reporter("anchors", quiet=args.quiet))
    elif not args.info:
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


def _check_together(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    from genoseq.errors import UsageError

    content = {
        "REF.fa": args.reference,
        "--preset": args.preset,
        "--encoder": args.encoder,
        "--factory": args.factory,
        "--capacity": args.capacity,
        "--shard": args.shard,
    }
    others = {**content, "-o": args.output, "--default": args.default, "--merge": args.merge}
    if args.info and (given := [option for option, value in others.items() if value]):
        raise UsageError(f"--info shows an index and builds none: leave {', '.join(given)} out")
    if args.merge and (given := [option for option, value in content.items() if value]):
        raise UsageError(f"--merge takes genome and options from the shards: leave {', '.join(given)} out")
    if args.merge and not args.output:
        raise UsageError("--merge has no name for the index: genoseq index --merge SHARD... -o REF.gsx")
    if args.shard and args.default:
        raise UsageError("--default is for an index, and a shard is none yet: give it with --merge")
    if not args.info and not args.merge and not args.reference:
        raise UsageError("no genome given: genoseq index REF.fa -o REF.gsx")


def _build(args: argparse.Namespace, output: str) -> None:
    from genoseq.cli._progress import tell_if_compiling
    from genoseq.encoder.seed import SeedEncoder
    from genoseq.index.shard import write_shard
    from genoseq.index.store import PRESETS, Index, IndexParameters
    from genoseq.index.vectors import quantise

    parameters = IndexParameters(
        PRESETS[args.preset or _PRESET].words, args.capacity or _CAPACITY, args.factory or _FACTORY
    )
    encoder = SeedEncoder.load(args.encoder) if args.encoder else None
    tell_if_compiling(quantise, "genoseq index", quiet=args.quiet)
    report = _reporter("bp", quiet=args.quiet)
    if args.shard:
        write_shard(
            args.reference, output, *args.shard, parameters=parameters, encoder=encoder, progress=report
        )
    else:
        Index.build(args.reference, output, parameters=parameters, encoder=encoder, progress=report)


def _reporter(unit: str, *, quiet: bool) -> BuildProgress:
    """A line of progress for each step."""
    from genoseq.cli._progress import Progress

    steps: dict[str, tuple[Progress, int]] = {}

    def report(step: str, done: int, total: int) -> None:
        progress, before = steps.get(step) or (
            Progress(f"genoseq index: {step}", unit, total, quiet=quiet),
            0,
        )
        progress.add(done - before)
        steps[step] = (progress, done)
        if done == total:
            progress.__exit__(None, None, None)

    return report


def _summary(folder: str, *, verify: bool = False) -> dict[str, Any]:
    """What an index or a shard holds, after a check of its parts."""
    from genoseq.index.manifest import is_shard
    from genoseq.index.store import Index

    if is_shard(folder):
        return _shard_summary(folder, verify=verify)
    index = Index.open(folder, verify=verify)  # opening checks that the parts belong together
    summary = _common(index.manifest)
    return {
        **summary,
        "cells": index.tree.leaves,
        "bytes_per_bp": round(summary["bytes"] / max(summary["bp"], 1), 3),
    }


def _shard_summary(folder: str, *, verify: bool) -> dict[str, Any]:
    from genoseq.index.manifest import again_with, check_parts, read_manifest

    manifest = read_manifest(folder, shard=True)
    shard = manifest["shard"]
    check_parts(Path(folder), manifest["parts"], verify=verify, again=again_with(shard))
    return {**_common(manifest), "shard": {key: shard[key] for key in ("number", "of", "start", "end")}}


def _common(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "format_version": manifest["format_version"],
        "genoseq": manifest["genoseq"],
        "contigs": len(manifest["contigs"]),
        "bp": sum(contig["length"] for contig in manifest["contigs"]),
        "anchors": manifest["anchors"],
        "anchor_words": manifest["encoder"]["words"],
        "encoder": manifest["encoder"]["digest"],
        "factory": manifest["parameters"]["factory"],
        "bytes": sum(part["bytes"] for part in manifest["parts"].values()),
    }


def _described(folder: str, summary: dict[str, Any]) -> str:
    genome = f"{summary['contigs']:,} contigs, {summary['bp']:,} bp"
    anchors = f"{summary['anchors']:,} anchors ({', '.join(summary['anchor_words'])})"
    ending = f"encoder {summary['encoder']}\n"
    if shard := summary.get("shard"):
        part = f"bases {shard['start']:,}-{shard['end']:,}"
        return (
            f"{folder}: shard {shard['number']} of {shard['of']} of an index, {part} of {genome}: {anchors}, "
            f"{summary['factory']}, {summary['bytes']:,} bytes, {ending}"
        )
    return (
        f"{folder}: {genome}, {anchors} in {summary['cells']:,} cells, {summary['factory']}, "
        f"{summary['bytes']:,} bytes ({summary['bytes_per_bp']} a bp), {ending}"
    )
