"""How zlib at level 9 cuts a text into letters and copies, and from that the size of many texts that share.

What a compressor finds in ``x + " " + y`` falls into three parts that can be had apart:

- the symbols of ``x`` and of the separator, whatever follows: no copy reaches across a separator that occurs
  nowhere else;
- the copies inside ``y``, whatever stands before it;
- the copies that ``y`` takes from ``x``.

So the first is counted once for each ``x``, the second found once for each ``y``, and a pair needs only the
third, one walk of ``y`` through the suffix automaton of ``x``, and the size of a Huffman code (`deflate`).
The sizes are those of zlib to the byte. Where the reasoning does not hold, the answer is `UNKNOWN` and zlib
is asked: texts longer than its window, more symbols than a block holds, and so many equal triples of letters
that zlib stops looking (`MOST_CANDIDATES`).
"""

from __future__ import annotations

import numba
import numpy as np

from genoseq.ncd.deflate import LONGEST_MATCH, SHORTEST_MATCH, SYMBOLS, block_bytes, tally

__all__ = [
    "LONGEST_TEXT",
    "MOST_CANDIDATES",
    "UNKNOWN",
    "automaton",
    "crowding",
    "earlier_copies",
    "joint_sizes",
    "parse",
]

# zlib's deflate.c, memory level 8, level 9: the window less what it looks ahead, symbols of a block, the
# distance from which a copy of three letters is not worth it.
LONGEST_TEXT = 32768 - 262
_MOST_SYMBOLS = 16383
_TOO_FAR = 4096
MOST_CANDIDATES = 1024
"""zlib follows 4096 candidates for a copy, a quarter of them when it holds one of 32 letters already."""
UNKNOWN = -1
"""The size of a text that only zlib can tell."""
_HASHES = 1 << 15


@numba.njit(nogil=True, cache=True)
def crowding(text):
    """Most places of a text that have one hash of zlib's: int."""
    counts = np.zeros(_HASHES, np.int32)
    most = 0
    for i in range(len(text) - 2):
        value = ((np.int64(text[i]) << 10) ^ (np.int64(text[i + 1]) << 5) ^ text[i + 2]) & (_HASHES - 1)
        counts[value] += 1
        most = max(most, counts[value])
    return most


@numba.njit(nogil=True, cache=True)
def earlier_copies(text, first, lengths, distances):
    """The longest copy at each place of a text from what stands before it; of equal ones the nearest.

    Parameters
    ----------
    text : ndarray, dtype uint8
    first : int
        The first place that may be copied from; zlib never finds the first of a stream.
    lengths, distances : ndarray, dtype uint16
        Filled: letters (0 without a copy of three or more) and how far back.
    """
    heads = np.full(_HASHES, -1, np.int32)
    before = np.empty(len(text), np.int32)
    for i in range(len(text)):
        best, where = 0, 0
        most = min(LONGEST_MATCH, len(text) - i)
        if most >= SHORTEST_MATCH:
            value = ((np.int64(text[i]) << 10) ^ (np.int64(text[i + 1]) << 5) ^ text[i + 2]) & (_HASHES - 1)
            place = heads[value]
            before[i] = place
            heads[value] = i
            while place >= first and best < most:
                if text[place + best] == text[i + best]:
                    length = 0
                    while length < most and text[place + length] == text[i + length]:
                        length += 1
                    if length > best:
                        best, where = length, place
                place = before[place]
        lengths[i] = best if best >= SHORTEST_MATCH else 0
        distances[i] = i - where if best >= SHORTEST_MATCH else 0


@numba.njit(nogil=True, cache=True)
def parse(text, lengths, distances, frequencies):
    """Count the symbols of a text, lazily: a copy waits whether the next place has a longer one.

    Parameters
    ----------
    text : ndarray, dtype uint8
    lengths, distances : ndarray
        The best copy at each place, 0 for none.
    frequencies : ndarray, shape (316,), dtype int32
        Counted up.

    Returns
    -------
    int
        Symbols.
    """
    symbols, i = 0, 0
    held_length, held_distance, is_waiting = 0, 0, False
    while i < len(text):
        length, distance = 0, 0
        if held_length < LONGEST_MATCH and lengths[i] > held_length:
            length, distance = int(lengths[i]), int(distances[i])
            if length == SHORTEST_MATCH and distance > _TOO_FAR:
                length = 0
        if held_length >= SHORTEST_MATCH and length <= held_length:
            tally(frequencies, held_length, held_distance)
            symbols += 1
            i += held_length - 1
            held_length, is_waiting = 0, False
            continue
        if is_waiting:
            frequencies[text[i - 1]] += 1
            symbols += 1
        is_waiting = True
        held_length, held_distance = length, distance
        i += 1
    if is_waiting:
        frequencies[text[len(text) - 1]] += 1
        symbols += 1
    return symbols


@numba.njit(nogil=True, cache=True)
def automaton(codes, alphabet):
    """The suffix automaton of a text that is read backwards.

    Fed with another text backwards, its state after each place is the longest string from there on that the
    first text holds. `starts` is the last place where it does.

    Parameters
    ----------
    codes : ndarray, shape (n,), dtype uint8
        Letters as numbers below `alphabet`.

    Returns
    -------
    moves : ndarray, shape (states, alphabet), dtype int32
        The next state, 0 for none (state 0 is the start, which no move leads to).
    links, lengths, starts : ndarray, dtype int32
        The state of the longest shorter string that is elsewhere too; longest string of a state; its place.
    """
    most = 2 * len(codes) + 1
    moves = np.zeros((most, alphabet), np.int32)
    links = np.zeros(most, np.int32)
    lengths = np.zeros(most, np.int32)
    starts = np.zeros(most, np.int32)
    links[0] = -1
    last, size = 0, 1
    for i in range(len(codes) - 1, -1, -1):
        letter = codes[i]
        new = size
        size += 1
        lengths[new] = lengths[last] + 1
        starts[new] = i
        state = last
        while state >= 0 and moves[state, letter] == 0:
            moves[state, letter] = new
            state = links[state]
        if state >= 0:
            other = moves[state, letter]
            if lengths[other] == lengths[state] + 1:
                links[new] = other
            else:
                clone = size
                size += 1
                lengths[clone] = lengths[state] + 1
                moves[clone] = moves[other]
                links[clone] = links[other]
                starts[clone] = starts[other]
                while state >= 0 and moves[state, letter] == other:
                    moves[state, letter] = clone
                    state = links[state]
                links[other] = links[new] = clone
        last = new
    return moves, links, lengths, starts


@numba.njit(nogil=True, cache=True)
def joint_sizes(prefix, prefix_symbols, frequencies, states, suffixes, chosen, workspace, sizes):
    """Bytes of the deflate stream of a prefix with each of many suffixes.

    Parameters
    ----------
    prefix : tuple of (int, int)
        Letters of the prefix with its separator, and its `crowding`.
    prefix_symbols : int
    frequencies : ndarray, shape (316,), dtype int32
        Symbols of the prefix with its separator.
    states : tuple
        `automaton` of the prefix without its first letter, which zlib never finds.
    suffixes : tuple
        Letters, letters as numbers, offsets, lengths and distances of `earlier_copies`, `crowding`.
    chosen : ndarray, dtype int64
        Which of them.
    workspace : ndarray
        Of `deflate.new_workspace`.
    sizes : ndarray, dtype int32
        Filled; `UNKNOWN` where only zlib can tell.
    """
    moves, links, lengths, starts = states
    letters, codes, offsets, own_lengths, own_distances, crowds = suffixes
    length_before, crowd = prefix
    table = np.empty(SYMBOLS, np.int32)
    best_lengths = np.empty(LONGEST_TEXT, np.uint16)
    best_distances = np.empty(LONGEST_TEXT, np.uint16)
    for row in range(len(chosen)):
        begin, end = offsets[chosen[row]], offsets[chosen[row] + 1]
        count = end - begin
        sizes[row] = UNKNOWN
        if length_before + count > LONGEST_TEXT or crowd + crowds[chosen[row]] > MOST_CANDIDATES:
            continue
        state, length = 0, 0
        for j in range(count - 1, -1, -1):
            letter = codes[begin + j]
            while moves[state, letter] == 0 and state:
                state = links[state]
                length = lengths[state]
            if moves[state, letter]:
                state = moves[state, letter]
                length += 1
            best_lengths[j] = own_lengths[begin + j]
            best_distances[j] = own_distances[begin + j]
            capped = min(length, LONGEST_MATCH)
            if capped >= SHORTEST_MATCH and capped > best_lengths[j]:
                nearest = state
                while lengths[links[nearest]] >= capped:
                    nearest = links[nearest]
                best_lengths[j] = capped
                best_distances[j] = length_before + j - 1 - starts[nearest]
        table[:] = frequencies
        symbols = prefix_symbols + parse(
            letters[begin:end], best_lengths[:count], best_distances[:count], table
        )
        if symbols < _MOST_SYMBOLS:
            sizes[row] = block_bytes(table, length_before + count, workspace)
