"""The HyenaDNA network: a causal language model of which the long mixing is a convolution.

Written from the equations of the paper (Nguyen et al., "HyenaDNA", NeurIPS 2023; Poli et al., "Hyena
Hierarchy", ICML 2023). Of every block, with the residual stream r of (batch, length, d_model):

    r += Hyena(LN1(r))                    mixes positions
    r += W2 gelu(W1 LN2(r))               mixes channels

    Hyena(x):  [q, k, v] = shortconv(W x)       3 taps a channel, causal
               y = longconv(v * k)              one filter a channel, as long as the input, causal
               Wo (y * q)

The long filter of a channel is not stored but computed: a small network of sines takes a few features of the
position t (`PositionFeatures`), and what comes out fades with exp(-t * rate), each channel at a rate of its
own. Convolutions are done by FFT, in float32 whatever the type of the matrix products.

Modules are named as in the published checkpoints, so that their keys are ours (`genoseq.hyena.weights`).
Inside a mixer tensors lie as (batch, channels, length): positions next to each other, as the FFT wants them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from genoseq.errors import UsageError
from genoseq.hyena.config import HyenaConfig

# decay of the filters: a channel fades to 1 % within .3 (fast) to 1.5 (slow) of l_max
_FADED, _FAST, _SLOW = 1e-2, 0.3, 1.5
# first weights of the networks of the filters: slowest frequency, weights of the cosines and sines, phases
_LEAST_FREQUENCY, _OTHER_FEATURES, _PHASE = 0.3, 0.45, 0.3


class PositionFeatures(nn.Module):
    """What the network of a filter knows of a position: time 0 to 1 over `l_max`, and cosines and sines."""

    z: Tensor
    t: Tensor

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        bands = (config.emb_dim - 1) // 2
        t = torch.linspace(0, 1, config.l_max)[:, None]  # (l_max, 1)
        angle = 2 * math.pi * torch.arange(config.l_max)[:, None] / config.l_max
        angle = torch.linspace(1e-4, bands - 1, bands)[None] * angle  # (l_max, bands)
        self.register_buffer("z", torch.cat([t, torch.cos(angle), -torch.sin(angle)], 1)[None], False)
        self.register_buffer("t", t[None], False)


class Sine(nn.Module):
    """sin(frequency * x), the frequencies are learned."""

    def __init__(self, width: int, frequency: float) -> None:
        super().__init__()
        self.freq = nn.Parameter(frequency * torch.ones(1, width))

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape as `x`, (..., width)."""
        return torch.sin(self.freq * x)


class Modulation(nn.Module):
    """The fading of the filters, one rate a channel."""

    deltas: Tensor

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.shift = config.shift
        rates = torch.linspace(math.log(_FADED) / _SLOW, math.log(_FADED) / _FAST, config.d_model)
        self.register_buffer("deltas", rates[None, None], False)

    def forward(self, t: Tensor, channels: slice) -> Tensor:
        """What is left of some channels at times `t`, (length,): (channels, length)."""
        return torch.exp(-t * self.deltas[0, 0, channels, None].abs()) + self.shift


class LongFilter(nn.Module):
    """The long filters of a mixer: computed from the position, one for each channel."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        width = config.filter_order
        self.bias = nn.Parameter(torch.randn(config.d_model))
        self.pos_emb = PositionFeatures(config)
        sine = Sine(width, config.activation_freq)  # one module in all places, as published
        steps: list[nn.Module] = [nn.Linear(config.emb_dim, width), sine]
        for _ in range(config.num_inner_mlps):
            steps += [nn.Linear(width, width), sine]
        self.implicit_filter = nn.Sequential(*steps, nn.Linear(width, config.d_model, bias=False))
        self.modulation = Modulation(config)

    @torch.no_grad()
    def initialise(self, config: HyenaConfig) -> None:
        """First weights with which a filter tells neighbouring positions apart.

        The published ones (normal, 0.02) make all filters nearly constant, and it takes thousands of steps
        until they look at single positions. Here the sines of the first layer have frequencies from less than
        one wave over `l_max` to one wave in two positions, evenly on a logarithmic scale; the layers behind
        it are those of sine networks (Sitzmann et al., NeurIPS 2020). On human chromosome 20 a model trained
        on 3 million bases is then where it is with the published ones after 10 million.
        """
        first, *inner, last = (layer for layer in self.implicit_filter if isinstance(layer, nn.Linear))
        fastest = math.pi * config.l_max / config.activation_freq
        span = math.log(max(fastest / _LEAST_FREQUENCY, 1.0))
        first.weight.uniform_(-_OTHER_FEATURES, _OTHER_FEATURES)
        rates = _LEAST_FREQUENCY * torch.exp(span * torch.rand(config.filter_order))
        first.weight[:, 0] = rates * torch.randn(config.filter_order).sign()  # of the time
        first.bias.uniform_(-_PHASE, _PHASE)
        spread = math.sqrt(6 / config.filter_order)
        for layer in inner:
            layer.weight.uniform_(-spread / config.activation_freq, spread / config.activation_freq)
            layer.bias.uniform_(-spread / config.activation_freq, spread / config.activation_freq)
        last.weight.uniform_(-1 / math.sqrt(config.filter_order), 1 / math.sqrt(config.filter_order))

    def forward(self, length: int) -> Tensor:
        """The first `length` taps of every filter: float32 (channels, length)."""
        return self.taps(self.hidden(0, length))

    def hidden(self, start: int, end: int) -> Tensor:
        """Of some positions, what the last layer makes taps from: (end - start, width)."""
        with torch.autocast(self.bias.device.type, enabled=False):
            return self.implicit_filter[:-1](self.pos_emb.z[0, start:end])

    def taps(self, hidden: Tensor, channels: slice = slice(None)) -> Tensor:
        """Taps of some filters, from `hidden` of the first positions: float32 (channels, length)."""
        with torch.autocast(self.bias.device.type, enabled=False):
            k = self.implicit_filter[-1].get_parameter("weight")[channels] @ hidden.mT
            t = self.pos_emb.t[0, : len(hidden), 0]
            return self.modulation(t, channels) * (k.float() if k.dtype != torch.float64 else k)


def long_convolution(u: Tensor, k: Tensor, bias: Tensor) -> Tensor:
    """Causal convolution of each channel with its filter, plus `bias` times the input.

    Parameters
    ----------
    u : Tensor, shape (..., channels, length)
    k : Tensor, shape (channels, length)
        Filters in float32 or float64; the convolution is computed in their type.
    bias : Tensor, shape (channels,)

    Returns
    -------
    Tensor, shape (..., channels, length), of the type of `k`
    """
    u = u.to(k.dtype)
    return Convolution.apply(u, k) + u * bias.to(k.dtype)[:, None]


class Convolution(torch.autograd.Function):
    """Causal convolution by FFT. Its gradients are correlations, done by real FFTs too.

    What torch would derive are complex transforms of both halves of the spectrum, twice the work.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, k: Tensor) -> Tensor:
        """`u` (..., channels, length) with `k` (channels, length)."""
        length = u.shape[-1]
        size = fft_size(2 * length - 1)  # so long that the end does not run into the beginning
        u_f, k_f = torch.fft.rfft(u, size), torch.fft.rfft(k, size)
        ctx.save_for_backward(u_f, k_f)
        ctx.shape = size, length, k.shape
        return torch.fft.irfft(u_f * k_f, size)[..., :length]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the input and of the filter."""
        (u_f, k_f), (size, length, shape) = ctx.saved_tensors, ctx.shape
        g_f = torch.fft.rfft(gradient, size)
        of_u = torch.fft.irfft(g_f * k_f.conj(), size)[..., :length]
        of_k = torch.fft.irfft((g_f * u_f.conj()).reshape(-1, *k_f.shape).sum(0), size)[..., :length]
        return of_u, of_k.reshape(shape)


def fft_size(least: int) -> int:
    """The smallest even size not below `least` that has no prime factor above 7: what the FFT is fast for.

    Examples
    --------
    >>> fft_size(2051), fft_size(2048)
    (2058, 2048)
    """
    size = max(2, least + least % 2)
    while True:
        rest = size
        for factor in (2, 3, 5, 7):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 2


class Mixer(nn.Module):
    """The Hyena operator of order 2."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        d, taps = config.d_model, config.short_filter_order
        self.in_proj = nn.Linear(d, 3 * d)
        self.out_proj = nn.Linear(d, d)
        self.short_filter = nn.Conv1d(3 * d, 3 * d, taps, groups=3 * d)
        self.filter_fn = LongFilter(config)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the positions of `x`, (batch, length, channels), each with those before it."""
        length = x.shape[1]
        u = (
            torch.matmul(self.in_proj.weight, x.mT) + self.in_proj.bias[:, None]
        )  # (batch, 3 * channels, length)
        # zeros before the first position only: what padding on both sides adds would be cut off again
        u = functional.pad(u, (self.short_filter.kernel_size[0] - 1, 0))
        q, k, v = self.short_filter(u).chunk(3, dim=1)
        y = long_convolution(v * k, self.filter_fn(length), self.filter_fn.bias)
        return self.out_proj((y.to(q.dtype) * q).mT)


class Mlp(nn.Module):
    """Two layers with a GELU (its tanh form) between."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.d_model, config.d_inner)
        self.fc2 = nn.Linear(config.d_inner, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape as `x`, (..., channels)."""
        return self.fc2(functional.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    """A mixer and an MLP, each behind a layer norm, each added to the residual stream."""

    def __init__(self, config: HyenaConfig, dropout: float) -> None:
        super().__init__()
        self.mixer = Mixer(config)
        self.norm1 = nn.LayerNorm(config.d_model, config.epsilon)
        self.norm2 = nn.LayerNorm(config.d_model, config.epsilon)
        self.mlp = Mlp(config)
        self.dropout1, self.dropout2 = nn.Dropout(dropout), nn.Dropout(config.resid_dropout)

    def forward(self, h: Tensor, r: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the block adds, and the residual stream before that; both (batch, length, channels)."""
        h = self.dropout1(h)
        r = h if r is None else r + h
        h = self.dropout2(self.mixer(self.norm1(r)))
        r = r + h
        return self.mlp(self.norm2(r)), r


class Embeddings(nn.Module):
    """One vector for each token."""

    def __init__(self, config: HyenaConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.rows, config.d_model)

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids (batch, length) -> (batch, length, channels)."""
        return self.word_embeddings(ids)


class HyenaNetwork(nn.Module):
    """Tokens to states and to logits of the next token.

    Parameters
    ----------
    config : HyenaConfig
        The shape.
    checkpointing : bool
        In training, compute the blocks twice and keep their input only: a third of the memory.
    """

    def __init__(self, config: HyenaConfig, *, checkpointing: bool = False) -> None:
        super().__init__()
        self.config, self.checkpointing = config, checkpointing
        self.embeddings = Embeddings(config)
        dropouts = [config.embed_dropout] + [config.resid_dropout] * (config.n_layer - 1)
        self.layers = nn.ModuleList(Block(config, dropout) for dropout in dropouts)
        self.ln_f = nn.LayerNorm(config.d_model, config.epsilon)
        self._initialise()

    def _initialise(self) -> None:
        """Normal weights, smaller by depth where they write into the stream; filters have their own."""
        spread = self.config.initializer_range
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=spread)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, parameter in self.named_parameters():
            if name.endswith(("out_proj.weight", "fc2.weight")):
                nn.init.normal_(parameter, std=spread / math.sqrt(2 * self.config.n_layer))
        for module in self.modules():
            if isinstance(module, LongFilter):
                module.initialise(self.config)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the token that follows each position: (batch, length) -> (batch, length, vocabulary).

        Raises
        ------
        UsageError
            If the input is longer than the model.
        """
        return self.logits(self.states(ids))

    def states(self, ids: Tensor, layer: int | None = None) -> Tensor:
        """States of the positions: (batch, length) -> (batch, length, channels).

        Parameters
        ----------
        layer : int, optional
            After so many blocks (0: the embedding), without the last norm; by default the last state, normed.
        """
        check_length(ids.shape[1], self.config)
        h, r = self.embeddings(ids), None
        for block in self.layers[:layer]:
            run: Callable[..., tuple[Tensor, Tensor]] = block
            if self.checkpointing and self.training:
                h, r = checkpoint(run, h, r, use_reentrant=False)
            else:
                h, r = run(h, r)
        last = h if r is None else r + h
        return last if layer is not None else self.ln_f(last)

    def logits(self, states: Tensor) -> Tensor:
        """Logits of the next token from the last states; the embedding is their matrix too."""
        return functional.linear(states, self.embeddings.word_embeddings.weight)


def check_length(length: int, config: HyenaConfig) -> None:
    """Refuse what a model cannot hold.

    Raises
    ------
    UsageError
        If there are more tokens than `l_max`.
    """
    if length > config.l_max:
        raise UsageError(
            f"{length:,} tokens are more than the {config.l_max:,} that this model holds; "
            "cut them into windows (--window), or take a model of a longer context (genoseq models list)"
        )
