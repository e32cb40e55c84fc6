"""Ways to damage a file: any bytes, lines of text, records of FASTQ and FASTA, fields of SAM, records of BAM.

Every function takes a `random.Random` and the content, and gives the damaged content.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable

from backports import zstd
from naive import BGZF_END

Damage = Callable[[random.Random, bytes], bytes]

TOKENS = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\0" * 50, b"@", b"+", b">", b"@\n", b">\n", b"\t", b" ", b"\xff",
    b"\x1f\x8b", b"BAM\x01", b"CRAM", b"BZh9", b"\xef\xbb\xbf", b"A" * 900, b"N", b"*", b"-", b"\x7f",
    b"\xc3\xa9", b"@HD\tVN:1.6\n", b"@SQ\tSN:x\tLN:5\n", b"@r\nACGT\n+\nIIII\n", b">r\nACGT\n", b"/1",
    b"\x1b[31m",
)  # fmt: skip
NUMBERS = (
    b"-1", b"0", b"1", b"255", b"256", b"65536", b"2147483647", b"2147483648", b"-2147483649", b"4294967296",
    b"9223372036854775808", b"1" * 30, b"1.5", b"1e5", b"0x10", b"", b"*", b"=", b"abc", b"nan", b" 1",
    b"\xff",
)  # fmt: skip
INTEGERS = (-1, 0, 1, 2, 127, 128, 255, 256, 65535, 65536, 1 << 24, (1 << 31) - 1, -(1 << 31), -2)


def anywhere(rng: random.Random, data: bytes) -> bytes:
    """Bytes flipped, cut, put in, taken out, repeated, swapped."""
    at, other = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    span = min(at + rng.choice((1, 1, 2, 10, 100, 1000)), len(data))
    middle = (at + other) // 2
    return rng.choice(
        (
            lambda: _flipped(rng, data, rng.choice((1, 1, 1, 3, 20))),
            lambda: data[:at],
            lambda: data[: len(data) - rng.randrange(1, 40)],
            lambda: data[at:],
            lambda: data[:at] + data[span:],
            lambda: data[:at] + rng.randbytes(rng.choice((1, 4, 100))) + data[at:],
            lambda: data[:at] + rng.choice(TOKENS) + data[at:],
            lambda: data[:at] + rng.choice(TOKENS) + data[span:],
            lambda: data[:span] + data[at:],
            lambda: data[:at] + data[middle:other] + data[at:middle] + data[other:],
            lambda: data[:at] + bytes(span - at) + data[span:],
            lambda: data + rng.choice((data, data[:at], rng.choice(TOKENS), rng.randbytes(30), bytes(60))),
        )
    )()


def _flipped(rng: random.Random, data: bytes, count: int) -> bytes:
    out = bytearray(data)
    for _ in range(count if data else 0):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def lines(rng: random.Random, data: bytes) -> bytes:
    """Lines repeated, lost, swapped, joined, cut, ended in other ways."""
    parts = data.split(b"\n")
    i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
    one = parts[i]
    change = rng.randrange(12)
    if change == 0:
        parts.insert(j, one)
    elif change == 1:
        del parts[i]
    elif change == 2:
        parts[i], parts[j] = parts[j], parts[i]
    elif change == 3:
        parts[i : i + 2] = [b"".join(parts[i : i + 2])]
    elif change == 4:
        parts[i] = one[: rng.randrange(len(one) + 1)]
    elif change == 5:
        parts[i] = one + rng.choice((b" ", b"\t", b"\r", b"\r\r", b"\0", one))
    elif change == 6:
        parts[i] = b""
    elif change == 7:
        parts.insert(i, rng.choice((b"", b"\r", b" ", b"+", b"@", b">", b"@x", b">x", b"\t" * 11)))
    elif change == 8:
        return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\r\r\n")))
    elif change == 9:
        return b"".join(line + rng.choice((b"\n", b"\r\n")) for line in parts[:-1])
    elif change == 10:
        cut = rng.randrange(len(one) + 1)
        parts[i : i + 1] = [one[:cut], one[cut:]]
    else:
        parts[i] = rng.choice((b"@", b"+", b">", b" ", b"\r", b"\x00", b"\xff")) + one[rng.randrange(2) :]
    return b"\n".join(parts)


def fastq(rng: random.Random, data: bytes) -> bytes:
    """One record of FASTQ, in ways that fit its form."""
    parts = data.split(b"\n")
    at = 4 * rng.randrange(len(parts) // 4)
    header, letters, _, quality = parts[at : at + 4]
    k = rng.randrange(len(letters))
    letter = rng.choice((b"U", b"-", b".", b"*", b"n", b"J", b" ", b"\r", b"="))
    value = rng.choice((b" ", b"\x7f", b"~", b"!", b"\t", b"\r"))
    parts[at : at + 4] = rng.choice(
        (
            (header, letters, b"+", quality[:-1]),
            (header, letters, b"+", quality + b"I"),
            (header, letters[:-1], b"+", quality),
            (header, letters, b"+", b"@" + quality[1:]),
            (header, letters, b"+", b"+" + quality[1:]),
            (header, letters, header.replace(b"@", b"+"), b">" + quality[1:]),
            (header, letters, b"+other", quality),
            (header, letters, b"", quality),
            (header, letters, b"-", quality),
            (header, b"", b"+", b""),
            (header, letters[:k], letters[k:], b"+", quality),
            (header, letters, b"+", quality[:k], quality[k:]),
            (header, letters[:k] + letter + letters[k + 1 :], b"+", quality),
            (header, letters, b"+", quality[:k] + value + quality[k + 1 :]),
            (b"@", letters, b"+", quality),
            (b"@ " + header[1:], letters, b"+", quality),
            (header + b"@", letters, b"+", quality),
            (header + b"x" * rng.choice((240, 254, 1000)), letters, b"+", quality),
            (header + b" " + rng.choice(TOKENS).replace(b"\n", b" ") * 3, letters, b"+", quality),
            (header + b"\t4\t*\t0\t0\t*\t*\t0\t0\tA\tI", letters, b"+", quality),
            (header, letters * rng.choice((3, 10, 30)), b"+", quality * 3),
            (b">" + header[1:], letters, header, letters, b"+", quality),
        )
    )  # fmt: skip
    return b"\n".join(parts)


def fasta(rng: random.Random, data: bytes) -> bytes:
    """One record of FASTA."""
    parts = data.split(b">")
    i = rng.randrange(1, len(parts))
    header, _, letters = parts[i].partition(b"\n")
    k = rng.randrange(len(letters) + 1)
    letter = rng.choice(
        (b"*", b"-", b".", b"n", b"U", b"J", b" ", b"\r", b"\0", b"1", b"\n\n", b"\n \n", b"=")
    )
    parts[i] = rng.choice(
        (
            header + b"\n",
            header,
            b"\n" + letters,
            b" " + header + b"\n" + letters,
            header + b"\n" + letters[:k] + letter + letters[k:],
            header + rng.choice((b",", b"(", b"*", b"\\", b"\xff", b"\x1b[1m", b"=")) + b"\n" + letters,
            rng.choice((b"*", b"=", b"@", b"\t")) + header + b"\n" + letters,
            header + b"\n" + letters + b">" + header + b"\n" + letters,
            header + b" " + b"long" * 5000 + b"\n" + letters,
            b"x" * rng.choice((254, 255, 5000)) + b"\n" + letters,
            header + b"\n" + b"\n".join(letters[k : k + 1] for k in range(0, len(letters), 3)),
            header + b"\n" + b"N" * len(letters) + b"\n",
            header + b"\n;" + letters,
            header + b"\r\n" + letters.replace(b"\n", b"\r\n"),
        )
    )
    return b">".join(parts)


def sam(rng: random.Random, data: bytes) -> bytes:
    """One field of a record or of the header, or a whole line."""
    parts = data.split(b"\n")
    header = [i for i, line in enumerate(parts) if line.startswith(b"@")]
    records = [i for i, line in enumerate(parts) if line and not line.startswith(b"@")]
    i = rng.choice(header if rng.random() < 0.25 and header else records)
    fields = parts[i].split(b"\t")
    k = rng.randrange(len(fields))
    if i in header and k and rng.random() < 0.7:
        fields[k] = fields[k][:3] + rng.choice(NUMBERS)
    elif rng.random() < 0.7:
        pool = {5: (b"5M", b"999999999M", b"M", b"-5M", b"1M1D1M", b"100S", b"3H", b"0M", b"1Q"),
                9: (b"*", b"", b"A", b"ACGT=", fields[k] * 2, b"acgtn.-"),
                10: (b"*", b"", b"I", fields[k] + b"I", b"*" * len(fields[k]), b" " * 9)}  # fmt: skip
        fields[k] = rng.choice((*NUMBERS, *pool.get(k, ())))
    elif rng.random() < 0.5:
        tags = (
            b"XX",
            b"XX:i",
            b"XX:i:x",
            b"XX:B:c,1,2",
            b"XX:B:I,-1",
            b"XX:Z:",
            b"XX:f:nan",
            b"XX:q:1",
            b"X:i:1",
        )
        fields.append(rng.choice(tags))
    else:
        del fields[k]
    parts[i] = b"\t".join(fields)
    return b"\n".join(parts)


def bam(rng: random.Random, data: bytes) -> bytes:
    """A number of one record, or of the header, of decompressed BAM."""
    out = bytearray(data)
    starts, header = _blocks(data)
    if rng.random() < 0.2:
        at, form = rng.choice(header), "<i"
    else:
        start = rng.choice(starts)
        offset, form = rng.choice(
            ((0, "<i"), (4, "<i"), (8, "<i"), (12, "<B"), (13, "<B"), (14, "<H"), (16, "<H"), (18, "<H"),
             (20, "<i"), (20, "<i"), (24, "<i"), (28, "<i"), (32, "<i"))
        )  # fmt: skip
        if rng.random() < 0.25:
            size = struct.unpack_from("<i", data, start)[0]
            offset, form = rng.randrange(36, size + 4), "<B"
        at = start + offset
    low, high = {"<B": (0, 255), "<H": (0, 65535), "<i": (-(1 << 31), (1 << 31) - 1)}[form]
    near = struct.unpack_from(form, data, at)[0] + rng.choice((-1, 1, 2, 4))
    value = rng.choice((*INTEGERS, near, near, near, rng.randint(low, high)))
    struct.pack_into(form, out, at, min(max(value, low), high))
    return bytes(out)


def _blocks(data: bytes) -> tuple[list[int], list[int]]:
    """Where the records of intact BAM start, and where the numbers of its header stand."""
    at = 8 + struct.unpack_from("<i", data, 4)[0]
    header, count, at = [4, at], struct.unpack_from("<i", data, at)[0], at + 4
    for _ in range(count):
        length = struct.unpack_from("<i", data, at)[0]
        header += [at, at + 4 + length]
        at += 8 + length
    starts = []
    while at < len(data):
        starts.append(at)
        at += 4 + struct.unpack_from("<i", data, at)[0]
    return starts, header


def bgzf(data: bytes, block: int = 2000) -> bytes:
    """Compress as BGZF (SAM specification, section 4.1)."""
    parts = []
    for start in range(0, len(data), block):
        piece = data[start : start + block]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = packer.compress(piece) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(packed) + 25)
        parts.append(head + packed + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join(parts) + BGZF_END


def members(pack: Callable[[bytes], bytes], data: bytes) -> bytes:
    """The halves compressed one by one, as `cat` joins files."""
    return pack(data[: len(data) // 2]) + pack(data[len(data) // 2 :])


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bgz": bgzf,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def packed(rng: random.Random, data: bytes, form: str) -> bytes:
    """Compress, sometimes in two members."""
    return members(PACKERS[form], data) if rng.random() < 0.2 else PACKERS[form](data)


def compressed(rng: random.Random, data: bytes) -> bytes:
    """The first bytes, the last ones, or any of a compressed file."""
    place = rng.random()
    if place < 0.25:
        return _flipped(rng, data[:24], 1) + data[24:]
    if place < 0.5:
        return data[:-16] + _flipped(rng, data[-16:], 1)
    return anywhere(rng, data)
