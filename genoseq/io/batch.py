"""A batch of reads as arrays: the form in which reads travel through genoseq, never one object per read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genoseq.errors import InputError, UsageError
from genoseq.io.fastx_kernels import gather
from genoseq.io.origin import Origin
from genoseq.sequence import READ_LETTER_TABLE, encode

__all__ = ["ReadBatch"]

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

_FIRST_QUALITY, _LAST_QUALITY = ord("!"), ord("~")  # SAM specification, section 1.4: QUAL


@dataclass(frozen=True)
class ReadBatch:
    """Reads laid end to end; read i is `offsets[i]:offsets[i + 1]` of the base arrays.

    Attributes
    ----------
    names
        uint8[*], the names as ASCII, up to the first space or tab of the header, laid end to end.
    name_offsets
        int64[n + 1], where each name starts in `names`.
    codes
        uint8[bases], base codes 0..4.
    letters
        uint8[bases], the bases as SAM shows them: upper case, U as T, gaps as N.
    offsets
        int64[n + 1], where each read starts in `codes`, `letters` and `quals`.
    quals
        uint8[bases], phred + 33 as ASCII; uint8[0] when the reads have no qualities.
    comments
        uint8[*], what follows the name in the header; `comment_offsets` int64[n + 1].
    first
        0-based number of the first of these reads in its file.
    mates
        uint8[n], 1 for the first mate of a pair, which its second, 2, follows; 0 for single reads. None when
        there are no pairs.
    origin
        What SAM and BAM say of the reads beside that; None for other formats.
    """

    names: Bytes
    name_offsets: Offsets
    codes: Bytes
    letters: Bytes
    offsets: Offsets
    quals: Bytes
    comments: Bytes
    comment_offsets: Offsets
    first: int = 0
    mates: Bytes | None = None
    origin: Origin | None = None

    def __len__(self) -> int:
        return self.offsets.size - 1

    @property
    def has_quals(self) -> bool:
        """Whether the reads came with qualities."""
        return self.quals.size > 0

    @property
    def pairs(self) -> Offsets:
        """int64[p], the number of the first mate of each pair; its second has the next number."""
        return np.empty(0, np.int64) if self.mates is None else np.flatnonzero(self.mates == 1)

    @property
    def lengths(self) -> Offsets:
        """int64[n], the length of each read in bp."""
        return np.diff(self.offsets)

    def name(self, i: int) -> str:
        """The name of read i."""
        return _text(self.names, self.name_offsets, i)

    def comment(self, i: int) -> str:
        """The text after the name of read i, empty if there is none."""
        return _text(self.comments, self.comment_offsets, i)

    def sequence(self, i: int) -> str:
        """The letters of read i."""
        return _text(self.letters, self.offsets, i)

    def quality(self, i: int) -> str:
        """The qualities of read i as phred + 33 text, empty if there are none."""
        return _text(self.quals, self.offsets, i) if self.has_quals else ""

    def select(self, indices: npt.ArrayLike) -> ReadBatch:
        """The reads `indices` (int[m], or bool[n]) in that order, as single reads; `first` stays."""
        rows = np.asarray(indices)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        names, name_offsets = _gathered(self.names, self.name_offsets, rows)
        comments, comment_offsets = _gathered(self.comments, self.comment_offsets, rows)
        codes, offsets = _gathered(self.codes, self.offsets, rows)
        letters, _ = _gathered(self.letters, self.offsets, rows)
        quals = _gathered(self.quals, self.offsets, rows)[0] if self.has_quals else self.quals
        origin = None if self.origin is None else self.origin.select(rows)
        return ReadBatch(
            names, name_offsets, codes, letters, offsets, quals, comments, comment_offsets, self.first,
            origin=origin,
        )  # fmt: skip

    def parts(self, reads: Offsets, starts: Offsets, stops: Offsets) -> ReadBatch:
        """Stretches of reads, ``starts[i]:stops[i]`` of read ``reads[i]``, as single reads of their names."""
        names, name_offsets = _gathered(self.names, self.name_offsets, reads)
        comments, comment_offsets = _gathered(self.comments, self.comment_offsets, reads)
        offsets, first = starts_of(stops - starts), self.offsets[reads] + starts
        rows = np.arange(reads.size)
        codes, letters, quals = (
            gather(each, first, rows, offsets) if each.size else each
            for each in (self.codes, self.letters, self.quals)
        )
        return ReadBatch(
            names, name_offsets, codes, letters, offsets, quals, comments, comment_offsets, self.first
        )

    @classmethod
    def concat(cls, batches: Sequence[ReadBatch]) -> ReadBatch:
        """Batches end to end as single reads; all of them with qualities, or none."""
        names, name_offsets = _end_to_end([(b.names, b.name_offsets) for b in batches])
        comments, comment_offsets = _end_to_end([(b.comments, b.comment_offsets) for b in batches])
        codes, offsets = _end_to_end([(b.codes, b.offsets) for b in batches])
        letters, quals = (
            np.concatenate(part) for part in zip(*((b.letters, b.quals) for b in batches), strict=True)
        )
        origin = Origin.concat([(b.origin, len(b)) for b in batches])
        return cls(
            names, name_offsets, codes, letters, offsets, quals, comments, comment_offsets, batches[0].first,
            origin=origin,
        )  # fmt: skip

    @classmethod
    def from_strings(
        cls,
        names: Sequence[str],
        sequences: Sequence[str],
        qualities: Sequence[str] | None = None,
        *,
        comments: Sequence[str] | None = None,
        first: int = 0,
    ) -> ReadBatch:
        """A batch from Python strings: for notebooks, tests, and formats that other libraries parse.

        Raises
        ------
        UsageError
            If the lists, or a sequence and its quality, are of different length.
        InputError
            For an empty sequence, a letter that is no nucleotide, or a quality that is not phred + 33 (0 to
            93), with the name of the read.

        Examples
        --------
        >>> batch = ReadBatch.from_strings(["a", "b"], ["ACGT", "ggn"])
        >>> len(batch), batch.sequence(1), batch.codes.tolist()
        (2, 'GGN', [0, 1, 2, 3, 2, 2, 4])
        """
        for other in (sequences, qualities, comments):
            if other is not None and len(other) != len(names):
                raise UsageError(f"{len(names)} names but {len(other)} sequences, qualities or comments")
        for i, sequence in enumerate(sequences):
            if not sequence:
                raise InputError(f"read {names[i]!r} has no bases")
            if qualities is not None and len(qualities[i]) != len(sequence):
                found = f"{len(sequence)} bases but {len(qualities[i])} qualities"
                raise UsageError(f"read {names[i]!r} has {found}")
        raw, offsets = _joined(sequences)
        try:
            codes = encode(raw)
        except InputError:
            _name_the_read(names, sequences)
            raise
        joined_names, name_offsets = _joined(names)
        joined_comments, comment_offsets = _joined([""] * len(names) if comments is None else comments)
        quals = np.empty(0, np.uint8) if qualities is None else _quality_letters(names, qualities)
        return cls(
            joined_names,
            name_offsets,
            codes,
            READ_LETTER_TABLE[raw],
            offsets,
            quals,
            joined_comments,
            comment_offsets,
            first,
        )


def starts_of(lengths: npt.NDArray[np.int64]) -> Offsets:
    """int64[n] lengths to int64[n + 1] offsets."""
    offsets = np.zeros(lengths.size + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _end_to_end(parts: Sequence[tuple[Bytes, Offsets]]) -> tuple[Bytes, Offsets]:
    values, offsets = zip(*parts, strict=True)
    return np.concatenate(values), starts_of(np.concatenate([np.diff(each) for each in offsets]))


def _name_the_read(names: Sequence[str], sequences: Sequence[str]) -> None:
    for name, sequence in zip(names, sequences, strict=True):
        try:
            encode(sequence)
        except InputError as error:
            raise InputError(f"read {name!r}: {error}") from error


def _quality_letters(names: Sequence[str], qualities: Sequence[str]) -> Bytes:
    quals, _ = _joined(qualities)
    good = (quals >= _FIRST_QUALITY) & (quals <= _LAST_QUALITY)
    if good.all() and all(map(str.isascii, qualities)):
        return quals
    for name, quality in zip(names, qualities, strict=True):
        wrong = [letter for letter in quality if not _FIRST_QUALITY <= ord(letter) <= _LAST_QUALITY]
        if wrong:
            raise InputError(f"read {name!r}: {wrong[0]!r} is not a quality of phred + 33 (0 to 93)")
    return quals


def _text(values: Bytes, offsets: Offsets, i: int) -> str:
    if i < 0:
        i += offsets.size - 1
    return values[offsets[i] : offsets[i + 1]].tobytes().decode("ascii", "replace")


def _joined(texts: Sequence[str]) -> tuple[Bytes, Offsets]:
    pieces = [text.encode("ascii", "replace") for text in texts]
    lengths = np.fromiter((len(piece) for piece in pieces), np.int64, len(pieces))
    return np.frombuffer(b"".join(pieces), np.uint8), starts_of(lengths)


def _gathered(values: Bytes, offsets: Offsets, rows: Offsets) -> tuple[Bytes, Offsets]:
    new_offsets = starts_of(offsets[rows + 1] - offsets[rows])
    return gather(np.ascontiguousarray(values), offsets, rows, new_offsets), new_offsets
