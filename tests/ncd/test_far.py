"""Windows for pairs of genomes."""

from __future__ import annotations

import pytest

from genoseq.ncd.compressors import NAMED, PAPER, Brotli, Lzma, Zstd
from genoseq.ncd.far import seeing


@pytest.mark.parametrize("length", [1, 40_000, 900_001, 9_000_000, (1 << 24) - 20, 1 << 28])
@pytest.mark.parametrize("name", ["zstd", "lzma", "mixing"])
def test_all_of_a_pair_is_seen(name, length):
    assert seeing(NAMED[name], length).window >= length


@pytest.mark.parametrize("length", [1 << 22, (1 << 22) - 15, (1 << 23) - 16, (1 << 23) - 15, 1 << 30])
def test_brotli_ends_at_16_mib(length):
    assert seeing(Brotli(), length).window >= min(length, (1 << 24) - 16)


@pytest.mark.parametrize("name", NAMED)
def test_what_sees_enough_stays_as_it_is(name):
    length = 1 << 19 if name == "zstd" else NAMED[name].window
    assert seeing(NAMED[name], length) == NAMED[name]
    assert seeing(Zstd(3, 27), 1 << 27) == Zstd(3, 27)


@pytest.mark.parametrize("name", ["gzip", "bz2", "lz4", "snappy"])
def test_what_has_no_window_to_set_stays_as_it_is(name):
    assert seeing(PAPER[name], 1 << 28) == PAPER[name]


def test_limits_of_the_formats():
    assert seeing(Zstd(3), 1 << 40) == Zstd(3, 31, shortest_long=20)
    assert seeing(Zstd(19), 1 << 26).shortest_long is None  # it looks for them anyway
    assert seeing(Lzma(6), 1 << 40).window == 1536 << 20
