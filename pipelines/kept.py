"""What a study has done so far, a line of JSON each, so that one that was stopped does what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class Kept:
    """Results by their key, in a file.

    Parameters
    ----------
    path : Path
        Of lines of JSON; a last line that was cut is done again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, dict[str, Any]] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                continue  # the study was stopped while it wrote
            self._known[found["key"]] = found
        self._before = "" if text.endswith("\n") or not text else "\n"

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._known[key]

    def add(self, key: str, values: dict[str, Any]) -> None:
        """Keep what was found."""
        self._known[key] = {"key": key, **values}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self._before}{json.dumps(self._known[key])}\n")
        self._before = ""
