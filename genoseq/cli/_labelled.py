"""Labelled tables: the options that say how to read one, and what nothing can be learned from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from genoseq.errors import InputError, UsageError

if TYPE_CHECKING:
    from genoseq.io.labelled import Columns, Labelled

__all__ = [
    "TABLE",
    "add_columns",
    "add_source",
    "check_labelled",
    "check_source",
    "column_pair",
    "columns_of",
]

TABLE = (
    'TSV, any compression: a first line names the columns "sequence" and "label" (or "class"); without one, '
    "these are the first two columns"
)


def add_source(group: argparse._ArgumentGroup) -> None:
    """Add a labelled table, and files for each class in its place."""
    group.add_argument("table", nargs="?", metavar="LABELLED.tsv", help=TABLE)
    group.add_argument(
        "--classes",
        nargs="+",
        metavar="FASTA",
        help="in place of a table: a file for each class, which is called after its file",
    )
    add_columns(group)


def check_source(args: argparse.Namespace) -> None:
    """Refuse no labelled sequences, or two sources of them.

    Raises
    ------
    UsageError
    """
    if (args.table is None) == (args.classes is None):
        raise UsageError("give a table of sequences with labels, or --classes and a file for each; not both")
    if args.classes is not None:
        if len(args.classes) < 2:
            raise UsageError(f"--classes {args.classes[0]}: one class; at least two are told apart")
        if args.columns or args.group:
            raise UsageError("--columns and --group are about a table; files of --classes have none")


def add_columns(group: argparse._ArgumentGroup) -> None:
    """Add the options --columns and --group."""
    group.add_argument(
        "--columns",
        metavar="SEQUENCE,LABEL",
        help="names of the columns, or numbers from 1 on if no line names them",
    )
    group.add_argument(
        "--group", metavar="COLUMN", help="name or number of a column: what has one group stays together"
    )


def columns_of(args: argparse.Namespace) -> Columns:
    """Where the table has what.

    Raises
    ------
    UsageError
        If the options make no sense.
    """
    from genoseq.io.labelled import Columns

    pair = column_pair(args.columns, "SEQUENCE,LABEL, for example dna,family or 1,2")
    sequence, label = (None, None) if pair is None else map(_column, pair)
    return Columns(sequence, label, None if args.group is None else _column(args.group))


def _column(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def column_pair(text: str | None, expected: str) -> tuple[str, str] | None:
    """The value of --columns, two names with a comma between them.

    Raises
    ------
    UsageError
        It says what is expected.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"--columns {text}: two are expected, {expected}")
    return parts[0], parts[1]


def check_labelled(data: Labelled) -> None:
    """Refuse what nothing can be learned from.

    Raises
    ------
    InputError
    """
    if not len(data):
        raise InputError("there are no sequences in it", data.source)
    if len(data.classes) < 2:
        found = f"all {len(data):,} sequences are" if len(data) > 1 else "the one sequence is"
        raise InputError(
            f"{found} of class {data.classes[0]!r}; at least two classes are told apart", data.source
        )
