"""Figures of the reports: axes in, axes out.

Every function draws on `ax`, or on the current axes of pyplot when none are given, and returns them; saving
and showing is the caller's. Every series has a colour and a marker of its own. matplotlib is the extra
`plots`, imported only to draw.

    from genoseq.evaluate import evaluate
    from genoseq.plots import reliability_plot

    reliability_plot([evaluate("reads.bam")]).figure.savefig("reliability.png")
"""

from __future__ import annotations

from genoseq.plots.alignment import (
    accuracy_plot,
    depth_plot,
    histogram_plot,
    recall_plot,
    reliability_plot,
    report_figure,
    speed_plot,
)
from genoseq.plots.classification import comparison_figure, confusion_figure, confusion_plot, methods_plot
from genoseq.plots.models import mutagenesis_plot, training_plot
from genoseq.plots.peptides import logo_plot, ranked_plot
from genoseq.plots.results import composition_plot, indel_plot, scores_plot
from genoseq.plots.style import COLOURS, check_matplotlib, svg_figure
from genoseq.plots.tree import tree_figure, tree_plot

__all__ = [
    "COLOURS",
    "accuracy_plot",
    "check_matplotlib",
    "comparison_figure",
    "composition_plot",
    "confusion_figure",
    "confusion_plot",
    "depth_plot",
    "histogram_plot",
    "indel_plot",
    "logo_plot",
    "methods_plot",
    "mutagenesis_plot",
    "ranked_plot",
    "recall_plot",
    "reliability_plot",
    "report_figure",
    "scores_plot",
    "speed_plot",
    "svg_figure",
    "training_plot",
    "tree_figure",
    "tree_plot",
]
