"""Bits/base of a model on held-out sequence.

Every known base of the pieces is scored once, but the first of each: in windows that overlap, of which only
the new bases count, so that each has at least `context` bases before it (fewer at the beginning of a piece).
The same bases can be given to another model (`genoseq.ncd`).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.hyena.corpus import Corpus
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.scores import BITS, target_log_probabilities
from genoseq.hyena.tokenizer import PAD, N

_TOKENS = 1 << 14  # computed at once


@torch.inference_mode()
def bits_per_base(network: HyenaNetwork, corpus: Corpus, *, window: int, context: int) -> tuple[float, int]:
    """Mean of -log2 p over the known bases of a corpus, and their number.

    Parameters
    ----------
    window : int
        Bases that the model reads at once.
    context : int
        Bases at the beginning of a window that were scored in the one before.

    Raises
    ------
    UsageError
        If the context is empty, or as long as the window.
    """
    if not 1 <= context < window:
        raise UsageError(f"context is {context} bp; 1 to {window - 1} is expected for windows of {window} bp")
    device = next(network.parameters()).device
    starts, firsts, ends = _plan(corpus, window, context)
    rows = max(1, _TOKENS // window)
    nats, count = 0.0, 0
    for at in range(0, len(starts), rows):
        part = slice(at, at + rows)
        tokens = np.full((len(starts[part]), window), PAD, np.uint8)
        scored = np.zeros(tokens.shape, bool)
        for row, (start, first, end) in enumerate(zip(starts[part], firsts[part], ends[part], strict=True)):
            tokens[row, : end - start] = corpus.tokens[start:end]
            scored[row, max(first - start, 1) : end - start] = True
        scored &= tokens < N
        ids = torch.from_numpy(tokens).to(device).long()
        found = target_log_probabilities(network, ids, network.states(ids))
        nats -= float(found[torch.from_numpy(scored).to(device)].double().sum())
        count += int(scored.sum())
    return (nats * BITS / count if count else math.nan), count


def _plan(
    corpus: Corpus, window: int, context: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First base, first base that counts, and end of each window; those without a known base are left out."""
    step = window - context
    parts = []
    for low, high in corpus.pieces:
        firsts = np.concatenate([[low], np.arange(low + window, high, step)])
        ends = np.minimum(np.concatenate([[low + window], firsts[1:] + step]), high)
        parts.append(np.stack([np.maximum(ends - window, low), firsts, ends], 1))
    starts, firsts, ends = np.concatenate(parts).T if parts else np.empty((3, 0), np.int64)
    known = np.array(
        [(corpus.tokens[first:end] < N).any() for first, end in zip(firsts, ends, strict=True)], bool
    )
    return starts[known], firsts[known], ends[known]
