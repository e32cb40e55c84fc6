"""A fitted NCDClassifier as a folder.

    config.json            format, version, classes, parameters, thresholds, checksum of the other file
    sequences.tsv.zst      sequence, number of the class, name; one a line, in the order of training

Nothing is trained, so that the sequences are the model. Only thresholds are kept, which take long to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from backports import zstd
from sklearn.utils.validation import check_is_fitted

from genoseq.errors import CheckpointError, GenoseqError, MissingDependencyError, UsageError
from genoseq.io.files import StrPath
from genoseq.ncd.compressor import Compressor
from genoseq.ncd.compressors import compressor_of
from genoseq.ncd.model_folder import (
    ANEW,
    CONFIG,
    NEIGHBOURS,
    read_config,
    read_part,
    saved_labels,
    write_folder,
)
from genoseq.ncd.named import compressor_named
from genoseq.ncd.neighbours import NCDClassifier

__all__ = ["Neighbours", "load_neighbours", "save_neighbours"]

SEQUENCES, VERSION = "sequences.tsv.zst", 1
_PARAMETERS = ("n_neighbors", "metric", "both_strands", "prefilter", "prefilter_k")


def save_neighbours(
    model: NCDClassifier, folder: StrPath, *, alphabet: str = "dna", names: Sequence[str] | None = None
) -> None:
    """Write a fitted classifier; labels are text or whole numbers.

    Parameters
    ----------
    model, folder
    alphabet
        What the sequences are, "dna" or "protein": compressors take any text.
    names
        Of the sequences; by default their numbers, from 1 on.

    Raises
    ------
    UsageError
        If the labels are of another type, the compressor has settings that its name does not tell, or the
        folder is a file.
    """
    check_is_fitted(model)
    compressor = compressor_of(model.compressor)
    if not _is_told(compressor):
        raise UsageError(f"{compressor!r} cannot be saved: its name, {compressor.name}, does not tell all")
    texts, labels = model.training_set
    called = [str(number) for number in range(1, len(texts) + 1)] if names is None else names
    lines = b"".join(
        b"%s\t%d\t%s\n" % (text, label, name.encode())
        for text, label, name in zip(texts, labels.tolist(), called, strict=True)
    )
    config = {
        "format": NEIGHBOURS,
        "version": VERSION,
        "classes": saved_labels(model.classes_),
        "alphabet": alphabet,
        "compressor": compressor.name,
        **{name: getattr(model, name) for name in _PARAMETERS},
        "reject": model.reject,
        "thresholds": None if model.reject is None else model.thresholds_.tolist(),
    }
    write_folder(folder, config, SEQUENCES, zstd.compress(lines, 9))


def _is_told(compressor: Compressor) -> bool:
    """Whether the name of a compressor is enough to have it again."""
    try:
        return compressor_named(compressor.name) == compressor
    except UsageError:
        return False


class Neighbours(NamedTuple):
    """What `load_neighbours` reads.

    Attributes
    ----------
    model : NCDClassifier
    alphabet : str
    names : list of str
        Of the training sequences.
    """

    model: NCDClassifier
    alphabet: str
    names: list[str]


def load_neighbours(folder: StrPath) -> Neighbours:
    """Read a classifier that `save_neighbours` wrote.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, of another version or of another kind.
    MissingDependencyError
        If its compressor is not installed.
    """
    path = Path(folder)
    config = read_config(path, NEIGHBOURS, VERSION)
    content = read_part(path / SEQUENCES, config)
    try:
        return _read(config, content)
    except MissingDependencyError:
        raise
    except (GenoseqError, LookupError, TypeError, ValueError, zstd.ZstdError) as error:
        raise CheckpointError(f"{path / CONFIG}: damaged ({error}); {ANEW}") from error


def _read(config: Mapping[str, Any], content: bytes) -> Neighbours:
    classes = np.array(config["classes"])
    lines = [line.split(b"\t") for line in zstd.decompress(content).split(b"\n")[:-1]]
    texts, numbers, names = zip(*lines, strict=True)
    model = NCDClassifier(
        compressor_named(config["compressor"]), **{name: config[name] for name in _PARAMETERS}
    )
    model.fit(list(texts), classes[[int(number) for number in numbers]])
    if not np.array_equal(model.classes_, classes):
        raise ValueError("a class without sequences")
    if config["reject"] is not None:
        thresholds = np.array(config["thresholds"], np.float64)
        if thresholds.shape != classes.shape:
            raise ValueError(f"{thresholds.size} thresholds of {len(classes)} classes")
        model.reject, model.thresholds_ = float(config["reject"]), thresholds
    return Neighbours(model, str(config["alphabet"]), [name.decode() for name in names])
