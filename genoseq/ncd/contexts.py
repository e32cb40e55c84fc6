"""Contexts: what followed the last bases so far, counted while reading, on both strands.

Two kinds. A context of at most 12 bases has a row of four 16-bit counts of its own; when a count reaches a
limit the row is halved, so that a low limit makes a model of what came last and a high one of the whole.
Some of these are local: they begin anew with each sequence and are counted even while it is only scored.
A longer context, or one with a gap of bases that do not matter, shares a table of cells: four 4-bit counts
below a 16-bit check of the context. A cell that belongs to another context is halved until it is weak, then
taken over. With the gap a context survives a substitution in it.

Histories are 64-bit words of the last 32 bases, two bits each: of the strand that is read with the last base
in the lowest place, of the other strand (its complement, read backwards) with it in the highest. The bases
after a context on the other strand are those before it on this one, so each base read adds one count to
either strand.

The tables are larger than any cache. Rows are therefore found `AHEAD` bases before they are needed and
fetched meanwhile; they wait in a ring. That is three times as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

AHEAD = 16
"""Bases between finding a row and reading it: some 20 us, two hundred times the latency of memory."""
RING = 32  # slots, a power of two above AHEAD
THIS_STRAND, OTHER_STRAND = 0, 1
LONGEST_ROW = 12
"""Bases of a context with a row of its own, at most: 134 MB; each further base takes four times as much."""
LONGEST_LOCAL = 9
"""Bases of a local context, at most: 2 MB that each sequence begins with."""
LONGEST_SPAN = 31
"""Bases from the oldest of a context to the base that follows it: a history has 32 with that base."""
HIGHEST_LIMIT = 4095
"""Of a count in a row. Its logarithm is looked up, in a table that stays in the first cache."""
MOST_OFTEN = 11
"""Class of the contexts that were seen 1024 times and more."""
_FULL = 15  # of a count in a cell
_CHECK = np.uint32(0xFFFF0000)
_COUNTS = np.uint32(0xFFFF)
_HALF = np.uint32(0x7777)  # what stays of four 4-bit counts shifted by one
_EVIDENCE = 64  # entries for each count: the sum of the other three, at most 45
_LOGS = np.log(np.arange(HIGHEST_LIMIT + 1) + 1.0).astype(np.float32)
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
# Odd multipliers with well mixed bits: 2**64 over the golden ratio, and the first of splitmix64.
_MIX, _MIX_AGAIN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class Contexts(NamedTuple):
    """Tables of counts and what is in them.

    Attributes
    ----------
    orders, limits, starts : ndarray, shape (rows,), dtype int64
        Of each context with rows: bases, limit of a count, number of the first row.
    is_local : ndarray, shape (rows,), dtype bool
        Whether its rows are those of `local_counts`.
    counts : ndarray, shape (n, 4), dtype uint16
        Rows of the others.
    near, gap, far : ndarray, shape (cells,), dtype int64
        Of each context with cells: bases next to the predicted one, bases left out, bases before those.
    bits, homes : ndarray, shape (cells,), dtype int64
        Binary logarithm of its number of cells, number of its first cell.
    cells : ndarray, shape (n,), dtype uint32
    evidence : ndarray, shape (cells, 16 * 64), dtype float32
        What a base is told by its count (times 64) and the sum of the other three, nats; it is learned.
    """

    orders: NDArray[np.int64]
    limits: NDArray[np.int64]
    starts: NDArray[np.int64]
    is_local: NDArray[np.bool_]
    counts: NDArray[np.uint16]
    near: NDArray[np.int64]
    gap: NDArray[np.int64]
    far: NDArray[np.int64]
    bits: NDArray[np.int64]
    homes: NDArray[np.int64]
    cells: NDArray[np.uint32]
    evidence: NDArray[np.float32]


class Ring(NamedTuple):
    """Rows, cells and checks of the next bases.

    Attributes
    ----------
    rows, cells : ndarray, shape (RING, 2, number), dtype int64
    checks : ndarray, shape (RING, 2, number), dtype uint32
    """

    rows: NDArray[np.int64]
    cells: NDArray[np.int64]
    checks: NDArray[np.uint32]


def new_contexts(
    orders: Sequence[tuple[int, int]],
    local: Sequence[tuple[int, int]],
    patterns: Sequence[tuple[int, int, int]],
    table_bits: int,
) -> Contexts:
    """Empty tables.

    Parameters
    ----------
    orders, local : sequence of (int, int)
        Bases and limit of a count.
    patterns : sequence of (int, int, int)
        Near bases, gap and far bases of each context with cells.
    table_bits : int
        Binary logarithm of the number of cells of a context, at most.
    """
    lengths, limits = (np.array([pair[i] for pair in (*orders, *local)], np.int64) for i in (0, 1))
    is_local = np.arange(len(lengths)) >= len(orders)
    near, gap, far = (np.array([pattern[i] for pattern in patterns], np.int64) for i in (0, 1, 2))
    rows, bits = 4**lengths, np.minimum(2 * (near + far) + 1, table_bits)
    lasting = int(rows[: len(orders)].sum())
    cells = 2**bits
    # one base of four with a count c weighs log(c + 1/8) to begin with; the total is the same for all four
    count = np.arange(_FULL + 1, dtype=np.float32).repeat(_EVIDENCE)
    evidence = np.log(count + np.float32(0.125))
    return Contexts(
        orders=lengths,
        limits=limits,
        starts=np.cumsum(rows) - rows - lasting * is_local,
        is_local=is_local,
        counts=np.zeros((lasting, 4), np.uint16),
        near=near,
        gap=gap,
        far=far,
        bits=bits,
        homes=np.cumsum(cells) - cells,
        cells=np.zeros(int(cells.sum()), np.uint32),
        evidence=np.tile(evidence, (len(near), 1)),
    )


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line that holds the element at a flat index of a contiguous array."""

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, keep, is_data = word(1), word(3), word(1)
        builder.call(function, [place, to_write, keep, is_data])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen


@numba.njit(forceinline=True)
def mixed(word):
    """A 64-bit number whose high bits depend on all bits of `word`."""
    word = word * _MIX
    word ^= word >> np.uint64(29)
    return word * _MIX_AGAIN


@numba.njit(forceinline=True)
def last_bases(word, number):
    """The lowest `number` bases of a history."""
    return word & ((_ONE << np.uint64(2 * number)) - _ONE)


@numba.njit(forceinline=True)
def cell_of(word, i, contexts):
    """Number and check of the cell of context `i` in a history whose last base is in the lowest place."""
    context = last_bases(word, contexts.near[i])
    if contexts.far[i]:
        beyond = last_bases(word >> np.uint64(2 * (contexts.near[i] + contexts.gap[i])), contexts.far[i])
        context |= beyond << np.uint64(2 * contexts.near[i])
    hashed = mixed(context + np.uint64(i))
    cell = contexts.homes[i] + np.int64(hashed >> np.uint64(64 - contexts.bits[i]))
    return cell, np.uint32((hashed >> np.uint64(8)) & np.uint64(0xFFFF))


@numba.njit(forceinline=True)
def span(i, contexts):
    """Bases from the oldest of context `i` to the base that follows it."""
    return contexts.near[i] + contexts.gap[i] + contexts.far[i]


@numba.njit(cache=True, nogil=True)
def local_counts(contexts):
    """Rows of local contexts that were never seen: ndarray, shape (n, 4), dtype uint16."""
    rows = 0
    for i in range(contexts.orders.shape[0]):
        if contexts.is_local[i]:
            rows += 1 << 2 * contexts.orders[i]
    return np.zeros((rows, 4), np.uint16)


@numba.njit(forceinline=True)
def find_rows(strand, slot, history, only_local, contexts, ring):
    """Put the rows of contexts into a slot of the ring, and fetch them.

    `history` is the one of the strand; on the other strand the context is what stands first in it.
    """
    word = history
    for i in range(contexts.orders.shape[0]):
        if only_local and not contexts.is_local[i]:
            continue
        if strand == OTHER_STRAND:
            word = history >> np.uint64(64 - 2 * contexts.orders[i])
        row = contexts.starts[i] + np.int64(last_bases(word, contexts.orders[i]))
        ring.rows[slot, strand, i] = row
        if contexts.orders[i] > 8 and not contexts.is_local[i]:
            prefetch(contexts.counts, 4 * row)


@numba.njit(forceinline=True)
def find_cells(strand, slot, history, contexts, ring):
    """Put cells and checks of contexts into a slot of the ring, and fetch them, as `find_rows` does."""
    word = history
    for i in range(contexts.near.shape[0]):
        if strand == OTHER_STRAND:
            word = history >> np.uint64(64 - 2 * span(i, contexts))
        cell, check = cell_of(word, i, contexts)
        ring.cells[slot, strand, i] = cell
        ring.checks[slot, strand, i] = check
        prefetch(contexts.cells, cell)


@numba.njit(forceinline=True)
def tell(slot, known, contexts, local, ring, inputs, entries):
    """What each context says of the four bases, in nats up to a constant: one column of `inputs` each.

    Parameters
    ----------
    known : int
        Known bases before this one; longer contexts say nothing.
    local : ndarray, shape (n, 4), dtype uint16
        Counts of the local contexts.
    inputs : ndarray, shape (4, columns), dtype float32
    entries : ndarray, shape (cells, 4), dtype int64
        Receives which entries of the evidence were used, -1 for a context that was never seen.

    Returns
    -------
    tuple of int
        Contexts with cells that were seen before, and how often the longest with a row that is not local was:
        0 for never, else 1 more than the binary logarithm, at most `MOST_OFTEN`.
    """
    rows = contexts.orders.shape[0]
    longest, times = np.int64(0), np.int64(0)
    for i in range(rows):
        if known < contexts.orders[i]:
            for base in range(4):
                inputs[base, i] = 0
        else:
            row = ring.rows[slot, THIS_STRAND, i]
            counts = local if contexts.is_local[i] else contexts.counts
            total = np.int64(0)
            for base in range(4):
                inputs[base, i] = _LOGS[counts[row, base]]
                total += counts[row, base]
            if contexts.orders[i] > longest and not contexts.is_local[i]:
                longest, times = contexts.orders[i], total
    often = 0
    while times and often < MOST_OFTEN:
        times >>= 1
        often += 1
    seen = 0
    for i in range(contexts.near.shape[0]):
        cell = contexts.cells[ring.cells[slot, THIS_STRAND, i]]
        four = np.int64(cell & _COUNTS)
        is_own = cell >> np.uint32(16) == ring.checks[slot, THIS_STRAND, i]
        if known < span(i, contexts) or not is_own or four == 0:
            for base in range(4):
                inputs[base, rows + i] = 0
                entries[i, base] = -1
            continue
        seen += 1
        total = (four & 15) + (four >> 4 & 15) + (four >> 8 & 15) + (four >> 12)
        for base in range(4):
            count = four >> 4 * base & 15
            entry = count * _EVIDENCE + total - count
            entries[i, base] = entry
            inputs[base, rows + i] = contexts.evidence[i, entry]
    return seen, often


@numba.njit(forceinline=True)
def count_rows(strand, slot, base, history, known, only_local, contexts, local, ring):
    """Add a base to the contexts with rows of a strand.

    Parameters
    ----------
    base : int
        The one that was read.
    history : int
        With that base as the last one. What follows on the other strand is the complement of the base before
        the context on this one.
    known : int
        Known bases before this one.
    """
    follows = base
    for i in range(contexts.orders.shape[0]):
        order = contexts.orders[i]
        if known >= order and (contexts.is_local[i] or not only_local):
            if strand == OTHER_STRAND:
                follows = np.int64(_THREE - (history >> np.uint64(2 * order) & _THREE))
            row = ring.rows[slot, strand, i]
            counts = local if contexts.is_local[i] else contexts.counts
            if counts[row, follows] >= contexts.limits[i]:
                for x in range(4):
                    counts[row, x] >>= np.uint16(1)
            counts[row, follows] += np.uint16(1)


@numba.njit(forceinline=True)
def count_cells(strand, slot, base, history, known, contexts, ring):
    """Add a base to the contexts with cells of a strand, as `count_rows` does."""
    follows = base
    for i in range(contexts.near.shape[0]):
        bases = span(i, contexts)
        if known >= bases:
            if strand == OTHER_STRAND:
                follows = np.int64(_THREE - (history >> np.uint64(2 * bases) & _THREE))
            cell = ring.cells[slot, strand, i]
            value = contexts.cells[cell]
            contexts.cells[cell] = counted(value, ring.checks[slot, strand, i], follows)


@numba.njit(forceinline=True)
def counted(cell, check, base):
    """A cell after one more base of the context with a check."""
    if cell >> np.uint32(16) != check:
        counts = np.int64(cell & _COUNTS)
        if (counts & 15) + (counts >> 4 & 15) + (counts >> 8 & 15) + (counts >> 12) > 1:
            return (cell & _CHECK) | (cell >> np.uint32(1) & _HALF)
        cell = np.uint32(check) << np.uint32(16)
    if cell >> np.uint32(4 * base) & np.uint32(15) == _FULL:
        cell = (cell & _CHECK) | (cell >> np.uint32(1) & _HALF)
    return cell + (np.uint32(1) << np.uint32(4 * base))


@numba.njit(forceinline=True)
def correct(entries, evidence, weights, first, errors, rate):
    """Move the evidence that was used along the gradient of the cost.

    Parameters
    ----------
    weights : ndarray, shape (columns,), dtype float32
        With which each column of the inputs was heard; those of the cells begin at `first`.
    errors : ndarray, shape (4,), dtype float32
        1 for the base that came, less the distribution.
    """
    for i in range(entries.shape[0]):
        if entries[i, 0] >= 0:
            step = rate * weights[first + i]
            for base in range(4):
                evidence[i, entries[i, base]] += step * errors[base]
