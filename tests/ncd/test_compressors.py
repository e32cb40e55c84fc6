"""One protocol test over all compressors, and the computed sizes of gzip against gzip."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from backports import zstd

from genoseq.errors import MissingDependencyError, UsageError
from genoseq.ncd import shared_prefix
from genoseq.ncd.compressors import (
    NAMED,
    PAPER,
    Brotli,
    Bz2,
    Gzip,
    Lz4,
    Lzma,
    Snappy,
    Zlib,
    Zstd,
    compressor_of,
)
from genoseq.ncd.mixing_compressor import Mixing

PACKAGES = {Brotli: "brotli", Lz4: "lz4", Snappy: "cramjam"}
OTHERS = [
    Zlib(), Zlib(9), Gzip(1), Gzip(6), Bz2(1), Lzma(0), Lzma(6, 1 << 16), Zstd(-5), Zstd(19), Zstd(9, 27),
    Zstd(3, dictionary=b"ACGTTGCA" * 9), Brotli(5, 16), Lz4(9), Zstd(9, 27, shortest_long=16), Mixing("best"),
    Mixing("fast", both_strands=False),
]  # fmt: skip


def installed(compressor):
    package = PACKAGES.get(type(compressor))
    if package is not None:
        pytest.importorskip(package)
    return compressor


def dna(rng, length):
    return rng.choice(np.frombuffer(b"ACGT", np.uint8), length)


def relatives(rng, count, lengths=(1, 2500)):
    """Random DNA, most of it mutated copies of pieces of one sequence."""
    parent = dna(rng, 6000)
    for _ in range(count):
        length = int(rng.integers(*lengths))
        text = dna(rng, length)
        if rng.random() < 0.7:
            start = int(rng.integers(6000 - min(length, 5999)))
            piece = parent[start : start + length]
            text[: len(piece)] = piece
            places = rng.integers(length, size=length // int(rng.integers(4, 60)))
            text[places] = dna(rng, len(places))
        yield text.tobytes()


@pytest.mark.parametrize("compressor", [*NAMED.values(), *OTHERS], ids=lambda each: each.name)
def test_protocol(compressor):
    installed(compressor)
    texts = list(relatives(np.random.default_rng(5), 12))
    prefix = texts[0] + b" "
    suffixes = compressor.follow(texts)
    expected = [compressor.size(prefix + text) for text in texts]
    assert suffixes.sizes(prefix).tolist() == expected
    assert suffixes.sizes(prefix).dtype == np.int32
    chosen = np.array([7, 2])
    assert suffixes.sizes(prefix, chosen).tolist() == [expected[7], expected[2]]
    assert suffixes.sizes(prefix, chosen[:0]).tolist() == []
    assert compressor.size(texts[0] * 2) < 2 * compressor.size(texts[0])
    assert compressor.window >= 1 << 15
    again = pickle.loads(pickle.dumps(compressor))
    assert again == compressor
    assert hash(again) == hash(compressor)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(compressor.size, [prefix + text for text in texts])) == expected
    assert pickle.loads(pickle.dumps(suffixes)).sizes(prefix).tolist() == expected


@pytest.fixture
def no_switches():
    """Threads that hold the interpreter are not asked to let it go for as long as a test takes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


def while_it_runs(work):
    """Whether this thread gets on while another one works."""
    begun, ended = threading.Event(), []

    def run():
        begun.set()
        work()
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    here = time.monotonic()
    thread.join()
    return here < ended[0] - 0.01


# letters that take some 0.1 s
SLOW = {
    "gzip": 1 << 20,
    "bz2": 1 << 20,
    "lzma": 1 << 18,
    "brotli": 1 << 16,
    "zstd": 1 << 24,
    "lz4": 1 << 25,
    "snappy": 1 << 25,
    "mixing": 1 << 17,
    "protein": 1 << 16,
}


@pytest.mark.parametrize("name", NAMED)
def test_other_threads_run_meanwhile(name, no_switches):
    compressor = installed(NAMED[name])
    text = dna(np.random.default_rng(12), SLOW[name]).tobytes()
    compressor.size(text[:100])
    assert not while_it_runs(lambda: sum(range(1_000_000)))  # does not let go: the test can fail
    assert any(while_it_runs(lambda: compressor.size(text)) for _ in range(3))


def test_other_threads_run_while_gzip_is_computed(no_switches):
    texts = list(relatives(np.random.default_rng(13), 20))
    suffixes = Gzip().follow(texts)
    suffixes.sizes(texts[0] + b" ")  # compiles
    chosen = np.tile(np.arange(20), 500)
    assert any(while_it_runs(lambda: suffixes.sizes(texts[0] + b" ", chosen)) for _ in range(3))


def test_names_tell_settings_apart():
    names = [each.name for each in [*NAMED.values(), *OTHERS]]
    assert len(set(names)) == len(names)


def test_settings_of_the_paper_are_the_defaults_of_the_packages():
    text = b"".join(relatives(np.random.default_rng(6), 3))
    assert PAPER["gzip"].size(text) == len(gzip.compress(text))
    assert PAPER["bz2"].size(text) == len(bz2.compress(text))
    assert PAPER["lzma"].size(text) == len(lzma.compress(text))
    assert PAPER["zstd"].size(text) == len(zstd.compress(text))
    assert set(PAPER) == {"gzip", "snappy", "brotli", "lz4", "zstd", "bz2", "lzma"}


@pytest.mark.parametrize("name", ["brotli", "lz4", "snappy"])
def test_optional_settings_of_the_paper_are_the_defaults_of_the_packages(name):
    text = b"".join(relatives(np.random.default_rng(6), 3))
    package = pytest.importorskip({"lz4": "lz4.frame", "snappy": "cramjam"}.get(name, name))
    compress = package.snappy.compress_raw if name == "snappy" else package.compress
    assert PAPER[name].size(text) == len(compress(text))


@pytest.mark.parametrize(("level", "bits"), [(9, 31), (9, 15)])
def test_computed_sizes_are_those_of_zlib(level, bits):
    rng = np.random.default_rng(7)
    texts = list(relatives(rng, 60))
    suffixes = shared_prefix.DeflateSuffixes.prepare(level, bits, texts)
    assert suffixes.known is not None or not shared_prefix.zlib_is_classic()
    for prefix in relatives(rng, 25):
        expected = [len(zlib.compress(prefix + b" " + text, level, bits)) for text in texts]
        assert suffixes.sizes(prefix + b" ").tolist() == expected


def unusual():
    rng = np.random.default_rng(8)
    protein = rng.choice(np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", np.uint8), 700).tobytes()
    noise = rng.integers(33, 256, size=500).astype(np.uint8).tobytes()
    repeat, long = b"ACGTTGCAAC" * 300, dna(rng, 20_000).tobytes()
    return {
        "one letter": b"A", "two": b"AC", "protein": protein, "part of protein": protein[100:400],
        "any bytes": noise, "poly-A": b"A" * 1500, "short poly-A": b"A" * 700, "repeat": repeat, "long": long,
        "long relative": long[5000:9000] + long[:12_000], "unknown": b"NNNN" + protein[:50] + b"ACGT" * 20,
        "five letters far away": long[:300],
    }  # fmt: skip


@pytest.mark.parametrize("name", unusual())
def test_computed_sizes_of_unusual_texts(name):
    """Past the window, with crowded triples, of other alphabets, shorter than a copy."""
    texts = list(unusual().values())
    prefix = unusual()[name] + b" "
    assert Gzip().follow(texts).sizes(prefix).tolist() == [
        len(gzip.compress(prefix + text)) for text in texts
    ]
    dna_only = Gzip().follow([b"ACGTACGTTTGACA" * 3])  # the prefix has letters that no suffix has
    assert dna_only.sizes(prefix).tolist() == [len(gzip.compress(prefix + b"ACGTACGTTTGACA" * 3))]


def test_texts_past_the_window_cost_no_more_than_compressing_them():
    """Copies of a long text are not looked for, which would take a time that grows with its square."""
    long = dna(np.random.default_rng(14), 200_000).tobytes()
    start = time.process_time()
    expected = [len(gzip.compress(long + b" " + text)) for text in (long, b"ACGT")]
    once = time.process_time() - start
    start = time.process_time()
    suffixes = Gzip().follow([long, b"ACGT"])
    assert suffixes.sizes(long + b" ").tolist() == expected
    assert suffixes.sizes(b"ACGT ").tolist()[0] == len(gzip.compress(b"ACGT " + long))
    assert time.process_time() - start < 3 * once


@pytest.mark.parametrize(
    ("prefix", "separator"), [(b"AC GT ", b" "), (b"ACGTAC", b""), (b"ACGT", b" "), (b"A--", b"--")]
)
def test_separators_that_sharing_cannot_use(prefix, separator):
    texts = [b"ACGTAC", b"GT ACGTACGT"]
    assert Gzip().follow(texts, separator).sizes(prefix).tolist() == [
        len(gzip.compress(prefix + text)) for text in texts
    ]
    assert Gzip().follow(texts[:1], separator).sizes(prefix).tolist() == [
        len(gzip.compress(prefix + texts[0]))
    ]


def test_a_zlib_with_other_sizes_is_asked_itself(monkeypatch):
    monkeypatch.setattr(shared_prefix, "zlib_is_classic", lambda: False)
    texts = list(relatives(np.random.default_rng(9), 5))
    suffixes = Gzip().follow(texts)
    assert suffixes.known is None
    assert suffixes.sizes(b"ACGT ").tolist() == [len(gzip.compress(b"ACGT " + text)) for text in texts]


def test_what_a_zstd_dictionary_holds_is_free():
    text = next(relatives(np.random.default_rng(10), 1, (2000, 2001)))
    assert Zstd(19, dictionary=text).size(text[500:1500]) < Zstd(19).size(text[500:1500]) / 5


def test_a_long_window_of_zstd_sees_farther():
    rng = np.random.default_rng(11)
    text, filling = dna(rng, 20_000).tobytes(), rng.integers(256, size=3 << 20).astype(np.uint8).tobytes()
    assert Zstd(3, 24).size(text + filling + text) < Zstd(3).size(text + filling + text) - 3000


def test_shorter_long_matches_of_zstd_find_divergent_copies():
    rng = np.random.default_rng(15)
    text = dna(rng, 1_000_000)
    copy = text.copy()
    places = rng.integers(len(copy), size=50_000)
    copy[places] = dna(rng, len(places))
    whole = text.tobytes() + copy.tobytes()
    assert Zstd(3, 21, shortest_long=20).size(whole) < 0.9 * Zstd(3, 21).size(whole)


@pytest.mark.parametrize("name", ["brotli", "lz4", "snappy"])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name):
    package = "cramjam" if name == "snappy" else name
    for module in [each for each in sys.modules if each.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"{name} needs {package}.*genoseq\[ncd\]"):
        compressor_of(name)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gzip(10), "level of zlib is 10; 0..9"),
        (lambda: Bz2(0), "1..9"),
        (lambda: Lzma(11), "0..9"),
        (lambda: Lzma(6, 10), "4096"),
        (lambda: Zstd(23), "22"),
        (lambda: Zstd(3, 9), "10"),
        (lambda: Zstd(3, dictionary=b"AC"), "at least 8"),
        (lambda: Zstd(3, 24, shortest_long=3), "4..4096"),
        (lambda: Zstd(3, shortest_long=16), "give window_log"),
        (lambda: Mixing("slow"), "fast, best"),
        (lambda: Brotli(12), "0..11"),
        (lambda: Brotli(5, 9), "10..24"),
        (lambda: Lz4(17), "0..16"),
        (lambda: compressor_of("zip"), "gzip, snappy"),
        (lambda: compressor_of(9), "Compressor is expected"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(UsageError, match=words):
        make()
