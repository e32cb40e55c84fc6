"""A target that the network reads once, and peptides behind it that only read it.

When a network reads a target and a peptide, each letter of the target hears of the peptide, a little. Without
that the target is the same for all peptides: its keys and values in every layer are computed once, with a
peptide of reference behind it, and each peptide costs its own letters alone. For the reference the answer is,
to rounding, that of the network; for others it is near (docs/peptides.md has figures).

The network is that of `genoseq.peptides.network`; only its modules are used, by the names of its weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genoseq.peptides.tokens import MASK, padded

__all__ = ["SharedTarget"]

Tokens = NDArray[np.uint8]
_BASE = 10000.0  # of rotary positions
_TRAINED = 1 - 0.15 * 0.8  # share of letters that were no masks in the training of ESM-2


class SharedTarget:
    """Keys and values of a target, for peptides as long as one that stands behind it.

    Parameters
    ----------
    network : EsmForMaskedLM
        In evaluation mode.
    target : ndarray, dtype uint8
        Tokens of its letters.
    reference : ndarray, dtype uint8
        Tokens of the peptide that the target hears of.
    """

    def __init__(self, network: Any, target: Tokens, reference: Tokens) -> None:
        self._network = network
        self._heads = network.config.num_attention_heads
        width = network.config.hidden_size // self._heads
        device = next(network.parameters()).device
        row = torch.from_numpy(padded([np.concatenate([target, reference])])).to(device)
        self._start, self._length = len(target) + 1, row.shape[1]
        steps = torch.arange(0, width, 2, device=device).float() / width
        angles = torch.arange(self._length, device=device).float()[:, None] / _BASE**steps
        self._cos, self._sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
        self._read: list[tuple[Tensor, Tensor]] = []
        self._through(self._embedded(row), 0)

    def states(self, tails: Tensor) -> Tensor:
        """Last states of peptides.

        Parameters
        ----------
        tails
            int64 (n, letters + 1), with ``<eos>``; as many letters as the reference has.

        Returns
        -------
        Tensor, shape (n, letters + 1, hidden)
        """
        return self._through(self._embedded(tails), self._start)

    def _embedded(self, tokens: Tensor) -> Tensor:
        """As EsmEmbeddings does it: masks are 0, and the rest makes up for how many there are."""
        is_mask = tokens == MASK
        found = self._network.esm.embeddings.word_embeddings(tokens).masked_fill(is_mask[..., None], 0.0)
        shown = 1 - is_mask.sum(-1) / self._length
        return found * (_TRAINED / shown)[:, None, None]

    def _through(self, states: Tensor, start: int) -> Tensor:
        """All layers, for places from `start` on. From 0 on, the target is read: keys and values are kept."""
        encoder = self._network.esm.encoder
        for number, layer in enumerate(encoder.layer):
            part = layer.attention
            normed = part.LayerNorm(states)
            query, key, value = (
                self._by_head(project(normed))
                for project in (part.self.query, part.self.key, part.self.value)
            )
            query = self._turned(query * query.shape[-1] ** -0.5, start)
            key = self._turned(key, start)
            if start:
                mixed = _attend(query, *self._read[number], key, value)
            else:
                mixed = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
                self._read.append((key[0, :, : self._start].clone(), value[0, :, : self._start].clone()))
            states = states + part.output.dense(mixed.transpose(1, 2).flatten(2))
            wide = functional.gelu(layer.intermediate.dense(layer.LayerNorm(states)))
            states = states + layer.output.dense(wide)
        return encoder.emb_layer_norm_after(states)

    def _by_head(self, states: Tensor) -> Tensor:
        """From (n, places, hidden) to (n, heads, places, width)."""
        return states.unflatten(-1, (self._heads, -1)).transpose(1, 2)

    def _turned(self, heads: Tensor, start: int) -> Tensor:
        """Rotary positions."""
        end = start + heads.shape[2]
        first, second = heads.chunk(2, -1)
        other = torch.cat([-second, first], -1)
        return (heads * self._cos[start:end] + other * self._sin[start:end]).to(heads.dtype)


def _attend(query: Tensor, far_key: Tensor, far_value: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention to places that all rows share, (heads, places, width), and to each row's own."""
    count, heads, places, width = query.shape
    shared = query.transpose(0, 1).reshape(heads, count * places, width)
    weights = torch.cat(
        [
            (shared @ far_key.transpose(1, 2)).unflatten(1, (count, places)).transpose(0, 1),
            query @ key.transpose(2, 3),
        ],
        -1,
    )
    weights = weights.softmax(-1).to(value.dtype)
    to_far, to_own = weights.split([far_key.shape[1], places], -1)
    shared = to_far.transpose(0, 1).reshape(heads, count * places, far_key.shape[1])
    return (shared @ far_value).unflatten(1, (count, places)).transpose(0, 1) + to_own @ value
