"""What a peptide is worth behind a target: pseudo-perplexity, an estimate of it, and specificity.

The pseudo-perplexity is that of PepMLM: every letter of the peptide is masked alone, the target is shown as
it is, and exp of the mean negative log-likelihood over all 33 tokens is taken. It asks for as many looks as
there are letters. Lower is better; 20 is a model that knows nothing.

The estimate masks each letter alone, too, but the target is read once for all peptides of a length, with a
peptide of masks behind it: a look costs the letters of the peptide, not those of the target.

Specificity is how much better a peptide fits its target than others: the mean of log pseudo-perplexity on
decoys minus that on the target, in nats a letter. Its p-value is the share of targets, this one and the
decoys, on which the peptide is as good as on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.peptides.decoders import Model
from genoseq.peptides.tokens import AMINO, MASK, decode_tokens, tokens_of
from genoseq.protein import AMINO_ACIDS

__all__ = ["Specificity", "log_perplexities", "quick_log_perplexities", "shuffled", "specificity"]

Tokens = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Specificity(NamedTuple):
    """How a peptide fits its target and others.

    Attributes
    ----------
    own : ndarray, shape (n,), dtype float64
        Log pseudo-perplexity on the target, nats a letter.
    decoys : ndarray, shape (n, decoys), dtype float64
        The same on each decoy.
    """

    own: Floats
    decoys: Floats

    @property
    def values(self) -> Floats:
        """Mean of the decoys minus the target's: float64 (n,), nats a letter; more is better."""
        return self.decoys.mean(1) - self.own

    @property
    def p_values(self) -> Floats:
        """Share of all targets on which a peptide is as good as on its own: float64 (n,)."""
        as_good = (self.decoys <= self.own[:, None]).sum(1)
        return (1 + as_good) / (1 + self.decoys.shape[1])


def log_perplexities(model: Model, target: Tokens, peptides: Sequence[str]) -> Floats:
    """Logarithm of the pseudo-perplexity of peptides behind a target, exact: float64 (n,), nats a letter.

    Parameters
    ----------
    model
    target
        Tokens of the target, or of the part of it that the model is shown.
    peptides
        Of one letter or more; letters that are none of the twenty do not count.

    Raises
    ------
    UsageError
        If a peptide has no letter of the twenty.
    """
    tokenized = _tokenized(peptides)
    rows = [np.concatenate([target, row]) for peptide in tokenized for row in peptide.hidden]
    places = [np.array([len(target) + place]) for peptide in tokenized for place in peptide.asked]
    return _means(tokenized, model.log_probabilities(rows, places))


def quick_log_perplexities(model: Model, target: Tokens, peptides: Sequence[str]) -> Floats:
    """An estimate of `log_perplexities` that reads the target once for each length: float64 (n,).

    Parameters
    ----------
    model, target, peptides
        As there.

    Raises
    ------
    UsageError
        If a peptide has no letter of the twenty.
    """
    tokenized = _tokenized(peptides)
    lengths = np.array([len(peptide.tokens) for peptide in tokenized], np.int64)
    found = np.empty(len(tokenized))
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        some = [tokenized[number] for number in members]
        rows = [row for peptide in some for row in peptide.hidden]
        places = [np.array([place]) for peptide in some for place in peptide.asked]
        reference = np.full(length, MASK, np.uint8)
        found[members] = _means(some, model.log_probabilities_behind(target, reference, rows, places))
    return found


def specificity(
    model: Model, target: Tokens, decoys: Sequence[Tokens], peptides: Sequence[str]
) -> Specificity:
    """How peptides fit their target and decoys.

    Raises
    ------
    UsageError
        If there are no decoys, or one is the target.
    """
    if not len(decoys):
        raise UsageError("no decoys to compare the target with")
    if any(np.array_equal(decoy, target) for decoy in decoys):
        raise UsageError("a decoy is the target itself: nothing would be specific")
    own = log_perplexities(model, target, peptides)
    others = [log_perplexities(model, decoy, peptides) for decoy in decoys]
    return Specificity(own, np.stack(others, 1))


def shuffled(target: Tokens, rng: np.random.Generator) -> Tokens:
    """The letters of a target in another order: a decoy of its length and composition."""
    return rng.permutation(target)


class _Peptide(NamedTuple):
    """Tokens of a peptide, places of amino acids in it, and its tokens with each of these masked alone."""

    tokens: Tokens
    asked: NDArray[np.int64]
    hidden: NDArray[np.uint8]


def _tokenized(peptides: Sequence[str]) -> list[_Peptide]:
    found = []
    for text in peptides:
        tokens = tokens_of(text)
        asked = np.flatnonzero(np.isin(tokens, AMINO))
        if not len(asked):
            raise UsageError(
                f"the peptide {decode_tokens(tokens)!r} has none of the 20 amino acids ({AMINO_ACIDS})"
            )
        hidden = np.tile(tokens, (len(asked), 1))
        hidden[np.arange(len(asked)), asked] = MASK
        found.append(_Peptide(tokens, asked, hidden))
    return found


def _means(peptides: Sequence[_Peptide], logs: NDArray[np.float32]) -> Floats:
    """Mean cost of the letters of each peptide, in the order of their places."""
    truths = np.array([token for peptide in peptides for token in peptide.tokens[peptide.asked]], np.int64)
    costs = -logs[np.arange(len(truths)), truths].astype(np.float64)
    sizes = [len(peptide.asked) for peptide in peptides]
    owners = np.repeat(np.arange(len(peptides)), sizes)
    return np.bincount(owners, costs, len(peptides)) / np.maximum(sizes, 1)
