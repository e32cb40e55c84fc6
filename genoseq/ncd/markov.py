"""Order-k Markov models: the distribution of a base given the k bases before it, by counting.

Contexts of 0 to k bases have a row each: those of ``j`` bases begin at row ``(4**j - 1) / 3`` and are numbers
in base 4, the oldest base in the highest place. The distribution after a context blends what was counted
after it with the distribution after the context without its oldest base,

    p_j(x) = (count(x) + prior * p_{j-1}(x)) / (total + prior),

from the uniform one up: the mean of a hierarchical Dirichlet prior (MacKay and Peto, Natural Language
Engineering 1, 1995). A long context that was seen often speaks for itself, one that was not hands over to
a shorter one. A model of order k thereby holds those of all lower orders (`MarkovModel.shorter`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.ncd.cost import SequenceModel
from genoseq.ncd.inputs import checked
from genoseq.sequence import reverse_complement

LONGEST = 12
"""Highest order: its table takes 358 MB, four times as much for each further base."""
PRIOR = 128.0
"""Counts that the shorter context is worth. On human chromosome 20 (order 12, 47 Mb counted, the next 6.3 Mb
scored, none of it from the last tenth) 16, 64, 128, 256 gave 1.782, 1.752, 1.751, 1.756 bits/base; adding a
constant to all counts gave 1.783 with the best one, 4. For E. coli 256 is best, and 128 costs 0.001 more."""


@dataclass(frozen=True)
class MarkovModel(SequenceModel):
    """Distributions after every context of at most `order` bases.

    Attributes
    ----------
    order : int
        Bases of the longest context.
    table : ndarray, shape (rows, 4), dtype float32
        Distribution after each context, in the order of the module's description.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> model = MarkovModel.fit([encode("ACACACACACACAC")], order=1, prior=1.0, both_strands=False)
    >>> model.bits_per_base([encode("CACACA")]) < model.bits_per_base([encode("CCCAAA")])
    True
    """

    order: int
    table: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        sequences: Iterable[NDArray[np.uint8]],
        order: int,
        *,
        prior: float = PRIOR,
        both_strands: bool = True,
    ) -> MarkovModel:
        """Count what follows each context.

        Parameters
        ----------
        sequences : iterable of ndarray, dtype uint8
            Base codes, one array a sequence.
        order : int
            0 to `LONGEST`.
        prior : float
            Counts that the distribution after the next shorter context is worth.
        both_strands : bool
            Count the reverse complement as well. It is as good as twice the data for double-stranded DNA:
            1.763 bits/base became 1.752 in the measurement of `PRIOR`.

        Raises
        ------
        UsageError
            For an order or a prior out of range.
        """
        if not 0 <= order <= LONGEST:
            raise UsageError(
                f"the order is {order}; it must be 0..{LONGEST} (MixingModel has longer contexts)"
            )
        if not prior > 0:
            raise UsageError(f"the prior is {prior}; it must be above 0")
        counts = np.zeros((first_row(order + 1), 4), np.uint32)
        for sequence in sequences:
            codes = checked(sequence)
            _count(codes, order, counts)
            if both_strands:
                _count(reverse_complement(codes), order, counts)
        table = counts.view(np.float32)  # the distributions take the place of the counts
        _smooth(counts, table, order, np.float32(prior))
        return cls(order, table)

    def shorter(self, order: int) -> MarkovModel:
        """The model of a lower order, as it would have been fitted. It shares the memory.

        Raises
        ------
        UsageError
            If the order is not lower or equal.
        """
        if not 0 <= order <= self.order:
            raise UsageError(f"the order is {order}; this model has 0..{self.order}")
        return replace(self, order=order, table=self.table[: first_row(order + 1)])

    def probabilities(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What comes next at each place (see `SequenceModel`)."""
        rows = _rows(checked(sequence), self.order)
        return np.where(rows[:, None] < 0, np.float32(0.25), self.table[rows])

    def costs(self, sequence: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Bits of each base (see `SequenceModel`)."""
        codes = checked(sequence)
        out = np.zeros(codes.size, np.float32)
        _cost(codes, self.order, self.table, out)
        return out


def first_row(order: int) -> int:
    """Row of the first context of `order` bases; also the number of shorter contexts."""
    return (4**order - 1) // 3


@numba.njit(cache=True, nogil=True)
def _rows(codes, order):
    """Row of the context of each base, -1 for an unknown base."""
    rows = np.full(codes.size, -1, np.int64)
    mask = (1 << 2 * order) - 1
    known = 0
    context = 0
    for i in range(codes.size):
        if codes[i] > 3:
            known = 0
            context = 0
            continue
        rows[i] = ((1 << 2 * known) - 1) // 3 + context
        context = (context << 2 | codes[i]) & mask
        known = min(known + 1, order)
    return rows


@numba.njit(cache=True, nogil=True)
def _count(codes, order, counts):
    """Add one for each base to the row of its longest context; `_smooth` carries it to the shorter ones."""
    mask = (1 << 2 * order) - 1
    known = 0
    context = 0
    for base in codes:
        if base > 3:
            known = 0
            context = 0
            continue
        counts[((1 << 2 * known) - 1) // 3 + context, base] += 1
        context = (context << 2 | base) & mask
        known = min(known + 1, order)


@numba.njit(cache=True, nogil=True)
def _smooth(counts, table, order, prior):
    """Carry counts to the shorter contexts, then turn them into distributions, shortest contexts first.

    `table` is the memory of `counts`: a row is read before it is written.
    """
    for length in range(order, 0, -1):
        first = ((1 << 2 * length) - 1) // 3
        shorter = ((1 << 2 * length - 2) - 1) // 3
        mask = (1 << 2 * length - 2) - 1
        for context in range(1 << 2 * length):
            for base in range(4):
                counts[shorter + (context & mask), base] += counts[first + context, base]
    for length in range(order + 1):
        first = ((1 << 2 * length) - 1) // 3
        shorter = ((1 << 2 * length - 2) - 1) // 3 if length else 0
        mask = (1 << 2 * length - 2) - 1 if length else 0
        for context in range(1 << 2 * length):
            row = first + context
            total = prior
            for base in range(4):
                total += np.float32(counts[row, base])
            for base in range(4):
                expected = table[shorter + (context & mask), base] if length else np.float32(0.25)
                table[row, base] = (np.float32(counts[row, base]) + prior * expected) / total


@numba.njit(cache=True, nogil=True)
def _cost(codes, order, table, out):
    """Bits of each known base."""
    mask = (1 << 2 * order) - 1
    known = 0
    context = 0
    for i in range(codes.size):
        base = codes[i]
        if base > 3:
            known = 0
            context = 0
            continue
        out[i] = -np.log2(table[((1 << 2 * known) - 1) // 3 + context, base])
        context = (context << 2 | base) & mask
        known = min(known + 1, order)
