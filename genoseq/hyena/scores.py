"""Scores: how probable a model finds the bases of a sequence.

A base is predicted from those before it, on its strand. The probabilities are those of the four bases alone:
the model also knows special tokens and N, which are no alternatives where a base is known. The first base of
a sequence has nothing before it and is not scored, nor is N. Nats; 1 nat is 1.4427 bits.

Read from both strands, a base has two scores: given what is before it, and given what is behind it. Scores of
the reverse complement go back to the positions of the forward strand, and the mean of both counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.tokenizer import A, T

BITS = 1.4426950408889634
"""Bits in a nat."""


@dataclass(frozen=True)
class Score:
    """How probable a model finds a sequence.

    Attributes
    ----------
    nats : float
        Log-likelihood: the sum over the bases that were scored; of two strands the mean of their sums.
    bases : float
        How many were scored; of two strands the mean, which an N at one end makes a half.
    per_base : ndarray, shape (bases,), dtype float32
        Nats of each base on the forward strand: the mean of what both strands say, of the first and the last
        base what one says; NaN where nothing was scored.
    """

    nats: float
    bases: float
    per_base: NDArray[np.float32]

    @classmethod
    def of(cls, strands: list[NDArray[np.float32]]) -> Score:
        """From the scores of one strand or of both, (bases,) each, at the positions of the forward strand."""
        both = np.stack(strands).astype(np.float64)
        known = ~np.isnan(both)
        sums, counts = np.where(known, both, 0.0).sum(0), known.sum(0)
        per_base = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        strand = len(strands)
        return cls(float(sums.sum()) / strand, int(counts.sum()) / strand, per_base.astype(np.float32))

    @property
    def bits_per_base(self) -> float:
        """Bits to store a base with this model; NaN if none was scored."""
        return -BITS * self.nats / self.bases if self.bases else float("nan")


def base_log_probabilities(network: HyenaNetwork, states: Tensor) -> Tensor:
    """Log probability of A, C, G, T after each position: states (..., channels) -> nats (..., 4), float32."""
    return torch.log_softmax(network.logits(states)[..., A : T + 1].float(), -1)


def next_log_probabilities(network: HyenaNetwork, states: Tensor, targets: Tensor) -> Tensor:
    """Log probability of the token that follows each position, among the four bases.

    Parameters
    ----------
    states : Tensor, shape (batch, length, channels)
        Last states.
    targets : Tensor, shape (batch, length), dtype int64
        The tokens that follow.

    Returns
    -------
    Tensor, shape (batch, length), dtype float32
        Nats; 0 where the target is not a base.
    """
    nats = base_log_probabilities(network, states)
    picked = nats.gather(-1, (targets - A).clamp(0, T - A)[..., None])[..., 0]
    return picked.masked_fill_((targets < A) | (targets > T), 0.0)


def target_log_probabilities(network: HyenaNetwork, ids: Tensor, states: Tensor) -> Tensor:
    """Log probability of each base, given those before it.

    Parameters
    ----------
    ids : Tensor, shape (batch, length), dtype int64
        Tokens.
    states : Tensor, shape (batch, length, channels)
        `HyenaNetwork.states` of them.

    Returns
    -------
    Tensor, shape (batch, length), dtype float32
        Nats; 0 for what is not scored: the first position, N and special tokens.
    """
    result = torch.zeros(ids.shape, device=ids.device)
    result[:, 1:] = next_log_probabilities(network, states[:, :-1], ids[:, 1:])
    return result
