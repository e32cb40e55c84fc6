"""Design from end to end: what is drawn is filtered, scored, ranked and unlike each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("Bio")

from genoseq.errors import InputError, UsageError
from genoseq.peptides.decoders import Independent
from genoseq.peptides.design import DesignPlan, design, score
from genoseq.peptides.filters import parse_filters
from genoseq.peptides.identity import identities
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.scores import log_perplexities
from genoseq.peptides.targets import Site, Target
from genoseq.peptides.template import Template
from genoseq.protein import AMINO_ACIDS


def target(length=40, seed=1, name="t"):
    rng = np.random.default_rng(seed)
    return Target(name, "".join(rng.choice(list(AMINO_ACIDS), length)), "t.fa")


def plan(**options):
    usual = {"templates": (Template.of_length(6),), "count": 5, "candidates": 30, "decoder": Independent()}
    return DesignPlan(**{**usual, **options})


@pytest.fixture
def model(make_network):
    return MaskedModel(make_network(layers=1, hidden=16))


def test_the_best_distinct_ones_are_taken(model):
    found = design(model, target(), plan(likeness=0.5))
    assert found.drawn == 30
    assert len(found.candidates) == 5
    peptides = [each.peptide for each in found.candidates]
    costs = [each.perplexity for each in found.candidates]
    assert costs == sorted(costs)
    np.testing.assert_allclose(np.log(costs), log_perplexities(model, target().tokens, peptides), rtol=1e-5)
    for at, peptide in enumerate(peptides):
        assert len(peptide) == 6
        assert set(peptide) <= set(AMINO_ACIDS)
        assert identities(peptide, peptides[:at]).max(initial=0) <= 0.5
    assert all(each.part == (0, 40) and math.isnan(each.specificity) for each in found.candidates)
    again = design(model, target(), plan(likeness=0.5))
    assert [each.peptide for each in again.candidates] == peptides
    other = design(model, target(), plan(likeness=0.5, seed=2))
    assert [each.peptide for each in other.candidates] != peptides


def test_all_lengths_and_templates_are_drawn(model):
    templates = tuple(Template.of_length(length, "C") for length in (4, 5, 6))
    found = design(model, target(), plan(templates=templates, count=30, likeness=1))
    lengths = [len(each.peptide) for each in found.candidates]
    assert {4, 5, 6} == set(lengths)
    assert all(lengths.count(length) <= 10 for length in (4, 5, 6))
    assert not any("C" in each.peptide for each in found.candidates)


def test_filters_tell_what_they_rejected(model):
    conditions = tuple(parse_filters("charge>=0,gravy<0.5"))
    found = design(model, target(), plan(conditions=conditions, candidates=100))
    assert all(each.properties.charge >= 0 and each.properties.gravy < 0.5 for each in found.candidates)
    assert set(found.rejected) == {"charge>=0", "gravy<0.5"}
    assert sum(found.rejected.values()) + found.duplicates < 100
    with pytest.raises(InputError, match=r"the filters reject all 30 candidates \(charge>=9 30\)"):
        design(model, target(), plan(conditions=tuple(parse_filters("charge>=9"))))
    limit = design(model, target(), plan()).candidates[2].perplexity
    late = design(model, target(), plan(conditions=tuple(parse_filters(f"perplexity<{limit}"))))
    assert len(late.candidates) == 2
    assert sum(late.rejected.values()) == 30 - late.duplicates - 2


def test_a_screen_scores_fewer(model):
    residues, length = 40, 6
    before = model.tokens
    design(model, target(), plan(scored=8))
    exact = 8 * length * (residues + length + 2)
    read = residues + length + 2  # by the decoder, and by the estimate
    looks = 30 * length * (length + 1)
    assert exact < model.tokens - before <= exact + 2 * read + 2 * looks
    before = model.tokens
    exact *= 10 / 8
    design(model, target(), plan())  # twice the count
    assert exact < model.tokens - before <= exact + 2 * read + 2 * looks
    with pytest.raises(UsageError, match="at least as many"):
        plan(scored=4)


def test_if_too_few_are_left_the_others_are_scored_too(model, monkeypatch):
    def worst_first(model, target, peptides):
        return -log_perplexities(model, target, peptides)

    monkeypatch.setattr("genoseq.peptides.design.quick_log_perplexities", worst_first)
    usual = {"likeness": 0.01, "count": 8}
    every = design(model, target(), plan(scored=30, **usual))
    found = design(model, target(), plan(**usual))
    assert [each.peptide for each in found.candidates] == [each.peptide for each in every.candidates]
    assert found.alike == every.alike
    assert len(design(model, target(), plan(scored=16, **usual)).candidates) < 8


def test_specificity_ranks(model):
    decoys = [target(40, seed, f"d{seed}") for seed in (5, 6, 7)]
    found = design(model, target(), plan(select="specificity"), decoys=decoys)
    values = [each.specificity for each in found.candidates]
    assert values == sorted(values, reverse=True)
    first = found.candidates[0]
    own = math.log(first.perplexity)
    others = [log_perplexities(model, decoy.tokens, [first.peptide])[0] for decoy in decoys]
    assert first.specificity == pytest.approx(np.mean(others) - own, rel=1e-4)
    assert first.p_value == (1 + sum(other <= own for other in others)) / 4
    with pytest.raises(UsageError, match="decoys are needed"):
        design(model, target(), plan(select="specificity"))
    with pytest.raises(UsageError, match="the decoy copy is the target t"):
        design(model, target(), plan(), decoys=[target(name="copy")])


def test_a_long_target_is_shown_in_parts(model):
    long = target(1500)
    found = design(model, long, plan(candidates=9, count=3, likeness=1))
    starts = {each.part for each in found.candidates}
    assert all(end - start == 1016 for start, end in starts)
    best = found.candidates[0]
    parts = [(0, 1016), (484, 1500)]
    costs = [log_perplexities(model, long.tokens[start:end], [best.peptide])[0] for start, end in parts]
    assert math.log(best.perplexity) == pytest.approx(min(costs), rel=1e-4)
    assert best.part == parts[int(np.argmin(costs))]
    around = design(model, long, plan(candidates=5, count=2), site=Site(700, 720))
    assert {each.part for each in around.candidates} == {(202, 1218)}


def test_known_peptides_are_scored_and_compared(model):
    known = ("MKVLAA", "WWWWWW", "GG")
    found = score(model, target(), known, plan(known=("MKVLAG",)))
    assert {each.peptide for each in found} == set(known)
    assert [each.perplexity for each in found] == sorted(each.perplexity for each in found)
    nearest = {each.peptide: each.nearest for each in found}
    assert nearest["MKVLAA"] == pytest.approx(5 / 6)
    row = found[0].to_dict()
    assert (row["length"], row["part"]) == (len(found[0].peptide), "1-40")
    assert score(model, target(), [], plan()) == []
    with pytest.raises(InputError, match="the peptide AXA has 'X'"):
        score(model, target(), ["AXA"], plan())


@pytest.mark.parametrize(
    "wrong",
    [
        {"templates": ()}, {"count": 0}, {"candidates": 3}, {"likeness": 0}, {"likeness": 1.1},
        {"select": "x"},
    ],
)  # fmt: skip
def test_plans_that_make_no_sense(wrong):
    with pytest.raises(UsageError):
        plan(**wrong)
