"""Compressors that see as far back as a pair of sequences is long, where their formats can."""

from __future__ import annotations

from dataclasses import replace

from genoseq.ncd.compressor import Compressor
from genoseq.ncd.compressors import Brotli, Lzma, Zstd

__all__ = ["seeing"]

_ZSTD_LOGS, _BROTLI_LOGS = (10, 31), (10, 24)
_LZMA_SIZES = (1 << 12, 1536 << 20)
_SHORTEST_LONG = 16
"""Letters of a long match of zstd. NCD of E. coli MG1655 and of copies with 2, 5, 10, 20 % of the bases
changed is .12, .65, .99, 1.0 with the 64 of level 3, and .18, .34, .57, .93 with 16 in the same time; level
19 tells them apart as well (.09, .19, .34, .55), a hundred times as slow."""
_SEARCHING_LEVEL = 16  # of zstd, from which on it finds such matches by itself


def seeing(compressor: Compressor, length: int) -> Compressor:
    """The same compressor with a window for texts of so many bytes.

    zstd gets a long window and short long matches, lzma a dictionary, brotli a window of at most 16 MiB.
    gzip, bz2, lz4 and snappy have none to set, and stay as they are; so does one that sees far enough.

    Parameters
    ----------
    compressor
    length
        Bytes.

    Examples
    --------
    >>> seeing(Zstd(3), 10_000_000).window
    16777216
    """
    if compressor.window >= length:
        return compressor
    log = (length - 1).bit_length()
    if isinstance(compressor, Zstd):
        low, high = _ZSTD_LOGS
        short = _SHORTEST_LONG if compressor.level < _SEARCHING_LEVEL else None
        return replace(compressor, window_log=min(max(log, low), high), shortest_long=short)
    if isinstance(compressor, Lzma):
        return replace(compressor, dictionary=min(max(length, _LZMA_SIZES[0]), _LZMA_SIZES[1]))
    if isinstance(compressor, Brotli):
        return replace(compressor, window_log=min(log + 1, _BROTLI_LOGS[1]))  # 16 bytes less than 2**log
    return compressor
