"""Models that count letters, against counting by hand and against summing over all peptides."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.peptides.letters import LetterModel
from genoseq.protein import AMINO_ACIDS

KNOWN = ["ACDE", "ACCA", "DDE", "WACD", "EEXEA", "C"]


def by_hand(known, order):
    """Probability of a letter behind a text, by the recursion of Witten and Bell, text as text."""

    def probability(letter, context):
        shorter = probability(letter, context[1:]) if context else 1 / 20
        followers = Counter(
            text[at + len(context)]
            for text in ("^" * (order - 1) + peptide.replace("X", "^") for peptide in known)
            for at in range(order - 1 - len(context), len(text) - len(context))
            if text[at : at + len(context)] == context and text[at + len(context)] != "^"
        )
        total = sum(followers.values())
        return (followers[letter] + len(followers) * shorter) / (total + len(followers)) if total else shorter

    return probability


@pytest.mark.parametrize("order", [1, 2, 3])
def test_perplexities_are_those_by_hand(order):
    probability = by_hand(KNOWN, order)
    model = LetterModel(KNOWN, order)
    for peptide in ("ACDE", "WWW", "EEXEA", "MACX"):
        text = "^" * (order - 1) + peptide.replace("X", "^")
        logs = [
            math.log(probability(text[at], text[at - order + 1 : at]))
            for at in range(order - 1, len(text))
            if text[at] != "^"
        ]
        assert model.log_perplexity(peptide) == pytest.approx(-np.mean(logs))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_letters_given_all_others_are_shares_of_whole_peptides(order):
    model = LetterModel(KNOWN, order)
    peptide = "ACDEA"

    def whole(text):
        return math.exp(-model.log_perplexity(text) * len(text))

    logs = []
    for place, letter in enumerate(peptide):
        shares = {other: whole(peptide[:place] + other + peptide[place + 1 :]) for other in AMINO_ACIDS}
        logs.append(math.log(shares[letter] / sum(shares.values())))
    assert model.log_perplexity(peptide, both_sides=True) == pytest.approx(-np.mean(logs))


def test_probabilities_add_up():
    model = LetterModel(KNOWN, 2)
    total = sum(
        math.exp(-3 * model.log_perplexity("".join(text)))
        for text in itertools.product(AMINO_ACIDS, repeat=3)
    )
    assert total == pytest.approx(1)


def test_without_counts_nothing_is_known():
    assert LetterModel([], 3).log_perplexity("ACDE", both_sides=True) == pytest.approx(math.log(20))


def test_what_makes_no_sense():
    with pytest.raises(UsageError, match="order of 0"):
        LetterModel(KNOWN, 0)
    with pytest.raises(UsageError, match="none of the 20"):
        LetterModel(KNOWN, 2).log_perplexity("XX")
