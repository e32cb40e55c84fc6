"""`genoseq train classifier`: a classifier by compression, fitted once and kept as a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from genoseq.cli import _compression
from genoseq.cli._labelled import add_source, check_labelled, check_source, columns_of
from genoseq.errors import InputError, counted

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq train classifier`."""
    data = parser.add_argument_group("Data")
    add_source(data)
    data.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the classifier")
    parser.add_argument(
        "--method",
        choices=_compression.METHODS,
        default="relative",
        help="relative: a model of each class; ncd: the sequences themselves, for the nearest neighbours",
    )
    _compression.add_method_options(parser)


def run(args: argparse.Namespace) -> None:
    """Fit and save."""
    _check(args)
    from genoseq.cli._classify_compression import fitted
    from genoseq.io.labelled import read_class_files, read_labelled
    from genoseq.io.table import write_json
    from genoseq.ncd.neighbour_folder import save_neighbours
    from genoseq.ncd.neighbours import NCDClassifier
    from genoseq.ncd.relative_folder import save_relative

    if args.table is not None:
        data = read_labelled(args.table, columns_of(args), alphabet=args.alphabet)
    else:
        data = read_class_files(args.classes, alphabet=args.alphabet)
    check_labelled(data)
    ready = fitted(args, data)
    if isinstance(ready.model, NCDClassifier):
        save_neighbours(ready.model, args.output, alphabet=args.alphabet, names=data.names)
    else:
        save_relative(ready.model, args.output)
    sizes = {name: data.labels.count(name) for name in data.classes}
    if args.json:
        write_json(args.json, _summary(args, data.source, sizes, sum(map(len, data.codes)), data.others))
    if not args.quiet:
        found = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        print(
            f"genoseq train: {counted(len(data), 'sequence')} ({found}) -> {args.output}; use it: genoseq "
            f"classify SEQS -m {args.output}",
            file=sys.stderr,
        )


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything long begins."""
    from genoseq.io.files import check_distinct, check_inputs, check_output
    from genoseq.ncd.model_folder import method_of

    check_source(args)
    inputs = args.classes or [args.table]
    check_inputs(inputs)
    check_distinct({"-o": args.output, "--json": args.json}, inputs)
    if args.json:
        check_output(args.json)
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; a classifier is kept in a folder", folder)
    if not folder.absolute().parent.is_dir():
        raise InputError("the folder to write into does not exist", folder.absolute().parent)
    if folder.is_dir() and any(folder.iterdir()) and method_of(folder) is None:
        raise InputError("holds other files and no classifier of this command; name a new folder", folder)
    _compression.check_options(args, args.method, fitted=False)


def _summary(
    args: argparse.Namespace, source: str, sizes: dict[str, int], letters: int, others: int
) -> dict[str, Any]:
    is_protein = args.alphabet == "protein"
    return {
        "command": "train classifier",
        "command_line": args.command_line,
        "method": args.method,
        "alphabet": args.alphabet,
        "files": source,
        "classes": sizes,
        "residues" if is_protein else "bases": letters,
        "read_as_x" if is_protein else "read_as_n": others,
        "model": args.output,
    }
