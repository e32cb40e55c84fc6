"""Compressed bytes as plain ones: gzip, BGZF, bzip2, xz and zstandard, by their first bytes."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from backports.zstd import ZstdError
from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, IsalError
from xopen import xopen

__all__ = ["DAMAGE", "TrailingDataError", "decompressed"]

DAMAGE = (zlib.error, lzma.LZMAError, cast("type[Exception]", IsalError), ZstdError)
"""What damaged data raises, beside EOFError (cut) and OSError without a number."""
_Decompressor = bz2.BZ2Decompressor | lzma.LZMADecompressor | IgzipDecompressor
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_BUFFER = 1 << 17
_SHOWN = 8  # bytes of a message


class TrailingDataError(Exception):
    """Behind compressed data stands something that is not."""


class _Streams(io.RawIOBase):
    """Decompressed gzip, bzip2 or xz, as many streams as there are.

    `bz2.open` and `lzma.open` take a second stream that is damaged for the end of the file; readers of gzip
    take what follows a stream and is none for a stream that is cut.
    """

    def __init__(
        self, stored: io.BufferedReader[Any], new: Callable[[], _Decompressor], magic: bytes
    ) -> None:
        super().__init__()
        self._stored, self._new, self._stream, self._magic = stored, new, new(), magic
        self._start = b""  # of a stream, read already

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._stream.eof or self._has_another():
            block = self._start
            if not block and self._stream.needs_input:
                block = self._stored.read1(_BUFFER)
                if not block:
                    raise EOFError
            self._start = b""
            data = self._stream.decompress(block, len(view))
            if data:
                view[: len(data)] = data
                return len(data)
        return 0

    def _has_another(self) -> bool:
        """Go on to the stream that follows, if one does; zeros between them are padding."""
        start = self._stream.unused_data
        while not (start := start.lstrip(b"\0")):
            start = self._stored.read1(_BUFFER)
            if not start:
                return False
        if not start.startswith(self._magic[: len(start)]):
            raise TrailingDataError(repr(start[:_SHOWN]))
        self._stream, self._start = self._new(), start
        return True


def decompressed(stored: io.BufferedReader[Any], magic: bytes) -> BinaryIO:
    """The content of a file by its first bytes; plain text as it is."""
    if magic.startswith(_GZIP):
        return cast("BinaryIO", _Streams(stored, lambda: IgzipDecompressor(DECOMP_GZIP), _GZIP))
    if magic.startswith(_BZIP2):
        return cast("BinaryIO", _Streams(stored, bz2.BZ2Decompressor, _BZIP2))
    if magic.startswith(_XZ):
        return cast("BinaryIO", _Streams(stored, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ), _XZ))
    return xopen(stored, "rb", threads=0) if magic else stored
