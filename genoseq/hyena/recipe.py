"""Recipe: a whole training run as a file of parameters (YAML).

    model:      fields of `genoseq.hyena.config.HyenaConfig`
    training:   fields of `genoseq.hyena.train.Training`
    held_out:   share of every sequence, its end, that is never trained on

What is left out has its default; a name that is not known is an error.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genoseq.errors import UsageError
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.train import Training
from genoseq.io.params import fields_of, read_params


@dataclass(frozen=True)
class Recipe:
    """What a run is made from.

    Attributes
    ----------
    model : HyenaConfig
    training : Training
    held_out : float
        Share of the bases.
    """

    model: HyenaConfig = field(default_factory=HyenaConfig)
    training: Training = field(default_factory=Training)
    held_out: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise UsageError(f"held_out is {self.held_out}; a share of 0 to below 1 is expected")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a log."""
        return dataclasses.asdict(self)


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or names what is not known.
    MissingDependencyError
        If the library ``yaml`` is missing.
    """
    return read_params(path, recipe_of)


def recipe_of(values: Any) -> Recipe:
    """A recipe from the mapping that a file holds.

    Raises
    ------
    UsageError
        If something is not known, or cannot be.
    """
    known = {"model": HyenaConfig, "training": Training}
    given = fields_of(Recipe, values, "the recipe")
    for name, kind in known.items():
        if name in given:
            given[name] = kind(**fields_of(kind, given[name], name))
    return Recipe(**given)
