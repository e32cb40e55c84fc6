"""Compressors that see as far back as a pair of sequences is long, where their formats can."""

from __future__ import annotations

from dataclasses import replace

from genoseq.ncd.compressor import Compressor
from genoseq.ncd.compressors import Brotli, Lzma, Zstd

__all__ = ["seeing"]

_ZSTD_LOGS, _BROTLI_LOGS = (10, 31), (10, 24)
_LZMA_SIZES = (1 << 12, 1536 << 20)
_SHORTEST_LONG = 20
"""Letters of a long match of zstd. NCD of 1 Mb of E. coli and copies with 2, 5, 10, 20 % of the bases changed
is .50, .93, 1.0, 1.0 with the 64 of level 3, and .21, .43, .75, .97 with 20. Level 19 gives .12, .28, .50,
.86 and takes fifty times as long (`benchmarks/ncd/tree.py --rates`)."""
_NEAR = 1 << 19
"""Bytes that zstd sees at level 3 without long matches. Its window is longer, but it remembers fewer places:
NCD of random DNA and a copy with 5 % of the bases changed is .18 for 200 kb, .98 for 1 Mb, and .31 with long
matches."""
_SEARCHING_LEVEL = 16  # of zstd, from which on it finds such matches by itself


def seeing(compressor: Compressor, length: int) -> Compressor:
    """The same compressor with a window for texts of so many bytes.

    zstd gets a long window and long matches that are not too long, lzma a dictionary, brotli a window of at
    most 16 MiB. gzip, bz2, lz4 and snappy have none to set, and stay as they are; so does one that sees far
    enough.

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
    log = (length - 1).bit_length()
    if isinstance(compressor, Zstd):
        if length <= (compressor.window if compressor.window_log else min(compressor.window, _NEAR)):
            return compressor
        low, high = _ZSTD_LOGS
        short = _SHORTEST_LONG if compressor.level < _SEARCHING_LEVEL else None
        return replace(compressor, window_log=min(max(log, low), high), shortest_long=short)
    if compressor.window >= length:
        return compressor
    if isinstance(compressor, Lzma):
        return replace(compressor, dictionary=min(max(length, _LZMA_SIZES[0]), _LZMA_SIZES[1]))
    if isinstance(compressor, Brotli):
        return replace(compressor, window_log=min(log + 1, _BROTLI_LOGS[1]))  # 16 bytes less than 2**log
    return compressor
