"""Genomes in UCSC's 2bit format.

The layout is that of https://genome.ucsc.edu/FAQ/FAQformat.html#format7: a header, an index of names and
places, and of each sequence its runs of N, its runs of lower case, and four bases in a byte, T C A G, the
first in the highest bits. Both byte orders and both versions (places of 32 and of 64 bits) are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError
from genoseq.io.files import StrPath, input_error
from genoseq.sequence import AMBIGUOUS

__all__ = ["is_twobit", "read_twobit"]

_SIGNATURE = 0x1A412743
_HEADER = 16  # bytes
_CODES = np.array([3, 1, 0, 2], np.uint8)  # of T, C, A, G


def is_twobit(path: StrPath) -> bool:
    """Whether a file begins as a 2bit file does; False if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(4)
    except OSError:
        return False
    return _SIGNATURE in (int.from_bytes(head, "little"), int.from_bytes(head, "big"))


def read_twobit(path: StrPath) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    """Names and base codes of the sequences of a 2bit file, in the order of its index.

    Lower case, which marks repeats, is not told apart.

    Raises
    ------
    InputError
        If the file cannot be read, is cut, or is not 2bit.
    """
    try:
        data = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            raise input_error(error, path) from error
        raise InputError("the file is empty; a 2bit file is expected", path) from error
    order = "<" if int.from_bytes(data[:4].tobytes(), "little") == _SIGNATURE else ">"
    file = _File(data, order, path)
    signature, version, count, _ = file.numbers(0, 4)
    if signature != _SIGNATURE or version not in (0, 1):
        raise InputError("not a 2bit file of version 0 or 1", path)
    at, width = _HEADER, 4 + 4 * int(version)
    for _ in range(int(count)):
        size = int(file.bytes(at, 1)[0])
        name = file.bytes(at + 1, size).tobytes().decode("latin-1")
        place = int.from_bytes(
            file.bytes(at + 1 + size, width).tobytes(), "little" if order == "<" else "big"
        )
        at += 1 + size + width
        yield name, file.sequence(place)


class _File:
    """The bytes of a file; reading beyond them is an error with the file's name."""

    def __init__(self, data: npt.NDArray[np.uint8], order: str, path: StrPath) -> None:
        self.data, self.order, self.path = data, order, path

    def bytes(self, at: int, count: int) -> npt.NDArray[np.uint8]:
        part = self.data[at : at + count]
        if len(part) < count:
            raise InputError("the file ends within a sequence or the index; it is cut", self.path)
        return part

    def numbers(self, at: int, count: int) -> npt.NDArray[np.int64]:
        """Unsigned 32-bit numbers."""
        return self.bytes(at, 4 * count).view(f"{self.order}u4").astype(np.int64)

    def sequence(self, at: int) -> npt.NDArray[np.uint8]:
        length, runs = self.numbers(at, 2)
        at += 8
        starts, sizes = self.numbers(at, 2 * runs).reshape(2, runs)
        at += 8 * int(runs)
        skipped = 4 + 8 * int(self.numbers(at, 1)[0]) + 4  # lower case, and a number that is not used
        at += len(self.bytes(at, skipped))
        packed = self.bytes(at, -(-int(length) // 4))
        codes = _CODES[(packed[:, None] >> np.array([6, 4, 2, 0], np.uint8)) & 3].reshape(-1)[:length]
        for start, size in zip(starts, sizes, strict=True):
            codes[start : start + size] = AMBIGUOUS
        return codes
