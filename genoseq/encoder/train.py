"""Training of the seed encoder: contrastive, in three stages of minutes on one CPU core.

1. ``global``: InfoNCE. Each mutated context must find its own among all contexts of the batch.
2. ``cell``: the rivals come from the same cell of the index, and the three bases next to the word stay
   unchanged, as they do for queries that reach that cell. This is what the encoder is for: ranking inside a
   cell.
3. ``codes``: the same, but the rivals are seen as the index remembers them, rounded to product codes;
   codebook and tables learn together (the gradient passes the rounding straight through, van den Oord et
   al. 2017), so the space arranges itself around the sixteen centroids of each piece.

Every random number of a step comes from (seed, stage, step). A run that was stopped and resumed from its
checkpoint therefore ends with the same weights as one that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import CellGroups, ContextPool
from genoseq.encoder.divergence import MARGIN, mutate
from genoseq.encoder.network import SeedNetwork
from genoseq.encoder.plan import SeedTraining, Stage
from genoseq.encoder.quantise import CENTROIDS, SUBSPACES, learn_codebook, learn_rotation
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.validate import anchor_recall
from genoseq.errors import CheckpointError, UsageError
from genoseq.io.files import replacing

CHECKPOINT = "seed.checkpoint.pt"
_SAMPLE = 100_000  # contexts for the rotation and the codebook: more change neither

Log = Callable[[dict[str, Any]], None]


class SeedTrainer:
    """A training run: its network, codebook, and where it stands.

    Parameters
    ----------
    pool : ContextPool
        Anchors of the training genomes.
    config : SeedTraining
    device : torch.device
    log : callable, optional
        Receives a mapping for each line of the log.
    """

    def __init__(
        self,
        pool: ContextPool,
        config: SeedTraining,
        device: torch.device | None = None,
        log: Log | None = None,
    ) -> None:
        words = AnchorWords(config.words)
        if (pool.words, pool.flank) != (words, config.flank):
            raise UsageError("the pool was collected for other anchor words or another flank")
        self.pool, self.config = pool, config
        self.device = device or torch.device("cpu")
        self.log: Log = log or (lambda line: None)
        self.network = SeedNetwork(words, config.flank, config.dimension, seed=config.seed).to(self.device)
        self.codebook = nn.Parameter(
            torch.zeros(SUBSPACES, CENTROIDS, config.dimension // SUBSPACES, device=self.device)
        )
        self.stage, self.step, self.seconds = 0, 0, 0.0
        self._optimiser: torch.optim.Adam | None = None
        self._groups: CellGroups | None = None

    def run(self, checkpoint: Path | None = None, *, stop_after: int | None = None) -> SeedEncoder:
        """Train to the end, from wherever the run stands.

        Parameters
        ----------
        checkpoint : Path, optional
            Folder for `CHECKPOINT`, written every `checkpoint_every` steps and at the end of each stage.
        stop_after : int, optional
            Stop after so many steps, for tests of resuming.

        Returns
        -------
        SeedEncoder
            Integer tables and codebook.
        """
        done = 0
        while self.stage < len(self.config.stages):
            stage = self.config.stages[self.stage]
            if self._optimiser is None:
                self._enter(stage)
            started = time.process_time()
            while self.step < stage.steps:
                if stop_after is not None and done >= stop_after:
                    return self.encoder()
                figures = self._train_step(stage)
                self.step += 1
                done += 1
                if self.step % self.config.log_every == 0 or self.step == stage.steps:
                    self.seconds += time.process_time() - started
                    started = time.process_time()
                    self.log(
                        {
                            "stage": stage.name,
                            "step": self.step,
                            **figures,
                            "cpu_seconds": round(self.seconds, 1),
                        }
                    )
                if checkpoint is not None and self.step % self.config.checkpoint_every == 0:
                    self.save(checkpoint)
            self.stage, self.step, self._optimiser = self.stage + 1, 0, None
            if checkpoint is not None:
                self.save(checkpoint)
        if not any(stage.coded for stage in self.config.stages):
            self._learn_codes()
        return self.encoder()

    def encoder(self, meta: dict[str, Any] | None = None) -> SeedEncoder:
        """What ships: integer tables, codebook, and the recipe in `meta`."""
        recipe = {"training": asdict(self.config), **(meta or {})}
        codebook = self.codebook.detach().cpu().numpy().astype(np.float32)
        return SeedEncoder(self.network.export(), codebook, self.network.words, self.config.flank, recipe)

    def save(self, folder: Path) -> None:
        """Write the checkpoint; it replaces the one before it only when it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "config": json.dumps(asdict(self.config)),
            "genomes": self.pool.genomes.tolist(),
            "stage": self.stage,
            "step": self.step,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "codebook": self.codebook.detach(),
            "optimiser": None if self._optimiser is None else self._optimiser.state_dict(),
        }
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save(state, temporary)

    def resume(self, folder: Path) -> None:
        """Continue from the checkpoint in `folder`.

        Raises
        ------
        CheckpointError
            If there is none, it is damaged, or it belongs to other genomes or parameters.
        """
        path = folder / CHECKPOINT
        if not path.is_file():
            raise CheckpointError(f"{path}: no checkpoint to resume; leave out --resume to start one")
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            if (found := json.loads(state["config"])) != (
                wanted := json.loads(json.dumps(asdict(self.config)))
            ):
                other = ", ".join(sorted(k for k in wanted if found.get(k) != wanted[k]))
                raise CheckpointError(
                    f"{path}: made with other parameters ({other}); use the same, or start without --resume"
                )
            if state["genomes"] != self.pool.genomes.tolist():
                raise CheckpointError(f"{path}: made with other genomes; give the same in the same order")
            self.network.load_state_dict(state["network"], strict=True)
            with torch.no_grad():
                self.codebook.copy_(state["codebook"])
            self.stage, self.step, self.seconds = (
                int(state["stage"]),
                int(state["step"]),
                float(state["seconds"]),
            )
            self._optimiser = None
            if state["optimiser"] is not None:
                self._optimiser = self._new_optimiser(self.config.stages[self.stage])
                self._optimiser.load_state_dict(state["optimiser"])
        except CheckpointError:
            raise
        except Exception as err:
            raise CheckpointError(f"{path}: not a checkpoint of the seed encoder ({err})") from err

    def _new_optimiser(self, stage: Stage) -> torch.optim.Adam:
        parameters: list[Tensor] = [self.network.table.weight]
        if stage.coded:
            parameters.append(self.codebook)
        return torch.optim.Adam(parameters, lr=stage.learning_rate)

    def _enter(self, stage: Stage) -> None:
        if stage.coded and not any(earlier.coded for earlier in self.config.stages[: self.stage]):
            self._learn_codes()
        self._optimiser = self._new_optimiser(stage)

    def _learn_codes(self) -> None:
        """Rotate the tables for product codes and learn a first codebook."""
        rng = np.random.default_rng([self.config.seed, 1 << 16])
        z = self.network.encode(self.pool.narrow(self._anywhere(min(_SAMPLE, 4 * len(self.pool)), rng)))
        rotation = learn_rotation(z[: _SAMPLE // 2])
        self.network.rotate(rotation)
        with torch.no_grad():
            self.codebook.copy_(torch.from_numpy(learn_codebook(z @ rotation.T)))

    def _train_step(self, stage: Stage) -> dict[str, float]:
        rng = np.random.default_rng([self.config.seed, self.stage, self.step])
        anchors = (
            self._in_cells(stage, rng)
            if stage.same_cell
            else self._anywhere(stage.groups * stage.group_size, rng)
        )
        wide = self.pool.wide(anchors)
        asked = self.network(self.network.kmers(mutate(wide, self.pool.flank, stage.divergence, rng)))
        stored = self.network(self.network.kmers(np.ascontiguousarray(wide[:, MARGIN:-MARGIN])))
        loss, correct = contrast(asked, stored, stage, self.codebook if stage.coded else None)
        if self._optimiser is None:
            raise UsageError("a stage was not entered; use run()")
        for group in self._optimiser.param_groups:
            group["lr"] = stage.learning_rate * one_cycle((self.step + 1) / stage.steps)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        if (self.step + 1) % self.config.log_every and self.step + 1 != stage.steps:
            return {}
        return {"loss": round(loss.item(), 4), "accuracy": round(correct.item(), 4)}

    def _anywhere(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Anchors of one genome after another, in the shares that `balance` sets."""
        sizes = np.diff(self.pool.genomes)
        share = sizes**self.config.balance
        genome = rng.choice(len(sizes), count, p=share / share.sum())
        return self.pool.genomes[genome] + (rng.random(count) * sizes[genome]).astype(np.int64)

    def _in_cells(self, stage: Stage, rng: np.random.Generator) -> NDArray[np.int64]:
        """Groups of distinct anchors, each from one cell; large cells come more often."""
        if self._groups is None:
            self._groups = CellGroups.build(self.pool, self.config.capacity)
        sizes = self._groups.sizes()
        wanted = min(stage.group_size, int(sizes.max()))
        share = np.where(sizes >= wanted, sizes, 0).astype(np.float64)
        cells = rng.choice(len(sizes), stage.groups, p=share / share.sum())
        picked = [
            self._groups.members[
                self._groups.starts[c]
                + rng.choice(sizes[c], stage.group_size, replace=sizes[c] < stage.group_size)
            ]
            for c in cells
        ]
        return np.concatenate(picked)


def one_cycle(progress: float) -> float:
    """Share of the highest learning rate at `progress` (0-1] of a stage: first up, then a half cosine."""
    if progress < 0.1:
        return progress / 0.1
    return 0.5 * (1 + math.cos(math.pi * (progress - 0.1) / 0.9))


def contrast(asked: Tensor, stored: Tensor, stage: Stage, codebook: Tensor | None) -> tuple[Tensor, Tensor]:
    """Loss and accuracy of finding each context within its group.

    Parameters
    ----------
    asked, stored : Tensor, shape (groups * group_size, dimension)
        Unit vectors of the mutated and of the stored contexts.
    stage : Stage
    codebook : Tensor, shape (subspaces, 16, dimension // subspaces), optional
        Round `stored` to it; the distance is then Euclidean, as in the index.
    """
    exact = stored
    if codebook is not None:
        stored = round_to(exact, codebook)
    asked = asked.view(stage.groups, stage.group_size, -1)
    stored = stored.view(stage.groups, stage.group_size, -1)
    closeness = asked @ stored.transpose(1, 2)
    if codebook is not None:
        closeness = closeness - 0.5 * stored.pow(2).sum(2).unsqueeze(1)
    logits = closeness * stage.temperature
    own = torch.arange(stage.group_size, device=asked.device).repeat(stage.groups)
    loss = functional.cross_entropy(logits.flatten(0, 1), own)
    if codebook is not None:
        loss = loss + stage.commitment * (exact - round_to(exact.detach(), codebook)).pow(2).sum(1).mean()
    if not stage.same_cell:  # also each stored context among the mutated
        loss = 0.5 * (loss + functional.cross_entropy(logits.transpose(1, 2).flatten(0, 1), own))
    return loss, (logits.flatten(0, 1).argmax(1) == own).float().mean()


def round_to(stored: Tensor, codebook: Tensor) -> Tensor:
    """Product codes of vectors (n, d), with gradients to codebook and (straight through) vectors."""
    pieces = stored.view(len(stored), codebook.shape[0], codebook.shape[2])
    with torch.no_grad():
        # |x - c|^2 without the part that all centroids share
        nearest = (codebook.pow(2).sum(2) - 2 * torch.einsum("nmj,mcj->nmc", pieces, codebook)).argmin(2)
    picked = codebook[torch.arange(codebook.shape[0], device=stored.device), nearest]
    return (picked + pieces - pieces.detach()).flatten(1)


def recall_rows(encoder: SeedEncoder, pool: ContextPool, *, queries: int = 2000) -> list[dict[str, float]]:
    """`anchor_recall` as rows for the log."""
    return [row.as_dict() for row in anchor_recall(encoder, pool, queries=queries)]


def untrained(pool: ContextPool, config: SeedTraining) -> SeedEncoder:
    """The same encoder before training, with its own rotation and codebook: what the training must beat."""
    trainer = SeedTrainer(pool, config)
    trainer._learn_codes()
    return trainer.encoder()
