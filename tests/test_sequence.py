"""Codes, complements and k-mers: properties, and the fast ways against naive ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genoseq.errors import InputError, UsageError
from genoseq.sequence import (
    AMBIGUOUS,
    COMPLEMENT_TABLE,
    ENCODE_TABLE,
    NOT_IUPAC,
    READ_LETTER_TABLE,
    UPPER_TABLE,
    decode,
    encode,
    kmers,
    reverse_complement,
    reverse_complement_text,
)

IUPAC = "ACGTURYSWKMBDHVN-."
dna = st.text("ACGTN", max_size=80)
any_letters = st.text(IUPAC + IUPAC.lower(), max_size=80)


@given(dna)
@example("")
def test_decode_is_the_inverse_of_encode(text):
    assert decode(encode(text)) == text


@given(any_letters)
def test_case_and_type_of_the_text_do_not_matter(text):
    codes = encode(text)
    assert codes.dtype == np.uint8
    for other in (text.lower(), text.encode(), np.frombuffer(text.encode(), np.uint8)):
        assert np.array_equal(encode(other), codes)


def test_every_byte_is_either_iupac_or_refused():
    for byte in range(256):
        letter = chr(byte).upper()
        expected = {"A": 0, "C": 1, "G": 2, "T": 3, "U": 3}.get(
            letter, AMBIGUOUS if letter in IUPAC else NOT_IUPAC
        )
        if byte > 127:
            expected = NOT_IUPAC
        assert ENCODE_TABLE[byte] == expected
        assert UPPER_TABLE[byte] == (ord(letter) if expected != NOT_IUPAC else 0)
        assert (READ_LETTER_TABLE[byte] == 0) == (expected == NOT_IUPAC)


@pytest.mark.parametrize("letter", ["*", "E", " ", "\n", "é", "\0", "1"])
def test_a_letter_outside_the_alphabet_is_named_with_its_position(letter):
    with pytest.raises(InputError, match="at position 4 is not a nucleotide letter"):
        encode("ACGT" + letter + "ACGT")


def test_letters_of_a_wrong_dtype_are_refused():
    with pytest.raises(UsageError, match="int64"):
        encode(np.array([65, 67]))


@given(any_letters)
def test_reverse_complement_twice_is_the_text(text):
    without_u = text.replace("U", "T").replace("u", "t")
    assert reverse_complement_text(reverse_complement_text(without_u)) == without_u
    assert reverse_complement_text(text.encode()) == reverse_complement_text(text).encode()


@given(any_letters)
def test_both_reverse_complements_agree(text):
    assert np.array_equal(reverse_complement(encode(text)), encode(reverse_complement_text(text)))


def test_complements_of_the_ambiguity_codes_are_the_complements_of_their_bases():
    bases = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
    bases |= {"B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT"}
    for letter, meant in bases.items():
        opposite = chr(COMPLEMENT_TABLE[ord(letter)])
        assert sorted(bases[opposite]) == sorted(reverse_complement_text(meant))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 2, 4, 11, 31])
def test_kmers_against_a_naive_implementation(k, seed):
    rng = np.random.default_rng(seed)
    codes = rng.choice(5, size=int(rng.integers(0, 90)), p=[0.24, 0.24, 0.24, 0.24, 0.04]).astype(np.uint8)
    expected = []
    for start in range(codes.size - k + 1):
        word = codes[start : start + k].tolist()
        expected.append(-1 if 4 in word else int("".join(map(str, word)), 4))
    assert kmers(codes, k).tolist() == expected


@pytest.mark.parametrize("k", [0, -1, 32])
def test_k_out_of_range(k):
    with pytest.raises(UsageError, match=r"must be 1\.\.31"):
        kmers(encode("ACGT"), k)
