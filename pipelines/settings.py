"""Parameters of the studies: YAML, checked against the file that has all of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from genoseq.errors import InputError, UsageError
from genoseq.io.params import read_params

KINDS = {
    bool: "true or false", int | float: "a number", str: "text", list: "a list", dict: "names with values",
}  # fmt: skip
DICT = {KINDS[dict]}


def read_settings(usual: Path, path: Path, changes: Iterable[str] = ()) -> dict[str, Any]:
    """The parameters of a file, and `changes` on top; see `settle`.

    Raises
    ------
    UsageError
        If the file is missing or not YAML, or `settle` refuses it.
    """
    known: dict[str, Any] = read_params(usual, dict)

    def check(values: Any) -> Any:
        settle(known, values)
        return values

    try:
        given = read_params(path, check)
    except InputError as error:  # bad parameters are bad usage
        raise UsageError(str(error)) from error
    return settle(known, given, changes)


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    return next((words for kind, words in KINDS.items() if isinstance(value, kind)), "nothing")


def settle(usual: dict[str, Any], given: Any, changes: Iterable[str] = ()) -> dict[str, Any]:
    """Parameters: the usual ones, what is given in their place, and changes of single values on top.

    Parameters
    ----------
    usual : dict
        Of the file beside the script: its names are all that there are, its values say what kind is expected;
        null is anything. What all items of a list of mappings name, items of another list must name too.
    given : dict
        Replaces whole values.
    changes : iterable of str
        NAME=VALUE each, VALUE in YAML; NAME may lead inwards: training.stages.0.steps.

    Raises
    ------
    UsageError
        For a name that is not known, or a value of another kind.
    """
    if not isinstance(given, Mapping):
        raise UsageError(f"{kind_of(given)}; names with values are expected")
    params = copy.deepcopy(usual) | dict(given)
    for change in changes:
        name, is_there, text = change.partition("=")
        if not is_there:
            raise UsageError(f"--set {change}: NAME=VALUE is expected")
        part: Any = params
        *path, last = (int(step) if step.isdigit() else step for step in name.split("."))
        try:
            for step in path:
                part = part[step]
            part[last]  # it must be there
            part[last] = yaml.safe_load(text)
        except (KeyError, IndexError, TypeError) as error:
            raise UsageError(f"--set {change}: there is no {name} among the parameters") from error
        except yaml.YAMLError as error:
            raise UsageError(f"--set {change}: not YAML") from error
    if unknown := [name for name in params if name not in usual]:
        raise UsageError(f"{unknown[0]} is not known; there are {', '.join(usual)}")
    for name, value in usual.items():
        _check(value, params[name], name)
    return params


def _check(usual: Any, value: Any, where: str) -> None:
    """Refuse a value of another kind than the usual one, and items that lack what all usual ones have."""
    if usual is None:
        return
    if kind_of(value) != kind_of(usual):
        raise UsageError(f"{where} is {value!r}; {kind_of(usual)} is expected")
    if isinstance(usual, dict):
        for name in [name for name in usual if name in value]:
            _check(usual[name], value[name], f"{where}.{name}")
    elif isinstance(usual, list) and len(kinds := {kind_of(item) for item in usual}) == 1:
        needed = [name for name in usual[0] if all(name in item for item in usual)] if kinds == DICT else []
        if "kind" in needed:  # each kind has names of its own
            needed = [name for name in needed if name in ("name", "kind")]
        for item in value:
            if kind_of(item) not in kinds:
                raise UsageError(f"{where}: {item!r}; {kind_of(usual[0])} is expected")
            if lacking := [name for name in needed if name not in item]:
                raise UsageError(f"{where}: {item} has no {lacking[0]}")
