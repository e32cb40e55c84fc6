"""Ways to fill in a masked peptide behind its target.

    independent   every letter by itself, given the target alone: the published way, for the price of one look
    iterative     letter after letter, the one next that the model is surest of, given those before
    gibbs         letters of a whole peptide drawn anew, one at a time, given all others
    diverse       beams in groups, each of which pays for letters that the groups before it chose at the same
                  place (Diverse Beam Search, Vijayakumar et al., arXiv:1610.02424, with a Hamming penalty)
    guided        iterative, with the letters weighed by what a small model of two classes makes of them
                  (GeDi, Krause et al., arXiv:2009.06367)

All draw the twenty amino acids only, of the length of the template, and what the template allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.peptides.guide import Guide
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.template import Template
from genoseq.peptides.tokens import AMINO, MASK

__all__ = ["Decoder", "Diverse", "Gibbs", "Guided", "Independent", "Iterative", "Task"]

Tokens = NDArray[np.uint8]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
_EMPTY = -1  # a place that is not filled in yet


class Model(Protocol):
    """What a decoder asks: `genoseq.peptides.model.MaskedModel`."""

    def log_probabilities(self, rows: Sequence[Tokens], places: Sequence[Codes]) -> NDArray[np.float32]:
        """Logarithms of all tokens at some places of rows."""

    def log_probabilities_behind(
        self, target: Tokens, reference: Tokens, peptides: Sequence[Tokens], places: Sequence[Codes]
    ) -> NDArray[np.float32]:
        """Of peptides behind a target that is read once, with the reference behind it."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be designed.

    Attributes
    ----------
    target : ndarray, dtype uint8
        Tokens of the target, or of the part of it that the model is shown.
    template : Template
    sampling : Sampling
    """

    target: Tokens
    template: Template
    sampling: Sampling = field(default_factory=Sampling)

    def look(self, model: Model, peptides: Codes, places: list[Codes]) -> Floats:
        """Logarithms of the amino acids at some places of peptides, behind a target that is read once.

        Parameters
        ----------
        model
        peptides
            int64 (n, length), codes of amino acids; -1 is masked.
        places
            Of each peptide.

        Returns
        -------
        ndarray, shape (places of all, 20), dtype float64
            They add up to 1, over what the template allows; minus infinity elsewhere.
        """
        # equal ones share a look
        distinct, inverse = np.unique(_tokens(peptides), axis=0, return_inverse=True)
        every = np.arange(len(self.template))
        reference = _tokens(self.empty(1))[0]
        found = model.log_probabilities_behind(
            self.target, reference, list(distinct), [every] * len(distinct)
        )[:, AMINO].astype(np.float64)
        by_row = found.reshape(len(distinct), len(every), len(AMINO))
        logs = np.concatenate([by_row[row, own] for row, own in zip(inverse.ravel(), places, strict=True)])
        logs[~self.template.allowed[np.concatenate(places)]] = -np.inf
        return logs - _log_sum(logs)

    def empty(self, count: int) -> Codes:
        """Peptides with nothing but what the template fixes: int64 (count, length)."""
        allowed = self.template.allowed
        row = np.where(allowed.sum(1) == 1, allowed.argmax(1), _EMPTY)
        return np.tile(row, (count, 1))


class Decoder(Protocol):
    """A way to fill in peptides."""

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""


@dataclass(frozen=True)
class Independent:
    """Every letter by itself."""

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""
        length = len(task.template)
        logs = task.look(model, task.empty(1), [np.arange(length)])
        return task.sampling.draw(np.broadcast_to(logs, (count, *logs.shape)), rng)


@dataclass(frozen=True)
class Iterative:
    """Letter after letter, the surest first.

    Attributes
    ----------
    wander : float
        Noise on which letter is the surest, in nats of its most probable letter: 0 is always the surest, and
        more lets samples go different ways.
    """

    wander: float = 0.5

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""
        return _fill(model, task, count, rng, self.wander, None)


@dataclass(frozen=True)
class Guided:
    """Iterative, with letters weighed by two classes.

    Attributes
    ----------
    guide : Guide
    strength : float
        Exponent of the probability of the wanted class.
    wander : float
        As in `Iterative`.
    """

    guide: Guide
    strength: float = 5.0
    wander: float = 0.5

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""

        def weigh(peptides: Codes) -> Floats:
            return self.strength * self.guide.log_wanted(peptides)

        return _fill(model, task, count, rng, self.wander, weigh)


def _fill(
    model: Model,
    task: Task,
    count: int,
    rng: np.random.Generator,
    wander: float,
    weigh: Callable[[Codes], Floats] | None,
) -> Codes:
    """Fill in one letter of each peptide after the other."""
    peptides = task.empty(count)
    while (peptides == _EMPTY).any():
        places = [np.flatnonzero(row == _EMPTY) for row in peptides]
        logs = task.look(model, peptides, places)
        ends = np.cumsum([0, *map(len, places)])
        sureness = logs.max(1) + wander * rng.gumbel(size=len(logs))
        chosen = np.array([begin + sureness[begin:end].argmax() for begin, end in pairwise(ends)])
        found = logs[chosen]
        if weigh is not None:
            found = found + weigh(peptides)
        letters = task.sampling.draw(found, rng)
        peptides[np.arange(count), np.concatenate(places)[chosen]] = letters
    return peptides


@dataclass(frozen=True)
class Gibbs:
    """Letters drawn anew, given all others.

    Attributes
    ----------
    sweeps : int
        How often each letter is drawn.
    begin : Decoder
        Of the peptides to begin with.
    """

    sweeps: int = 2
    begin: Decoder = field(default_factory=Independent)

    def __post_init__(self) -> None:
        if self.sweeps < 1:
            raise UsageError(f"{self.sweeps} sweeps; at least 1 is needed")

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""
        peptides = self.begin.sample(model, task, count, rng)
        free = np.flatnonzero(task.template.allowed.sum(1) > 1)
        lines = np.arange(count)
        for _ in range(self.sweeps):
            order = rng.permuted(np.tile(free, (count, 1)), axis=1)
            for places in order.T:
                peptides[lines, places] = _EMPTY
                logs = task.look(model, peptides, list(places[:, None]))
                peptides[lines, places] = task.sampling.draw(logs, rng)
        return peptides


@dataclass(frozen=True)
class Diverse:
    """Beams in groups that keep away from each other.

    Beams are scored by the sum of the logarithms of their letters, given those filled in before; places are
    filled in the order in which the model is sure of them at first, the same for all groups, so that groups
    can be compared letter by letter.

    Attributes
    ----------
    groups : int or None
        By default as many as peptides, each of one beam.
    penalty : float
        Nats that a letter costs for each group before that has it at the same place.
    """

    groups: int | None = None
    penalty: float = 0.5

    def __post_init__(self) -> None:
        if self.groups is not None and self.groups < 1:
            raise UsageError(f"{self.groups} groups; at least 1 is needed")
        if not self.penalty >= 0:
            raise UsageError(f"a penalty of {self.penalty:g}; 0 or more is expected")

    def sample(self, model: Model, task: Task, count: int, rng: np.random.Generator) -> Codes:
        """Peptides as codes of amino acids: int64 (count, length)."""
        groups = min(self.groups or count, count)
        width = -(-count // groups)
        length = len(task.template)
        first = task.look(model, task.empty(1), [np.arange(length)])
        free = np.flatnonzero(task.template.allowed.sum(1) > 1)
        order = free[np.argsort(-first.max(1)[free], kind="stable")]
        beams = [task.empty(1) for _ in range(groups)]
        scores = [np.zeros(1) for _ in range(groups)]
        for place in order:
            together = np.concatenate(beams)
            logs = task.look(model, together, [np.array([place])] * len(together))
            taken = np.zeros(logs.shape[1])
            at = 0
            for group in range(groups):
                own = logs[at : at + len(beams[group])]
                at += len(own)
                beams[group], scores[group] = self._best(
                    task, beams[group], scores[group], own, taken, int(place), width, rng
                )
                taken[np.unique(beams[group][:, place])] += 1
        found = [beam[np.argsort(-score, kind="stable")] for beam, score in zip(beams, scores, strict=True)]
        ranked = [row for rank in range(width) for beam in found for row in beam[rank : rank + 1]]
        return np.array(ranked[:count])

    def _best(
        self, task: Task, beams: Codes, scores: Floats, logs: Floats, taken: Floats, place: int, width: int,
        rng: np.random.Generator,
    ) -> tuple[Codes, Floats]:  # fmt: skip
        """The best ways to go on, at most `width`, each with its score."""
        among = replace(task.sampling, temperature=1.0)  # which letters are looked at
        kept = np.where(among.shares(logs) > 0, logs, -np.inf)
        noise = task.sampling.temperature * rng.gumbel(size=kept.shape)
        values = scores[:, None] + kept - self.penalty * taken + noise
        best = np.argsort(-values.ravel(), kind="stable")[:width]
        best = best[np.isfinite(values.ravel()[best])]
        rows, letters = np.divmod(best, logs.shape[1])
        out = beams[rows].copy()
        out[:, place] = letters
        return out, scores[rows] + logs[rows, letters]


def _tokens(peptides: Codes) -> Tokens:
    return np.where(peptides == _EMPTY, MASK, AMINO[peptides]).astype(np.uint8)


def _log_sum(logs: Floats) -> Floats:
    top = logs.max(-1, keepdims=True)
    return top + np.log(np.exp(logs - top).sum(-1, keepdims=True))
