"""The log of a training: lines on stderr, and JSON in the folder of the run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


class TrainingLog:
    """Lines of the log on stderr, and in a file if there is a checkpoint folder."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.path: Path | None = None

    def open(self, path: Path, step: int) -> None:
        """Write into a file from now on; lines of later steps, left by a run that was stopped, are cut."""
        self.path = path
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if json.loads(line).get("step", 0) <= step]
            path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.quiet:
            print(f"genoseq train: {text}", file=sys.stderr, flush=True)

    def __call__(self, line: dict[str, Any]) -> None:
        """Numbers of a step."""
        self.say(", ".join(f"{name} {value}" for name, value in line.items()))
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
