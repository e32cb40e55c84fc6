"""Readers of FASTQ, FASTA, SAM and BAM that are slow and strict: what the fuzzer holds genoseq against.

They share no code with genoseq, xopen or htslib. What they do not read is `UnreadableError`.
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from backports import zstd

LETTERS = b"ACGTURYSWKMBDHVN"
SHOWN = bytes.maketrans(b"U-.", b"TNN")
CONTIG = re.compile(rb"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
READ = re.compile(rb"[!-?A-~]{1,254}")
SAM_HEADER = re.compile(rb"@(HD|SQ|RG|PG)\t[A-Za-z][A-Za-z0-9]:|@CO\t")
OPPOSITE = bytes.maketrans(b"ACGTRYSWKMBDHVN", b"TGCAYRSWMKVHDBN")
BAM_LETTERS = b"=ACMGRSVTWYHKDBN"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


class UnreadableError(Exception):
    """The content breaks the rules of its format."""


class Read(NamedTuple):
    """A read in the direction of the sequencer; quality "*" if there is none."""

    name: bytes
    sequence: bytes
    quality: bytes


def decompress(data: bytes) -> bytes:
    """The content of a file: every member of it, with nothing after the last."""
    if data[:2] == b"\x1f\x8b":
        return _members(data, lambda: zlib.decompressobj(31), b"\x1f\x8b")
    if data[:3] == b"BZh":
        return _members(data, bz2.BZ2Decompressor, b"BZh")
    if data[:6] == b"\xfd7zXZ\x00":
        return _members(data, lzma.LZMADecompressor, b"\xfd7zXZ\x00")
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return _members(data, zstd.ZstdDecompressor, b"")
    return data


def _members(data: bytes, decompressor: Callable, magic: bytes) -> bytes:
    parts = []
    while data:
        if not data.startswith(magic):
            if not data.strip(b"\0"):  # padding of tapes
                break
            raise UnreadableError("bytes after the compressed data")
        if magic == b"\x1f\x8b":  # bits that RFC 1952 reserves change nothing
            data = data[:3] + bytes([data[3] & 0x1F]) + data[4:] if len(data) > 3 else data
        one = decompressor()
        try:
            parts.append(one.decompress(data))
        except (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError) as error:
            raise UnreadableError(str(error)) from error
        if not one.eof:
            raise UnreadableError("the compressed data ends early")
        data = one.unused_data
    return b"".join(parts)


def reads(stored: bytes) -> list[Read]:
    """All reads of a file; of SAM and BAM the primary ones."""
    text = decompress(stored)
    if text.startswith(b"BAM\x01"):
        if stored[:4] == BGZF_END[:4] and stored[10:16] == BGZF_END[10:16] and stored[-28:] != BGZF_END:
            raise UnreadableError("the last block is missing")
        return bam(text)
    if SAM_HEADER.match(text) or (text[:1] not in (b"@", b">") and text.split(b"\n")[0].count(b"\t") > 9):
        return sam(text)
    start = text.lstrip(b"\r\n")[:1]
    if start == b"@":
        return fastq(text)
    if start == b">":
        return fasta(text)
    if not start:
        return []
    raise UnreadableError("neither FASTQ nor FASTA, SAM or BAM")


def fastq(text: bytes) -> list[Read]:
    """Four lines a record; empty lines between records, CRLF and a missing last newline are fine."""
    found = []
    while text := text.lstrip(b"\r\n"):
        parts = text.split(b"\n", 4)
        if len(parts) < 4:
            raise UnreadableError("the file ends within a record")
        header, letters, plus, quality = (_line(part) for part in parts[:4])
        text = parts[4] if len(parts) > 4 else b""
        if header[:1] != b"@" or plus[:1] != b"+" or len(letters) != len(quality):
            raise UnreadableError(f"not a record: {header[:20]!r}")
        if not all(33 <= byte <= 126 for byte in quality):
            raise UnreadableError("a quality")
        found.append(Read(_name(header), _letters(letters), quality))
    return found


def fasta(text: bytes) -> list[Read]:
    """Records of any number of lines."""
    found: list[Read] = []
    for line in map(_line, text.lstrip(b"\r\n").split(b"\n")):
        if line[:1] == b">":
            found.append(Read(_name(line), b"", b"*"))
        else:
            found[-1] = found[-1]._replace(sequence=found[-1].sequence + _letters(line, least=0))
    if not all(read.sequence for read in found):
        raise UnreadableError("a record without bases")
    return found


def genome(text: bytes) -> list[tuple[bytes, bytes]]:
    """Names and letters (upper case) of contigs."""
    found: dict[bytes, list[bytes]] = {}
    name = b""
    for raw in text.lstrip(b"\r\n").split(b"\n"):
        if raw[:1] == b">":
            name = raw[1:].split(None, 1)[0] if raw[1:].split() else b""
            if raw[1:2] in (b" ", b"\t") or not CONTIG.fullmatch(name) or name in found:
                raise UnreadableError(f"contig {name!r}")
            found[name] = []
        else:
            letters = _line(raw).upper()
            if not found or letters.translate(None, LETTERS):
                raise UnreadableError("a letter")
            found[name].append(letters)
    contigs = [(name, b"".join(parts)) for name, parts in found.items()]
    if not contigs or not all(letters for _, letters in contigs):
        raise UnreadableError("no contig, or one without bases")
    return contigs


def sam(text: bytes) -> list[Read]:
    """Primary records of SAM lines, as lenient as htslib: NUL ends a line, any letter is N."""
    found = []
    for line in text.split(b"\n"):
        line = _line(line).split(b"\0")[0]
        fields = line.split(b"\t")
        if line.startswith(b"@") or not line.strip(b"\r"):
            continue
        try:
            flag = int(fields[1] or b"0", 0)
        except (ValueError, IndexError) as error:
            raise UnreadableError(f"not a record: {line[:20]!r}") from error
        if len(fields) < 11:
            raise UnreadableError(f"not a record: {line[:20]!r}")
        letters, quality = fields[9], fields[10]
        if quality != b"*" and len(quality) != len(letters):
            raise UnreadableError("qualities of another length")
        if not flag & 0x900:
            name = fields[0] or b"*"
            if letters == b"*" or not READ.fullmatch(name):
                raise UnreadableError("a record without bases, or a name")
            shown = bytes(letter if letter in LETTERS else ord("N") for letter in letters.upper())
            found.append(_turned(name, shown, quality, flag))
    return found


def bam(text: bytes) -> list[Read]:
    """Primary records of decompressed BAM."""
    try:
        at = 8 + _int32(text, 4)
        count, at = _int32(text, at), at + 4
        for _ in range(count):
            at += 8 + _int32(text, at)
        found = []
        while at < len(text):
            size, at = _int32(text, at), at + 4
            if at + size > len(text):
                raise UnreadableError("the file ends within a record")
            read = _record(text[at : at + size])
            found += [read] if read else []
            at += size
    except (struct.error, IndexError) as error:
        raise UnreadableError(str(error)) from error
    if at != len(text):
        raise UnreadableError("the file ends within the header")
    return found


def _record(block: bytes) -> Read | None:
    name_length, cigar, flag, length = block[8], *struct.unpack_from("<HHi", block, 12)
    start = 32 + name_length + 4 * cigar
    end = start + (length + 1) // 2
    if length < 0 or end + length > len(block) or not name_length or block[31 + name_length] != 0:
        raise UnreadableError("lengths that do not fit the record")
    if flag & 0x900:
        return None
    name = block[32 : 31 + name_length].split(b"\0")[0] or b"*"
    pairs = [(byte >> 4, byte & 15) for byte in block[start:end]]
    letters = bytes(BAM_LETTERS[code] for pair in pairs for code in pair)[:length]
    values = block[end : end + length]
    if not length or not READ.fullmatch(name) or b"=" in letters:
        raise UnreadableError("a record without bases, or a name")
    quality = b"*" if values[0] == 255 else bytes(min(value + 33, 255) for value in values)
    if quality != b"*" and max(quality) > 126:
        raise UnreadableError("a quality")
    return _turned(name, letters, quality, flag)


def _turned(name: bytes, letters: bytes, quality: bytes, flag: int) -> Read:
    letters = letters.translate(SHOWN)
    if not flag & 16:
        return Read(name, letters, quality)
    return Read(name, letters.translate(OPPOSITE)[::-1], quality if quality == b"*" else quality[::-1])


def _int32(text: bytes, at: int) -> int:
    value = struct.unpack_from("<i", text, at)[0]
    if value < 0:
        raise UnreadableError("a negative length")
    return value


def _line(raw: bytes) -> bytes:
    return raw.removesuffix(b"\r")


def _name(header: bytes) -> bytes:
    name = re.split(rb"[ \t]", header[1:])[0]
    if not READ.fullmatch(name):
        raise UnreadableError(f"the name {name[:20]!r}")
    return name


def _letters(line: bytes, least: int = 1) -> bytes:
    shown = line.upper()
    if len(shown) < least or shown.translate(None, LETTERS + b"-."):
        raise UnreadableError("a letter, or no bases")
    return shown.translate(SHOWN)
