"""What the study of peptides asks of the model: targets, decoders, candidates, and a shortlist.

Everything is named by the parameters (`pipelines/params/design_peptides.yaml`). What a decoder found for a
target is kept under a key of the model, the target, the decoder and the version of genoseq, so that a study
that was stopped, or gets another decoder, does what is missing.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept
from peptide_goals import Goal, others_of
from study import Steps, Study

import genoseq
from genoseq.errors import UsageError, counted
from genoseq.peptides.decoders import Decoder, Diverse, Gibbs, Guided, Independent, Iterative
from genoseq.peptides.design import Candidate, Designed, DesignPlan, look_for, score
from genoseq.peptides.filters import parse_filters, rejected_by
from genoseq.peptides.guide import Guide
from genoseq.peptides.identity import distinct, identities
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.properties import NAMES, properties_of
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.targets import Target, shuffled_targets
from genoseq.peptides.template import Template

DECODERS: dict[str, Callable[..., Decoder]] = {
    "independent": Independent, "iterative": Iterative, "gibbs": Gibbs, "diverse": Diverse, "guided": Guided,
}  # fmt: skip
SAMPLING = ("temperature", "top_k", "top_p")
WORD = 3


@dataclass(frozen=True, eq=False)
class Found:
    """What a decoder found for a target, or what is known to bind it.

    Attributes
    ----------
    candidates : list of Candidate
        The best first; specificity and p-value are against other targets of the study.
    drawn, duplicates : int
    seconds : float
        CPU time, scores included.
    """

    candidates: list[Candidate]
    drawn: int
    duplicates: int
    seconds: float

    @property
    def log_perplexities(self) -> np.ndarray:
        """Of the candidates, nats a letter: float64 (n,)."""
        return np.log([each.perplexity for each in self.candidates])

    @property
    def likeness(self) -> float:
        """Mean identity of two candidates; NaN if there are no two."""
        peptides = [each.peptide for each in self.candidates]
        found = [identities(text, peptides[at + 1 :]) for at, text in enumerate(peptides[:-1])]
        return float(np.concatenate(found).mean()) if found else math.nan

    @property
    def distinct_words(self) -> float:
        """Words of three letters that differ, as a share of all words; NaN if there are none."""
        words = [
            each.peptide[at : at + WORD]
            for each in self.candidates
            for at in range(len(each.peptide) - WORD + 1)
        ]
        return len(set(words)) / len(words) if words else math.nan

    def first(self, others: int) -> int:
        """Candidates that fit their own target better than each of so many others."""
        return sum(each.p_value <= 1 / (1 + others) for each in self.candidates)


@dataclass(eq=False)
class Designs:
    """Everything about a target.

    Attributes
    ----------
    goal : Goal
    others : list of Target
        Targets of the study that candidates are scored on as well.
    found : dict
        Of each decoder, by its name.
    known : Found or None
        The peptides that are known to bind it.
    passed : list of str
        Candidates of all decoders that pass the filters.
    rejected : Counter
        How many each filter rejected.
    shortlist : list of Candidate
        The best first; specificity and p-value are against the target's own letters in disorder.
    """

    goal: Goal
    others: list[Target]
    found: dict[str, Found] = field(default_factory=dict)
    known: Found | None = None
    passed: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    shortlist: list[Candidate] = field(default_factory=list)

    def decoders_of(self, peptide: str) -> list[str]:
        """Names of the decoders that found a peptide."""
        return [
            name for name, found in self.found.items() if any(e.peptide == peptide for e in found.candidates)
        ]


def check(params: dict[str, Any]) -> None:
    """Refuse parameters that make no sense together.

    Raises
    ------
    UsageError
    """
    names = [method["name"] for method in params["decoders"]]
    if len(set(names)) < len(names) or not names:
        raise UsageError(f"decoders need a name each, and not the same: {names}")
    if params["select"] not in ("perplexity", "specificity"):
        raise UsageError(f"select {params['select']!r}; perplexity or specificity is expected")
    if params["select"] == "specificity" and not params["shuffled"]:
        raise UsageError("to rank by specificity, shuffled must be 1 or more")
    parse_filters(params["filters"]) if params["filters"] else None


def decoder_of(method: Mapping[str, Any], before: Sequence[Candidate]) -> tuple[Decoder, Sampling]:
    """The decoder that the parameters name.

    Parameters
    ----------
    method
    before
        Candidates of the decoders before it, which a guide learns from.

    Raises
    ------
    UsageError
        If it is not known, or has an option that it does not take.
    """
    options = {key: value for key, value in method.items() if key not in ("name", "kind", *SAMPLING)}
    if method.get("kind") not in DECODERS:
        raise UsageError(
            f"decoder {method['name']}: kind {method.get('kind')!r}; {', '.join(DECODERS)} are possible"
        )
    if method["kind"] == "guided":
        options["guide"] = guide_of(method, before)
    try:
        sampling = Sampling(**{key: method[key] for key in SAMPLING if key in method})
        return DECODERS[method["kind"]](**options), sampling
    except TypeError as error:
        raise UsageError(f"decoder {method['name']}: {error}") from error


def guide_of(method: Mapping[str, Any], before: Sequence[Candidate]) -> Guide:
    """A guide to a high or a low property: of all candidates before, a third is wanted and a third is not."""
    asked = method.get("guide") or {}
    name, wanted = asked.get("property"), asked.get("wanted")
    if name not in NAMES or name == "difficulty" or wanted not in ("high", "low"):
        raise UsageError(
            f"decoder {method['name']}: guide {asked}; {{property: NAME, wanted: high or low}} is expected"
        )
    third = len(before) // 3
    if not third:
        raise UsageError(
            f"decoder {method['name']}: a guide learns from candidates of decoders before; there are "
            f"{len(before)}"
        )
    ranked = sorted(before, key=lambda each: (getattr(each.properties, name), each.peptide))
    parts = [each.peptide for each in ranked[:third]], [each.peptide for each in ranked[-third:]]
    return Guide.fit(*(parts if wanted == "low" else parts[::-1]))


class Designer:
    """Asks the model, or the file of what was found before.

    Parameters
    ----------
    model : MaskedModel
    digest : str
        SHA-256 of its weights.
    study : Study
    path : Path
        Of what was found.
    """

    def __init__(self, model: MaskedModel, digest: str, study: Study, path: Path) -> None:
        self.model, self.digest, self.study, self.params = model, digest, study, study.params
        self._kept = Kept(path)

    def run(self, goals: Sequence[Goal]) -> list[Designs]:
        """Every decoder on every target, and a shortlist of each."""
        known = sum(bool(each.known) for each in goals)
        self._steps = Steps(self.study, len(goals) * (len(self.params["decoders"]) + 1) + known)
        others = others_of(goals, self.params["others"])
        return [self._of(Designs(*each)) for each in zip(goals, others, strict=True)]

    def _of(self, designs: Designs) -> Designs:
        goal, others = designs.goal, designs.others
        for method in self.params["decoders"]:
            before = [each for found in designs.found.values() for each in found.candidates]
            decoder, sampling = decoder_of(method, before)
            what = {key: value for key, value in method.items() if key != "name"}
            led_by = sorted({each.peptide for each in before}) if isinstance(decoder, Guided) else []
            plan = self._plan(goal, decoder, sampling)
            asked = [what, led_by, goal.lengths, self.params["avoid"], plan.count, plan.seed]
            designs.found[method["name"]] = self._found(
                goal, others, method["name"], asked,
                partial(look_for, self.model, goal.target, plan, decoys=others),
            )  # fmt: skip
        if goal.known:
            designs.known = self._scored(goal, others, "known peptides", list(dict.fromkeys(goal.known)))
        self._shorten(designs)
        return designs

    def _plan(self, goal: Goal, decoder: Decoder, sampling: Sampling) -> DesignPlan:
        count = max(self.params["candidates"], len(goal.lengths))
        return DesignPlan(
            tuple(Template.of_length(each, self.params["avoid"]) for each in goal.lengths),
            count, count, decoder=decoder, sampling=sampling, likeness=1.0, seed=self.params["seed"],
        )  # fmt: skip

    def _shorten(self, designs: Designs) -> None:
        """Of all candidates those that pass the filters, and of these the best that differ enough."""
        pool: dict[str, Candidate] = {}
        for found in designs.found.values():
            for each in found.candidates:
                pool.setdefault(each.peptide, each)
        conditions = parse_filters(self.params["filters"]) if self.params["filters"] else []
        designs.rejected = Counter({str(condition): 0 for condition in conditions})
        for each in sorted(pool.values(), key=lambda each: (each.perplexity, each.peptide)):
            values = each.properties.to_dict() | {"length": len(each.peptide), "perplexity": each.perplexity}
            reason = rejected_by(conditions, values)
            if reason is None:
                designs.passed.append(each.peptide)
            else:
                designs.rejected[str(reason)] += 1
        different = distinct(designs.passed, self.params["likeness"])[: self.params["shortlist"]]
        chosen = [designs.passed[number] for number in different]
        goal, seed = designs.goal, self.params["seed"]
        decoys = shuffled_targets(goal.target, self.params["shuffled"], seed)
        found = self._scored(goal, decoys, "shortlist", chosen).candidates
        if self.params["select"] == "specificity":
            found.sort(key=lambda each: -each.specificity)
        designs.shortlist = found

    def _scored(self, goal: Goal, decoys: list[Target], name: str, peptides: list[str]) -> Found:
        plan = self._plan(goal, Independent(), Sampling())

        def ask() -> Designed:
            found = score(self.model, goal.target, peptides, plan, decoys=decoys)
            return Designed(goal.target, found, 0, 0, {}, 0)

        return self._found(goal, decoys, name, peptides, ask)

    def _found(
        self, goal: Goal, decoys: list[Target], name: str, asked: Any, ask: Callable[[], Designed]
    ) -> Found:
        """What was kept, or what is found now."""
        letters = [each.letters for each in (goal.target, *decoys)]
        words = json.dumps([genoseq.__version__, self.digest, letters, asked], sort_keys=True)
        key = hashlib.sha256(words.encode()).hexdigest()
        kept = key in self._kept
        if not kept:
            start = time.process_time()
            designed = ask()
            seconds = time.process_time() - start
            rows = [
                [each.peptide, each.perplexity, each.specificity, each.p_value, *each.part]
                for each in designed.candidates
            ]
            values = {"rows": rows, "drawn": designed.drawn, "duplicates": designed.duplicates}
            self._kept.add(key, {"target": goal.name, "by": name, **values, "seconds": seconds})
        values = self._kept[key]
        told = f"{counted(len(values['rows']), 'peptide')}, {values['seconds']:.1f} CPU s"
        self._steps.done(f"{goal.name}, {name}: {told}", kept=kept)
        known = properties_of([row[0] for row in values["rows"]])
        candidates = [
            Candidate(peptide, perplexity, specificity, p_value, (start, end), math.nan, properties)
            for (peptide, perplexity, specificity, p_value, start, end), properties in zip(
                values["rows"], known, strict=True
            )
        ]
        return Found(candidates, values["drawn"], values["duplicates"], values["seconds"])
