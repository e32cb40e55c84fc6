"""Figures that a command writes: `--plot FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genoseq.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUFFIXES = (".png", ".svg", ".pdf")


def check_plot(path: str | None) -> None:
    """Refuse a name that tells no format, and an environment that cannot draw.

    Raises
    ------
    UsageError
        If the name does not end in ``.png``, ``.svg`` or ``.pdf``.
    MissingDependencyError
        Without matplotlib.
    """
    if not path:
        return
    from genoseq.plots import check_matplotlib

    if Path(path).suffix.lower() not in _SUFFIXES:
        raise UsageError(f"--plot: {path!r} must end in {', '.join(_SUFFIXES)}")
    check_matplotlib("--plot")


def save_plot(figure: Figure, path: str) -> None:
    """Write a figure in the format of its name; the file appears whole."""
    from genoseq.io.files import open_output

    with open_output(path) as file:
        figure.savefig(file, format=Path(path).suffix[1:].lower())
