"""The regression finds what it should, and its penalty is chosen where it is judged."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from genoseq.errors import UsageError
from genoseq.supervised.regression import fit_regression, log_loss, softmax


def made(count, classes, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(0).normal(0, 2, (classes, 6)) * [1, 1, 1, 100, 100, 0]
    labels = rng.integers(0, classes, count)
    return middles[labels] + noise * rng.normal(0, 1, (count, 6)) * [1, 1, 1, 100, 100, 1], labels


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_that_of_scikit_learn(classes):
    """With one strength, on features of variance 1 by themselves."""
    X, labels = made(300, classes, 1)
    scaled = (X - X.mean(0)) / X.std(0)
    model = fit_regression((X, labels), (X, labels), classes, strengths=[0.5])
    other = LogisticRegression(C=0.5, tol=1e-6).fit(scaled, labels)
    assert model.probabilities(X) == pytest.approx(other.predict_proba(scaled), abs=0.01)
    assert model.weight.shape == (classes, 6)


def test_the_validation_chooses_the_penalty():
    """Labels by lot: the strongest penalty is best. Labels that are sure: the weakest."""
    rng = np.random.default_rng(2)
    X = rng.normal(0, 1, (80, 30))
    chance, sure = rng.integers(0, 2, 80), (X[:, 0] > 0).astype(np.int64)
    strengths = [1e-3, 1.0, 1e3]
    found = [
        fit_regression((X[:40], y[:40]), (X[40:], y[40:]), 2, strengths=strengths) for y in (chance, sure)
    ]
    assert found[0].strength == 1e-3
    assert found[1].strength > 1e-3
    losses = [
        log_loss(X[40:] @ model.weight.T + model.bias, y[40:])
        for model, y in zip(found, (chance, sure), strict=True)
    ]
    assert [model.loss for model in found] == pytest.approx(losses)


def test_weights_of_classes_shift_towards_the_rare_one():
    X, labels = made(400, 2, 3, noise=3.0)
    keep = np.flatnonzero((labels == 0) | (np.arange(400) % 10 == 0))
    plain, balanced = (
        fit_regression((X[keep], labels[keep]), (X, labels), 2, balanced=balanced, strengths=[1.0])
        for balanced in (False, True)
    )
    assert balanced.probabilities(X)[:, 1].mean() > plain.probabilities(X)[:, 1].mean() + 0.1


def test_one_factor_for_all_features_keeps_their_ratios():
    X, labels = made(200, 2, 4)
    model = fit_regression((X, labels), (X, labels), 2, each=False, strengths=[1.0])
    assert np.isfinite(model.weight).all()
    assert (model.probabilities(X).argmax(1) == labels).mean() > 0.9


def test_a_constant_feature_does_no_harm():
    X, labels = made(100, 2, 5)
    X[:, 2] = 7
    model = fit_regression((X, labels), (X, labels), 2)
    assert np.isfinite(model.probabilities(X)).all()


def test_a_class_that_does_not_occur():
    X, labels = made(50, 2, 6)
    with pytest.raises(UsageError, match="2 classes to fit a regression of 3"):
        fit_regression((X, labels), (X, labels), 3)
    with pytest.raises(UsageError, match="no strength"):
        fit_regression((X, labels), (X, labels), 2, strengths=[])


def test_softmax_of_large_numbers():
    assert softmax(np.array([[1000.0, 0.0], [0.0, 0.0]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]
