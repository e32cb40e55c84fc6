"""Classifiers: the network, one vector for a sequence, one linear layer.

The vector is the mean of the states of all bases, or the state of the last, which has seen all others. A
sequence longer than the window is read in windows, all of the same length and evenly spread, so that a few
bases at the end do not count as much as a thousand before them; and by default from both strands. What counts
is the mean of the logits of all windows and strands. As the last layer is linear, that is the logits of the
mean vector, and this is how it is computed (`vectors_of`).

The head stands beside the backbone in ``model.safetensors`` under the names of the published decoder
(``head.output_transform.*``), and ``config.json`` tells what it means::

    "classifier": {"classes": ["coding", "intron"], "pool": "mean", "window": 1024, "both_strands": true}

A published classifier has no such entry: its classes have numbers unless their names are given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genoseq.errors import CheckpointError, UsageError
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.stream import Stream, Wanted
from genoseq.hyena.tokenizer import reverse_complement
from genoseq.hyena.weights import CONFIG, read_network, read_values, save_network
from genoseq.hyena.windows import Window
from genoseq.models.checkpoint import check_keys

__all__ = ["Classifier", "Head", "even_windows", "read_classifier", "save_classifier", "vectors_of"]

POOLS = ("mean", "last")
"""Which vector stands for a window."""

_ENTRY = "classifier"
_WEIGHT, _BIAS = "output_transform.weight", "output_transform.bias"
_LIST = "0."  # official checkpoints keep the decoder in a list


@dataclass(frozen=True)
class Head:
    """What a classifier tells apart, and how it reads a sequence.

    Attributes
    ----------
    classes : tuple of str
        In the order of the logits.
    pool : str
        One of `POOLS`.
    window : int, optional
        Bases that are read at once at most; by default as many as the network holds.
    both_strands : bool
        Read the reverse complement too. Not for classes that depend on the strand.
    """

    classes: tuple[str, ...]
    pool: str = "mean"
    window: int | None = None
    both_strands: bool = True

    def __post_init__(self) -> None:
        if self.pool not in POOLS:
            raise UsageError(f"pool {self.pool!r}: choose {' or '.join(POOLS)}")
        if len(self.classes) < 2:
            raise UsageError(f"{len(self.classes)} class; a classifier tells at least two apart")
        if twice := [name for i, name in enumerate(self.classes) if name in self.classes[:i]]:
            raise UsageError(f"two classes are called {twice[0]!r}")

    def check(self, l_max: int) -> None:
        """Refuse a window that a network of so many tokens does not hold.

        Raises
        ------
        UsageError
        """
        if self.window is not None and not 1 <= self.window <= l_max:
            raise UsageError(f"a window of {self.window:,} bp; this model holds 1..{l_max:,}")


class Classifier(nn.Module):
    """A network with a head.

    Parameters
    ----------
    network : HyenaNetwork
    head : Head
    """

    def __init__(self, network: HyenaNetwork, head: Head) -> None:
        super().__init__()
        head.check(network.config.l_max)
        self.network, self.head = network, head
        self.output = nn.Linear(network.config.d_model, len(head.classes))

    @property
    def window(self) -> int:
        """Bases that are read at once at most."""
        return self.head.window or self.network.config.l_max

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Logits of windows: tokens (batch, length), padded on the right -> (batch, classes).

        Parameters
        ----------
        lengths : Tensor, shape (batch,), dtype int64
            Bases of each; what lies behind them counts nowhere.
        """
        return self.output(pool(self.network.states(ids), lengths, self.head.pool))


def pool(states: Tensor, lengths: Tensor, how: str) -> Tensor:
    """One vector for each window: states (batch, length, channels) -> float32 (batch, channels)."""
    if how == "last":
        return states[torch.arange(len(states), device=states.device), lengths - 1].float()
    real = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
    return states.float().masked_fill(~real[..., None], 0.0).sum(1) / lengths[:, None]


def even_windows(length: int, window: int) -> list[tuple[int, int]]:
    """Start and end of windows of one length that cover a sequence evenly, 0-based, half-open.

    Examples
    --------
    >>> even_windows(10, 4), even_windows(3, 4)
    ([(0, 4), (3, 7), (6, 10)], [(0, 3)])
    """
    if length <= window:
        return [(0, length)]
    count = -(-length // window)
    return [(start, start + window) for start in (i * (length - window) // (count - 1) for i in range(count))]


def vectors_of(
    network: HyenaNetwork,
    tokens: Iterable[NDArray[np.uint8]],
    head: Head,
    context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
) -> Iterator[NDArray[np.float32]]:
    """The vector of each sequence, in order: the mean of those of its windows and strands.

    Parameters
    ----------
    network : HyenaNetwork
        In evaluation mode.
    context : callable
        The modes of torch to compute in.

    Yields
    ------
    ndarray, shape (channels,), dtype float32
    """
    stream = Stream(network, Wanted(pool=head.pool), context)
    windows = _windows(tokens, head.window or network.config.l_max, both_strands=head.both_strands)
    for _, parts in groupby(stream.run(windows), key=lambda part: part.window.sequence):
        found = [part.vectors for part in parts if part.vectors is not None]
        yield np.mean(found, axis=0).astype(np.float32)


def _windows(tokens: Iterable[NDArray[np.uint8]], window: int, *, both_strands: bool) -> Iterator[Window]:
    for number, forward in enumerate(tokens):
        for start, end in even_windows(len(forward), window):
            part = forward[start:end]
            yield Window(number, start, end, part)
            if both_strands:
                yield Window(number, start, end, reverse_complement(part), reverse=True)


def read_classifier(path: str | Path, classes: Sequence[str] = ()) -> Classifier:
    """A classifier from a folder that `save_classifier` wrote, or from a published file of weights.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, for weights that do not tell them.

    Raises
    ------
    CheckpointError
        If the model is damaged, or has no head.
    UsageError
        If the names are not as many as the classes, or not those that the model has.
    """
    network, weights = read_network(path)
    if not weights.head:
        raise CheckpointError(
            f"{path}: a language model without a head, it cannot classify; train one: "
            f"genoseq train hyena-classifier TRAIN.tsv --init {path} -o run/"
        )
    tensors = {name.removeprefix(_LIST): tensor for name, tensor in weights.head.items()}
    rows = tensors[_WEIGHT].shape[0] if _WEIGHT in tensors and tensors[_WEIGHT].dim() == 2 else 2
    check_keys(tensors, {_WEIGHT: (rows, network.config.d_model), _BIAS: (rows,)}, weights.source)
    folder = Path(weights.source).parent
    entry = read_values(folder).get(_ENTRY) if (folder / CONFIG).exists() else None
    names = tuple(classes) or tuple(f"class {row}" for row in range(rows))
    if len(names) != rows:
        raise UsageError(f"{len(names)} names of classes ({', '.join(names)}); {path} has {rows} classes")
    head = Head(names)
    if entry is not None:
        head = _head_of(entry, f"{folder / CONFIG}")
        if classes and tuple(classes) != head.classes:
            raise UsageError(
                f"{path} has classes of its own: {', '.join(head.classes)}; do not name them anew"
            )
    if len(head.classes) != rows:
        raise CheckpointError(
            f"{folder / CONFIG}: names {len(head.classes)} classes, the weights have {rows}; "
            "the two files are of different models"
        )
    classifier = Classifier(network, head)
    with torch.no_grad():
        classifier.output.weight.copy_(tensors[_WEIGHT])
        classifier.output.bias.copy_(tensors[_BIAS])
    return classifier.eval()


def save_classifier(classifier: Classifier, folder: str | Path, *, half: bool = False) -> None:
    """Write a classifier as a folder; as a language model it can be read as before.

    Parameters
    ----------
    half : bool
        Store float16.
    """
    tensors = {_WEIGHT: classifier.output.weight.data, _BIAS: classifier.output.bias.data}
    entry = dataclasses.asdict(classifier.head)
    save_network(classifier.network, folder, half=half, head=tensors, more={_ENTRY: entry})


def _head_of(values: Any, source: str) -> Head:
    """From the entry of a ``config.json``."""
    kinds: dict[str, tuple[type, ...]] = {
        "classes": (list,), "pool": (str,), "window": (int, type(None)), "both_strands": (bool,)
    }  # fmt: skip
    if not isinstance(values, Mapping) or set(values) != set(kinds):
        raise CheckpointError(f"{source}: {_ENTRY!r} is not what genoseq writes; train the classifier anew")
    for name, kind in kinds.items():
        if not isinstance(values[name], kind):
            raise CheckpointError(f"{source}: {name} of {_ENTRY!r} is {values[name]!r}")
    try:
        return Head(**{**values, "classes": tuple(map(str, values["classes"]))})
    except UsageError as error:
        raise CheckpointError(f"{source}: {error}") from error
