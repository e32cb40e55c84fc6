"""Corpus: what a model is trained on, and the part of it that is held out.

All contigs lie end to end as tokens, one byte a base. An epoch cuts them into windows at an offset of its
own, leaves out those that are mostly N, and shuffles them; a window never crosses the end of a contig, and
the borders of the held-out part. Everything follows from the seed and the number of the epoch, so that a run
that was stopped can go on exactly where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.hyena.tokenizer import A, N, reverse_complement, tokens_of
from genoseq.io.fastx import read_batches
from genoseq.io.twobit import is_twobit, read_twobit

_MOST_UNKNOWN = 0.1  # of a window


@dataclass(frozen=True)
class Corpus:
    """Tokens of sequences, end to end.

    Attributes
    ----------
    tokens : ndarray, shape (bases,), dtype uint8
    pieces : ndarray, shape (n, 2), dtype int64
        First base and end of each stretch that windows may be cut from, bp.
    """

    tokens: NDArray[np.uint8]
    pieces: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Iterable[NDArray[np.uint8]]) -> Corpus:
        """From base codes of contigs (`genoseq.sequence`)."""
        parts = [tokens_of(codes) for codes in sequences]
        if not parts:
            raise InputError("no sequences to train on")
        ends = np.cumsum([len(part) for part in parts])
        starts = np.concatenate([[0], ends[:-1]])
        return cls(np.concatenate(parts), np.stack([starts, ends], 1).astype(np.int64))

    @property
    def bases(self) -> int:
        """Bases in the pieces."""
        return int((self.pieces[:, 1] - self.pieces[:, 0]).sum())

    def codes(self) -> list[NDArray[np.uint8]]:
        """Base codes of each piece (`genoseq.sequence`): what models of other kinds take."""
        return [self.tokens[start:end] - A for start, end in self.pieces]

    def split(self, share: float) -> tuple[Corpus, Corpus]:
        """What to train on, and what is held out: the last `share` of the bases of every piece."""
        starts, ends = self.pieces.T
        border = ends - np.rint(share * (ends - starts)).astype(np.int64)
        first, last = np.stack([starts, border], 1), np.stack([border, ends], 1)
        return (
            Corpus(self.tokens, first[first[:, 1] > first[:, 0]]),
            Corpus(self.tokens, last[last[:, 1] > last[:, 0]]),
        )

    def starts(self, length: int, offset: int = 0) -> NDArray[np.int64]:
        """Where windows of `length` begin that follow each other from `offset` on, without those that are N.

        Raises
        ------
        InputError
            If no window fits.
        """
        parts = []
        for first, end in self.pieces:
            start = first + offset
            count = max(0, (end - start) // length)
            cut = self.tokens[start : start + count * length].reshape(count, length)
            known = np.count_nonzero(cut == N, axis=1) <= _MOST_UNKNOWN * length
            parts.append(start + length * np.flatnonzero(known))
        starts = np.concatenate(parts) if parts else np.empty(0, np.int64)
        if not len(starts) and not offset:
            longest = int((self.pieces[:, 1] - self.pieces[:, 0]).max(initial=0))
            raise InputError(
                f"no window of {length:,} bp fits: the longest stretch has {longest:,} bp, or all is N"
            )
        return starts

    def windows(self, starts: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
        """The windows that begin at `starts`: uint8 (n, length)."""
        return np.stack([self.tokens[at : at + length] for at in starts])


class Shuffled:
    """Batches of windows without end: epoch after epoch, each cut and shuffled anew.

    Parameters
    ----------
    corpus : Corpus
    length : int
        Of a window, bp.
    seed : int
    flip : bool
        Read half of the windows from the other strand.
    """

    def __init__(self, corpus: Corpus, length: int, seed: int, *, flip: bool = True) -> None:
        self.corpus, self.length, self.seed, self.flip = corpus, length, seed, flip
        self._epoch, self._starts, self._flips = -1, np.empty(0, np.int64), np.empty(0, bool)
        self.size = len(corpus.starts(length))
        """Windows of an epoch. With another offset there may be a few less; the epoch then has fewer."""

    def take(self, first: int, count: int) -> NDArray[np.uint8]:
        """The windows number `first` to ``first + count`` of the endless row: uint8 (count, length)."""
        parts = []
        while count:
            epoch, at = divmod(first, self.size)
            self._shuffle(epoch)
            some = self.corpus.windows(self._starts[at : at + count], self.length)
            flips = self._flips[at : at + count]
            some[flips] = reverse_complement(some[flips])
            parts.append(some)
            first += len(some)
            count -= len(some)
        return np.concatenate(parts)

    def _shuffle(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        rng = np.random.default_rng([self.seed, self.length, epoch])
        starts = self.corpus.starts(self.length, int(rng.integers(self.length)) if epoch else 0)
        order = rng.permutation(len(starts))
        if len(order) < self.size:  # drawn twice, so that all epochs have the same number
            order = np.concatenate([order, rng.choice(len(starts), self.size - len(order))])
        self._epoch, self._starts = epoch, starts[order[: self.size]]
        self._flips = (rng.random(self.size) < 0.5) & self.flip


def read_corpus(paths: Iterable[str | Path]) -> Corpus:
    """The sequences of FASTA, 2bit or FASTQ files, one piece each.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    return Corpus.of(codes for path in paths for codes in _sequences(path))


def _sequences(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    if is_twobit(path):
        yield from (codes for _, codes in read_twobit(path))
        return
    for batch in read_batches(path):
        for start, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
            yield batch.codes[start:end]
