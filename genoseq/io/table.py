"""Results for other programs: JSON and TSV that say which schema they follow; and tables read back."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genoseq.errors import InputError, UsageError
from genoseq.io.files import InputStream, StrPath, open_output

__all__ = ["SCHEMA_VERSION", "TSV_START", "Table", "open_tsv", "read_tsv", "write_json", "write_tsv"]

#: Raised when a key changes its meaning or goes away; new keys do not raise it.
SCHEMA_VERSION = 1
TSV_START = b"# schema_version="
"""What the tables of genoseq start with."""


def write_json(path: StrPath, values: Mapping[str, object]) -> None:
    """Write a mapping as JSON with `schema_version` in front; NaN and infinity become null.

    Parameters
    ----------
    path
        File, or "-" for standard output.
    values
        Numbers, strings, booleans, None, mappings and sequences of them; numpy numbers and arrays too.

    Raises
    ------
    InputError
        If the path cannot be written.
    UsageError
        For a value that JSON cannot hold.
    """
    text = json.dumps(_plain({"schema_version": SCHEMA_VERSION, **values}), indent=2, allow_nan=False)
    with open_output(path) as file:
        file.write(text.encode() + b"\n")


def write_tsv(
    path: StrPath,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    about: Mapping[str, object] | None = None,
) -> None:
    """Write a table with a line of column names, tab-separated; the first line is `# schema_version=N`.

    Parameters
    ----------
    path, columns, rows
    about
        How the table came about: a line `# key=value` of each, before the names of the columns.

    Raises
    ------
    InputError
        If the path cannot be written.
    UsageError
        For a row of another length than `columns`, a cell with a tab or a line end, a value with a line end.
    """
    with open_tsv(path, columns, about) as write:
        for row in rows:
            write(row)


@contextlib.contextmanager
def open_tsv(
    path: StrPath, columns: Sequence[str], about: Mapping[str, object] | None = None
) -> Iterator[Callable[[Sequence[object]], None]]:
    """The same row by row: gives a function that writes one."""
    with open_output(path) as file:
        file.write(TSV_START + f"{SCHEMA_VERSION}\n".encode())
        for key, value in (about or {}).items():
            if str(value).splitlines() not in ([str(value)], []):
                raise UsageError(f"{key}={value!r} holds a line end")
            file.write(f"# {key}={value}\n".encode())
        file.write(_tsv_line(columns))

        def write(row: Sequence[object]) -> None:
            if len(row) != len(columns):
                raise UsageError(f"a row of {len(row)} cells in a table of {len(columns)} columns")
            file.write(_tsv_line(row))

        yield write


@dataclass(frozen=True)
class Table:
    """A table that `open_tsv` wrote.

    Attributes
    ----------
    path : str
        How messages name the file.
    about : dict
        The lines `# key=value` but the first.
    columns : list of str
    rows : iterator of (int, list of str)
        1-based number of the line, and its cells; read as they are taken. A row of another length than
        `columns` is an `InputError`.
    """

    path: str
    about: dict[str, str]
    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]


def read_tsv(stream: InputStream) -> Table:
    """Begin to read a table; the stream must stay open until its rows are read.

    Raises
    ------
    InputError
        If it starts otherwise, is of a later schema, or has no columns.
    """
    lines = ((number, _text(stream.path, number, line)) for number, line in stream.lines())
    about: dict[str, str] = {}
    for number, line in lines:
        if number == 1 and line.encode() != TSV_START + f"{SCHEMA_VERSION}".encode():
            expected = f"'# schema_version={SCHEMA_VERSION}'"
            found = f"is a table that starts with {line[:40]!r}; {expected} is expected"
            raise InputError(found, stream.path, 1)
        if not line.startswith("#"):
            columns = line.split("\t")
            break
        key, _, value = line.removeprefix("#").strip().partition("=")
        about[key] = value
    else:
        raise InputError("the table ends before the names of its columns: the file is cut", stream.path)
    about.pop("schema_version", None)
    return Table(stream.path, about, columns, _rows(stream.path, columns, lines))


def _rows(path: str, columns: list[str], lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(columns):
            found = f"a row of {len(cells)} cells in a table of {len(columns)} columns"
            raise InputError(found, path, number)
        yield number, cells


def _text(path: str, number: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InputError("is not text in UTF-8", path, number) from error


def _tsv_line(cells: Sequence[object]) -> bytes:
    texts = [f"{cell:.6g}" if isinstance(cell, float | np.floating) else str(cell) for cell in cells]
    for text in texts:
        if "\t" in text or "\n" in text:
            raise UsageError(f"the cell {text!r} holds a tab or a line end")
    return ("\t".join(texts) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    raise UsageError(f"{type(value).__name__} cannot be written as JSON")
