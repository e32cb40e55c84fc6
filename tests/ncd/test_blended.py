"""Blended context models against their definition."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.ncd.blended import PRIOR, blended_bits
from genoseq.ncd.words import WordKind, count_words
from genoseq.sequence import reverse_complement

LENGTHS = (1, 3, 4)
NONE = np.empty(0, np.uint8)


@pytest.mark.parametrize("both_strands", [False, True])
def test_bits_are_those_of_the_definition(bases, both_strands):
    training = [bases(seed, 300, unknown=0.02) for seed in range(4)]
    labels = np.array([0, 1, 0, 1])
    tables = []
    for length in LENGTHS:
        kind = WordKind("dna", length)
        words = [kind.words(each, NONE, both_strands=both_strands) for each in training]
        tables.append(count_words(kind, words, labels, 2, 0.1))
    query = bases(9, 80, unknown=0.03)
    found = blended_bits(query, tables, both_strands=both_strands)
    for label in range(2):
        counts = Counter()
        for each in (training[label], training[label + 2]):
            for length in LENGTHS:
                for i in range(len(each) - length + 1):
                    word = each[i : i + length]
                    if word.max() < 4:
                        names = {word.tobytes(), reverse_complement(word).tobytes()}
                        counts.update(names if both_strands else [word.tobytes()])
        bits = []
        for i in np.flatnonzero(query < 4):
            shares = np.full(4, 0.25)
            for length in LENGTHS:
                context = query[max(0, i - length + 1) : i]
                if len(context) < length - 1 or (context > 3).any():
                    continue
                seen = np.array([counts[context.tobytes() + bytes([x])] for x in range(4)])
                shares = (seen + PRIOR * shares) / (seen.sum() + PRIOR)
            assert shares.sum() == pytest.approx(1)
            bits.append(-np.log2(shares[query[i]]))
        assert found[label] == pytest.approx(np.mean(bits), rel=1e-10)


def test_nothing_known():
    kind = WordKind("dna", 2)
    table = count_words(kind, [np.array([1])], np.array([0]), 2, 0.1)
    with pytest.raises(InputError, match="no base is known"):
        blended_bits(np.full(5, 4, np.uint8), [table])
