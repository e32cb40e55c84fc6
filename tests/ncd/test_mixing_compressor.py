"""Sizes of the mixing model against what it learns, letters that it does not know, and distances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.ncd.compressors import compressor_of
from genoseq.ncd.distances import distance, distance_matrix
from genoseq.ncd.mixing import FAST, MixingModel
from genoseq.ncd.mixing_compressor import Mixing, sized_for
from genoseq.sequence import encode, reverse_complement_text

MIXING = Mixing()


def dna(seed, length):
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", np.uint8), length).tobytes()


def test_it_has_a_name():
    assert compressor_of("mixing") == MIXING
    assert [Mixing(e, both_strands=b).name for e in ("fast", "best") for b in (True, False)] == [
        "mixing-fast", "mixing-fast-forward", "mixing-best", "mixing-best-forward",
    ]  # fmt: skip


def test_size_is_what_the_model_learns():
    texts = [dna(1, 700), dna(2, 90)]
    model = MixingModel(MIXING.parameters(790))
    bits = [float(model.learn(encode(text)).sum(dtype=np.float64)) for text in texts]
    # 1 byte tells that there are two, 2 and 1 their lengths, 1 and 1 that no other letter is in them
    assert MIXING.size(b" ".join(texts)) == 1 + 2 + 1 + 2 + math.ceil(sum(bits) / 8)


def number(value):
    return max(1, math.ceil(value.bit_length() / 7))


def naive_exceptions(text):
    """Bytes of the list, letter by letter."""
    size, runs, since, position = 0, 0, 0, 0
    while position < len(text):
        letter = text[position : position + 1]
        if letter in b"ACGTU":
            since, position = since + 1, position + 1
            continue
        length = len(text[position:]) - len(text[position:].lstrip(letter))
        size += number(since) + number(length) + 1
        runs, since, position = runs + 1, 0, position + length
    return number(runs) + size


@pytest.mark.parametrize(
    "other", ["", "N", "NNN", "RY", "NNRRN", "N" * 200, "A" * 130 + "N" + "C" * 20000 + "R"]
)
@pytest.mark.parametrize("start", ["", "ACGT"])
def test_other_letters_are_charged(start, other):
    text = (start + other + "GATTACA").encode()
    codes = encode(text)
    bits = MixingModel(MIXING.parameters(codes.size)).learn(codes).sum(dtype=np.float64)
    head = 1 + number(len(text))
    assert MIXING.size(text) == head + naive_exceptions(text) + math.ceil(bits / 8)


def test_case_and_u_are_free():
    text = dna(3, 500) + b"NN" + dna(4, 30)
    assert MIXING.size(text.lower()) == MIXING.size(text) == MIXING.size(text.replace(b"T", b"U"))


@pytest.mark.parametrize("text", [b"MELF", b"ACGT#ACGT", b"ACGT\nACGT", b"AC\x00"])
def test_what_is_no_nucleotide_is_refused(text):
    with pytest.raises(InputError, match="is not a nucleotide letter"):
        MIXING.size(text)
    with pytest.raises(InputError, match="is not a nucleotide letter"):
        MIXING.follow([text]).sizes(b"ACGT ")


@pytest.mark.parametrize("separator", [b" ", b"N", b""])
def test_suffixes_of_all_sizes_follow_to_the_byte(separator):
    """Their models differ in the size of the tables."""
    texts = [dna(5, 200), dna(6, 70_000), b"", b"ACGT GATTACA", dna(7, 200), dna(8, 140_000)]
    prefix = dna(6, 3000) + b" " + dna(9, 10) + separator
    expected = [MIXING.size(prefix + text) for text in texts]
    assert MIXING.follow(texts, separator).sizes(prefix).tolist() == expected


def test_no_text_takes_almost_nothing():
    assert MIXING.size(b"") == 3


def test_random_dna_takes_two_bits_a_base():
    text = dna(10, 40_000)
    assert 10_000 < MIXING.size(text) < 10_200
    assert MIXING.size(text + b" " + text) < MIXING.size(text) + 60
    assert MIXING.size(text + b" " + reverse_complement_text(text)) < MIXING.size(text) + 60
    forward = Mixing(both_strands=False)
    assert forward.size(text + b" " + reverse_complement_text(text)) > 19_900


def test_distances_of_relatives():
    """Identical, related on either strand, unrelated."""
    text = dna(11, 6000)
    changed = bytearray(text)
    changed[::25] = b"A" * len(changed[::25])
    copy = bytes(changed)
    same, near, foreign = (distance(text, other, compressor=MIXING) for other in (text, copy, dna(12, 6000)))
    assert -0.01 < same < 0.02
    assert 0.05 < near < 0.35
    assert 0.97 < foreign < 1.05
    found = distance_matrix([text, reverse_complement_text(copy)], compressor=MIXING, both_strands=True)
    assert found[0, 1] == pytest.approx(near, abs=0.03)
    assert np.array_equal(
        found, distance_matrix([text, reverse_complement_text(copy)], compressor=MIXING)
    )  # it has both strands anyway
    both, forward = (
        distance(text, reverse_complement_text(copy), compressor=Mixing(both_strands=False), both_strands=b)
        for b in (True, False)
    )
    assert both == pytest.approx(near, abs=0.03)
    assert forward > 0.95


def test_tables_fit_the_text():
    assert MixingModel(sized_for(1000, FAST)).nbytes < 3 << 20
    assert sized_for(1 << 24, FAST).orders == FAST.orders
    assert max(order for order, _ in sized_for(1 << 20, FAST).orders) == 10
