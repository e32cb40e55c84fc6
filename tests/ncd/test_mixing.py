"""The mixing model as a model: what it learns, what it does not change, what it says of random bases."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.ncd.markov import MarkovModel
from genoseq.ncd.mixing import BEST, FAST, MixingModel, MixingParameters
from genoseq.sequence import reverse_complement

SMALL = MixingParameters(
    orders=((2, 4095), (4, 4095), (8, 4095)),
    local=((1, 60), (5, 16)),
    patterns=((12, 0, 0), (0, 4, 8)),
    seeds=(16, 11),
    table_bits=16,
)
NOTHING = np.empty(0, np.uint8)


def random_bases(seed, length):
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


def arrays(model):
    return [array for part in model._state for array in part] + [model._text]


def test_distributions_add_up_to_one_and_give_the_costs(bases):
    model = MixingModel.fit([bases(1, 3000)], SMALL)
    query = bases(2, 800, unknown=0.02)
    distributions = model.probabilities(query)
    np.testing.assert_allclose(distributions.sum(1), 1, atol=1e-5)
    known = query < 4
    expected = -np.log2(distributions[known, query[known]])
    np.testing.assert_allclose(model.costs(query)[known], expected, atol=1e-5)
    assert (distributions[~known] == 0.25).all()
    assert (model.costs(query)[~known] == 0).all()
    assert np.isclose(model.bits(query), model.costs(query).sum(dtype=float))


def test_scoring_changes_nothing(bases):
    model = MixingModel.fit([bases(1, 3000, unknown=0.01), bases(2, 40)], SMALL)
    before = [array.copy() for array in arrays(model)]
    query = np.concatenate([bases(3, 500), bases(1, 3000)])
    first = model.costs(query)
    model.probabilities(query)
    model.bits_per_base([query, query])
    for array, then in zip(arrays(model), before, strict=True):
        assert np.array_equal(array, then)
    assert np.array_equal(model.costs(query), first)


@pytest.mark.parametrize(
    "parameters", [SMALL, FAST.sized(50_000), BEST.sized(50_000)], ids=["small", "fast", "best"]
)
def test_what_was_seen_costs_next_to_nothing_on_either_strand(parameters):
    first, other = random_bases(1, 40_000), random_bases(2, 4000)
    model = MixingModel(parameters)
    alone = model.learn(first)
    assert 1.99 < alone.mean() < 2.06
    known = first[20_000:24_000]
    for query in (known, reverse_complement(known)):
        assert model.costs(query)[30:].mean() < 0.05
        again = model.copy().learn(query)
        assert again[30:].mean() < 0.05
    assert 1.99 < model.costs(other).mean() < 2.06


def test_substitutions_cost_themselves():
    """A copy with 2 % of other bases: a substitution costs some 6 bits to place and 1 to 2 to name."""
    rng = np.random.default_rng(5)
    first = random_bases(1, 40_000)
    model = MixingModel.fit([first], SMALL)
    model.learn(np.where(rng.random(first.size) < 0.02, random_bases(6, first.size), first).astype(np.uint8))
    changed = np.where(rng.random(first.size) < 0.02, random_bases(7, first.size), first).astype(np.uint8)
    assert model.costs(changed).mean() < 0.3


def test_one_strand_knows_nothing_of_the_other():
    first = random_bases(1, 20_000)
    model = MixingModel.fit([first], replace(SMALL, both_strands=False))
    assert model.costs(first).mean() < 0.05
    assert model.costs(reverse_complement(first)).mean() > 1.98


def test_an_unknown_base_begins_anew():
    """What follows it costs as much as at the beginning but for the weights, which are as they were."""
    first = random_bases(1, 5000)
    model = MixingModel.fit([first], SMALL)
    part = first[1000:1200]
    joined = np.concatenate([part[:100], [4], part[100:]]).astype(np.uint8)
    costs = model.costs(joined)
    assert costs[100] == 0
    assert model.costs(part)[100:110].sum() < 1
    assert costs[101:111].sum() > 15
    assert (model.costs(np.full(50, 4, np.uint8)) == 0).all()


def test_learning_in_parts_is_learning_from_all(bases):
    """A sequence on its own, or others before it: the counts of both are there."""
    whole, parts = bases(1, 3000, unknown=0.01), [bases(2, 500), NOTHING, bases(3, 7)]
    one = MixingModel.fit([whole, *parts], SMALL)
    two = MixingModel(SMALL)
    for sequence in (whole, *parts):
        two.learn(sequence)
    assert one.bits(whole) == two.bits(whole)
    three = two.copy()
    three.learn(bases(4, 2000))
    assert two.bits(whole) == one.bits(whole) != three.bits(whole)


def test_nothing_costs_nothing():
    model = MixingModel(SMALL)
    assert model.learn(NOTHING).shape == model.costs(NOTHING).shape == (0,)
    assert model.probabilities(NOTHING).shape == (0, 4)
    assert model.bits(NOTHING) == 0
    fresh = MixingModel(replace(SMALL, local=())).costs(random_bases(1, 30))
    np.testing.assert_allclose(fresh, 2, atol=1e-5)


def test_local_contexts_follow_a_sequence_that_is_only_scored():
    training = random_bases(1, 10_000)
    query = np.resize(np.array([0, 0, 1, 0, 3], np.uint8), 1000)
    model, without = (MixingModel.fit([training], p) for p in (SMALL, replace(SMALL, local=())))
    assert model.costs(query)[500:].mean() < 0.5
    assert without.costs(query)[500:].mean() > 1
    assert model.costs(reverse_complement(query))[:20].mean() > 1.5  # nothing of it stays


def test_beats_a_markov_model_where_bases_repeat(bases):
    """Mosaics of the same pieces, 5 % of their bases changed, on both strands."""
    rng = np.random.default_rng(8)
    pieces = [bases(seed, 300) for seed in range(20)]

    def mosaic(number):
        parts = []
        for _ in range(number):
            piece = pieces[rng.integers(20)]
            piece = np.where(rng.random(300) < 0.05, random_bases(rng.integers(1 << 30), 300), piece)
            parts.append(piece if rng.random() < 0.5 else reverse_complement(piece.astype(np.uint8)))
        return np.concatenate(parts).astype(np.uint8)

    training, held_out = mosaic(200), mosaic(40)
    best = min(MarkovModel.fit([training], order).bits(held_out) for order in (6, 8, 10))
    assert MixingModel.fit([training], SMALL).bits(held_out) < 0.8 * best


def test_threads_share_a_model(bases):
    model = MixingModel.fit([bases(1, 20_000)], SMALL)
    queries = [bases(seed, 5000) for seed in range(2, 6)]
    expected = [model.bits(query) for query in queries]
    found = [0.0] * 4

    def score(i):
        found[i] = model.bits(queries[i])

    threads = [Thread(target=score, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_tables_are_made_for_the_bases():
    assert [SMALL.sized(n).table_bits for n in (0, 1 << 16, 1 << 20, (1 << 20) + 1, 1 << 40)] == [
        16,
        16,
        20,
        21,
        30,
    ]
    small, large = MixingModel(replace(SMALL, table_bits=17)), MixingModel(replace(SMALL, table_bits=18))
    # (12, 0, 0), (0, 4, 8), 16 and 11 bases: a table of 2**17 cells each; that of 8 bases cannot grow so far
    assert large.nbytes - small.nbytes == (3 << 17) * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"orders": ((0, 9),)}, "an order of 0 bases"),
        ({"orders": ((13, 9),)}, "1..12 and 2..4095"),
        ({"orders": ((3, 1),)}, "counts up to 1;"),
        ({"orders": ((3, 4096),)}, "counts up to 4096;"),
        ({"local": ((10, 9),)}, "1..9 and 2..4095"),
        ({"patterns": ((-1, 0, 9),)}, "a pattern of"),
        ({"patterns": ((0, 3, 0),)}, "a pattern of"),
        ({"patterns": ((20, 4, 8),)}, "1..31 in all"),
        ({"seeds": (3,)}, "a seed of 3 bases"),
        ({"seeds": (32,)}, "4..31 are possible"),
        ({"table_bits": 15}, "15 table bits"),
        ({"table_bits": 31}, "16..30"),
        ({"nodes": -1}, "-1 nodes"),
        ({"nodes": 257}, r"0\.\.256"),
    ],
)
def test_parameters_out_of_range(changes, message):
    with pytest.raises(UsageError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(
    "text",
    ["ACGT", np.array(["A"]), np.frombuffer(b"ACGT", np.uint8), np.zeros((2, 2), np.uint8), np.zeros(3)],
)
def test_text_must_be_encoded(text):
    model = MixingModel(SMALL)
    for method in (model.learn, model.costs, model.probabilities):
        with pytest.raises(UsageError, match="base code"):
            method(text)
    assert model.bits(random_bases(1, 100)) == MixingModel(SMALL).bits(random_bases(1, 100))
