"""Amino acids: letters, codes, and what a protein may be written with.

An amino acid is a small number inside genoseq, as a base is (`genoseq.sequence`): the twenty in alphabetical
order of their letters are 0 to 19, a stop is 20, and everything else that a protein may hold is 21.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.sequence import describe_letter

__all__ = ["AMINO_ACIDS", "STOP", "UNKNOWN", "decode_protein", "encode_protein", "looks_like_nucleotides"]

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""Letters of the twenty that genes code for, in the order of their codes (IUPAC-IUB 1984)."""
STOP, UNKNOWN = 20, 21

# B, J, Z: one of two; X: any; O, U: pyrrolysine and selenocysteine, which no model here knows
_OTHERS = "BJOUXZ"
_LETTERS = AMINO_ACIDS + "*X"
_NONE = 255
_NUCLEOTIDES = np.frombuffer(b"ACGTUNacgtun", np.uint8)
_LONG_ENOUGH = 20  # letters: by chance, one protein of 10^12 or fewer is made of A, C, G, N and T alone
_MOSTLY = 0.95  # share of such letters, so that other IUPAC codes do not hide a nucleotide sequence

_TABLE = np.full(256, _NONE, np.uint8)
for _code, _letter in enumerate(AMINO_ACIDS + "*"):
    _TABLE[[ord(_letter), ord(_letter.lower())]] = _code
for _letter in _OTHERS:
    _TABLE[[ord(_letter), ord(_letter.lower())]] = UNKNOWN
_TABLE.setflags(write=False)

Codes = npt.NDArray[np.uint8]


def encode_protein(text: str | bytes | Codes) -> Codes:
    """Letters of a protein to codes.

    Parameters
    ----------
    text
        Letters, or ASCII values as uint8 (n,). Lower case counts as upper case.

    Returns
    -------
    ndarray, shape (n,), dtype uint8
        0..19 for the twenty amino acids, 20 for a stop (``*``), 21 for B, J, O, U, X and Z.

    Raises
    ------
    InputError
        For another letter, gaps included; it names the letter and its 0-based position.

    Examples
    --------
    >>> encode_protein("ACy*X").tolist()
    [0, 1, 19, 20, 21]
    """
    if isinstance(text, str):
        text = text.encode("ascii", "replace")
    letters = np.frombuffer(text, np.uint8) if isinstance(text, bytes) else np.asarray(text)
    if letters.dtype != np.uint8:
        raise UsageError(f"letters must be str, bytes or uint8, not {letters.dtype}")
    codes = _TABLE[letters]
    bad = codes == _NONE
    if bad.any():
        position = int(np.argmax(bad))
        found = describe_letter(int(letters[position]))
        raise InputError(
            f"{found} at position {position} is not a letter of a protein "
            f"(expected: {AMINO_ACIDS}, {_OTHERS}, *)"
        )
    return codes


def decode_protein(codes: Codes) -> str:
    """Codes to letters; 21 becomes X.

    Examples
    --------
    >>> decode_protein(encode_protein("mkvB*"))
    'MKVX*'
    """
    return "".join(_LETTERS[code] for code in codes.tolist())


def looks_like_nucleotides(texts: Iterable[str]) -> bool:
    """Whether the longest of some sequences is DNA or RNA: 20 letters or more, nearly all A, C, G, T, U, N.

    Examples
    --------
    >>> looks_like_nucleotides(["ACGTTGCAACGTGATTACAT"]), looks_like_nucleotides(["MKTAYIAKQRQISFVKSHFS"])
    (True, False)
    """
    longest = max(texts, key=len, default="")
    letters = np.frombuffer(longest.encode("ascii", "replace"), np.uint8)
    return len(letters) >= _LONG_ENOUGH and float(np.isin(letters, _NUCLEOTIDES).mean()) >= _MOSTLY
