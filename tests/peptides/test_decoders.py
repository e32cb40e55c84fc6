"""Decoders on a model whose distribution is known: what they draw is what they should."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.peptides.decoders import Diverse, Gibbs, Guided, Independent, Iterative, Task
from genoseq.peptides.guide import Guide
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.template import Template
from genoseq.peptides.tokens import tokens_of
from genoseq.protein import AMINO_ACIDS

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

TARGET = tokens_of("MKVLAAGW")
GUIDE = Guide.fit(["ACACAD"], ["EEEEDE"])
ALL = [Independent(), Iterative(), Gibbs(1), Gibbs(2, Iterative()), Diverse(), Diverse(3), Guided(GUIDE)]


def named(decoder):
    return type(decoder).__name__


def distribution(peptides, length):
    found = Counter(map(tuple, peptides.tolist()))
    model = toy.ToyModel(length)
    return np.array([found[tuple(each)] for each in model.peptides.tolist()]) / len(peptides)


def distance(one, other):
    """Total variation."""
    return 0.5 * np.abs(one - other).sum()


@pytest.mark.parametrize("decoder", ALL, ids=named)
def test_protocol(decoder):
    model = toy.ToyModel(5)
    task = Task(TARGET, Template.parse("?[CD]?A[^C]"), Sampling())
    found = decoder.sample(model, task, 7, np.random.default_rng(1))
    assert found.shape == (7, 5)
    for row in found:
        assert task.template.fits("".join(AMINO_ACIDS[code] for code in row))
        assert row.max() < toy.LETTERS  # what has no probability is not drawn
    again = decoder.sample(model, task, 7, np.random.default_rng(1))
    np.testing.assert_array_equal(found, again)
    other = decoder.sample(model, task, 7, np.random.default_rng(2))
    assert (found != other).any()


@pytest.mark.parametrize("decoder", ALL, ids=named)
def test_a_fixed_peptide_is_given_back(decoder):
    found = decoder.sample(toy.ToyModel(3), Task(TARGET, Template.parse("CAD")), 2, np.random.default_rng(1))
    assert found.tolist() == [[1, 0, 2]] * 2


def test_iterative_draws_the_joint_distribution_and_independent_the_marginals():
    model, count = toy.ToyModel(3), 6000
    task = Task(TARGET, Template.of_length(3))
    iterative = distribution(Iterative().sample(model, task, count, np.random.default_rng(1)), 3)
    gibbs = distribution(Gibbs(6).sample(model, task, count, np.random.default_rng(1)), 3)
    independent = distribution(Independent().sample(model, task, count, np.random.default_rng(1)), 3)
    marginals = np.array(
        [[model.shares[model.peptides[:, i] == letter].sum() for letter in range(4)] for i in range(3)]
    )
    product = marginals[np.arange(3), model.peptides].prod(1)
    noise = 0.05
    assert distance(iterative, model.shares) < noise
    assert distance(gibbs, model.shares) < noise
    assert distance(independent, product) < noise
    assert distance(product, model.shares) > 3 * noise  # else nothing was tested


def test_looks_are_shared():
    model = toy.ToyModel(4)
    Independent().sample(model, Task(TARGET, Template.of_length(4)), 500, np.random.default_rng(1))
    assert model.looks == 1
    cold = Task(TARGET, Template.of_length(4), Sampling(temperature=0))
    model.looks = 0
    Iterative(wander=0).sample(model, cold, 500, np.random.default_rng(1))
    assert model.looks == 4


def test_the_most_probable_letters_at_no_temperature():
    model = toy.ToyModel(4)
    cold = Task(TARGET, Template.of_length(4), Sampling(temperature=0))
    marginals = [
        [model.shares[model.peptides[:, i] == letter].sum() for letter in range(4)] for i in range(4)
    ]
    found = Independent().sample(model, cold, 2, np.random.default_rng(1))
    assert found.tolist() == [[int(np.argmax(each)) for each in marginals]] * 2
    beam = Diverse(groups=1).sample(model, cold, 64, np.random.default_rng(1))  # wide enough to be exact
    best = model.peptides[np.argsort(-model.shares)[0]]
    assert beam[0].tolist() == best.tolist()
    assert len({tuple(row) for row in beam.tolist()}) == 64


def test_groups_keep_away_from_each_other():
    model = toy.ToyModel(4)
    cold = Task(TARGET, Template.of_length(4), Sampling(temperature=0))

    def same(found):
        pairs = [(found[i] == found[j]).mean() for i in range(4) for j in range(i)]
        return np.mean(pairs)

    far = Diverse(penalty=3).sample(model, cold, 4, np.random.default_rng(1))
    near = Diverse(penalty=0).sample(model, cold, 4, np.random.default_rng(1))
    assert same(near) == 1
    assert same(far) < 0.35


def test_a_guide_leads_to_what_is_wanted():
    model = toy.ToyModel(4)
    task = Task(TARGET, Template.of_length(4))

    def wanted(decoder):
        found = decoder.sample(model, task, 400, np.random.default_rng(1))
        texts = ["".join(AMINO_ACIDS[code] for code in row) for row in found]
        return GUIDE.probability(texts).mean()

    weak, strong = wanted(Guided(GUIDE, strength=0)), wanted(Guided(GUIDE, strength=8))
    assert strong > weak + 0.15
    plain = Iterative().sample(model, task, 400, np.random.default_rng(1))
    same = Guided(GUIDE, strength=0).sample(model, task, 400, np.random.default_rng(1))
    np.testing.assert_array_equal(plain, same)


def test_odds_of_a_guide_by_hand():
    guide = Guide.fit(["AAC"], ["CCCX"])
    assert guide.odds[0] == pytest.approx(np.log(3 / 23) - np.log(1 / 23))
    assert guide.odds[1] == pytest.approx(np.log(2 / 23) - np.log(4 / 23))
    assert guide.probability(["A", "C"])[0] > 0.5 > guide.probability(["A", "C"])[1]
    logs = guide.log_wanted(np.array([[0, -1]]))
    assert logs[0, 0] == pytest.approx(-np.log1p(np.exp(-2 * guide.odds[0])))
    with pytest.raises(InputError, match="no unwanted peptides"):
        Guide.fit(["A"], [])


@pytest.mark.parametrize("make", [lambda: Gibbs(0), lambda: Diverse(0), lambda: Diverse(penalty=-1)])
def test_what_makes_no_sense(make):
    with pytest.raises(UsageError):
        make()
