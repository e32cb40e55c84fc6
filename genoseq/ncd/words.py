"""Words: how often each class has every k-mer, and what a sequence costs by them.

A word that occurs n times among the N words of a class costs

    -log2 (n + a) / (N + a * V)   bits,

with V possible words, and `a` for those that were never seen. The words of a sequence overlap, so the sum
over all of them is not the size of a file; the difference between two lengths of words is: what the last
letter of a word costs after the others, the code length of a context model. A regression on the sums for all
lengths therefore mixes context models, with weights that are learned (`genoseq.ncd.relative`).

Of each class two figures are taken. *Bits* are the sum over the sequence. The *best segment* is the most that
a class saves on any stretch of the sequence against all classes together: genes of one family often share a
domain and nothing else, which the sum over the rest would drown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.protein import AMINO_ACIDS

LETTERS = {"protein": 21, "reduced": 11, "dna": 4}
"""Letters of each alphabet; a stop codon is one."""
LONGEST = {"protein": 5, "reduced": 6, "dna": 12}
"""Letters of a word at most: the directory of all words takes 16, 7 and 67 MB."""
FIGURES, BEST_SEGMENT = 2, 1
"""Of each kind of words and class: bits, and what the best segment saves, which is the second."""
# Ten groups of amino acids (Murphy, Wallqvist and Levy, Protein Engineering 2000), and the stop.
_GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H", "*")
_REDUCED = np.array(
    [next(i for i, group in enumerate(_GROUPS) if letter in group) for letter in AMINO_ACIDS + "*"]
    + [len(_GROUPS)],
    np.uint8,
)
_TABLED = 4096  # counts with a logarithm that is looked up

Words = NDArray[np.int64]


@dataclass(frozen=True)
class WordKind:
    """Words of one alphabet and length.

    Attributes
    ----------
    alphabet : str
        "protein"; "reduced", which does not tell apart the amino acids that often replace each other; "dna".
    length : int
        Letters.

    Raises
    ------
    UsageError
        For what is out of range.
    """

    alphabet: str
    length: int

    def __post_init__(self) -> None:
        if self.alphabet not in LETTERS:
            raise UsageError(f"words of {self.alphabet!r}; {', '.join(LETTERS)} are possible")
        if not 1 <= self.length <= LONGEST[self.alphabet]:
            limit = LONGEST[self.alphabet]
            raise UsageError(f"words of {self.length} letters of {self.alphabet}; 1..{limit} are possible")

    @property
    def space(self) -> int:
        """How many words are possible."""
        return LETTERS[self.alphabet] ** self.length

    def words(
        self, bases: NDArray[np.uint8], residues: NDArray[np.uint8], *, both_strands: bool = False
    ) -> Words:
        """The words of a sequence: int64 (letters - length + 1,), -1 for one with an unknown letter.

        Parameters
        ----------
        bases
            uint8 (n,), base codes.
        residues
            uint8 (m,), amino acids of the protein, or of its reading frame (`genoseq.ncd.frames`).
        both_strands
            A word of DNA and its reverse complement are one.
        """
        if self.alphabet == "dna":
            how = _words_of_both_strands if both_strands else _words_of_bases
            return how(bases, self.length)
        letters = LETTERS[self.alphabet]
        return _words(_REDUCED[residues] if self.alphabet == "reduced" else residues, self.length, letters)


CODING = (
    *(WordKind("protein", length) for length in (1, 2, 3, 4, 5)),
    WordKind("reduced", 6),
    WordKind("dna", 8),
    WordKind("dna", 11),
)
"""For genes and transcripts. Which words was chosen on splits of the dog and human families other than
those of the benchmark; more kinds of words brought nothing."""
DNA = tuple(WordKind("dna", length) for length in (4, 6, 8, 10, 12))
"""For sequences that code for nothing."""
PROTEIN = CODING[:6]
"""For proteins. On other splits of the dog and human families than those of the benchmark, translated, .920
of the dog's were right and .718 of human without homologs; with all lengths of the reduced alphabet .919 and
.716, without it .917 and .712, without words of one and two letters .913 and .712."""


class WordCounts(NamedTuple):
    """How often each class has the words of a kind.

    Attributes
    ----------
    kind : WordKind
    smoothing : float
        What is added to each count.
    directory : ndarray, shape (space,), dtype int32
        Row of each word; 0 for those that no class has.
    counts : ndarray, shape (rows, classes), dtype int32
        The first row is 0.
    totals : ndarray, shape (classes,), dtype int64
        Words of each class.
    """

    kind: WordKind
    smoothing: float
    directory: NDArray[np.int32]
    counts: NDArray[np.int32]
    totals: NDArray[np.int64]

    @property
    def logs(self) -> NDArray[np.float64]:
        """Binary logarithms of small counts, smoothed: of one class, and of all together."""
        classes = len(self.totals)
        counts = np.arange(_TABLED)
        return np.log2(np.stack([counts + self.smoothing, counts + classes * self.smoothing]))


def count_words(
    kind: WordKind, words: list[Words], labels: NDArray[np.int64], classes: int, smoothing: float
) -> WordCounts:
    """Count the words of sequences by class.

    Parameters
    ----------
    words
        Of each sequence.
    labels
        int64 (n,), class of each sequence.
    """
    directory = np.zeros(kind.space, np.int32)
    rows = 1
    for each in words:
        rows = _number(each, directory, rows)
    counts = np.zeros((rows, classes), np.int32)
    totals = np.zeros(classes, np.int64)
    for each, label in zip(words, labels, strict=True):
        _add(each, label, 1, directory, counts, totals)
    return WordCounts(kind, smoothing, directory, counts, totals)


def word_costs(table: WordCounts, words: Iterable[Words]) -> NDArray[np.float64]:
    """What sequences cost: float64 (n, classes, `FIGURES`), bits.

    The first figure is the cost with its sign changed, so that more is better for both.
    """
    out = []
    logs = table.logs
    for each in words:
        out.append(np.zeros((len(table.totals), FIGURES)))
        _cost(each, table.directory, table.counts, table.totals, table.smoothing, logs, out[-1])
    return np.reshape(out, (len(out), len(table.totals), FIGURES))


def held_out_costs(
    table: WordCounts, words: list[Words], labels: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What the sequences that were counted cost without their own words, and without those of their group.

    Parameters
    ----------
    words, labels
        As they were counted.
    groups
        int64 (n,): sequences of one group are left out together. Numbers of all sequences leave out one.

    Returns
    -------
    ndarray, shape (n, classes, FIGURES), dtype float64
        As `word_costs`.
    """
    out = np.zeros((len(words), len(table.totals), FIGURES))
    logs = table.logs
    order = np.argsort(groups, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        for number in members:
            _add(words[number], labels[number], -1, table.directory, table.counts, table.totals)
        for number in members:
            _cost(
                words[number], table.directory, table.counts, table.totals, table.smoothing, logs, out[number]
            )
        for number in members:
            _add(words[number], labels[number], 1, table.directory, table.counts, table.totals)
    return out


@numba.njit(cache=True, nogil=True)
def _words(codes, length, letters):
    """Words as numbers, the first letter in the highest place."""
    out = np.full(max(0, codes.size - length + 1), -1, np.int64)
    space = letters**length
    word, known = 0, 0
    for i in range(codes.size):
        if codes[i] >= letters:
            known = 0
            continue
        word = (word * letters + codes[i]) % space
        known += 1
        if known >= length:
            out[i - length + 1] = word
    return out


def _words_of_bases(codes: NDArray[np.uint8], length: int) -> Words:
    """Words of bases of one strand."""
    return _words(codes, length, LETTERS["dna"])


@numba.njit(cache=True, nogil=True)
def _words_of_both_strands(codes, length):
    """Words of bases, each as the lower number of the two that it has on the two strands."""
    out = np.full(max(0, codes.size - length + 1), -1, np.int64)
    mask = (1 << 2 * length) - 1
    word, other, known = 0, 0, 0
    for i in range(codes.size):
        base = np.int64(codes[i])
        if base > 3:
            known = 0
            continue
        word = (word << 2 | base) & mask
        other = other >> 2 | (3 - base) << 2 * (length - 1)
        known += 1
        if known >= length:
            out[i - length + 1] = min(word, other)
    return out


@numba.njit(cache=True, nogil=True)
def _number(words, directory, rows):
    """Give a row to each new word; returns how many there are."""
    for word in words:
        if word >= 0 and directory[word] == 0:
            directory[word] = rows
            rows += 1
    return rows


@numba.njit(cache=True, nogil=True)
def _add(words, label, times, directory, counts, totals):
    for word in words:
        if word >= 0:
            counts[directory[word], label] += times
            totals[label] += times


@numba.njit(cache=True, nogil=True)
def _cost(words, directory, counts, totals, smoothing, logs, out):
    """Add bits, with their sign changed, and what the best segment saves: `out` (classes, 2)."""
    classes = totals.shape[0]
    space = directory.shape[0]
    own = np.log2(totals + smoothing * space)
    shared = np.log2(totals.sum() + classes * smoothing * space)
    segments = np.zeros(classes)
    gains = np.zeros(classes)
    for word in words:
        if word < 0:
            continue
        row = directory[word]
        together = 0
        for c in range(classes):
            count = counts[row, c]
            together += count
            if count < logs.shape[1]:
                gains[c] = logs[0, count] - own[c]
            else:
                gains[c] = np.log2(count + smoothing) - own[c]
        if together < logs.shape[1]:
            expected = logs[1, together] - shared
        else:
            expected = np.log2(together + classes * smoothing) - shared
        for c in range(classes):
            out[c, 0] += gains[c]
            segments[c] = max(0.0, segments[c] + gains[c] - expected)
            out[c, 1] = max(out[c, 1], segments[c])
