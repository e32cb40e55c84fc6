"""The index of words, against sets."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.ncd.similar import WordIndex


def words(text, k):
    return {text[i : i + k] for i in range(len(text) - k + 1)}


def naive(query, texts, k, count, allowed):
    """Scores in exact order: shared words, then the similarity of lengths, then the place."""
    scores = [
        (len(words(query, k) & words(text, k)) + 1e-6 * min(len(query), len(text)))
        / max(len(query), len(text))
        for text in texts
    ]
    order = sorted(allowed, key=lambda number: (-scores[number], number))
    return sorted(order[:count])


@pytest.mark.parametrize(
    ("letters", "k"), [("ACGT", 4), ("ACGT", 11), ("ACGTN", 12), ("ACDEFGHIKLMNPQRSTVWY", 2)]
)
def test_nearest_are_those_that_share_most(letters, k):
    rng = np.random.default_rng(k)
    parent = "".join(rng.choice(list(letters), 400))
    texts = []
    for _ in range(40):
        start, length = rng.integers(300), rng.integers(5, 300)
        noise = "".join(rng.choice(list(letters), rng.integers(1, 60)))
        texts.append((parent[start : start + length] + noise).encode())
    texts += [texts[3], texts[3]]
    index = WordIndex.build(texts, k)
    for query in [*texts[:8], parent.encode(), b"A", noise.encode()]:
        for count in (1, 5, 42):
            assert index.nearest([query], count).tolist() == naive(query, texts, k, count, range(42))
        allowed = rng.random(42) < 0.3
        expected = naive(query, texts, k, 6, np.flatnonzero(allowed).tolist())
        assert index.nearest([query], 6, allowed).tolist() == expected


def test_case_does_not_count_and_versions_add_their_best():
    index = WordIndex.build([b"ACGTACCA", b"ttgacatg", b"GGGGGGGG"], 4)
    assert index.nearest([b"acgtacca"], 1).tolist() == [0]
    assert index.nearest([b"CCCCCCCC", b"GGGGGGGG"], 1).tolist() == [2]
    assert index.nearest([b"TTGACATG"], 1).tolist() == [1]


@pytest.mark.parametrize("k", [0, 13])
def test_words_of_a_length_that_cannot_be(k):
    with pytest.raises(UsageError, match=r"1\.\.12"):
        WordIndex.build([b"ACGT"], k)
