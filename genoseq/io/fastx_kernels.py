"""The compiled half of the FASTA and FASTQ reader: find records in a block of text, then copy them into
arrays.

A scan walks over complete records and writes their borders into a table, one row a record; a fill copies the
batch out of the text, encodes the bases and checks every letter. Both run without the GIL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from genoseq.sequence import ENCODE_TABLE, NOT_IUPAC, READ_LETTER_TABLE, UPPER_TABLE

# Columns of the record table: where things are in the text.
NAME, NAME_END, HEADER_END, SEQUENCE, SEQUENCE_END, LENGTH, QUALITY, LINE = range(8)
COLUMNS = 8

# How a scan ends.
MORE, FULL = 0, 1
NO_AT, NO_PLUS, EMPTY, QUALITY_SHORT, QUALITY_LONG, CUT, NO_NAME, NO_START = 10, 11, 12, 13, 14, 15, 16, 17
# What a fill finds.
FINE, BAD_BASE, BAD_QUALITY, BAD_NAME = 0, 20, 21, 22

_NEWLINE, _RETURN, _SPACE, _TAB = 10, 13, 32, 9
_AT, _PLUS, _GREATER = 64, 43, 62
_FIRST_GRAPHIC, _LAST_GRAPHIC = 33, 126  # what SAM allows in qualities, and but for '@' in names
# What a contig may hold: a gap of an alignment has no place in a genome, nor in the MD tag of SAM.
_CONTIG_TABLE = UPPER_TABLE.copy()
_CONTIG_TABLE[[ord("-"), ord(".")]] = 0


@njit(cache=True, nogil=True, inline="always")
def _line_end(text: npt.NDArray[np.uint8], start: int, end: int) -> int:
    while start < end and text[start] != _NEWLINE:
        start += 1
    return start


@njit(cache=True, nogil=True, inline="always")
def _without_return(text: npt.NDArray[np.uint8], start: int, stop: int) -> int:
    if stop > start and text[stop - 1] == _RETURN:
        return stop - 1
    return stop


@njit(cache=True, nogil=True, inline="always")
def _name_end(text: npt.NDArray[np.uint8], start: int, stop: int) -> int:
    while start < stop and text[start] != _SPACE and text[start] != _TAB:
        start += 1
    return start


@njit(cache=True, nogil=True)
def scan_fastq(
    text: npt.NDArray[np.uint8],
    position: int,
    end: int,
    last: bool,
    table: npt.NDArray[np.int64],
    count: int,
    bases: int,
    max_bases: int,
    line: int,
) -> tuple[int, int, int, int, int]:
    """Find FASTQ records from `position`; `last` says that no text follows.

    Returns
    -------
    count, position, bases, line, status
        The state to go on with: `line` is the 1-based line at `position`, or of the error that `status`
        tells.
    """
    while True:
        # empty lines between records and at the end of the file do no harm
        while position < end and (text[position] == _NEWLINE or text[position] == _RETURN):
            if text[position] == _NEWLINE:
                line += 1
            position += 1
        if position >= end:
            return count, position, bases, line, MORE
        if count == table.shape[0] or bases >= max_bases:
            return count, position, bases, line, FULL
        if text[position] != _AT:
            return count, position, bases, line, NO_AT
        header_stop = _line_end(text, position + 1, end)
        sequence = header_stop + 1
        sequence_stop = _line_end(text, sequence, end)
        plus = sequence_stop + 1
        if plus >= end:
            return count, position, bases, line, CUT if last else MORE
        header_end = _without_return(text, position + 1, header_stop)
        sequence_end = _without_return(text, sequence, sequence_stop)
        if text[plus] != _PLUS:
            return count, position, bases, line + 2, NO_PLUS
        quality = _line_end(text, plus, end) + 1
        length = sequence_end - sequence
        if length == 0:
            return count, position, bases, line + 1, EMPTY
        stop = quality + length  # where the quality line should end
        if stop >= end and not last:
            return count, position, bases, line, MORE
        if stop > end:
            found = _line_end(text, min(quality, end), end)
            return count, position, bases, line + 3, QUALITY_SHORT if found < end else CUT
        if stop < end and text[stop] != _NEWLINE:
            if text[stop] == _RETURN and stop + 1 == end and not last:
                return count, position, bases, line, MORE
            if text[stop] != _RETURN or (stop + 1 < end and text[stop + 1] != _NEWLINE):
                found = _line_end(text, quality, end)
                return count, position, bases, line + 3, QUALITY_SHORT if found < stop else QUALITY_LONG
        name_end = _name_end(text, position + 1, header_end)
        if name_end == position + 1:
            return count, position, bases, line, NO_NAME
        table[count, NAME] = position + 1
        table[count, NAME_END] = name_end
        table[count, HEADER_END] = header_end
        table[count, SEQUENCE] = sequence
        table[count, SEQUENCE_END] = sequence_end
        table[count, LENGTH] = length
        table[count, QUALITY] = quality
        table[count, LINE] = line
        count += 1
        bases += length
        position = stop
        if position < end and text[position] == _RETURN:
            position += 1
        if position < end:
            position += 1  # the newline
        line += 4


@njit(cache=True, nogil=True)
def scan_fasta(
    text: npt.NDArray[np.uint8],
    position: int,
    end: int,
    last: bool,
    table: npt.NDArray[np.int64],
    count: int,
    bases: int,
    max_bases: int,
    line: int,
) -> tuple[int, int, int, int, int]:
    """Find FASTA records of any number of lines; arguments and result as `scan_fastq`."""
    while True:
        while position < end and (text[position] == _NEWLINE or text[position] == _RETURN):
            if text[position] == _NEWLINE:
                line += 1
            position += 1
        if position >= end:
            return count, position, bases, line, MORE
        if count == table.shape[0] or bases >= max_bases:
            return count, position, bases, line, FULL
        if text[position] != _GREATER:
            return count, position, bases, line, NO_START
        header_stop = _line_end(text, position + 1, end)
        if header_stop >= end and not last:
            return count, position, bases, line, MORE
        header_end = _without_return(text, position + 1, header_stop)
        sequence = min(header_stop + 1, end)
        cursor, length, lines = sequence, 0, 1
        while cursor < end and text[cursor] != _GREATER:
            stop = _line_end(text, cursor, end)
            length += _without_return(text, cursor, stop) - cursor
            cursor = min(stop + 1, end)
            lines += 1
        if cursor >= end and not last:
            return count, position, bases, line, MORE
        name_end = _name_end(text, position + 1, header_end)
        if name_end == position + 1:
            return count, position, bases, line, NO_NAME
        if length == 0:
            return count, position, bases, line, EMPTY
        table[count, NAME] = position + 1
        table[count, NAME_END] = name_end
        table[count, HEADER_END] = header_end
        table[count, SEQUENCE] = sequence
        table[count, SEQUENCE_END] = cursor
        table[count, LENGTH] = length
        table[count, QUALITY] = -1
        table[count, LINE] = line
        count += 1
        bases += length
        position = cursor
        line += lines


@njit(cache=True, nogil=True)
def fill_headers(
    text: npt.NDArray[np.uint8],
    table: npt.NDArray[np.int64],
    name_offsets: npt.NDArray[np.int64],
    names: npt.NDArray[np.uint8],
    comment_offsets: npt.NDArray[np.int64],
    comments: npt.NDArray[np.uint8],
) -> tuple[int, int]:
    """Copy names and comments; returns (status, record), `BAD_NAME` for a byte that no SAM name holds."""
    for record in range(table.shape[0]):
        start, out = table[record, NAME], name_offsets[record]
        worst = _FIRST_GRAPHIC
        for i in range(name_offsets[record + 1] - out):
            byte = text[start + i]
            names[out + i] = byte
            if byte < _FIRST_GRAPHIC or byte > _LAST_GRAPHIC or byte == _AT:
                worst = 0
        if worst == 0:
            return BAD_NAME, record
        length = comment_offsets[record + 1] - comment_offsets[record]
        start, out = table[record, HEADER_END] - length, comment_offsets[record]
        for i in range(length):
            comments[out + i] = text[start + i]
    return FINE, 0


@njit(cache=True, nogil=True, inline="always")
def _copy_acgt(
    text: npt.NDArray[np.uint8], codes: npt.NDArray[np.uint8], letters: npt.NDArray[np.uint8]
) -> bool:
    """Encode A, C, G, T of either case; False if there is another byte. The same as the tables, but it
    vectorises.

    Bits 1 and 2 of the ASCII values tell the four apart: A 00, C 01, T 10, G 11, and `(b >> 1) ^ (b >> 2)`
    orders them.
    """
    odd = np.uint8(0)
    for i in range(text.size):
        byte = text[i]
        upper = np.uint8(byte & np.uint8(0xDF))
        code = np.uint8(((byte >> np.uint8(1)) ^ (byte >> np.uint8(2))) & np.uint8(3))
        expected = np.uint8(65)  # A
        if code == 1:
            expected = np.uint8(67)  # C
        if code == 2:
            expected = np.uint8(71)  # G
        if code == 3:
            expected = np.uint8(84)  # T
        odd |= np.uint8(upper ^ expected)
        codes[i] = code
        letters[i] = upper
    return odd == 0


@njit(cache=True, nogil=True, inline="always")
def _copy_iupac(
    text: npt.NDArray[np.uint8], codes: npt.NDArray[np.uint8], letters: npt.NDArray[np.uint8]
) -> int:
    """Encode any IUPAC letter; the position of the first byte that is none, or -1."""
    for i in range(text.size):
        codes[i] = ENCODE_TABLE[text[i]]
        letters[i] = READ_LETTER_TABLE[text[i]]
        if codes[i] == NOT_IUPAC:
            return i
    return -1


@njit(cache=True, nogil=True, inline="always")
def _copy_quality(text: npt.NDArray[np.uint8], quals: npt.NDArray[np.uint8]) -> int:
    """Copy a quality line; the position of the first byte that is no quality, or -1."""
    bad = np.uint8(0)
    for i in range(text.size):
        byte = text[i]
        quals[i] = byte
        bad |= np.uint8(np.uint8(byte - np.uint8(_FIRST_GRAPHIC)) > np.uint8(_LAST_GRAPHIC - _FIRST_GRAPHIC))
    if bad:
        for i in range(text.size):
            if text[i] < _FIRST_GRAPHIC or text[i] > _LAST_GRAPHIC:
                return i
    return -1


@njit(cache=True, nogil=True)
def fill_fastq(
    text: npt.NDArray[np.uint8],
    table: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    codes: npt.NDArray[np.uint8],
    letters: npt.NDArray[np.uint8],
    quals: npt.NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Copy bases and qualities of FASTQ records; returns (status, record, place in the text)."""
    for record in range(table.shape[0]):
        start, stop = table[record, SEQUENCE], table[record, SEQUENCE_END]
        out, out_stop = offsets[record], offsets[record + 1]
        bases = text[start:stop]
        if not _copy_acgt(bases, codes[out:out_stop], letters[out:out_stop]):
            place = _copy_iupac(bases, codes[out:out_stop], letters[out:out_stop])
            if place >= 0:
                return BAD_BASE, record, start + place
        start = table[record, QUALITY]
        place = _copy_quality(text[start : start + out_stop - out], quals[out:out_stop])
        if place >= 0:
            return BAD_QUALITY, record, start + place
    return FINE, 0, 0


@njit(cache=True, nogil=True)
def fill_fasta(
    text: npt.NDArray[np.uint8],
    table: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    codes: npt.NDArray[np.uint8],
    letters: npt.NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Copy the bases of FASTA records, lines joined; returns (status, record, place in the text)."""
    for record in range(table.shape[0]):
        cursor, end, out = table[record, SEQUENCE], table[record, SEQUENCE_END], offsets[record]
        while cursor < end:
            stop = _line_end(text, cursor, end)
            bases = text[cursor : _without_return(text, cursor, stop)]
            out_stop = out + bases.size
            if not _copy_acgt(bases, codes[out:out_stop], letters[out:out_stop]):
                place = _copy_iupac(bases, codes[out:out_stop], letters[out:out_stop])
                if place >= 0:
                    return BAD_BASE, record, cursor + place
            out = out_stop
            cursor = stop + 1
    return FINE, 0, 0


@njit(cache=True, nogil=True)
def fold_lines(
    text: npt.NDArray[np.uint8],
    position: int,
    end: int,
    line_start: bool,
    out: npt.NDArray[np.uint8],
    filled: int,
    line: int,
) -> tuple[int, int, int, bool, bool]:
    """Append upper-cased letters of sequence lines to `out` until a header, a gap or another byte that is no
    letter, or the end.

    Returns
    -------
    position, filled, line, line_start, stopped
        `stopped` is True at a header (then `line_start` is True) or at a bad byte (then it is False).
    """
    while position < end:
        byte = text[position]
        letter = _CONTIG_TABLE[byte]
        if letter != 0:
            out[filled] = letter
            filled += 1
            line_start = False
        elif byte == _NEWLINE:
            line += 1
            line_start = True
        elif byte == _RETURN and (position + 1 >= end or text[position + 1] == _NEWLINE):
            pass
        elif byte == _GREATER and line_start:
            return position, filled, line, True, True
        else:
            return position, filled, line, False, True
        position += 1
    return position, filled, line, line_start, False


@njit(cache=True, nogil=True)
def gather(
    values: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int64],
    new_offsets: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint8]:
    """The parts `indices` of concatenated `values`, concatenated again."""
    out = np.empty(new_offsets[-1], np.uint8)
    for i in range(indices.size):
        start, to = offsets[indices[i]], new_offsets[i]
        for j in range(new_offsets[i + 1] - to):
            out[to + j] = values[start + j]
    return out
