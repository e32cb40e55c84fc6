"""Exact inference in pieces: a million bases in a few GiB, and short sequences in the cache of a core.

The long convolution needs all positions of a channel, everything else all channels of a position. So a block
is computed in three passes over two tables as large as the input, the residual stream r (positions by
channels) and y (channels by positions), and a third, vk, of as many channels as the memory allows:

    1. pieces of positions   q, k, v of a group of channels from LN1(r);  y = q,  vk = v * k
    2. a few channels        y = y * longconv(vk), by FFT over all positions
    3. pieces of positions   r += Wo y;  r += MLP(LN2(r))

The first two are repeated for group after group. A piece begins with as many positions of the piece before as
the short convolution looks back. Nothing is approximated: the states are those of `HyenaNetwork.states` up to
the rounding of float32, and on a CPU to the last bit where both transform at the same size, as they do with
long sequences (benchmarks/hyena/long_context.py).

How large pieces and groups are, and how many transforms run at once, follows from the length and the memory
that is allowed, never from the number of threads. Spectra of the filters are kept while sequences of similar
length follow each other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from genoseq.errors import UsageError
from genoseq.hyena.model import (
    Block,
    HyenaNetwork,
    LongFilter,
    Mixer,
    check_length,
    fft_size,
)

MEMORY = 4 << 30
"""Bytes that the tables of a batch and its transforms may take."""

_MIB = 1 << 20
_KEPT = 256 * _MIB  # of spectra
# floats of the widest tensor of a piece, and of a transform: on a CPU what its cache holds (measured with
# 1 MiB a core: half and twice as much are within 5 %), on a GPU what keeps it busy
_PIECE = {"cpu": 1 << 18, "cuda": 1 << 27}
_TRANSFORM = {"cpu": 1 << 16, "cuda": 1 << 26}
# Channels go together in multiples of this: MKL takes 3 to 7 times as long for a long transform alone, and
# as the width of a vector of complex numbers divides it, all products round alike.
_TOGETHER = 8

T = TypeVar("T")
Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Does a piece of work for each item, in any order or at once; gives what came of each, in order."""


@dataclass(frozen=True)
class Piece:
    """Some positions of one row of a batch, or all positions of some rows.

    Attributes
    ----------
    rows : slice
    start, end : int
        Positions, 0-based, half-open.
    """

    rows: slice
    start: int
    end: int


Read = Callable[[Piece, Tensor], Any]
"""What is done with states (rows, positions, channels) of a piece. They change later: copy what you keep."""


def one_by_one(work: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
    """A `Map` without threads."""
    return [work(item) for item in items]


class Inference:
    """A network in use: its states, in bounded memory.

    Parameters
    ----------
    network : HyenaNetwork
        Its weights must not change as long as this is in use.
    memory : int
        Bytes that the tables of a batch and its transforms may take.
    """

    def __init__(self, network: HyenaNetwork, *, memory: int = MEMORY) -> None:
        self.network, self.memory = network, memory
        self._spectra = _Spectra(network)

    def read(
        self, ids: Tensor, reads: Mapping[int | None, Read], run: Map = one_by_one
    ) -> dict[int | None, list[tuple[Piece, Any]]]:
        """Compute the states of a batch and hand them out piece by piece. For `torch.inference_mode`.

        Parameters
        ----------
        ids : Tensor, shape (batch, length), dtype int64
            Tokens. Padding on the right changes nothing on its left.
        reads : mapping
            What to do with the states after so many blocks (0: the embedding; None: the last, normed).
        run : Map
            Runs the pieces of work, for example `Workers.map`.

        Returns
        -------
        dict
            For each key of `reads` the pieces in order, with what came of each.

        Raises
        ------
        UsageError
            If the input is longer than the model, or its tables do not fit into the memory.
        """
        check_length(ids.shape[1], self.network.config)
        plan = _Plan(self.network, tuple(ids.shape), self.memory, self._spectra)
        depth = max((len(self.network.layers) if layer is None else layer for layer in reads), default=0)
        r = self.network.embeddings(ids)  # (batch, length, channels); changed in place from here on
        y = torch.empty_like(r.mT, memory_format=torch.contiguous_format)
        results: dict[int | None, list[tuple[Piece, Any]]] = {}
        for layer in range(depth + 1):
            if layer:
                _compute(self.network, layer - 1, r, y, plan, run)
            if layer in reads:
                results[layer] = _hand_out(reads[layer], r, plan, run)
        del y  # what is done with the last states may need the memory
        if None in reads:
            results[None] = _hand_out(reads[None], r, plan, run, self.network.ln_f)
        return results

    def states(self, ids: Tensor, layer: int | None = None, run: Map = one_by_one) -> Tensor:
        """`HyenaNetwork.states` in bounded memory: (batch, length) -> (batch, length, channels)."""
        weight = self.network.embeddings.word_embeddings.weight
        states = torch.empty((*ids.shape, weight.shape[1]), dtype=weight.dtype, device=ids.device)

        def copy(piece: Piece, found: Tensor) -> None:
            states[piece.rows, piece.start : piece.end] = found

        self.read(ids, {layer: copy}, run)
        return states


class _Plan:
    """How a batch is cut: pieces of positions, groups of channels, and what is transformed at once."""

    def __init__(self, network: HyenaNetwork, shape: tuple[int, ...], memory: int, spectra: _Spectra) -> None:
        config, weight = network.config, network.embeddings.word_embeddings.weight
        self.spectra, (batch, self.length) = spectra, shape
        kind = "cpu" if weight.device.type == "cpu" else "cuda"
        self.size, self.kept = spectra.size_for(self.length)
        self.pieces = _pieces(batch, self.length, max(1, _PIECE[kind] // config.d_inner))
        self.stretches = _slices(0, self.length, max(1, _PIECE[kind] // config.filter_order))
        self.channels = max(_TOGETHER, _together(_TRANSFORM[kind] // self.size))
        rows = max(1, _TRANSFORM[kind] // (min(self.channels, config.d_model) * self.size))
        self.rows = _slices(0, batch, rows)

        item = weight.element_size()
        channel = batch * self.length * item  # bytes of a channel in a table
        # spectra of the input, of the filters, and of both, and what is made of them
        transform = 4 * min(rows, batch) * self.channels * self.size * item
        fixed = 2 * config.d_model * channel + transform
        fixed += 0 if self.kept else self.length * config.filter_order * item
        if fixed + channel > memory:
            raise UsageError(
                f"{batch * self.length:,} tokens need {-(-(fixed + channel) // _MIB):,} MiB of memory, and "
                f"{memory // _MIB:,} are allowed; allow more (--memory), or cut into windows (--window)"
            )
        self.groups = _slices(0, config.d_model, _together(min(config.d_model, (memory - fixed) // channel)))
        spare = memory - fixed - (self.groups[0].stop - self.groups[0].start) * channel
        self.at_once = 1 + spare // transform

    def transforms(self, group: slice) -> Iterator[list[tuple[slice, slice]]]:
        """Rows and channels that are transformed together, as many at once as the memory allows."""
        slices = _slices(group.start, group.stop, self.channels)
        parts = [(rows, channels) for channels in slices for rows in self.rows]
        yield from (parts[at : at + self.at_once] for at in range(0, len(parts), self.at_once))


def _slices(start: int, end: int, step: int) -> list[slice]:
    return [slice(at, min(at + step, end)) for at in range(start, end, step)]


def _together(channels: int) -> int:
    """The number of channels, rounded down if that is possible."""
    return channels - channels % _TOGETHER if channels > _TOGETHER else channels


def _pieces(batch: int, length: int, tokens: int) -> list[Piece]:
    """The positions of a batch in pieces of at most `tokens`, each contiguous in memory."""
    if length > tokens:
        stretches = _slices(0, length, tokens)
        return [Piece(row, part.start, part.stop) for row in _slices(0, batch, 1) for part in stretches]
    return [Piece(rows, 0, length) for rows in _slices(0, batch, tokens // length)]


def _compute(network: HyenaNetwork, layer: int, r: Tensor, y: Tensor, plan: _Plan, run: Map) -> None:
    """One block: changes `r`; `y` is room to work in."""
    block = cast("Block", network.layers[layer])
    spectrum = _spectra_of(block.mixer.filter_fn, layer, plan, run)
    widest = max(group.stop - group.start for group in plan.groups)
    vk = torch.empty((len(r), widest, plan.length), dtype=r.dtype, device=r.device)
    for group in plan.groups:
        run(_gates(block, group, r, y, vk), plan.pieces)
        convolution = _convolution(block.mixer.filter_fn.bias, group, y, vk, spectrum, plan)
        for parts in plan.transforms(group):
            run(convolution, parts)

    def rest(piece: Piece) -> None:
        part = r[piece.rows, piece.start : piece.end]
        part += block.mixer.out_proj(y[piece.rows, :, piece.start : piece.end].mT)
        part += block.mlp(block.norm2(part))

    run(rest, plan.pieces)


def _gates(block: Block, group: slice, r: Tensor, y: Tensor, vk: Tensor) -> Callable[[Piece], None]:
    """The work of the first pass: q into `y`, v * k into `vk`, of some channels."""
    project, short = block.mixer.in_proj, block.mixer.short_filter
    weight, bias = _rows(project.weight, group), _rows(project.bias, group)[:, None]
    taps, constant = _rows(short.weight, group), _rows(cast("Tensor", short.bias), group)
    lags, channels = taps.shape[2] - 1, group.stop - group.start

    def work(piece: Piece) -> None:
        first = max(0, piece.start - lags)
        x = block.norm1(r[piece.rows, first : piece.end])
        u = torch.bmm(weight.expand(len(x), -1, -1), x.mT) + bias
        u = functional.pad(u, (lags - (piece.start - first), 0))  # zeros before the first position
        q, k, v = functional.conv1d(u, taps, constant, groups=len(taps)).chunk(3, 1)
        y[piece.rows, group, piece.start : piece.end] = q
        vk[piece.rows, :channels, piece.start : piece.end] = v * k

    return work


def _rows(table: Tensor, group: slice) -> Tensor:
    """Of a tensor with a row for each channel of q, k and v, those of some channels."""
    return table.unflatten(0, (3, -1))[:, group].flatten(0, 1)


def _convolution(
    bias: Tensor, group: slice, y: Tensor, vk: Tensor, spectrum: Callable[[slice], Tensor], plan: _Plan
) -> Callable[[tuple[slice, slice]], None]:
    """The work of the second pass: `y` times the long convolution of `vk`, some rows and channels at once."""

    def work(part: tuple[slice, slice]) -> None:
        rows, channels = part
        u = vk[rows, channels.start - group.start : channels.stop - group.start]
        z = torch.fft.irfft(torch.fft.rfft(u, plan.size).mul_(spectrum(channels)), plan.size)
        y[rows, channels] *= z[..., : plan.length] + u * bias[channels, None]

    return work


def _spectra_of(long: LongFilter, layer: int, plan: _Plan, run: Map) -> Callable[[slice], Tensor]:
    """The spectra of some channels: kept, or made anew for a long sequence."""
    if plan.kept:
        kept = plan.spectra.of(layer, plan.size)
        return lambda channels: kept[channels]
    weight = cast("nn.Linear", long.implicit_filter[-1]).weight
    hidden = torch.empty((plan.length, weight.shape[1]), dtype=weight.dtype, device=weight.device)

    def work(stretch: slice) -> None:
        hidden[stretch] = long.hidden(stretch.start, stretch.stop)

    run(work, plan.stretches)
    return lambda channels: torch.fft.rfft(long.taps(hidden, channels), plan.size)


def _hand_out(
    read: Read, r: Tensor, plan: _Plan, run: Map, norm: nn.Module | None = None
) -> list[tuple[Piece, Any]]:
    def work(piece: Piece) -> tuple[Piece, Any]:
        part = r[piece.rows, piece.start : piece.end]
        return piece, read(piece, part if norm is None else norm(part))

    return run(work, plan.pieces)


class _Spectra:
    """Spectra of the long filters of a network, at sizes that serve all sequences up to half of them."""

    def __init__(self, network: HyenaNetwork) -> None:
        self._network, self._lock = network, threading.Lock()
        self._found: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def size_for(self, length: int) -> tuple[int, bool]:
        """Size of the transforms for sequences of `length`, and whether spectra of that size are kept."""
        config = self._network.config
        # one size for all lengths of an eighth of an octave
        step = 1 << max(0, (2 * length - 1).bit_length() - 4)
        size = fft_size(-(-2 * length // step) * step)
        if 8 * config.n_layer * config.d_model * (size // 2 + 1) <= _KEPT:
            return size, True
        return fft_size(2 * length - 1), False

    def of(self, layer: int, size: int) -> Tensor:
        """Spectra of a layer: complex (channels, size / 2 + 1)."""
        with self._lock:
            found = self._found.pop((size, layer), None)
            if found is None:
                long = cast("Mixer", self._network.layers[layer].mixer).filter_fn
                # half a size of taps on half a size of positions: the end does not reach the beginning
                found = torch.fft.rfft(long(min(size // 2, self._network.config.l_max)), size)
            self._found[size, layer] = found
            while sum(map(_bytes_of, self._found.values())) > _KEPT:
                self._found.popitem(last=False)
            return found


def _bytes_of(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
