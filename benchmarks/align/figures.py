"""The figures of the report, by `genoseq.plots`. Needs the extra `plots`."""

from __future__ import annotations

import math
from pathlib import Path

from judge import from_counts
from matplotlib.figure import Figure
from targets import Cell, Figures

from genoseq.evaluate import Evaluation
from genoseq.plots import accuracy_plot, reliability_plot, speed_plot

LENGTH = 150  # bp
SHOWN = ("genoseq", "genoseq-sensitive", "genoseq-sr", "last-m100", "last", "bwa", "bowtie2", "minimap2")
CALIBRATED = ("genoseq", "bwa", "minimap2", "last")
SPEED_AT = (10, 20)  # per cent


def draw_accuracy(figures: Figures, path: Path) -> bool:
    """Right by divergence, a panel a genome."""
    divergences = figures.divergences()
    figure = Figure(figsize=(5.2 * len(figures.genomes), 4.2), layout="constrained", dpi=150)
    panels = figure.subplots(1, len(figures.genomes), squeeze=False)[0]
    for panel, genome in zip(panels, figures.genomes, strict=True):
        lines = {}
        for tool in SHOWN:
            cells = [Cell(genome, LENGTH, divergence) for divergence in divergences]
            shares = [figures.right(c, tool) if c in figures.grid else None for c in cells]
            if any(share is not None for share in shares):
                lines[tool] = [math.nan if share is None else share / 100 for share in shares]
        accuracy_plot([d / 100 for d in divergences], lines, panel)
        panel.set_title(f"{genome}, {LENGTH} bp", loc="left", fontsize=11)
    figure.savefig(path)
    return True


def draw_reliability(figures: Figures, path: Path) -> bool:
    """Promised and observed error rates over the whole grid, a series a tool."""
    pooled = []
    for tool in CALIBRATED:
        total = Evaluation(tool)
        for tools in figures.grid.values():
            if tool in tools:
                total = total + from_counts(tools[tool]["counts"], tool)
        if total.reads:
            pooled.append(total)
    figure = Figure(figsize=(6.4, 4.6), layout="constrained", dpi=150)
    reliability_plot(pooled, figure.subplots())
    figure.savefig(path)
    return bool(pooled)


def draw_speed(figures: Figures, path: Path) -> bool:
    """Speed against accuracy on the largest genome, clean and diverged; False when speed was not measured."""
    genome = figures.genomes[-1]
    panels = []
    for divergence in SPEED_AT:
        cell, points = Cell(genome, LENGTH, divergence), {}
        for tool, speeds in figures.speeds(genome, divergence).items():
            right = figures.right(cell, tool) if cell in figures.grid else None
            if right is not None and tool != "genoseq-sr":  # it would lie on genoseq's name
                points[tool] = speeds.median, right / 100
        if points:
            panels.append((divergence, points))
    if not panels:
        return False
    figure = Figure(figsize=(5.2 * len(panels), 4), layout="constrained", dpi=150)
    for (divergence, points), axes in zip(
        panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True
    ):
        speed_plot(points, axes)
        axes.set_title(f"{genome}, {LENGTH} bp, {divergence} %", loc="left", fontsize=11)
    figure.savefig(path)
    return True
