"""Templates: what is written is what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.peptides.template import LONGEST, Template
from genoseq.protein import AMINO_ACIDS


def letters_at(template):
    return ["".join(np.array(list(AMINO_ACIDS))[row]) for row in template.allowed]


def test_what_is_written():
    assert letters_at(Template.parse("k?[KR][^ACDE]")) == [
        "K", AMINO_ACIDS, "KR", AMINO_ACIDS.translate(str.maketrans("", "", "ACDE"))
    ]  # fmt: skip
    assert len(Template.parse("K??R????")) == 8


def test_letters_to_avoid():
    assert letters_at(Template.of_length(2, "ACDEFGHIKLMNPQRSTVW")) == ["Y", "Y"]
    assert letters_at(Template.parse("C?[CK]").avoiding("cm"))[::2] == ["C", "K"]  # what is fixed stays
    with pytest.raises(UsageError, match="no letter is left for place 3"):
        Template.parse("C?[CM]").avoiding("CM")


def test_bridges():
    found = letters_at(Template.parse("????[CK]").bridged(0, 4))
    assert (found[0], found[4]) == ("C", "C")
    assert all("C" not in letters for letters in found[1:4])
    for first, second in ((0, 5), (2, 2), (3, 1), (-1, 2)):
        with pytest.raises(UsageError, match="in a peptide of 5 letters"):
            Template.of_length(5).bridged(first, second)
    with pytest.raises(UsageError, match="place 1 of the peptide cannot be C"):
        Template.parse("K????").bridged(0, 4)


def test_what_fits():
    template = Template.parse("K?[^P]")
    assert template.fits("KAA")
    for text in ("KAP", "RAA", "KA", "KAAA", "KXA", ""):
        assert not template.fits(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the template is empty"),
        ("K*R", r"'\*' at place 2 is not understood"),
        ("K[]R", r"'\[' at place 2"),
        ("K[KR", r"'\[' at place 2"),
        ("K?X", "'X' is none of the 20 amino acids"),
        ("[KB]", "'B' is none of the 20"),
        (f"[^{AMINO_ACIDS}]", "no letter is left for place 1"),
        ("?" * (LONGEST + 1), "a peptide of 101 letters; 1..100 are possible"),
    ],
)
def test_what_is_not_understood(text, words):
    with pytest.raises(UsageError, match=words):
        Template.parse(text)


@pytest.mark.parametrize("length", [0, -3, 101])
def test_lengths_out_of_range(length):
    with pytest.raises(UsageError, match=r"1\.\.100 are possible"):
        Template.of_length(length)
