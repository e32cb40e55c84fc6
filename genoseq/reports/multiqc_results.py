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
from genoseq.reports.multiqc import PARENT, density, section_path
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
    summary = {
        "id": "genoseq_variants",
        **PARENT,
        "section_name": "Variants",
        "description": "ALT alleles and the medians of their scores, by kind.",
        "plot_type": "table",
        "pconfig": {"id": "genoseq_variants_table", "title": "genoseq: variants", "namespace": "genoseq"},
        "headers": headers,
        "data": {sample: values},
    }
    every = tally.all()
    edges = score_edges(every) if every.total else np.empty(0)
    scores = {
        "id": "genoseq_scores",
        **PARENT,
        "section_name": "Scores of variants",
        "description": "Log-likelihood of the sequence with ALT minus that with REF.",
        "plot_type": "linegraph",
        "pconfig": {
            "id": "genoseq_scores_plot",
            "title": "genoseq: scores of variants",
            "xlab": "Log-likelihood ratio (nats)",
            "ylab": "Alleles (%) per nat",
        },
        "data": {sample: density(edges, every.binned(edges)) if every.total else {}},
    }
    return {
        section_path(folder, sample, "variants"): summary,
        section_path(folder, sample, "scores"): scores,
    }


def label_sections(folder: StrPath, sample: str, tally: LabelTally) -> dict[Path, dict[str, Any]]:
    """Sections of classified sequences: bars of the classes."""
    section = {
        "id": "genoseq_classes",
        **PARENT,
        "section_name": "Classes",
        "description": "Sequences by the class that they were given; none: like no class.",
        "plot_type": "bargraph",
        "pconfig": {"id": "genoseq_classes_plot", "title": "genoseq: classes", "ylab": "Sequences"},
        "data": {sample: {name: tally.labels[name] for name in tally.names}},
    }
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
    section = {
        "id": "genoseq_peptides",
        **PARENT,
        "section_name": "Peptides",
        "description": "The best peptide of each target.",
        "plot_type": "table",
        "pconfig": {"id": "genoseq_peptides_table", "title": "genoseq: peptides", "namespace": "genoseq"},
        "headers": headers,
        "data": rows,
    }
    return {section_path(folder, sample, "peptides"): section}
