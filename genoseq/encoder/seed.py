"""The seed encoder: 46 bp around an anchor become 64 numbers of unit length.

A context is a row of 43 overlapping 4-mers. Every (place, 4-mer) owns a learned vector of 64 small integers;
the embedding is their sum, scaled to unit length. No multiplication is needed before the norm: 43 look-ups of
one cache line each. 4-mers that reach outside the read, or hold a letter other than A, C, G, T, add nothing,
so that a context cut by the end of a read still resembles the whole one.

`genoseq.encoder.network` is the same function in torch, for training; `genoseq train encoder` writes the
weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.anchors import AnchorWords
from genoseq.errors import CheckpointError, GenoseqError, InputError
from genoseq.io.arrays import read_arrays
from genoseq.io.files import input_error

FORMAT_VERSION = 1
KMER = 4
DIMENSION = 64


@dataclass(frozen=True)
class SeedEncoder:
    """Integer tables of the seed encoder.

    Attributes
    ----------
    table : ndarray, shape (places * 256, 64), dtype int8
        One row for each (place, 4-mer), place-major.
    codebook : ndarray, shape (subspaces, 16, 64 // subspaces), dtype float32
        Product quantiser of the embeddings: the centroids that an index uses, so that none has to be trained.
    words : AnchorWords
        The words whose contexts the tables were trained on.
    flank : int
        Bases of context on each side of the word, bp.
    meta : dict
        Recipe, data and date, as written by the training.
    """

    table: NDArray[np.int8]
    codebook: NDArray[np.float32]
    words: AnchorWords
    flank: int
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return int(self.table.shape[1])

    @property
    def context(self) -> int:
        """Length of a context, bp."""
        return 2 * self.flank + self.words.length

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the weights: an index remembers it."""
        sha = hashlib.sha256(np.ascontiguousarray(self.table).tobytes())
        sha.update(np.ascontiguousarray(self.codebook).tobytes())
        sha.update(f"{self.words.words}{self.flank}".encode())
        return sha.hexdigest()[:16]

    @classmethod
    def load(cls, path: str | Path | None = None) -> SeedEncoder:
        """Read weights from a ``.npz`` file, by default those that ship with genoseq.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or not a seed encoder of this format version.
        InputError
            If it may not be read.
        """
        source = resources.files("genoseq").joinpath("weights/seed.npz") if path is None else Path(path)
        try:
            arrays = read_arrays(source.read_bytes(), str(source))
            table, codebook = arrays["table"], arrays["codebook"]
            meta = json.loads(str(arrays["meta"]))
        except FileNotFoundError as err:
            raise CheckpointError(
                f"{source}: no such file; make one with 'genoseq train encoder -o {source}'"
            ) from err
        except OSError as err:
            raise input_error(err, str(source)) from err
        except (InputError, KeyError, ValueError, RecursionError) as err:
            raise CheckpointError(
                f"{source}: not the weights of a seed encoder, or damaged; 'genoseq train encoder' makes them"
            ) from err
        return cls._checked(str(source), table, codebook, meta)

    @classmethod
    def _checked(
        cls, source: str, table: NDArray[Any], codebook: NDArray[Any], meta: dict[str, Any]
    ) -> SeedEncoder:
        version = meta.get("format_version") if isinstance(meta, dict) else None
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"{source}: format version {version}, this genoseq reads {FORMAT_VERSION}; "
                "train the encoder again with 'genoseq train encoder'"
            )
        try:
            words, flank = AnchorWords(tuple(meta["words"])), int(meta["flank"])
        except (KeyError, TypeError, ValueError, GenoseqError) as err:
            raise CheckpointError(
                f"{source}: not the weights of a seed encoder (words or flank: {err})"
            ) from err
        rows = (2 * flank + words.length - KMER + 1) * 4**KMER
        if table.shape != (rows, DIMENSION) or table.dtype != np.int8:
            raise CheckpointError(
                f"{source}: table of shape {table.shape} and type {table.dtype}, "
                f"expected ({rows}, {DIMENSION}) int8"
            )
        if (
            codebook.ndim != 3
            or codebook.shape[0] * codebook.shape[2] != DIMENSION
            or codebook.shape[1] != 16
        ):
            raise CheckpointError(f"{source}: codebook of shape {codebook.shape}, expected (16, 16, 4)")
        return cls(
            np.ascontiguousarray(table), np.ascontiguousarray(codebook, np.float32), words, flank, meta
        )

    def save(self, path: str | Path) -> None:
        """Write the weights so that `load` reads them back."""
        meta = {
            **self.meta,
            "format_version": FORMAT_VERSION,
            "words": list(self.words.words),
            "flank": self.flank,
        }
        with Path(path).open("wb") as handle:
            np.savez_compressed(
                handle, table=self.table, codebook=self.codebook, meta=np.array(json.dumps(meta))
            )

    def encode(
        self,
        codes: NDArray[np.uint8],
        positions: NDArray[np.int64],
        kinds: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Embed the contexts of anchors.

        Parameters
        ----------
        codes : ndarray, dtype uint8
            Concatenated sequences.
        positions, kinds : ndarray, shape (n,)
            Anchors as `find_anchors` gives them.
        starts, ends : ndarray, shape (n,), dtype int64
            Half-open bounds of the sequence that each anchor lies in; bases outside add nothing.

        Returns
        -------
        ndarray, shape (n, 64), dtype float32
            Rows of unit length (zero where no 4-mer was known).
        """
        out = np.empty((len(positions), self.dimension), np.float32)
        encode_contexts(codes, positions, kinds, starts, ends, self.flank, self.words.length, self.table, out)
        return out


@numba.njit(cache=True, nogil=True, fastmath=True, boundscheck=False)
def encode_contexts(
    codes: NDArray[np.uint8],
    positions: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    flank: int,
    length: int,
    table: NDArray[np.int8],
    out: NDArray[np.float32],
) -> None:
    """Fill ``out[i]`` with the embedding of anchor ``i`` (kernel behind `SeedEncoder.encode`)."""
    context = 2 * flank + length
    width = table.shape[1]
    total = np.empty(width, np.int16)
    for a in range(positions.shape[0]):
        start = positions[a] - flank
        lo = max(starts[a], start)
        hi = min(ends[a], start + context)
        for c in range(width):
            total[c] = 0
        kmer = 0
        valid = 0
        if kinds[a] & 1:
            for i in range(hi - 1, lo - 1, -1):
                base = codes[i]
                if base > 3:
                    valid = 0
                    continue
                kmer = ((kmer << 2) | (3 - base)) & 255
                valid += 1
                if valid >= 4:
                    row = ((start + context - 1 - i - 3) << 8) + kmer
                    for c in range(width):
                        total[c] += table[row, c]
        else:
            for i in range(lo, hi):
                base = codes[i]
                if base > 3:
                    valid = 0
                    continue
                kmer = ((kmer << 2) | base) & 255
                valid += 1
                if valid >= 4:
                    row = ((i - start - 3) << 8) + kmer
                    for c in range(width):
                        total[c] += table[row, c]
        square = np.float32(1e-9)
        for c in range(width):
            square += np.float32(total[c]) * np.float32(total[c])
        scale = np.float32(1) / np.sqrt(square)
        for c in range(width):
            out[a, c] = total[c] * scale
