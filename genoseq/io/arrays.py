"""Arrays out of numpy's ``.npy`` and ``.npz`` files.

numpy, zipfile and zlib have many ways to say that such a file is damaged, some of them about pickles or the
grammar of Python. Here they are one `InputError` in plain words.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError

__all__ = ["read_arrays"]

# What flipped bits were seen to raise: numpy parses a .npy header as Python, and zipfile has RuntimeError for
# what it does not know. A damaged shape may ask for any memory.
_DAMAGE = (
    ValueError, TypeError, EOFError, OSError, RuntimeError, MemoryError,
    SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_arrays(content: bytes, path: str) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a file.

    Parameters
    ----------
    content
        The bytes of the file.
    path
        How messages name it.

    Returns
    -------
    dict of str to ndarray
        The arrays of a ``.npz`` file by name; that of a ``.npy`` file under the name "".

    Raises
    ------
    InputError
        If the file is damaged, of another kind, or holds something else than numbers and text.
    """
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"": found}
        with found as archive:
            return dict(archive)
    except _DAMAGE as error:
        raise InputError("not an intact file of numpy arrays (.npz or .npy)", path) from error
