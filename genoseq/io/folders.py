"""Folders that a command writes: whole or not at all, and never over what is there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from genoseq.errors import InputError
from genoseq.io.files import StrPath, temporary_name

__all__ = ["check_new_folder", "new_folder"]


def check_new_folder(path: StrPath) -> None:
    """Refuse a folder early that could not be written later.

    Raises
    ------
    InputError
        If it is a file or holds something, or the folder around it is not there or must not be written.
    """
    folder = Path(path)
    around = folder.parent
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; the name of a folder to write is expected", path)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError("is a folder that is not empty; name a new one, or delete it first", path)
    if not around.is_dir():
        raise InputError(f"cannot be written: there is no folder {around}; create it first", path)
    if not os.access(around, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: no permission in the folder {around}", path)


@contextlib.contextmanager
def new_folder(path: StrPath) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block ends without an error.

    Raises
    ------
    InputError
        As `check_new_folder`.
    """
    check_new_folder(path)
    temporary = temporary_name(path)
    try:
        temporary.mkdir()
        yield temporary
        temporary.replace(path)  # of an empty folder too
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
