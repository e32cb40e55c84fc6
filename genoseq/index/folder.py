"""Index folders and shard folders appear whole, in place of an older one of their kind, or not at all.

A folder is filled under a temporary name beside its place. What is there already is replaced only if it is
what is being written: an index by an index, a shard by a shard.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from genoseq.errors import InputError
from genoseq.index.manifest import MANIFEST, is_shard

__all__ = ["check_target", "replacing_folder"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # Linux: fcntl.h, fs.h


def check_target(path: str | Path, *, shard: bool = False) -> Path:
    """The folder to write, a link being followed, if it can be written.

    Parameters
    ----------
    shard : bool
        Whether a shard is to be written, or an index.

    Raises
    ------
    InputError
        If the folder around it is not there or may not be written, or what is there is something else.
    """
    folder = Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)
    if not folder.parent.is_dir():
        raise InputError(f"cannot be written: there is no folder {folder.parent}; create it first", folder)
    if not os.access(folder.parent, os.W_OK | os.X_OK):
        raise InputError(f"cannot be written: no permission to write into {folder.parent.resolve()}", folder)
    if folder.is_symlink() or folder.exists():  # a link that is left leads to itself
        wanted, other = ("a shard", "an index") if shard else ("a genoseq index", "a shard of one")
        if not (folder / MANIFEST).is_file():
            raise InputError(f"exists and is not {wanted}; it is not overwritten", folder)
        if is_shard(folder) != shard:
            raise InputError(f"exists and is {other}, not {wanted}; it is not overwritten", folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError("cannot be replaced: no permission to write into it", folder)
    return folder


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` when the block ends, and is removed after an error.

    Parameters
    ----------
    folder : Path
        From `check_target`.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        _replace_folder(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _replace_folder(temporary: Path, folder: Path) -> None:
    """Put the finished folder in place of an older one, at one stroke where the system can."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = temporary
    if not _exchange(temporary, folder):
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        folder.rename(old)
        try:
            temporary.rename(folder)
        except BaseException:
            old.rename(folder)
            raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap the names of two folders; False where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux
    if renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0)
