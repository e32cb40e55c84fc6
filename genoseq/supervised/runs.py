"""Runs: how often a classifier is trained, on which split, with which seed.

Without more, one run on three parts that are drawn by chance. Several seeds repeat everything, the draw
included. Folds let each sequence be tested once. The user may give the validation and the test as files of
their own; what is in one of these, on either strand, is then left out of the training.

Harder questions than chance asks: `with_homologs` lets relatives stay together in any of these, and
`group_runs` leaves out one group after the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.io.labelled import Labelled
from genoseq.supervised.homology import homology_clusters, protein_clusters
from genoseq.supervised.splits import (
    Split,
    fold_splits,
    groups_of,
    leave_one_out_splits,
    linked,
    random_split,
)

__all__ = ["Run", "group_runs", "joined", "planned_runs", "with_homologs"]


@dataclass(frozen=True)
class Run:
    """One split and one seed.

    Attributes
    ----------
    name : str
    seed : int
    split : Split
    """

    name: str
    seed: int
    split: Split


def joined(
    data: Labelled, validation: Labelled | None = None, test: Labelled | None = None
) -> tuple[Labelled, NDArray[np.int64]]:
    """Sequences of several files as one, and where each may be used.

    Returns
    -------
    Labelled
    ndarray, shape (n,), dtype int64
        0 for `data`, 1 for `validation`, 2 for `test`.
    """
    parts = [(number, part) for number, part in enumerate((data, validation, test)) if part is not None]
    whole = Labelled(data.source)
    for number, part in parts:
        if not len(part):
            raise InputError("no sequences", part.source)
        part.numbers(data.classes)  # a class that is not trained is an error of that file
        whole.codes += part.codes
        whole.labels += part.labels
        whole.names += part.names
        # without names of groups every sequence is alone; files number their lines anew
        whole.groups += part.groups or [f"{number}:{i}" for i in range(len(part))]
        whole.others += part.others
    if not any(part.groups for _, part in parts):
        whole.groups = []
    return whole, np.concatenate([np.full(len(part), number, np.int64) for number, part in parts])


def planned_runs(
    data: Labelled,
    places: NDArray[np.int64],
    classes: Sequence[str],
    *,
    seed: int,
    seeds: int = 1,
    folds: int | None = None,
    validation: float = 0.1,
    test: float = 0.2,
) -> list[Run]:
    """The runs of a study.

    Parameters
    ----------
    data, places
        As `joined` gives them.
    seed
        Of the first run; that of the next is one more.
    folds
        Let each sequence be tested once; `test` then counts for nothing.
    validation, test
        Share of the sequences, where no file gives the part.

    Raises
    ------
    UsageError
        If there are folds and a file for the test.
    InputError
        If a class has too few sequences for all parts.

    Warns
    -----
    GenoseqWarning
        If a sequence occurs with several labels, or in several files: it is left out of the part that matters
        less.
    """
    labels, groups = data.numbers(classes), groups_of(data.codes, data.groups)
    _warn_of_contradictions(groups_of(data.codes) if data.groups else groups, labels)
    kept = _kept(groups, places)
    free, *given = (np.flatnonzero(kept & (places == place)) for place in range(3))
    if folds is not None and (len(given[0]) or len(given[1])):
        raise UsageError("folds are parts of the training sequences: leave --validation and --test out")
    runs = []
    for number in range(seed, seed + seeds):
        name = f"seed {number}"
        if folds is not None:
            found = fold_splits(
                labels[free], groups[free], folds, validation=validation, seed=number, classes=classes
            )
            for fold, split in enumerate(found):
                parts = (free[each] for each in (split.train, split.validation, split.test))
                runs.append(Run(f"{name}, fold {fold + 1}", number, Split(*parts)))
            continue
        split = random_split(
            labels[free], groups[free],
            validation=0 if len(given[0]) else validation, test=0 if len(given[1]) else test,
            seed=number, classes=classes,
        )  # fmt: skip
        drawn = [free[each] for each in (split.train, split.validation, split.test)]
        chosen = [given[i - 1] if i and len(given[i - 1]) else drawn[i] for i in range(3)]
        runs.append(Run(name, number, Split(*chosen)))
    return runs


def with_homologs(data: Labelled) -> Labelled:
    """The same sequences, with relatives in one group: what clusters or groups link."""
    clusters = (protein_clusters if data.alphabet == "protein" else homology_clusters)(data.codes)
    groups = linked(groups_of(data.codes, data.groups), clusters)
    return replace(data, groups=[str(number) for number in groups.tolist()])


def group_runs(data: Labelled, classes: Sequence[str], *, seed: int) -> list[Run]:
    """A run for each group, which is its test: what is learned from all others.

    Sequences that are equal to one of the test, on either strand, are left out of the training.

    Parameters
    ----------
    data
        With groups, say species.
    classes
    seed
        Of the runs, for methods that need one.

    Raises
    ------
    UsageError
        If there are no groups.
    InputError
        If a class is in one group only.
    """
    if not data.groups:
        raise UsageError("there are no groups to leave out: name the column that tells them")
    labels = data.numbers(classes)
    _warn_of_contradictions(groups_of(data.codes), labels)
    found = leave_one_out_splits(labels, groups_of(data.codes), data.groups, classes=classes)
    return [Run(f"without {name}", seed, split) for name, split in found]


def _kept(groups: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sequences stay: those of a group that is in several files, only where it matters most."""
    last = np.zeros(groups.max(initial=-1) + 1, np.int64)
    np.maximum.at(last, groups, places)
    kept = places == last[groups]
    if not kept.all():
        count = int(np.count_nonzero(~kept))
        some = "sequence is" if count == 1 else "sequences are"
        left = "training and validation" if (places == 1).any() else "training"
        warnings.warn(
            f"{count:,} {some} also in the file of the validation or the test (or of a group that is): left "
            f"out of the {left}",
            GenoseqWarning,
            stacklevel=3,
        )
    return kept


def _warn_of_contradictions(groups: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
    pairs = np.unique(np.stack([groups, labels]), axis=1)
    count = int(np.count_nonzero(np.bincount(pairs[0]) > 1)) if pairs.size else 0
    if count:
        some = "sequence occurs" if count == 1 else "sequences occur"
        warnings.warn(f"{count:,} {some} with more than one label", GenoseqWarning, stacklevel=3)
