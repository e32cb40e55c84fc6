"""Splits: shares, strata, and that nothing is on two sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genoseq.errors import InputError, UsageError
from genoseq.sequence import encode, reverse_complement
from genoseq.supervised.splits import (
    fold_splits,
    groups_of,
    isolated_split,
    leave_one_out_splits,
    ordered_split,
    random_split,
    shuffled_split,
)

PARTS = ("train", "validation", "test")


def alone(count):
    return np.arange(count)


def test_shares_are_kept_in_every_class():
    labels = np.repeat([0, 1, 2], [1000, 100, 10])
    split = random_split(labels, alone(1110), validation=0.1, test=0.2, seed=1)
    counts = [np.bincount(labels[getattr(split, part)]).tolist() for part in PARTS]
    assert counts == [[700, 70, 7], [100, 10, 1], [200, 20, 2]]
    together = np.concatenate([getattr(split, part) for part in PARTS])
    assert sorted(together.tolist()) == list(range(1110))


def test_the_seed_decides():
    labels = np.tile([0, 1], 50)
    first, again, other = (
        random_split(labels, alone(100), validation=0.2, test=0.2, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(6, 40))
def test_groups_stay_together(seed, classes, groups):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, 300)
    label = rng.integers(0, classes, 300)
    split = random_split(label, group, validation=0.1, test=0.2, seed=seed)
    sides = [set(group[getattr(split, part)]) for part in PARTS]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert all(set(label[getattr(split, part)]) == set(label) for part in PARTS)
    # as near to the shares as whole groups allow
    largest = np.bincount(group).max()
    assert abs(len(split.test) - 60) <= largest


def test_each_class_is_in_each_part_even_of_few():
    labels = np.repeat([0, 1], [3, 30])
    split = random_split(labels, alone(33), validation=0.1, test=0.1, seed=3)
    assert [np.count_nonzero(labels[getattr(split, part)] == 0) for part in PARTS] == [1, 1, 1]


def test_folds_test_each_once():
    labels = np.repeat([0, 1], [40, 20])
    groups = np.arange(60) // 2
    splits = list(fold_splits(labels, groups, 5, validation=0.25, seed=1))
    assert sorted(np.concatenate([split.test for split in splits]).tolist()) == list(range(60))
    for split in splits:
        parts = [getattr(split, part) for part in PARTS]
        assert [len(part) for part in parts] == [36, 12, 12]
        assert len(set(groups[parts[0]]) | set(groups[parts[1]]) | set(groups[parts[2]])) == 30
        assert np.bincount(labels[split.test]).tolist() == [8, 4]


def test_what_is_too_few_is_named():
    labels = np.repeat([0, 1], [30, 2])
    with pytest.raises(InputError, match=r"3 parts that share nothing .* class small has 2"):
        random_split(labels, alone(32), validation=0.1, test=0.1, seed=1, classes=("large", "small"))
    with pytest.raises(InputError, match=r"5 parts .* class 1 has 2"):
        next(fold_splits(labels, alone(32), 5, validation=0.1, seed=1))
    with pytest.raises(InputError, match="class 0 has 1"):
        random_split(np.repeat([0, 1], 9), np.repeat([0, 1], 9), validation=0.1, test=0.1, seed=1)


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.1, 1.0)])
def test_shares_that_are_none(validation, test):
    with pytest.raises(UsageError, match="shares of 0 to 1"):
        random_split(np.repeat([0, 1], 9), alone(18), validation=validation, test=test, seed=1)


def test_one_fold_is_none():
    with pytest.raises(UsageError, match="1 folds"):
        next(fold_splits(np.repeat([0, 1], 9), alone(18), 1, validation=0.1, seed=1))


def test_both_strands_of_a_sequence_are_one_group():
    rng = np.random.default_rng(5)
    sequences = [rng.integers(0, 4, 30).astype(np.uint8) for _ in range(4)]
    copies = [reverse_complement(sequences[0]), sequences[1].copy(), sequences[2][:-1]]
    assert groups_of(sequences + copies).tolist() == [0, 1, 2, 3, 0, 1, 4]


def test_names_and_copies_link():
    """a-b share a name, b-c the sequence: a, b and c are one group."""
    codes = [encode(text) for text in ("AAAC", "CCCA", "TGGG", "ACGT")]
    assert groups_of(codes, ["x", "x", "y", "z"]).tolist() == [0, 0, 0, 1]
    assert groups_of([]).tolist() == []


def test_shuffled_takes_a_share_of_each_stratum():
    strata = np.repeat([0, 1, 2], [1682, 4380, 820])
    split = shuffled_split(strata, test=0.2, seed=0)
    assert np.bincount(strata[split.test]).tolist() == [336, 876, 164]
    assert sorted([*split.train, *split.test]) == list(range(len(strata)))
    assert len(split.validation) == 0
    # the draw of benchmarks/ncd/paper.py
    rng = np.random.default_rng(0)
    orders = [rng.permutation(np.flatnonzero(strata == number)) for number in range(3)]
    assert split.test.tolist() == sorted(np.concatenate([order[: len(order) // 5] for order in orders]))
    with pytest.raises(UsageError, match="share above 0"):
        shuffled_split(strata, test=1.0, seed=0)


def test_ordered_learns_from_the_first_of_a_random_order():
    split = ordered_split(820, 656, seed=2)
    order = np.random.default_rng(2).permutation(820)
    assert (split.train.tolist(), split.test.tolist()) == (sorted(order[:656]), sorted(order[656:]))
    with pytest.raises(UsageError, match="820 of 820"):
        ordered_split(820, 820, seed=0)


def test_isolated_learns_nothing_that_is_in_the_test():
    labels, groups = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 1, 2, 3, 0, 4])
    split = isolated_split(labels, groups, np.array([3, 0, 2, 1]), np.array([5, 4]))
    assert (split.train.tolist(), split.test.tolist()) == ([1, 2, 3], [4, 5])
    with pytest.raises(InputError, match="class b is in the test"):
        isolated_split(labels, groups, np.array([0, 2]), np.array([5]), classes=("a", "b"))
    with pytest.raises(InputError, match="left to learn from"):
        isolated_split(labels, groups, np.array([0]), np.array([4]))
    with pytest.raises(InputError, match="left to judge by"):
        isolated_split(labels, groups, np.array([0]), np.array([], np.int64))


def test_each_name_is_left_out_once():
    names = ["dog", "cat", "dog", "cat", "ape", "ape"]
    found = dict(leave_one_out_splits(np.array([0, 1, 1, 0, 0, 1]), alone(6), names))
    assert {name: split.test.tolist() for name, split in found.items()} == {
        "ape": [4, 5],
        "cat": [1, 3],
        "dog": [0, 2],
    }
    assert found["cat"].train.tolist() == [0, 2, 4, 5]
