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
_LONGEST_WORD, _WORDS = 5, 1 << 13  # letters, and size of a table


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

    Candidates for long copies are chained by words of up to five letters, as many as make a small table. If
    none of these repeats, the copy is as long as the longest shorter word that does, where it was last.

    Parameters
    ----------
    text : ndarray, dtype uint8
    first : int
        The first place that may be copied from; zlib never finds the first of a stream.
    lengths, distances : ndarray, dtype uint16
        Filled: letters (0 without a copy of three or more) and how far back.
    """
    codes, letters = _dense(text)
    longest = SHORTEST_MATCH
    while longest < _LONGEST_WORD and letters ** (longest + 1) <= _WORDS:
        longest += 1
    heads = np.full((longest + 1, letters**longest), -1, np.int32)
    before = np.full(len(text), -1, np.int32)
    for i in range(len(text)):
        best, where = 0, 0
        most = min(LONGEST_MATCH, len(text) - i)
        word = 0
        for k in range(1, min(longest, most) + 1):
            word = word * letters + codes[i + k - 1]
            if k < SHORTEST_MATCH:
                continue
            place = heads[k, word]
            heads[k, word] = i
            if place < first:
                continue
            best, where = k, place
            if k == longest:
                before[i] = place
                best = 0
                while place >= first and best < most:
                    if text[place + best] == text[i + best]:
                        length = 0
                        while length < most and text[place + length] == text[i + length]:
                            length += 1
                        if length > best:
                            best, where = length, place
                    place = before[place]
        lengths[i] = best
        distances[i] = i - where if best else 0


@numba.njit(nogil=True, cache=True)
def _dense(text):
    """Letters as numbers without gaps, and how many there are."""
    numbers = np.full(256, -1, np.int64)
    codes = np.empty(len(text), np.int64)
    letters = 0
    for i in range(len(text)):
        if numbers[text[i]] < 0:
            numbers[text[i]] = letters
            letters += 1
        codes[i] = numbers[text[i]]
    return codes, letters


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
    ndarray, shape (states, 2 * alphabet + 3), dtype int32
        A row for each state, because a walk goes anywhere and waits for memory: for each letter the next
        state and the most letters before it that are kept; then the state of the longest shorter string that
        is elsewhere too, the length of the longest string of the state, and its place. State 0 is the start.
    """
    link, size, start = 2 * alphabet, 2 * alphabet + 1, 2 * alphabet + 2
    states = np.empty((2 * len(codes) + 1, 2 * alphabet + 3), np.int32)
    states[0] = 0
    states[0, link] = -1
    last, count = 0, 1
    for i in range(len(codes) - 1, -1, -1):
        letter = 2 * codes[i]
        new = count
        count += 1
        states[new] = 0
        states[new, size] = states[last, size] + 1
        states[new, start] = i
        state = last
        while state >= 0 and states[state, letter] == 0:
            states[state, letter] = new
            state = states[state, link]
        if state >= 0:
            other = states[state, letter]
            if states[other, size] == states[state, size] + 1:
                states[new, link] = other
            else:
                clone = count
                count += 1
                states[clone] = states[other]
                states[clone, size] = states[state, size] + 1
                while state >= 0 and states[state, letter] == other:
                    states[state, letter] = clone
                    state = states[state, link]
                states[other, link] = clone
                states[new, link] = clone
        last = new
    # Where a letter leads nowhere, it leads where it does from the longest shorter string that it follows.
    by_size = np.zeros(len(codes) + 2, np.int32)
    for state in range(count):
        by_size[states[state, size] + 1] += 1
    by_size = np.cumsum(by_size)
    order = np.empty(count, np.int32)
    for state in range(count):
        order[by_size[states[state, size]]] = state
        by_size[states[state, size]] += 1
    for here in order:
        for letter in range(0, 2 * alphabet, 2):
            if states[here, letter]:
                states[here, letter + 1] = states[here, size]
            elif here:
                states[here, letter] = states[states[here, link], letter]
                states[here, letter + 1] = states[states[here, link], letter + 1]
            else:
                states[here, letter + 1] = -1
    return states


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
    states : ndarray
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
    link, size, start = states.shape[1] - 3, states.shape[1] - 2, states.shape[1] - 1
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
            letter = 2 * codes[begin + j]
            length = min(length, states[state, letter + 1]) + 1
            state = states[state, letter]
            best_lengths[j] = own_lengths[begin + j]
            best_distances[j] = own_distances[begin + j]
            capped = min(length, LONGEST_MATCH)
            if capped >= SHORTEST_MATCH and capped > best_lengths[j]:
                nearest = state
                while states[states[nearest, link], size] >= capped:
                    nearest = states[nearest, link]
                best_lengths[j] = capped
                best_distances[j] = length_before + j - 1 - states[nearest, start]
        table[:] = frequencies
        symbols = prefix_symbols + parse(
            letters[begin:end], best_lengths[:count], best_distances[:count], table
        )
        if symbols < _MOST_SYMBOLS:
            sizes[row] = block_bytes(table, length_before + count, workspace)
