"""What a compressed text needs beside its letters: numbers, and the letters that a model does not know.

Charged by the compressors that are models of an alphabet, so that their sizes are those of something that can
be decoded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["number_bytes", "other_bytes"]


def number_bytes(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bytes of numbers of 7 bits a byte (LEB128).

    Examples
    --------
    >>> number_bytes(np.array([0, 127, 128, 20000])).tolist()
    [1, 1, 2, 3]
    """
    needed = np.ones(len(numbers), np.int64)
    for bits in range(7, 63, 7):
        needed += numbers >= 1 << bits
    return needed


def other_bytes(is_other: NDArray[np.bool_], text: bytes) -> int:
    """Bytes of a list of letters that are not in the alphabet.

    For each run of one such letter the letters since the last run, its length, and the letter; before all,
    how many runs there are.

    Parameters
    ----------
    is_other
        bool (n,): which letters of the text are to be listed.
    text
        n letters; lower case counts as upper case.
    """
    places = np.flatnonzero(is_other)
    letters = np.frombuffer(text.upper(), np.uint8)[places]
    is_start = np.ones(places.size, bool)
    is_start[1:] = (np.diff(places) != 1) | (np.diff(letters) != 0)
    starts = places[is_start]
    lengths = np.diff(np.append(np.flatnonzero(is_start), places.size))
    gaps = np.diff(starts, prepend=0) - np.append(0, lengths[:-1])[: starts.size]
    return int(number_bytes(np.concatenate(([starts.size], gaps, lengths))).sum()) + starts.size
