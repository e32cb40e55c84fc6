"""The conditional logit: weights that made the data, and the slope of its loss at the end."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.supervised.conditional import Conditional, fit_conditional


def sample(n, weight, bias, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(bias), len(weight))) * [1.0, 50.0, 0.1]
    shares = Conditional(np.array(weight), np.array(bias)).probabilities(X)
    labels = (shares.cumsum(1) < rng.random((n, 1))).sum(1)
    return X, labels


def test_weights_are_found():
    weight, bias = [1.5, 0.02, -4.0], [0.5, 0.0, -0.5, 0.0]
    found = fit_conditional(*sample(20_000, weight, bias), penalty=1e-9)
    np.testing.assert_allclose(found.weight, weight, rtol=0.1)
    np.testing.assert_allclose(found.bias - found.bias.mean(), bias, atol=0.06)


def test_a_constant_of_all_classes_and_a_factor_make_no_difference():
    X, labels = sample(300, [1.0, 0.02, 0.0], [0.0, 0.3, 0.0])
    plain = fit_conditional(X, labels, penalty=1e-2)
    moved = X * [2.0, 3.0, 4.0] + np.random.default_rng(1).normal(size=(300, 1, 3))
    other = fit_conditional(moved, labels, penalty=1e-2)
    np.testing.assert_allclose(plain.probabilities(X), other.probabilities(moved), atol=1e-4)


def test_penalty_shrinks():
    X, labels = sample(300, [1.5, 0.02, -4.0], [0.0, 0.0])
    loose, tight = (fit_conditional(X, labels, penalty=penalty) for penalty in (1e-6, 10.0))
    assert (np.abs(tight.weight) < 0.2 * np.abs(loose.weight)).all()


def test_shapes_that_do_not_fit():
    with pytest.raises(UsageError, match="labels"):
        fit_conditional(np.zeros((3, 2, 1)), np.array([0, 1]), penalty=1.0)
