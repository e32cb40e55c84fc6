"""Configuration of a HyenaDNA model: the published fields, and the seven published models.

The length `l_max` is a part of the weights: the long filters are functions of the position divided by it. It
must never be changed after training; a longer model is another model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genoseq.errors import CheckpointError, UsageError

#: what a Hugging Face `config.json` calls our fields
_PUBLISHED_NAMES = {
    "max_seq_len": "l_max",
    "hyena_order": "order",
    "layer_norm_epsilon": "epsilon",
}


@dataclass(frozen=True)
class HyenaConfig:
    """Shape of a HyenaDNA model.

    The defaults are those of the released models (Nguyen et al., NeurIPS 2023, and their checkpoints).

    Attributes
    ----------
    d_model : int
        Channels of a position.
    n_layer : int
        Blocks.
    d_inner : int
        Channels inside the MLP of a block; 4 * `d_model` in the released models.
    l_max : int
        Longest input, tokens. The released models hold their context and two special tokens.
    vocab_size, pad_vocab_size_multiple : int
        Tokens, and what their number is rounded up to a multiple of: 12 tokens, 16 rows.
    order : int
        Of the Hyena operator. Only 2 was ever released, and only 2 is built.
    short_filter_order : int
        Taps of the convolution before the gates.
    emb_dim : int
        Features of a position that a long filter is computed from: time, and (emb_dim - 1) / 2 waves.
    filter_order : int
        Width of the network that computes the filters.
    num_inner_mlps : int
        Its hidden layers beside the first.
    activation_freq : float
        Initial frequency of its sines.
    shift : float
        Floor of the decay of the filters. The released weights are read with 0.05, as their stand-alone code
        does; the repository that trained them has 0.
    embed_dropout, resid_dropout : float
        In training, after the embedding and after each part of a block.
    epsilon : float
        Of the layer norms.
    initializer_range : float
        Standard deviation of the initial weights.
    """

    d_model: int = 128
    n_layer: int = 2
    d_inner: int = 512
    l_max: int = 1026
    vocab_size: int = 12
    pad_vocab_size_multiple: int = 8
    order: int = 2
    short_filter_order: int = 3
    emb_dim: int = 5
    filter_order: int = 64
    num_inner_mlps: int = 2
    activation_freq: float = 10.0
    shift: float = 0.05
    embed_dropout: float = 0.1
    resid_dropout: float = 0.0
    epsilon: float = 1e-5
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        whole = ("d_model", "n_layer", "d_inner", "l_max", "vocab_size", "filter_order", "short_filter_order")
        for name in whole:
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if self.order != 2:
            raise UsageError(f"order is {self.order}; only Hyena operators of order 2 are built")
        if self.emb_dim < 3 or self.emb_dim % 2 == 0:
            raise UsageError(f"emb_dim is {self.emb_dim}; it must be odd and 3 or more")

    @property
    def rows(self) -> int:
        """Rows of the token embedding: the vocabulary, rounded up."""
        return -(-self.vocab_size // self.pad_vocab_size_multiple) * self.pad_vocab_size_multiple

    @property
    def parameters(self) -> int:
        """Parameters of the model, the tied embedding counted once."""
        d, inner, width = self.d_model, self.d_inner, self.filter_order
        filters = self.emb_dim * width + width + self.num_inner_mlps * (width * width + width)
        filters += width + width * d + d  # frequencies, last layer, bias
        mixer = d * 3 * d + 3 * d + 3 * d * self.short_filter_order + 3 * d + filters + d * d + d
        mlp = d * inner + inner + inner * d + d
        return self.rows * d + self.n_layer * (mixer + mlp + 4 * d) + 2 * d

    @classmethod
    def from_json(cls, values: Mapping[str, Any], source: str) -> HyenaConfig:
        """From the mapping in a `config.json`, ours or of a released `-hf` model.

        Parameters
        ----------
        source : str
            Name of the file, for messages.

        Raises
        ------
        CheckpointError
            If a field that the shape depends on is missing, or has a value that cannot be.
        """
        named = {_PUBLISHED_NAMES.get(name, name): value for name, value in values.items()}
        missing = [name for name in ("d_model", "n_layer", "d_inner", "l_max") if name not in named]
        if missing:
            raise CheckpointError(f"{source}: not the configuration of a HyenaDNA model: no {missing[0]}")
        fields = {field.name: field.type for field in dataclasses.fields(cls)}
        given = {name: value for name, value in named.items() if name in fields}
        try:
            given = {name: (int if fields[name] == "int" else float)(value) for name, value in given.items()}
            return cls(**given)
        except (TypeError, ValueError, UsageError) as error:
            raise CheckpointError(f"{source}: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """As a `config.json` that `from_json` and the classes of the released `-hf` models read."""
        ours = {ours: published for published, ours in _PUBLISHED_NAMES.items()}
        values = {ours.get(name, name): value for name, value in dataclasses.asdict(self).items()}
        return {"model_type": "hyenadna", **values}


def _released(d_model: int, n_layer: int, context: int) -> HyenaConfig:
    return HyenaConfig(d_model=d_model, n_layer=n_layer, d_inner=4 * d_model, l_max=context + 2)


RELEASED = {
    "hyenadna-tiny-1k-seqlen": _released(128, 2, 1024),
    "hyenadna-tiny-1k-seqlen-d256": _released(256, 2, 1024),
    "hyenadna-tiny-16k-seqlen-d128": _released(128, 2, 16384),
    "hyenadna-small-32k-seqlen": _released(256, 4, 32768),
    "hyenadna-medium-160k-seqlen": _released(256, 8, 160_000),
    "hyenadna-medium-450k-seqlen": _released(256, 8, 450_000),
    "hyenadna-large-1m-seqlen": _released(256, 8, 1_000_000),
}
"""The released models (huggingface.co/LongSafari) by name."""
