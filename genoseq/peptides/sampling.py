"""Drawing letters: temperature, the most probable few, and only what is allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError

__all__ = ["Sampling"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How a letter is drawn from a distribution.

    Attributes
    ----------
    temperature : float
        Logarithms of probabilities are divided by it; 0 takes the most probable letter.
    top_k : int or None
        Draw among the most probable letters only; PepMLM has 3.
    top_p : float
        Draw among the fewest letters that have this share together.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise UsageError(f"temperature is {self.temperature:g}; 0 or more is expected")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"top_k is {self.top_k}; 1 or more is expected")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p:g}; above 0 and up to 1 is expected")

    def shares(self, logs: Floats) -> Floats:
        """Probabilities to draw by.

        Parameters
        ----------
        logs
            float64 (..., letters), natural logarithms; minus infinity for what is not allowed.

        Returns
        -------
        ndarray, of the same shape
            They add up to 1.
        """
        logs = np.asarray(logs, np.float64)
        if self.temperature == 0 or self.top_k == 1:
            return (np.arange(logs.shape[-1]) == logs.argmax(-1)[..., None]).astype(np.float64)
        # of equal letters those come first that come first in the alphabet
        order = np.argsort(-logs, axis=-1, kind="stable")
        ranked = np.take_along_axis(logs, order, -1) / self.temperature
        shares = np.exp(ranked - ranked[..., :1])
        if self.top_k is not None:
            shares[..., self.top_k :] = 0
        shares /= shares.sum(-1, keepdims=True)
        before = np.cumsum(shares, -1) - shares
        shares[before >= self.top_p] = 0
        shares /= shares.sum(-1, keepdims=True)
        out = np.empty_like(shares)
        np.put_along_axis(out, order, shares, -1)
        return out

    def draw(self, logs: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
        """A letter of each distribution: int64, the shape without the last axis."""
        sums = np.cumsum(self.shares(logs), -1)
        drawn = rng.random(sums.shape[:-1])[..., None] * sums[..., -1:]
        return (sums <= drawn).sum(-1)
