"""Letters and codes of amino acids."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.protein import (
    AMINO_ACIDS,
    STOP,
    UNKNOWN,
    decode_protein,
    encode_protein,
    looks_like_nucleotides,
)


def test_there_and_back():
    assert sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("BJOUXZ")) == list(AMINO_ACIDS)
    assert encode_protein(AMINO_ACIDS.lower()).tolist() == list(range(20))
    assert decode_protein(encode_protein(AMINO_ACIDS + "*x")) == AMINO_ACIDS + "*X"
    assert encode_protein("BJOUXZbjouxz").tolist() == [UNKNOWN] * 12
    assert encode_protein("*").tolist() == [STOP]
    assert encode_protein("").size == 0


@pytest.mark.parametrize("kind", [str, str.encode, lambda text: np.frombuffer(text.encode(), np.uint8)])
def test_kinds_of_text(kind):
    assert encode_protein(kind("MKV")).tolist() == [10, 8, 17]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MK-V", "'-' at position 2 is not a letter of a protein"),
        ("MK.V", "'.' at position 2"),
        ("MK V", "0x20 at position 2"),
        ("M\u00e9", "'?' at position 1"),
        ("1", "'1' at position 0"),
    ],
)
def test_other_letters(text, message):
    with pytest.raises(InputError) as caught:
        encode_protein(text)
    assert message in str(caught.value)


def test_no_letters_at_all():
    with pytest.raises(UsageError, match="not int64"):
        encode_protein(np.arange(3))


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["ACGUUGCAACGUGAUUACAU"], True),
        (["acgtnnnacgtgattacatt", "AC"], True),
        (["ACGTTGCARCGTGATTACATTGGAA"], True),
        (["GATTACAGATTACA"], False),  # too short to say
        (["MKTAYIAKQRQISFVKSHFS", "ACGTACGT"], False),
        ([], False),
    ],
)
def test_nucleotides_are_noticed(texts, found):
    assert looks_like_nucleotides(texts) is found
