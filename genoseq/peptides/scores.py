"""What a peptide is worth behind a target: pseudo-perplexity, a quick estimate of it, and specificity.

The pseudo-perplexity is that of PepMLM: every letter of the peptide is masked alone, the target is shown as
it is, and exp of the mean negative log-likelihood over all 33 tokens is taken. It asks for as many looks as
there are letters. Lower is better; 20 is a model that knows nothing.

The estimate takes one look for all letters, none of them masked, so that the model sees what it is asked for.
ESM-2 was trained to doubt what it sees: of the letters that counted a share was kept and a share replaced by
others. By Bayes, what the model says of a letter t where it sees x is proportional to P(t) (kept [t = x] +
replaced / 20), and P(t), which the mask would have shown, follows (after Gordon et al., arXiv:2407.05236, who
did so for ESM-2).

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

KEPT, REPLACED = 0.1, 0.1
"""Shares in the training of ESM-2 (Lin et al. 2023, as in BERT)."""

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
    rows, places, truths = [], [], []
    owners = []
    for number, (tokens, asked) in enumerate(_tokenized(peptides)):
        for place in asked:
            row = np.concatenate([target, tokens])
            row[len(target) + place] = MASK
            rows.append(row)
            places.append(np.array([len(target) + place]))
            truths.append(tokens[place])
            owners.append(number)
    logs = model.log_probabilities(rows, places)
    found = -logs[np.arange(len(truths)), np.array(truths, np.int64)].astype(np.float64)
    counts = np.bincount(owners, minlength=len(peptides))
    return np.bincount(owners, found, len(peptides)) / np.maximum(counts, 1)


def quick_log_perplexities(
    model: Model, target: Tokens, peptides: Sequence[str], *, kept: float = KEPT, replaced: float = REPLACED
) -> Floats:
    """An estimate of `log_perplexities` from one look at each peptide: float64 (n,), nats a letter.

    Parameters
    ----------
    model, target, peptides
        As there.
    kept, replaced
        What the model was trained with; of 0 nothing would follow.

    Raises
    ------
    UsageError
        If a peptide has no letter of the twenty, or a share is not above 0.
    """
    if not min(kept, replaced) > 0:
        raise UsageError(f"kept {kept:g} and replaced {replaced:g}: shares above 0 are needed")
    tokenized = _tokenized(peptides)
    rows = [np.concatenate([target, tokens]) for tokens, _ in tokenized]
    places = [len(target) + asked for _, asked in tokenized]
    logs = model.log_probabilities(rows, places)[:, AMINO].astype(np.float64)
    seen = np.concatenate([tokens[asked] for tokens, asked in tokenized]) if tokenized else AMINO[:0]
    is_seen = seen[:, None] == AMINO
    doubt = np.log(np.where(is_seen, kept, 0) + replaced / len(AMINO))
    corrected = logs - doubt
    top = corrected.max(1)
    costs = top + np.log(np.exp(corrected - top[:, None]).sum(1)) - corrected[is_seen]
    owners = np.repeat(np.arange(len(tokenized)), [len(asked) for _, asked in tokenized])
    return np.bincount(owners, costs, len(tokenized)) / np.bincount(owners, minlength=len(tokenized))


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


def _tokenized(peptides: Sequence[str]) -> list[tuple[Tokens, NDArray[np.int64]]]:
    """Tokens of each peptide, and the places of amino acids in it."""
    found = []
    for text in peptides:
        tokens = tokens_of(text)
        asked = np.flatnonzero(np.isin(tokens, AMINO))
        if not len(asked):
            raise UsageError(
                f"the peptide {decode_tokens(tokens)!r} has none of the 20 amino acids ({AMINO_ACIDS})"
            )
        found.append((tokens, asked))
    return found
