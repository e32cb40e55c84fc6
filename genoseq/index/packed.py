"""Bases at two bits: 32 to a 64-bit word, and the kernels that compare them.

Base ``i`` lies in bits ``2 * (i % 32)`` and up of word ``i // 32``. A letter other than A, C, G, T is stored
as A; who needs to know asks `genoseq.index.reference.Reference` for its exceptions.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

BASES_OF_WORD = 32
EVERY_SECOND_BIT = np.uint64(0x5555555555555555)


@intrinsic
def popcount(typing_context, word):
    """Number of bits set in a 64-bit word."""

    def codegen(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def trailing_zeros(typing_context, word):
    """Number of zero bits below the lowest bit set; undefined for 0."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


def words_for(bases: int) -> int:
    """Words that hold `bases` bases, with one more so that `window` may read past the end."""
    return (bases + 31) // 32 + 1


@numba.njit(cache=True, nogil=True)
def pack_into(
    codes: NDArray[np.uint8],
    words: NDArray[np.uint64],
    first: int,
) -> None:
    """Write `codes` (0 to 3, others as 0) into `words` from base `first` on; those bits must be zero."""
    for i in range(codes.shape[0]):
        base = codes[i]
        if base > 3:
            base = 0
        at = first + i
        words[at >> 5] |= np.uint64(base) << np.uint64(2 * (at & 31))


@numba.njit(cache=True, nogil=True)
def unpack(
    words: NDArray[np.uint64],
    first: int,
    out: NDArray[np.uint8],
) -> None:
    """Write the ``len(out)`` base codes from base `first` on into `out` (uint8)."""
    for i in range(out.shape[0]):
        at = first + i
        out[i] = (words[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3)


@numba.njit(cache=True, nogil=True, inline="always")
def window(
    words: NDArray[np.uint64],
    first: int,
) -> np.uint64:
    """The 32 bases from base `first` on, as one word."""
    at = first >> 5
    shift = np.uint64(2 * (first & 31))
    if shift == 0:
        return words[at]
    return (words[at] >> shift) | (words[at + 1] << (np.uint64(64) - shift))


@numba.njit(cache=True, nogil=True, inline="always")
def mismatch_bits(
    left: np.uint64,
    right: np.uint64,
) -> np.uint64:
    """One bit (the lower of its pair) for every base in which two words differ."""
    different = left ^ right
    return (different | (different >> np.uint64(1))) & EVERY_SECOND_BIT
