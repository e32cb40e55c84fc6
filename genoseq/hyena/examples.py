"""Examples: sequences with classes, as a training reads them.

An epoch reads each sequence once: one of its windows by chance if it is longer than the window, from one of
its strands by a coin flip. Batches hold sequences of similar length, a bounded number of bases in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genoseq.hyena.tokenizer import PAD, reverse_complement

__all__ = ["Examples", "draw_batches", "draw_windows", "padded"]

_BUCKET = 16  # batches whose sequences are sorted by length together


@dataclass(frozen=True)
class Examples:
    """Sequences and their classes.

    Attributes
    ----------
    tokens : list of ndarray, each of shape (bases,), dtype uint8
    labels : ndarray, shape (n,), dtype int64
    """

    tokens: list[NDArray[np.uint8]]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, numbers: NDArray[np.int64]) -> Examples:
        """Some of them."""
        return Examples([self.tokens[number] for number in numbers], self.labels[numbers])


def draw_windows(examples: Examples, window: int, rng: np.random.Generator, *, flip: bool) -> Examples:
    """What an epoch reads: of each sequence one window by chance, with `flip` from one strand by chance."""
    places, coins = rng.random(len(examples)), rng.random(len(examples))
    tokens = []
    for each, place, coin in zip(examples.tokens, places, coins, strict=True):
        start = int(place * (max(0, len(each) - window) + 1))
        part = each[start : start + window]
        tokens.append(reverse_complement(part) if flip and coin < 0.5 else part)
    return Examples(tokens, examples.labels)


def draw_batches(lengths: list[int], tokens: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Numbers of sequences that go together: of similar length, at most `tokens` with padding.

    A sequence of more than `tokens` is alone. The batches are in random order.
    """
    order = rng.permutation(len(lengths))
    sizes = np.asarray(lengths)[order]
    # so many sequences at a time are sorted that batches are full, and still differ from epoch to epoch
    some = max(1, _BUCKET * tokens // max(1, int(sizes.mean()))) if len(sizes) else 1
    batches: list[list[int]] = []
    for first in range(0, len(order), some):
        bucket = order[first : first + some]
        bucket = bucket[np.argsort(-sizes[first : first + some], kind="stable")]
        batch: list[int] = []
        for number in bucket:
            if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
                batches.append(batch)
                batch = []
            batch.append(int(number))
        batches.append(batch)
    return [np.array(batches[i], np.int64) for i in rng.permutation(len(batches))]


def padded(tokens: list[NDArray[np.uint8]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids (batch, length), padded on the right, and lengths (batch,)."""
    lengths = [len(each) for each in tokens]
    rows = np.full((len(tokens), max(lengths)), PAD, np.uint8)
    for row, each in zip(rows, tokens, strict=True):
        row[: len(each)] = each
    return torch.from_numpy(rows).to(device).long(), torch.tensor(lengths, device=device)
