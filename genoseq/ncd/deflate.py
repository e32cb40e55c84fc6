"""The size of a deflate block, without writing it.

A deflate stream is a list of symbols (letters, and copies as a length and a distance) in a Huffman code that
is told before them. Its size follows from how often each symbol occurs: code lengths from the frequencies,
the size of their description, and whichever of the three kinds of block is smallest. This is done here as
zlib does it, to the bit, ties included (RFC 1951; zlib's trees.c), for streams that fit one block.

Tables of symbols are joined: the 286 letters and lengths at 0, the 30 distances at `DISTANCES`.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["DISTANCES", "LONGEST_MATCH", "SHORTEST_MATCH", "SYMBOLS", "block_bytes", "new_workspace", "tally"]

SHORTEST_MATCH, LONGEST_MATCH = 3, 258
"""Letters of a copy."""
DISTANCES = 286
"""Where the distances begin in a table of frequencies."""
SYMBOLS = DISTANCES + 30

_END = 256  # ends a block; lengths follow it
_LENGTH_CODES = 19
_ROWS = 2 * 286 + 1  # nodes of the largest tree, and zlib's unused place 0 of the heap
_LONGEST_CODE, _LONGEST_LENGTH_CODE = 15, 7  # bits
# The order in which the lengths of the codes of code lengths are told (RFC 1951, 3.2.7).
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Bits that follow a symbol, and the symbols of lengths and distances (RFC 1951, 3.2.5)."""
    extra = np.zeros(SYMBOLS, np.uint8)
    lengths = np.zeros(LONGEST_MATCH + 1, np.uint8)
    length = SHORTEST_MATCH
    for code in range(28):
        extra[_END + 1 + code] = max(0, code // 4 - 1)
        span = 1 << int(extra[_END + 1 + code])
        lengths[length : length + span] = code
        length += span
    lengths[LONGEST_MATCH] = 28
    # zlib's two halves: distances up to 256, and those above by their upper 8 bits
    near, far = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    distance = 0
    for code in range(30):
        extra[DISTANCES + code] = max(0, code // 2 - 1)
        span = 1 << int(extra[DISTANCES + code])
        if distance < 256:
            near[distance : distance + span] = code
        else:
            far[distance >> 7 : (distance + span) >> 7] = code
        distance += span
    return extra, lengths, near, far


_EXTRA, _LENGTH_SYMBOL, _NEAR, _FAR = _tables()
_STATIC = np.repeat(np.array([8, 9, 7, 8, 5], np.uint8), [144, 112, 24, 6, 30])  # bits, RFC 1951, 3.2.6
_CODE_EXTRA = np.array([0] * 16 + [2, 3, 7], np.uint8)


def new_workspace() -> NDArray[np.int32]:
    """Memory for `block_bytes`, one for each thread: int32 (6, nodes)."""
    return np.zeros((6, _ROWS + 2), np.int32)


@numba.njit(nogil=True, cache=True)
def tally(frequencies, length, distance):
    """Count a copy in a table of symbols."""
    frequencies[_END + 1 + _LENGTH_SYMBOL[length]] += 1
    back = distance - 1
    frequencies[DISTANCES + (_NEAR[back] if back < 256 else _FAR[back >> 7])] += 1


@numba.njit(nogil=True, cache=True)
def block_bytes(frequencies, letters, workspace):
    """Bytes of a stream of one block.

    Parameters
    ----------
    frequencies : ndarray, shape (316,), dtype int32
        How often each symbol occurs; the end of the block is counted here.
    letters : int
        Length of the text.
    workspace : ndarray
        Of `new_workspace`.
    """
    code_lengths = workspace[4]
    code_counts = workspace[5]
    frequencies[_END] = 1
    static = 0
    for symbol in range(SYMBOLS):
        static += frequencies[symbol] * (_STATIC[symbol] + _EXTRA[symbol])
    code_counts[:_LENGTH_CODES] = 0
    bits, last = _code(frequencies[:DISTANCES], _EXTRA[:DISTANCES], _LONGEST_CODE, workspace)
    _describe(code_lengths, last, code_counts)
    more, last = _code(frequencies[DISTANCES:], _EXTRA[DISTANCES:], _LONGEST_CODE, workspace)
    _describe(code_lengths, last, code_counts)
    bits += more
    more, last = _code(code_counts[:_LENGTH_CODES], _CODE_EXTRA, _LONGEST_LENGTH_CODE, workspace)
    bits += more
    told = _LENGTH_CODES - 1
    while told > 2 and code_lengths[_ORDER[told]] == 0:
        told -= 1
    bits += 3 * (told + 1) + 5 + 5 + 4
    smallest = min((bits + 10) >> 3, (static + 10) >> 3)
    return letters + 5 if letters + 4 <= smallest else smallest


@numba.njit(nogil=True, cache=True)
def _code(frequencies, extra, longest, workspace):
    """Code lengths of one alphabet, left in row 4 of the workspace; bits of its symbols, and the last used.

    The heap, its ties (by depth) and the way back from codes that are too long are those of zlib.
    """
    counts, parents, depths, heap, lengths = (
        workspace[0], workspace[1], workspace[2], workspace[3], workspace[4],
    )  # fmt: skip
    symbols = len(frequencies)
    size, last = 0, -1
    for symbol in range(symbols):
        counts[symbol] = frequencies[symbol]
        lengths[symbol] = 0
        if frequencies[symbol]:
            size += 1
            heap[size] = symbol
            depths[symbol] = 0
            last = symbol
    bits = 0
    while size < 2:  # a code has at least two symbols; those added cost nothing
        if last < 2:
            last += 1
            symbol = last
        else:
            symbol = 0
        size += 1
        heap[size] = symbol
        counts[symbol], depths[symbol] = 1, 0
        bits -= 1
    for place in range(size // 2, 0, -1):
        _sift(counts, depths, heap, size, place)
    node, top = symbols, 2 * symbols + 1
    while True:
        first = heap[1]
        heap[1] = heap[size]
        size -= 1
        _sift(counts, depths, heap, size, 1)
        second = heap[1]
        heap[top - 1], heap[top - 2] = first, second
        top -= 2
        counts[node] = counts[first] + counts[second]
        depths[node] = max(depths[first], depths[second]) + 1
        parents[first] = parents[second] = node
        heap[1] = node
        node += 1
        _sift(counts, depths, heap, size, 1)
        if size < 2:
            break
    top -= 1
    heap[top] = heap[1]
    return bits + _lengths(counts, parents, heap, lengths, top, symbols, last, extra, longest), last


@numba.njit(nogil=True, cache=True)
def _sift(counts, depths, heap, size, place):
    """Move a node down a heap to where it belongs."""
    node = heap[place]
    child = 2 * place
    while child <= size:
        if child < size and _is_smaller(counts, depths, heap[child + 1], heap[child]):
            child += 1
        if _is_smaller(counts, depths, node, heap[child]):
            break
        heap[place] = heap[child]
        place = child
        child *= 2
    heap[place] = node


@numba.njit(nogil=True, cache=True, inline="always")
def _is_smaller(counts, depths, one, other):
    if counts[one] != counts[other]:
        return counts[one] < counts[other]
    return depths[one] <= depths[other]


@numba.njit(nogil=True, cache=True)
def _lengths(counts, parents, heap, lengths, top, symbols, last, extra, longest):
    """Code lengths from a tree, none longer than `longest`; bits of all symbols."""
    end = 2 * symbols + 1
    of_length = np.zeros(_LONGEST_CODE + 1, np.int32)
    bits, too_long = 0, 0
    lengths[heap[top]] = 0
    for place in range(top + 1, end):
        node = heap[place]
        length = lengths[parents[node]] + 1
        if length > longest:
            length = longest
            too_long += 1
        lengths[node] = length
        if node < symbols:
            of_length[length] += 1
            bits += counts[node] * (length + extra[node])
    if too_long == 0:
        return bits
    while too_long > 0:
        length = longest - 1
        while of_length[length] == 0:
            length -= 1
        of_length[length] -= 1
        of_length[length + 1] += 2
        of_length[longest] -= 1
        too_long -= 2
    place = end
    for length in range(longest, 0, -1):
        left = of_length[length]
        while left:
            place -= 1
            node = heap[place]
            if node < symbols:
                bits += (length - lengths[node]) * counts[node]
                lengths[node] = length
                left -= 1
    return bits


@numba.njit(nogil=True, cache=True)
def _describe(lengths, last, counts):
    """Count the codes that tell code lengths, with their repeats: 16 the last, 17 and 18 zeros."""
    before, following = -1, lengths[0]
    count = 0
    most, least = (138, 3) if following == 0 else (7, 4)
    for symbol in range(last + 1):
        current = following
        following = lengths[symbol + 1] if symbol < last else -1
        count += 1
        if count < most and current == following:
            continue
        if count < least:
            counts[current] += count
        elif current != 0:
            if current != before:
                counts[current] += 1
            counts[16] += 1
        elif count <= 10:
            counts[17] += 1
        else:
            counts[18] += 1
        count, before = 0, current
        if following == 0:
            most, least = 138, 3
        elif current == following:
            most, least = 6, 3
        else:
            most, least = 7, 4
