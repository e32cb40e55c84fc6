"""The work folder of a benchmark: one JSON a measurement, and which of them still hold.

A measurement holds while what it depends on is the same: the reads (their sha256), the command, the version
of the program, and for genoseq the bytes of its code and weights. A run that was stopped goes on where it
was; a change of genoseq repeats genoseq's part and keeps that of its peers.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = 1
#: What the alignments and indexes of genoseq depend on.
ALIGNMENT = (
    "align",
    "index",
    "io",
    "weights",
    "sequence.py",
    "encoder/anchors.py",
    "encoder/seed.py",
    "cli/align.py",
    "cli/index.py",
)
#: What the simulated reads depend on.
SIMULATION = ("simulate.py", "mutate.py", "index/reference.py")


class Results:
    """JSON files under `folder`, named `KIND/NAME.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, kind: str, name: str) -> Path:
        """Where a measurement is kept."""
        return self.folder / kind / f"{name}.json"

    def get(self, kind: str, name: str, key: dict[str, Any]) -> dict[str, Any] | None:
        """A measurement that was made under the same `key`, or None."""
        found = self.read(kind, name)
        return found if found is not None and found["key"] == json.loads(json.dumps(key)) else None

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """A measurement whatever its key, or None."""
        try:
            found = json.loads(self.path(kind, name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found if found.get("schema") == SCHEMA else None

    def put(self, kind: str, name: str, key: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """Keep a measurement; returns it as `get` would."""
        path = self.path(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"schema": SCHEMA, "key": key, **values}
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
        return json.loads(json.dumps(record))

    def once(
        self, kind: str, name: str, key: dict[str, Any], make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The measurement under `key`: the one that is kept, or made now."""
        return self.get(kind, name, key) or self.put(kind, name, key, make())

    def all(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and measurement of everything kept of a kind, whatever its key."""
        for path in sorted((self.folder / kind).glob("*.json")):
            record = self.read(kind, path.stem)
            if record is not None:
                yield path.stem, record


def sha256(path: Path) -> str:
    """Digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_digest(*parts: str) -> str:
    """Digest of files of the package and of those in folders of it: code and weights."""
    package = REPOSITORY / "genoseq"
    total = hashlib.sha256()
    for part in parts:
        path = package / part
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".npz"):
                total.update(str(file.relative_to(package)).encode() + file.read_bytes())
    return total.hexdigest()[:16]


@cache
def commit() -> str:
    """The git commit of this checkout, with a + when tracked files of the package were changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "genoseq")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")
