"""Pretraining: predict the next base, on windows drawn from genomes.

The recipe of the paper (appendix A.1): AdamW, no weight decay on filters, biases, norms and embeddings, a
linear warm-up and a cosine down to a tenth, clipped gradients, a coin flip for the strand. Windows may start
short and grow (`Training.lengths`); the tokens of a step stay the same. N is read but not predicted.

Every random number follows from the seed and the number of the step: a run that goes on from a checkpoint
gives the losses that it would have given. With ``torchrun`` each process takes its share of every batch
(DistributedDataParallel), so that the number of processes changes nothing but rounding.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.errors import CheckpointError, UsageError
from genoseq.hyena.corpus import Corpus, Shuffled
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.tokenizer import A, T
from genoseq.io.files import replacing
from genoseq.models.checkpoint import read_state
from genoseq.models.training import check_same, mixed, rate_of

CHECKPOINT = "hyena.checkpoint.pt"
_BITS = 1 / math.log(2)
_IGNORED = -100

Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    tokens : int
        Bases of a step, over all processes.
    micro : int
        Bases that are computed at once; the gradients of a step are added up.
    lengths : tuple of (int, float)
        Lengths of windows, bp, each with the share of the steps that it is used for.
    learning_rate, least_rate : float
        At the end of the warm-up, and at the end as a share of it.
    warm_up : float
        Share of the steps.
    weight_decay : float
        Of the matrices that are not part of a filter.
    filter_rate : float
        Learning rate of the networks that compute the filters, as a share of that of the others.
    clip : float
        Largest norm of a gradient.
    betas : tuple of float
        Of AdamW.
    flip : bool
        Read half of the windows from the other strand.
    precision : str
        "bf16", "fp16" (on a GPU) or "fp32": the type of matrix products.
    validate_every, validate_windows : int
        Steps between looks at the held-out part, and windows that are looked at.
    checkpoint_every : float
        Seconds between checkpoints.
    log_every : int
        Steps.
    seed : int
    """

    steps: int = 10_000
    tokens: int = 32_768
    micro: int = 16_384
    lengths: tuple[tuple[int, float], ...] = ((1024, 1.0),)
    learning_rate: float = 6e-4
    least_rate: float = 0.1
    warm_up: float = 0.01
    weight_decay: float = 0.1
    filter_rate: float = 1.0
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    flip: bool = True
    precision: str = "fp32"
    validate_every: int = 500
    validate_windows: int = 256
    checkpoint_every: float = 180.0
    log_every: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp16", "fp32"):
            raise UsageError(f"precision is {self.precision!r}; choose bf16, fp16 or fp32")
        if not self.lengths or not math.isclose(sum(share for _, share in self.lengths), 1.0, abs_tol=1e-6):
            raise UsageError("the shares of the lengths must add up to 1")
        longest = max(length for length, _ in self.lengths)
        if self.tokens < longest:
            raise UsageError(f"a step of {self.tokens} bases holds no window of {longest} bp")
        if self.steps < 1:
            raise UsageError(f"steps is {self.steps}; at least 1 is needed")

    def rate(self, step: int) -> float:
        """Learning rate of a step, as a share of the highest."""
        warm_up = max(1, round(self.warm_up * self.steps))
        return rate_of(step, steps=self.steps, warm_up=warm_up, least=self.least_rate)

    def phase(self, step: int) -> tuple[int, int]:
        """Length of the windows of a step, bp, and the step at which that length came first."""
        first, done, length = 0, 0.0, 0
        for length, share in self.lengths:  # noqa: B007
            done += share
            last = round(done * self.steps)
            if step < last:
                break
            first = last
        return length, first


class Trainer:
    """A training run: the network, its optimiser, and where it stands.

    Parameters
    ----------
    network : HyenaNetwork
        On its device. With processes of ``torchrun`` it must be the same in all.
    corpus, held_out : Corpus
        What to train on, and what never to.
    plan : Training
    log : callable, optional
        Receives a mapping for each line of the log.
    """

    def __init__(
        self, network: HyenaNetwork, corpus: Corpus, held_out: Corpus, plan: Training, log: Log | None = None
    ) -> None:
        longest = max(length for length, _ in plan.lengths)
        if longest > network.config.l_max:
            raise UsageError(f"windows of {longest} bp do not fit a model of {network.config.l_max} tokens")
        self.network, self.corpus, self.held_out, self.plan = network, corpus, held_out, plan
        self.log = log or (lambda line: None)
        self.device = next(network.parameters()).device
        self.rank, self.processes = _place()
        self.model: nn.Module = network
        if self.processes > 1:
            self.model = nn.parallel.DistributedDataParallel(network)
        groups = parameter_groups(
            network, rate=plan.learning_rate, decay=plan.weight_decay, filter_rate=plan.filter_rate
        )
        self.optimizer = torch.optim.AdamW(groups, betas=plan.betas)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=plan.precision == "fp16")
        self.step = 0
        self.seconds = 0.0
        self._windows: dict[int, Shuffled] = {}

    def run(self, folder: Path | None = None) -> None:
        """Train to the end; with a folder, leave a checkpoint there every few minutes and at the end."""
        plan, started, saved = self.plan, time.monotonic(), time.monotonic()
        bases, losses = 0, []
        while self.step < plan.steps:
            losses.append(self.train_step())
            bases += plan.tokens
            self.step += 1
            last = self.step == plan.steps
            if self.step % plan.log_every == 0 or last:
                spent = time.monotonic() - started
                self.seconds += spent
                self.log({
                    "step": self.step, "loss": round(float(torch.stack(losses).mean()) * _BITS, 4),
                    "length": plan.phase(self.step - 1)[0],
                    "rate": round(plan.learning_rate * plan.rate(self.step - 1), 7),
                    "bases_per_second": round(bases / max(spent, 1e-9)),
                })  # fmt: skip
                started, bases, losses = time.monotonic(), 0, []
            if self.step % plan.validate_every == 0 or last:
                if len(self.held_out.pieces):
                    self.log({"step": self.step, "held_out": round(self.validate(), 4)})
                started = time.monotonic()
            if folder is not None and (last or time.monotonic() - saved > plan.checkpoint_every):
                self.save(folder)
                saved = time.monotonic()

    def train_step(self) -> Tensor:
        """One step of the optimiser; returns the mean loss, nats/base."""
        plan = self.plan
        for group in self.optimizer.param_groups:
            group["lr"] = group["highest"] * plan.rate(self.step)
        self.model.train()
        windows = self._batch()
        torch.manual_seed(mixed(plan.seed, self.step, self.rank))  # dropout
        targets = max(1, self.processes * int(known(windows[:, 1:]).sum()))
        rows = max(1, plan.micro // windows.shape[1])
        total = torch.zeros((), device=self.device)
        parts = range(0, len(windows), rows)
        for at in parts:
            ids = torch.from_numpy(windows[at : at + rows]).to(self.device).long()
            with self._synchronised(at == parts[-1]), self.autocast():
                loss = summed_loss(self.model(ids[:, :-1]), ids[:, 1:]) * (self.processes / targets)
                self.scaler.scale(loss).backward()
            total += loss.detach() / self.processes
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), plan.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    @torch.no_grad()
    def validate(self) -> float:
        """Bits/base of windows of the held-out part, spread over all of it."""
        length = max(length for length, _ in self.plan.lengths)
        starts = self.held_out.starts(length)
        starts = starts[:: max(1, len(starts) // self.plan.validate_windows)]
        self.network.eval()
        loss, count = 0.0, 0
        rows = max(1, self.plan.micro // length)
        for at in range(0, len(starts), rows):
            windows = self.held_out.windows(starts[at : at + rows], length)
            ids = torch.from_numpy(windows).to(self.device).long()
            loss += float(summed_loss(self.network(ids[:, :-1])[..., A : T + 1], ids[:, 1:] - A))
            count += int(known(windows[:, 1:]).sum())
        return loss / max(count, 1) * _BITS

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The type of matrix products that the plan asks for."""
        kind = torch.bfloat16 if self.plan.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, kind, enabled=self.plan.precision != "fp32")

    def save(self, folder: Path) -> None:
        """Write the checkpoint; the first process does it for all."""
        if self.rank:
            return
        state = {
            "plan": dataclasses.asdict(self.plan), "config": dataclasses.asdict(self.network.config),
            "step": self.step, "seconds": self.seconds, "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in a folder.

        Raises
        ------
        CheckpointError
            If there is none, it is damaged, or it is of another model or plan.
        """
        path = folder / CHECKPOINT
        state = read_checkpoint(path, self.device)
        for name, now in (("config", self.network.config), ("plan", self.plan)):
            check_same(path, name, state[name], dataclasses.asdict(now))
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]

    def _batch(self) -> NDArray[np.uint8]:
        """The windows of this process in this step."""
        length, first = self.plan.phase(self.step)
        if length not in self._windows:
            self._windows[length] = Shuffled(self.corpus, length, self.plan.seed, flip=self.plan.flip)
        count = self.plan.tokens // length
        if count % self.processes:
            raise UsageError(f"{count} windows of {length} bp cannot be shared by {self.processes} processes")
        own = count // self.processes
        return self._windows[length].take((self.step - first) * count + self.rank * own, own)

    def _synchronised(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Add up the gradients of the processes with the last part of a batch only."""
        if isinstance(self.model, nn.parallel.DistributedDataParallel) and not last:
            return self.model.no_sync()
        return contextlib.nullcontext()


def parameter_groups(
    network: nn.Module, *, rate: float, decay: float, filter_rate: float = 1.0
) -> list[dict[str, Any]]:
    """Parameters that are trained, by learning rate and weight decay: matrices, filters, and the rest.

    Parameters
    ----------
    network : Module
        A `HyenaNetwork`, or what contains one.
    rate, decay : float
        Learning rate, and weight decay of the matrices.
    filter_rate : float
        Learning rate of the networks that compute the filters, as a share of `rate`.
    """
    matrices, filters, rest = [], [], []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if "implicit_filter" in name:
            filters.append(parameter)
        elif parameter.dim() == 2 and "embeddings" not in name:
            matrices.append(parameter)
        else:
            rest.append(parameter)
    decays, rates = (decay, 0.0, 0.0), (rate, rate * filter_rate, rate)
    return [
        {"params": group, "weight_decay": decay, "highest": highest}
        for group, decay, highest in zip((matrices, filters, rest), decays, rates, strict=True)
    ]


def known(tokens: NDArray[np.uint8] | Tensor) -> Any:
    """Which tokens are A, C, G or T: those that are predicted."""
    return (tokens >= A) & (tokens <= T)


def summed_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Negative log-likelihood of the targets that are bases, nats, summed.

    Parameters
    ----------
    logits : Tensor, shape (batch, length, classes)
        Of all tokens, or of the four bases alone.
    targets : Tensor, shape (batch, length)
        Tokens; or base codes, if the logits are of the bases.
    """
    first = A if logits.shape[-1] > T else 0
    wanted = torch.where((targets >= first) & (targets <= first + T - A), targets, _IGNORED)
    return functional.cross_entropy(
        logits.float().flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED, reduction="sum"
    )


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """The state in a checkpoint of a training run.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.
    """
    state = read_state(path, device)
    wanted = ("plan", "config", "step", "seconds", "network", "optimizer", "scaler")
    if missing := [name for name in wanted if name not in state]:
        raise CheckpointError(
            f"{path}: not a checkpoint of this training: without {missing[0]!r}; start anew"
        )
    return state


def _place() -> tuple[int, int]:
    """Number of this process, and of all."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
