"""Saved classifiers of any kind, read."""

from __future__ import annotations

from typing import NamedTuple

from genoseq.errors import CheckpointError
from genoseq.io.files import StrPath
from genoseq.ncd.model_folder import method_of
from genoseq.ncd.neighbour_folder import load_neighbours
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import RelativeClassifier
from genoseq.ncd.relative_folder import load_relative

__all__ = ["Saved", "load_classifier"]


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


def load_classifier(path: StrPath) -> Saved:
    """Read what `save_relative` or `save_neighbours` wrote.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, of another version or of another kind.
    """
    method = method_of(path)
    if method == "relative":
        model = load_relative(path)
        return Saved(method, model.alphabet, model, [])
    if method == "ncd":
        found = load_neighbours(path)
        return Saved(method, found.alphabet, found.model, found.names)
    raise CheckpointError(f"{path}: no classifier of genoseq train classifier")
