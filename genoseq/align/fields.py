"""Fields: numbers, names, CIGAR and MD written into a buffer of text, for the lines of SAM and PAF.

Every writer takes the buffer and the place to write at, and returns the place behind what it wrote.
"""

from __future__ import annotations

import numba
import numpy as np

from genoseq.align.cigar import DELETION, INSERTION, SOFT_CLIP

_LETTERS = np.frombuffer(b"MIDNSHP=X", np.uint8)


@numba.njit(cache=True, nogil=True)
def write_number(out, at, value):
    """Write a non-negative number."""
    if value < 10:
        out[at] = 48 + value
        return at + 1
    digits = 0
    rest = value
    while rest:
        rest //= 10
        digits += 1
    for place in range(at + digits - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return at + digits


@numba.njit(cache=True, nogil=True)
def write_copy(out, at, text, lo, hi):
    """Write ``text[lo:hi]``."""
    out[at : at + hi - lo] = text[lo:hi]
    return at + hi - lo


@numba.njit(cache=True, nogil=True)
def write_tag(out, at, first, second, value):
    r"""Write ``\tXX:i:value``."""
    out[at] = 9
    out[at + 1] = first
    out[at + 2] = second
    out[at + 3] = 58
    out[at + 4] = 105
    out[at + 5] = 58
    return write_number(out, at + 6, value)


@numba.njit(cache=True, nogil=True)
def letter_at(words, exceptions, at):
    """Upper-case letter of a concatenated reference position."""
    if exceptions.shape[0]:
        run = np.searchsorted(exceptions[:, 1], at, side="right")
        if run < exceptions.shape[0] and exceptions[run, 0] <= at:
            return np.uint8(exceptions[run, 2])
    base = (words[at >> 5] >> np.uint64(2 * (at & 31))) & np.uint64(3)
    return np.uint8(65 if base == 0 else 67 if base == 1 else 71 if base == 2 else 84)


@numba.njit(cache=True, nogil=True)
def write_cigar(out, at, cigars, lo, hi, hard):
    """Write the operations ``lo:hi``, "*" for none; clips as hard ones, if `hard`."""
    if lo == hi:
        out[at] = 42
        return at + 1
    for o in range(lo, hi):
        at = write_number(out, at, np.int64(cigars[o] >> 4))
        kind = cigars[o] & 15
        out[at] = 72 if hard and kind == SOFT_CLIP else _LETTERS[kind]
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def write_md(out, at, codes, lo, hi, strand, start, cigars, first, last, words, exceptions):
    """Write the value of MD. Reads of codes 0 to 3 are compared; any other letter is a mismatch."""
    i = np.int64(0)
    j = start
    run = 0
    for o in range(first, last):
        length = np.int64(cigars[o] >> 4)
        kind = cigars[o] & 15
        if kind in (SOFT_CLIP, INSERTION):
            i += length
        elif kind != DELETION:
            special = False  # a letter other than A, C, G, T within this stretch of the reference
            if exceptions.shape[0]:
                near = np.searchsorted(exceptions[:, 1], j, side="right")
                special = near < exceptions.shape[0] and exceptions[near, 0] < j + length
            for step in range(length):
                base = codes[hi - 1 - i - step] if strand else codes[lo + i + step]
                if strand and base < 4:
                    base = 3 - base
                where = j + step
                same = base == ((words[where >> 5] >> np.uint64(2 * (where & 31))) & np.uint64(3))
                if special and same:
                    letter = letter_at(words, exceptions, where)
                    same = letter == 65 or letter == 67 or letter == 71 or letter == 84
                if same:
                    run += 1
                else:
                    at = write_number(out, at, run)
                    run = 0
                    out[at] = letter_at(words, exceptions, where)
                    at += 1
            i += length
            j += length
        else:
            at = write_number(out, at, run)
            run = 0
            out[at] = 94
            at += 1
            for step in range(length):
                out[at] = letter_at(words, exceptions, j + step)
                at += 1
            j += length
    return write_number(out, at, run)


@numba.njit(cache=True, nogil=True)
def write_text_tag(out, at, first, second):
    r"""Write ``\tXX:Z:``."""
    for char in (9, first, second, 58, 90, 58):
        out[at] = char
        at += 1
    return at
