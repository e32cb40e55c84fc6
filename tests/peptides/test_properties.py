"""Properties against figures computed by hand or published, and flags."""

from __future__ import annotations

import pytest

pytest.importorskip("Bio")

from genoseq.errors import InputError, UsageError
from genoseq.peptides.filters import KNOWN, parse_filters, rejected_by
from genoseq.peptides.properties import NAMES, flags, properties_of


def test_a_peptide_by_hand():
    found = properties_of(["KLVFFAE"])[0]
    # residues K 128.17, L 113.16, V 99.13, F 147.18 twice, A 71.08, E 129.12, and water 18.02
    assert found.mass == pytest.approx(853.02, abs=0.05)
    assert found.gravy == pytest.approx((-3.9 + 3.8 + 4.2 + 2.8 + 2.8 + 1.8 - 3.5) / 7)
    assert found.aromaticity == pytest.approx(2 / 7)
    assert found.boman == pytest.approx((5.55 - 4.92 - 4.04 - 2.98 - 2.98 - 1.81 + 6.81) / 7)
    # windows KLVFF, LVFFA and VFFAE have means 1.12, 1.29 and 0.73
    assert found.aggregation == 7
    assert tuple(found.to_dict()) == NAMES


@pytest.mark.parametrize(
    ("peptide", "charge", "low", "high"),
    [("KKKKKK", 6, 10, 12), ("DDDDDD", -6, 3, 4.5), ("GGGGGG", 0, 5, 6.5), ("RHRHRH", 3, 10, 13)],
)
def test_charges(peptide, charge, low, high):
    found = properties_of([peptide])[0]
    assert found.charge == pytest.approx(charge, abs=0.7)
    assert low < found.pi < high


def test_aggregation():
    assert [each.aggregation for each in properties_of(["DDDDDDDD", "IIIIIIII", "DDIIIIIDD", "IIII"])] == [
        0, 8, 9, 0
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("peptide", "expected"),
    [
        ("KRKRK", []),
        ("KMKRK", ["oxidation"]),
        ("KCKRC", []),
        ("KCKRK", ["free cysteine"]),
        ("QNGK", ["deamidation"]),
        ("KDPDGK", ["aspartimide", "acid-labile"]),
        ("KAAAAK", ["run of one letter"]),
        ("KKVITVKK", ["run of beta-branched"]),
        ("LLFFAAGGSG", ["hydrophobic stretch", "poorly soluble"]),
        ("K" * 51, ["run of one letter", "long"]),
    ],
)
def test_flags(peptide, expected):
    assert flags(peptide) == expected
    assert properties_of([peptide.lower()])[0].difficulty == ", ".join(expected)


@pytest.mark.parametrize("peptide", ["AXA", "A-", ""])
def test_what_has_no_properties(peptide):
    with pytest.raises(InputError):
        properties_of([peptide])


def test_filters():
    conditions = parse_filters("charge>=0, gravy < 0.5,difficulty!=oxidation,length=7")
    found = {**properties_of(["KLVFFAK"])[0].to_dict(), "length": 7, "perplexity": 9.0}
    assert rejected_by(conditions[:1], found) is None
    assert str(rejected_by(conditions, found)) == "gravy<0.5"
    assert str(rejected_by(parse_filters("difficulty!=oxidation"), {"difficulty": "long, oxidation"})) == (
        "difficulty!=oxidation"
    )
    assert rejected_by(parse_filters("difficulty=long"), {"difficulty": "long, oxidation"}) is None
    for text, value, holds in [
        ("pi<5", 5, False), ("pi<=5", 5, True), ("pi>5", 5, False), ("pi>=5", 5, True), ("pi==5", 5, True),
        ("pi!=5", 5, False), ("pi>-1e1", 5, True),
    ]:  # fmt: skip
        assert (rejected_by(parse_filters(text), {"pi": value}) is None) is holds
    assert set(NAMES) < set(KNOWN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "filter '' is not understood"),
        ("charge", "'charge' is not understood"),
        ("charge>=0,", "filter '' is not understood"),
        ("charge=>0", "'>0' is not a number"),
        ("gravi<1", "did you mean gravy?"),
        ("q<1", "there are mass, charge"),
        ("charge>many", "'many' is not a number"),
        ("difficulty<long", "flags are there"),
    ],
)
def test_filters_that_are_not_understood(text, words):
    with pytest.raises(UsageError) as caught:
        parse_filters(text)
    assert words in str(caught.value)


def test_a_closed_peptide_has_no_ends():
    from Bio.SeqUtils import molecular_weight

    for peptide in ("ACDEFGHIK", "GG", "KLVFFAE"):
        found = properties_of([peptide], cyclic=True)[0]
        assert found.mass == pytest.approx(molecular_weight(peptide, "protein", circular=True), abs=0.01)
    closed, open_ = (properties_of(["GGGG"], cyclic=cyclic)[0] for cyclic in (True, False))
    assert closed.charge == 0
    assert open_.charge != 0
    assert properties_of(["RRG"], cyclic=True)[0].charge == pytest.approx(2, abs=0.01)
