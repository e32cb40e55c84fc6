"""Where reads were placed: the few columns of SAM, BAM and PAF that tell it, one small record a line.

For reports only; text is split here, so that every error has its line, and BAM is read by pysam. The start of
a placement is the reference position of the first base of the read, had it not been clipped.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from os import fspath
from typing import Any, NamedTuple

from genoseq.errors import InputError
from genoseq.io.files import InputStream, StrPath, open_input

__all__ = ["Placement", "read_placements"]

_BLOCK = 1 << 20
_CIGAR = re.compile(rb"(?:\d+[MIDNSHP=X])+|\*")
_CLIPS = re.compile(rb"(?:(\d+)H)?(?:(\d+)S)?")
_CLIP_OPERATIONS = (4, 5)  # S and H in BAM
_PAIRED, _UNMAPPED, _REVERSE, _FIRST, _LAST, _SECONDARY, _SUPPLEMENTARY = (
    0x1,
    0x4,
    0x10,
    0x40,
    0x80,
    0x100,
    0x800,
)


class Placement(NamedTuple):
    """One line of an alignment file.

    Attributes
    ----------
    name
        Name of the read, without a mate's /1 or /2.
    mate
        1 or 2, or 0 when neither the flag nor the name tells it.
    mapped, secondary, supplementary, reverse
        What the flag says.
    contig
        Name of the contig, empty when unmapped.
    start
        0-based position of the read's first base on the reference, leading clips taken off; may be negative.
    mapq
        0-255.
    score
        Alignment score (AS), or 0.
    line
        1-based line of a text file, record of a BAM file.
    """

    name: str
    mate: int
    mapped: bool
    secondary: bool
    supplementary: bool
    contig: str
    start: int
    reverse: bool
    mapq: int
    score: int
    line: int


def read_placements(path: StrPath) -> Iterator[Placement]:
    """Read the placements of a SAM, BAM or PAF file, told apart by content; "-" is standard input.

    Raises
    ------
    InputError
        For a file that is missing, cut, damaged, or none of the three, with its line.
    """
    with open_input(path) as stream:
        if stream.head.startswith(b"BAM\1"):
            yield from _bam(stream, path)
        elif stream.head.startswith(b"CRAM"):
            raise InputError(
                "is CRAM; expected SAM, BAM or PAF: convert it with samtools view -b", stream.path
            )
        else:
            yield from _text(stream)


def _text(stream: InputStream) -> Iterator[Placement]:
    parse = None
    for number, line in stream.lines():
        if not line or (line[:1] == b"@" and line[3:4] == b"\t"):  # header lines: @HD, @SQ, @RG, @PG, @CO
            continue
        fields = line.split(b"\t")
        if parse is None:
            parse = _kind(fields, line, stream.path, number)
        try:
            yield parse(fields, number)
        except (ValueError, IndexError) as error:
            expected = "SAM" if parse is _sam else "PAF"
            found = f"not a complete {expected} line ({error}); the file is cut or damaged"
            raise InputError(found, stream.path, number) from None


def _kind(fields: list[bytes], line: bytes, path: str, number: int) -> Any:
    if len(fields) >= 12 and fields[4] in (b"+", b"-", b"*") and fields[1].isdigit():
        return _paf
    if len(fields) >= 11 and fields[1].isdigit():
        return _sam
    start = bytes(line[:40]).decode("ascii", "backslashreplace")
    found = f"starts with {start!r}; expected an alignment in SAM, BAM or PAF"
    raise InputError(found, path, number)


def _read_name(text: str, flag: int) -> tuple[str, int]:
    """Name without /1 or /2, and which mate it is."""
    mate = 0
    if flag & _PAIRED and flag & (_FIRST | _LAST) in (_FIRST, _LAST):
        mate = 1 if flag & _FIRST else 2
    if text.endswith(("/1", "/2")):
        text, mate = text[:-2], int(text[-1])
    return text, mate


def _sam(fields: list[bytes], number: int) -> Placement:
    if len(fields) < 11:
        raise ValueError(f"{len(fields)} of 11 columns")
    flag, mapq, cigar = int(fields[1]), int(fields[4]), fields[5]
    if not 0 <= mapq <= 255 or not 0 <= flag < 1 << 16:
        raise ValueError(f"FLAG {flag}, MAPQ {mapq}")
    if _CIGAR.fullmatch(cigar) is None:
        raise ValueError(f"CIGAR {cigar.decode(errors='replace')!r}")
    if fields[10] != b"*" and len(fields[9]) != len(fields[10]):
        raise ValueError(f"{len(fields[9])} bases but {len(fields[10])} qualities")
    score = next((int(tag[5:]) for tag in fields[11:] if tag.startswith(b"AS:i:")), 0)
    hard, soft = _CLIPS.match(cigar).groups(b"0")  # type: ignore[union-attr]
    start = int(fields[3]) - 1 - int(hard) - int(soft)
    return _placement(fields[0].decode(), flag, fields[2].decode(), start, mapq, score, number)


def _placement(
    name: str, flag: int, contig: str, start: int, mapq: int, score: int, number: int
) -> Placement:
    name, mate = _read_name(name, flag)
    mapped = not flag & _UNMAPPED and contig != "*"
    return Placement(
        name,
        mate,
        mapped,
        bool(flag & _SECONDARY),
        bool(flag & _SUPPLEMENTARY),
        contig if mapped else "",
        start if mapped else 0,
        bool(flag & _REVERSE),
        mapq,
        score,
        number,
    )


def _paf(fields: list[bytes], number: int) -> Placement:
    if len(fields) < 12:
        raise ValueError(f"{len(fields)} of 12 columns")
    length, begin, end, at, mapq = (int(fields[i]) for i in (1, 2, 3, 7, 11))
    if not 0 <= mapq <= 255 or not 0 <= begin <= end <= length:
        raise ValueError(f"read interval {begin}-{end} of {length}, MAPQ {mapq}")
    reverse = fields[4] == b"-"
    tags = fields[12:]
    flag = (_REVERSE if reverse else 0) | (_SECONDARY if b"tp:A:S" in tags or b"tp:A:i" in tags else 0)
    if fields[4] == b"*":  # minimap2 --paf-no-hit
        flag |= _UNMAPPED
    score = next((int(tag[5:]) for tag in tags if tag.startswith(b"AS:i:")), int(fields[9]))
    clip = length - end if reverse else begin
    return _placement(fields[0].decode(), flag, fields[5].decode(), at - clip, mapq, score, number)


def _bam(stream: InputStream, path: StrPath) -> Iterator[Placement]:
    """Records by pysam, which wants a file: standard input goes through a temporary one."""
    if fspath(path) != "-":
        yield from _bam_file(fspath(path), stream.path)
        return
    with tempfile.NamedTemporaryFile(suffix=".bam") as copy:
        block = memoryview(bytearray(_BLOCK))
        while count := stream.readinto(block):
            copy.write(block[:count])
        copy.flush()
        yield from _bam_file(copy.name, stream.path)


def _bam_file(path: str, shown: str) -> Iterator[Placement]:
    import pysam

    verbosity = pysam.set_verbosity(0)  # htslib would write to stderr; the exception tells the same
    number = None
    try:
        with pysam.AlignmentFile(path, "rb", check_sq=False) as records:
            number = 0
            for record in records:
                number += 1
                leading = takewhile(lambda pair: pair[0] in _CLIP_OPERATIONS, record.cigartuples or ())
                clip = sum(length for _, length in leading)
                score = record.get_tag("AS") if record.has_tag("AS") else 0
                yield _placement(
                    record.query_name or "*",
                    record.flag,
                    record.reference_name or "*",
                    record.reference_start - clip,
                    record.mapping_quality,
                    int(score),
                    number,
                )
    except (OSError, ValueError) as error:
        # a cut file is refused when it is opened; what closing it says hides the first error
        place = "" if number is None else f" at record {number + 1}"
        raise InputError(f"the file is cut or damaged{place}; copy it again", shown) from error
    finally:
        pysam.set_verbosity(verbosity)
