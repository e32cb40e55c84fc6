"""A fitted relative classifier as a folder.

    config.json    format, version, classes, parameters, weights, threshold, checksum of the other file
    counts.npz     of each kind of words those that occur, ascending, and what each class counted

Counts are stored sparse: most words are of one class and occur once. Words are stored as differences, which
are small. Seven families of 4,380 human genes take 4 MB.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import CheckpointError, InputError, UsageError
from genoseq.io.arrays import read_arrays
from genoseq.io.files import StrPath
from genoseq.ncd.model_folder import (
    ANEW,
    CONFIG,
    RELATIVE,
    read_config,
    read_part,
    saved_labels,
    write_folder,
)
from genoseq.ncd.relative import RelativeClassifier
from genoseq.ncd.words import FIGURES, WordCounts, WordKind
from genoseq.supervised.conditional import Conditional

__all__ = ["load_relative", "save_relative"]

COUNTS, VERSION = "counts.npz", 1
_PARAMETERS = ("alphabet", "both_strands", "smoothing", "penalty", "leave_out", "reject")


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
        "format": RELATIVE,
        "version": VERSION,
        "classes": saved_labels(model.classes_),
        "words": [[kind.alphabet, kind.length] for kind in model.kinds],
        **{name: getattr(model, name) for name in _PARAMETERS},
        "weight": model.regression_.weight.tolist(),
        "bias": model.regression_.bias.tolist(),
        "threshold": model.threshold_,
    }
    write_folder(folder, config, COUNTS, content.getvalue())


def load_relative(folder: StrPath) -> RelativeClassifier:
    """Read a classifier that `save_relative` wrote. Nothing in it is ever run.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, of another version or of another kind.
    """
    path = Path(folder)
    config = read_config(path, RELATIVE, VERSION)
    content = read_part(path / COUNTS, config)
    try:
        arrays = read_arrays(content, str(path / COUNTS))
        return _model(config, arrays)
    except (InputError, UsageError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path / CONFIG}: damaged ({error}); {ANEW}") from error


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
