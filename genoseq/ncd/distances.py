"""Distances by compression: what two texts cost together, against what each costs alone.

With C(x) the compressed size of x in bytes, and xy both with a separator between,

    NCD = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))     Cilibrasi and Vitanyi 2005; 0 to about 1
    CDM = C(xy) / (C(x) + C(y))                           Keogh, Lonardi and Ratanamahatana 2004; 1/2 to 1
    CLM = 1 - (C(x) + C(y) - C(xy)) / C(xy)               Li et al. 2001, Chen et al. 2004; 0 to 1

The separator is a space, as in the paper that the compressors are from. C(x) and C(y) are found once each,
and C(xy) once for each pair, what pairs share only once where the compressor allows it
(`Compressor.follow`). On both strands the distance is the smaller one of x with y and of x with the reverse
complement of y; a compressor that finds both strands by itself (`Compressor.sees_both_strands`) is asked
once.

Lower case counts as upper case. Sizes do not depend on the number of threads; these take blocks of pairs,
which are rows of short sequences, and single pairs of genomes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.ncd.compressor import Compressor, Numbers, Sizes, Suffixes
from genoseq.ncd.compressors import compressor_of
from genoseq.ncd.inputs import as_texts
from genoseq.ncd.store import MatrixStore, fingerprint
from genoseq.sequence import encode, reverse_complement_text

__all__ = ["METRICS", "SEPARATOR", "Metric", "Targets", "combine", "distance", "distance_matrix"]

Metric = Literal["ncd", "cdm", "clm"]
METRICS: tuple[str, ...] = get_args(Metric)
SEPARATOR = b" "
_ROWS = 16  # of a block, at most: what is stored, and handed to a thread, at once
_BLOCK = 4 << 20  # letters to be compressed for a block of long texts: seconds at most
_MOST_BLOCKS = 2048  # files that a stored matrix may have

Distances = npt.NDArray[np.float64]
Given = TypeVar("Given")
Found = TypeVar("Found")


def combine(metric: Metric, joint: Sizes, first: int | Sizes, second: Sizes) -> Distances:
    """Distances from sizes.

    Parameters
    ----------
    metric
    joint, first, second
        C(xy), C(x) and C(y), bytes.
    """
    joint, first = np.asarray(joint, np.int64), np.asarray(first, np.int64)
    if metric == "ncd":
        return (joint - np.minimum(first, second)) / np.maximum(first, second)
    if metric == "cdm":
        return joint / (first + second)
    if metric == "clm":
        return 1 - (first + second - joint) / joint
    raise UsageError(f"metric {metric!r}; {', '.join(METRICS)} is expected")


@dataclass(frozen=True)
class Targets:
    """Sequences that others are compared with, and all that can be known of them before.

    Attributes
    ----------
    compressor : Compressor
    texts : list of bytes
    sizes : ndarray, shape (strands, n), dtype int32
        C(y), and C of the reverse complement if both strands are compared.
    strands : tuple of Suffixes
        The same for C(xy).
    separator : bytes
    """

    compressor: Compressor
    texts: list[bytes]
    sizes: Sizes
    strands: tuple[Suffixes, ...]
    separator: bytes

    @classmethod
    def prepare(
        cls,
        texts: list[bytes],
        compressor: Compressor,
        *,
        both_strands: bool = False,
        separator: bytes = SEPARATOR,
        threads: int = 1,
    ) -> Targets:
        """Compress each alone.

        Raises
        ------
        InputError
            If both strands are wanted of something that is not DNA or RNA.
        """
        versions = [texts]
        if both_strands:
            _check_nucleotides(texts)
        if both_strands and not compressor.sees_both_strands:
            versions.append([reverse_complement_text(text) for text in texts])
        sizes = np.stack([sizes_of(each, compressor, threads) for each in versions])
        strands = tuple(compressor.follow(each, separator) for each in versions)
        return cls(compressor, texts, sizes, strands, separator)

    def __len__(self) -> int:
        return len(self.texts)

    def joint(self, text: bytes, chosen: Numbers | None = None) -> Sizes:
        """C(xy) of a text with each target, or with the chosen ones: int32 (strands, m)."""
        prefix = text + self.separator
        return np.stack([strand.sizes(prefix, chosen) for strand in self.strands])

    def distances(self, text: bytes, metric: Metric, chosen: Numbers | None = None) -> Distances:
        """Of a text to each target, or to the chosen ones: float64 (m,)."""
        own = self.sizes if chosen is None else self.sizes[:, chosen]
        return combine(metric, self.joint(text, chosen), self.compressor.size(text), own).min(0)


def distance(
    first: str | bytes,
    second: str | bytes,
    *,
    compressor: str | Compressor = "gzip",
    metric: Metric = "ncd",
    both_strands: bool = False,
) -> float:
    """Of two sequences.

    Examples
    --------
    >>> distance("ACGTTGCA" * 20, "ACGTTGCA" * 20) < distance("ACGTTGCA" * 20, "GGATCCAATG" * 16)
    True
    """
    texts = as_texts([first, second])
    targets = Targets.prepare(texts[1:], compressor_of(compressor), both_strands=both_strands)
    return float(targets.distances(texts[0], metric)[0])


def distance_matrix(
    first: Sequence[str | bytes],
    second: Sequence[str | bytes] | None = None,
    *,
    compressor: str | Compressor = "gzip",
    metric: Metric = "ncd",
    both_strands: bool = False,
    separator: bytes = SEPARATOR,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Distances:
    """All distances of two sets of sequences, or of one.

    Parameters
    ----------
    first
        Sequences of the rows, x in C(xy).
    second
        Sequences of the columns. Without them the matrix is that of `first` and symmetric: each pair is
        compressed once, in the order of the list, and the diagonal is 0.
    compressor
        One of `genoseq.ncd.compressors.NAMED` by its name, or with other settings.
    metric
        "ncd", "cdm" or "clm".
    both_strands
        Compare with the reverse complement as well, and take the smaller distance.
    separator
        What stands between two sequences.
    threads
        Blocks that are computed at once.
    progress
        Called with the number of pairs that were done since it was called last.
    store
        A folder that keeps the sizes, so that a run which was ended goes on (`genoseq.ncd.store`). It does
        not depend on the metric.

    Returns
    -------
    ndarray, shape (rows, columns), dtype float64

    Raises
    ------
    UsageError
        If a setting makes no sense.
    InputError
        If a sequence is empty, or the folder is of another matrix.
    """
    if threads < 1:
        raise UsageError(f"{threads} threads; 1 or more are expected")
    tool = compressor_of(compressor)
    rows = as_texts(first, "first")
    columns = rows if second is None else as_texts(second, "second")
    if not rows or not columns:
        return np.zeros((len(rows), len(columns)))
    warn_of_window(tool, rows, columns)
    combine(metric, np.ones(1, np.int32), 1, np.ones(1, np.int32))  # a wrong one is an error now
    targets = Targets.prepare(columns, tool, both_strands=both_strands, separator=separator, threads=threads)
    own = targets.sizes[0] if second is None else sizes_of(rows, tool, threads)
    grid = _Grid.of(rows, columns, is_symmetric=second is None)
    kept = None
    if store is not None:
        kept = MatrixStore(
            store,
            {
                "compressor": repr(tool), "separator": separator.decode("latin-1"),
                "both_strands": both_strands, "symmetric": grid.is_symmetric,
                "rows": len(rows), "columns": len(columns),
                "sequences of the rows": fingerprint(rows), "sequences of the columns": fingerprint(columns),
                "rows per block": grid.high, "columns per block": grid.wide,
            },
        )  # fmt: skip
    joint = np.zeros((len(targets.strands), len(rows), len(columns)), np.int32)
    for block, sizes in _blocks(rows, targets, grid, threads, kept):
        joint[:, block.rows, block.columns] = sizes
        if progress is not None:
            progress(sum(len(block.chosen(row)) for row in range(block.rows.start, block.rows.stop)))
    if second is not None:
        return combine(metric, joint, own[:, None], targets.sizes[:, None]).min(0)
    found = np.triu(combine(metric, np.maximum(joint, 1), own[:, None], targets.sizes[:, None]).min(0), 1)
    return found + found.T


@dataclass(frozen=True)
class _Block:
    """Pairs that belong together: some rows, some columns, of a symmetric matrix those above the diagonal."""

    number: int
    rows: slice
    columns: slice
    is_symmetric: bool

    def chosen(self, row: int) -> Numbers:
        """The columns that are needed of a row: int64 (m,)."""
        first = max(self.columns.start, row + 1) if self.is_symmetric else self.columns.start
        return np.arange(first, max(first, self.columns.stop))


@dataclass(frozen=True)
class _Grid:
    """A matrix in blocks, `high` rows and `wide` columns each."""

    rows: int
    columns: int
    high: int
    wide: int
    is_symmetric: bool

    @classmethod
    def of(cls, rows: list[bytes], columns: list[bytes], *, is_symmetric: bool) -> _Grid:
        """Blocks of rows, narrower the longer the texts are."""
        letters = sum(map(len, rows)) / len(rows) + sum(map(len, columns)) / len(columns)
        pairs = max(_BLOCK / letters, len(rows) * len(columns) / _MOST_BLOCKS)
        high = min(max(int(pairs / len(columns)), 1), _ROWS)
        wide = min(max(int(pairs), 1), len(columns))
        return cls(len(rows), len(columns), high, wide, is_symmetric)

    def blocks(self) -> list[_Block]:
        """Those in which there is something to compute."""
        found = []
        across = range(0, self.columns, self.wide)
        for down, top in enumerate(range(0, self.rows, self.high)):
            bottom = min(top + self.high, self.rows)
            for right, left in enumerate(across):
                end = min(left + self.wide, self.columns)
                block = _Block(
                    down * len(across) + right, slice(top, bottom), slice(left, end), self.is_symmetric
                )
                if len(block.chosen(top)):
                    found.append(block)
        return found


def _blocks(
    rows: list[bytes], targets: Targets, grid: _Grid, threads: int, kept: MatrixStore | None
) -> Iterator[tuple[_Block, Sizes]]:
    """C(xy) of each block: int32 (strands, rows, columns), 0 where it is not needed."""

    def compute(block: _Block) -> tuple[_Block, Sizes]:
        texts = rows[block.rows]
        shape = (len(targets.strands), len(texts), block.columns.stop - block.columns.start)
        found = None if kept is None else kept.get(block.number, shape)
        if found is None:
            found = np.zeros(shape, np.int32)
            for number, text in enumerate(texts):
                chosen = block.chosen(block.rows.start + number)
                if len(chosen):
                    found[:, number, chosen - block.columns.start] = targets.joint(text, chosen)
            if kept is not None:
                kept.put(block.number, found)
        return block, found

    yield from in_threads(compute, grid.blocks(), threads)


def in_threads(work: Callable[[Given], Found], items: Sequence[Given], threads: int) -> Iterator[Found]:
    """Results in the order of the items; what was not begun is dropped when the caller stops."""
    if threads == 1 or len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)


def sizes_of(texts: list[bytes], compressor: Compressor, threads: int = 1) -> Sizes:
    """C(x) of each text: int32 (n,)."""
    return np.fromiter(in_threads(compressor.size, texts, threads), np.int32, len(texts))


def warn_of_window(compressor: Compressor, first: list[bytes], second: list[bytes]) -> None:
    """Say if the compressor does not see all of x from the end of y, once for all pairs."""
    longest = max(map(len, first)) + max(map(len, second))
    if longest > compressor.window:
        warnings.warn(
            f"pairs of up to {longest:,} bytes, and {compressor.name} sees {compressor.window:,} back: "
            "what the ends of long sequences share goes unseen (lzma, zstd and brotli see farther)",
            GenoseqWarning,
            stacklevel=3,
        )


def _check_nucleotides(texts: list[bytes]) -> None:
    for number, text in enumerate(texts):
        try:
            encode(text)
        except InputError as error:
            raise InputError(f"both strands of sequence {number} (from 0): {error.message}") from error
