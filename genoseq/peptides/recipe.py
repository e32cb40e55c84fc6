"""Recipes of protein models as files of parameters (YAML).

    training:   fields of `genoseq.peptides.train.MaskedTraining`
    masking:    fields of `genoseq.peptides.batches.Masking`, for proteins
    hiding:     fields of `genoseq.peptides.batches.Hiding`, for pairs
    limits:     fields of `genoseq.peptides.pairs.PairLimits`, for pairs
    model:      fields of `genoseq.peptides.network.EsmShape`, for a model from nothing

and the fields of `ProteinRecipe` or `PairRecipe` themselves. What is left out has its default; a name that is
not known is an error.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from genoseq.errors import UsageError
from genoseq.io.params import fields_of, read_params
from genoseq.peptides.batches import Hiding, Masking
from genoseq.peptides.network import EsmShape
from genoseq.peptides.pairs import PairLimits
from genoseq.peptides.train import MaskedTraining

__all__ = ["TUNE", "PairRecipe", "ProteinRecipe", "read_pair_recipe", "read_protein_recipe"]

TUNE = ("full", "lora")
_SHAPE = EsmShape(6, 256, 8, 1024)  # 4.8 M parameters
_PRETRAINING = MaskedTraining(steps=5000, learning_rate=1.5e-3, warm_up=300, least_rate=0.05)
_FINE_TUNING = MaskedTraining(
    learning_rate=3e-4, schedule="linear", least_rate=0.0, warm_up=100, patience=6, average=0.99
)
_HIDING = Hiding(0.5)
R = TypeVar("R", "ProteinRecipe", "PairRecipe")


@dataclass(frozen=True)
class ProteinRecipe:
    """How a model is trained on proteins, from nothing or from another model.

    Attributes
    ----------
    model : EsmShape
    training : MaskedTraining
    masking : Masking
    window : int
        Residues that are read at once.
    tokens, micro : int
        Of a step, and of a batch of it.
    shortest : int
        Residues of the shortest protein that is used.
    held_out : float
        Share of the groups of proteins that is never trained on.
    looked_at : int
        Proteins of the held-out part that are looked at during the training.
    separator : str
        Proteins are of one group whose names are the same up to its first occurrence; empty: each name is a
        group of its own. OrthoDB's names have the group in front of "_".
    clustered : bool
        Make groups of the proteins that share words (`genoseq.supervised.homology`) in place of names. It
        holds all words in memory: some 2 GB for 100,000 proteins.
    """

    model: EsmShape = _SHAPE
    training: MaskedTraining = _PRETRAINING
    masking: Masking = field(default_factory=Masking)
    window: int = 510
    tokens: int = 16384
    micro: int = 4096
    shortest: int = 30
    held_out: float = 0.01
    looked_at: int = 250
    separator: str = ""
    clustered: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1 or min(self.looked_at, self.shortest) < 1:
            raise UsageError("held_out is a share of 0 to below 1, looked_at and shortest are 1 or more")

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class PairRecipe:
    """How a model is fine-tuned on peptides behind their targets.

    Attributes
    ----------
    training : MaskedTraining
        Its `steps` and `validate_every` follow from the epochs.
    hiding : Hiding
    masking : Masking
        Of the proteins that are mixed in, if there are any.
    limits : PairLimits
    tune : str
        "full", or "lora": low-rank corrections of the matrices.
    rank : int
        Of these.
    epochs : float
        At most.
    looks : int
        At the validation part in an epoch; patience counts them.
    window : int
        Letters of target and peptide together.
    tokens, micro : int
        Of a step, and of a batch of it.
    rows : int
        Pairs of a batch, at most; 0: as many as fit.
    balance : float
        Pairs are drawn with the power -balance of the size of the cluster of their target: 0 takes each once
        an epoch, 1 gives all clusters the same share.
    mix_every : int
        Steps for each step of proteins that is added, if proteins are given.
    mix_tokens : int
        Of such a step.
    calibrate : bool
        At the end, divide all logits by the one number that suits the validation part best.
    """

    training: MaskedTraining = _FINE_TUNING
    hiding: Hiding = _HIDING
    masking: Masking = field(default_factory=Masking)
    limits: PairLimits = field(default_factory=PairLimits)
    tune: str = "full"
    rank: int = 8
    epochs: float = 10.0
    looks: int = 2
    window: int = 552
    tokens: int = 8192
    micro: int = 4096
    rows: int = 0
    balance: float = 0.0
    mix_every: int = 1
    mix_tokens: int = 4096
    calibrate: bool = True

    def __post_init__(self) -> None:
        if self.tune not in TUNE:
            raise UsageError(f"tune is {self.tune!r}; choose {' or '.join(TUNE)}")
        if not self.epochs > 0 or self.looks < 1 or not 0 <= self.balance <= 1:
            raise UsageError("epochs are above 0, looks 1 or more, balance is a share of 0 to 1")
        if self.limits.longest_peptide >= self.window:
            raise UsageError(
                f"peptides of up to {self.limits.longest_peptide} letters in a window of {self.window}: "
                "nothing of a target would fit"
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return dataclasses.asdict(self)


def read_protein_recipe(path: str | Path) -> ProteinRecipe:
    """Read a recipe for proteins.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or names what is not known.
    MissingDependencyError
        If the library ``yaml`` is missing.
    """
    return read_params(path, lambda values: _made(ProteinRecipe, ProteinRecipe(), values))


def read_pair_recipe(path: str | Path) -> PairRecipe:
    """Read a recipe for pairs; errors are those of `read_protein_recipe`."""
    return read_params(path, lambda values: _made(PairRecipe, PairRecipe(), values))


def _made(kind: type[R], usual: R, values: Any) -> R:
    """A recipe from a mapping; a part that is given in part keeps the rest of the recipe's default."""
    nested = {
        each.name: getattr(usual, each.name)
        for each in dataclasses.fields(kind)
        if dataclasses.is_dataclass(getattr(usual, each.name))
    }
    parts = {}
    if isinstance(values, dict):
        parts = {name: values[name] for name in values if name in nested}
        values = {name: value for name, value in values.items() if name not in nested}
    given = fields_of(kind, values, "the recipe")
    for name, part in parts.items():
        default = nested[name]
        given[name] = dataclasses.replace(default, **fields_of(type(default), part, name))
    return dataclasses.replace(usual, **given)
