"""Tokens: the published numbers, case, letters, strands."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.hyena.tokenizer import MASK, PAD, SEP, UNK, letters_of, reverse_complement, tokens_of
from genoseq.sequence import encode


def test_the_published_numbers():
    assert (SEP, MASK, PAD, UNK) == (1, 3, 4, 6)
    # issue 77 of the published code: AGCTACATTGGCC
    assert tokens_of(encode("AGCTACATTGGCC")).tolist() == [7, 9, 8, 10, 7, 8, 7, 10, 10, 9, 9, 8, 8]


def test_case_and_ambiguity():
    assert tokens_of(encode("acgtuRYn-")).tolist() == [7, 8, 9, 10, 10, 11, 11, 11, 11]


def test_letters_and_strands_come_back():
    text = "ACGTNNGATTACA"
    tokens = tokens_of(encode(text))
    assert letters_of(tokens) == text
    assert letters_of(reverse_complement(tokens)) == "TGTAATCNNACGT"
    pair = np.stack([tokens, tokens[::-1]])
    assert (reverse_complement(reverse_complement(pair)) == pair).all()


def test_special_tokens_have_no_complement():
    with pytest.raises(UsageError, match="token 1 is special"):
        reverse_complement(np.array([7, 1], np.uint8))
