"""Splits by clusters of targets, and twins, against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.peptides.pairs import BindingPair
from genoseq.peptides.split import count_leaks, split_pairs
from genoseq.protein import AMINO_ACIDS


def proteins(seed, families, members, *, length=120, changed=0.1):
    """Families of proteins that differ by substitutions; number of the family of each."""
    rng = np.random.default_rng(seed)
    letters = np.array(list(AMINO_ACIDS))
    found = []
    for family in range(families):
        ancestor = rng.choice(letters, length)
        for _ in range(members):
            own = np.where(rng.random(length) < changed, rng.choice(letters, length), ancestor)
            found.append((family, "".join(own)))
    return found


def pairs_of(targets, seed=1):
    rng = np.random.default_rng(seed)
    letters = list(AMINO_ACIDS)
    return [
        BindingPair(target, "".join(rng.choice(letters, rng.integers(6, 15))), f"x:{number}")
        for number, (_, target) in enumerate(targets)
    ]


def words(text):
    return {text[at : at + 5] for at in range(len(text) - 4)}


def near(one, other):
    """Whether two targets share a tenth of the words of the one with fewer."""
    a, b = words(one), words(other)
    return len(a & b) >= 0.1 * min(len(a), len(b))


def test_parts_share_no_family():
    targets = proteins(1, 40, 5)
    family = {target: number for number, target in targets}
    found = split_pairs(pairs_of(targets), validation_share=0.1, test_share=0.2, seed=3)
    parts = [{family[pair.target] for pair in part} for part in (found.train, found.validation, found.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    sizes = [len(part) for part in (found.train, found.validation, found.test)]
    assert sum(sizes) == 200
    assert sizes[1] == pytest.approx(20, abs=5)
    assert sizes[2] == pytest.approx(40, abs=5)
    assert found.dropped == 0
    for test in found.test[::7]:
        assert not any(near(test.target, pair.target) for pair in found.train)
    again = split_pairs(pairs_of(targets), validation_share=0.1, test_share=0.2, seed=3)
    assert again.test == found.test
    assert split_pairs(pairs_of(targets), validation_share=0.1, test_share=0.2, seed=4).test != found.test


def test_given_parts_stay_and_their_neighbours_go():
    targets = proteins(2, 30, 4)
    pairs = pairs_of(targets)
    test, validation, train = (
        pairs[0:8:4],
        pairs[12:24:4],
        [*pairs[1:4], *pairs[5:12], *pairs[13:16], *pairs[24:]],
    )
    found = split_pairs(train, validation=validation, test=test)
    assert found.test == test
    assert found.validation == validation
    assert all(not near(one.target, other.target) for one in found.train for other in [*test, *validation])
    assert (
        found.dropped == len(train) - len(found.train) == 3 + 3 + 3
    )  # families of the test, of a validation
    assert {row.what: (row.test, row.equal, row.near) for row in found.given} == {
        "targets": (2, 0, 2), "peptides": (2, 0, 0), "pairs": (2, 0, 0),
    }  # fmt: skip
    assert all(row.equal == row.near == 0 for row in found.kept)
    assert found.to_dict()["twins_of_the_test"]["as_given"]["targets"]["near"] == 2


def test_a_drawn_validation_is_not_near_a_given_test():
    pairs = pairs_of(proteins(3, 30, 4))
    found = split_pairs(pairs[8:], test=pairs[:2], validation_share=0.2)
    assert len(found.validation) == pytest.approx(0.2 * 112, abs=4)
    for one in found.validation:
        assert not any(near(one.target, other.target) for other in [*found.train, *found.test])


def test_twins_are_counted():
    (_, one), (_, twin), (_, other), (_, third) = (*proteins(4, 1, 2), *proteins(5, 2, 1))
    train = [BindingPair(one, "ACDEFGHIKL", "a"), BindingPair(other, "MNPQRSTVWY", "b")]
    test = [
        BindingPair(one, "ACDEFGHIKL", "c"),  # all equal
        BindingPair(twin, "ACDEFGHIKV", "d"),  # both near
        BindingPair(third, "MNPQRSTVWY", "e"),  # an equal peptide on another target
        BindingPair(twin, "MNPQRSTVWV", "f"),  # a near peptide, of another target
        BindingPair(third, "WWWWWW", "g"),
    ]
    rows = {row.what: (row.test, row.equal, row.near) for row in count_leaks(train, test)}
    assert rows == {"targets": (3, 1, 1), "peptides": (5, 2, 2), "pairs": (5, 1, 1)}
    assert all(row.equal == row.near == 0 for row in count_leaks([], test))
    assert all(row.test == 0 for row in count_leaks(train, []))


def test_what_cannot_be_split():
    pairs = pairs_of(proteins(6, 2, 3))
    with pytest.raises(InputError, match="2 clusters of similar targets among 6 pairs: 3 parts"):
        split_pairs(pairs)
    with pytest.raises(InputError, match="every target is near"):
        split_pairs(pairs[1:3], test=pairs[:1], validation_share=0)
    with pytest.raises(UsageError, match="shares of 0 to below 1"):
        split_pairs(pairs, validation_share=0.6, test_share=0.5)
