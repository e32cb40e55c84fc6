"""Published weights: fetched when asked, kept in the cache of the Hugging Face Hub, verified.

Nothing is fetched without being asked for: a command that needs a model which is not here says how to get it,
and a compute node without a network works with what was fetched before. The cache is that of all programs
that use the Hub (``HF_HOME``); it names each file after the hash that the Hub has of it at the pinned
revision, SHA-256 for weights and git's SHA-1 for small text files, so that a file can be held against its
name at any time.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from genoseq.errors import CheckpointError, MissingDependencyError
from genoseq.models.registry import KnownModel, known_model

_SHA256, _SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


def find_weights(name: str | Path) -> Path:
    """Folder or file of a model, by its name or its path.

    Parameters
    ----------
    name : path
        A name of `genoseq.models.registry`, a folder with ``config.json`` and weights, or a file of weights.

    Raises
    ------
    UsageError
        If it is neither.
    CheckpointError
        If it is a published model that was not fetched yet.
    """
    if Path(name).exists():
        return Path(name)
    model = known_model(str(name))
    folder = cached(model)
    if folder is None:
        raise CheckpointError(
            f"{model.name} is not on this machine; get it with: genoseq models pull {model.name}"
        )
    return folder


def cached(model: KnownModel) -> Path | None:
    """The folder of a model, if all its files are on this machine."""
    if model.ships:
        return model.folder if all((model.folder / name).exists() for name in model.files) else None
    try:
        hub = _hub()
    except MissingDependencyError:  # nothing can have been fetched
        return None
    paths = [
        hub.try_to_load_from_cache(model.repository, name, revision=model.revision) for name in model.files
    ]
    return Path(paths[0]).parent if all(isinstance(path, str) for path in paths) else None


def pull(model: KnownModel) -> Path:
    """Fetch a model and verify it; what is here already is not fetched again.

    Raises
    ------
    CheckpointError
        If it cannot be fetched, or is not what its revision says.
    """
    if not model.ships:
        hub = _hub()
        try:
            for name in model.files:
                hub.hf_hub_download(model.repository, name, revision=model.revision)
        except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CheckpointError(
                f"{model.name}: cannot be fetched from {model.repository} on the Hugging Face Hub: {reason}"
            ) from error
    verify(model)
    folder = cached(model)
    if folder is None:
        raise CheckpointError(f"{model.name}: was fetched and is not in the cache")
    return folder


def verify(model: KnownModel) -> dict[str, str]:
    """Hold the files of a model against their hashes.

    Returns
    -------
    dict
        Hash of each file.

    Raises
    ------
    CheckpointError
        If the model is not on this machine, or a file is not what it should be.
    """
    folder = cached(model)
    if folder is None:
        raise CheckpointError(
            f"{model.name} is not on this machine; get it with: genoseq models pull {model.name}"
        )
    found = {}
    for name in model.files:
        path = folder / name
        wanted = model.sha256.get(name, path.resolve().name)
        found[name] = _hash(path, wanted)
        if found[name] != wanted:
            again = (
                "reinstall genoseq" if model.ships else f"delete {path.resolve()} and pull the model again"
            )
            raise CheckpointError(f"{path}: has the hash {found[name]} in place of {wanted}; {again}")
    return found


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash(path: Path, like: str) -> str:
    """Hash of a file, of the kind of `like`."""
    if _SHA1.fullmatch(like):
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if _SHA256.fullmatch(like):
        return sha256_of(path)
    raise CheckpointError(f"{path}: the cache does not tell its hash; pull the model again")


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise MissingDependencyError("a published model", "huggingface-hub", "models") from error
    return huggingface_hub
