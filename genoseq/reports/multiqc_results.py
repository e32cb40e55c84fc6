"""Files for MultiQC of scored variants, classified sequences and peptides: tables, lines and bars.

`genoseq.reports.multiqc` writes them. MultiQC takes the columns of the last file for all samples, so they are
the same in every file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from genoseq.hyena.tally import KINDS, ScoreTally
from genoseq.io.files import StrPath
from genoseq.peptides.tables import PeptideTable
from genoseq.reports.multiqc import content, density, section_path
from genoseq.reports.variants import score_edges
from genoseq.supervised.tally import LabelTally

__all__ = ["label_sections", "peptide_sections", "score_sections"]

_WHOLE = {"format": "{:,.0f}", "scale": "Greys"}
_NATS = {"suffix": " nats", "format": "{:,.2f}", "scale": "RdBu"}


def score_sections(folder: StrPath, sample: str, tally: ScoreTally) -> dict[Path, dict[str, Any]]:
    """Sections of scored variants: a table, and lines of the scores."""
    headers: dict[str, dict[str, Any]] = {
        "records": {"title": "Records", "description": "Records of the file", **_WHOLE},
        "alleles": {"title": "Alleles", "description": "ALT alleles", **_WHOLE},
        "scored": {"title": "Scored", "description": "Alleles with a score", "suffix": "%", "max": 100}
        | {"min": 0, "format": "{:,.2f}", "scale": "Greens"},
    }
    values: dict[str, float] = {"records": tally.records, "alleles": tally.alleles}
    if tally.alleles:
        values["scored"] = 100 * tally.scored / tally.alleles
    for kind in KINDS:
        name = kind if kind == "complex" else f"{kind}s"
        description = f"Median log-likelihood ratio of {name}"
        headers[f"median_{kind}"] = {"title": name, "description": description, **_NATS}
        if kind in tally.kinds:
            values[f"median_{kind}"] = round(tally.kinds[kind].quantile(0.5), 3)
    summary = content(
        "variants", "Variants", "ALT alleles and the medians of their scores, by kind.", {sample: values},
        headers=headers,
    )  # fmt: skip
    every = tally.all()
    edges = score_edges(every) if every.total else np.empty(0)
    scores = content(
        "scores", "Scores of variants", "Log-likelihood of the sequence with ALT minus that with REF.",
        {sample: density(edges, every.binned(edges)) if every.total else []},
        axes={"xlab": "Log-likelihood ratio (nats)", "ylab": "Alleles (%) per nat"},
    )  # fmt: skip
    return {
        section_path(folder, sample, "variants"): summary,
        section_path(folder, sample, "scores"): scores,
    }


def label_sections(folder: StrPath, sample: str, tally: LabelTally) -> dict[Path, dict[str, Any]]:
    """Sections of classified sequences: bars of the classes."""
    section = content(
        "classes", "Classes", "Sequences by the class that they were given; none: like no class.",
        {sample: {name: tally.labels[name] for name in tally.names}}, axes={"ylab": "Sequences"},
    )  # fmt: skip
    return {section_path(folder, sample, "classes"): section}


def peptide_sections(folder: StrPath, sample: str, peptides: PeptideTable) -> dict[Path, dict[str, Any]]:
    """Sections of peptides: a table with a row for each target."""
    headers: dict[str, dict[str, Any]] = {
        "peptides": {"title": "Peptides", "description": "Peptides for the target", **_WHOLE},
        "best": {"title": "Best", "description": "The first peptide"},
        "perplexity": {"title": "Pseudo-perplexity", "description": "Of the best peptide; lower is better"}
        | {"format": "{:,.2f}", "scale": "OrRd"},
        "median": {"title": "Median", "description": "Median pseudo-perplexity of the peptides"}
        | {"format": "{:,.2f}", "scale": "OrRd"},
        "specificity": {"title": "Specificity", "description": "Of the best peptide, nats a letter"}
        | {"format": "{:,.2f}", "scale": "Blues"},
    }
    rows: dict[str, dict[str, Any]] = {} if peptides.results else {sample: {"peptides": 0}}
    for result in peptides.results:
        best, *_ = candidates = result.designed.candidates
        values: dict[str, Any] = {
            "peptides": len(candidates),
            "best": best.peptide,
            "perplexity": best.perplexity,
            "median": float(np.median([each.perplexity for each in candidates])),
        }
        if not math.isnan(best.specificity):
            values["specificity"] = best.specificity
        row = sample if len(peptides.results) == 1 else f"{sample} | {result.target.name}"
        rows[row] = values
    section = content("peptides", "Peptides", "The best peptide of each target.", rows, headers=headers)
    return {section_path(folder, sample, "peptides"): section}
