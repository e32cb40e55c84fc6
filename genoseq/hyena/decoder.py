"""A HyenaDNA network one token at a time: the same logits as a full forward, for a fraction of its work.

All parts of the network but two look at one position only. The short convolution needs the last two. The long
one needs the whole past: what comes out at position t is the sum over all s <= t of k[t - s] u[s]. Done anew
for each token that is as much work as there is past. Here every input is instead pushed forward, into sums
that wait at the positions to come, in pieces that an FFT can add (Fischer and Stockmeyer 1974; "relaxed"
products, van der Hoeven 2002; for these networks Flash Inference, arXiv 2410.12982, and FutureFill, arXiv
2410.03766):

    the prompt, at once      onto all positions after it             one FFT, in `prefill`
    one input                onto the rest of its block of 32        a product, in every step
    the last p inputs        onto the next p positions               one FFT, after a multiple of p steps;
                                                                     p is the largest power of two, from 32 on

    step       0 ....... 31 32 ...... 63 64 ...... 95 96 ..... 127 128
    onto         32..63 ^     64..127  ^   96..127  ^    128..255 ^        (^: an FFT, after this step)

Each pair of positions is met once, so that the result is exact, and L steps cost O(L log^2 L) in place of
O(L^2). A position needs its sum until its own input is known, and its input from then on: both have the same
place in memory.

Filters are functions of the distance alone, not of the position. So prompts of different lengths share a
batch: the first steps after them are aligned, whatever the position.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from genoseq.errors import UsageError
from genoseq.hyena.longcontext import Map, one_by_one
from genoseq.hyena.model import Block, HyenaNetwork, Mixer, fft_size

_BLOCK = 32  # positions; 16 to 64 are equally fast at batches of 1 to 32 (benchmarks/hyena/generate_speed.py)
# positions of a prompt that are worked on at once, and numbers in one call of the FFT: what a cache holds
# (measured; 4 times as much or as little costs some 10 %)
_POSITIONS = 1 << 10
_TRANSFORMED = 1 << 18
_TOGETHER = 4  # channels in a call at least: MKL is several times slower for one (genoseq.hyena.longcontext)
_KEPT = 1 << 25  # taps of a mixer that are kept for the next prompt, 1/4 GiB in float64
_LARGEST_SPECTRUM = 1 << 11  # positions of a tile whose filter stays transformed


class Decoder:
    """A network that reads prompts, and from then on one token of each sequence a step.

    It computes in the type of the network, on its device; dropout is never applied.

    Parameters
    ----------
    network : HyenaNetwork
    steps : int
        The most steps after a prompt, 0 or more. Memory for a sequence: `steps` numbers a channel and layer.

    Raises
    ------
    UsageError
        If `steps` is negative or more than the network holds.

    Examples
    --------
    >>> from genoseq.hyena.config import HyenaConfig
    >>> network = HyenaNetwork(HyenaConfig(d_model=8, d_inner=16, l_max=34)).eval()
    >>> decoder = Decoder(network, 10)
    >>> logits = decoder.prefill([torch.tensor([7, 8, 9]), torch.tensor([10])])
    >>> logits = decoder.step(torch.tensor([8, 8]))
    >>> wanted = network(torch.tensor([[7, 8, 9, 8]]))[:, -1]
    >>> bool(torch.allclose(logits[:1], wanted, atol=1e-5))
    True
    """

    @torch.inference_mode()
    def __init__(self, network: HyenaNetwork, steps: int) -> None:
        if not 0 <= steps <= network.config.l_max:
            raise UsageError(
                f"{steps:,} steps; 0 to {network.config.l_max:,} fit the context of this network"
            )
        self.network, self.steps, self.done = network, steps, 0
        self._blocks = cast("list[Block]", list(network.layers))
        self._mixers = [_MixerState(block.mixer, steps) for block in self._blocks]
        self._rows = 0

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Tensor], run: Map = one_by_one) -> Tensor:
        """Forget all, and read a batch of prompts.

        Each is read on its own: what others are in the batch changes nothing.

        Parameters
        ----------
        prompts : sequence of Tensor, each of shape (length,), dtype int64
            Tokens, of any lengths; or one Tensor (batch, length).
        run : Map
            Runs the pieces of the work, in inference mode: for example `genoseq.hyena.workers.Workers.map`.

        Returns
        -------
        Tensor, shape (batch, vocabulary)
            Logits of the token after each prompt.

        Raises
        ------
        UsageError
            If there is no prompt, one without tokens, or one that is with the steps longer than the network.
        """
        if not len(prompts) or any(not len(ids) for ids in prompts):
            raise UsageError("a prompt without tokens; the first token of a sequence must be given")
        longest, room = max(len(ids) for ids in prompts), self.network.config.l_max
        if longest + self.steps > room:
            raise UsageError(
                f"a prompt of {longest:,} tokens and {self.steps:,} steps are more than the {room:,} tokens "
                "that this network holds; shorten either, or take a model of a longer context"
            )
        self._rows, self.done = len(prompts), 0
        for mixer in self._mixers:
            mixer.start(len(prompts), longest)
        if len(prompts) == 1:  # then its parts are shared
            rows = [self._read(prompts[0], 0, run)]
        else:
            rows = run(lambda row: self._read(prompts[row], row, one_by_one), range(len(prompts)))
        return self._logits(torch.stack(rows))

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """Read the next token of each sequence.

        Parameters
        ----------
        tokens : Tensor, shape (batch,), dtype int64

        Returns
        -------
        Tensor, shape (batch, vocabulary)
            Logits of the token after it.

        Raises
        ------
        UsageError
            If no prompt was read, the steps are used up, or the batch is of another size.
        """
        if not self._rows:
            raise UsageError("no prompt was read: call prefill first")
        if self.done == self.steps:
            raise UsageError(f"all {self.steps:,} steps are done; make the decoder with more")
        if tokens.shape != (self._rows,):
            raise UsageError(f"tokens of shape {tuple(tokens.shape)}, where ({self._rows},) is expected")
        r = self.network.embeddings(tokens)  # (batch, channels)
        for block, mixer in zip(self._blocks, self._mixers, strict=True):
            mixed = mixer.step(block.mixer.in_proj(block.norm1(r)), self.done)
            r = r + block.mixer.out_proj(mixed)
            r = r + block.mlp(block.norm2(r))
        self.done += 1
        return self._logits(r)

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> Decoder:
        """A decoder that goes on with these rows of the batch, in this order; this one stays as it is.

        A row that is named several times can be continued in as many ways. Decoders of one origin share the
        filters, and may run in threads of their own.

        Raises
        ------
        UsageError
            If no row is named, or one that is not there.
        """
        if not rows or not all(0 <= row < self._rows for row in rows):
            raise UsageError(f"rows {list(rows)} of a batch of {self._rows}")
        other = copy.copy(self)
        other._rows = len(rows)
        other._mixers = [mixer.select(list(rows)) for mixer in self._mixers]
        return other

    def _logits(self, r: Tensor) -> Tensor:
        return self.network.logits(self.network.ln_f(r))

    def _read(self, ids: Tensor, row: int, run: Map) -> Tensor:
        """Read the prompt of a row; the residual stream at its last position, (channels,)."""
        r = self.network.embeddings(ids)  # (length, channels), changed in place
        for block, mixer in zip(self._blocks, self._mixers, strict=True):
            _read_block(block, mixer, r, row, run)
        return r[-1]


def _read_block(block: Block, mixer: _MixerState, r: Tensor, row: int, run: Map) -> None:
    """A block on a whole prompt; `r` is its residual stream before and after."""
    mixed = mixer.read(block, r, row, run)

    def rest(part: slice) -> None:
        r[part] += block.mixer.out_proj(mixed[:, part].mT)
        r[part] += block.mlp(block.norm2(r[part]))

    run(rest, _parts(len(r), _POSITIONS))


class _MixerState:
    """What a mixer keeps of the past.

    Attributes
    ----------
    short : list of Tensor, each of shape (batch, 3 * channels)
        Sums of the short convolution that wait at the next positions.
    long : Tensor, shape (batch, channels, steps)
        Inputs u of the long convolution, of the steps that were done; and at later steps the sums that wait.
    """

    def __init__(self, mixer: Mixer, steps: int) -> None:
        self._mixer, self._steps = mixer, steps
        weight = mixer.short_filter.weight[:, 0]  # (3 * channels, taps), the last for the present
        self._taps = weight.T.flip(0).contiguous().unbind()
        self._bias = cast("Tensor", mixer.short_filter.bias)
        self._filter = mixer.filter_fn(max(1, steps)).contiguous()  # (channels, steps or more)
        self._now = self._filter[:, 0] + mixer.filter_fn.bias.to(self._filter.dtype)
        self._spectra: dict[int, Tensor] = {}
        self.start(0, 0)

    def start(self, rows: int, longest: int) -> None:
        """Room for the past of so many sequences, and the filters for prompts up to the longest."""
        if len(self._filter) * (longest + self._steps) <= _KEPT:
            self._long_filter(longest + self._steps)
        self.short = [self._bias.new_empty(rows, len(self._bias)) for _ in self._taps[1:]]
        self.long = self._filter.new_empty(rows, len(self._filter), self._steps)

    def select(self, rows: list[int]) -> _MixerState:
        """The past of these rows, in this order."""
        other = copy.copy(self)
        other.short = [waiting[rows] for waiting in self.short]
        other.long = self.long[rows]
        return other

    def read(self, block: Block, r: Tensor, row: int, run: Map) -> Tensor:
        """The mixer on a whole prompt.

        Parameters
        ----------
        r : Tensor, shape (length, channels)
            Residual stream.
        row : int
            Of the batch, whose past this is.
        run : Map
            Runs the work on pieces of positions, then on some channels at a time.

        Returns
        -------
        Tensor, shape (channels, length)
            What goes into the last product.
        """
        length, lags = len(r), len(self._taps) - 1
        q = r.new_empty(len(self._filter), length)
        u = self._filter.new_empty(len(self._filter), length)

        def gates(part: slice) -> None:
            first = max(0, part.start - lags)
            z = self._mixer.in_proj(block.norm1(r[first : part.stop])).mT
            # zeros before the first position
            z = functional.pad(z, (lags - (part.start - first), 0))
            q[:, part], k, v = self._mixer.short_filter(z).chunk(3)
            u[:, part] = v * k

        run(gates, _parts(length, _POSITIONS))
        self._wait(self._mixer.in_proj(block.norm1(r[max(0, length - lags) :])), row)
        taps = self._long_filter(length + self._steps)
        bias = self._mixer.filter_fn.bias.to(taps.dtype)[:, None]
        size = fft_size(2 * length + self._steps - 1)

        def convolve(some: slice) -> None:
            y = torch.fft.irfft(torch.fft.rfft(u[some], size) * torch.fft.rfft(taps[some], size), size)
            q[some] *= y[:, :length] + u[some] * bias[some]
            self.long[row, some] = y[:, length : length + self._steps]

        run(convolve, _parts(len(taps), max(_TOGETHER, _TRANSFORMED // size)))
        return q

    def step(self, z: Tensor, done: int) -> Tensor:
        """The mixer on the next position of each sequence.

        Parameters
        ----------
        z : Tensor, shape (batch, 3 * channels)
            Projected input.
        done : int
            Steps before this one.

        Returns
        -------
        Tensor, shape (batch, channels)
            What goes into the last product.
        """
        out, *self.short = self._short_step(self.short, z)
        q, k, v = out.chunk(3, -1)
        u = (v * k).to(self.long.dtype)
        y = torch.addcmul(self.long[..., done], u, self._now)
        self.long[..., done] = u
        self._push(done + 1)
        return y.to(q.dtype) * q

    def _short_step(self, waiting: list[Tensor], z: Tensor) -> list[Tensor]:
        """Add an input to the sums that wait: the one that is complete now, then those that go on waiting."""
        sums = zip([*waiting, self._bias], self._taps, strict=True)
        return [torch.addcmul(before, z, tap) for before, tap in sums]

    def _wait(self, last: Tensor, row: int) -> None:
        """What the last inputs of a prompt, (taps - 1 or less, 3 * channels), leave to the next positions."""
        waiting = [self._bias] * len(self.short)
        for z in last:
            waiting = self._short_step(waiting, z)[1:]
        for whole, own in zip(self.short, waiting, strict=True):
            whole[row] = own

    def _push(self, done: int) -> None:
        """Add the inputs up to `done` to the sums after it, as far as no earlier call did."""
        within = done % _BLOCK
        if within:
            ahead = min(_BLOCK - within, self._steps - done)
            u = self.long[..., done - 1 : done]
            self.long[..., done : done + ahead].addcmul_(u, self._filter[:, 1 : ahead + 1])
        elif done < self._steps:
            self._tile(done, done & -done)

    def _tile(self, done: int, size: int) -> None:
        """Add the last `size` inputs to the next `size` sums."""
        ahead = min(size, self._steps - done)
        past, sums = self.long[..., done - size : done], self.long[..., done : done + ahead]
        rows, channels = self.long.shape[:2]
        for some in _parts(channels, max(_TOGETHER, _TRANSFORMED // (2 * size * rows))):
            # twice the size is enough: what the cyclic product runs over falls on the first half
            product = torch.fft.rfft(past[:, some], 2 * size) * self._spectrum(size, some)
            sums[:, some] += torch.fft.irfft(product, 2 * size)[..., size : size + ahead]

    def _spectrum(self, size: int, channels: slice) -> Tensor:
        """The filters of some channels, transformed for a tile."""
        if size > _LARGEST_SPECTRUM:
            return torch.fft.rfft(self._filter[channels, : 2 * size], 2 * size)
        if size not in self._spectra:
            self._spectra[size] = torch.fft.rfft(self._filter[:, : 2 * size], 2 * size)
        return self._spectra[size][channels]

    def _long_filter(self, length: int) -> Tensor:
        """The first taps of the long filters, (channels, length)."""
        if self._filter.shape[1] >= length:
            return self._filter[:, :length]
        k = self._mixer.filter_fn(length).contiguous()
        if k.numel() <= _KEPT:
            self._filter = k
        return k


def _parts(length: int, size: int) -> list[slice]:
    """Cut 0 to `length` into slices of at most `size`."""
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
