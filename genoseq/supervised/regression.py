"""Logistic regression, with the strength of its penalty chosen on the validation part.

What is put in front of a large model to see whether it is worth its weight, and the best head that frozen
vectors can have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError

__all__ = ["Regression", "fit_regression", "log_loss", "softmax"]

_STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)  # inverse of the penalty, of features of variance 1
_ITERATIONS = 1000
_LEAST = 1e-12

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Regression:
    """A fitted model: probabilities are the softmax of ``X @ weight.T + bias``.

    Attributes
    ----------
    weight : ndarray, shape (classes, features), dtype float64
    bias : ndarray, shape (classes,), dtype float64
    strength : float
        Inverse of the penalty that was chosen.
    loss : float
        Mean negative log-likelihood of the validation part, nats.
    """

    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    strength: float
    loss: float

    def probabilities(self, X: Floats) -> npt.NDArray[np.float64]:
        """Of features (n, features): float64 (n, classes)."""
        return softmax(X @ self.weight.T + self.bias)


def fit_regression(
    train: tuple[Floats, npt.NDArray[np.int64]],
    validation: tuple[Floats, npt.NDArray[np.int64]],
    classes: int,
    *,
    each: bool = True,
    balanced: bool = False,
    strengths: Sequence[float] = _STRENGTHS,
) -> Regression:
    """Fit one model for each strength of the penalty and keep that which the validation part likes best.

    Parameters
    ----------
    train, validation
        Features (n, features) and classes int64 (n,); each class must occur in `train`.
    classes
        How many there are.
    each
        Bring each feature to a variance of 1, for features of different kinds; else all by one factor.
    balanced
        Weigh samples against the frequency of their class.

    Raises
    ------
    UsageError
        If a class does not occur.
    """
    from sklearn.linear_model import LogisticRegression

    X, labels = train
    if len(np.unique(labels)) != classes:
        raise UsageError(f"{len(np.unique(labels))} classes to fit a regression of {classes} on")
    middle = X.mean(0, dtype=np.float64)
    spread = X.std(0, dtype=np.float64)
    scale = np.maximum(spread if each else np.sqrt((spread**2).mean()), _LEAST)
    scaled = ((X - middle) / scale).astype(X.dtype)
    best: Regression | None = None
    for strength in strengths:
        model = LogisticRegression(
            C=strength, max_iter=_ITERATIONS, class_weight="balanced" if balanced else None
        )
        model.fit(scaled, labels)
        weight, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
        if classes == 2:  # one row says how much the second is more probable than the first
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        weight = weight / scale
        bias = bias - weight @ middle
        loss = log_loss(validation[0] @ weight.T + bias, validation[1])
        if best is None or loss < best.loss:
            best = Regression(weight, bias, strength, loss)
    if best is None:
        raise UsageError("no strength of the penalty to fit a regression with")
    return best


def log_loss(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of the true classes, nats."""
    shares = softmax(logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(shares, _LEAST)).mean())


def softmax(logits: Floats) -> npt.NDArray[np.float64]:
    """Probabilities of logits (n, classes), in float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
