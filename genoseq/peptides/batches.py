"""What a masked language model learns from: batches of proteins, and of proteins with a peptide behind each.

Everything follows from the seed and the number of the step, so that a run which goes on from a checkpoint
sees what it would have seen. Sequences of about the same length share a batch, as what fills one up costs as
much as what is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.peptides.tokens import AMINO, MASK, padded

__all__ = [
    "Batch",
    "Batches",
    "Hiding",
    "Masking",
    "MixedBatches",
    "Pair",
    "PairBatches",
    "ProteinBatches",
    "cut",
    "split_by_size",
]

NOT_ASKED = -100
"""Label of a position that is not predicted (torch's `ignore_index`)."""
_POOL = 64  # steps whose sequences are sorted by length together

Tokens = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class Batch(NamedTuple):
    """Rows of tokens, and what is behind the masks.

    Attributes
    ----------
    tokens, labels : ndarray, shape (n, length), dtype int64
        Labels are `NOT_ASKED` where nothing is predicted.
    """

    tokens: Numbers
    labels: Numbers


@dataclass(frozen=True)
class Masking:
    """How tokens are hidden, as BERT and ESM-2 do it.

    Attributes
    ----------
    share : float
        Of the tokens that are predicted.
    replaced, kept : float
        Of these, the shares that are another amino acid by chance, and that stay; the rest is masked.
    """

    share: float = 0.15
    replaced: float = 0.1
    kept: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or min(self.replaced, self.kept) < 0 or self.replaced + self.kept > 1:
            raise UsageError(f"{self}: shares of 0 to 1 are expected")


@dataclass(frozen=True)
class Hiding:
    """How letters of a peptide behind its target are hidden.

    The published way hides the whole peptide. Decoders that fill in some letters after others, and the
    pseudo-perplexity, which hides one at a time, ask for peptides of which some letters are known; so a share
    of the peptides is shown in part.

    Attributes
    ----------
    whole : float
        Share of the peptides that are hidden as a whole; 1 is the published way.
    power : float
        Of the others, a share u^power of the letters is hidden, u uniform in 0..1, and one letter at least:
        the more, the fewer.
    target : float
        Share of the residues of targets that are hidden and asked for as well, so that what was learned of
        proteins stays, and no target looks twice the same.
    """

    whole: float = 1.0
    power: float = 1.0
    target: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.whole <= 1:
            raise UsageError(f"whole is {self.whole:g}; a share of 0 to 1 is expected")
        if not self.power > 0 or not 0 <= self.target < 1:
            raise UsageError(f"{self}: a power above 0 and a share of 0 to below 1 are expected")

    def draw(self, length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which letters of a peptide are hidden: bool (length,)."""
        share = 1.0 if rng.random() < self.whole else rng.random() ** self.power
        hidden = rng.random(length) < share
        hidden[rng.integers(length)] = True
        return hidden


class Batches(ABC):
    """A source of batches."""

    @abstractmethod
    def of_step(self, step: int) -> list[Batch]:
        """The batches of a step; their gradients are added up."""

    @abstractmethod
    def held_out(self) -> list[Batch]:
        """What is looked at during the training and never learned: the same each time."""


class _Epochs(Batches):
    """Every sequence once in an epoch, in an order of its own."""

    def __init__(
        self, lengths: Numbers, *, tokens: int, micro: int, seed: int, rows: int = 0,
        weights: NDArray[np.float64] | None = None,
    ) -> None:  # fmt: skip
        self._lengths, self._tokens, self._micro, self._seed = lengths, tokens, micro, seed
        self._rows, self._weights = rows, weights
        self._epoch, self._first, self._steps = -1, 0, list[list[Numbers]]()

    def of_step(self, step: int) -> list[Batch]:
        """The batches of a step."""
        if step < self._first or self._epoch < 0:
            self._begin(0, 0)
        while step >= self._first + len(self._steps):
            self._begin(self._epoch + 1, self._first + len(self._steps))
        rng = np.random.default_rng([self._seed, 1, step])
        return [self._batch(numbers, rng) for numbers in self._steps[step - self._first]]

    @property
    def steps_in_epoch(self) -> int:
        """Steps of the first epoch; others have about as many."""
        if self._epoch != 0:
            self._begin(0, 0)
        return len(self._steps)

    @abstractmethod
    def _batch(self, numbers: Numbers, rng: np.random.Generator) -> Batch:
        """Some sequences, masked."""

    def _begin(self, epoch: int, first: int) -> None:
        """Draw the order of an epoch that begins with step `first`."""
        rng = np.random.default_rng([self._seed, 0, epoch])
        count = len(self._lengths)
        if self._weights is None:
            order = rng.permutation(count)
        else:
            order = rng.choice(count, count, p=self._weights / self._weights.sum())
        pool = max(1, _POOL * self._tokens // int(self._lengths.mean()))
        batches = list[Numbers]()
        for at in range(0, len(order), pool):
            some = order[at : at + pool]
            some = some[np.argsort(self._lengths[some], kind="stable")]
            batches += [some[part] for part in split_by_size(self._lengths[some], self._micro, self._rows)]
        batches = [batches[number] for number in rng.permutation(len(batches))]
        each = max(1, round(self._tokens / self._micro))
        self._steps = [batches[at : at + each] for at in range(0, len(batches), each)]
        self._epoch, self._first = epoch, first


class ProteinBatches(_Epochs):
    """Proteins, of which some letters are hidden.

    Parameters
    ----------
    proteins : sequence of ndarray
        Tokens of each, without the special ones.
    held_out : sequence of ndarray
    window : int
        Letters of a longer protein that are read at once, cut out by chance.
    tokens, micro : int
        Of a step, and of a batch.
    masking : Masking
    seed : int
    """

    def __init__(
        self, proteins: Sequence[Tokens], held_out: Sequence[Tokens], *, window: int, tokens: int, micro: int,
        masking: Masking, seed: int,
    ) -> None:  # fmt: skip
        if not len(proteins):
            raise UsageError("no proteins to learn from")
        if window + 2 > micro or micro > tokens:
            raise UsageError(
                f"a window of {window}, batches of {micro} and steps of {tokens} tokens do not fit"
            )
        lengths = np.minimum([len(each) for each in proteins], window) + 2
        super().__init__(lengths, tokens=tokens, micro=micro, seed=seed)
        self._proteins, self._held_out = proteins, held_out
        self._window, self._masking = window, masking

    def held_out(self) -> list[Batch]:
        """Masked in the same way, always the same."""
        rng = np.random.default_rng([self._seed, 2])
        order = np.argsort([len(each) for each in self._held_out], kind="stable")
        rows = [cut(self._held_out[number], self._window, rng) for number in order]
        lengths = np.array([len(row) + 2 for row in rows])
        return [self._hidden([rows[at] for at in part], rng) for part in split_by_size(lengths, self._micro)]

    def _batch(self, numbers: Numbers, rng: np.random.Generator) -> Batch:
        return self._hidden([cut(self._proteins[number], self._window, rng) for number in numbers], rng)

    def _hidden(self, rows: Sequence[Tokens], rng: np.random.Generator) -> Batch:
        tokens = padded(rows)
        asked = np.isin(tokens, AMINO) & (rng.random(tokens.shape) < self._masking.share)
        labels = np.where(asked, tokens, NOT_ASKED)
        how = rng.random(tokens.shape)
        is_replaced = asked & (how < self._masking.replaced)
        is_masked = asked & (how >= self._masking.replaced + self._masking.kept)
        tokens[is_replaced] = rng.choice(AMINO, int(is_replaced.sum()))
        tokens[is_masked] = MASK
        return Batch(tokens, labels)


class Pair(NamedTuple):
    """A target and a peptide that binds it, as tokens."""

    target: Tokens
    peptide: Tokens


class PairBatches(_Epochs):
    """Targets with a peptide behind each, of which all or some letters are hidden.

    Parameters
    ----------
    pairs, held_out : sequence of Pair
    window : int
        Letters of target and peptide together; of a longer target a part by chance.
    tokens, micro : int
        Of a step, and of a batch.
    hiding : Hiding
    seed : int
    rows : int
        Pairs of a batch, at most; 0: as many as fit.
    weights : ndarray, optional
        float64 (n,): draw as many pairs as there are in each epoch, by these; by default each comes once.
    """

    def __init__(
        self, pairs: Sequence[Pair], held_out: Sequence[Pair], *, window: int, tokens: int, micro: int,
        hiding: Hiding, seed: int, rows: int = 0, weights: NDArray[np.float64] | None = None,
    ) -> None:  # fmt: skip
        if not len(pairs):
            raise UsageError("no pairs to learn from")
        longest = max(len(pair.peptide) for pair in pairs)
        if not longest < window <= micro - 2 or micro > tokens:
            raise UsageError(
                f"a window of {window}, batches of {micro} and steps of {tokens} tokens do not fit"
            )
        super().__init__(
            self._lengths_of(pairs, window), tokens=tokens, micro=micro, seed=seed, rows=rows, weights=weights
        )
        self._pairs, self._held_out, self._window, self._hiding = pairs, held_out, window, hiding

    def held_out(self) -> list[Batch]:
        """Each peptide hidden as a whole and, unless all are so, a second time in part."""
        rng = np.random.default_rng([self._seed, 2])
        order = sorted(self._held_out, key=lambda pair: len(pair.target) + len(pair.peptide))
        lengths = self._lengths_of(order, self._window)
        ways = [Hiding()] + ([Hiding(0.0, self._hiding.power)] if self._hiding.whole < 1 else [])
        return [
            self._hidden([order[number] for number in part], rng, way)
            for way in ways
            for part in split_by_size(lengths, self._micro)
        ]

    @staticmethod
    def _lengths_of(pairs: Sequence[Pair], window: int) -> Numbers:
        return np.minimum([sum(map(len, pair)) for pair in pairs], window).astype(np.int64) + 2

    def _batch(self, numbers: Numbers, rng: np.random.Generator) -> Batch:
        return self._hidden([self._pairs[number] for number in numbers], rng, self._hiding)

    def _hidden(self, pairs: Sequence[Pair], rng: np.random.Generator, hiding: Hiding) -> Batch:
        rows, hidden = [], []
        for target, peptide in pairs:
            shown = cut(target, self._window - len(peptide), rng)
            rows.append(np.concatenate([shown, peptide]))
            in_target = rng.random(len(shown)) < hiding.target
            asked = np.concatenate([in_target, hiding.draw(len(peptide), rng)])
            hidden.append(asked & np.isin(rows[-1], AMINO))
        tokens = padded(rows)
        labels = np.full(tokens.shape, NOT_ASKED, np.int64)
        for line, label, asked in zip(tokens, labels, hidden, strict=True):
            places = np.flatnonzero(asked) + 1
            label[places] = line[places]
            line[places] = MASK
        return Batch(tokens, labels)


class MixedBatches(Batches):
    """Steps of one source with those of another added: pairs, and proteins so that they are not forgotten.

    Parameters
    ----------
    first : Batches
        Whose held-out part counts.
    second : Batches
    every : int
        Steps of the first for each of the second that is added.
    """

    def __init__(self, first: Batches, second: Batches, every: int = 1) -> None:
        if every < 1:
            raise UsageError(f"every is {every}; 1 or more is expected")
        self._first, self._second, self._every = first, second, every

    def of_step(self, step: int) -> list[Batch]:
        """The batches of a step."""
        more, rest = divmod(step, self._every)
        return self._first.of_step(step) + ([] if rest else self._second.of_step(more))

    def held_out(self) -> list[Batch]:
        """That of the first source."""
        return self._first.held_out()


def cut(tokens: Tokens, window: int, rng: np.random.Generator) -> Tokens:
    """A part of so many letters by chance, or all if there are fewer."""
    if len(tokens) <= window:
        return tokens
    start = int(rng.integers(len(tokens) - window + 1))
    return tokens[start : start + window]


def split_by_size(lengths: Numbers, size: int, rows: int = 0) -> list[Numbers]:
    """Places of rows in their order, cut so that those of a part take `size` tokens at most when padded.

    With `rows`, a part has so many rows at most.

    Examples
    --------
    >>> [part.tolist() for part in split_by_size(np.array([2, 3, 3, 5]), 6)]
    [[0, 1], [2], [3]]
    """
    parts, begin, longest = [], 0, 0
    for at, length in enumerate(lengths.tolist()):
        longest = max(longest, length)
        if at > begin and (longest * (at - begin + 1) > size or at - begin == rows):
            parts.append(np.arange(begin, at))
            begin, longest = at, length
    return [*parts, np.arange(begin, len(lengths))] if len(lengths) else []
