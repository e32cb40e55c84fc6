"""What the studies write with: tables in Markdown, and files that appear whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genoseq.io.files import replacing


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """In Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def write(path: Path, content: bytes) -> None:
    """A file that appears whole."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
