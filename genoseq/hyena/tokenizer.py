"""Tokens of HyenaDNA: one for each base, and the special ones of the published vocabulary.

The published tokenizer knows upper case only and reads a soft-masked ``acgt`` as unknown. Here case makes no
difference; N is a token of its own, and the other IUPAC letters and gaps become N. U reads as T.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.sequence import encode

CLS, SEP, BOS, MASK, PAD, RESERVED, UNK, A, C, G, T, N = range(12)
"""The published vocabulary (standalone_hyenadna.py); four more rows of the embedding are padding."""

VOCABULARY = 12
_OF_CODE = np.array([A, C, G, T, N], np.uint8)
_LETTER = np.full(VOCABULARY, ord("N"), np.uint8)
_LETTER[[A, C, G, T]] = np.frombuffer(b"ACGT", np.uint8)


def tokens_of(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tokens of base codes (`genoseq.sequence`): uint8 of any shape -> uint8 of the same.

    Examples
    --------
    >>> from genoseq.sequence import encode
    >>> tokens_of(encode("ACGTNacgtR")).tolist()
    [7, 8, 9, 10, 11, 7, 8, 9, 10, 11]
    """
    return _OF_CODE[codes]


def tokens_of_text(text: str | bytes) -> tuple[NDArray[np.uint8], int]:
    """Tokens of letters, and how many of these are neither a base nor N: IUPAC codes and gaps.

    Raises
    ------
    InputError
        For a letter outside the IUPAC alphabet.

    Examples
    --------
    >>> tokens, others = tokens_of_text("acgNR-")
    >>> tokens.tolist(), others
    ([7, 8, 9, 11, 11, 11], 2)
    """
    letters = text.encode("ascii", "replace") if isinstance(text, str) else text
    tokens = tokens_of(encode(letters))
    return tokens, int(np.count_nonzero(tokens == N)) - letters.count(b"N") - letters.count(b"n")


def tokens_of_texts(
    sequences: Sequence[str], check: Callable[[int], None] = lambda length: None
) -> tuple[list[NDArray[np.uint8]], int]:
    """Tokens of sequences, and how many of their letters are neither a base nor N.

    Parameters
    ----------
    check : callable
        Called with the length of each sequence, bp; it raises what is to be said of that sequence.

    Raises
    ------
    UsageError
        If it is one sequence in the place of a list, or from `check`.
    InputError
        If a sequence is empty or holds letters outside the IUPAC alphabet.
    """
    if isinstance(sequences, str | bytes):
        raise UsageError("one sequence in the place of a list: put it into brackets")
    tokens, others = [], 0
    for number, text in enumerate(sequences):
        try:
            found, some = tokens_of_text(text)
            if not len(found):
                raise InputError("no bases; a sequence has one or more")
            check(len(found))
        except (InputError, UsageError) as error:
            raise type(error)(f"sequences[{number}]: {error}") from error
        tokens.append(found)
        others += some
    return tokens, others


def warn_of_others(count: int) -> None:
    """Say that letters were read as N, if there were any.

    Warns
    -----
    GenoseqWarning
    """
    if count:
        letters = "letter that is" if count == 1 else "letters that are"
        found = f"{count:,} {letters} neither A, C, G, T nor N (IUPAC codes, gaps): read as N"
        warnings.warn(found, GenoseqWarning, stacklevel=4)  # who called embed


def letters_of(tokens: NDArray[np.integer]) -> str:
    """Text of tokens, uint8 or int64 (length,); what is not a base reads as N.

    Examples
    --------
    >>> letters_of(np.array([7, 8, 9, 10, 11, 4]))
    'ACGTNN'
    """
    return _LETTER[tokens].tobytes().decode("ascii")


def reverse_complement(tokens: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand of tokens of bases, uint8 (..., length).

    Examples
    --------
    >>> letters_of(reverse_complement(tokens_of(np.array([0, 0, 1, 4], np.uint8))))
    'NGTT'

    Raises
    ------
    UsageError
        If a token is not a base.
    """
    if tokens.size and tokens.min() < A:
        raise UsageError(f"token {tokens.min()} is special; only bases have a complement")
    return np.where(tokens == N, N, A + T - tokens)[..., ::-1].astype(np.uint8)
