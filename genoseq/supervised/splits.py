"""Splits of labelled sequences: what to train on, what to choose by, what to judge by.

The three parts share nothing. A sequence that occurs twice, or on both strands, is on one side only, and so
is whatever the user says belongs together (families, clusters, individuals): such sequences form a *group*,
and groups are drawn, not sequences. The draw is stratified: each part has about its share of every class. It
follows from the seed alone.

Beside these there are the splits of studies that others made, to be compared with (`shuffled_split`,
`ordered_split`): they draw single sequences, so that twins may be on both sides. And there are those that
ask for more than chance gives: whole species, or whatever else has a name, are left out (`isolated_split`,
`leave_one_out_splits`), or relatives stay together (groups of `genoseq.supervised.homology`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.sequence import reverse_complement

__all__ = [
    "Split",
    "fold_splits",
    "groups_of",
    "isolated_split",
    "leave_one_out_splits",
    "linked",
    "ordered_split",
    "random_split",
    "shuffled_split",
]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Numbers of the sequences of each part: int64, ascending.

    Attributes
    ----------
    train
        To learn from.
    validation
        To choose by: when to stop, which setting. Never the test.
    test
        To judge by, once.
    """

    train: Numbers
    validation: Numbers
    test: Numbers


def groups_of(codes: Sequence[npt.NDArray[np.uint8]], names: Sequence[str] = ()) -> Numbers:
    """Number of the group of each sequence: int64 (n,).

    Sequences are of one group if they are equal, or one is the reverse complement of the other, or they have
    the same of the `names`, or are linked by others of which that is true.

    Parameters
    ----------
    codes
        Base codes of the sequences.
    names
        A name of the group of each sequence; none by default.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> groups_of([encode(text) for text in ("AAC", "GTT", "AAG", "aac")]).tolist()
    [0, 0, 1, 0]
    """
    parents = list(range(len(codes)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    first: dict[bytes | str, int] = {}
    for number, each in enumerate(codes):
        forward, backward = each.tobytes(), reverse_complement(each).tobytes()
        keys: list[bytes | str] = [hashlib.sha256(min(forward, backward)).digest()]
        keys += [names[number]] if names else []
        for key in keys:
            low, high = sorted((root(first.setdefault(key, number)), root(number)))
            parents[high] = low
    _, groups = np.unique([root(number) for number in range(len(codes))], return_inverse=True)
    return groups.astype(np.int64)


def linked(*groupings: Numbers) -> Numbers:
    """Groups of what is of one group in any of several groupings, directly or through others: int64 (n,).

    Examples
    --------
    >>> linked(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(groupings[0])
    rows, partners = [np.arange(count)], [np.arange(count)]
    for grouping in groupings:
        _, first, inverse = np.unique(grouping, return_index=True, return_inverse=True)
        rows.append(np.arange(count))
        partners.append(first[inverse])
    pairs = (np.concatenate(rows), np.concatenate(partners))
    links = coo_matrix((np.ones(len(pairs[0]), bool), pairs), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def random_split(
    labels: Numbers,
    groups: Numbers,
    *,
    validation: float,
    test: float,
    seed: int,
    classes: Sequence[str] = (),
) -> Split:
    """Three parts, drawn by chance.

    Parameters
    ----------
    labels, groups
        int64 (n,), class and group of each sequence.
    validation, test
        Share of the sequences of each class, 0 for a part that is not needed.
    classes
        Names of the classes, for messages.

    Raises
    ------
    UsageError
        If the shares are not shares.
    InputError
        If a class has too few groups for one in each part.
    """
    if min(validation, test) < 0 or validation + test >= 1:
        found = f"validation {validation:g} and test {test:g}"
        raise UsageError(f"{found}: shares of 0 to 1 are expected that leave some to train on")
    shares = np.array([1 - validation - test, validation, test], np.float64)
    parts = _draw(labels, groups, shares, np.random.default_rng(seed), classes)
    return Split(*(np.flatnonzero(parts == part) for part in range(3)))


def fold_splits(
    labels: Numbers, groups: Numbers, folds: int, *, validation: float, seed: int, classes: Sequence[str] = ()
) -> Iterator[Split]:
    """Splits of which each sequence is in the test of exactly one.

    Raises
    ------
    UsageError
        If the numbers make no sense.
    InputError
        If a class has fewer groups than there are folds, or too few for a validation as well.
    """
    if folds < 2:
        raise UsageError(f"{folds} folds; at least 2 are needed")
    fold = _draw(labels, groups, np.full(folds, 1 / folds), np.random.default_rng(seed), classes)
    for number in range(folds):
        rest = np.flatnonzero(fold != number)
        rng = np.random.default_rng([seed, number])
        inner = _draw(
            labels[rest], groups[rest], np.array([1 - validation, validation], np.float64), rng, classes
        )
        yield Split(rest[inner == 0], rest[inner == 1], np.flatnonzero(fold == number))


def isolated_split(
    labels: Numbers, groups: Numbers, train: Numbers, test: Numbers, *, classes: Sequence[str] = ()
) -> Split:
    """Learn from some sequences, judge by others, such as those of another species.

    Parameters
    ----------
    labels, groups
        int64 (n,), class and group of each sequence. What has its group in the test is not learned from.
    train, test
        int64, numbers of the sequences.
    classes
        Names of the classes, for messages.

    Raises
    ------
    InputError
        If a part is empty, or a class of the test is not in the training.
    """
    test = np.sort(test)
    train = np.sort(train[~np.isin(groups[train], groups[test])])
    for name, part in (("learn from", train), ("judge by", test)):
        if not len(part):
            raise InputError(f"no sequence is left to {name}; both sides of a split need some of their own")
    for label in np.setdiff1d(labels[test], labels[train]).tolist():
        raise InputError(
            f"class {classes[label] if len(classes) else label} is in the test and no sequence of its own "
            "is in the training: it cannot be learned; leave it out of the test"
        )
    return Split(train, np.empty(0, np.int64), test)


def leave_one_out_splits(
    labels: Numbers, groups: Numbers, names: Sequence[str], *, classes: Sequence[str] = ()
) -> Iterator[tuple[str, Split]]:
    """Each name in turn is the test, all others are the training: species, laboratories, clusters.

    Parameters
    ----------
    labels, groups
        As for `isolated_split`; groups are of equal sequences, not of equal names.
    names
        What each sequence is of.

    Yields
    ------
    str, Split
        The name that is the test, in the order of the alphabet.

    Raises
    ------
    InputError
        If there is one name only, or a class occurs with one name only.
    """
    of = np.asarray(names)
    distinct = sorted(set(names))
    if len(distinct) < 2:
        raise InputError(f"{len(distinct)} group; to leave one out, at least two are needed")
    for name in distinct:
        own = of == name
        try:
            yield (
                name,
                isolated_split(labels, groups, np.flatnonzero(~own), np.flatnonzero(own), classes=classes),
            )
        except InputError as error:
            raise InputError(f"group {name} left out: {error.message}") from error


def shuffled_split(strata: Numbers, *, test: float, seed: int) -> Split:
    """A share of each stratum is the test, by chance, whatever is equal: "DNA Sequence Classification with
    Compressors" (arXiv 2401.14025) splits so, with the species as strata.

    Parameters
    ----------
    strata
        int64 (n,), stratum of each sequence, from 0 on.
    test
        Share of each stratum, above 0 and below 1; rounded down to whole sequences.

    Examples
    --------
    >>> split = shuffled_split(np.repeat([0, 1], [10, 5]), test=0.2, seed=1)
    >>> len(split.train), np.repeat([0, 1], [10, 5])[split.test].tolist()
    (12, [0, 0, 1])
    """
    if not 0 < test < 1:
        raise UsageError(f"a test of {test:g}; a share above 0 and below 1 is expected")
    rng = np.random.default_rng(seed)
    judged = np.zeros(len(strata), bool)
    for stratum in range(int(strata.max(initial=-1)) + 1):
        order = rng.permutation(np.flatnonzero(strata == stratum))
        judged[order[: int(len(order) * test)]] = True
    return Split(np.flatnonzero(~judged), np.empty(0, np.int64), np.flatnonzero(judged))


def ordered_split(count: int, learned: int, *, seed: int) -> Split:
    """The first `learned` of `count` sequences in random order, and the rest to judge by.

    Examples
    --------
    >>> split = ordered_split(5, 3, seed=0)
    >>> split.train.tolist(), split.test.tolist()
    ([2, 3, 4], [0, 1])
    """
    if not 0 < learned < count:
        raise UsageError(f"{learned:,} of {count:,} to learn from; some are needed, and some to judge by")
    order = np.random.default_rng(seed).permutation(count)
    return Split(np.sort(order[:learned]), np.empty(0, np.int64), np.sort(order[learned:]))


def _draw(
    labels: Numbers,
    groups: Numbers,
    shares: npt.NDArray[np.float64],
    rng: np.random.Generator,
    classes: Sequence[str],
) -> Numbers:
    """Number of the part of each sequence.

    The groups come in random order, but large ones first, by powers of 2; each goes where most of its classes
    is missing.
    """
    count = int(labels.max(initial=-1)) + 1
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.zeros((len(sizes), count), np.int64)  # sequences of each group by class
    np.add.at(members, (inverse, labels), 1)
    wanted = np.flatnonzero(shares > 0)
    left = np.count_nonzero(members, axis=0)  # groups of each class that are not placed yet
    for label in np.flatnonzero(left < len(wanted)).tolist():
        raise InputError(_too_few(len(wanted), classes[label] if len(classes) else label, left[label]))
    totals = np.maximum(members.sum(0), 1)
    missing = np.tile(shares[wanted, None], (1, count))  # of each class, in shares of all its sequences
    lacks = np.ones((len(wanted), count), bool)
    part_of_group = np.zeros(len(sizes), np.int64)
    order = rng.permutation(len(sizes))
    for group in order[np.argsort(-np.log2(sizes[order]).astype(np.int64), kind="stable")]:
        own = members[group] > 0
        scores = missing @ (members[group] / totals)
        # the last groups of a class go to the parts that have none of it
        needy = lacks[:, own & (lacks.sum(0) >= left)].sum(1)
        part = int(np.lexsort((scores, needy))[-1])
        part_of_group[group] = wanted[part]
        missing[part] -= members[group] / totals
        lacks[part] &= ~own
        left[own] -= 1
    for label in np.flatnonzero(lacks.any(0)).tolist():
        raise InputError(
            f"the groups cannot be shared out so that each of {len(wanted)} parts has some of class "
            f"{classes[label] if len(classes) else label}; make smaller groups, or give the parts as files"
        )
    return part_of_group[inverse]


def _too_few(parts: int, name: object, found: int) -> str:
    return (
        f"{parts} parts that share nothing need as many different sequences of each class (or groups, where "
        f"some belong together); class {name} has {found}"
    )
