"""Runs: seeds, folds, parts that are given, and what is in more than one of these."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io.labelled import Labelled
from genoseq.sequence import reverse_complement
from genoseq.supervised.runs import group_runs, joined, planned_runs, with_homologs


def made(count, seed, source="train.tsv", classes=("a", "b")):
    rng = np.random.default_rng(seed)
    codes = list(rng.integers(0, 4, (count, 40)).astype(np.uint8))
    labels = [classes[i % len(classes)] for i in range(count)]
    return Labelled(source, codes, labels, [f"{source}:{i}" for i in range(count)])


def plan(*parts, **options):
    data, places = joined(*parts)
    return data, planned_runs(data, places, ("a", "b"), **{"seed": 1, **options})


def test_seeds_draw_anew():
    _, runs = plan(made(100, 1), seeds=3)
    assert [(run.name, run.seed) for run in runs] == [("seed 1", 1), ("seed 2", 2), ("seed 3", 3)]
    assert [len(part) for part in (runs[0].split.train, runs[0].split.validation, runs[0].split.test)] == [
        70,
        10,
        20,
    ]
    assert not np.array_equal(runs[0].split.test, runs[1].split.test)


def test_folds():
    _, runs = plan(made(60, 1), folds=3, seeds=2, validation=0.25)
    assert [run.name for run in runs][:4] == [
        "seed 1, fold 1",
        "seed 1, fold 2",
        "seed 1, fold 3",
        "seed 2, fold 1",
    ]
    for three in (runs[:3], runs[3:]):
        assert sorted(np.concatenate([run.split.test for run in three]).tolist()) == list(range(60))


def test_given_parts_stay_what_they_are():
    data, runs = plan(made(40, 1), made(10, 2, "v.tsv"), made(20, 3, "t.tsv"), seeds=2)
    for run in runs:
        assert [data.names[i].split(":")[0] for i in run.split.validation] == ["v.tsv"] * 10
        assert [data.names[i].split(":")[0] for i in run.split.test] == ["t.tsv"] * 20
        assert len(run.split.train) == 40
    _, runs = plan(made(40, 1), None, made(20, 3, "t.tsv"))
    assert [len(runs[0].split.train), len(runs[0].split.validation)] == [36, 4]
    _, runs = plan(made(40, 1), made(10, 3, "v.tsv"))
    assert [len(runs[0].split.train), len(runs[0].split.test)] == [32, 8]


def test_what_is_in_the_test_is_not_trained():
    train, validation, test = made(40, 1), made(10, 2, "v.tsv"), made(20, 3, "t.tsv")
    train.codes[0] = reverse_complement(test.codes[0])
    train.codes[2] = validation.codes[2].copy()
    validation.codes[4] = test.codes[4].copy()
    with pytest.warns(
        GenoseqWarning,
        match=r"3 sequences are also in the file of .* left out of the training and validation",
    ):
        data, runs = plan(train, validation, test)
    split = runs[0].split
    assert [len(split.train), len(split.validation), len(split.test)] == [38, 9, 20]
    texts = [{data.codes[i].tobytes() for i in part} for part in (split.train, split.validation, split.test)]
    texts[2] |= {reverse_complement(data.codes[i]).tobytes() for i in split.test}
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]


def test_copies_and_groups_are_on_one_side():
    data = made(60, 1)
    for i in range(0, 20, 2):
        data.codes[i + 20] = reverse_complement(data.codes[i])
    _, runs = plan(data, seeds=5)
    for run in runs:
        side = {
            int(i): number
            for number, part in enumerate((run.split.train, run.split.validation, run.split.test))
            for i in part
        }
        assert all(side[i] == side[i + 20] for i in range(0, 20, 2))


def test_contradictions_are_told():
    data = made(60, 1)
    data.codes[1] = data.codes[0].copy()
    with pytest.warns(GenoseqWarning, match="1 sequence occurs with more than one label"):
        plan(data)
    data = made(60, 1)
    data.groups = [str(i // 4) for i in range(60)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan(data)  # groups of several classes are no contradiction


def test_groups_of_one_file_only():
    train = made(40, 1)
    train.groups = [str(i // 4) for i in range(40)]
    whole, _ = joined(train, None, made(10, 2, "t.tsv"))
    assert len(set(whole.groups)) == 20


def test_what_is_refused():
    with pytest.raises(InputError, match=r"t\.tsv: t\.tsv:2 is of class 'c'"):
        joined(made(10, 1), None, made(6, 2, "t.tsv", ("a", "b", "c")))
    with pytest.raises(InputError, match=r"v\.tsv: no sequences"):
        joined(made(10, 1), Labelled("v.tsv"))
    with pytest.raises(UsageError, match="folds are parts of the training sequences"):
        plan(made(40, 1), made(10, 2, "v.tsv"), folds=3)
    with pytest.raises(InputError, match=r"20 parts .* class a has 15"):
        plan(made(30, 1), folds=20)


def test_relatives_stay_together_in_folds():
    rng = np.random.default_rng(3)
    codes, labels = [], []
    for family in range(12):
        ancestor = rng.integers(0, 4, 200).astype(np.uint8)
        for _ in range(4):
            child = ancestor.copy()
            child[rng.integers(0, 200, 6)] = rng.integers(0, 4, 6)
            codes.append(child)
            labels.append("ab"[family % 2])
    data = Labelled("x.tsv", codes, labels, [str(i) for i in range(48)])
    whole, places = joined(with_homologs(data))
    runs = planned_runs(whole, places, data.classes, seed=1, folds=3, validation=0)
    assert sorted(np.concatenate([run.split.test for run in runs]).tolist()) == list(range(48))
    for run in runs:
        assert not set(run.split.test // 4) & set(run.split.train // 4)
    data.groups = [str(number // 8) for number in range(48)]  # two families each
    assert [int(group) for group in with_homologs(data).groups] == [number // 8 for number in range(48)]


def test_groups_are_left_out_one_by_one_with_their_twins():
    data = made(40, 4)
    data.groups = [("cow", "ant", "bee", "bee")[i // 10] for i in range(40)]
    data.codes[0] = reverse_complement(data.codes[30])
    runs = group_runs(data, data.classes, seed=5)
    assert [run.name for run in runs] == ["without ant", "without bee", "without cow"]
    assert [len(run.split.test) for run in runs] == [10, 20, 10]
    assert 0 not in runs[1].split.train
    assert [len(run.split.train) for run in runs] == [30, 19, 29]  # and 30 is not learned for 0


def test_groups_that_cannot_be_left_out():
    data = made(20, 5)
    with pytest.raises(UsageError, match="no groups to leave out"):
        group_runs(data, data.classes, seed=1)
    data.groups = ["one"] * 20
    with pytest.raises(InputError, match=r"1 group; .* at least two"):
        group_runs(data, data.classes, seed=1)
    data.groups = ["ab"[i % 2] for i in range(20)]  # of each class one
    with pytest.raises(InputError, match="group a left out: class a is in the test"):
        group_runs(data, data.classes, seed=1)


def test_relatives_of_proteins_by_their_own_words():
    rng = np.random.default_rng(6)
    codes = [rng.integers(0, 20, 60).astype(np.uint8) for _ in range(3)]
    codes.append(codes[1][10:50].copy())
    data = Labelled("x.tsv", codes, list("abab"), list("wxyz"), alphabet="protein")
    assert with_homologs(data).groups == ["0", "1", "2", "1"]
    assert with_homologs(data).alphabet == "protein"
