"""Folders of fitted classifiers: a config and one other file, of which the config has the checksum.

What a folder holds is told by the ``format`` in its ``config.json``; to look at it takes no library of the
classifiers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from genoseq.errors import CheckpointError, UsageError
from genoseq.io.files import StrPath, replacing

__all__ = [
    "ANEW", "CONFIG", "NEIGHBOURS", "RELATIVE", "method_of", "read_config", "read_part", "saved_labels",
    "write_folder",
]  # fmt: skip

CONFIG = "config.json"
RELATIVE, NEIGHBOURS = "genoseq relative classifier", "genoseq NCD classifier"
"""Formats."""
ANEW = "make it anew (genoseq train classifier)"
_METHODS = {RELATIVE: "relative", NEIGHBOURS: "ncd"}


def write_folder(folder: StrPath, config: Mapping[str, Any], name: str, content: bytes) -> None:
    """Write a model: its config, and a file that the config has the checksum of. A model that was there goes.

    Raises
    ------
    UsageError
        If the folder is a file.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path}: is a file; a model is saved as a folder")
    path.mkdir(parents=True, exist_ok=True)
    whole = {**config, "file": name, "sha256": hashlib.sha256(content).hexdigest()}
    earlier = _file_of(path)
    with replacing(path / name) as temporary:
        temporary.write_bytes(content)
    with replacing(path / CONFIG) as temporary:
        temporary.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if earlier is not None and earlier.name != name:
        earlier.unlink(missing_ok=True)


def _file_of(folder: Path) -> Path | None:
    """The other file of the model that a folder holds."""
    try:
        name = str(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["file"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return folder / Path(name).name


def saved_labels(classes: NDArray[Any]) -> list[str] | list[int]:
    """Labels as JSON holds them.

    Raises
    ------
    UsageError
        If they are neither text nor whole numbers.
    """
    labels: list[Any] = classes.tolist()
    if not all(isinstance(label, str | int) and not isinstance(label, bool) for label in labels):
        raise UsageError(f"labels such as {labels[0]!r} cannot be saved; use text or whole numbers")
    return labels


def method_of(path: StrPath) -> str | None:
    """Which kind of classifier by compression a folder holds; None if it holds something else or nothing."""
    try:
        config = json.loads((Path(path) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _METHODS.get(str(config.get("format"))) if isinstance(config, dict) else None


def read_config(folder: Path, kind: str, version: int) -> Mapping[str, Any]:
    """What stands in ``config.json``, of a format and version.

    Raises
    ------
    CheckpointError
        If it is missing, no JSON, or of another format or version.
    """
    path = folder / CONFIG
    try:
        config = json.loads(_read(path).decode("utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not intact JSON ({error}); {ANEW}") from error
    if not isinstance(config, dict) or config.get("format") != kind:
        raise CheckpointError(f"{path}: of another model; {kind!r} is expected")
    if config.get("version") != version:
        raise CheckpointError(
            f"{path}: version {config.get('version')}; this genoseq reads version {version}; {ANEW}"
        )
    return config


def read_part(path: Path, config: Mapping[str, Any]) -> bytes:
    """The other file of a model.

    Raises
    ------
    CheckpointError
        If it is missing, or not the one of this config.
    """
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != config.get("sha256"):
        raise CheckpointError(f"{path}: damaged, or of another model than {CONFIG}; {ANEW}")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
