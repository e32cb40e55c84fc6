"""Identities against a plain edit distance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from genoseq.peptides.identity import distinct, identities


def edits(one, other):
    @cache
    def at(i, j):
        if not i or not j:
            return i + j
        return min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (one[i - 1] != other[j - 1]))

    return at(len(one), len(other))


def test_against_a_plain_edit_distance():
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ACD"), rng.integers(1, 9))) for _ in range(40)]
    for one in texts[:10]:
        expected = [1 - edits(one, other) / max(len(one), len(other)) for other in texts]
        np.testing.assert_allclose(identities(one, texts), expected)
    assert identities("ACD", []).shape == (0,)
    assert identities("", ["", "A"]).tolist() == [1, 0]


@pytest.mark.parametrize("most", [0.3, 0.6, 1.0])
def test_distinct(most):
    rng = np.random.default_rng(2)
    texts = ["".join(rng.choice(list("ACD"), 6)) for _ in range(60)]
    taken = distinct(texts, most)
    assert taken[0] == 0
    assert len({texts[number] for number in taken}) == len(taken)
    for at, number in enumerate(taken):
        assert identities(texts[number], [texts[each] for each in taken[:at]]).max(initial=0) <= most
    for number in set(range(60)) - set(taken):
        before = [texts[each] for each in taken if each < number]
        assert identities(texts[number], before).max() > min(most, 0.999)


def test_closed_peptides_against_all_rotations_of_both():
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("AC"), rng.integers(1, 7))) for _ in range(12)]
    for one in texts:
        found = identities(one, texts, cyclic=True)
        for other, identity in zip(texts, found, strict=True):
            turned = min(
                edits(one[i:] + one[:i], other[j:] + other[:j])
                for i in range(len(one))
                for j in range(len(other))
            )
            assert identity == pytest.approx(1 - turned / max(len(one), len(other)))
    assert identities("ACD", [], cyclic=True).shape == (0,)
    assert distinct(["ACDE", "DEAC", "ACED"], 0.99) == [0, 1, 2]
    assert distinct(["ACDE", "DEAC", "ACED"], 0.99, cyclic=True) == [0, 2]
