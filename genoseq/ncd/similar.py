"""Which of many sequences share most k-mers with another: an inverted index of words.

What a compressor saves on two sequences together is what they have in common, and long words tell most of
it: the sequences that share the largest part of their words are nearly always those with the smallest
distance, if any is near at all. Each word of `k` letters leads to the sequences that hold it; a query adds up
what its words lead to. The score of sequences x and y is

    words that both hold / max(|x|, |y|),

which ranks as NCD does, where the longer of two also divides. Sequences of equal score, above all those that
share nothing, come by how similar their lengths are, then in their order.

Letters are told apart by five bits of their codes, so that DNA and protein need no alphabet and case does not
count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError

__all__ = ["LONGEST_WORD", "WordIndex"]

LONGEST_WORD = 12
"""Letters: 5 bits each."""
_LETTER = 31
_SPREAD = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio: multiplying spreads words over a table
_COUNT_BITS = 24
_MANY = 1 << _COUNT_BITS
_LENGTH_WEIGHT = 1e-6  # of the similarity of lengths: less than a word counts, unless sequences have 1 Mb


@dataclass(frozen=True)
class WordIndex:
    """Sequences by the words that they hold.

    Attributes
    ----------
    k : int
        Letters of a word.
    lengths : ndarray, shape (n,), dtype int64
        Of the sequences.
    table : ndarray, shape (slots, 2), dtype int64
        A hash table: word, -1 for none, and where in `holders` the sequences that hold it are: the first, in
        the upper bits, and how many, in the lower 24. In one row, because a look-up waits for memory.
    holders : ndarray, dtype int32
        Sequences that hold a word, ascending, word by word.
    """

    k: int
    lengths: npt.NDArray[np.int64]
    table: npt.NDArray[np.int64]
    holders: npt.NDArray[np.int32]

    @classmethod
    def build(cls, texts: list[bytes], k: int) -> WordIndex:
        """Index sequences.

        Raises
        ------
        UsageError
            If `k` is out of range, or there are 2^24 sequences or more.
        """
        if len(texts) >= _MANY:
            raise UsageError(f"{len(texts):,} sequences; an index of words takes up to {_MANY - 1:,}")
        if not 1 <= k <= LONGEST_WORD:
            raise UsageError(f"words of {k} letters; 1..{LONGEST_WORD} are expected")
        each = [_words(np.frombuffer(text, np.uint8), k) for text in texts]
        words = np.concatenate(each) if each else np.empty(0, np.int64)
        holders = np.repeat(np.arange(len(texts), dtype=np.int32), [len(part) for part in each])
        order = np.argsort(words, kind="stable")
        words, holders = words[order], holders[order]
        is_first = np.diff(words, prepend=-1) != 0
        is_new = is_first | (np.diff(holders, prepend=-1) != 0)
        words, holders, is_first = words[is_new], holders[is_new], is_first[is_new]
        distinct, offsets = words[is_first], np.flatnonzero(is_first)
        table = np.full((1 << max(1, int(2 * len(distinct)).bit_length()), 2), -1, np.int64)
        _fill(distinct, np.append(offsets, len(words)), table)
        lengths = np.array([len(text) for text in texts], np.int64)
        return cls(k, lengths, table, holders)

    def nearest(
        self, texts: list[bytes], count: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.int64]:
        """The sequences that share most words with a query.

        Parameters
        ----------
        texts
            The query, in one or more versions of which the best counts: its strands.
        count
            How many are wanted.
        allowed
            bool (n,), which may be chosen; all by default.

        Returns
        -------
        ndarray, shape (min(count, allowed),), dtype int64
            Their numbers, ascending.
        """
        scores = np.full(len(self.lengths), -1.0)
        for text in texts:
            _score(np.frombuffer(text, np.uint8), self.k, self.lengths, self.table, self.holders, scores)
        if allowed is not None:
            scores = np.where(allowed, scores, -1.0)
            count = min(count, int(np.count_nonzero(allowed)))
        return _best(scores, min(count, len(scores)))


@numba.njit(nogil=True, cache=True)
def _words(text, k):
    """The words of a text as numbers, in their order."""
    mask = (np.int64(1) << np.int64(5 * k)) - 1
    found = np.empty(max(0, len(text) - k + 1), np.int64)
    word = np.int64(0)
    for i in range(len(text)):
        word = ((word << 5) | np.int64(text[i] & _LETTER)) & mask
        if i >= k - 1:
            found[i - k + 1] = word
    return found


@numba.njit(nogil=True, cache=True, inline="always")
def _slot(word, table):
    """Where a word is, or where it would go."""
    mask = np.int64(len(table) - 1)
    place = np.int64((np.uint64(word) * np.uint64(_SPREAD)) >> np.uint64(32)) & mask
    while table[place, 0] != word and table[place, 0] >= 0:
        place = (place + 1) & mask
    return place


@numba.njit(nogil=True, cache=True)
def _fill(distinct, offsets, table):
    for number in range(len(distinct)):
        place = _slot(distinct[number], table)
        table[place, 0] = distinct[number]
        table[place, 1] = (offsets[number] << _COUNT_BITS) | (offsets[number + 1] - offsets[number])


@numba.njit(nogil=True, cache=True)
def _score(text, k, lengths, table, holders, scores):
    """Raise the scores of sequences to those with a query."""
    words = _words(text, k)
    found = np.empty(len(words), np.int64)
    count = 0
    for word in words:
        place = _slot(word, table)
        if table[place, 0] == word:
            found[count] = table[place, 1]
            count += 1
    found = np.sort(found[:count])
    shared = np.zeros(len(lengths), np.int32)
    for i in range(count):
        if i and found[i] == found[i - 1]:
            continue
        first = found[i] >> _COUNT_BITS
        for holder in holders[first : first + (found[i] & (_MANY - 1))]:
            shared[holder] += 1
    for i in range(len(lengths)):
        longer, shorter = max(len(text), lengths[i]), min(len(text), lengths[i])
        scores[i] = max(scores[i], (shared[i] + _LENGTH_WEIGHT * shorter) / longer)


@numba.njit(nogil=True, cache=True)
def _best(scores, count):
    """Numbers of the highest scores, of equal ones the first, ascending."""
    chosen = np.empty(count, np.int64)
    values = np.empty(count, np.float64)
    filled = 0
    for i in range(len(scores)):
        if filled == count and (count == 0 or scores[i] <= values[count - 1]):
            continue
        place = filled if filled < count else count - 1
        while place > 0 and values[place - 1] < scores[i]:
            values[place], chosen[place] = values[place - 1], chosen[place - 1]
            place -= 1
        values[place], chosen[place] = scores[i], i
        filled = min(filled + 1, count)
    return np.sort(chosen)
