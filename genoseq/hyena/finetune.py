"""Fine-tuning: a language model becomes a classifier.

The head begins as the best that frozen vectors can have, a logistic regression on them (the *linear probe*),
and then all weights, or low-rank corrections of them, are trained on from there (Kumar et al., "Fine-Tuning
can Distort Pretrained Features", ICLR 2022): the first gradients do not come from a random head. Only the
validation part decides which state is kept; the probe itself is the first candidate. The test part is not
seen here at all.

Every random number follows from the seed, the epoch and the step: a run that goes on from a checkpoint ends
where it would have ended.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.errors import CheckpointError, UsageError
from genoseq.hyena.examples import Examples, draw_batches, draw_windows, padded
from genoseq.hyena.heads import Classifier, Head, vectors_of
from genoseq.hyena.lora import add_low_rank
from genoseq.hyena.model import Block, HyenaNetwork
from genoseq.hyena.train import parameter_groups
from genoseq.io.files import replacing
from genoseq.models.checkpoint import read_state
from genoseq.models.lora import merge_low_rank
from genoseq.models.training import mixed
from genoseq.supervised.regression import Regression, log_loss

__all__ = ["CHECKPOINT", "Tuned", "Tuning", "fine_tune", "logits_of"]

CHECKPOINT = "classifier.checkpoint.pt"
KINDS = ("full", "lora", "head")
"""What is trained: all weights, low-rank corrections of the matrices, or the head alone."""

_BETAS = (0.9, 0.99)

Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Tuning:
    """How a classifier is trained.

    Attributes
    ----------
    tune : str
        One of `KINDS`.
    rank : int
        Of the low-rank corrections.
    epochs : int
        At most.
    patience : int
        Epochs without a better validation loss after which the training ends.
    tokens : int
        Bases of a step, with padding.
    learning_rate : float, optional
        Highest; by default 1e-3, with "lora" 2e-3.
    least_rate : float
        At the end, as a share of the highest.
    warm_up : float
        Share of all steps.
    weight_decay : float
        Of the matrices that are not part of a filter.
    clip : float
        Largest norm of a gradient.
    dropout : float
        After the embedding.
    balanced : bool
        Weigh sequences against the frequency of their class.
    precision : str
        "fp32" or "bf16": type of the matrix products.
    checkpoint_every : float
        Seconds between checkpoints, which are made at the ends of epochs.
    seed : int
    """

    tune: str = "full"
    rank: int = 8
    epochs: int = 20
    patience: int = 4
    tokens: int = 4096
    learning_rate: float | None = None
    least_rate: float = 0.05
    warm_up: float = 0.1
    weight_decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.0
    balanced: bool = False
    precision: str = "fp32"
    checkpoint_every: float = 60.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.tune not in KINDS:
            raise UsageError(f"tune {self.tune!r}: choose {', '.join(KINDS)}")
        if self.precision not in ("fp32", "bf16"):
            raise UsageError(f"precision {self.precision!r}: choose fp32 or bf16")
        for name in ("rank", "epochs", "patience", "tokens"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be 1 or more")

    @property
    def highest_rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.learning_rate or (2e-3 if self.tune == "lora" else 1e-3)

    def rate(self, done: float) -> float:
        """Learning rate as a share of the highest, when this share of all steps is done."""
        if done < self.warm_up:
            return max(done, 1e-3) / self.warm_up
        turn = (done - self.warm_up) / (1 - self.warm_up)
        return self.least_rate + (1 - self.least_rate) * 0.5 * (1 + math.cos(math.pi * turn))


@dataclass(frozen=True)
class Tuned:
    """What came of a training.

    Attributes
    ----------
    classifier : Classifier
        In evaluation mode, of the epoch with the least validation loss.
    loss : float
        That loss: mean negative log-likelihood, nats.
    history : list of dict
        Of each epoch: its number, its loss and that of the validation part, the least of these so far.
    """

    classifier: Classifier
    loss: float
    history: list[dict[str, Any]]


def fine_tune(
    network: HyenaNetwork,
    head: Head,
    plan: Tuning,
    train: Examples,
    validation: Examples,
    probe: Regression,
    *,
    log: Log | None = None,
    folder: Path | None = None,
) -> Tuned:
    """Make a classifier from a language model.

    Parameters
    ----------
    network : HyenaNetwork
        On its device; it is not changed.
    probe : Regression
        Fitted on the vectors of the training part (`genoseq.hyena.heads.vectors_of`): the first head.
    log : callable, optional
        Receives a mapping for each epoch.
    folder : path, optional
        Where checkpoints are kept; if there is one already, the training goes on from it.

    Raises
    ------
    CheckpointError
        If the checkpoint is damaged or of another training.
    """
    classifier = Classifier(copy.deepcopy(network), head).to(next(network.parameters()).device)
    with torch.no_grad():
        classifier.output.weight.copy_(torch.from_numpy(probe.weight))
        classifier.output.bias.copy_(torch.from_numpy(probe.bias))
    if plan.tune == "head":
        return Tuned(classifier.eval(), probe.loss, [])
    cast("Block", classifier.network.layers[0]).dropout1.p = plan.dropout
    torch.manual_seed(plan.seed)  # the corrections
    if plan.tune == "lora":
        add_low_rank(classifier.network, plan.rank)
    tuner = _Tuner(classifier, plan, train, validation, probe.loss, log or (lambda line: None))
    if folder is not None and (folder / CHECKPOINT).exists():
        tuner.resume(folder)
    tuner.run(folder)
    merge_low_rank(classifier.network)
    return Tuned(classifier.eval(), tuner.best_loss, tuner.history)


def logits_of(classifier: Classifier, examples: Examples, precision: str = "fp32") -> NDArray[np.float64]:
    """Logits of sequences, read as `genoseq.hyena.heads` says: float64 (n, classes)."""
    classifier.eval()
    device = classifier.output.weight.device

    @contextlib.contextmanager
    def modes() -> Any:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            yield

    found = list(vectors_of(classifier.network, examples.tokens, classifier.head, modes))
    weight, bias = (part.detach().double().cpu().numpy() for part in classifier.output.parameters())
    return np.reshape(found, (len(examples), weight.shape[1])) @ weight.T + bias


class _Tuner:
    """A training: the classifier, its optimiser, and where it stands.

    Attributes
    ----------
    epoch
        That is next, from 0 on.
    best, best_loss, waited
        Weights of the best epoch, their validation loss, and epochs since.
    """

    def __init__(
        self,
        classifier: Classifier,
        plan: Tuning,
        train: Examples,
        validation: Examples,
        loss: float,
        log: Log,
    ) -> None:
        self.classifier, self.plan, self.train, self.validation = classifier, plan, train, validation
        self.log, self.device = log, classifier.output.weight.device
        self.optimizer = torch.optim.AdamW(
            parameter_groups(classifier, rate=plan.highest_rate, decay=plan.weight_decay), betas=_BETAS
        )
        self.weights = self._class_weights()
        self.epoch, self.step, self.waited = 0, 0, 0
        self.best, self.best_loss = self._state(), loss
        self.history: list[dict[str, Any]] = []

    def run(self, folder: Path | None) -> None:
        """Train to the end and leave the best weights in the classifier."""
        saved = time.monotonic()
        while self.epoch < self.plan.epochs and self.waited < self.plan.patience:
            started = time.monotonic()
            loss = self._epoch()
            self.epoch += 1
            found = log_loss(
                logits_of(self.classifier, self.validation, self.plan.precision), self.validation.labels
            )
            better = found < self.best_loss
            self.waited = 0 if better else self.waited + 1
            if better:
                self.best, self.best_loss = self._state(), found
            line = {
                "epoch": self.epoch, "loss": round(loss, 4), "validation_loss": round(found, 4),
                "best": round(self.best_loss, 4), "seconds": round(time.monotonic() - started, 1),
            }  # fmt: skip
            self.history.append(line)
            self.log(line)
            if folder is not None and time.monotonic() - saved > self.plan.checkpoint_every:
                self.save(folder)
                saved = time.monotonic()
        self.classifier.load_state_dict(self.best)

    def _epoch(self) -> float:
        """Each sequence once; returns the mean loss, nats."""
        self.classifier.train()
        rng = np.random.default_rng([self.plan.seed, self.epoch])
        examples = draw_windows(
            self.train, self.classifier.window, rng, flip=self.classifier.head.both_strands
        )
        batches = draw_batches([len(tokens) for tokens in examples.tokens], self.plan.tokens, rng)
        total = 0.0
        for number, batch in enumerate(batches):
            rate = self.plan.rate((self.epoch + number / len(batches)) / self.plan.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = group["highest"] * rate
            # each sequence counts the same, whether its batch has few or many
            total += self._train_step(examples.take(batch), len(self.train) / len(batches)) * len(batch)
            self.step += 1
        return total / len(self.train)

    def _train_step(self, examples: Examples, usual: float) -> float:
        """One step of the optimiser; returns the mean loss of the batch."""
        torch.manual_seed(mixed(self.plan.seed, self.step))  # dropout
        ids, lengths = padded(examples.tokens, self.device)
        labels = torch.from_numpy(examples.labels).to(self.device)
        bf16 = self.plan.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            logits = self.classifier(ids, lengths)
        losses = functional.cross_entropy(logits.float(), labels, self.weights, reduction="none")
        (losses.sum() / usual).backward()
        nn.utils.clip_grad_norm_(self.classifier.parameters(), self.plan.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(losses.detach().mean())

    def _class_weights(self) -> Tensor | None:
        if not self.plan.balanced:
            return None
        counts = np.bincount(self.train.labels, minlength=len(self.classifier.head.classes))
        weights = len(self.train) / (len(counts) * np.maximum(counts, 1))
        return torch.from_numpy(weights).float().to(self.device)

    def _state(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.classifier.state_dict().items()}

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        state = {
            "plan": dataclasses.asdict(self.plan), "epoch": self.epoch, "step": self.step,
            "waited": self.waited, "weights": self._state(), "best": self.best, "best_loss": self.best_loss,
            "optimizer": self.optimizer.state_dict(), "history": self.history,
        }  # fmt: skip
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in a folder.

        Raises
        ------
        CheckpointError
            If it is damaged or of another training.
        """
        path = folder / CHECKPOINT
        state = read_state(path, self.device)
        if state.get("plan") != dataclasses.asdict(self.plan):
            raise CheckpointError(f"{path}: the checkpoint of another training; delete it to start anew")
        try:
            self.classifier.load_state_dict(state["weights"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.best, self.best_loss = state["best"], state["best_loss"]
            self.epoch, self.step, self.waited = state["epoch"], state["step"], state["waited"]
            self.history = state["history"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"{path}: the checkpoint of another training; delete it to start anew"
            ) from error
