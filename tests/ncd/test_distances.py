"""Distances against their formulas, the matrix against pairs, and a stored one that goes on."""

from __future__ import annotations

import gzip
import json
import warnings

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.ncd import distances
from genoseq.ncd.compressors import Bz2, Gzip, Zstd
from genoseq.ncd.distances import Targets, distance, distance_matrix
from genoseq.sequence import decode, reverse_complement_text


@pytest.fixture
def sequences(bases):
    """Six texts, the last a mutated copy of the other strand of the first."""
    texts = [decode(bases(seed, 150 + 60 * seed)) for seed in range(5)]
    copy = list(reverse_complement_text(texts[0]))
    copy[10] = copy[90] = "A"
    return [*texts, "".join(copy)]


def size(text):
    return len(gzip.compress(text.encode()))


def naive(metric, x, y):
    joint, first, second = size(x + " " + y), size(x), size(y)
    if metric == "ncd":
        return (joint - min(first, second)) / max(first, second)
    if metric == "cdm":
        return joint / (first + second)
    return 1 - (first + second - joint) / joint


@pytest.mark.parametrize("metric", ["ncd", "cdm", "clm"])
def test_rectangle_is_as_the_formula(sequences, metric):
    found = distance_matrix(sequences[:4], sequences[2:], metric=metric)
    expected = [[naive(metric, x, y) for y in sequences[2:]] for x in sequences[:4]]
    assert found.tolist() == expected
    assert distance(sequences[0], sequences[3], metric=metric) == expected[0][1]
    assert 0 <= found.min() < found.max() < 1.2


def test_symmetric_matrix(sequences):
    found = distance_matrix(sequences)
    for i, x in enumerate(sequences):
        assert found[i, i] == 0
        for j in range(i + 1, len(sequences)):
            assert found[i, j] == found[j, i] == naive("ncd", x, sequences[j])


def test_both_strands_take_the_smaller_distance(sequences):
    found = distance_matrix(sequences, sequences, both_strands=True)
    for i, x in enumerate(sequences):
        for j, y in enumerate(sequences):
            assert found[i, j] == min(naive("ncd", x, y), naive("ncd", x, reverse_complement_text(y)))
    assert found[0, 5] < 0.5 < distance(sequences[0], sequences[5])
    symmetric = distance_matrix(sequences, both_strands=True)
    assert np.array_equal(np.triu(symmetric, 1), np.triu(found, 1))


@pytest.mark.parametrize("compressor", [Gzip(), Gzip(6), Bz2(), Zstd()], ids=lambda each: each.name)
def test_threads_change_nothing(bases, compressor):
    texts = [decode(bases(seed, 40 + seed)) for seed in range(70)]
    alone = distance_matrix(texts, compressor=compressor)
    assert np.array_equal(alone, distance_matrix(texts, compressor=compressor, threads=4))


def test_text_bytes_and_case_are_one(sequences):
    found = distance_matrix(sequences)
    assert np.array_equal(found, distance_matrix([text.lower().encode() for text in sequences]))
    assert np.array_equal(found, distance_matrix(np.array(sequences, object)))


@pytest.mark.parametrize(("second", "pairs"), [(None, 40 * 39 // 2), (3, 120)])
def test_progress_counts_every_pair(bases, second, pairs):
    texts = [decode(bases(seed, 30)) for seed in range(40)]
    told = []
    distance_matrix(texts, None if second is None else texts[:second], progress=told.append)
    assert sum(told) == pairs
    assert len(told) == 3


def test_no_sequences():
    assert distance_matrix([]).shape == (0, 0)
    assert distance_matrix([], ["ACGT"]).shape == (0, 1)
    assert distance_matrix(["ACGT"]).tolist() == [[0]]


def test_a_window_that_is_passed_is_told_once(bases):
    texts = [decode(bases(seed, 20_000)) for seed in range(3)]
    with pytest.warns(GenoseqWarning, match=r"40,000 bytes, and gzip-9 sees 32,768 back") as caught:
        distance_matrix(texts)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distance_matrix(texts, compressor="lzma")
        distance_matrix(texts[:1], ["ACGT"])


def test_a_stored_matrix_goes_on(bases, tmp_path, monkeypatch):
    texts = [decode(bases(seed, 50 + seed)) for seed in range(40)]
    expected = distance_matrix(texts)
    calls = []
    joint = Targets.joint

    def counted(self, text, chosen=None):
        calls.append(text)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return joint(self, text, chosen)

    monkeypatch.setattr(Targets, "joint", counted)
    with pytest.raises(KeyboardInterrupt):
        distance_matrix(texts, store=tmp_path / "m")
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["block-000000.npy", "manifest.json"]
    assert np.array_equal(distance_matrix(texts, store=tmp_path / "m"), expected)
    assert len(calls) == 20 + 23  # 16 rows were kept, and the last needs nothing
    assert np.array_equal(
        distance_matrix(texts, store=tmp_path / "m", metric="cdm"), distance_matrix(texts, metric="cdm")
    )
    assert len(calls) == 20 + 23 + 39  # only those of the matrix that is not stored


@pytest.mark.parametrize("second", [None, 4])
def test_pairs_of_genomes_are_blocks_of_their_own(bases, tmp_path, monkeypatch, second):
    texts = [decode(bases(seed, 300)) for seed in range(7)]
    others = None if second is None else texts[:second]
    whole = distance_matrix(texts, others, compressor=Zstd())
    monkeypatch.setattr(distances, "_BLOCK", 1500)  # two pairs
    told = []
    parts = distance_matrix(
        texts, others, compressor=Zstd(), threads=3, store=tmp_path / "m", progress=told.append
    )
    assert np.array_equal(parts, whole)
    assert len(told) == len(list((tmp_path / "m").glob("block-*.npy"))) > 7
    assert sum(told) == (21 if second is None else 28)
    assert np.array_equal(distance_matrix(texts, others, compressor=Zstd(), store=tmp_path / "m"), whole)
    monkeypatch.setattr(distances, "_MOST_BLOCKS", 3)
    told.clear()
    assert np.array_equal(distance_matrix(texts, others, compressor=Zstd(), progress=told.append), whole)
    assert len(told) <= 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"compressor": "zstd"}, r"compressor is 'Gzip\(level=9\)', of this run 'Zstd\(level=3"),
        ({"both_strands": True}, "both_strands is False"),
        ({"separator": b"#"}, "separator is ' '"),
        ({"second": ["ACGT", "AC"]}, "symmetric is True"),
        ({"first": ["ACGT", "AG"]}, "sequences of the rows is"),
        ({"first": ["ACGT"]}, "rows is 2"),
    ],
)
def test_a_stored_matrix_of_something_else_is_refused(tmp_path, change, words):
    folder = tmp_path / "m"
    arguments = {"first": ["ACGT", "AC"], "store": folder}
    distance_matrix(**arguments)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError, match=words):
        distance_matrix(**{**arguments, **change})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("content", [b"", b"not numpy", None])
def test_a_damaged_block_is_named(tmp_path, content):
    distance_matrix(["ACGT", "AC"], store=tmp_path / "m")
    block = tmp_path / "m" / "block-000000.npy"
    if content is None:
        np.save(block, np.zeros((1, 2, 3), np.int32))
    else:
        block.write_bytes(content)
    with pytest.raises(InputError, match=r"block-000000\.npy: "):
        distance_matrix(["ACGT", "AC"], store=tmp_path / "m")


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        distance_matrix(["ACGT"], store=tmp_path)
    with pytest.raises(InputError, match=r"notes\.txt: is a file"):
        distance_matrix(["ACGT"], store=tmp_path / "notes.txt")
    with pytest.raises(InputError, match="there is no folder"):
        distance_matrix(["ACGT"], store=tmp_path / "none" / "m")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: is damaged"):
        distance_matrix(["ACGT"], store=tmp_path / "m")
    (tmp_path / "m" / "manifest.json").write_text(json.dumps({"version": 0}))
    with pytest.raises(InputError, match="version is 0, of this run 1"):
        distance_matrix(["ACGT"], store=tmp_path / "m")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"first": "ACGT"}, UsageError, "first is one sequence"),
        ({"first": ["AC", ""]}, InputError, r"first\[1\] is empty"),
        ({"first": ["AC"], "second": [3]}, UsageError, r"second\[0\] is int"),
        ({"first": ["AC"], "metric": "ned"}, UsageError, "ncd, cdm, clm"),
        ({"first": ["AC"], "compressor": "zip"}, UsageError, "gzip, snappy"),
        ({"first": ["AC"], "threads": 0}, UsageError, "0 threads"),
        ({"first": ["AC", "MELF"], "both_strands": True}, InputError, "sequence 1 .*'E' at position 1"),
    ],
)
def test_bad_input(arguments, error, words):
    with pytest.raises(error, match=words):
        distance_matrix(**arguments)


def test_an_error_in_a_thread_reaches_the_caller(bases, monkeypatch):
    def broken(text):
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        list(distances.in_threads(broken, range(50), 3))
