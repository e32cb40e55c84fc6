"""Where batches of reads end: cut anew, so that a batch is determined from its own first read on.

A reader of pairs moves the end of a batch now and then, and files of mates have batches of different sizes.
What comes after must not depend on that: a file that is split where a batch ends (`genoseq split`) then gives
the same batches in parts as in one, and with them the same alignments, as insert sizes are learned of each
batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from genoseq.io.batch import Bytes, ReadBatch

__all__ = ["ReadSource"]


class ReadSource:
    """Reads in batches of any size, of which any number can be taken.

    Parameters
    ----------
    batches
        In the order of the file. Reads with and without qualities never share one.
    batch_reads, batch_bases
        A batch has `batch_reads` reads, or ends with the read that reaches `batch_bases` bp.

    Attributes
    ----------
    taken : int
        Reads taken.
    """

    def __init__(self, batches: Iterable[ReadBatch], batch_reads: int, batch_bases: int) -> None:
        self.taken = 0
        self._batches = iter(batches)
        self._reads, self._bases = batch_reads, batch_bases
        self._batch = ReadBatch.from_strings([], [])
        self._at = 0
        self._following: ReadBatch | None = None  # has other reads than the batch: with qualities, or without

    @property
    def left(self) -> int:
        """Reads in memory that can be taken."""
        return len(self._batch) - self._at

    def due(self) -> int:
        """How many reads the batch has that begins here; 0 at the end."""
        while True:
            offsets = self._batch.offsets[self._at :]
            full = int(np.searchsorted(offsets[1:], offsets[0] + self._bases)) + 1
            if min(full, self._reads) <= self.left:
                return min(full, self._reads)
            if not self._more():
                return self.left

    def peek(self) -> ReadBatch | None:
        """The next read, which stays; None at the end."""
        return self._part(self._at, self._at + 1) if self.left or self._more() else None

    def take(self, count: int) -> ReadBatch:
        """The next reads, with what their flags say of mates (`ReadBatch.mates`)."""
        whole = count == len(self._batch)
        batch = self._batch if whole else self._part(self._at, self._at + count)
        self._at += count
        self.taken += count
        return replace(batch, first=self.taken - count)

    def _more(self) -> bool:
        """Have more reads in memory, of the same kind; at the end of a batch of either kind."""
        following = next(self._batches, None) if self._following is None else self._following
        if following is None:
            return False
        if self.left and following.has_quals != self._batch.has_quals:
            self._following = following
            return False
        if self.left:
            following = joined([self._part(self._at, len(self._batch)), following])
        self._batch, self._at, self._following = following, 0, None
        return True

    def _part(self, start: int, stop: int) -> ReadBatch:
        mates = self._batch.mates
        part = self._batch.select(np.arange(start, stop))
        return part if mates is None else replace(part, mates=mates[start:stop])


def joined(batches: list[ReadBatch]) -> ReadBatch:
    """Batches end to end, with their flags; all of them with qualities, or none."""
    whole = ReadBatch.concat(batches)
    if all(batch.mates is None for batch in batches):
        return whole
    return replace(whole, mates=np.concatenate([flags_of(batch) for batch in batches]))


def flags_of(batch: ReadBatch) -> Bytes:
    """uint8[n], 1 or 2 for what is flagged as a mate, else 0."""
    return np.zeros(len(batch), np.uint8) if batch.mates is None else batch.mates
