"""Classifiers side by side: what is pooled, what is told, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier

from genoseq.errors import InputError, MissingDependencyError, UsageError
from genoseq.supervised.comparison import compare
from genoseq.supervised.runs import Run
from genoseq.supervised.splits import Split, fold_splits, shuffled_split


class FirstLetter(ClassifierMixin, BaseEstimator):
    """The class that most training sequences with the same first letter have; it notes what it saw."""

    def __init__(self, other=None, failure=None):
        self.other = other
        self.failure = failure

    def fit(self, X, y):
        if self.failure is not None:
            raise self.failure
        self.classes_ = np.unique(y)
        self.answers_ = {}
        for letter in {text[0] for text in X}:
            own = [label for text, label in zip(X, y, strict=True) if text[0] == letter]
            self.answers_[letter] = max(sorted(set(own)), key=own.count)
        return self

    def predict(self, X):
        return np.array([self.other or self.answers_.get(text[0], self.classes_[0]) for text in X])


def data(count=60, seed=1):
    rng = np.random.default_rng(seed)
    labels = rng.choice(["x", "y", "z"], count)
    texts = ["ACG"["xyz".index(label)] if rng.random() < 0.7 else "ACG"[rng.integers(3)] for label in labels]
    return [f"{text}{number}" for number, text in enumerate(texts)], labels


def folds(labels, count=4):
    _, numbers = np.unique(labels, return_inverse=True)
    splits = fold_splits(numbers, np.arange(len(labels)), count, validation=0, seed=1)
    return [Run(f"fold {i + 1}", 1, split) for i, split in enumerate(splits)]


def test_folds_are_pooled():
    texts, labels = data()
    runs, told = folds(labels), []
    methods = {"letter": FirstLetter(), "majority": DummyClassifier(strategy="most_frequent")}
    found = compare(methods, texts, labels, runs, progress=told.append)
    assert sum(told) == 120
    predicted = np.empty(60, labels.dtype)
    shares = []
    for run in runs:
        learned = [texts[i] for i in run.split.train]
        model = FirstLetter().fit(learned, labels[run.split.train])
        predicted[run.split.test] = model.predict([texts[i] for i in run.split.test])
        shares.append((predicted[run.split.test] == labels[run.split.test]).mean())
    letter = found.of("letter")
    assert letter.accuracies == pytest.approx(shares)
    assert letter.metrics.accuracy.value == pytest.approx((predicted == labels).mean())
    for row, true in enumerate("xyz"):
        for column, answer in enumerate("xyz"):
            assert letter.metrics.confusion[row, column] == ((labels == true) & (predicted == answer)).sum()
    assert found.classes == ("x", "y", "z")
    assert found.sizes == tuple((len(run.split.train), len(run.split.test)) for run in runs)
    assert found.of("majority").metrics.accuracy.value < letter.metrics.accuracy.value
    assert "answers_" not in vars(methods["letter"])  # copies learned


def test_the_interval_counts_a_sequence_once():
    texts, labels = data(100)
    same = shuffled_split(np.zeros(100, np.int64), test=0.3, seed=1)
    once = compare({"a": FirstLetter()}, texts, labels, [Run("1", 1, same)])
    thrice = compare({"a": FirstLetter()}, texts, labels, [Run(str(i), i, same) for i in range(3)])
    assert thrice.of("a").metrics.accuracy == once.of("a").metrics.accuracy
    assert thrice.of("a").metrics.confusion.sum() == 90


def test_table_and_json():
    texts, labels = data()
    found = compare({"letter": FirstLetter()}, texts, labels, folds(labels, 2))
    columns, rows = found.table()
    assert columns[0] == "method"
    assert columns[-2:] == ["fold 1", "fold 2"]
    assert [len(row) for row in rows] == [len(columns)]
    assert rows[0][1] == str(found.of("letter").metrics.accuracy)
    lines = found.markdown().splitlines()
    assert len(lines) == 3
    assert {line.count("|") for line in lines} == {len(columns) + 1}
    values = json.loads(json.dumps(found.to_dict()))
    assert values["splits"][0] == {"split": "fold 1", "train": found.sizes[0][0], "test": found.sizes[0][1]}
    assert values["methods"][0]["confusion"] == found.of("letter").metrics.confusion.tolist()
    assert values["methods"][0]["query_cpu_seconds"] >= 0


def test_numbers_are_labels_too():
    texts, labels = data()
    numbers = np.array(["xyz".index(label) for label in labels]) * 10
    found = compare({"a": FirstLetter()}, texts, numbers, folds(labels))
    assert found.classes == ("0", "10", "20")
    assert found.of("a").metrics.accuracy == (
        compare({"a": FirstLetter()}, texts, labels, folds(labels)).of("a").metrics.accuracy
    )


def test_the_test_is_asked_for_once_and_the_validation_never():
    texts, labels = data(30)
    numbers = np.arange(30)
    split = Split(numbers[:15], numbers[15:25], numbers[25:])
    seen = []

    class Noting(FirstLetter):
        def fit(self, X, y):
            seen.append(("fit", list(X)))
            return super().fit(X, y)

        def predict(self, X):
            seen.append(("predict", list(X)))
            return super().predict(X)

    compare({"a": Noting()}, texts, labels, [Run("1", 1, split)])
    assert seen == [("fit", texts[:15]), ("predict", texts[25:])]


def test_bad_input():
    texts, labels = data()
    runs = folds(labels)
    with pytest.raises(UsageError, match="0 methods on 4 splits"):
        compare({}, texts, labels, runs)
    with pytest.raises(UsageError, match="60 sequences and 59 labels"):
        compare({"a": FirstLetter()}, texts, labels[1:], runs)
    with pytest.raises(InputError, match="1 class;"):
        compare({"a": FirstLetter()}, texts, ["x"] * 60, runs)
    with pytest.raises(UsageError, match="a, fold 1: predicted 'none', which is no class"):
        compare({"a": FirstLetter(other="none")}, texts, labels, runs)
    with pytest.raises(InputError, match="b, fold 1: too short"):
        compare({"b": FirstLetter(failure=InputError("too short"))}, texts, labels, runs)
    missing = MissingDependencyError("the compressor brotli", "brotli", "ncd")
    with pytest.raises(MissingDependencyError, match="brotli needs brotli"):
        compare({"b": FirstLetter(failure=missing)}, texts, labels, runs)
    with pytest.raises(UsageError, match="no method is called 'c'; there are a"):
        compare({"a": FirstLetter()}, texts, labels, runs).of("c")
