"""Sizes of one prefix with many suffixes by DEFLATE, without compressing the prefix again.

Two ways give the same bytes. Level 9, which `gzip.compress` has, is computed (`genoseq.ncd.parsing`); what
that cannot tell, and other levels, are compressed: zlib takes the prefix once and its state is copied for
each suffix.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from genoseq.ncd.compressor import Numbers, Sizes, Suffixes
from genoseq.ncd.deflate import SYMBOLS, new_workspace
from genoseq.ncd.parsing import (
    LONGEST_TEXT,
    MOST_CANDIDATES,
    UNKNOWN,
    automaton,
    crowding,
    earlier_copies,
    joint_sizes,
    parse,
)

__all__ = ["DeflateSuffixes"]

_COMPUTED_LEVEL = 9
_AROUND = {31: 18, 15: 6}  # bytes of gzip's and zlib's header and check sum, by window bits

Letters = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DeflateSuffixes(Suffixes):
    """Suffixes with what is known of them before any prefix.

    Attributes
    ----------
    level, bits : int
        Of zlib.
    suffixes : sequence of bytes
    separator : bytes
        How prefixes end, of one letter that no suffix has, if `known` is there.
    known : _Known or None
        What level 9 is computed from.
    """

    level: int
    bits: int
    suffixes: Sequence[bytes]
    separator: bytes
    known: _Known | None

    @classmethod
    def prepare(
        cls, level: int, bits: int, suffixes: Sequence[bytes], separator: bytes = b" "
    ) -> DeflateSuffixes:
        """Find what can be found before any prefix, at about the cost of compressing each suffix once."""
        computed = level == _COMPUTED_LEVEL and len(separator) == 1 and zlib_is_classic()
        computed = computed and not any(separator in text for text in suffixes)
        return cls(level, bits, suffixes, separator, _Known.of(suffixes) if computed else None)

    def sizes(self, prefix: bytes, chosen: Numbers | None = None) -> Sizes:
        """Bytes of a prefix with each suffix."""
        if chosen is None:
            chosen = np.arange(len(self.suffixes))
        is_plain = prefix.find(self.separator) == len(prefix) - 1 and len(prefix) < LONGEST_TEXT
        if self.known is None or not is_plain:
            return self._compressed(prefix, chosen)
        found = self.known.sizes(prefix, chosen)
        rest = found == UNKNOWN
        found += _AROUND[self.bits]
        if rest.any():
            found[rest] = self._compressed(prefix, chosen[rest])
        return found

    def _compressed(self, prefix: bytes, chosen: Numbers) -> Sizes:
        start = zlib.compressobj(self.level, zlib.DEFLATED, self.bits)
        written = len(start.compress(prefix))
        found = np.empty(len(chosen), np.int32)
        for row, number in enumerate(chosen.tolist()):
            encoder = start.copy()
            found[row] = written + len(encoder.compress(self.suffixes[number])) + len(encoder.flush())
        return found


@dataclass(frozen=True)
class _Known:
    """Suffixes as the kernel takes them.

    Attributes
    ----------
    alphabet : ndarray, shape (256,), dtype uint8
        Letter to number; those that no suffix has share the last one.
    letters : int
        Numbers.
    arrays : tuple of ndarray
        The argument `suffixes` of `joint_sizes`.
    """

    alphabet: Letters
    letters: int
    arrays: tuple[Letters, Letters, Numbers, npt.NDArray[np.uint16], npt.NDArray[np.uint16], Numbers]

    @classmethod
    def of(cls, suffixes: Sequence[bytes]) -> _Known:
        kept = [each if len(each) < LONGEST_TEXT else b"" for each in suffixes]
        text = np.frombuffer(b"".join(kept), np.uint8)
        offsets = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(each) for each in kept], out=offsets[1:])
        used = np.flatnonzero(np.bincount(text, minlength=256))
        alphabet = np.full(256, len(used), np.uint8)
        alphabet[used] = np.arange(len(used))
        lengths, distances = np.zeros(len(text), np.uint16), np.zeros(len(text), np.uint16)
        crowds = np.full(len(kept), MOST_CANDIDATES + 1, np.int64)  # what that leaves only zlib can tell
        for number in range(len(kept)):
            part = slice(offsets[number], offsets[number + 1])
            if kept[number] and (crowd := crowding(text[part])) <= MOST_CANDIDATES:
                crowds[number] = crowd
                earlier_copies(text[part], 0, lengths[part], distances[part])
        return cls(alphabet, len(used) + 1, (text, alphabet[text], offsets, lengths, distances, crowds))

    def sizes(self, prefix: bytes, chosen: Numbers) -> Sizes:
        text = np.frombuffer(prefix, np.uint8)
        crowd = crowding(text)
        if crowd > MOST_CANDIDATES:
            return np.full(len(chosen), UNKNOWN, np.int32)
        lengths, distances = np.empty(len(text), np.uint16), np.empty(len(text), np.uint16)
        earlier_copies(text, 1, lengths, distances)
        frequencies = np.zeros(SYMBOLS, np.int32)
        symbols = parse(text, lengths, distances, frequencies)
        states = automaton(self.alphabet[text[1:-1]], self.letters)
        found = np.empty(len(chosen), np.int32)
        joint_sizes(
            (len(text), crowd), symbols, frequencies, states, self.arrays,
            chosen, new_workspace(), found,
        )  # fmt: skip
        return found


@cache
def zlib_is_classic() -> bool:
    """Whether the zlib of this Python gives the sizes of zlib 1.2.x and 1.3.x; zlib-ng does not.

    Tried on texts like those to come: DNA with mutated copies, and letters of protein.
    """
    rng = np.random.default_rng(1)
    for letters, length in ((b"ACGT", 3000), (b"ACGT", 200), (b"ACDEFGHIKLMNPQRSTVWY", 900)):
        text = rng.choice(np.frombuffer(letters, np.uint8), length)
        copy = text[: length // 2].copy()
        copy[rng.integers(len(copy), size=len(copy) // 20)] = letters[0]
        prefix, suffix = text.tobytes() + b" ", copy.tobytes()
        computed = int(_Known.of([suffix]).sizes(prefix, np.arange(1))[0])
        if computed + _AROUND[31] != len(zlib.compress(prefix + suffix, _COMPUTED_LEVEL, 31)):
            return False
    return True
