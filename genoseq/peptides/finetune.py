"""Fine-tuning of a masked language model on peptides behind their targets.

Only the validation part decides which weights are kept; the test part is not seen here at all. Beside the
published way (all weights, whole peptides) there are low-rank corrections, peptides that are hidden in part,
proteins mixed in, a running mean of the weights, and a calibration: networks that were trained on few data
are surer than they should be, and one number that all logits are divided by mends most of that (Guo et al.,
"On Calibration of Modern Neural Networks", ICML 2017). It goes into the weights of the last norm and the last
bias, so that the model is an ESM-2 as any other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from genoseq.models.lora import add_low_rank, merge_low_rank
from genoseq.peptides.batches import NOT_ASKED, Batches, MixedBatches, Pair, PairBatches, ProteinBatches
from genoseq.peptides.pairs import BindingPair
from genoseq.peptides.recipe import PairRecipe
from genoseq.peptides.split import PairSplit
from genoseq.peptides.tokens import PAD, tokens_of
from genoseq.peptides.train import CHECKPOINT, MaskedTrainer, MaskedTraining

__all__ = ["FineTuned", "calibrate", "fine_tune"]

_ADAPTED = ("query", "key", "value", "dense")
_TEMPERATURES = np.geomspace(0.5, 4, 64)

Log = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class FineTuned:
    """What came of it.

    Attributes
    ----------
    network : EsmForMaskedLM
        In evaluation mode.
    steps : int
    seconds : float
    loss : float
        Least loss of the validation part, nats a hidden letter; infinite without one.
    temperature : float
        That the logits were divided by; 1: not calibrated.
    """

    network: Any
    steps: int
    seconds: float
    loss: float
    temperature: float


def fine_tune(
    network: Any,
    split: PairSplit,
    recipe: PairRecipe,
    *,
    proteins: Sequence[np.ndarray] = (),
    log: Log | None = None,
    folder: Path | None = None,
) -> FineTuned:
    """Train a network on the training part of a split.

    Parameters
    ----------
    network : EsmForMaskedLM
        On its device; it is changed.
    split
    recipe
    proteins
        Tokens of proteins that are mixed in.
    log
        Receives a mapping for each line of the log.
    folder
        Where checkpoints are kept; if there is one already, the training goes on from it.

    Raises
    ------
    UsageError
        If the numbers of the recipe do not fit.
    CheckpointError
        If the checkpoint is damaged or of another training.
    """
    seed = recipe.training.seed
    torch.manual_seed(seed)  # the corrections
    if recipe.tune == "lora":
        add_low_rank(network, _ADAPTED, recipe.rank, most=network.config.hidden_size)
    pairs = pair_batches(split, recipe)
    plan = plan_of(recipe, pairs.steps_in_epoch)
    batches: Batches = pairs
    if len(proteins):
        window = min(recipe.window, recipe.micro - 2)
        others = ProteinBatches(
            proteins, [], window=window, tokens=recipe.mix_tokens, micro=min(recipe.micro, recipe.mix_tokens),
            masking=recipe.masking, seed=seed,
        )  # fmt: skip
        batches = MixedBatches(pairs, others, recipe.mix_every)
    trainer = MaskedTrainer(network, batches, plan, log)
    if folder is not None and (folder / CHECKPOINT).exists():
        trainer.resume(folder)
    trainer.run(folder)
    merge_low_rank(network)
    network.eval()
    temperature = calibrate(network, pairs) if recipe.calibrate and split.validation else 1.0
    return FineTuned(network, trainer.step, trainer.seconds, trainer.best, temperature)


def pair_batches(split: PairSplit, recipe: PairRecipe) -> PairBatches:
    """The batches of a split."""
    weights = None
    if recipe.balance:
        _, inverse, sizes = np.unique(split.train_clusters, return_inverse=True, return_counts=True)
        weights = sizes[inverse].astype(np.float64) ** -recipe.balance
    train, validation = (_tokenized(part) for part in (split.train, split.validation))
    return PairBatches(
        train, validation, window=recipe.window, tokens=recipe.tokens, micro=recipe.micro,
        hiding=recipe.hiding, seed=recipe.training.seed, rows=recipe.rows, weights=weights,
    )  # fmt: skip


def plan_of(recipe: PairRecipe, steps_in_epoch: int) -> MaskedTraining:
    """The training of a recipe, with the steps that follow from its epochs."""
    steps = max(1, round(recipe.epochs * steps_in_epoch))
    every = max(1, round(steps_in_epoch / recipe.looks))
    return dataclasses.replace(recipe.training, steps=steps, validate_every=every)


@torch.no_grad()
def calibrate(network: Any, batches: Batches) -> float:
    """Divide all logits by the number that makes the loss of the held-out part least; gives that number."""
    device = next(network.parameters()).device
    losses = torch.zeros(len(_TEMPERATURES), dtype=torch.float64)
    for batch in batches.held_out():
        tokens, labels = (torch.from_numpy(part).to(device) for part in batch)
        asked = labels != NOT_ASKED
        states = network.esm(tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
        logits = network.lm_head(states[asked]).double()
        for number, temperature in enumerate(_TEMPERATURES):
            losses[number] += float(
                functional.cross_entropy(logits / temperature, labels[asked], reduction="sum")
            )
    best = float(_TEMPERATURES[int(losses.argmin())])
    head = network.lm_head
    for parameter in (head.layer_norm.weight, head.layer_norm.bias, head.bias):
        parameter.div_(best)
    return best


def _tokenized(pairs: Sequence[BindingPair]) -> list[Pair]:
    return [Pair(tokens_of(pair.target), tokens_of(pair.peptide)) for pair in pairs]
