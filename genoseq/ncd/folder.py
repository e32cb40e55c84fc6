"""A fitted relative classifier as a folder.

    config.json    format, version, classes, parameters, weights, threshold, checksum of the other file
    counts.npz     of each kind of words those that occur, ascending, and what each class counted

Counts are stored sparse: most words are of one class and occur once. Words are stored as differences, which
are small. Seven families of 4,380 human genes take 4 MB.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import CheckpointError, InputError, UsageError
from genoseq.io.arrays import read_arrays
from genoseq.io.files import StrPath, replacing
from genoseq.ncd.relative import RelativeClassifier
from genoseq.ncd.words import FIGURES, WordCounts, WordKind
from genoseq.supervised.conditional import Conditional

__all__ = [
    "CONFIG",
    "load_relative",
    "read_config",
    "read_part",
    "save_relative",
    "saved_labels",
    "write_folder",
]

CONFIG, COUNTS = "config.json", "counts.npz"
FORMAT, VERSION = "genoseq relative classifier", 1
_PARAMETERS = ("alphabet", "both_strands", "smoothing", "penalty", "leave_out", "reject")
ANEW = "make it anew (genoseq train classifier)"


def save_relative(model: RelativeClassifier, folder: StrPath) -> None:
    """Write a fitted classifier; labels are text or whole numbers.

    Raises
    ------
    UsageError
        If the labels are of another type, or the folder is a file.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for number, table in enumerate(model.tables_):
        arrays.update({f"{number}.{name}": array for name, array in _packed(table).items()})
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # names of arrays, not options
    config = {
        "format": FORMAT,
        "version": VERSION,
        "classes": saved_labels(model.classes_),
        "words": [[kind.alphabet, kind.length] for kind in model.kinds],
        **{name: getattr(model, name) for name in _PARAMETERS},
        "weight": model.regression_.weight.tolist(),
        "bias": model.regression_.bias.tolist(),
        "threshold": model.threshold_,
    }
    write_folder(folder, config, COUNTS, content.getvalue())


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


def load_relative(folder: StrPath) -> RelativeClassifier:
    """Read a classifier that `save_relative` wrote. Nothing in it is ever run.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, of another version or of another kind.
    """
    path = Path(folder)
    config = read_config(path, FORMAT, VERSION)
    content = read_part(path / COUNTS, config)
    try:
        arrays = read_arrays(content, str(path / COUNTS))
        return _model(config, arrays)
    except (InputError, UsageError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path / CONFIG}: damaged ({error}); {ANEW}") from error


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


def _model(config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> RelativeClassifier:
    words = [WordKind(str(alphabet), int(length)) for alphabet, length in config["words"]]
    model = RelativeClassifier(words, **{name: config[name] for name in _PARAMETERS})
    model.check()
    model.classes_ = np.array(config["classes"])
    classes = len(model.classes_)
    weight, bias = (np.array(config[name], np.float64) for name in ("weight", "bias"))
    if classes < 2 or bias.shape != (classes,) or weight.shape != (FIGURES * len(words),):
        raise UsageError(f"{classes} classes, constants {bias.shape}, weights {weight.shape}")
    if not np.isfinite([*weight, *bias]).all():
        raise UsageError("a weight is not a number")
    model.regression_ = Conditional(weight, bias)
    model.threshold_ = float(config["threshold"])
    model.tables_ = [
        _unpacked(kind, float(config["smoothing"]), classes, {
            name: arrays[f"{number}.{name}"] for name in ("steps", "entries", "labels", "counts")
        })
        for number, kind in enumerate(words)
    ]  # fmt: skip
    return model


def _packed(table: WordCounts) -> dict[str, NDArray[Any]]:
    """Words that occur, as steps from one to the next; of each its entries above 0, classes and counts."""
    words = np.flatnonzero(table.directory)
    counts = table.counts[table.directory[words]]
    _, labels = np.nonzero(counts)
    steps, entries, found = np.diff(words, prepend=0), np.count_nonzero(counts, axis=1), counts[counts > 0]
    return {
        name: values.astype(np.min_scalar_type(values.max(initial=0)))
        for name, values in (("steps", steps), ("entries", entries), ("labels", labels), ("counts", found))
    }


def _unpacked(
    kind: WordKind, smoothing: float, classes: int, arrays: Mapping[str, NDArray[Any]]
) -> WordCounts:
    words = np.cumsum(arrays["steps"], dtype=np.int64)
    directory = np.zeros(kind.space, np.int32)
    directory[words] = np.arange(1, len(words) + 1)
    counts = np.zeros((len(words) + 1, classes), np.int32)
    counts[np.repeat(np.arange(1, len(words) + 1), arrays["entries"]), arrays["labels"]] = arrays["counts"]
    return WordCounts(kind, smoothing, directory, counts, counts.sum(0, dtype=np.int64))
