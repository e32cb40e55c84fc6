"""PepMLM for a notebook: load a model, design peptides, score known ones.

model = PepMLM.load()
table = model.design("MKTAYIAKQRQISFVKSHFSRQ", n=20, length=12, seed=1)
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genoseq.errors import CheckpointError, GenoseqWarning, UsageError
from genoseq.models.hub import cached
from genoseq.models.registry import find_model, known_model
from genoseq.peptides.decoders import Decoder, Iterative
from genoseq.peptides.design import Candidate, DesignPlan, design, score
from genoseq.peptides.filters import parse_filters
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.targets import Site, Target
from genoseq.peptides.template import Template
from genoseq.protein import encode_protein

__all__ = ["LARGE", "SMALL", "PepMLM", "default_model", "words_on_default"]

LARGE, SMALL = "pepmlm-650m", "pepmlm-small"


def default_model() -> str:
    """The published model if it was fetched, else the small one that ships.

    Raises
    ------
    CheckpointError
        If neither is on this machine.
    """
    if cached(known_model(LARGE)) is not None:
        return LARGE
    small = find_model(SMALL)
    if small is not None and cached(small) is not None:
        return SMALL
    raise CheckpointError(
        f"no peptide model is on this machine; get the published one with: genoseq models pull {LARGE}, or "
        "name a folder of weights"
    )


def words_on_default(name: str) -> str | None:
    """What who did not choose a model should know of it; None of the published one."""
    if name == LARGE:
        return None
    worth = known_model(name).worth
    words = f"{name} is used, a small model, as {LARGE} is not on this machine (genoseq models pull {LARGE})"
    return f"{words}; {worth}" if worth else words


class PepMLM:
    """A peptide model, ready for use.

    Parameters
    ----------
    model : MaskedModel
    """

    def __init__(self, model: MaskedModel) -> None:
        self.model = model

    @classmethod
    def load(cls, name: str | Path | None = None, *, device: str = "auto", precision: str = "fp32") -> PepMLM:
        """Load a model.

        Parameters
        ----------
        name
            A known name, a folder or a file of weights (`MaskedModel.load`); by default `default_model`.
        device, precision
            As there.

        Warns
        -----
        GenoseqWarning
            If no name is given and the small model is taken.
        """
        if name is None:
            name = default_model()
            if (words := words_on_default(name)) is not None:
                warnings.warn(words, GenoseqWarning, stacklevel=2)
        return cls(MaskedModel.load(name, device=device, precision=precision))

    def design(
        self,
        target: str | Target,
        n: int = 20,
        length: int | Sequence[int] = 12,
        *,
        template: str | None = None,
        avoid: str = "",
        decoder: Decoder | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        candidates: int | None = None,
        scored: int | None = None,
        filters: str = "",
        decoys: Sequence[str | Target] = (),
        select: str = "perplexity",
        likeness: float = 0.8,
        known: Sequence[str] = (),
        site: Site | None = None,
        cyclic: bool = False,
        seed: int = 1,
    ) -> Any:
        """Design peptides for a target.

        Parameters
        ----------
        target
            Letters of a protein, or a `Target`.
        n, length
            Peptides that are wanted, and their letters; several lengths to choose among.
        template, avoid, filters
            What a peptide may be (`genoseq.peptides.template`, `filters`); a template has its own length.
        decoder, temperature, top_k, top_p
            How letters are drawn (`genoseq.peptides.decoders`, `sampling`); iterative by default.
        candidates, scored
            Drawn, five for each that is wanted by default; scored exactly (`DesignPlan`).
        decoys, select
            Other targets, which a peptide shall not bind; "perplexity" or "specificity" ranks.
        likeness, known
            Largest identity of two peptides in the result; peptides that it is compared with.
        site
            Part of the target that shall be bound.
        cyclic, seed
            Peptides are closed head to tail (`DesignPlan`); of the random numbers.

        Returns
        -------
        DataFrame or list of dict
            A row for each peptide, the best first (`Candidate.to_dict`); of pandas if it is installed.

        Raises
        ------
        UsageError
            For a value out of range.
        InputError
            If the filters reject all, or a letter is none of a protein.
        """
        plan = DesignPlan(
            templates=_templates(template, length, avoid),
            count=n,
            candidates=candidates or 5 * n,
            scored=scored,
            decoder=decoder or Iterative(),
            sampling=Sampling(temperature, top_k, top_p),
            conditions=tuple(parse_filters(filters)) if filters else (),
            likeness=likeness,
            select=select,
            known=tuple(known),
            cyclic=cyclic,
            seed=seed,
        )
        found = design(
            self.model, _target(target, "target"), plan, site=site,
            decoys=[_target(each, f"decoy {number}") for number, each in enumerate(decoys, 1)],
        )  # fmt: skip
        return _table(found.candidates)

    def score(
        self,
        target: str | Target,
        peptides: Sequence[str],
        *,
        decoys: Sequence[str | Target] = (),
        known: Sequence[str] = (),
        site: Site | None = None,
    ) -> Any:
        """Score peptides behind a target, and rank them by their pseudo-perplexity.

        Parameters and the result are those of `design`.
        """
        plan = DesignPlan(templates=(Template.of_length(1),), known=tuple(known))
        found = score(
            self.model, _target(target, "target"), peptides, plan, site=site,
            decoys=[_target(each, f"decoy {number}") for number, each in enumerate(decoys, 1)],
        )  # fmt: skip
        return _table(found)


def _target(given: str | Target, name: str) -> Target:
    if isinstance(given, Target):
        return given
    if not given:
        raise UsageError(f"{name} is empty; letters of a protein are expected")
    encode_protein(given)
    return Target(name, given.upper(), name)


def _templates(template: str | None, length: int | Sequence[int], avoid: str) -> tuple[Template, ...]:
    if template is not None:
        return (Template.parse(template).avoiding(avoid),)
    lengths = [length] if isinstance(length, int) else length
    return tuple(Template.of_length(each, avoid) for each in lengths)


def _table(candidates: Sequence[Candidate]) -> Any:
    rows = [{"rank": rank, **each.to_dict()} for rank, each in enumerate(candidates, 1)]
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame(rows)
