"""Which pairs are learned from, chosen by and judged by, and what leaks from one part into another.

Targets are clustered by the words of amino acids that they share (`genoseq.supervised.homology`), and a
cluster is in one part only: a model that has seen a near-twin of a target with its peptide has seen the
answer. Of the 199 different test targets of PepMLM, 181 are in its training pairs or have a near-twin there.

A part that the user gives stays as it is, and pairs in its clusters go from the parts before it. Equal and
similar peptides on unrelated targets stay, as that is what a peptide model knows; they are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError, counted
from genoseq.peptides.identity import identities
from genoseq.peptides.pairs import BindingPair
from genoseq.protein import encode_protein
from genoseq.supervised.homology import protein_clusters
from genoseq.supervised.splits import random_split

__all__ = ["ALIKE", "LeakRow", "PairSplit", "count_leaks", "split_pairs"]

ALIKE = 0.8
"""Identity from which a peptide counts as a near twin (`genoseq.peptides.identity`)."""
_NEAR, _EQUAL = 1, 2
_WORD, _SHARE = 5, 0.1  # as `protein_clusters`: up to about 37 % of differences

Numbers = NDArray[np.int64]
Pairs = list[BindingPair]


@dataclass(frozen=True)
class LeakRow:
    """How many of a kind in the test have a twin in the training.

    Attributes
    ----------
    what : str
        "targets", "peptides" or "pairs".
    test : int
        Different ones in the test.
    equal : int
        That are in the training.
    near : int
        Others that have a near twin there: targets of the same cluster, peptides alike by `ALIKE`, pairs of
        which both are so or equal.
    """

    what: str
    test: int
    equal: int
    near: int


@dataclass(frozen=True)
class PairSplit:
    """The three parts.

    Attributes
    ----------
    train, validation, test : list of BindingPair
    train_clusters, test_clusters : ndarray, dtype int64
        Cluster of the target of each pair.
    clusters : int
        Of all targets.
    dropped : int
        Pairs near a target of a part that was given.
    given, kept : tuple of LeakRow
        Twins of the test among the pairs as they were given, and among those that are trained on.
    """

    train: Pairs
    validation: Pairs
    test: Pairs
    train_clusters: Numbers
    test_clusters: Numbers
    clusters: int
    dropped: int
    given: tuple[LeakRow, ...]
    kept: tuple[LeakRow, ...]

    def to_dict(self) -> dict[str, object]:
        """The counts as plain values."""
        leaks = {
            name: {row.what: {"test": row.test, "equal": row.equal, "near": row.near} for row in rows}
            for name, rows in (("as_given", self.given), ("trained_on", self.kept))
        }
        return {
            "train": len(self.train), "validation": len(self.validation), "test": len(self.test),
            "target_clusters": self.clusters, "train_clusters": len(np.unique(self.train_clusters)),
            "test_clusters": len(np.unique(self.test_clusters)), "dropped_near_other_parts": self.dropped,
            "twins_of_the_test": leaks,
        }  # fmt: skip


def split_pairs(
    pairs: Sequence[BindingPair],
    *,
    validation: Sequence[BindingPair] | None = None,
    test: Sequence[BindingPair] | None = None,
    validation_share: float = 0.05,
    test_share: float = 0.05,
    seed: int = 1,
) -> PairSplit:
    """Split pairs by clusters of their targets.

    Parameters
    ----------
    pairs
        To train on, and to draw the parts from that are not given.
    validation, test
        Pairs of these parts.
    validation_share, test_share
        Of the pairs, for parts that are not given.
    seed
        Of the draw.

    Raises
    ------
    InputError
        If too few clusters are there for the parts, or nothing is left to train on.
    UsageError
        If a share is none.
    """
    drawn = (0.0 if validation is not None else validation_share, 0.0 if test is not None else test_share)
    if min(drawn) < 0 or sum(drawn) >= 1:
        raise UsageError(
            f"validation {drawn[0]:g} and test {drawn[1]:g}: shares of 0 to below 1 are expected"
        )
    parts: list[Pairs] = [list(pairs), list(validation or []), list(test or [])]
    clusters = _clusters([pair for part in parts for pair in part])
    ends = np.cumsum([0, *map(len, parts)])
    of = [clusters[begin:end] for begin, end in pairwise(ends)]
    dropped = 0
    for part, later in ((1, of[2:]), (0, of[1:])):
        keep = np.flatnonzero(~np.isin(of[part], np.concatenate(later)))
        dropped += len(parts[part]) - len(keep)
        parts[part], of[part] = [parts[part][number] for number in keep], of[part][keep]
    if not parts[0]:
        raise InputError("no pair is left to train on: every target is near one of the validation or test")
    first, first_of = parts[0], of[0]
    if any(drawn):
        wanted, there = 1 + np.count_nonzero(drawn), len(np.unique(first_of))
        if there < wanted:
            raise InputError(
                f"{counted(there, 'cluster')} of similar targets among {counted(len(first), 'pair')}: "
                f"{wanted} parts that share none need {wanted} or more; give the parts as files"
            )
        labels = np.zeros(len(first), np.int64)
        found = random_split(labels, first_of, validation=drawn[0], test=drawn[1], seed=seed)
        for part, numbers in enumerate((found.train, found.validation, found.test)):
            if part == 0 or drawn[part - 1]:
                parts[part] = [first[number] for number in numbers]
                of[part] = first_of[numbers]
    return PairSplit(
        train=parts[0], validation=parts[1], test=parts[2], train_clusters=of[0], test_clusters=of[2],
        clusters=len(np.unique(clusters)), dropped=dropped,
        given=count_leaks(pairs, parts[2]) if test is not None else (),
        kept=count_leaks(parts[0], parts[2]),
    )  # fmt: skip


def count_leaks(train: Sequence[BindingPair], test: Sequence[BindingPair]) -> tuple[LeakRow, ...]:
    """Count what of the test has a twin in the training: targets, peptides, pairs."""
    clusters = _clusters([*train, *test]).tolist()
    known = set(clusters[: len(train)])
    known_targets, known_pairs = {pair.target for pair in train}, {pair[:2] for pair in train}
    by_peptide = dict[str, set[int]]()  # clusters of the targets that a peptide binds in the training
    for pair, cluster in zip(train, clusters, strict=False):
        by_peptide.setdefault(pair.peptide, set()).add(cluster)
    peptides = list(by_peptide)
    alike = dict[str, set[int]]()  # the same, of all peptides like one of the test
    for peptide in {pair.peptide for pair in test}:
        near = np.flatnonzero(identities(peptide, peptides) >= ALIKE).tolist()
        alike[peptide] = set().union(*(by_peptide[peptides[number]] for number in near))
    targets, twins, both = dict[str, int](), dict[str, int](), dict[tuple[str, ...], int]()
    for pair, cluster in zip(test, clusters[len(train) :], strict=True):
        targets[pair.target] = _EQUAL if pair.target in known_targets else int(cluster in known)
        is_known = pair.peptide in by_peptide
        twins[pair.peptide] = _EQUAL if is_known else int(bool(alike[pair.peptide]))
        both[pair[:2]] = _EQUAL if pair[:2] in known_pairs else int(cluster in alike[pair.peptide])
    return tuple(
        LeakRow(what, len(found), found.count(_EQUAL), found.count(_NEAR))
        for what, found in (
            ("targets", list(targets.values())),
            ("peptides", list(twins.values())),
            ("pairs", list(both.values())),
        )
    )


def _clusters(pairs: Sequence[BindingPair]) -> Numbers:
    """Cluster of the target of each pair."""
    distinct = list(dict.fromkeys(pair.target for pair in pairs))
    numbers = {target: number for number, target in enumerate(distinct)}
    codes = [encode_protein(target) for target in distinct]
    of_target = protein_clusters(codes, k=_WORD, share=_SHARE) if codes else np.empty(0, np.int64)
    return of_target[[numbers[pair.target] for pair in pairs]] if pairs else of_target
