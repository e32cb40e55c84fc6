"""Counts, costs and best segments against their definitions; leaving out against counting anew."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.ncd.words import LETTERS, WordKind, count_words, held_out_costs, word_costs
from genoseq.sequence import encode, reverse_complement

NONE = np.empty(0, np.uint8)
CLASSES, SMOOTHING = 3, 0.25
KIND = WordKind("dna", 3)


@pytest.fixture
def sequences(bases):
    return [bases(seed, 40 + 7 * seed, unknown=0.05) for seed in range(9)]


@pytest.fixture
def labels():
    return np.array([0, 1, 2, 0, 1, 2, 0, 0, 1])


def texts(codes, k):
    """The words of a sequence without unknown bases."""
    word_list = [tuple(codes[i : i + k].tolist()) for i in range(len(codes) - k + 1)]
    return [word for word in word_list if max(word) < 4]


def naive(query, training, labels, k=3):
    """Bits with their sign changed, and the best segment, of each class."""
    counts = [
        Counter(
            word
            for each, label in zip(training, labels, strict=True)
            if label == c
            for word in texts(each, k)
        )
        for c in range(CLASSES)
    ]
    totals = [sum(count.values()) for count in counts]
    out = np.zeros((CLASSES, 2))
    for c in range(CLASSES):
        gains = []
        for word in texts(query, k):
            gain = math.log2((counts[c][word] + SMOOTHING) / (totals[c] + SMOOTHING * 4**k))
            pooled = sum(count[word] for count in counts) + CLASSES * SMOOTHING
            shared = math.log2(pooled / (sum(totals) + CLASSES * SMOOTHING * 4**k))
            out[c, 0] += gain
            gains.append(gain - shared)
        n = len(gains)
        out[c, 1] = max([sum(gains[i:j]) for i in range(n) for j in range(i, n + 1)], default=0)
    return out


def test_costs_are_those_of_the_definition(sequences, labels, bases):
    words = [KIND.words(each, NONE) for each in sequences]
    table = count_words(KIND, words, labels, CLASSES, SMOOTHING)
    query = bases(99, 60, unknown=0.05)
    found = word_costs(table, [KIND.words(query, NONE)])[0]
    np.testing.assert_allclose(found, naive(query, sequences, labels), rtol=1e-10)


def test_leaving_out_is_counting_the_others(sequences, labels):
    groups = np.array([0, 1, 1, 2, 3, 0, 4, 2, 5])
    words = [KIND.words(each, NONE) for each in sequences]
    table = count_words(KIND, words, labels, CLASSES, SMOOTHING)
    before = table.counts.copy()
    found = held_out_costs(table, words, labels, groups)
    assert (table.counts == before).all()
    for number, each in enumerate(sequences):
        others = [i for i in range(len(sequences)) if groups[i] != groups[number]]
        expected = naive(each, [sequences[i] for i in others], labels[others])
        np.testing.assert_allclose(found[number], expected, rtol=1e-10)


def test_frequent_words_have_logarithms_of_their_own():
    kind = WordKind("dna", 1)
    table = count_words(kind, [kind.words(np.zeros(9000, np.uint8), NONE)], np.array([0]), 2, 1.0)
    cost = word_costs(table, [np.array([0])])[0, :, 0]
    np.testing.assert_allclose(cost, [math.log2(9001 / 9004), math.log2(1 / 4)])


def test_both_strands_are_one(bases):
    codes = bases(3, 200, unknown=0.02)
    for length in (4, 5, 12):
        kind = WordKind("dna", length)
        forward = kind.words(codes, NONE, both_strands=True)
        backward = kind.words(reverse_complement(codes), NONE, both_strands=True)
        assert (forward == backward[::-1]).all()
        assert (forward[forward >= 0] <= kind.words(codes, NONE)[forward >= 0]).all()


def test_words_as_numbers():
    assert KIND.words(encode("ACGNACGT"), NONE).tolist() == [6, -1, -1, -1, 6, 27]
    assert KIND.words(encode("AC"), NONE).size == 0
    protein = WordKind("protein", 2)
    assert protein.words(NONE, np.array([1, 20, 21, 0, 2], np.uint8)).tolist() == [41, -1, -1, 2]


def test_the_reduced_alphabet_forgets_what_replaces_each_other():
    kind = WordKind("reduced", 1)
    residues = ["ACDEFGHIKLMNPQRSTVWY*".index(letter) for letter in "LVIMKR*"] + [21]
    found = kind.words(NONE, np.array(residues, np.uint8)).tolist()
    assert len(set(found[:4])) == len(set(found[4:6])) == 1
    assert found[6] == LETTERS["reduced"] - 1
    assert found[7] == -1


@pytest.mark.parametrize(("alphabet", "length"), [("rna", 3), ("dna", 0), ("dna", 13), ("protein", 6)])
def test_what_is_out_of_range(alphabet, length):
    with pytest.raises(UsageError, match=r"words of"):
        WordKind(alphabet, length)
