"""What the studies write with: tables in Markdown, figures, and files that appear whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from genoseq.io.files import replacing
from genoseq.models.hub import sha256_of
from genoseq.plots import training_plot


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """In Markdown."""
    head, *lines = (f"| {' | '.join(_cell(cell) for cell in line)} |" for line in (columns, *rows))
    return "\n".join([head, f"|{'---|' * len(columns)}", *lines]) + "\n"


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def files_table(folders: Sequence[Path]) -> str:
    """Files of models and their digests, which genoseq/models/registry.py holds."""
    paths = [path for folder in folders for path in sorted(folder.iterdir())]
    return table(["file", "SHA-256"], [[f"{p.parent.name}/{p.name}", f"`{sha256_of(p)}`"] for p in paths])


def write(path: Path, content: str | Figure) -> None:
    """Text, or a figure as PNG, in a file that appears whole."""
    with replacing(path) as temporary:
        if isinstance(content, str):
            temporary.write_text(content, encoding="utf-8")
        else:
            content.savefig(temporary, format="png")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def training_figure(logs: Sequence[Path], unit: str) -> Figure:
    """The curves of trainings side by side; the steps of stages of one log follow each other.

    Parameters
    ----------
    logs : sequence of Path
        Lines of JSON with ``step``, and ``loss`` or ``held_out``.
    unit : str
        Of these.
    """
    figure = new_figure(6 * len(logs), 3.4)
    for path, axes in zip(logs, figure.subplots(1, len(logs), squeeze=False)[0], strict=True):
        lines, stage, before, last = [], None, 0, 0
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if "loss" in line or "held_out" in line:
                if line.get("stage") != stage:
                    stage, before = line["stage"], before + last
                last = line["step"]
                lines.append({**line, "step": before + last})
        training_plot(lines, ax=axes)
        axes.set_ylabel(unit)
    return figure
