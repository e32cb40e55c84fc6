"""Sequences that begin alike: what they share is computed once.

A position sees only what is before it. Of many sequences with one beginning (the alleles of a variant) that
beginning, the *prefix*, is read once, and each sequence only from there on. A convolution over both parts is
a sum of two:

    y = conv(prefix, k), at the positions after it    +    conv(rest, k)

The first term, the *future* of the prefix, is kept of every layer, with the last inputs of the short
convolution and the last state. The result equals that of the whole sequence; only the order of the sums
differs (1e-6 in float32). For `torch.inference_mode`: much is computed in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from genoseq.hyena.model import Block, HyenaNetwork, Mixer, check_length, fft_size
from genoseq.hyena.scores import next_log_probabilities

# floats of the widest tensor of what is computed together: on a CPU what its cache holds (measured: a fourth
# costs 6 % more time, four times as much gains nothing), on a GPU what keeps it busy
_FLOATS = {"cpu": 1 << 20, "cuda": 1 << 27}


@dataclass(frozen=True)
class Prefix:
    """What is kept of beginnings.

    Attributes
    ----------
    length : int
        Of the beginnings, tokens; may be 0.
    ahead : int
        Length of the longest rest, tokens.
    tails : list of Tensor, shape (rows, 3 * channels, taps - 1)
        Of each layer, the last inputs of the short convolution.
    futures : list of Tensor, shape (rows, channels, ahead)
        Of each layer, what the beginning adds to the long convolution after it.
    last : Tensor, shape (rows, 1, channels)
        Last states, normed: they predict the first token of the rest.
    """

    length: int
    ahead: int
    tails: list[Tensor]
    futures: list[Tensor]
    last: Tensor


def read_prefix(network: HyenaNetwork, ids: Tensor, ahead: int) -> Prefix:
    """Read beginnings.

    Parameters
    ----------
    ids : Tensor, shape (rows, length), dtype int64
        Tokens of the beginnings; `length` may be 0.
    ahead : int
        Length of the longest rest, tokens; at least 1.

    Raises
    ------
    UsageError
        If both together are longer than the model.
    """
    rows, length = ids.shape
    check_length(length + ahead, network.config)
    d, taps = network.config.d_model, network.config.short_filter_order
    r = network.embeddings(ids)
    tails, futures = [], []
    for block in cast("list[Block]", network.layers):
        tail, future = r.new_zeros(rows, 3 * d, taps - 1), r.new_zeros(rows, d, ahead)
        if length:
            long = _Convolution(block.mixer, length, ahead)
            for some in _parts(network, ids):
                part = r[some]
                mixed, tail[some], future[some] = _mix(block.mixer, block.norm1(part), tail[some], None, long)
                part += mixed
                part += block.mlp(block.norm2(part))
        tails.append(tail)
        futures.append(future)
    last = network.ln_f(r[:, -1:]) if length else r.new_zeros(rows, 1, d)
    return Prefix(length, ahead, tails, futures, last)


def rest_log_probabilities(network: HyenaNetwork, prefix: Prefix, rows: Tensor, ids: Tensor) -> Tensor:
    """Log probability of each base of the rests, given all before it.

    Parameters
    ----------
    prefix : Prefix
    rows : Tensor, shape (batch,), dtype int64
        Which of the beginnings each rest belongs to.
    ids : Tensor, shape (batch, length), dtype int64
        Tokens of the rests, at most `prefix.ahead`.

    Returns
    -------
    Tensor, shape (batch, length), dtype float32
        Nats; 0 for what is not scored: N, special tokens, and the first token of a sequence.
    """
    r = network.embeddings(ids)
    for block, tails, futures in zip(
        cast("list[Block]", network.layers), prefix.tails, prefix.futures, strict=True
    ):
        long = _Convolution(block.mixer, ids.shape[1], 0)
        for some in _parts(network, ids):
            part, own = r[some], rows[some]
            mixed, _, _ = _mix(block.mixer, block.norm1(part), tails[own], futures[own], long)
            part += mixed
            part += block.mlp(block.norm2(part))
    last = prefix.last[rows]
    states = torch.cat([last, network.ln_f(r[:, :-1]).to(last.dtype)], 1)
    nats = next_log_probabilities(network, states, ids)
    if not prefix.length:
        nats[:, 0] = 0
    return nats


def _parts(network: HyenaNetwork, ids: Tensor) -> list[slice]:
    """Rows of a batch that are computed together."""
    most = _FLOATS["cpu" if ids.device.type == "cpu" else "cuda"]
    step = max(1, most // (network.config.d_inner * ids.shape[1]))
    return [slice(first, first + step) for first in range(0, len(ids), step)]


class _Convolution:
    """The long filters of a mixer, ready for parts of one length and a future of `ahead` tokens."""

    def __init__(self, mixer: Mixer, length: int, ahead: int) -> None:
        filters = mixer.filter_fn(length + ahead)
        self.bias = mixer.filter_fn.bias.to(filters.dtype)[:, None]
        self.length, self.ahead, self.dtype = length, ahead, filters.dtype
        self._size = fft_size(2 * length + ahead - 1)  # so long that the end does not run into the beginning
        self._spectrum = torch.fft.rfft(filters, self._size)

    def __call__(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Of `w` (rows, channels, length), the convolution and its future."""
        y = torch.fft.irfft(torch.fft.rfft(w, self._size).mul_(self._spectrum), self._size)
        end = self.length + self.ahead
        return y[..., : self.length], y[..., self.length : end]


def _mix(
    mixer: Mixer, x: Tensor, tail: Tensor, future: Tensor | None, long: _Convolution
) -> tuple[Tensor, Tensor, Tensor]:
    """The Hyena operator on a part of a sequence, and what the parts after it need.

    Parameters
    ----------
    x : Tensor, shape (rows, length, channels)
    tail : Tensor, shape (rows, 3 * channels, taps - 1)
        Of the part before.
    future : Tensor, shape (rows, channels, length or more), optional
        Of the part before.
    long : _Convolution

    Returns
    -------
    mixed : Tensor, shape (rows, length, channels)
    tail, future : Tensor
        Of this part.
    """
    # a product of batches writes (channels, length) at once, where matmul would turn its result round
    u = torch.bmm(mixer.in_proj.weight.expand(len(x), -1, -1), x.mT).add_(mixer.in_proj.bias[:, None])
    u = torch.cat([tail.to(u.dtype), u], -1)
    q, k, v = mixer.short_filter(u).chunk(3, dim=1)
    w = v.mul_(k).to(long.dtype)
    now, ahead = long(w)
    now = now.add(w.mul_(long.bias))
    if future is not None:
        now += future[..., : long.length]
    return mixer.out_proj(now.to(q.dtype).mul_(q).mT), u[..., long.length :], ahead
