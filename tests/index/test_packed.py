"""Bases at two bits, against plain arrays."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from genoseq.index.packed import (
    mismatch_bits,
    pack_into,
    popcount,
    trailing_zeros,
    unpack,
    window,
    words_for,
)


@numba.njit
def count_bits(word):
    return popcount(word)


@numba.njit
def count_zeros(word):
    return trailing_zeros(word)


def packed(codes):
    words = np.zeros(words_for(len(codes)), np.uint64)
    pack_into(codes, words, 0)
    return words


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 200])
def test_round_trip(length):
    codes = np.random.default_rng(length).integers(0, 4, length, dtype=np.uint8)
    out = np.empty(length, np.uint8)
    unpack(packed(codes), 0, out)
    np.testing.assert_array_equal(out, codes)


def test_pieces_join_and_other_letters_are_a():
    codes = np.random.default_rng(1).integers(0, 5, 150, dtype=np.uint8)
    words = np.zeros(words_for(150), np.uint64)
    for start, end in ((0, 31), (31, 70), (70, 71), (71, 150)):
        pack_into(codes[start:end], words, start)
    out = np.empty(77, np.uint8)
    unpack(words, 40, out)
    np.testing.assert_array_equal(out, np.where(codes > 3, 0, codes)[40:117])
    assert (codes > 3).any()


def test_window_at_every_place():
    codes = np.random.default_rng(2).integers(0, 4, 130, dtype=np.uint8)
    words = packed(codes)
    padded = np.concatenate([codes, np.zeros(32, np.uint8)])
    for first in range(130):
        value = int(window(words, first))
        assert [(value >> (2 * i)) & 3 for i in range(32)] == padded[first : first + 32].tolist()


def test_mismatch_bits():
    rng = np.random.default_rng(3)
    for _ in range(50):
        one, other = rng.integers(0, 4, (2, 32), dtype=np.uint8)
        other = np.where(rng.random(32) < 0.5, one, other).astype(np.uint8)
        bits = int(mismatch_bits(packed(one)[0], packed(other)[0]))
        assert [(bits >> (2 * i)) & 3 for i in range(32)] == (one != other).astype(int).tolist()


@pytest.mark.parametrize("word", [1, 2, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 0x5555000000000000])
def test_bit_counts(word):
    assert count_bits(np.uint64(word)) == word.bit_count()
    assert count_zeros(np.uint64(word)) == (word & -word).bit_length() - 1
