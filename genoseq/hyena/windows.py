"""Windows: the parts of sequences that go through a network at once.

A sequence that fits into the model is one window. A longer one is cut into windows of `window` bp, each of
which begins `overlap` bp before the end of the one before; the last may be shorter. The bases of an overlap
were seen by the window before, with more context: where each base counts once (`Window.skip`), they are
context only, so that no base has less context than the overlap, those at the beginning of the sequence aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.hyena.tokenizer import reverse_complement


@dataclass(frozen=True)
class Window:
    """Part of a sequence.

    Attributes
    ----------
    sequence : int
        Number of the sequence that it is part of.
    start, end : int
        Where, 0-based, half-open, on the forward strand.
    tokens : ndarray, shape (end - start,), dtype uint8
        As the network reads them: of the reverse strand in its own direction.
    skip : int
        How many of the first tokens are part of the window before.
    reverse : bool
        Read from the reverse strand.
    """

    sequence: int
    start: int
    end: int
    tokens: NDArray[np.uint8]
    skip: int = 0
    reverse: bool = False


def borders(length: int, window: int | None = None, overlap: int = 0) -> list[tuple[int, int]]:
    """Where a sequence is cut: start and end of each window, 0-based, half-open.

    Examples
    --------
    >>> borders(10, 4), borders(10, 4, 1), borders(3, 4), borders(10)
    ([(0, 4), (4, 8), (8, 10)], [(0, 4), (3, 7), (6, 10)], [(0, 3)], [(0, 10)])
    """
    if window is None or length <= window:
        return [(0, length)]
    starts = range(0, length - overlap, window - overlap)
    return [(start, min(start + window, length)) for start in starts]


def windows_of(
    sequence: int,
    tokens: NDArray[np.uint8],
    window: int | None = None,
    overlap: int = 0,
    *,
    reverse: bool = False,
) -> Iterator[Window]:
    """The windows of a sequence; with `reverse`, of its reverse complement, in the direction of that."""
    read = reverse_complement(tokens) if reverse else tokens
    for start, end in borders(len(tokens), window, overlap):
        first, last = (len(tokens) - end, len(tokens) - start) if reverse else (start, end)
        yield Window(sequence, first, last, read[start:end], overlap if start else 0, reverse)


def check_window(window: int | None, overlap: int, l_max: int) -> None:
    """Refuse windows that a model cannot hold, or that do not move on.

    Raises
    ------
    UsageError
    """
    if window is None:
        if overlap:
            raise UsageError("an overlap is of windows: set the length of these, too (--window)")
        return
    if not 1 <= window <= l_max:
        raise UsageError(f"a window of {window:,} bp; this model holds 1..{l_max:,}")
    if not 0 <= overlap < window:
        raise UsageError(
            f"an overlap of {overlap:,} bp in windows of {window:,}; it must be 0..{window - 1:,}"
        )
