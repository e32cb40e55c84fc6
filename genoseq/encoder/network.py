"""The seed encoder in torch: the same sum of table rows as `genoseq.encoder.seed`, with a gradient.

A context of 46 bp is 43 overlapping 4-mers; every (place, 4-mer) owns a row, the embedding is the
normalised sum::

    z = normalise( sum over places i of  T[256 * i + kmer_i] )

So the network *is* its tables: an `EmbeddingBag`. A 4-mer that holds an unknown base points at one more row
which is zero and stays zero. `export` rounds the tables to int8, the form that ships and that the numba
encoder adds up; the scale of the integers does not matter, because the sum is brought to unit length.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import kmer_rows
from genoseq.encoder.seed import DIMENSION, KMER
from genoseq.errors import UsageError

CLIPPED = 1e-4
"""Share of the table entries that `export` may clip: the largest would otherwise set the scale of all.
At 1e-4 the recall of the rounded tables equals that of the float ones (see the card of the weights)."""


class SeedNetwork(nn.Module):
    """Tables of the seed encoder as a torch module.

    Parameters
    ----------
    words : AnchorWords
        Anchor words of the contexts; one set of tables serves them all, because a context contains its word.
    flank : int
        Bases of context on each side of the word, bp.
    dimension : int
        Numbers in an embedding.
    seed : int
        Seed of the initial tables.
    """

    def __init__(
        self, words: AnchorWords, flank: int = 22, dimension: int = DIMENSION, *, seed: int = 0
    ) -> None:
        super().__init__()
        if flank < 8:
            raise UsageError(f"flank is {flank} bp; at least 8 are needed to tell anchors apart")
        self.words, self.flank, self.dimension = words, flank, dimension
        self.places = 2 * flank + words.length - KMER + 1
        self.rows = self.places * 4**KMER
        self.table = nn.EmbeddingBag(self.rows + 1, dimension, mode="sum", padding_idx=self.rows)
        self._initialise(seed)

    def _initialise(self, seed: int) -> None:
        """Start from a random linear map of the one-hot context, shared by the 4-mers that cover a base.

        Contexts that differ by few bases are then close from the start; rows drawn at random would make every
        substitution cost four unrelated rows.
        """
        draw = torch.Generator().manual_seed(seed)
        context = self.places + KMER - 1
        base = torch.randn(context, 4, self.dimension, generator=draw) / context**0.5
        place = torch.arange(context)
        covering = torch.minimum(torch.minimum(place + 1, context - place), torch.tensor(KMER))
        base /= covering[:, None, None]
        kmer = torch.arange(4**KMER)
        weight = torch.zeros(self.places, 4**KMER, self.dimension)
        for j in range(KMER):
            letter = (kmer >> (2 * (KMER - 1 - j))) & 3
            weight += base[j : j + self.places][:, letter]
        with torch.no_grad():
            self.table.weight[:-1] = weight.reshape(self.rows, self.dimension)
            self.table.weight[-1] = 0

    def kmers(self, contexts: NDArray[np.uint8]) -> Tensor:
        """Table rows of contexts, uint8 (n, context) -> int64 (n, places) on the device of the tables."""
        rows = np.empty((len(contexts), self.places), np.int64)
        kmer_rows(contexts, KMER, rows)
        rows[rows >= self.rows] = self.rows
        return torch.from_numpy(rows).to(self.table.weight.device)

    def forward(self, rows: Tensor) -> Tensor:
        """Embed table rows: int64 (n, places) -> float (n, dimension), rows of unit length."""
        return functional.normalize(self.table(rows), dim=1)

    @torch.no_grad()
    def encode(self, contexts: NDArray[np.uint8], batch: int = 1 << 15) -> NDArray[np.float32]:
        """Embed contexts without gradient: uint8 (n, context) -> float32 (n, dimension)."""
        parts = [
            self(self.kmers(contexts[i : i + batch])).cpu().numpy() for i in range(0, len(contexts), batch)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    @torch.no_grad()
    def rotate(self, rotation: NDArray[np.float32]) -> None:
        """Turn the embedding space: rows ``t`` become ``rotation @ t``. Inner products do not change.

        Raises
        ------
        UsageError
            If `rotation` is not an orthogonal (dimension, dimension) matrix.
        """
        side = (self.dimension, self.dimension)
        if rotation.shape != side or not np.allclose(
            rotation @ rotation.T, np.eye(self.dimension), atol=1e-4
        ):
            raise UsageError(
                f"a rotation is an orthogonal {side} matrix, found one of shape {rotation.shape}"
            )
        weight = self.table.weight
        weight.copy_(weight @ torch.from_numpy(rotation.T.copy()).to(weight))

    @torch.no_grad()
    def export(self) -> NDArray[np.int8]:
        """Integer tables, int8 (places * 256, dimension), for `genoseq.encoder.seed.SeedEncoder`."""
        table = self.table.weight[:-1].cpu().double().numpy()
        scale = 127.0 / max(float(np.quantile(np.abs(table), 1 - CLIPPED)), 1e-12)
        return np.clip(np.rint(table * scale), -127, 127).astype(np.int8)

    @torch.no_grad()
    def load_integers(self, table: NDArray[np.int8]) -> None:
        """Take exported tables back, to train on from shipped weights.

        Raises
        ------
        UsageError
            If the shape is that of another network.
        """
        if table.shape != (self.rows, self.dimension):
            raise UsageError(
                f"tables of shape {table.shape} do not fit a network of ({self.rows}, {self.dimension})"
            )
        weight = torch.from_numpy(table.astype(np.float32))
        # a context then sums to a length of about 1, as after `_initialise`, and learning rates fit
        self.table.weight[:-1] = weight / (weight.pow(2).sum(1).mean().sqrt() * self.places**0.5)
