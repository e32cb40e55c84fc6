"""Logistic regression on figures of each class: few weights, the same for all classes.

A sequence has the same figures under every class, say what it costs. The logit of a class is a weighted sum
of its figures and a constant of the class (McFadden's conditional logit): with 14 figures and 7 classes there
are 20 numbers to learn, in the place of 700, and it takes a few hundred sequences to learn them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import UsageError
from genoseq.supervised.regression import softmax

__all__ = ["Conditional", "fit_conditional"]

_LEAST = 1e-12

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Conditional:
    """A fitted model: probabilities are the softmax of ``X @ weight + bias``.

    Attributes
    ----------
    weight : ndarray, shape (figures,), dtype float64
    bias : ndarray, shape (classes,), dtype float64
    """

    weight: Floats
    bias: Floats

    def logits(self, X: Floats) -> Floats:
        """Of figures (n, classes, figures): float64 (n, classes)."""
        return X @ self.weight + self.bias

    def probabilities(self, X: Floats) -> Floats:
        """Of figures (n, classes, figures): float64 (n, classes)."""
        return softmax(self.logits(X))


def fit_conditional(X: Floats, labels: npt.NDArray[np.int64], *, penalty: float) -> Conditional:
    """Fit by maximum likelihood.

    Parameters
    ----------
    X
        float64 (n, classes, figures).
    labels
        int64 (n,), true classes.
    penalty
        Times the square of the weights (of figures whose difference from the mean of the classes has variance
        1) and of the constants; it is added to the mean loss in nats.

    Raises
    ------
    UsageError
        If the shapes do not fit.
    """
    from scipy.optimize import minimize

    if X.ndim != 3 or len(X) != len(labels) or not len(labels):
        raise UsageError(f"{len(labels)} labels and figures of shape {X.shape}; (n, classes, figures) needed")
    _, classes, figures = X.shape
    centred = X - X.mean(1, keepdims=True)
    scale = np.maximum(np.sqrt((centred**2).mean((0, 1))), _LEAST)
    scaled = centred / scale
    truth = np.eye(classes)[labels]

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = scaled @ values[:figures] + values[figures:]
        highest = logits.max(1, keepdims=True)
        normal = highest[:, 0] + np.log(np.exp(logits - highest).sum(1))
        off = (softmax(logits) - truth) / len(labels)
        slope = np.concatenate([np.tensordot(off, scaled, 2), off.sum(0)]) + 2 * penalty * values
        cost = (normal - (logits * truth).sum(1)).mean() + penalty * values @ values
        return float(cost), slope

    found = minimize(loss, np.zeros(figures + classes), jac=True, method="L-BFGS-B").x
    return Conditional(found[:figures] / scale, found[figures:])
