"""Markov models: against counting in dictionaries, and against what the entropy of a source allows."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.ncd.cost import known_bases
from genoseq.ncd.markov import LONGEST, MarkovModel
from genoseq.sequence import encode, reverse_complement


class Naive:
    """Counts in dictionaries, contexts as tuples, the formula of the module as it stands."""

    def __init__(self, sequences, order, prior):
        self.order, self.prior = order, prior
        self.counts = defaultdict(int)
        for sequence in sequences:
            for context, base in self.contexts(sequence):
                for length in range(len(context) + 1):
                    self.counts[context[len(context) - length :], base] += 1

    def contexts(self, sequence):
        for i, base in enumerate(sequence.tolist()):
            before = sequence[max(0, i - self.order) : i].tolist()
            while 4 in before:
                before.pop(0)
            if base < 4:
                yield tuple(before), base

    def probability(self, context, base):
        shorter = self.probability(context[1:], base) if context else 0.25
        total = sum(self.counts[context, x] for x in range(4))
        return (self.counts[context, base] + self.prior * shorter) / (total + self.prior)


@pytest.mark.parametrize("order", [0, 1, 3, 5])
@pytest.mark.parametrize("both_strands", [False, True])
def test_equals_counting_in_dictionaries(order, both_strands, bases):
    training = [bases(seed, 300, unknown=0.03) for seed in range(3)]
    model = MarkovModel.fit(training, order, prior=3.5, both_strands=both_strands)
    if both_strands:
        training += [reverse_complement(codes) for codes in training]
    naive = Naive(training, order, 3.5)
    query = bases(9, 200, unknown=0.05)
    expected = [-np.log2(naive.probability(context, base)) for context, base in naive.contexts(query)]
    np.testing.assert_allclose(model.costs(query)[query < 4], expected, rtol=1e-5)
    assert np.isclose(model.bits(query), sum(expected))


def test_probabilities_add_up_to_one_and_give_the_costs(bases):
    model = MarkovModel.fit([bases(1, 2000)], 4)
    query = bases(2, 500, unknown=0.05)
    distributions = model.probabilities(query)
    np.testing.assert_allclose(distributions.sum(1), 1, atol=1e-6)
    known = query < 4
    assert (distributions[~known] == 0.25).all()
    picked = distributions[known, query[known]]
    np.testing.assert_allclose(model.costs(query)[known], -np.log2(picked), rtol=1e-5)
    assert (model.costs(query)[~known] == 0).all()


def test_a_model_holds_those_of_lower_orders(bases):
    training = [bases(1, 3), bases(2, 900, unknown=0.02)]
    model = MarkovModel.fit(training, 6)
    for order in range(7):
        assert np.array_equal(model.shorter(order).table, MarkovModel.fit(training, order).table)
    with pytest.raises(UsageError, match=r"this model has 0\.\.6"):
        model.shorter(7)


def test_both_strands_cost_the_same_where_both_are_counted(bases):
    model = MarkovModel.fit([bases(1, 5000)], 3)
    query = bases(2, 2000)
    there, back = model.bits(query), model.bits(reverse_complement(query))
    assert abs(there - back) < 3  # bits of 2000 bases: only the first three differ
    one = MarkovModel.fit([bases(1, 5000)], 3, both_strands=False)
    assert one.bits(reverse_complement(query)) - one.bits(query) > 100


def test_counting_a_strand_by_hand_is_the_same(bases):
    codes = bases(5, 700, unknown=0.01)
    by_hand = MarkovModel.fit([codes, reverse_complement(codes)], 5, both_strands=False)
    assert np.array_equal(MarkovModel.fit([codes], 5).table, by_hand.table)


def test_no_model_beats_the_entropy_of_the_source(markov_chain):
    rng = np.random.default_rng(3)
    transitions = rng.dirichlet([0.5] * 4, 16)
    training, held_out = markov_chain(1, 100_000, transitions), markov_chain(2, 50_000, transitions)
    contexts = held_out[:-2].astype(int) * 4 + held_out[1:-1]
    entropy = -np.log2(transitions[contexts, held_out[2:]]).mean()
    costs = [
        MarkovModel.fit([training], order, both_strands=False).bits_per_base([held_out]) for order in range(7)
    ]
    assert costs[0] > costs[1] > costs[2]
    assert all(cost > entropy - 1e-3 for cost in costs)
    assert costs[2] < entropy + 0.01  # the right order finds it


def test_unknown_bases_break_the_context():
    model = MarkovModel.fit([encode("ACGT" * 100)], 4)
    pieces = [encode("ACGTACG"), encode("GTACGTA")]
    broken = np.concatenate([pieces[0], encode("NRY-"), pieces[1]])
    assert np.isclose(model.bits(broken), sum(model.bits(piece) for piece in pieces))
    assert np.isclose(model.bits_per_base([broken]), model.bits_per_base(pieces))
    assert known_bases(broken) == 14


def test_nothing_seen_is_two_bits_a_base():
    model = MarkovModel.fit([], 3)
    assert model.bits_per_base([encode("ACGTTGCA")]) == 2
    assert model.costs(np.empty(0, np.uint8)).shape == (0,)


@pytest.mark.parametrize(("order", "prior"), [(-1, 1.0), (LONGEST + 1, 1.0), (2, 0.0), (2, float("nan"))])
def test_parameters_out_of_range(order, prior):
    with pytest.raises(UsageError, match=f"is {order}|is {prior}"):
        MarkovModel.fit([], order, prior=prior)


def test_bad_sequences():
    model = MarkovModel.fit([], 1)
    with pytest.raises(UsageError, match="base codes"):
        model.bits(np.zeros(4, np.int64))
    with pytest.raises(UsageError, match=r"shape \(2, 2\)"):
        MarkovModel.fit([np.zeros((2, 2), np.uint8)], 1)
    with pytest.raises(InputError, match="no base is known"):
        model.bits_per_base([encode("NNN")])
