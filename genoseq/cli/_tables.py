"""Tables for a terminal."""

from __future__ import annotations

__all__ = ["aligned"]


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows of cells as lines, the columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
