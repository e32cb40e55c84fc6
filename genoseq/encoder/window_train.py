"""Training of the window encoders, as published: a read must find the fragment it comes from among the batch.

A *fragment* is a stretch of a genome, a *read* a stretch inside it after divergence; InfoNCE from the read
to the fragments, with all other fragments of the batch as negatives (the published code accumulated
gradients over batches of 16 instead, which adds no negatives). Fragments of 800-2000 bp and reads of
150-500 bp are the published lengths, with up to 4 % substitutions in 40 % of the reads; ours also diverge
further, with insertions and deletions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from genoseq.encoder.divergence import Divergence
from genoseq.encoder.train import one_cycle
from genoseq.encoder.window import WindowNetwork
from genoseq.errors import InputError, UsageError

_TRIES = 1000


@dataclass(frozen=True)
class WindowTraining:
    """Parameters of the training of a window encoder.

    Attributes
    ----------
    steps, batch : int
        Optimiser steps, and pairs in each.
    fragment, read : tuple of int
        Shortest and longest, bp. A read is never longer than its fragment.
    divergence : Divergence
        Of the reads; `truncated` and `kept` do not apply.
    temperature : float
        The cosine is divided by it (0.05 as published).
    learning_rate : float
        Highest rate of Adam (rising over a tenth of the steps, then a half cosine).
    clip : float
        Longest gradient.
    seed, log_every : int
    """

    steps: int = 2000
    batch: int = 256
    fragment: tuple[int, int] = (800, 2000)
    read: tuple[int, int] = (150, 500)
    divergence: Divergence = field(default_factory=lambda: Divergence((0.0, 0.15)))
    temperature: float = 0.05
    learning_rate: float = 1e-3
    clip: float = 1.0
    seed: int = 0
    log_every: int = 100

    def __post_init__(self) -> None:
        for name, (low, high) in (("fragment", self.fragment), ("read", self.read)):
            if not 16 <= low <= high:
                raise UsageError(f"{name} is {low}-{high} bp; at least 16, the shorter first")
        if self.read[0] > self.fragment[0]:
            raise UsageError(f"reads of {self.read[0]} bp do not fit fragments of {self.fragment[0]} bp")


def draw_pairs(
    contigs: Sequence[NDArray[np.uint8]], config: WindowTraining, rng: np.random.Generator
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Fragments and a diverged read of each: two lists of code arrays, `config.batch` long.

    Raises
    ------
    InputError
        If no contig is longer than a fragment, or nearly all bases are unknown.
    """
    longest = config.fragment[1]
    sizes = np.array([max(0, len(c) - longest) for c in contigs], np.float64)
    if not sizes.any():
        raise InputError(
            f"no contig is longer than a fragment of {longest} bp; give whole genomes to train on"
        )
    share = sizes / sizes.sum()
    fragments, reads = [], []
    for _ in range(config.batch * _TRIES):
        contig = contigs[rng.choice(len(contigs), p=share)]
        start = int(rng.integers(len(contig) - longest))
        fragment = contig[start : start + int(rng.integers(config.fragment[0], longest + 1))]
        if fragment.max() > 3:
            continue
        length = int(rng.integers(config.read[0], min(config.read[1], len(fragment)) + 1))
        first = int(rng.integers(len(fragment) - length + 1))
        fragments.append(fragment)
        reads.append(_diverged(fragment[first:], length, config.divergence, rng))
        if len(reads) == config.batch:
            return fragments, reads
    raise InputError(f"nearly every stretch of {longest} bp holds unknown bases; give genomes with fewer Ns")


def train_windows(
    encoder: WindowNetwork,
    contigs: Sequence[NDArray[np.uint8]],
    config: WindowTraining,
    *,
    device: torch.device | None = None,
    log: Callable[[dict[str, Any]], None] | None = None,
) -> WindowNetwork:
    """Train a window encoder in place.

    Parameters
    ----------
    encoder : WindowNetwork
    contigs : sequence of ndarray
        Base codes to draw fragments from.
    log : callable, optional
        Receives a mapping every `log_every` steps.

    Returns
    -------
    WindowNetwork
        The same encoder, in evaluation mode.
    """
    device = device or torch.device("cpu")
    torch.manual_seed(config.seed)  # dropout
    encoder.to(device).train()
    optimiser = torch.optim.Adam(encoder.parameters(), lr=config.learning_rate)
    own = torch.arange(config.batch, device=device)
    started = time.process_time()
    for step in range(config.steps):
        fragments, reads = draw_pairs(contigs, config, np.random.default_rng([config.seed, step]))
        logits = encoder.embed(reads) @ encoder.embed(fragments).T / config.temperature
        loss = functional.cross_entropy(logits, own)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * one_cycle((step + 1) / config.steps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        gradient = torch.nn.utils.clip_grad_norm_(encoder.parameters(), config.clip)
        optimiser.step()
        if log is not None and ((step + 1) % config.log_every == 0 or step + 1 == config.steps):
            accuracy = (logits.argmax(1) == own).float().mean().item()
            log(
                {
                    "stage": encoder.kind,
                    "step": step + 1,
                    "loss": round(loss.item(), 4),
                    "accuracy": round(accuracy, 4),
                    "gradient": round(float(gradient), 3),
                    "cpu_seconds": round(time.process_time() - started, 1),
                }
            )
    return encoder.eval()


def _diverged(
    source: NDArray[np.uint8], length: int, divergence: Divergence, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """`length` bases of a read that starts as `source` does; fewer where deletions use `source` up."""
    low, high = np.log(divergence.transition_ratio)
    ratio = np.exp(rng.uniform(low, high))
    rate = rng.uniform(*divergence.rate)
    out = np.empty(length, np.uint8)
    indel = rate * rng.uniform(*divergence.indel_share)
    n = _walk(source, rate, indel, ratio / (1 + ratio), divergence.indel_extension, rng, out)
    return out[:n]


@numba.njit(cache=True, nogil=True)
def _walk(source, rate, indel, transitions, extension, rng, out):
    at = 0
    inserting = False
    for i in range(out.shape[0]):
        draw = rng.random()
        if inserting or draw < 0.5 * indel:
            out[i] = np.uint8(4 * rng.random())
            inserting = rng.random() < extension
            continue
        if draw < indel:
            at += 1
            while rng.random() < extension:
                at += 1
        if at >= source.shape[0]:
            return i
        base = source[at]
        at += 1
        if indel <= draw < rate:
            u = rng.random()
            base ^= (
                np.uint8(2)
                if u < transitions
                else (np.uint8(1) if u < 0.5 * (1 + transitions) else np.uint8(3))
            )
        out[i] = base
    return out.shape[0]
