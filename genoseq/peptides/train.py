"""Training of a masked language model: what is hidden is predicted.

AdamW without weight decay on biases, norms and embeddings, a linear warm-up and a cosine down to a share of
the rate, or a straight line down to 0 as PepMLM has it; clipped gradients. A run leaves a checkpoint every
few minutes and goes on from it with the losses that it would have had.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genoseq.errors import CheckpointError, UsageError
from genoseq.io.files import replacing
from genoseq.models.checkpoint import read_state
from genoseq.models.training import SCHEDULES, check_same, mixed, rate_of
from genoseq.peptides.batches import NOT_ASKED, Batch, Batches
from genoseq.peptides.tokens import PAD

__all__ = ["MaskedTrainer", "MaskedTraining"]

CHECKPOINT = "peptides.checkpoint.pt"

Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class MaskedTraining:
    """How a model is trained.

    Attributes
    ----------
    steps : int
        Of the optimiser.
    learning_rate : float
        At the end of the warm-up.
    schedule : str
        "cosine" or "linear": how the rate falls after it.
    least_rate : float
        Rate at the end, as a share.
    warm_up : int
        Steps.
    weight_decay : float
        Of the matrices.
    betas : tuple of float
        Of AdamW.
    clip : float
        Largest norm of a gradient.
    precision : str
        "fp32" or "bf16": the type of matrix products.
    validate_every, log_every : int
        Steps.
    patience : int
        End after so many looks at the held-out part without a better one, and go back to the best; 0: never.
    average : float
        Of the weights a running mean is looked at and kept in place of the last ones, which loses all but
        this share in a step (0.99 remembers about 100 steps); 0: the last ones.
    dropout : float
        Share of the outputs of each layer that is left out by chance; the published models have none.
    checkpoint_every : float
        Seconds.
    seed : int
    """

    steps: int = 1000
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    least_rate: float = 0.1
    warm_up: int = 200
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    precision: str = "fp32"
    validate_every: int = 200
    log_every: int = 20
    patience: int = 0
    average: float = 0.0
    dropout: float = 0.0
    checkpoint_every: float = 180.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.precision not in ("fp32", "bf16"):
            raise UsageError(f"precision is {self.precision!r}; choose fp32 or bf16")
        if self.schedule not in SCHEDULES:
            raise UsageError(f"schedule is {self.schedule!r}; choose {' or '.join(SCHEDULES)}")
        if min(self.steps, self.validate_every, self.log_every) < 1 or min(self.warm_up, self.patience) < 0:
            raise UsageError(
                "steps, validate_every and log_every are 1 or more, warm_up and patience 0 or more"
            )
        if not self.learning_rate > 0 or not 0 <= self.least_rate <= 1:
            raise UsageError("learning_rate is above 0, least_rate a share of 0 to 1")
        if not 0 <= self.average < 1 or not 0 <= self.dropout < 1:
            raise UsageError("average and dropout are shares of 0 to below 1")

    def rate(self, step: int) -> float:
        """Learning rate of a step, as a share of the highest."""
        return rate_of(
            step, steps=self.steps, warm_up=self.warm_up, least=self.least_rate, schedule=self.schedule
        )


class MaskedTrainer:
    """A training run: the network, its optimiser, and where it stands.

    Parameters
    ----------
    network : Module
        An `EsmForMaskedLM`, on its device.
    batches : Batches
    plan : MaskedTraining
    log : callable, optional
        Receives a mapping for each line of the log.
    """

    def __init__(self, network: Any, batches: Batches, plan: MaskedTraining, log: Log | None = None) -> None:
        self.network, self.batches, self.plan = network, batches, plan
        self.log = log or (lambda line: None)
        self.device = next(network.parameters()).device
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                is_matrix = parameter.dim() == 2 and "embeddings" not in name
                (matrices if is_matrix else rest).append(parameter)
        groups = [
            {"params": matrices, "weight_decay": plan.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=plan.betas)
        self.step, self.seconds = 0, 0.0
        self.best, self.worse = math.inf, 0  # least held-out loss, and looks since
        self.best_state: dict[str, Tensor] | None = None
        self.mean_state = self._trained() if plan.average else None  # the running mean
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = plan.dropout

    def run(self, folder: Path | None = None) -> None:
        """Train to the end; with a folder, leave a checkpoint there every few minutes and at the end."""
        plan, saved = self.plan, time.monotonic()
        started, losses, tokens = time.monotonic(), list[Tensor](), 0
        while not self.is_done:
            loss, count = self.train_step()
            losses.append(loss)
            tokens += count
            self.step += 1
            last = self.step == plan.steps
            if self.step % plan.log_every == 0 or last:
                spent = time.monotonic() - started
                self.seconds += spent
                self.log({
                    "step": self.step, "loss": round(float(torch.stack(losses).mean()), 4),
                    "rate": round(plan.learning_rate * plan.rate(self.step - 1), 7),
                    "tokens_per_second": round(tokens / max(spent, 1e-9)),
                })  # fmt: skip
                started, losses, tokens = time.monotonic(), [], 0
            if self.step % plan.validate_every == 0 or last:
                self._look()
                started = time.monotonic()
            if folder is not None and (self.is_done or time.monotonic() - saved > plan.checkpoint_every):
                self.save(folder)
                saved = time.monotonic()
        if plan.patience and self.best_state is not None:
            self.network.load_state_dict(self.best_state)
        elif self.mean_state is not None:
            self.network.load_state_dict(self.mean_state, strict=False)
        self.network.eval()

    @property
    def is_done(self) -> bool:
        """Whether the steps are over, or nothing got better for long."""
        return self.step >= self.plan.steps or (self.plan.patience > 0 and self.worse >= self.plan.patience)

    def train_step(self) -> tuple[Tensor, int]:
        """One step of the optimiser; mean loss of a hidden letter, nats, and the tokens that were read."""
        plan = self.plan
        for group in self.optimizer.param_groups:
            group["lr"] = plan.learning_rate * plan.rate(self.step)
        self.network.train()
        if plan.dropout:
            torch.manual_seed(mixed(plan.seed, self.step))
        batches = self.batches.of_step(self.step)
        asked = max(1, sum(int((batch.labels != NOT_ASKED).sum()) for batch in batches))
        total = torch.zeros((), device=self.device)
        for batch in batches:
            loss = self._loss(batch) / asked
            loss.backward()
            total += loss.detach()
        nn.utils.clip_grad_norm_(self.network.parameters(), plan.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._remember()
        return total, sum(batch.tokens.size for batch in batches)

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss of a hidden letter of the held-out part, nats; NaN without one."""
        self.network.eval()
        loss, asked = 0.0, 0
        for batch in self.batches.held_out():
            loss += float(self._loss(batch))
            asked += int((batch.labels != NOT_ASKED).sum())
        return loss / asked if asked else math.nan

    def _trained(self) -> dict[str, Tensor]:
        """A copy of what is trained."""
        return {
            name: parameter.detach().clone()
            for name, parameter in self.network.named_parameters()
            if parameter.requires_grad
        }

    @torch.no_grad()
    def _remember(self) -> None:
        """Move the running mean towards the weights; at first it follows them closely."""
        if self.mean_state is not None:
            kept = min(self.plan.average, (1 + self.step) / (10 + self.step))
            for name, parameter in self.network.named_parameters():
                if name in self.mean_state:
                    self.mean_state[name].lerp_(parameter, 1 - kept)

    @contextlib.contextmanager
    def _averaged(self) -> Iterator[None]:
        """With the running mean in place of the weights."""
        if self.mean_state is None:
            yield
            return
        last = self._trained()
        self.network.load_state_dict(self.mean_state, strict=False)
        yield
        self.network.load_state_dict(last, strict=False)

    def _look(self) -> None:
        with self._averaged():
            found = self.validate()
            if math.isnan(found):
                return
            self.log({
                "step": self.step, "held_out": round(found, 4), "perplexity": round(math.exp(found), 3),
            })  # fmt: skip
            if found < self.best:
                self.best, self.worse = found, 0
                if self.plan.patience:
                    self.best_state = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
            else:
                self.worse += 1

    def _loss(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of what is hidden, nats, summed."""
        tokens = torch.from_numpy(batch.tokens).to(self.device)
        labels = torch.from_numpy(batch.labels).to(self.device)
        enabled = self.plan.precision == "bf16"
        context = torch.autocast(self.device.type, torch.bfloat16) if enabled else contextlib.nullcontext()
        with context:
            states = self.network.esm(tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
            is_asked = labels != NOT_ASKED
            logits = self.network.lm_head(states[is_asked])  # of what counts only
        return functional.cross_entropy(logits.float(), labels[is_asked], reduction="sum")

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        state = {
            "plan": dataclasses.asdict(self.plan), "step": self.step, "seconds": self.seconds,
            "best": self.best, "worse": self.worse, "best_state": self.best_state, "mean": self.mean_state,
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in a folder.

        Raises
        ------
        CheckpointError
            If there is none, it is damaged, or it is of another plan or model.
        """
        path = folder / CHECKPOINT
        state = read_state(path, self.device)
        try:
            check_same(path, "plan", state["plan"], dataclasses.asdict(self.plan))
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.best, self.worse = float(state["best"]), int(state["worse"])
            self.best_state, self.mean_state = state["best_state"], state["mean"]
        except (LookupError, RuntimeError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"{path}: not a checkpoint of this training ({error}); start anew"
            ) from error
