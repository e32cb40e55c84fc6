"""Windows through a network, in their order: vectors of them, log probabilities of their bases, or both.

Windows come in loads of a bounded number of bases. Those of a load go into batches by their length, so that
little is padded; padding is on the right, where a causal model does not see it, and counts nowhere. On a CPU
each thread takes a batch, and all share one that is too large for that: what comes out is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genoseq.errors import UsageError
from genoseq.hyena.longcontext import MEMORY, Inference, Map, Piece, Read, one_by_one
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.scores import Score, next_log_probabilities
from genoseq.hyena.tokenizer import PAD, A, T
from genoseq.hyena.windows import Window, windows_of
from genoseq.hyena.workers import Workers, one_core

POOLS = ("mean", "last", "none")
"""What becomes of the states of a window: their mean, the last of them, or all."""

# tokens of a batch: on a CPU more gain nothing (measured with the smallest model), a GPU wants many
_BATCH = {"cpu": 1 << 13, "cuda": 1 << 18}
_LOAD = 32  # batches of a load
_SHARED = 1 << 15  # a batch of more tokens is shared by the threads: memory


@dataclass(frozen=True)
class Wanted:
    """What to compute of a window.

    Attributes
    ----------
    pool : str, optional
        One of `POOLS`; no vectors by default.
    layer : int, optional
        States after so many blocks (0: the embedding); by default the last, normed.
    nats : bool
        Log probabilities of the bases.
    """

    pool: str | None = None
    layer: int | None = None
    nats: bool = False

    def check(self, layers: int) -> None:
        """Refuse what is unknown, or more than a network of so many layers has.

        Raises
        ------
        UsageError
        """
        if self.pool is not None and self.pool not in POOLS:
            raise UsageError(f"pool {self.pool!r}: choose {', '.join(POOLS)}")
        if self.layer is not None and not 0 <= self.layer <= layers:
            raise UsageError(f"layer {self.layer}; this model has 0 (the embedding) to {layers}")


@dataclass(frozen=True)
class Computed:
    """What came of a window.

    Attributes
    ----------
    window : Window
    vectors : ndarray, optional
        float32 (channels,), or (bases, channels) for all states.
    nats : ndarray, optional, shape (bases,), dtype float32
        Log probability of each base given those before it in the window, in the direction that was read; NaN
        for the first base and for N.
    """

    window: Window
    vectors: NDArray[np.float32] | None
    nats: NDArray[np.float32] | None

    def new_nats(self) -> tuple[float, int]:
        """Sum of the nats of the bases that are not part of the window before, and how many were scored."""
        if self.nats is None:
            return 0.0, 0
        new = self.nats[self.window.skip :]
        known = new[~np.isnan(new)]
        return float(known.sum(dtype=np.float64)), len(known)


class Stream:
    """A network that windows go through.

    Parameters
    ----------
    network : HyenaNetwork
        In evaluation mode.
    wanted : Wanted
    context : callable
        The modes of torch to compute in: inference, autocast.
    memory : int
        Bytes that the tables of the longest window may take.
    """

    def __init__(
        self,
        network: HyenaNetwork,
        wanted: Wanted,
        context: Callable[[], AbstractContextManager[None]] = torch.inference_mode,
        *,
        memory: int = MEMORY,
    ) -> None:
        wanted.check(network.config.n_layer)
        self._network, self._wanted, self._context = network, wanted, context
        self._inference = Inference(network, memory=memory)
        self._device = network.ln_f.weight.device
        self._batch = _BATCH["cpu" if self._device.type == "cpu" else "cuda"]

    def run(self, windows: Iterable[Window]) -> Iterator[Computed]:
        """What comes of each window, in order.

        Raises
        ------
        UsageError
            If a window is longer than the model, or needs more memory than is allowed.
        """
        threads = torch.get_num_threads() if self._device.type == "cpu" else 1
        with Workers(threads, self._context) as workers:
            for load in _loads(windows, _LOAD * self._batch):
                with one_core():
                    found = self._load(load, workers, threads)
                yield from found

    def sequences(
        self,
        tokens: Iterable[NDArray[np.uint8]],
        window: int | None = None,
        overlap: int = 0,
        *,
        both_strands: bool = False,
    ) -> Iterator[list[Computed]]:
        """What comes of the windows of each sequence: those of the forward strand, then the others."""
        ways = (False, True) if both_strands else (False,)
        windows = (
            part
            for number, each in enumerate(tokens)
            for reverse in ways
            for part in windows_of(number, each, window, overlap, reverse=reverse)
        )
        for _, parts in groupby(self.run(windows), key=lambda part: part.window.sequence):
            yield list(parts)

    def _load(self, load: list[Window], workers: Workers, threads: int) -> list[Computed]:
        batches = _batches(load, self._batch)
        alone, shared = [], batches
        if len(batches) >= threads:  # a batch for every thread
            alone = [batch for batch in batches if _padded(load, batch) <= _SHARED]
            shared = [batch for batch in batches if _padded(load, batch) > _SHARED]
        results: dict[int, Computed] = {}
        found = workers.map(lambda batch: self._compute([load[i] for i in batch]), alone)
        for batch, computed in zip(alone, found, strict=True):
            results.update(zip(batch, computed, strict=True))
        for batch in shared:
            with self._context():
                computed = self._compute([load[i] for i in batch], workers.map)
            results.update(zip(batch, computed, strict=True))
        return [results[i] for i in range(len(load))]

    def _compute(self, windows: list[Window], run: Map = one_by_one) -> list[Computed]:
        """One batch."""
        lengths = [len(window.tokens) for window in windows]
        padded = np.full((len(windows), max(lengths)), PAD, np.uint8)
        for row, window in zip(padded, windows, strict=True):
            row[: len(window.tokens)] = window.tokens
        ids = torch.from_numpy(padded).to(self._device).long()
        reads: dict[int | None, Read] = {}
        pool, nats = None, None
        if self._wanted.pool is not None:
            pool = _Pool(self._wanted.pool, lengths, self._network.config.d_model)
            reads[self._wanted.layer] = pool.read
        if self._wanted.nats:
            nats = torch.full(ids.shape, torch.nan, device=self._device)
            reads[None] = _scoring(self._network, ids, nats, reads.get(None))
        parts = self._inference.read(ids, reads, run)
        vectors = pool.vectors(parts[self._wanted.layer]) if pool else [None] * len(windows)
        scores = [None] * len(windows) if nats is None else list(nats.cpu().numpy())
        return [
            Computed(window, vector, None if score is None else score[:length])
            for window, vector, score, length in zip(windows, vectors, scores, lengths, strict=True)
        ]


def vectors_of(parts: Sequence[Computed], *, each_base: bool) -> NDArray[np.float32]:
    """Vectors of a sequence from those of its windows.

    Returns
    -------
    ndarray, shape (windows, channels), or (bases, channels) for those of each base
    """
    found = [(part.window.skip, part.vectors) for part in parts if part.vectors is not None]
    if each_base:
        return np.concatenate([vectors[skip:] for skip, vectors in found])
    return np.stack([vector for _, vector in found])


def score_of(parts: Sequence[Computed]) -> Score:
    """Score of a sequence from those of its windows, on one strand or on both."""
    strands: dict[bool, list[NDArray[np.float32]]] = {}
    for part in parts:
        if part.nats is not None:
            strands.setdefault(part.window.reverse, []).append(part.nats[part.window.skip :])
    joined = {reverse: np.concatenate(found) for reverse, found in strands.items()}
    return Score.of([found[::-1] if reverse else found for reverse, found in joined.items()])


class _Pool:
    """What becomes of the states of a batch of windows."""

    def __init__(self, how: str, lengths: list[int], channels: int) -> None:
        self._how, self._lengths, self._channels = how, lengths, channels
        self._all = [np.empty((length, channels), np.float32) for length in lengths if how == "none"]

    def read(self, piece: Piece, states: Tensor) -> Tensor | None:
        """Of a piece, a vector for each of its rows: the sum of the states, or the last if it is there."""
        rows = range(piece.rows.start, piece.rows.stop)
        counts = [self._lengths[row] - piece.start for row in rows]  # what lies behind is padding
        if self._how == "none":
            for row, count, found in zip(rows, counts, states, strict=True):
                whole = self._all[row][piece.start : piece.end]
                whole[...] = found[: max(0, count)].float().cpu().numpy()
            return None
        ends, length = torch.tensor(counts, device=states.device), states.shape[1]
        if self._how == "last":
            found = states[torch.arange(len(rows), device=states.device), (ends - 1).clamp(0, length - 1)]
            return found.double().masked_fill(((ends < 1) | (ends > length))[:, None], 0)
        if min(counts) < length:
            positions = torch.arange(length, device=states.device)
            states = states.masked_fill((positions >= ends[:, None])[..., None], 0)
        return states.sum(1).double()

    def vectors(self, parts: list[tuple[Piece, Tensor]]) -> list[NDArray[np.float32]]:
        """Of all pieces, what the windows get."""
        if self._how == "none":
            return self._all
        total = parts[0][1].new_zeros((len(self._lengths), self._channels))
        for piece, part in parts:
            total[piece.rows] += part
        if self._how == "mean":
            total /= total.new_tensor(self._lengths)[:, None]
        return list(total.float().cpu().numpy())


def _scoring(network: HyenaNetwork, ids: Tensor, nats: Tensor, more: Read | None) -> Read:
    """A `Read` that fills in `nats`, and does what else is to be done with the last states."""

    def read(piece: Piece, states: Tensor) -> object:
        targets = ids[piece.rows, piece.start + 1 : piece.end + 1]
        if targets.shape[1]:
            found = next_log_probabilities(network, states[:, : targets.shape[1]], targets)
            unknown = (targets < A) | (targets > T)
            nats[piece.rows, piece.start + 1 : piece.end + 1] = found.masked_fill_(unknown, torch.nan)
        return None if more is None else more(piece, states)

    return read


def _loads(windows: Iterable[Window], tokens: int) -> Iterator[list[Window]]:
    load: list[Window] = []
    count = 0
    for window in windows:
        load.append(window)
        count += len(window.tokens)
        if count >= tokens:
            yield load
            load, count = [], 0
    if load:
        yield load


def _batches(load: list[Window], tokens: int) -> list[list[int]]:
    """Numbers of windows that go together: of similar length, with padding at most `tokens` in all."""
    batches: list[list[int]] = []
    for i in sorted(range(len(load)), key=lambda i: -len(load[i].tokens)):
        if batches and (len(batches[-1]) + 1) * len(load[batches[-1][0]].tokens) <= tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _padded(load: list[Window], batch: list[int]) -> int:
    return len(batch) * len(load[batch[0]].tokens)
