"""Scores: how probable a model finds the bases of a sequence.

A base is predicted from those before it, on its strand. The probabilities are those of the four bases alone:
the model also knows special tokens and N, which are no alternatives where a base is known. The first base of
a sequence has nothing before it and is not scored, nor is N. Nats; 1 nat is 1.4427 bits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.tokenizer import A, T

BITS = 1.4426950408889634
"""Bits in a nat."""


def base_log_probabilities(network: HyenaNetwork, states: Tensor) -> Tensor:
    """Log probability of A, C, G, T after each position: states (..., channels) -> nats (..., 4), float32."""
    return torch.log_softmax(network.logits(states)[..., A : T + 1].float(), -1)


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
    scored = (ids >= A) & (ids <= T)
    scored[:, 0] = False
    nats = base_log_probabilities(network, states[:, :-1])
    picked = nats.gather(-1, (ids[:, 1:] - A).clamp(0, T - A)[..., None])[..., 0]
    result[:, 1:] = picked
    return result.masked_fill_(~scored, 0.0)
