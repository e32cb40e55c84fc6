"""Targets of the study of peptides: what is wanted for each, and which others it is compared with."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genoseq.errors import InputError, counted
from genoseq.peptides.pairs import MEASURED, read_pairs
from genoseq.peptides.targets import Target, read_targets
from genoseq.protein import AMINO_ACIDS, encode_protein
from genoseq.supervised.homology import protein_clusters

TABLES = (".csv", ".tsv")


@dataclass(frozen=True, eq=False)
class Goal:
    """A target, and what is wanted for it.

    Attributes
    ----------
    target : Target
    lengths : tuple of int
        Of the peptides.
    known : tuple of str
        Peptides that are known to bind it.
    """

    target: Target
    lengths: tuple[int, ...]
    known: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the name of the target: VE6_HPV11 of sp|P04019|VE6_HPV11."""
        return self.target.name.rsplit("|")[-1]


def read_goals(path: Path, lengths: Sequence[int]) -> list[Goal]:
    """Targets of FASTA or a structure, or of a table of peptides and targets (`genoseq.peptides.pairs`).

    For a target of a table peptides are as long as those that are known to bind it.

    Raises
    ------
    InputError
        If there are none, or two have one name.
    """
    goals = []
    if any(ending in TABLES for ending in path.suffixes):
        for letters, pairs in itertools.groupby(
            sorted(read_pairs(path, limits=MEASURED).pairs, key=lambda pair: pair.target),
            key=lambda pair: pair.target,
        ):
            some = list(pairs)
            known = tuple(pair.peptide for pair in some if set(pair.peptide) <= set(AMINO_ACIDS))
            name = f"line {some[0].place.rpartition(':')[2]}"
            own = sorted({len(peptide) for peptide in known}) or lengths
            goals.append(Goal(Target(name, letters, some[0].place), tuple(own), known))
        goals.sort(key=lambda goal: int(goal.name.split()[1]))
    else:
        goals = [Goal(target, tuple(lengths)) for target in read_targets(path)]
    if not goals:
        raise InputError("no targets in it", path)
    for name, count in Counter(goal.name for goal in goals).items():
        if count > 1:
            raise InputError(f"{counted(count, 'target')} are called {name}; give each its own name", path)
    return goals


def others_of(goals: Sequence[Goal], count: int) -> list[list[Target]]:
    """For each target some others, the nearest in length, no relatives of it or of each other."""
    clusters = protein_clusters([encode_protein(goal.target.letters) for goal in goals]).tolist()
    found = []
    for goal, own in zip(goals, clusters, strict=True):
        size = len(goal.target.letters)
        used, taken = {own}, list[Target]()
        order = sorted(range(len(goals)), key=lambda at: abs(len(goals[at].target.letters) - size))
        for at in order:
            if clusters[at] not in used and len(taken) < count:
                used.add(clusters[at])
                taken.append(goals[at].target)
        found.append(taken)
    return found
