"""Contexts to train on: where they come from, and which of them share a cell.

A `ContextPool` holds the anchors of some genomes and cuts their contexts out, read in the direction of the
word. The `CellGroups` of a pool say which anchors an index would put into one cell: those are the hard
negatives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.divergence import MARGIN
from genoseq.errors import InputError
from genoseq.sequence import ENCODE_TABLE

NEAR = 16  # bases that tell cells apart, taken right, left, right, ... of the word, as the cells of an index
_GAP = 64  # unknown bases between contigs, more than any context reaches


@dataclass(frozen=True)
class ContextPool:
    """All anchors of some genomes whose context (margin included) has no unknown base.

    Attributes
    ----------
    codes : ndarray, dtype uint8
        All contigs, with unknown bases between them.
    positions, kinds : ndarray, shape (n,)
        Anchors as `find_anchors` gives them, in order of position.
    genomes : ndarray, shape (genomes + 1,), dtype int64
        Number of the first anchor of each genome.
    words : AnchorWords
    flank : int
        Bases of context on each side of the word, bp.
    """

    codes: NDArray[np.uint8]
    positions: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    genomes: NDArray[np.int64]
    words: AnchorWords
    flank: int

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def context(self) -> int:
        """Length of a context without margins, bp."""
        return 2 * self.flank + self.words.length

    @classmethod
    def from_codes(
        cls,
        genomes: Sequence[Iterable[NDArray[np.uint8]]],
        words: AnchorWords,
        flank: int,
        *,
        paths: Sequence[str | Path] | None = None,
    ) -> ContextPool:
        """Collect the anchors of genomes, each given as the base codes of its contigs.

        Parameters
        ----------
        paths : sequence of path, optional
            Where the genomes are from, for errors.

        Raises
        ------
        InputError
            If a genome has no anchor with a whole context.
        """
        gap = np.full(_GAP, 4, np.uint8)
        pieces, positions, kinds, first, at = [gap], [], [], [0], _GAP
        for number, genome in enumerate(genomes):
            found = 0
            for contig in genome:
                codes = np.concatenate([gap, np.asarray(contig, np.uint8), gap])
                p, k = _whole_anchors(codes, words, flank)
                pieces.append(codes)
                positions.append(p + at)
                kinds.append(k)
                at += len(codes)
                found += len(p)
            if not found:
                lack = f"no anchor word ({', '.join(words.words)}) with {flank} known bases on each side"
                if paths is None:
                    raise InputError(f"genome {number + 1} has {lack}")
                raise InputError(f"has {lack}", paths[number])
            first.append(first[-1] + found)
        return cls(
            np.concatenate(pieces),
            np.concatenate(positions),
            np.concatenate(kinds),
            np.array(first, np.int64),
            words,
            flank,
        )

    @classmethod
    def from_fasta(
        cls, paths: Sequence[str | Path], words: AnchorWords, flank: int, *, use: str = "train on"
    ) -> ContextPool:
        """Collect the anchors of FASTA files, each a genome.

        Parameters
        ----------
        use : str
            What the anchors are for, for errors.

        Raises
        ------
        InputError
            If a file cannot be read or has no usable anchor.
        """
        from genoseq.io.fastx import read_fasta  # the reader is only needed here

        def contigs(path: str | Path) -> list[NDArray[np.uint8]]:
            found = [ENCODE_TABLE[letters] for _, letters in read_fasta(path)]
            if sum(map(len, found)) < 4 * _GAP:
                raise InputError(f"{sum(map(len, found))} bp are too few to {use}; give whole genomes", path)
            return found

        return cls.from_codes([contigs(path) for path in paths], words, flank, paths=paths)

    def wide(self, anchors: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Contexts with margins, read in the direction of the word: uint8 (n, context + 2 * `MARGIN`)."""
        out = np.empty((len(anchors), self.context + 2 * MARGIN), np.uint8)
        _gather(self.codes, self.positions[anchors], self.kinds[anchors], self.flank + MARGIN, out)
        return out

    def narrow(self, anchors: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Contexts without margins: uint8 (n, context)."""
        out = np.empty((len(anchors), self.context), np.uint8)
        _gather(self.codes, self.positions[anchors], self.kinds[anchors], self.flank, out)
        return out

    def near(self) -> NDArray[np.uint64]:
        """Key of each anchor: its word, then the `NEAR` nearest bases, the nearest in the highest place."""
        out = np.empty(len(self), np.uint64)
        _near_keys(self.codes, self.positions, self.kinds, self.words.length, out)
        return out


@dataclass(frozen=True)
class CellGroups:
    """Anchors grouped by cell: a trie over the near bases, each node cut until it holds few enough anchors.

    The tree of an index also chooses the *order* of the bases node by node; for finding hard negatives the
    nearest first is enough, and it is a sort.

    Attributes
    ----------
    members : ndarray, shape (n,), dtype int64
        Anchors of a `ContextPool`, cell by cell.
    starts : ndarray, shape (cells + 1,), dtype int64
        Bounds of the cells in `members`.
    keys : ndarray, shape (cells,), dtype uint64
        Smallest key that belongs to each cell, in rising order: ``searchsorted`` finds the cell of a query.
    """

    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    keys: NDArray[np.uint64]

    @classmethod
    def build(cls, pool: ContextPool, capacity: int) -> CellGroups:
        """Group the anchors of a pool; a cell holds at most `capacity` unless all near bases agree."""
        keys = pool.near()
        members = np.argsort(keys, kind="stable")
        starts, lowest = _cut(keys[members], capacity, len(pool.words.words))
        return cls(members, starts, lowest)

    def sizes(self) -> NDArray[np.int64]:
        """Number of anchors in each cell."""
        return np.diff(self.starts)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Cell of each key of `near_keys_of` or `ContextPool.near`."""
        return np.searchsorted(self.keys, keys, side="right") - 1


def near_keys_of(contexts: NDArray[np.uint8], flank: int, words: AnchorWords) -> NDArray[np.uint64]:
    """Keys of contexts (n, context) that stand on their own; unknown bases count as A."""
    length = words.length
    kinds = np.zeros(len(contexts), np.uint8)
    said = np.array([int("".join(str("ACGT".index(b)) for b in word), 4) for word in words.words])
    value = np.zeros(len(contexts), np.int64)
    for i in range(length):
        value = value * 4 + contexts[:, flank + i]
    for number, word in enumerate(said):
        kinds[value == word] = 2 * number
    positions = np.arange(len(contexts), dtype=np.int64) * contexts.shape[1] + flank
    out = np.empty(len(contexts), np.uint64)
    _near_keys(np.ascontiguousarray(contexts).reshape(-1), positions, kinds, length, out)
    return out


@numba.njit(cache=True, nogil=True)
def kmer_rows(contexts: NDArray[np.uint8], k: int, out: NDArray[np.int64]) -> None:
    """Table row of each (place, k-mer): ``place * 4**k + kmer``; the row after the last if it is unknown.

    Parameters
    ----------
    contexts : ndarray, shape (n, context), dtype uint8
    k : int
    out : ndarray, shape (n, context - k + 1), dtype int64 or int32
    """
    places = contexts.shape[1] - k + 1
    words = 1 << (2 * k)
    for b in range(contexts.shape[0]):
        word = 0
        valid = 0
        for j in range(contexts.shape[1]):
            base = contexts[b, j]
            if base > 3:
                valid = 0
            else:
                valid += 1
                word = ((word << 2) | base) & (words - 1)
            if j >= k - 1:
                place = j - k + 1
                out[b, place] = place * words + word if valid >= k else places * words


def _whole_anchors(
    codes: NDArray[np.uint8], words: AnchorWords, flank: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Anchors of one contig whose context and margins are all known."""
    positions = np.empty(len(codes), np.int64)
    kinds = np.empty(len(codes), np.uint8)
    n = find_anchors(codes, 0, len(codes), words.rule(), words.length, positions, kinds)
    unknown = np.concatenate([[0], np.cumsum(codes > 3, dtype=np.int64)])
    reach = flank + MARGIN
    found = positions[:n]
    keep = unknown[found + words.length + reach] == unknown[found - reach]
    return found[keep], kinds[:n][keep]


@numba.njit(cache=True, nogil=True)
def _gather(codes, positions, kinds, reach, out):
    width = out.shape[1]
    for a in range(positions.shape[0]):
        start = positions[a] - reach
        if kinds[a] & 1:
            for j in range(width):
                base = codes[start + width - 1 - j]
                out[a, j] = 3 - base if base < 4 else 4
        else:
            for j in range(width):
                out[a, j] = codes[start + j]


@numba.njit(cache=True, nogil=True)
def _near_keys(codes, positions, kinds, length, out):
    for a in range(positions.shape[0]):
        reverse = kinds[a] & 1
        key = np.uint64(kinds[a] >> 1)
        for c in range(NEAR):
            step = c >> 1
            ahead = (c & 1) == (0 if reverse == 0 else 1)
            i = positions[a] + length + step if ahead else positions[a] - 1 - step
            base = codes[i]
            if base > 3:
                base = np.uint8(0)
            elif reverse:
                base = np.uint8(3 - base)
            key = (key << np.uint64(2)) | np.uint64(base)
        out[a] = key


@numba.njit(cache=True, nogil=True)
def _cut(keys, capacity, words):
    """Bounds and lowest keys of the trie's leaves over sorted keys, by depth-first descent."""
    starts = [np.int64(0) for _ in range(0)]
    lowest = [np.uint64(0) for _ in range(0)]
    stack = [(np.int64(0), np.int64(0), np.int64(0), np.uint64(0)) for _ in range(0)]
    for word in range(words - 1, -1, -1):
        low = np.uint64(word) << np.uint64(2 * NEAR)
        high = np.uint64(word + 1) << np.uint64(2 * NEAR)
        stack.append((np.searchsorted(keys, low), np.searchsorted(keys, high), np.int64(0), low))
    while len(stack) > 0:
        lo, hi, depth, prefix = stack.pop()
        if hi - lo <= capacity or depth == NEAR:
            starts.append(lo)
            lowest.append(prefix)
            continue
        unit = np.uint64(1) << np.uint64(2 * (NEAR - 1 - depth))
        end = hi
        for base in range(3, -1, -1):
            low = prefix + np.uint64(base) * unit
            begin = lo + np.searchsorted(keys[lo:hi], low)
            stack.append((np.int64(begin), np.int64(end), depth + 1, low))
            end = begin
    starts.append(np.int64(keys.shape[0]))
    return np.array(starts), np.array(lowest)
