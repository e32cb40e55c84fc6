"""Tokens of ESM-2."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.peptides.tokens import AMINO, CLS, EOS, MASK, PAD, TOKENS, X, decode_tokens, padded, tokens_of
from genoseq.protein import AMINO_ACIDS


def test_the_order_is_that_of_the_released_models():
    # fair-esm, esm/data.py and esm/constants.py
    assert "".join(TOKENS[4:29]) == "LAGVSERTIDPKQNFYMHWCXBUZO"
    assert (CLS, PAD, EOS, TOKENS.index("<unk>"), MASK, len(TOKENS)) == (0, 1, 2, 3, 32, 33)
    assert TOKENS[29:32] == (".", "-", "<null_1>")


def test_letters_there_and_back():
    assert decode_tokens(tokens_of(AMINO_ACIDS)) == AMINO_ACIDS
    assert tokens_of(AMINO_ACIDS.lower()).tolist() == AMINO.tolist()
    assert tokens_of("BZUOJX*").tolist() == [X] * 7
    assert decode_tokens(np.array([CLS, 20, MASK, 15, 24, EOS, PAD, PAD])) == "M?KX"
    assert tokens_of("").size == 0
    with pytest.raises(InputError, match="'-' at position 1 is not a letter of a protein"):
        tokens_of("M-")


def test_batches_are_filled_up():
    batch = padded([tokens_of("MKV"), tokens_of("L"), tokens_of("")])
    assert batch.tolist() == [[CLS, 20, 15, 7, EOS], [CLS, 4, EOS, PAD, PAD], [CLS, EOS, PAD, PAD, PAD]]
    assert padded([]).shape == (0, 2)
