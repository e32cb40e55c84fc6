"""How the next base is drawn from the logits of a network.

Only A, C, G and T are drawn. The network also gives probabilities to N and to special tokens; those of the
four bases are divided by their sum, as in `genoseq.hyena.scores`. On them work, in this order:

    temperature   p ** (1 / temperature), divided by their sum; 0 takes the most probable base (greedy)
    top-k         the k most probable bases
    top-p         of these the fewest, most probable first, that together have the share p
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genoseq.errors import UsageError
from genoseq.hyena.tokenizer import A, T

BASES = T - A + 1
"""Tokens that are drawn."""


@dataclass(frozen=True)
class Sampling:
    """How bases are drawn.

    Attributes
    ----------
    temperature : float
        Below 1 the probable bases are drawn more often than the model finds them, above 1 less; 0 takes the
        most probable one always (of equals the first of A, C, G, T).
    top_k : int
        Draw from so many most probable bases, 1 to 4.
    top_p : float
        Draw from the fewest most probable bases that together have this share, above 0 and up to 1.
    seed : int
        Start of the random numbers, 0 or more.

    Raises
    ------
    UsageError
        If one is out of its range.
    """

    temperature: float = 1.0
    top_k: int = BASES
    top_p: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise UsageError(f"temperature {self.temperature}; 0 (greedy) or more is expected")
        if not 1 <= self.top_k <= BASES:
            raise UsageError(f"top-k {self.top_k}; 1 to {BASES} is expected: there are {BASES} bases")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top-p {self.top_p}; a share above 0 and up to 1 is expected")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed}; 0 or more is expected")


def draw(logits: Tensor, uniforms: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Draw a base for each sequence.

    Parameters
    ----------
    logits : Tensor, shape (batch, vocabulary)
    uniforms : Tensor, shape (batch,), dtype float64
        Random numbers, 0 <= u < 1. They decide, among the bases in the order A, C, G, T.
    sampling : Sampling

    Returns
    -------
    tokens : Tensor, shape (batch,), dtype int64
    nats : Tensor, shape (batch,), dtype float64
        Their log probability among the four bases, before temperature, top-k and top-p.
    """
    nats = torch.log_softmax(logits[:, A : T + 1].double(), -1)
    if sampling.temperature == 0:
        chosen = nats.argmax(-1)
    else:
        best = nats.amax(-1, keepdim=True)
        weights = torch.softmax((nats - best) / sampling.temperature, -1)
        if sampling.top_k < BASES or sampling.top_p < 1:
            weights = weights * _kept(weights, sampling)
        ends = weights.cumsum(-1)
        # divided, the last is 1 exactly, and above all u
        chosen = (ends / ends[:, -1:] <= uniforms[:, None]).sum(-1)
    return chosen + A, nats.gather(-1, chosen[:, None])[:, 0]


def _kept(weights: Tensor, sampling: Sampling) -> Tensor:
    """Which bases top-k and top-p leave: bool (batch, 4)."""
    ordered, order = weights.sort(dim=-1, descending=True, stable=True)
    ordered = ordered[:, : sampling.top_k]
    before = ordered.cumsum(-1) - ordered
    kept = before < sampling.top_p * ordered.sum(-1, keepdim=True)
    kept[:, 0] = True
    return torch.zeros_like(weights, dtype=torch.bool).scatter_(-1, order[:, : sampling.top_k], kept)
