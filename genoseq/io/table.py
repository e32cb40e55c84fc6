"""Results for other programs: JSON and TSV that say which schema they follow."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from genoseq.errors import UsageError
from genoseq.io.files import StrPath, open_output

__all__ = ["SCHEMA_VERSION", "open_tsv", "write_json", "write_tsv"]

#: Raised when a key changes its meaning or goes away; new keys do not raise it.
SCHEMA_VERSION = 1


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
        file.write(f"# schema_version={SCHEMA_VERSION}\n".encode())
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
