"""The alphabet of ESM-2: 33 tokens, of which 20 are amino acids.

A sequence is ``<cls> letters <eos>``; a batch is filled up with ``<pad>``. The order of the tokens is that of
the released models (fair-esm, ``Alphabet.from_architecture("ESM-1b")``), which weights depend on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genoseq.protein import AMINO_ACIDS, UNKNOWN, encode_protein

__all__ = ["AMINO", "CLS", "EOS", "MASK", "PAD", "TOKENS", "X", "decode_tokens", "padded", "tokens_of"]

TOKENS = (
    "<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO", ".", "-", "<null_1>", "<mask>",
)  # fmt: skip
CLS, PAD, EOS, MASK = (TOKENS.index(name) for name in ("<cls>", "<pad>", "<eos>", "<mask>"))
X = TOKENS.index("X")
AMINO = np.array([TOKENS.index(letter) for letter in AMINO_ACIDS], np.uint8)
"""Token of each amino acid, in the order of `genoseq.protein.AMINO_ACIDS`: uint8 (20,)."""

_OF_CODE = np.append(AMINO, [X, X]).astype(np.uint8)  # a stop within a protein is unknown


def tokens_of(text: str) -> NDArray[np.uint8]:
    """Tokens of the letters of a protein, without ``<cls>`` and ``<eos>``: uint8 (n,).

    Other letters than those of the twenty amino acids are X.

    Raises
    ------
    InputError
        For a letter that no protein is written with.

    Examples
    --------
    >>> tokens_of("MKLU").tolist()
    [20, 15, 4, 24]
    """
    return _OF_CODE[np.minimum(encode_protein(text), UNKNOWN)]


def decode_tokens(tokens: NDArray[np.integer]) -> str:
    """Letters of tokens; masks are ``?`` and other special tokens are left out.

    Examples
    --------
    >>> decode_tokens(np.array([CLS, 20, MASK, 15, EOS, PAD]))
    'M?K'
    """
    return "".join(
        "?" if t == MASK else TOKENS[t] for t in tokens.tolist() if t == MASK or len(TOKENS[t]) == 1
    )


def padded(rows: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Rows of tokens as one batch: ``<cls> row <eos>``, filled up with ``<pad>``; int64 (n, longest + 2)."""
    out = np.full((len(rows), max(map(len, rows), default=0) + 2), PAD, np.int64)
    for line, row in zip(out, rows, strict=True):
        line[0] = CLS
        line[1 : len(row) + 1] = row
        line[len(row) + 1] = EOS
    return out
