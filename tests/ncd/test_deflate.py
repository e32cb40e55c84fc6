"""The size of a deflate block, against zlib itself where it writes letters only."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from genoseq.ncd.deflate import DISTANCES, SYMBOLS, block_bytes, new_workspace, tally


def by_zlib(text):
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
    return len(encoder.compress(text) + encoder.flush())


def computed(text):
    frequencies = np.zeros(SYMBOLS, np.int32)
    frequencies[:256] = np.bincount(np.frombuffer(text, np.uint8), minlength=256)
    return int(block_bytes(frequencies, len(text), new_workspace()))


@pytest.mark.parametrize(
    "text", [b"", b"A", b"AB", bytes(300), bytes(range(256)), b"\xff", b"ACGT" * 500, bytes(range(256)) * 40]
)
def test_sizes_of_plain_texts(text):
    assert computed(text) == by_zlib(text)


def test_sizes_of_random_frequencies():
    rng = np.random.default_rng(1)
    for letters in (2, 3, 4, 5, 20, 100, 256):
        for spread in (0.1, 1.0, 5.0):
            shares = rng.dirichlet(np.full(letters, spread))
            length = int(rng.integers(1, 16_000))
            text = rng.choice(rng.permutation(256)[:letters].astype(np.uint8), length, p=shares).tobytes()
            assert computed(text) == by_zlib(text)


@pytest.mark.parametrize("most", [15, 17, 18])
def test_codes_that_would_be_too_long(most):
    """Fibonacci's numbers as frequencies make the deepest trees: more than 15 bits, which is not allowed."""
    counts = [1, 1]
    while len(counts) < most:
        counts.append(counts[-1] + counts[-2])
    text = b"".join(bytes([65 + 2 * number]) * count for number, count in enumerate(counts))
    assert computed(text) == by_zlib(text)


def test_lengths_and_distances_have_their_symbols():
    """Those of RFC 1951, section 3.2.5: first and last of some rows."""
    for length, symbol in (
        (3, 257),
        (10, 264),
        (11, 265),
        (12, 265),
        (115, 280),
        (130, 280),
        (131, 281),
        (257, 284),
    ):
        for distance, other in (
            (1, 0),
            (4, 3),
            (5, 4),
            (6, 4),
            (256, 15),
            (257, 16),
            (24577, 29),
            (32768, 29),
        ):
            table = np.zeros(SYMBOLS, np.int32)
            tally(table, length, distance)
            assert np.flatnonzero(table).tolist() == [symbol, DISTANCES + other]
    table = np.zeros(SYMBOLS, np.int32)
    tally(table, 258, 1)
    assert table[285] == 1
