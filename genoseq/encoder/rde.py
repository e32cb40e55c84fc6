"""RDE, the reference-free DNA embedder of DNA-ESA (Holur et al., Bioinformatics 41(3):btaf041, 2025),
rewritten.

As published: byte-pair tokens, learned embeddings with sinusoidal positions, a pre-norm transformer of 6
layers with 12 heads, GELU and a feed-forward width of 1536, mean over the tokens, unit length; InfoNCE at
temperature 0.05. Width is 1020 in the final paper and 384 in its first version, which is the default here.

What differs from the published code, on purpose: the norm is taken over each embedding (theirs over the
batch, so that a read's vector depended on its neighbours), padding is masked in attention and mean, the
tokenizer is trained on the genomes at hand, negatives are the whole batch, and reads are searched on both
strands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.encoder.window import TOKENIZER, WindowNetwork
from genoseq.errors import CheckpointError, InputError, MissingDependencyError, UsageError
from genoseq.io.files import replacing
from genoseq.sequence import decode

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, UNKNOWN = "[PAD]", "[UNK]"
_PIECE = 128  # bp: pieces that the tokenizer is trained on; merges longer than this cannot arise


@dataclass(frozen=True)
class RdeConfig:
    """Parameters of the transformer.

    Attributes
    ----------
    width : int
        Numbers in an embedding, and of the hidden layers.
    layers, heads, feed_forward : int
        Of the transformer.
    dropout : float
        While training.
    vocabulary : int
        Tokens, the two special ones included.
    max_tokens : int
        Longest input; a window with more tokens is refused.
    """

    width: int = 384
    layers: int = 6
    heads: int = 12
    feed_forward: int = 1536
    dropout: float = 0.1
    vocabulary: int = 10_000
    max_tokens: int = 1024

    def __post_init__(self) -> None:
        if self.width % self.heads or self.width % 2:
            raise UsageError(f"width {self.width} must be even and a multiple of the {self.heads} heads")
        if self.vocabulary < 8:
            raise UsageError(f"vocabulary is {self.vocabulary}; at least 8 tokens are needed")


class RdeEncoder(WindowNetwork):
    """The transformer with its tokenizer.

    Parameters
    ----------
    config : RdeConfig
    tokenizer : tokenizers.Tokenizer
        From `train_tokenizer` or `load_tokenizer`.
    """

    kind = "rde"

    def __init__(self, config: RdeConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        if tokenizer.get_vocab_size() > config.vocabulary:
            raise CheckpointError(
                f"the tokenizer has {tokenizer.get_vocab_size()} tokens, the network only {config.vocabulary}"
            )
        self.config, self.tokenizer = config, tokenizer
        pad = tokenizer.token_to_id(PAD)
        if pad is None:
            raise CheckpointError(f"the tokenizer has no token {PAD}; it was not made by train_tokenizer")
        self.pad: int = pad
        self.tokens = nn.Embedding(config.vocabulary, config.width, padding_idx=self.pad)
        with (
            torch.no_grad()
        ):  # sqrt(width) in `forward` brings them to unit size: layers are heard from the start
            self.tokens.weight.mul_(config.width**-0.5)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.feed_forward,
            config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.positions: Tensor
        self.register_buffer("positions", sinusoids(config.max_tokens, config.width), persistent=False)

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return self.config.width

    def config_dict(self) -> dict[str, Any]:
        """Parameters, for the config file."""
        return asdict(self.config)

    def prepare(self, windows: list[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Token numbers padded to the longest window: int64 (n, longest), lengths int64 (n,).

        Raises
        ------
        UsageError
            If a window has more tokens than the network has positions.
        """
        found = [
            e.ids for e in self.tokenizer.encode_batch([decode(w) for w in windows], add_special_tokens=False)
        ]
        lengths = torch.tensor([len(ids) for ids in found])
        longest = int(lengths.max())
        if longest > self.config.max_tokens:
            size = len(windows[int(lengths.argmax())])
            raise UsageError(
                f"a window of {size} bp has {longest} tokens; the most is {self.config.max_tokens}"
            )
        padded = torch.full((len(found), longest), self.pad)
        for row, ids in zip(padded, found, strict=True):
            row[: len(ids)] = torch.tensor(ids)
        return padded, lengths

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Token numbers (n, longest) and lengths (n,) -> (n, dim)."""
        outside = torch.arange(tokens.shape[1], device=tokens.device) >= lengths[:, None]
        x = self.tokens(tokens) * math.sqrt(self.config.width) + self.positions[: tokens.shape[1]]
        x = self.layers(x, src_key_padding_mask=outside)
        mean = x.masked_fill(outside[:, :, None], 0).sum(1) / lengths[:, None]
        return functional.normalize(mean, dim=1)

    def save(self, folder: str | Path) -> None:
        """Write config, weights and tokenizer into `folder`."""
        super().save(folder)
        with replacing(Path(folder) / TOKENIZER) as temporary:
            temporary.write_text(self.tokenizer.to_str(), encoding="utf-8")


def sinusoids(length: int, width: int) -> Tensor:
    """Sinusoidal positions (Vaswani et al. 2017), float (length, width)."""
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(length)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


def train_tokenizer(
    genomes: Iterable[NDArray[np.uint8]], vocabulary: int, *, bases: int = 2_000_000, seed: int = 0
) -> Tokenizer:
    """Learn byte-pair tokens from contigs.

    Parameters
    ----------
    genomes : iterable of ndarray
        Base codes of contigs.
    vocabulary : int
        Most tokens, special ones included.
    bases : int
        bp to learn from, drawn in pieces of 128 bp from both strands; stretches of unknown bases are passed
        over.

    Raises
    ------
    InputError
        If no contig is longer than a piece.
    MissingDependencyError
        If the library ``tokenizers`` is missing.
    """
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN))
    trainer = library.trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, UNKNOWN],
        initial_alphabet=list("ACGTN"),
        limit_alphabet=5,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_pieces(list(genomes), bases, np.random.default_rng(seed)), trainer)
    return tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a saved encoder.

    Raises
    ------
    CheckpointError
        If it is missing or damaged.
    """
    path = folder / TOKENIZER
    library = _tokenizers()
    try:
        return library.Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise CheckpointError(f"{path}: cannot be read ({err.strerror})") from err
    except Exception as err:  # tokenizers raises bare Exception for malformed files
        raise CheckpointError(f"{path}: not a tokenizer ({err})") from err


def _pieces(contigs: list[NDArray[np.uint8]], bases: int, rng: np.random.Generator) -> Iterator[str]:
    sizes = np.array([max(0, len(c) - _PIECE) for c in contigs], np.float64)
    if not sizes.any():
        raise InputError(f"no contig is longer than {_PIECE} bp; give whole genomes to train on")
    for _ in range(max(1, bases // _PIECE)):
        contig = contigs[rng.choice(len(contigs), p=sizes / sizes.sum())]
        start = int(rng.integers(len(contig) - _PIECE))
        piece = contig[start : start + _PIECE]
        if piece.max() < 4:
            yield decode(piece if rng.random() < 0.5 else 3 - piece[::-1])


def _tokenizers() -> Any:
    try:
        import tokenizers
        import tokenizers.models
        import tokenizers.trainers
    except ImportError as err:
        raise MissingDependencyError("the rde encoder", "tokenizers", "models") from err
    return tokenizers
