"""Training of the window encoders, as published: a read must find the fragment it comes from among the batch.

A *fragment* is a stretch of a genome, a *read* a stretch inside it after divergence; InfoNCE from the read
to the fragments, with all other fragments of the batch as negatives (the published code accumulated
gradients over batches of 16 instead, which adds no negatives). Fragments of 800-2000 bp and reads of
150-500 bp are the published lengths, with up to 4 % substitutions in 40 % of the reads; ours also diverge
further, with insertions and deletions. A checkpoint lets a stopped run go on.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from genoseq.encoder.divergence import Divergence
from genoseq.encoder.train import one_cycle
from genoseq.encoder.window import WindowNetwork
from genoseq.errors import CheckpointError, InputError, UsageError
from genoseq.io.files import replacing

CHECKPOINT = "window.checkpoint.pt"
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
    seed : int
        Of everything but the first weights, which are made before.
    checkpoint_every, log_every : int
        Steps between checkpoints and between lines of the log.
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
    checkpoint_every: int = 200
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
    checkpoint: Path | None = None,
    resume: bool = False,
) -> WindowNetwork:
    """Train a window encoder in place.

    Every random number of a step comes from (seed, step): a run that was stopped and resumed ends with the
    same weights as one that was not.

    Parameters
    ----------
    encoder : WindowNetwork
    contigs : sequence of ndarray
        Base codes to draw fragments from.
    log : callable, optional
        Receives a mapping every `log_every` steps.
    checkpoint : Path, optional
        Folder for `CHECKPOINT`, written every `checkpoint_every` steps and at the end.
    resume : bool
        Go on from the checkpoint in that folder.

    Returns
    -------
    WindowNetwork
        The same encoder, in evaluation mode.

    Raises
    ------
    InputError
        If the contigs are too short or hold too many unknown bases.
    CheckpointError
        If there is no checkpoint to resume, it is damaged, or it belongs to another run.
    """
    device = device or torch.device("cpu")
    encoder.to(device).train()
    state = _State(torch.optim.Adam(encoder.parameters(), lr=config.learning_rate))
    run = _describe(encoder, contigs, config)
    if resume:
        if checkpoint is None:
            raise UsageError("resume needs the folder of the checkpoint")
        _restore(checkpoint / CHECKPOINT, run, encoder, state)
    own = torch.arange(config.batch, device=device)
    started = time.process_time() - state.seconds
    while state.step < config.steps:
        rng = np.random.default_rng([config.seed, state.step])
        fragments, reads = draw_pairs(contigs, config, rng)
        torch.manual_seed(int(rng.integers(1 << 31)))  # dropout
        logits = encoder.embed(reads) @ encoder.embed(fragments).T / config.temperature
        loss = functional.cross_entropy(logits, own)
        state.step += 1
        for group in state.optimiser.param_groups:
            group["lr"] = config.learning_rate * one_cycle(state.step / config.steps)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        gradient = torch.nn.utils.clip_grad_norm_(encoder.parameters(), config.clip)
        state.optimiser.step()
        state.seconds = time.process_time() - started
        last = state.step == config.steps
        if log is not None and (last or state.step % config.log_every == 0):
            accuracy = (logits.argmax(1) == own).float().mean().item()
            log(
                {
                    "stage": encoder.kind,
                    "step": state.step,
                    "loss": round(loss.item(), 4),
                    "accuracy": round(accuracy, 4),
                    "gradient": round(float(gradient), 3),
                    "cpu_seconds": round(state.seconds, 1),
                }
            )
        if checkpoint is not None and (last or state.step % config.checkpoint_every == 0):
            _keep(checkpoint, run, encoder, state)
    return encoder.eval()


@dataclass
class _State:
    """Where a training stands."""

    optimiser: torch.optim.Adam
    step: int = 0
    seconds: float = 0.0


def _describe(
    encoder: WindowNetwork, contigs: Sequence[NDArray[np.uint8]], config: WindowTraining
) -> dict[str, Any]:
    """What must be the same for a run to go on; each value is plain JSON."""
    plan = {k: v for k, v in asdict(config).items() if k not in ("checkpoint_every", "log_every")}
    crcs = [zlib.crc32(np.ascontiguousarray(contig).data) for contig in contigs]
    described = {"encoder": encoder.kind, **encoder.config_dict(), **plan, "genomes": crcs}
    result: dict[str, Any] = json.loads(json.dumps(described))
    return result


def _keep(folder: Path, run: dict[str, Any], encoder: WindowNetwork, state: _State) -> None:
    """Write the checkpoint; it replaces the one before it only when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "run": json.dumps(run),
        "step": state.step,
        "seconds": state.seconds,
        "network": encoder.state_dict(),
        "optimiser": state.optimiser.state_dict(),
    }
    with replacing(folder / CHECKPOINT) as temporary:
        torch.save(content, temporary)


def _restore(path: Path, run: dict[str, Any], encoder: WindowNetwork, state: _State) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path}: no checkpoint to resume; leave out --resume to start one")
    try:
        content = torch.load(path, map_location=encoder.device, weights_only=True)
        found = json.loads(content["run"])
        if found != run:
            other = ", ".join(sorted(k for k in {*run, *found} if found.get(k) != run.get(k)))
            raise CheckpointError(
                f"{path}: made with other parameters ({other}); use the same, or start without --resume"
            )
        encoder.load_state_dict(content["network"], strict=True)
        state.optimiser.load_state_dict(content["optimiser"])
        state.step, state.seconds = int(content["step"]), float(content["seconds"])
    except CheckpointError:
        raise
    except Exception as err:  # torch.load raises whatever a damaged pickle makes it do
        raise CheckpointError(f"{path}: not a checkpoint of a window encoder ({err})") from err


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
