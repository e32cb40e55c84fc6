"""Shares of k-mers against a count by hand; the regression on them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.sequence import decode, encode, reverse_complement, reverse_complement_text
from genoseq.supervised.kmers import fit_kmers, kmer_shares, strand_of_kmers
from genoseq.supervised.splits import random_split


def random_codes(count, length, seed, top=4):
    return list(np.random.default_rng(seed).integers(0, top, (count, length)).astype(np.uint8))


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_both_strands_by_hand(k):
    codes = random_codes(3, 50, k, top=5)  # with N
    found = kmer_shares(codes, k)
    for row, each in zip(found, codes, strict=True):
        text = decode(each)
        words = [text[i : i + k] for i in range(len(text) - k + 1)]
        words = [min(word, reverse_complement_text(word)) for word in words if "N" not in word]
        counts = Counter(words)
        assert sorted(row[row > 0]) == pytest.approx(sorted((n / len(words)) ** 0.5 for n in counts.values()))
    assert np.array_equal(found, kmer_shares([reverse_complement(each) for each in codes], k))
    palindromes = 4 ** (k // 2) if k % 2 == 0 else 0
    assert found.shape == (3, (4**k + palindromes) // 2)


def test_one_strand_by_hand():
    row = kmer_shares([encode("ACGTAC")], 2, both_strands=False)[0]
    expected = np.zeros(16)
    expected[[1, 6, 11, 12]] = np.sqrt([2 / 5, 1 / 5, 1 / 5, 1 / 5])  # AC CG GT TA
    assert row == pytest.approx(expected)


def test_numbers_of_words_have_no_gaps():
    place = strand_of_kmers(3)
    assert sorted(set(place.tolist())) == list(range(32))


def test_a_sequence_without_a_word_has_zeros():
    assert not kmer_shares([encode("ACG"), encode("NNNNNNNNN")], 6).any()


@pytest.mark.parametrize("k", [0, 9])
def test_a_k_out_of_range(k):
    with pytest.raises(UsageError, match=r"1\.\.8"):
        kmer_shares([], k)


@pytest.mark.parametrize("stranded", [False, True])
def test_the_validation_chooses_the_strands(stranded):
    """Rich in A or not, on either strand; or rich in A or rich in T, which only one strand tells."""
    rng = np.random.default_rng(7)
    labels = np.tile([0, 1], 60)
    codes = []
    for label in labels:
        first = 0.55 if label else 0.25
        rest = (1 - first) / 3
        each = rng.choice(4, 80, p=[first, rest, rest, rest]).astype(np.uint8)
        codes.append(reverse_complement(each) if not stranded and rng.random() < 0.5 else each)
    if stranded:  # what is rich in T is of class 0
        codes = [
            reverse_complement(each) if not label and rng.random() < 0.5 else each
            for each, label in zip(codes, labels, strict=True)
        ]
    split = random_split(labels, np.arange(120), validation=0.3, test=0.3, seed=1)
    model = fit_kmers(codes, labels, split, 2, k=2)
    right = model.probabilities([codes[i] for i in split.test]).argmax(1) == labels[split.test]
    assert right.mean() > 0.8
    assert model.probabilities([]).shape == (0, 2)
