"""The plan of a seed training: its stages and their parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genoseq.encoder.divergence import Divergence
from genoseq.encoder.seed import DIMENSION
from genoseq.errors import UsageError


@dataclass(frozen=True)
class Stage:
    """One stage of the training.

    Attributes
    ----------
    name : str
        For the log.
    steps : int
        Optimiser steps.
    groups, group_size : int
        Contexts of a batch: so many groups, each context ranked against its own group only.
    same_cell : bool
        A group comes from one cell of the index; else from anywhere in one genome.
    coded : bool
        Rivals are seen through product codes.
    temperature : float
        Factor of the cosine in the softmax (the inverse of the usual temperature).
    learning_rate : float
        Highest rate of Adam; it rises over the first tenth of the steps and falls to 0 by a half cosine.
    divergence : Divergence
        How the contexts change.
    commitment : float
        Weight of the squared distance between vectors and their codes in a coded stage. Without it codebook
        and vectors drift apart to sharpen the softmax, and distances in the index no longer mean cosines.
    """

    name: str
    steps: int
    groups: int
    group_size: int
    same_cell: bool
    coded: bool
    temperature: float
    learning_rate: float
    divergence: Divergence
    commitment: float = 0.0


DEFAULT_STAGES = (
    Stage("global", 1500, 1, 1024, False, False, 20.0, 3e-3, Divergence((0.0, 0.25))),
    Stage("cell", 5000, 16, 256, True, False, 15.0, 2e-3, Divergence((0.1, 0.3), kept=3)),
    Stage("codes", 4000, 16, 256, True, True, 30.0, 1e-3, Divergence((0.05, 0.3), kept=3), commitment=1.0),
)


@dataclass(frozen=True)
class SeedTraining:
    """Parameters of a training run.

    Attributes
    ----------
    words : tuple of str
        Anchor words.
    flank : int
        Bases of context on each side of a word, bp.
    dimension : int
        Numbers in an embedding, a multiple of 16.
    stages : tuple of Stage
        In order; the rotation of the product codes is learned before the first coded stage.
    capacity : int
        Anchors in a cell of the index.
    balance : float
        A genome of n anchors is drawn with a probability proportional to ``n ** balance``: 1 by size, 0 all
        alike.
    seed : int
        Of everything.
    checkpoint_every, log_every : int
        Steps between checkpoints and between lines of the log.
    """

    words: tuple[str, ...] = ("AC", "GA")
    flank: int = 22
    dimension: int = DIMENSION
    stages: tuple[Stage, ...] = DEFAULT_STAGES
    capacity: int = 1500
    balance: float = 0.5
    seed: int = 0
    checkpoint_every: int = 500
    log_every: int = 100

    def __post_init__(self) -> None:
        for stage in self.stages:
            if min(stage.steps, stage.groups) < 1 or stage.group_size < 2:
                raise UsageError(
                    f"stage {stage.name}: steps and groups must be at least 1, group_size at least 2"
                )
            if stage.same_cell and stage.group_size > self.capacity:
                raise UsageError(
                    f"stage {stage.name}: groups of {stage.group_size} do not fit cells of {self.capacity}"
                )

    def with_steps(self, steps: int) -> SeedTraining:
        """The same plan in `steps` optimiser steps, shared over the stages as before (each at least one)."""
        whole = sum(stage.steps for stage in self.stages)
        shared = tuple(replace(s, steps=max(1, round(s.steps * steps / whole))) for s in self.stages)
        return replace(self, stages=shared)
