"""Recipe: a whole training run as a file of parameters (YAML).

    model:      fields of `genoseq.hyena.config.HyenaConfig`
    training:   fields of `genoseq.hyena.train.Training`
    held_out:   share of every sequence, its end, that is never trained on

What is left out has its default; a name that is not known is an error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genoseq.errors import InputError, MissingDependencyError, UsageError
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.train import Training


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
    try:
        import yaml
    except ImportError as error:
        raise MissingDependencyError("--params", "pyyaml", "models") from error
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}", path) from error
    try:
        return recipe_of(values if values is not None else {})
    except (TypeError, ValueError, UsageError) as error:
        raise InputError(str(error), path) from error


def recipe_of(values: Any) -> Recipe:
    """A recipe from the mapping that a file holds.

    Raises
    ------
    UsageError
        If something is not known, or cannot be.
    """
    known = {"model": HyenaConfig, "training": Training}
    given = _fields(Recipe, values, "the recipe")
    for name, kind in known.items():
        if name in given:
            given[name] = kind(**_fields(kind, given[name], name))
    return Recipe(**given)


def _fields(kind: type, values: Any, where: str) -> dict[str, Any]:
    """The values of a mapping, of the types that the fields of `kind` have by default."""
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} is {values!r}; names with values are expected")
    usual = {f.name: f.default for f in dataclasses.fields(kind)}
    if unknown := [name for name in values if name not in usual]:
        raise UsageError(f"{where} has no {unknown[0]!r}; it has {', '.join(usual)}")
    return {name: _like(usual[name], value, name) for name, value in values.items()}


def _like(usual: Any, value: Any, name: str) -> Any:
    """A value in the type of another."""
    if isinstance(usual, tuple):
        if not isinstance(value, list | tuple):
            raise UsageError(f"{name} is {value!r}; a list is expected")
        return tuple(tuple(part) if isinstance(part, list) else part for part in value)
    if isinstance(usual, bool) or isinstance(value, bool):
        if type(usual) is not type(value):
            raise UsageError(f"{name} is {value!r}; {type(usual).__name__} is expected")
        return value
    if isinstance(usual, int) and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(usual, float) and isinstance(value, int | float | str):
        return float(value)  # YAML reads 6e-4 as text
    if isinstance(usual, int | str) and not isinstance(value, type(usual)):
        raise UsageError(f"{name} is {value!r}; {type(usual).__name__} is expected")
    return value
