"""Sequences as users give them, checked in one place for every estimator and distance.

A list, a tuple, a numpy array or a pandas column of texts. Whatever is wrong is said of one sequence,
``sequences[3]``, with its number from 0 on and the name of the parameter.

Every letter of nucleotides is one of proteins too, so that DNA given as protein is no error of the letters;
`check_proteins` tells it by what proteins do not do. None of 20,000 of UniProt is taken for DNA.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.protein import UNKNOWN, decode_protein, encode_protein, looks_like_nucleotides
from genoseq.sequence import AMBIGUOUS, decode, encode

__all__ = ["Sequences", "as_codes", "as_texts", "check_proteins", "checked"]

_TELLING = 20  # residues: shorter ones of few letters may be peptides
_CODES = {  # of each alphabet: what a sequence must be, a code, the last code, what encodes text
    "dna": ("a sequence must be one row of base codes", "a base code", AMBIGUOUS, "genoseq.encode"),
    "protein": (
        "a protein must be one row of codes",
        "a code of an amino acid",
        UNKNOWN,
        "genoseq.protein.encode_protein",
    ),
}

Codes = npt.NDArray[np.uint8]
Sequences = Sequence[str | bytes] | Sequence[Codes] | npt.NDArray[Any]


def as_texts(sequences: Sequences, what: str = "sequences") -> list[bytes]:
    """Sequences as bytes in upper case.

    Parameters
    ----------
    sequences
    what
        What messages call them.

    Raises
    ------
    UsageError
        If it is not a list of texts.
    InputError
        If one is empty.
    """
    found = _each(sequences, what, str | bytes, "str or bytes is expected")
    return [(each.encode() if isinstance(each, str) else bytes(each)).upper() for _, each in found]


def as_codes(sequences: Sequences, alphabet: str = "dna", what: str = "sequences") -> list[Codes]:
    """Sequences as base codes (`genoseq.sequence`), or as those of amino acids (`genoseq.protein`).

    Parameters
    ----------
    sequences
        Texts, or codes.
    alphabet
        "dna" (RNA is one) or "protein".
    what
        What messages call them.

    Raises
    ------
    UsageError
        If it is not a list of texts or codes.
    InputError
        If one is empty, or holds letters of another alphabet.
    """
    codes = []
    kinds = str | bytes | np.ndarray
    for name, each in _each(sequences, what, kinds, "text or codes (uint8) are expected"):
        try:
            if isinstance(each, np.ndarray):
                codes.append(checked(each, alphabet))
            else:
                codes.append(encode_protein(each) if alphabet == "protein" else encode(each))
        except (InputError, UsageError) as error:
            is_protein = alphabet == "dna" and _is_protein(each)
            hint = '; of proteins the alphabet is "protein"' if is_protein else ""
            raise type(error)(f"{name}: {error}{hint}") from error
    return codes


def checked(sequence: Codes, alphabet: str = "dna") -> Codes:
    """Codes of bases, or of amino acids, as kernels take them.

    Raises
    ------
    UsageError
        If it is not one row of uint8, or is text that was not encoded.
    """
    codes = np.ascontiguousarray(sequence)
    row, code, last, encoder = _CODES[alphabet]
    if codes.dtype != np.uint8 or codes.ndim != 1:
        raise UsageError(f"{row} (uint8, see {encoder}), not {codes.dtype} of shape {codes.shape}")
    if codes.size and codes.max() > last:
        raise UsageError(f"{code} is {codes.max()}, and 0..{last} are possible: encode text ({encoder})")
    return codes


def check_proteins(sequences: Sequences, what: str = "sequences", *, refuse: bool) -> None:
    """See whether at least half of the proteins of 20 residues and more are DNA or RNA.

    Parameters
    ----------
    sequences
        Texts or codes, as `as_codes` took them.
    what
        What messages call them.
    refuse
        An error instead of a warning: what is learned would be worth nothing, where a query may be odd.

    Raises
    ------
    InputError

    Warns
    -----
    GenoseqWarning
    """
    long = [number for number, each in enumerate(sequences) if len(each) >= _TELLING]
    suspects = [number for number in long if _looks_like_nucleotides(sequences[number])]
    if not suspects or 2 * len(suspects) < len(long):
        return
    message = (
        f"{len(suspects):,} of {len(long):,} proteins, {what}[{suspects[0]}] first, hold little but the "
        'letters of nucleotides (A, C, G, T, U, N); of DNA and RNA the alphabet is "dna"'
    )
    if refuse:
        raise InputError(message)
    warnings.warn(message, GenoseqWarning, stacklevel=4)


def _each(sequences: Sequences, what: str, kinds: Any, expected: str) -> Iterator[tuple[str, Any]]:
    """What messages call each sequence, and the sequence."""
    if isinstance(sequences, str | bytes):
        raise UsageError(f"{what} is one sequence in the place of a list: put it into brackets")
    for number, each in enumerate(cast("Iterable[object]", sequences)):
        if not isinstance(each, kinds):
            raise UsageError(f"{what}[{number}] is {type(each).__name__}; {expected}")
        if not len(each):
            raise InputError(f"{what}[{number}] is empty; leave it out")
        yield f"{what}[{number}]", each


def _looks_like_nucleotides(sequence: str | bytes | Codes) -> bool:
    if isinstance(sequence, np.ndarray):  # base codes are codes of amino acids too
        shown = decode(sequence) if sequence.max() <= AMBIGUOUS else decode_protein(sequence)
        return looks_like_nucleotides([shown])
    return looks_like_nucleotides([sequence.decode("ascii") if isinstance(sequence, bytes) else sequence])


def _is_protein(text: object) -> bool:
    try:
        return isinstance(text, str | bytes) and bool(encode_protein(text).size)
    except InputError:
        return False
