"""Anchors: found as a plain search finds them, on both strands, around letters that are no bases."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.anchors import NO_ANCHOR, AnchorWords, find_anchors
from genoseq.errors import UsageError
from genoseq.sequence import decode, encode, reverse_complement, reverse_complement_text

WORDS = [("AC",), ("GA",), ("AC", "GA"), ("ACG", "TTA"), ("A",)]


def found(codes, words: AnchorWords, lo: int = 0, hi: int | None = None) -> list[tuple[int, int]]:
    hi = len(codes) if hi is None else hi
    positions, kinds = np.empty(len(codes) + 1, np.int64), np.empty(len(codes) + 1, np.uint8)
    count = find_anchors(codes, lo, hi, words.rule(), words.length, positions, kinds)
    return list(zip(positions[:count].tolist(), kinds[:count].tolist(), strict=True))


def naive(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    said = {}
    for number, word in enumerate(words):
        said[word] = 2 * number
        said[reverse_complement_text(word)] = 2 * number + 1
    length = len(words[0])
    pieces = [(i, text[i : i + length]) for i in range(len(text) - length + 1)]
    return [(i, said[piece]) for i, piece in pieces if piece in said]


@pytest.mark.parametrize("words", WORDS, ids="-".join)
@pytest.mark.parametrize("seed", range(5))
def test_as_a_plain_search(words, seed):
    codes = np.random.default_rng(seed).integers(0, 5, 700, dtype=np.uint8)
    expected = naive(decode(codes), words)
    assert expected  # otherwise nothing is compared
    assert found(codes, AnchorWords(words)) == expected


def test_only_inside_the_stretch():
    codes = encode("ACACACAC")
    assert found(codes, AnchorWords(("AC",)), 1, 7) == [(2, 0), (4, 0)]
    assert found(codes, AnchorWords(("AC",)), 6, 2) == []


def test_no_anchor_spans_an_unknown_letter():
    assert found(encode("ANCACRGT"), AnchorWords(("AC",))) == [(3, 0), (6, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_the_other_strand_has_the_same_anchors(seed):
    words = AnchorWords(("AC", "GA"))
    codes = np.random.default_rng(seed).integers(0, 5, 300, dtype=np.uint8)
    mirrored = sorted((len(codes) - 2 - at, kind ^ 1) for at, kind in found(reverse_complement(codes), words))
    assert mirrored == found(codes, words)


def test_rule():
    rule = AnchorWords(("AC", "GA")).rule()
    assert rule.shape == (16,)
    kinds = {"AC": 0, "GT": 1, "GA": 2, "TC": 3}
    letters = "ACGT"
    expected = [kinds.get(letters[i // 4] + letters[i % 4], NO_ANCHOR) for i in range(16)]
    assert rule.tolist() == expected


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "one length"),
        (("AC", "GAT"), "AC, GAT"),
        (("AN",), "AN"),
        (("AT",), "AT"),  # its own reverse complement
        (("AC", "GT"), "GT"),
        (("AC", "AC"), "AC"),
    ],
)
def test_words_that_fix_no_strand_are_refused(words, complaint):
    with pytest.raises(UsageError, match=complaint):
        AnchorWords(words)
