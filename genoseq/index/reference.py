"""The reference: contigs end to end at two bits a base, with the exceptions beside them.

All positions of the search are *concatenated* coordinates (0-based, half-open): contig ``i`` occupies
``offsets[i]:offsets[i + 1]``. Letters other than A, C, G, T are kept as runs (start, end, letter), so that
the bases, the mapped memory and the MD tag stay exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import InputError
from genoseq.index.packed import pack_into, unpack, words_for
from genoseq.io.fastx import read_fasta
from genoseq.sequence import AMBIGUOUS, ENCODE_TABLE, LETTERS

_CHUNK = 1 << 20  # bases turned into codes at a time: bounds the memory of reading a chromosome
_LINE = 64  # letters of a line of FASTA; divides _CHUNK


@dataclass(frozen=True)
class Reference:
    """Contigs and their bases.

    Attributes
    ----------
    names : list of str
    offsets : ndarray, shape (contigs + 1,), dtype int64
        Contig ``i`` is ``offsets[i]:offsets[i + 1]`` in concatenated coordinates.
    md5s : list of str
        MD5 of each contig's upper-case letters, as the M5 tag of SAM wants it.
    words : ndarray, dtype uint64
        Bases at two bits (see `genoseq.index.packed`); may be a memory map.
    exceptions : ndarray, shape (runs, 3), dtype int64
        Runs of a letter other than A, C, G, T: start, end (concatenated), letter (ASCII), in order.
    """

    names: list[str]
    offsets: NDArray[np.int64]
    md5s: list[str]
    words: NDArray[np.uint64]
    exceptions: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each contig, bp."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return int(self.offsets[-1])

    @classmethod
    def from_fasta(cls, path: str | Path) -> Reference:
        """Read a FASTA file (plain or compressed), one contig at a time.

        Raises
        ------
        InputError
            If the file cannot be read, is not FASTA, holds a foreign letter, two contigs of one name, or no
            sequence.
        """
        reference = cls._build(read_fasta(path))
        if not len(reference):
            raise InputError("no sequence to index: the file holds no FASTA record", path)
        return reference

    @classmethod
    def from_sequences(cls, sequences: Iterable[tuple[str, str]]) -> Reference:
        """Make a reference of ``(name, letters)`` pairs, for notebooks and tests.

        Examples
        --------
        >>> reference = Reference.from_sequences([("one", "ACGTN"), ("two", "GGCC")])
        >>> len(reference), reference.contig_codes("two").tolist()
        (9, [2, 2, 1, 1])
        """
        return cls._build((name, np.frombuffer(text.upper().encode(), np.uint8)) for name, text in sequences)

    @classmethod
    def _build(cls, contigs: Iterable[tuple[str, NDArray[np.uint8]]]) -> Reference:
        names: list[str] = []
        md5s: list[str] = []
        ends = [0]
        words = np.zeros(words_for(0), np.uint64)
        runs: list[NDArray[np.int64]] = []
        for name, letters in contigs:
            names.append(name)
            md5s.append(hashlib.md5(letters.data, usedforsecurity=False).hexdigest())
            needed = words_for(ends[-1] + len(letters))
            if needed > len(words):
                grown = np.zeros(max(needed, len(words) * 5 // 4), np.uint64)
                grown[: len(words)] = words
                words = grown
            for start in range(0, len(letters), _CHUNK):
                part = letters[start : start + _CHUNK]
                codes = ENCODE_TABLE[part]
                pack_into(codes, words, ends[-1] + start)
                found = _runs(part, codes)
                if len(found):
                    runs.append(found + np.array([ends[-1] + start, ends[-1] + start, 0]))
            ends.append(ends[-1] + len(letters))
        exceptions = np.concatenate(runs) if runs else np.empty((0, 3), np.int64)
        return cls(
            names, np.array(ends, np.int64), md5s, words[: words_for(ends[-1])].copy(), join_runs(exceptions)
        )

    def has_sound_exceptions(self) -> bool:
        """Whether the runs are in order, inside the reference, and of letters that a genome may hold."""
        runs = self.exceptions
        if runs.dtype != np.int64 or runs.ndim != 2 or runs.shape[1] != 3:
            return False
        starts, ends, letters = runs.T
        borders = np.concatenate([[0], runs[:, :2].ravel(), [len(self)]])
        known = (letters >= 0) & (letters < len(ENCODE_TABLE))
        return bool(
            (np.diff(borders) >= 0).all()
            and (starts < ends).all()
            and known.all()
            and (ENCODE_TABLE[letters] == AMBIGUOUS).all()
        )

    def contig_of(self, position: int) -> int:
        """Number of the contig that a concatenated position lies in."""
        return int(np.searchsorted(self.offsets, position, side="right")) - 1

    def codes(self, start: int, end: int) -> NDArray[np.uint8]:
        """Base codes of ``start:end`` in concatenated coordinates; 4 where the letter is not A, C, G or T."""
        out = np.empty(end - start, np.uint8)
        unpack(self.words, start, out)
        first = np.searchsorted(self.exceptions[:, 1], start, side="right")
        for low, high, _ in self.exceptions[first:]:
            if low >= end:
                break
            out[max(low - start, 0) : high - start] = 4
        return out

    def letters(self, start: int, end: int) -> NDArray[np.uint8]:
        """Letters of ``start:end`` in concatenated coordinates, upper case, IUPAC codes as they were."""
        out = LETTERS[self.codes(start, end)]
        first = np.searchsorted(self.exceptions[:, 1], start, side="right")
        for low, high, letter in self.exceptions[first:]:
            if low >= end:
                break
            out[max(low - start, 0) : high - start] = letter
        return out

    def write_fasta(self, path: str | Path) -> None:
        """Write the contigs as FASTA with lines of 64 letters, which `samtools faidx` can index."""
        with Path(path).open("wb") as file:
            for name, start, end in zip(self.names, self.offsets[:-1], self.offsets[1:], strict=True):
                file.write(f">{name}\n".encode())
                for low in range(int(start), int(end), _CHUNK):
                    letters = self.letters(low, min(low + _CHUNK, int(end)))
                    whole = len(letters) - len(letters) % _LINE
                    lines = np.full((whole // _LINE, _LINE + 1), ord("\n"), np.uint8)
                    lines[:, :_LINE] = letters[:whole].reshape(-1, _LINE)
                    file.write(lines.tobytes())
                    if whole < len(letters):
                        file.write(letters[whole:].tobytes() + b"\n")

    def contig_codes(self, contig: str | int, start: int = 0, end: int | None = None) -> NDArray[np.uint8]:
        """Base codes of a stretch of one contig, 0-based half-open; the whole contig by default.

        Raises
        ------
        InputError
            If there is no contig of that name, or the stretch leaves it.
        """
        if isinstance(contig, str):
            if contig not in self.names:
                raise InputError(f"no contig named {contig!r}; the reference has {', '.join(self.names[:5])}")
            contig = self.names.index(contig)
        length = int(self.lengths[contig])
        end = length if end is None else end
        if not 0 <= start <= end <= length:
            raise InputError(f"{self.names[contig]}:{start}-{end} leaves the contig, which has {length} bp")
        base = int(self.offsets[contig])
        return self.codes(base + start, base + end)

    def chunks(
        self, size: int, overlap: int, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, int, int, int]]:
        """Cut the contigs into pieces for streaming.

        Parameters
        ----------
        size, overlap : int
            In bp.
        first, last : int
            Half-open stretch, concatenated coordinates; all of the reference by default.

        Yields
        ------
        start, end : int
            The piece, concatenated coordinates; pieces tile each contig, or what of it lies in the stretch.
        low, high : int
            The piece with up to `overlap` bases more on each side, inside its contig.
        """
        for contig_start, contig_end in zip(
            self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True
        ):
            until = contig_end if last is None else min(contig_end, last)
            for start in range(max(contig_start, first), until, size):
                end = min(start + size, until)
                yield start, end, max(start - overlap, contig_start), min(end + overlap, contig_end)


def _runs(letters: NDArray[np.uint8], codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Runs of one letter other than A, C, G, T: (start, end, letter)."""
    strange = np.where(codes > 3, letters, 0).astype(np.int16)
    borders = np.flatnonzero(np.diff(strange, prepend=0, append=0))
    if not len(borders):
        return np.empty((0, 3), np.int64)
    starts, ends = borders[:-1], borders[1:]
    letter = strange[starts]
    return np.stack([starts, ends, letter], 1)[letter > 0].astype(np.int64)


def join_runs(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Exceptions (as of `Reference`) with runs of one letter that touch as one: a cut does not show."""
    if len(runs) < 2:
        return runs
    touches = (runs[1:, 0] == runs[:-1, 1]) & (runs[1:, 2] == runs[:-1, 2])
    first = np.flatnonzero(np.concatenate([[True], ~touches]))
    last = np.append(first[1:], len(runs)) - 1
    return np.stack([runs[first, 0], runs[last, 1], runs[first, 2]], 1)
