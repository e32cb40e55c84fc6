"""The folder of a training run: made, and kept to the settings that it was begun with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genoseq.errors import InputError, UsageError

__all__ = ["SETTINGS", "check_folder", "keep_settings"]

SETTINGS = "settings.json"


def check_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises
    ------
    InputError
        If it is a file, cannot be made, or holds a model that is of no run.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file; a run is kept in a folder", folder)
    if not (folder / SETTINGS).exists() and (folder / "config.json").exists():
        raise InputError("holds a model that is of no run of this command; name another folder", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder of the run cannot be made ({error.strerror})", folder) from error


def keep_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Write what a run is made from into its folder, or hold it against what is there.

    Raises
    ------
    UsageError
        If the run was begun with something else; the first difference is named.
    InputError
        If the file is damaged.
    """
    from genoseq.io.files import replacing

    path = folder / SETTINGS
    now = json.loads(json.dumps(settings))
    if not path.exists():
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError("is damaged; begin in another folder", path) from error
    for name, (old, new) in _differences(before, now):
        raise UsageError(
            f"{folder}: the run was begun with {name} {old}, now it is {new}; "
            "give the same, or another folder"
        )


def _differences(before: Any, now: Any, name: str = "") -> list[tuple[str, tuple[Any, Any]]]:
    """Name and values of what differs, in the order of the names."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            found
            for key in dict.fromkeys([*now, *before])
            for found in _differences(before.get(key), now.get(key), f"{name}.{key}" if name else key)
        ]
    return [] if before == now else [(name, (before, now))]
