"""Pairs: the mates of two files, or of one where they follow each other, as batches in which the second mate
of a pair stands behind the first.

Mates share a name; ``/1`` and ``/2`` at its end, in either order, are not part of it and are taken off. Which
mate is the first, files and their order tell. Two files must hold the same reads in the same order: where
they do not, both names are told. An interleaved file may hold single reads between its pairs.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator

import numba
import numpy as np

from genoseq.errors import GenoseqWarning, InputError, counted
from genoseq.io.batch import ReadBatch
from genoseq.io.fastx import read_batches
from genoseq.io.files import StrPath

__all__ = ["interleaved_pairs", "pair_up", "paired_batches"]

BATCH_PAIRS = 8192
_SLASH, _ONE, _TWO = b"/12"


def paired_batches(
    first: StrPath, second: StrPath, *, batch_pairs: int = BATCH_PAIRS, tags: bool = False
) -> Iterator[ReadBatch]:
    """Read the mates of two files.

    Parameters
    ----------
    first, second
        Files of the first and of the second mates, in any form that `read_batches` reads.
    batch_pairs
        Most pairs in a batch.
    tags
        As of `read_batches`.

    Yields
    ------
    ReadBatch
        With `mates` 1, 2, 1, 2, ...; `first` counts reads of both files.

    Raises
    ------
    InputError
        If the names of two mates differ (both are told, with the number of the record), if one file has more
        reads than the other, or only one has qualities.
    """
    left, right = (_Source(path, batch_pairs, tags=tags) for path in (first, second))
    done = 0
    while all([left.fill(), right.fill()]):  # both: each may be cut or longer
        count = min(left.left, right.left)
        ones, twos = left.take(count), right.take(count)
        if ones.has_quals != twos.has_quals:
            without = right if ones.has_quals else left
            other = left if without is right else right
            raise InputError(f"its reads have no qualities, those of {other.path} have some", without.path)
        yield pair_up(ones, twos, done, (left.path, right.path))
        done += count
    if left.left or right.left:
        longer, shorter = (left, right) if left.left else (right, left)
        raise InputError(
            f"has more reads than {shorter.path}, which ends after {done:,}: the files are not mates of each "
            "other, or one is cut",
            longer.path,
        )


def pair_up(ones: ReadBatch, twos: ReadBatch, done: int, paths: tuple[str, str]) -> ReadBatch:
    """One batch of the mates of two equally long ones; `done` pairs came before.

    Raises
    ------
    InputError
        If the names of two mates differ.
    """
    count = len(ones)
    order = np.arange(2 * count).reshape(2, count).T.ravel()
    both = ReadBatch.concat([ones, twos]).select(order)
    lengths, mates = _mark_mates(both.names, both.name_offsets)
    wrong = np.flatnonzero(mates != np.tile(np.array([1, 2], np.uint8), count))
    if len(wrong):
        pair = int(wrong[0]) // 2
        raise InputError(
            f"read {done + pair + 1:,} is {ones.name(pair)!r} here but {twos.name(pair)!r} in {paths[1]}: "
            "the files do not hold the same reads in the same order",
            paths[0],
        )
    return _renamed(dataclasses.replace(both, first=2 * done), lengths, mates)


def interleaved_pairs(batches: Iterable[ReadBatch]) -> Iterator[ReadBatch]:
    """Mark neighbours of one name as mates; other reads stay single. A pair is never cut between batches.

    Warns
    -----
    GenoseqWarning
        If there is no pair at all, or if a BAM file tells of mates that do not follow each other.
    """
    kept: ReadBatch | None = None
    reads = pairs = flagged = 0
    for batch in batches:
        flagged += 0 if batch.mates is None else int((batch.mates > 0).sum())
        if kept is not None and kept.has_quals != batch.has_quals:
            yield _marked(kept)
            kept = None
        whole = batch if kept is None else dataclasses.replace(ReadBatch.concat([kept, batch]), first=reads)
        lengths, mates = _mark_mates(whole.names, whole.name_offsets)
        end = len(whole)
        kept = None
        if mates[-1] == 0:  # its mate may be the first of the next batch
            end -= 1
            kept = dataclasses.replace(whole.select([end]), first=reads + end)
        if end:
            head = whole if end == len(whole) else whole.select(np.arange(end))
            yield _renamed(head, lengths[:end], mates[:end])
        reads += end
        pairs += int((mates == 1).sum())
    if kept is not None:
        yield _marked(kept)
        reads += 1
    if flagged > 2 * pairs:
        found = (
            f"{counted(flagged - 2 * pairs, 'mate')} not beside the other of the pair: taken as single reads"
        )
        warnings.warn(f"{found}; samtools collate puts mates together", GenoseqWarning, stacklevel=2)
    elif reads and not pairs:
        found = "no two neighbouring reads share a name: all are taken as single reads"
        warnings.warn(found, GenoseqWarning, stacklevel=2)


class _Source:
    """A file of mates, of which any number can be taken."""

    def __init__(self, path: StrPath, batch_reads: int, *, tags: bool) -> None:
        self.path = str(path)
        self._batches = read_batches(path, batch_reads=batch_reads, tags=tags)
        self._batch = ReadBatch.from_strings([], [])
        self._at = 0

    @property
    def left(self) -> int:
        """Reads that are in memory."""
        return len(self._batch) - self._at

    def fill(self) -> bool:
        """Have at least one read in memory, if there is one left."""
        if not self.left:
            self._batch, self._at = next(self._batches, self._batch.select([])), 0
        return self.left > 0

    def take(self, count: int) -> ReadBatch:
        """The next reads."""
        self._at += count
        if count == len(self._batch):
            return self._batch
        return self._batch.select(np.arange(self._at - count, self._at))


def _marked(batch: ReadBatch) -> ReadBatch:
    return _renamed(batch, *_mark_mates(batch.names, batch.name_offsets))


def _renamed(batch: ReadBatch, lengths: np.ndarray, mates: np.ndarray) -> ReadBatch:
    """The batch with its mates marked, and their names without /1 and /2."""
    if (lengths != np.diff(batch.name_offsets)).any():
        names = np.empty(int(lengths.sum()), np.uint8)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        _copy_heads(batch.names, batch.name_offsets, offsets, names)
        batch = dataclasses.replace(batch, names=names, name_offsets=offsets)
    return dataclasses.replace(batch, mates=mates)


@numba.njit(cache=True, nogil=True)
def _mark_mates(names, offsets):
    """Length of each name without /1 or /2 if it is a mate, and 1, 2 for mates, 0 for single reads."""
    number = offsets.shape[0] - 1
    lengths = np.empty(number, np.int64)
    mates = np.zeros(number, np.uint8)
    for i in range(number):
        lengths[i] = offsets[i + 1] - offsets[i]
    i = 0
    while i + 1 < number:
        one, digit = _base_length(names, offsets, i)
        two, other = _base_length(names, offsets, i + 1)
        same = one == two and (digit == 0 or digit != other)
        k = 0
        while same and k < one:
            same = names[offsets[i] + k] == names[offsets[i + 1] + k]
            k += 1
        if same:
            mates[i], mates[i + 1] = 1, 2
            lengths[i], lengths[i + 1] = one, two
            i += 1
        i += 1
    return lengths, mates


@numba.njit(cache=True, nogil=True)
def _base_length(names, offsets, i):
    """Length of name `i` without a final ``/1`` or ``/2``, and that digit (0 if there is none)."""
    length = offsets[i + 1] - offsets[i]
    end = offsets[i + 1]
    if length > 2 and names[end - 2] == _SLASH and _ONE <= names[end - 1] <= _TWO:
        return length - 2, int(names[end - 1])
    return length, 0


@numba.njit(cache=True, nogil=True)
def _copy_heads(names, offsets, new_offsets, out):
    for i in range(offsets.shape[0] - 1):
        for k in range(new_offsets[i + 1] - new_offsets[i]):
            out[new_offsets[i] + k] = names[offsets[i] + k]
