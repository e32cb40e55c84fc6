"""Names of compressors, there and back."""

from __future__ import annotations

import pytest

from genoseq.errors import UsageError
from genoseq.ncd.compressors import NAMED as KNOWN
from genoseq.ncd.compressors import Brotli, Bz2, Gzip, Lz4, Lzma, Zlib, Zstd
from genoseq.ncd.named import compressor_named

NAMED = [
    Zlib(3),
    Gzip(1),
    Bz2(2),
    Lzma(0),
    Lzma(6, 1 << 16),
    Zstd(-5),
    Zstd(19),
    Zstd(9, 27),
    Zstd(9, 27, shortest_long=20),
    Brotli(5),
    Lz4(9),
]


@pytest.mark.parametrize("compressor", [*KNOWN.values(), *NAMED], ids=lambda each: each.name)
def test_there_and_back(compressor):
    packages = {"Brotli": "brotli", "Lz4": "lz4", "Snappy": "cramjam"}
    if type(compressor).__name__ in packages:
        pytest.importorskip(packages[type(compressor).__name__])
    assert compressor_named(compressor.name) == compressor


def test_names_of_the_paper():
    assert compressor_named("gzip") == Gzip(9)
    assert compressor_named("zstd") == Zstd(3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rar", "compressor 'rar'; gzip, snappy"),
        ("zstd-", "compressor 'zstd-'"),
        ("", "compressor ''"),
        ("gzip-10", "level of zlib is 10; 0..9 is expected"),
        ("zstd-3-long50", "window_log of zstd is 50"),
        ("snappy-3", "compressor 'snappy-3'"),
    ],
)
def test_what_is_none(name, words):
    with pytest.raises(UsageError, match=words):
        compressor_named(name)
