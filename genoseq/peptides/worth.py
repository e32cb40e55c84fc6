"""What a model is worth on pairs that it has not seen, beside models that only count letters.

Two figures for each peptide behind its target:

    pseudo    the pseudo-perplexity of PepMLM, one letter masked at a time (`genoseq.peptides.scores`)
    masked    all letters masked at once, one look: what a design begins with

Letters that are none of the twenty do not count. Means are of perplexities, as PepMLM's are, and of their
logarithms (then exp of that), which a few bad peptides do not decide; intervals come from drawing targets
anew, as several peptides of one target are not independent. Rivals learn the peptides of the training part
alone: each letter from those before it, or from all others as the pseudo-perplexity does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.peptides.decoders import Model
from genoseq.peptides.letters import LetterModel
from genoseq.peptides.pairs import BindingPair
from genoseq.peptides.scores import log_perplexities
from genoseq.peptides.targets import MOST_RESIDUES, Target, windows_of
from genoseq.peptides.tokens import AMINO, MASK, tokens_of
from genoseq.supervised.metrics import Figure

__all__ = ["Worth", "grouped_mean", "masked_log_perplexity", "pair_log_perplexities", "rivals_of", "worth_of"]

ORDERS = (1, 2, 3)
_DRAWS = 2000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """Figures of a model on some pairs.

    Attributes
    ----------
    pseudo, masked : ndarray, shape (n,), dtype float64
        Logarithms of perplexities, nats a letter.
    """

    pseudo: Floats
    masked: Floats


def pair_log_perplexities(model: Model, pairs: Sequence[BindingPair]) -> Worth:
    """Measure a model on pairs; a target that does not fit is shown in parts, and the best part counts.

    Raises
    ------
    UsageError
        If a peptide has no letter of the twenty.
    """
    pseudo, masked = np.empty(len(pairs)), np.empty(len(pairs))
    for number, (letters, peptide, place) in enumerate(pairs):
        target = Target(place, letters, place)
        parts = [target.tokens[start:end] for start, end in windows_of(target, MOST_RESIDUES - len(peptide))]
        pseudo[number] = min(float(log_perplexities(model, part, [peptide])[0]) for part in parts)
        masked[number] = min(masked_log_perplexity(model, part, peptide) for part in parts)
    return Worth(pseudo, masked)


def masked_log_perplexity(model: Model, target: NDArray[np.uint8], peptide: str) -> float:
    """Mean of -ln p of the letters of a peptide with all of them masked, nats."""
    tokens = tokens_of(peptide)
    asked = np.flatnonzero(np.isin(tokens, AMINO))
    row = np.concatenate([target, np.where(np.isin(tokens, AMINO), MASK, tokens).astype(np.uint8)])
    logs = model.log_probabilities([row], [len(target) + asked])
    return float(-logs[np.arange(len(asked)), tokens[asked]].astype(np.float64).mean())


def rivals_of(train: Sequence[BindingPair], test: Sequence[BindingPair]) -> dict[str, Floats]:
    """Log perplexities of the test peptides under models that count, by name: float64 (n,) each."""
    known = [pair.peptide for pair in train]
    found = {}
    for order in ORDERS:
        model = LetterModel(known, order)
        name = "unigram" if order == 1 else f"{order}-gram"
        found[name] = np.array([model.log_perplexity(pair.peptide) for pair in test])
        if order > 1:
            both = [model.log_perplexity(pair.peptide, both_sides=True) for pair in test]
            found[f"{name}, both sides"] = np.array(both)
    return found


def worth_of(
    models: Mapping[str, Worth], train: Sequence[BindingPair], test: Sequence[BindingPair], *, seed: int = 1
) -> dict[str, Any]:
    """A report of models and their rivals on the test pairs.

    Parameters
    ----------
    models
        By name; the first is compared with every rival.
    train, test
        Pairs that rivals learn from, and the measured ones.
    seed
        Of the intervals.

    Returns
    -------
    dict
        "figures": of each name "mean", "geometric_mean" and "median" perplexity, the first two as [value,
        low, high]. "against": of the first model and each rival the mean difference of log perplexities
        (below 0: the model is better) and the share of peptides on which the model is better.
    """
    targets = [pair.target for pair in test]
    logs = {name: each.pseudo for name, each in models.items()}
    logs |= {f"{name}, all masked": each.masked for name, each in models.items()}
    rivals = rivals_of(train, test)
    first = next(iter(models.values())).pseudo
    against = {}
    for name, other in rivals.items():
        against[name] = {
            "log_difference": _plain(grouped_mean(first - other, targets, seed=seed)),
            "better_on": float((first < other).mean()),
        }
    figures = {
        name: {
            "mean": _plain(grouped_mean(np.exp(values), targets, seed=seed)),
            "geometric_mean": [float(np.exp(x)) for x in _plain(grouped_mean(values, targets, seed=seed))],
            "median": float(np.median(np.exp(values))),
        }
        for name, values in {**logs, **rivals}.items()
    }
    return {"pairs": len(test), "targets": len(set(targets)), "figures": figures, "against": against}


def grouped_mean(values: Floats, groups: Sequence[object], *, seed: int = 1) -> Figure:
    """Mean and its 95 % interval, from drawing groups anew.

    Parameters
    ----------
    values
        float64 (n,).
    groups
        What each value belongs to; those of one group are drawn together.

    Examples
    --------
    >>> print(grouped_mean(np.array([1.0, 1.0, 3.0, 3.0]), "aabb"))
    2.000 (1.000-3.000)
    """
    numbers: dict[object, int] = {}
    of = np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)
    sums = np.bincount(of, values, len(numbers))
    sizes = np.bincount(of, minlength=len(numbers))
    rng = np.random.default_rng([seed, 17])
    drawn = rng.integers(0, len(numbers), (_DRAWS, len(numbers)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Figure(float(values.mean()), float(low), float(high))


def _plain(figure: Figure) -> list[float]:
    return [figure.value, figure.low, figure.high]
