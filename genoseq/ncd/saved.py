"""Saved classifiers of any kind: which one a folder holds, and reading it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from genoseq.errors import CheckpointError
from genoseq.io.files import StrPath
from genoseq.ncd import folder as relative_folder
from genoseq.ncd import neighbour_folder
from genoseq.ncd.folder import CONFIG
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import RelativeClassifier

__all__ = ["Saved", "load_classifier", "method_of"]

_METHODS = {relative_folder.FORMAT: "relative", neighbour_folder.FORMAT: "ncd"}


class Saved(NamedTuple):
    """A classifier that was read.

    Attributes
    ----------
    method : str
        "relative" or "ncd".
    alphabet : str
        "dna" or "protein".
    model : RelativeClassifier or NCDClassifier
    names : list of str
        Of the training sequences, where they are kept.
    """

    method: str
    alphabet: str
    model: RelativeClassifier | NCDClassifier
    names: list[str]


def method_of(path: StrPath) -> str | None:
    """Which kind of classifier by compression a folder holds; None if it holds something else or nothing."""
    try:
        config = json.loads((Path(path) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _METHODS.get(str(config.get("format"))) if isinstance(config, dict) else None


def load_classifier(path: StrPath) -> Saved:
    """Read what `save_relative` or `save_neighbours` wrote.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, of another version or of another kind.
    """
    method = method_of(path)
    if method == "relative":
        model = relative_folder.load_relative(path)
        return Saved(method, model.alphabet, model, [])
    if method == "ncd":
        found = neighbour_folder.load_neighbours(path)
        return Saved(method, found.alphabet, found.model, found.names)
    raise CheckpointError(f"{path}: no classifier of genoseq train classifier")
