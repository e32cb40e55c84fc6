"""All substitutions of a region are what the scorer says of each."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import InputError  # noqa: E402
from genoseq.hyena.alleles import Variant, VariantWindow  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.mutagenesis import saturate  # noqa: E402
from genoseq.hyena.variants import VariantScorer  # noqa: E402
from genoseq.index.genome import open_genome  # noqa: E402

LETTERS = "".join(random.Random(1).choices("ACGTacgtN", [9, 9, 9, 9, 3, 3, 3, 3, 2], k=300))


@pytest.fixture
def scorer(make_network):
    return VariantScorer(HyenaDNA(make_network()), open_genome({"c": LETTERS}), VariantWindow(64, 8))


def test_every_substitution_and_no_other(scorer, monkeypatch):
    monkeypatch.setattr("genoseq.hyena.mutagenesis._BASES", 7)
    told = []
    found = saturate(scorer, "c", 64, 94, told.append)
    assert found.letters == LETTERS[64:94].upper()
    assert (found.contig, found.start, found.llr.shape) == ("c", 64, (30, 4))
    assert "N" in found.letters
    wanted = [
        Variant("c", 64 + at, ref, base)
        for at, ref in enumerate(found.letters)
        for base in "ACGT"
        if ref not in ("N", base)
    ]
    rows = [variant.position - 64 for variant in wanted]
    columns = ["ACGT".index(variant.alt) for variant in wanted]
    assert np.abs(found.llr[rows, columns] - scorer.score(wanted).llr).max() < 1e-4
    assert np.count_nonzero(~np.isnan(found.llr)) == len(wanted) == sum(told)


def test_at_the_ends_and_of_nothing(scorer):
    assert np.isfinite(saturate(scorer, "c", 0, 300).llr).sum() == 3 * (300 - LETTERS.count("N"))
    assert saturate(scorer, "c", 5, 5).llr.shape == (0, 4)
    with pytest.raises(InputError, match="leaves the contig"):
        saturate(scorer, "c", 290, 301)
    with pytest.raises(InputError, match="no contig 'd'"):
        saturate(scorer, "d", 0, 1)
