"""Pairs: the mates of two files, or of one where they follow each other, as batches in which the second mate
of a pair stands behind the first.

Mates share a name; ``/1`` and ``/2`` at its end, in either order, are not part of it and are taken off. Which
mate is the first, files and their order tell. Two files must hold the same reads in the same order: where
they do not, both names are told. An interleaved file may hold single reads between its pairs.

A batch is determined from its first read on (`genoseq.io.cut`), wherever in a file that stands.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator

import numba
import numpy as np

from genoseq.errors import GenoseqWarning, InputError, counted
from genoseq.io.batch import Bytes, ReadBatch
from genoseq.io.cut import ReadSource, flags_of, joined
from genoseq.io.fastx import BATCH_BASES, BATCH_READS, read_batches
from genoseq.io.files import StrPath
from genoseq.io.raw import RawReads

__all__ = ["interleaved_pairs", "pair_up", "paired_batches"]

BATCH_PAIRS = 8192
_SLASH, _ONE, _TWO = b"/12"


def paired_batches(
    first: StrPath,
    second: StrPath,
    *,
    batch_pairs: int = BATCH_PAIRS,
    batch_bases: int = BATCH_BASES,
    tags: bool = False,
    raw: tuple[RawReads, RawReads] | None = None,
) -> Iterator[ReadBatch]:
    """Read the mates of two files.

    Parameters
    ----------
    first, second
        Files of the first and of the second mates, in any form that `read_batches` reads.
    batch_pairs
        Most pairs in a batch.
    batch_bases
        A batch ends with the pair of which one mate reaches this many bases of its file (bp).
    tags
        As of `read_batches`.
    raw
        As of `read_batches`, of both files.

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
    paths = (str(first), str(second))
    left, right = (
        ReadSource(
            read_batches(path, batch_reads=batch_pairs, batch_bases=batch_bases, tags=tags, raw=kept),
            batch_pairs,
            batch_bases,
        )
        for path, kept in zip(paths, raw or (None, None), strict=True)
    )
    while all(due := [left.due(), right.due()]):  # both: each may be cut or longer
        ones, twos = left.take(min(due)), right.take(min(due))
        if ones.has_quals != twos.has_quals:
            without, other = paths[::-1] if ones.has_quals else paths
            raise InputError(f"its reads have no qualities, those of {other} have some", without)
        yield pair_up(ones, twos, ones.first, paths)
    if any(due):
        longer, shorter = paths if left.left else paths[::-1]
        raise InputError(
            f"has more reads than {shorter}, which ends after {left.taken:,}: the files are not mates of "
            "each other, or one is cut",
            longer,
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
    lengths, mates = _marks(both, flagged=False)
    wrong = np.flatnonzero(mates != np.tile(np.array([1, 2], np.uint8), count))
    if len(wrong):
        pair = int(wrong[0]) // 2
        raise InputError(
            f"read {done + pair + 1:,} is {ones.name(pair)!r} here but {twos.name(pair)!r} in {paths[1]}: "
            "the files do not hold the same reads in the same order",
            paths[0],
        )
    return _renamed(dataclasses.replace(both, first=2 * done), lengths, mates)


def interleaved_pairs(
    batches: Iterable[ReadBatch],
    *,
    flagged: bool = False,
    batch_reads: int = BATCH_READS,
    batch_bases: int = BATCH_BASES,
) -> Iterator[ReadBatch]:
    """Mark neighbours of one name as mates; other reads stay single. A pair is never cut between batches.

    Parameters
    ----------
    batches
        As of `read_batches`.
    flagged
        Only of those that SAM and BAM flag as mates: other reads are single ones, whatever their names.
    batch_reads, batch_bases
        As of `read_batches`; a second mate may come on top of that.

    Warns
    -----
    GenoseqWarning
        If there is no pair at all, unless `flagged`, or if a BAM file tells of mates that do not follow each
        other.
    """
    source = ReadSource(batches, batch_reads, batch_bases)
    pairs = flags = 0
    while count := source.due():
        batch = source.take(count)
        if flagged and batch.mates is None:
            yield batch
            continue
        lengths, mates = _marks(batch, flagged=flagged)
        following = source.peek() if mates[-1] == 0 else None
        if following is not None and _are_mates(batch, following, flagged=flagged):
            batch = joined([batch, source.take(1)])
            lengths, mates = _marks(batch, flagged=flagged)
        yield _renamed(batch, lengths, mates)
        flags += int((flags_of(batch) > 0).sum())
        pairs += int((mates == 1).sum())
    if flags > 2 * pairs:
        found = (
            f"{counted(flags - 2 * pairs, 'mate')} not beside the other of the pair: taken as single reads"
        )
        warnings.warn(f"{found}; samtools collate puts mates together", GenoseqWarning, stacklevel=2)
    elif source.taken and not pairs and not flagged:
        found = "no two neighbouring reads share a name: all are taken as single reads"
        warnings.warn(found, GenoseqWarning, stacklevel=2)


def _are_mates(batch: ReadBatch, following: ReadBatch, *, flagged: bool) -> bool:
    """Whether the last read of a batch and the one that follows it are a pair."""
    if batch.has_quals != following.has_quals:
        return False
    last = dataclasses.replace(batch.select([len(batch) - 1]), mates=flags_of(batch)[-1:])
    return bool(_marks(joined([last, following]), flagged=flagged)[1][0])


def _marks(batch: ReadBatch, *, flagged: bool) -> tuple[np.ndarray, Bytes]:
    """Length of each name without /1 or /2 if it is a mate, and 1, 2 for mates, 0 for single reads."""
    able = flags_of(batch) if flagged else np.ones(len(batch), np.uint8)
    return _mark_mates(batch.names, batch.name_offsets, able)


def _renamed(batch: ReadBatch, lengths: np.ndarray, mates: np.ndarray) -> ReadBatch:
    """The batch with its mates marked, and their names without /1 and /2."""
    if (lengths != np.diff(batch.name_offsets)).any():
        names = np.empty(int(lengths.sum()), np.uint8)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        _copy_heads(batch.names, batch.name_offsets, offsets, names)
        batch = dataclasses.replace(batch, names=names, name_offsets=offsets)
    return dataclasses.replace(batch, mates=mates)


@numba.njit(cache=True, nogil=True)
def _mark_mates(names, offsets, able):
    """As `_marks`; `able` tells which reads may be mates."""
    number = offsets.shape[0] - 1
    lengths = np.empty(number, np.int64)
    mates = np.zeros(number, np.uint8)
    for i in range(number):
        lengths[i] = offsets[i + 1] - offsets[i]
    i = 0
    while i + 1 < number:
        one, digit = _base_length(names, offsets, i)
        two, other = _base_length(names, offsets, i + 1)
        same = one == two and (digit == 0 or digit != other) and able[i] and able[i + 1]
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
