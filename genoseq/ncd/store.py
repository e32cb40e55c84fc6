"""A matrix on disk, in blocks of rows, that a run which was ended goes on with.

A folder with `manifest.json`, which says what the matrix is of, and a file of numpy for each block. Each
appears whole or not at all. A run that finds the folder takes the blocks that are there; if it is of other
sequences or settings it says so and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError
from genoseq.io.arrays import read_arrays
from genoseq.io.files import StrPath, naming_file, replacing

__all__ = ["MatrixStore", "fingerprint"]

_VERSION = 1
_MANIFEST = "manifest.json"


def fingerprint(texts: Iterable[bytes]) -> str:
    """SHA-256 of texts and of their order.

    Examples
    --------
    >>> fingerprint([b"AC", b"G"]) == fingerprint([b"A", b"CG"])
    False
    """
    found = hashlib.sha256()
    for text in texts:
        found.update(len(text).to_bytes(8, "little"))
        found.update(text)
    return found.hexdigest()


class MatrixStore:
    """The blocks of one matrix.

    Parameters
    ----------
    folder
        Made if it is not there; its parent must be.
    description
        What the matrix is of: plain values by name.

    Raises
    ------
    InputError
        If the folder is of something else, or its manifest is damaged.
    """

    def __init__(self, folder: StrPath, description: Mapping[str, str | int | bool]) -> None:
        self.folder = Path(folder)
        wanted = {"version": _VERSION, **description}
        path = self.folder / _MANIFEST
        if not path.exists():
            if self.folder.exists() and not self.folder.is_dir():
                raise InputError("is a file; a folder for a matrix is expected", folder)
            if self.folder.exists() and any(self.folder.iterdir()):
                raise InputError("holds other files than a matrix; name a new folder", folder)
            if not self.folder.parent.is_dir():
                message = f"cannot be made: there is no folder {self.folder.parent}; create it first"
                raise InputError(message, folder)
            self.folder.mkdir(exist_ok=True)
            with naming_file(path), replacing(path) as temporary:
                temporary.write_text(json.dumps(wanted, indent=1) + "\n")
            return
        try:
            found = json.loads(path.read_text())
        except ValueError as error:
            raise InputError("is damaged; delete the folder and start again", path) from error
        for name, value in wanted.items():
            there = found.get(name) if isinstance(found, dict) else None
            if there != value:
                message = (
                    f"{name} is {there!r}, of this run {value!r}; name another folder, or delete this one"
                )
                raise InputError(message, path)

    def get(self, block: int, shape: tuple[int, ...]) -> npt.NDArray[np.int32] | None:
        """A block, or None if it is not there.

        Raises
        ------
        InputError
            If it is damaged.
        """
        path = self._path(block)
        if not path.exists():
            return None
        found = read_arrays(path.read_bytes(), str(path)).get("")
        if found is None or found.dtype != np.int32 or found.shape != shape:
            message = f"is not a block of sizes (int32 {shape}); delete it, and it is made again"
            raise InputError(message, path)
        return found

    def put(self, block: int, sizes: npt.NDArray[np.int32]) -> None:
        """Keep a block."""
        path = self._path(block)
        with naming_file(path), replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, sizes)

    def _path(self, block: int) -> Path:
        return self.folder / f"block-{block:06}.npy"
