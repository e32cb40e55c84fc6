"""Files of parameters: YAML whose names are the fields of dataclasses.

What is left out has its default; a name that is not known is an error, and a value takes the type that the
default of its field has.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from genoseq.errors import InputError, MissingDependencyError, UsageError

__all__ = ["fields_of", "read_params"]

T = TypeVar("T")


def read_params(path: str | Path, make: Callable[[Any], T]) -> T:
    """Read a YAML file.

    Parameters
    ----------
    path
    make
        Makes the parameters of what the file holds, which is an empty mapping for an empty file; may raise
        `UsageError`, `TypeError` or `ValueError`.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or `make` refuses it.
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
        return make(values if values is not None else {})
    except (TypeError, ValueError, UsageError) as error:
        raise InputError(str(error), path) from error


def fields_of(kind: type, values: Any, where: str) -> dict[str, Any]:
    """The values of a mapping, of the types that the fields of `kind` have by default.

    Raises
    ------
    UsageError
        If it is no mapping, names what `kind` does not have, or a value is of another type.
    """
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
