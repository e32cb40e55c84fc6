"""Compressors by the names that they call themselves: "gzip", "zstd-19", "zstd-3-long27", "lzma-6-65536".

A name without numbers has the settings of the paper; "mixing" and "protein" are genoseq's own models.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from genoseq.errors import UsageError
from genoseq.ncd.compressor import Compressor
from genoseq.ncd.compressors import NAMED, Brotli, Bz2, Gzip, Lz4, Lzma, Zlib, Zstd, compressor_of

__all__ = ["compressor_named"]

_WITH_LEVEL: dict[str, Callable[[int], Compressor]] = {
    "zlib": Zlib,
    "gzip": Gzip,
    "bz2": Bz2,
    "lzma": Lzma,
    "zstd": Zstd,
    "brotli": Brotli,
    "lz4": Lz4,
}
_LEVEL = re.compile(rf"({'|'.join(_WITH_LEVEL)})-(-?\d+)")
_LONG = re.compile(r"zstd-(-?\d+)-long(\d+)(?:-match(\d+))?")
_DICTIONARY = re.compile(r"lzma-(\d)-(\d+)")


def compressor_named(name: str) -> Compressor:
    """The compressor of a name; one that is not installed is an error now.

    Raises
    ------
    UsageError
        If none is called so, or a level is out of range.
    MissingDependencyError
        If its package is not installed.

    Examples
    --------
    >>> compressor_named("zstd-19").name, compressor_named("gzip").name
    ('zstd-19', 'gzip-9')
    """
    known = {**NAMED, **{each.name: each for each in NAMED.values()}}
    if name in known:
        return compressor_of(known[name])
    if match := _LONG.fullmatch(name):
        shortest = int(match[3]) if match[3] else None
        return compressor_of(Zstd(int(match[1]), int(match[2]), shortest_long=shortest))
    if match := _DICTIONARY.fullmatch(name):
        return compressor_of(Lzma(int(match[1]), int(match[2])))
    if match := _LEVEL.fullmatch(name):
        return compressor_of(_WITH_LEVEL[match[1]](int(match[2])))
    raise UsageError(
        f"compressor {name!r}; {', '.join(NAMED)} are possible, with a level (zstd-19), and zstd with a long "
        "window (zstd-19-long27)"
    )
