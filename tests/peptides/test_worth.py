"""What a model is worth: its figures against the exact ones of a toy model, and the report."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from genoseq.peptides.pairs import BindingPair
from genoseq.peptides.scores import log_perplexities
from genoseq.peptides.tokens import tokens_of
from genoseq.peptides.worth import grouped_mean, pair_log_perplexities, rivals_of, worth_of

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

TARGET = "MKVLAEGDWH"


def pairs(peptides, target=TARGET):
    return [BindingPair(target, peptide, f"x:{number}") for number, peptide in enumerate(peptides)]


def test_figures_are_those_of_the_scores():
    model = toy.ToyModel(3)
    some = pairs(["ACD", "EEA", "CDC"])
    found = pair_log_perplexities(model, some)
    exact = log_perplexities(model, tokens_of(TARGET), [pair.peptide for pair in some])
    np.testing.assert_allclose(found.pseudo, exact)
    marginals = [
        np.log([model.shares[model.peptides[:, place] == "ACDE".index(letter)].sum()
                for place, letter in enumerate(pair.peptide)])
        for pair in some
    ]  # fmt: skip
    np.testing.assert_allclose(found.masked, [-each.mean() for each in marginals], atol=1e-5)


def test_letters_that_are_unknown_do_not_count(make_network):
    from genoseq.peptides.model import MaskedModel

    found = pair_log_perplexities(MaskedModel(make_network()), pairs(["AXD"]))
    assert np.isfinite(found.pseudo).all()
    assert np.isfinite(found.masked).all()


def test_a_target_that_is_too_long_is_shown_in_parts(make_network):
    from genoseq.peptides.model import MaskedModel
    from genoseq.peptides.targets import Target, windows_of

    model = MaskedModel(make_network())
    letters = "".join(np.random.default_rng(1).choice(list("ACDEFGHIK"), 1400))
    found = pair_log_perplexities(model, pairs(["ACD"], letters)).pseudo[0]
    parts = windows_of(Target("x", letters, "x"), 1022 - 3)
    assert len(parts) > 1
    costs = [log_perplexities(model, tokens_of(letters)[start:end], ["ACD"])[0] for start, end in parts]
    assert found == pytest.approx(min(costs), abs=1e-5)


def test_the_report():
    model = toy.ToyModel(3)
    some = [*pairs(["ACD", "EEA"]), *pairs(["CDC"], TARGET[::-1])]
    train = pairs(["ACDA", "AEEA", "DCD"])
    found = worth_of({"toy": pair_log_perplexities(model, some)}, train, some)
    assert (found["pairs"], found["targets"]) == (3, 2)
    names = [
        "toy",
        "toy, all masked",
        "unigram",
        "2-gram",
        "2-gram, both sides",
        "3-gram",
        "3-gram, both sides",
    ]
    assert list(found["figures"]) == names
    rival = rivals_of(train, some)["unigram"]
    own = pair_log_perplexities(model, some).pseudo
    assert found["figures"]["unigram"]["mean"][0] == pytest.approx(np.exp(rival).mean())
    assert found["figures"]["toy"]["geometric_mean"][0] == pytest.approx(np.exp(own.mean()))
    assert found["figures"]["toy"]["median"] == pytest.approx(np.median(np.exp(own)))
    assert found["against"]["unigram"]["log_difference"][0] == pytest.approx((own - rival).mean())
    assert found["against"]["unigram"]["better_on"] == pytest.approx((own < rival).mean())
    for figures in found["figures"].values():
        value, low, high = figures["mean"]
        assert low <= value <= high


def test_intervals_draw_groups():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(50), 8)
    values = rng.normal(size=50)[groups]  # members of a group are alike
    together, alone = grouped_mean(values, groups.tolist()), grouped_mean(values, range(400))
    assert together.value == alone.value == pytest.approx(values.mean())
    assert (together.high - together.low) == pytest.approx(np.sqrt(8) * (alone.high - alone.low), rel=0.15)
    expected = 2 * 1.96 * values[::8].std() / np.sqrt(50)
    assert (together.high - together.low) == pytest.approx(expected, rel=0.15)
