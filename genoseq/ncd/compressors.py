"""Compressors with their settings.

Each is a frozen dataclass with its settings as fields, so that it can be compared, hashed, pickled and shown,
and be a parameter of a scikit-learn estimator. `PAPER` has the seven of "DNA Sequence Classification with
Compressors" (Ozan, arXiv 2401.14025) with their settings: what the Python packages do when nothing is said.
`NAMED` has genoseq's own mixing models of DNA and of proteins as well (`genoseq.ncd.mixing_compressor`,
`genoseq.ncd.protein_compressor`).

Sizes depend on the implementation: others of one format (zlib-ng, libdeflate, isal) find other copies.
"""

from __future__ import annotations

import bz2
import lzma
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

from backports import zstd

from genoseq.errors import MissingDependencyError, UsageError
from genoseq.ncd.compressor import Compressor, Suffixes
from genoseq.ncd.mixing_compressor import Mixing
from genoseq.ncd.protein_compressor import Protein
from genoseq.ncd.shared_prefix import DeflateSuffixes

__all__ = [
    "NAMED", "PAPER", "Brotli", "Bz2", "Gzip", "Lz4", "Lzma", "Snappy", "Zlib", "Zstd", "compressor_of"
]  # fmt: skip

_GZIP, _ZLIB = 31, 15  # window bits of 32 kB, and 16 for the format of gzip


_LONG_HASH_LOG, _LONG_RATE_LOG = 20, 2  # of zstd


def _check(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{what} is {value}; {low}..{high} is expected")


@dataclass(frozen=True)
class Zlib(Compressor):
    """DEFLATE in the format of zlib: 6 bytes around it.

    Parameters
    ----------
    level
        0..9. Level 9 has a faster way to the same sizes (`genoseq.ncd.parsing`).
    """

    level: int = 6
    bits: ClassVar[int] = _ZLIB

    def __post_init__(self) -> None:
        _check("level of zlib", self.level, 0, 9)

    @property
    def name(self) -> str:
        """Its format and level."""
        return f"zlib-{self.level}"

    @property
    def window(self) -> int:
        """32 kB (RFC 1951)."""
        return 1 << 15

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        return len(zlib.compress(text, self.level, self.bits))

    def follow(self, suffixes: Sequence[bytes], separator: bytes = b" ") -> Suffixes:
        """Prepare texts to be compressed after others."""
        return DeflateSuffixes.prepare(self.level, self.bits, suffixes, separator)


@dataclass(frozen=True)
class Gzip(Zlib):
    """DEFLATE in the format of gzip: 18 bytes around it. `gzip.compress` has level 9.

    Parameters
    ----------
    level
        0..9.
    """

    level: int = 9
    bits: ClassVar[int] = _GZIP

    @property
    def name(self) -> str:
        """Its format and level."""
        return f"gzip-{self.level}"


@dataclass(frozen=True)
class Bz2(Compressor):
    """Burrows-Wheeler transform in blocks of `level` times 100 kB.

    Parameters
    ----------
    level
        1..9.
    """

    level: int = 9

    def __post_init__(self) -> None:
        _check("level of bz2", self.level, 1, 9)

    @property
    def name(self) -> str:
        """Its format and level."""
        return f"bz2-{self.level}"

    @property
    def window(self) -> int:
        """A block."""
        return 100_000 * self.level

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        return len(bz2.compress(text, self.level))


@dataclass(frozen=True)
class Lzma(Compressor):
    """LZMA2 in the format of xz.

    Parameters
    ----------
    preset
        0..9.
    dictionary
        Bytes that it can see back, by default those of the preset (8 MiB of 6). A smaller one is faster, as
        much of the time for a short text goes into clearing tables: of 2,000 pairs of human genes, 64 KiB
        gave the same sizes in 0.63 of the time.
    """

    preset: int = 6
    dictionary: int | None = None

    def __post_init__(self) -> None:
        _check("preset of lzma", self.preset, 0, 9)
        if self.dictionary is not None:
            _check("dictionary of lzma", self.dictionary, 1 << 12, 1536 << 20)

    @property
    def name(self) -> str:
        """Its format and settings."""
        return f"lzma-{self.preset}" + (f"-{self.dictionary}" if self.dictionary else "")

    @property
    def window(self) -> int:
        """The dictionary (liblzma, lzma_encoder_presets.c)."""
        return self.dictionary or (1 << (18, 20, 21, 22, 22, 23, 23, 24, 25, 26)[self.preset])

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        if self.dictionary is None:
            return len(lzma.compress(text, preset=self.preset))
        chain = [{"id": lzma.FILTER_LZMA2, "preset": self.preset, "dict_size": self.dictionary}]
        return len(lzma.compress(text, filters=chain))


@dataclass(frozen=True)
class Zstd(Compressor):
    """Zstandard.

    Parameters
    ----------
    level
        -131072..22.
    window_log
        Binary logarithm of the window, 10..31, with matches at long distances looked for (``zstd --long``);
        by default what the level has.
    dictionary
        Text that stands before every other without being counted: what it has in common with `dictionary` is
        free. By default none.
    shortest_long
        Letters of the shortest match at a long distance, 4..4096, by default 64 (32 from level 16 on). Two
        genomes that differ in 5 % of the bases have hardly 64 in common without a difference.
    """

    level: int = 3
    window_log: int | None = None
    dictionary: bytes | None = field(default=None, repr=False)
    shortest_long: int | None = None

    def __post_init__(self) -> None:
        _check("level of zstd", self.level, *zstd.CompressionParameter.compression_level.bounds())
        if self.window_log is not None:
            _check("window_log of zstd", self.window_log, *zstd.CompressionParameter.window_log.bounds())
        if self.shortest_long is not None:
            _check(
                "shortest_long of zstd", self.shortest_long, *zstd.CompressionParameter.ldm_min_match.bounds()
            )
            if self.window_log is None:
                raise UsageError("shortest_long of zstd belongs to a long window: give window_log as well")
        if self.dictionary is not None and len(self.dictionary) < 8:
            found = f"{len(self.dictionary)} bytes"
            raise UsageError(f"the dictionary of zstd has {found}; at least 8 are needed")

    @property
    def name(self) -> str:
        """Its format and settings."""
        long = f"-long{self.window_log}" if self.window_log else ""
        long += f"-match{self.shortest_long}" if self.shortest_long else ""
        return f"zstd-{self.level}{long}" + ("-dictionary" if self.dictionary else "")

    @property
    def window(self) -> int:
        """Of a long text at this level (zstd's clevels.h; faster levels than 1 have the window of 1)."""
        if self.window_log:
            return 1 << self.window_log
        logs = (19, 20, 21, 21, 21, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22, 22, 23, 23, 25, 26, 27)
        return 1 << (21 if self.level == 0 else logs[max(0, self.level - 1)])

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        encoder = _encoder(self)
        return len(encoder.compress(text, encoder.FLUSH_FRAME))


_of_thread = threading.local()


def _encoder(settings: Zstd) -> zstd.ZstdCompressor:
    """The encoder of this thread: its tables of some megabytes serve every text."""
    known = getattr(_of_thread, "zstd", None)
    if known is None or known[0] != settings:
        parameter = zstd.CompressionParameter
        options: dict[int, int] = {parameter.compression_level: settings.level}
        if settings.window_log is not None:
            options |= {
                parameter.window_log: settings.window_log,
                parameter.enable_long_distance_matching: 1,
            }
            if settings.shortest_long is not None:
                # places remembered: one of 2**rate; by default so few that short matches are overlooked
                options |= {
                    parameter.ldm_min_match: settings.shortest_long,
                    parameter.ldm_hash_log: max(_LONG_HASH_LOG, settings.window_log - 4),
                    parameter.ldm_hash_rate_log: _LONG_RATE_LOG,
                }
        dictionary = None if settings.dictionary is None else _digested(settings.dictionary)
        known = _of_thread.zstd = (settings, zstd.ZstdCompressor(options=options, zstd_dict=dictionary))
    return known[1]


@lru_cache(maxsize=64)
def _digested(dictionary: bytes) -> zstd.ZstdDict:
    return zstd.ZstdDict(dictionary, is_raw=True)


@dataclass(frozen=True)
class Brotli(Compressor):
    """Brotli. Of its built-in dictionary, which is of English and HTML, DNA has no use.

    Parameters
    ----------
    quality
        0..11.
    window_log
        Binary logarithm of the window, 10..24.
    """

    quality: int = 11
    window_log: int = 22

    def __post_init__(self) -> None:
        _check("quality of brotli", self.quality, 0, 11)
        _check("window_log of brotli", self.window_log, 10, 24)

    @property
    def name(self) -> str:
        """Its format and quality."""
        return f"brotli-{self.quality}"

    @property
    def window(self) -> int:
        """16 bytes less than a power of two (RFC 7932)."""
        return (1 << self.window_log) - 16

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        return _brotli(text, self.quality, self.window_log)


def _brotli(text: bytes, quality: int, window_log: int) -> int:
    try:
        import brotli
    except ImportError as error:
        raise MissingDependencyError("the compressor brotli", "brotli", "ncd") from error
    return len(brotli.compress(text, quality=quality, lgwin=window_log))


@dataclass(frozen=True)
class Lz4(Compressor):
    """LZ4 frames, which tell the length of the text.

    Parameters
    ----------
    level
        0..16; from 3 on it searches thoroughly.
    """

    level: int = 0

    def __post_init__(self) -> None:
        _check("level of lz4", self.level, 0, 16)

    @property
    def name(self) -> str:
        """Its format and level."""
        return f"lz4-{self.level}"

    @property
    def window(self) -> int:
        """64 kB."""
        return 1 << 16

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        try:
            import lz4.frame
        except ImportError as error:
            raise MissingDependencyError("the compressor lz4", "lz4", "ncd") from error
        return len(lz4.frame.compress(text, compression_level=self.level))


@dataclass(frozen=True)
class Snappy(Compressor):
    """Snappy, without frames: copies within blocks of 64 kB and no Huffman code."""

    @property
    def name(self) -> str:
        """Its format."""
        return "snappy"

    @property
    def window(self) -> int:
        """A block."""
        return 1 << 16

    def size(self, text: bytes) -> int:
        """Bytes that a text takes."""
        try:
            import cramjam
        except ImportError as error:
            raise MissingDependencyError("the compressor snappy", "cramjam", "ncd") from error
        return len(cramjam.snappy.compress_raw(text))


#: What the paper compares, with its settings, by the names that it uses.
PAPER: Mapping[str, Compressor] = MappingProxyType(
    {
        "gzip": Gzip(9),
        "snappy": Snappy(),
        "brotli": Brotli(11, 22),
        "lz4": Lz4(0),
        "zstd": Zstd(3),
        "bz2": Bz2(9),
        "lzma": Lzma(6),
    }
)

#: Every compressor that has a name.
NAMED: Mapping[str, Compressor] = MappingProxyType({**PAPER, "mixing": Mixing(), "protein": Protein()})


def compressor_of(choice: str | Compressor) -> Compressor:
    """A compressor, or the one of `NAMED` that is called so; one that is not installed is an error now.

    Raises
    ------
    UsageError
        If no compressor is called so.
    MissingDependencyError
        If its package is not installed.

    Examples
    --------
    >>> compressor_of("gzip")
    Gzip(level=9)
    """
    found = NAMED.get(choice) if isinstance(choice, str) else choice
    if not isinstance(found, Compressor):
        raise UsageError(f"compressor {choice!r}; {', '.join(NAMED)} or a Compressor is expected")
    found.size(b"ACGT")
    return found
