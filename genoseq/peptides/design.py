"""Design: many candidates from a decoder, fewer by filters and likeness, the best by exact scores.

For each target (`genoseq.peptides.targets`; a long one in parts)

1. a decoder fills in candidates of each length that is wanted;
2. what a filter rejects goes, and so does what is there already;
3. an estimate keeps the better ones (`scores.quick_log_perplexities`), as exact scores are dear;
4. the exact pseudo-perplexity ranks them, or the specificity against decoys;
5. from the top, those are taken that are not too much like one above; if too few are, the rest is scored.

`look_for` may find nothing; `design` takes that for an error.

A target that is shown in parts is scored on each part, and the best part counts.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError, UsageError
from genoseq.peptides.decoders import Decoder, Iterative, Model, Task
from genoseq.peptides.filters import Condition, rejected_by
from genoseq.peptides.identity import distinct, identities
from genoseq.peptides.properties import Properties, properties_of
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.scores import Specificity, log_perplexities, quick_log_perplexities
from genoseq.peptides.targets import MOST_RESIDUES, Site, Target, windows_of
from genoseq.peptides.template import Template
from genoseq.protein import AMINO_ACIDS

__all__ = ["Candidate", "DesignPlan", "Designed", "design", "look_for", "score"]

Floats = NDArray[np.float64]
_SELECT = ("perplexity", "specificity")


@dataclass(frozen=True, eq=False)
class DesignPlan:
    """What is wanted, and how it is looked for.

    Attributes
    ----------
    templates : tuple of Template
        One for each length.
    count : int
        Peptides for each target.
    candidates : int
        That are drawn for each target, over all lengths and parts of the target; at least one for each.
    scored : int or None
        Of these, how many are scored exactly, the best by an estimate. By default twice `count`, and the
        others only if fewer than `count` are left of these; all, if the specificity ranks.
    decoder : Decoder
    sampling : Sampling
    conditions : tuple of Condition
    likeness : float
        Largest identity of two peptides that are both taken (`genoseq.peptides.identity`).
    select : str
        "perplexity", or "specificity": what ranks.
    known : tuple of str
        Peptides that a candidate is compared with for its novelty.
    cyclic : bool
        Peptides are closed head to tail: rotations are alike, and there are no charged ends. To the model,
        which knows chains alone, they are open.
    seed : int
    """

    templates: tuple[Template, ...]
    count: int = 20
    candidates: int = 100
    scored: int | None = None
    decoder: Decoder = field(default_factory=Iterative)
    sampling: Sampling = field(default_factory=Sampling)
    conditions: tuple[Condition, ...] = ()
    likeness: float = 0.8
    select: str = "perplexity"
    known: tuple[str, ...] = ()
    cyclic: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.templates:
            raise UsageError("no length to design: give one or more templates")
        if self.count < 1 or self.candidates < self.count:
            found = f"{self.count} peptides from {self.candidates} candidates"
            raise UsageError(f"{found}: at least 1, and at least as many candidates")
        if self.scored is not None and self.scored < self.count:
            raise UsageError(f"{self.scored} candidates are scored and {self.count} wanted: at least as many")
        if not 0 < self.likeness <= 1:
            raise UsageError(f"likeness is {self.likeness:g}; above 0 and up to 1 is expected")
        if self.select not in _SELECT:
            raise UsageError(f"select {self.select!r}: choose {' or '.join(_SELECT)}")


class Candidate(NamedTuple):
    """A peptide and what is known of it.

    Attributes
    ----------
    peptide : str
    perplexity : float
        Pseudo-perplexity behind the target.
    specificity, p_value : float
        Against decoys (`genoseq.peptides.scores`); NaN without.
    part : (int, int)
        Of the target that the model was shown, residues, 0-based and half-open.
    nearest : float
        Largest identity with a known peptide; NaN without.
    properties : Properties
    """

    peptide: str
    perplexity: float
    specificity: float
    p_value: float
    part: tuple[int, int]
    nearest: float
    properties: Properties

    def to_dict(self) -> dict[str, Any]:
        """As a row: plain values, residues from 1 on."""
        return {
            "peptide": self.peptide, "length": len(self.peptide), "perplexity": self.perplexity,
            "specificity": self.specificity, "p_value": self.p_value,
            "part": f"{self.part[0] + 1}-{self.part[1]}", "nearest_known": self.nearest,
            **self.properties.to_dict(),
        }  # fmt: skip


class Designed(NamedTuple):
    """What was found for a target.

    Attributes
    ----------
    target : Target
    candidates : list of Candidate
        The best first.
    drawn : int
    duplicates : int
        Candidates that were drawn before.
    rejected : dict
        How many each filter rejected, by its expression.
    alike : int
        Scored candidates that were too much like a better one, above the last that was taken.
    """

    target: Target
    candidates: list[Candidate]
    drawn: int
    duplicates: int
    rejected: dict[str, int]
    alike: int

    @property
    def refusal(self) -> str:
        """Words for candidates of which none is left."""
        told = ", ".join(f"{name} {count}" for name, count in self.rejected.items())
        count = self.drawn - self.duplicates
        return f"target {self.target.name}: the filters reject all {count} candidates ({told})"


def design(
    model: Model, target: Target, plan: DesignPlan, *, site: Site | None = None, decoys: Sequence[Target] = ()
) -> Designed:
    """Find peptides for a target.

    Parameters
    ----------
    model, target, plan
    site
        What of the target shall be bound.
    decoys
        Other targets, for the specificity.

    Returns
    -------
    Designed
        With fewer candidates than were wanted, if no more are distinct and pass the filters.

    Raises
    ------
    UsageError
        If the specificity shall rank and there are no decoys, or the site is not in the target.
    InputError
        If the filters reject all.
    """
    found = look_for(model, target, plan, site=site, decoys=decoys)
    if not found.candidates:
        raise InputError(found.refusal)
    return found


def look_for(
    model: Model, target: Target, plan: DesignPlan, *, site: Site | None = None, decoys: Sequence[Target] = ()
) -> Designed:
    """Find peptides for a target; maybe none.

    Parameters, and errors but the last, are those of `design`.
    """
    if plan.select == "specificity" and not decoys:
        raise UsageError("to rank by specificity, decoys are needed")
    longest = max(map(len, plan.templates))
    parts = windows_of(target, MOST_RESIDUES - longest, site)
    rng = np.random.default_rng([plan.seed, zlib.crc32(target.letters.encode())])
    drawn: list[str] = []
    cells = len(parts) * len(plan.templates)
    shares = np.array_split(np.arange(max(plan.candidates, cells)), cells)
    for number, share in enumerate(shares):
        start, end = parts[number % len(parts)]
        task = Task(target.tokens[start:end], plan.templates[number // len(parts)], plan.sampling)
        codes = plan.decoder.sample(model, task, len(share), rng)
        drawn += ["".join(AMINO_ACIDS[code] for code in row) for row in codes]
    unique = list(dict.fromkeys(drawn))
    kept, rejected = _filtered(unique, plan)
    late = [each for each in plan.conditions if each.name == "perplexity"]
    passed, places = list[Candidate](), list[int]()
    for some in _screened(model, target, parts, kept, plan):
        for each in score(model, target, some, plan, parts=parts, decoys=decoys):
            reason = rejected_by(late, {"perplexity": each.perplexity})
            if reason is None:
                passed.append(each)
            else:
                rejected[str(reason)] += 1
        if plan.select == "perplexity":
            passed.sort(key=lambda each: each.perplexity)
        places = distinct([each.peptide for each in passed], plan.likeness, cyclic=plan.cyclic)[: plan.count]
        if len(places) == plan.count:
            break
    alike = places[-1] + 1 - len(places) if places else 0
    taken = [passed[place] for place in places]
    return Designed(target, taken, len(drawn), len(drawn) - len(unique), dict(rejected), alike)


def score(
    model: Model,
    target: Target,
    peptides: Sequence[str],
    plan: DesignPlan,
    *,
    parts: Sequence[tuple[int, int]] | None = None,
    site: Site | None = None,
    decoys: Sequence[Target] = (),
) -> list[Candidate]:
    """Score peptides behind a target, and rank them.

    Parameters
    ----------
    model, target, peptides
    plan
        Of which only `select`, `known` and `cyclic` count.
    parts
        Of the target, if they are chosen already.
    site, decoys
        As in `design`.

    Raises
    ------
    InputError
        If a peptide has a letter that is none of the twenty.
    UsageError
        If a decoy is the target.
    """
    if not len(peptides):
        return []
    longest = max(map(len, peptides))
    shown = list(parts) if parts is not None else windows_of(target, MOST_RESIDUES - longest, site)
    known = properties_of(peptides, cyclic=plan.cyclic)
    costs, best = _best_part(model, target, shown, peptides)
    values, p_values = np.full(len(peptides), math.nan), np.full(len(peptides), math.nan)
    if decoys:
        others = []
        for decoy in decoys:
            if decoy.letters == target.letters:
                raise UsageError(
                    f"the decoy {decoy.name} is the target {target.name}: nothing would be specific"
                )
            others.append(_best_part(model, decoy, windows_of(decoy, MOST_RESIDUES - longest), peptides)[0])
        against = Specificity(costs, np.stack(others, 1))
        values, p_values = against.values, against.p_values
    order = np.argsort(-values if plan.select == "specificity" else costs, kind="stable")
    return [
        Candidate(
            peptides[number], math.exp(costs[number]), float(values[number]), float(p_values[number]),
            shown[best[number]], _nearest(peptides[number], plan), known[number],
        )
        for number in order
    ]  # fmt: skip


def _filtered(peptides: list[str], plan: DesignPlan) -> tuple[list[str], Counter[str]]:
    """What passes the conditions on all but the perplexity, and how many each condition rejected."""
    rejected = Counter({str(each): 0 for each in plan.conditions})
    conditions = [each for each in plan.conditions if each.name != "perplexity"]
    kept = []
    for peptide, known in zip(peptides, properties_of(peptides, cyclic=plan.cyclic), strict=True):
        reason = rejected_by(conditions, {**known.to_dict(), "length": len(peptide)})
        if reason is None:
            kept.append(peptide)
        else:
            rejected[str(reason)] += 1
    return kept, rejected


def _screened(
    model: Model, target: Target, parts: list[tuple[int, int]], peptides: list[str], plan: DesignPlan
) -> list[list[str]]:
    """Candidates in the rounds in which they are scored, the better ones by the estimate first."""
    first = 2 * plan.count if plan.scored is None else plan.scored
    if len(peptides) <= first or (plan.scored is None and plan.select == "specificity"):
        return [peptides]
    estimates = np.min(
        [quick_log_perplexities(model, target.tokens[start:end], peptides) for start, end in parts], axis=0
    )
    ranked = [peptides[number] for number in np.argsort(estimates, kind="stable")]
    return [ranked[:first]] if plan.scored is not None else [ranked[:first], ranked[first:]]


def _best_part(
    model: Model, target: Target, parts: Sequence[tuple[int, int]], peptides: Sequence[str]
) -> tuple[Floats, NDArray[np.int64]]:
    """Log pseudo-perplexity on the part where it is least, and which part that is."""
    costs = np.stack([log_perplexities(model, target.tokens[start:end], peptides) for start, end in parts])
    return costs.min(0), costs.argmin(0)


def _nearest(peptide: str, plan: DesignPlan) -> float:
    return float(identities(peptide, plan.known, cyclic=plan.cyclic).max()) if plan.known else math.nan
