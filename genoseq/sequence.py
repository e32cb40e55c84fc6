"""Alphabets, base codes, the one reverse complement, and k-mers.

A nucleotide is a small number everywhere inside genoseq: A=0, C=1, G=2, T=3 (U reads as T), and 4 for
every other IUPAC letter (N, the ambiguity codes, gaps). With these codes the complement of a base is
`3 - code`, and k-mers are numbers in base 4. Text stays at the edges: files come in and go out as ASCII
bytes in `uint8` arrays.

The tables are plain `uint8[256]` arrays indexed by the ASCII value; numba kernels use them as constants.
"""

from __future__ import annotations

import math
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError

__all__ = [
    "AMBIGUOUS",
    "COMPLEMENT_TABLE",
    "ENCODE_TABLE",
    "LETTERS",
    "NOT_IUPAC",
    "READ_LETTER_TABLE",
    "UPPER_TABLE",
    "decode",
    "describe_letter",
    "encode",
    "kmers",
    "reverse_complement",
    "reverse_complement_text",
]

Codes = npt.NDArray[np.uint8]
Text = TypeVar("Text", str, bytes)

#: The code of a letter that is IUPAC but not one of A, C, G, T, U.
AMBIGUOUS = 4
#: The entry of `ENCODE_TABLE` for a byte that is not a nucleotide letter at all.
NOT_IUPAC = 255

# The letters and their complements: NC-IUB 1984, doi:10.1093/nar/13.9.3021. A gap stands for itself.
_IUPAC = "ACGTURYSWKMBDHVN-."
_COMPLEMENTS = "TGCAAYRSWMKVHDBN-."
_KMER_BITS = 62  # of the longest k-mer: what fits a signed 64-bit number


def _tables() -> tuple[Codes, Codes, Codes, Codes]:
    codes = np.full(256, NOT_IUPAC, np.uint8)
    complement = np.arange(256, dtype=np.uint8)
    upper = np.zeros(256, np.uint8)
    read_letter = np.zeros(256, np.uint8)
    for letter, opposite in zip(_IUPAC, _COMPLEMENTS, strict=True):
        code = "ACGT".find("T" if letter == "U" else letter)
        for byte, answer in ((ord(letter), ord(opposite)), (ord(letter.lower()), ord(opposite.lower()))):
            codes[byte] = AMBIGUOUS if code < 0 else code
            complement[byte] = answer
            upper[byte] = ord(letter)
            read_letter[byte] = ord({"U": "T", "-": "N", ".": "N"}.get(letter, letter))
    for table in (codes, complement, upper, read_letter):
        table.setflags(write=False)
    return codes, complement, upper, read_letter


#: ASCII value -> base code 0..4, `NOT_IUPAC` for anything that is not a nucleotide letter. uint8[256].
#: ASCII value -> ASCII value of the complement, case kept, other bytes as they are. uint8[256].
#: ASCII value -> the letter in upper case, 0 for what is not a nucleotide letter. uint8[256].
#: The same as SAM shows a read: U as T, gaps as N (SAM has no gaps in SEQ). uint8[256].
ENCODE_TABLE, COMPLEMENT_TABLE, UPPER_TABLE, READ_LETTER_TABLE = _tables()

#: The letter of each base code.
LETTERS = np.frombuffer(b"ACGTN", np.uint8)
_COMPLEMENT_BYTES = COMPLEMENT_TABLE.tobytes()


def describe_letter(byte: int) -> str:
    """How an error message shows a byte: quoted when it can be printed, in hexadecimal otherwise.

    Examples
    --------
    >>> describe_letter(42), describe_letter(0)
    ("'*'", '0x00')
    """
    return repr(chr(byte)) if 32 < byte < 127 else f"0x{byte:02x}"


def encode(text: str | bytes | npt.NDArray[np.uint8]) -> Codes:
    """Nucleotide letters to base codes.

    Parameters
    ----------
    text
        Letters, or ASCII values as uint8[n]. Lower case counts as upper case, U as T.

    Returns
    -------
    uint8[n]
        0..3 for A, C, G, T; 4 for any other IUPAC letter, `-` and `.`.

    Raises
    ------
    InputError
        For a letter outside the IUPAC alphabet; it names the letter and its 0-based position.

    Examples
    --------
    >>> encode("acGTUN-").tolist()
    [0, 1, 2, 3, 3, 4, 4]
    """
    if isinstance(text, str):
        # latin-1 would drop letters past U+00FF; "?" is not IUPAC and keeps the positions
        text = text.encode("ascii", "replace")
    is_bytes = isinstance(text, bytes | bytearray | memoryview)
    letters = np.frombuffer(text, np.uint8) if is_bytes else np.asarray(text)
    if letters.dtype != np.uint8:
        raise UsageError(f"letters must be str, bytes or uint8, not {letters.dtype}")
    codes = ENCODE_TABLE[letters]
    bad = codes == NOT_IUPAC
    if bad.any():
        position = int(np.argmax(bad))
        raise InputError(
            f"{describe_letter(int(letters[position]))} at position {position} is not a nucleotide letter "
            f"(expected IUPAC: {_IUPAC[:-1]})"
        )
    return codes


def decode(codes: npt.NDArray[np.uint8]) -> str:
    """Base codes to letters; everything that is not 0..3 becomes N.

    Examples
    --------
    >>> decode(encode("acgtry"))
    'ACGTNN'
    """
    return LETTERS[np.minimum(np.asarray(codes, np.uint8), AMBIGUOUS)].tobytes().decode("ascii")


def reverse_complement(codes: npt.NDArray[np.uint8]) -> Codes:
    """The other strand of base codes, read in its own 5' to 3' direction; 4 stays 4.

    Examples
    --------
    >>> decode(reverse_complement(encode("AACGN")))
    'NCGTT'
    """
    codes = np.asarray(codes, np.uint8)
    return np.where(codes < AMBIGUOUS, 3 - codes, codes)[::-1].astype(np.uint8)


@overload
def reverse_complement_text(text: str) -> str: ...
@overload
def reverse_complement_text(text: bytes) -> bytes: ...
def reverse_complement_text(text: str | bytes) -> str | bytes:
    """The other strand of letters: all IUPAC codes, case kept, U answered by A.

    Examples
    --------
    >>> reverse_complement_text("AACGRYKMn")
    'nKMRYCGTT'
    """
    if isinstance(text, str):
        return text.encode("latin-1").translate(_COMPLEMENT_BYTES)[::-1].decode("latin-1")
    return text.translate(_COMPLEMENT_BYTES)[::-1]


def kmers(codes: npt.NDArray[np.uint8], k: int, *, letters: int = 4) -> npt.NDArray[np.int64]:
    """All k-mers as numbers, the first base in the highest place.

    Parameters
    ----------
    codes
        uint8[n] base codes, or those of another alphabet.
    k
        Length in bases, 1..31; of a larger alphabet as many letters as 62 bits hold.
    letters
        Of the alphabet: codes from here on are unknown.

    Returns
    -------
    int64[max(0, n - k + 1)]
        The k-mer that starts at each position, -1 where it holds an unknown code.

    Examples
    --------
    >>> kmers(encode("ACGTNAC"), 2).tolist()
    [1, 6, 11, -1, -1, 1]
    """
    longest = int(_KMER_BITS / math.log2(letters))
    if not 1 <= k <= longest:
        raise UsageError(f"k is {k}; it must be 1..{longest}")
    codes = np.asarray(codes, np.uint8)
    count = codes.size - k + 1
    if count <= 0:
        return np.empty(0, np.int64)
    values = np.zeros(count, np.int64)
    bad = np.zeros(count, bool)
    for shift in range(k):
        part = codes[shift : shift + count]
        values = values * letters + part
        bad |= part >= letters
    values[bad] = -1
    return values
