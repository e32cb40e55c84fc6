"""Files of vectors, read again by numpy and pyarrow, and what is left of a run that failed."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from genoseq.errors import MissingDependencyError, UsageError
from genoseq.io import vectors as module
from genoseq.io.vectors import Entry, open_vectors, vector_format

ENTRIES = [
    Entry("chr1", "chr1", 0, 3),
    Entry("chr1:5-7(-)", "chr1", 5, 7, "-"),
    Entry("a much longer name:0-4", "a much longer name", 0, 4),
]
ABOUT = {"model": "m", "layer": None}


def some_vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write(path, *, each_base=False):
    """Write the entries; returns all vectors, one below the other."""
    written = []
    with open_vectors(path, 5, ABOUT, each_base=each_base) as file:
        for i, entry in enumerate(ENTRIES):
            if not each_base:
                written.append(some_vectors(5, seed=i)[None])
                file.add(entry, written[-1][0])
                continue
            whole = some_vectors(entry.end - entry.start, 5, seed=i)
            for part in (whole[:2], whole[2:]):  # as windows bring them
                if len(part):
                    file.add(entry, part)
            written.append(whole)
    return np.concatenate(written)


def test_npz(tmp_path):
    path = tmp_path / "v.npz"
    wanted = write(path)
    with np.load(path) as found:
        assert set(found) == {"names", "sequences", "starts", "ends", "strands", "vectors", "about"}
        assert np.array_equal(found["vectors"], wanted)
        assert found["vectors"].dtype == np.float32
        assert found["names"].tolist() == [entry.name for entry in ENTRIES]
        assert found["sequences"].tolist() == [entry.sequence for entry in ENTRIES]
        assert found["starts"].tolist() == [0, 5, 0]
        assert found["ends"].tolist() == [3, 7, 4]
        assert found["strands"].tolist() == ["+", "-", "+"]
        assert json.loads(str(found["about"])) == ABOUT
    assert [file.name for file in tmp_path.iterdir()] == ["v.npz"]


def test_npz_of_bases(tmp_path):
    path = tmp_path / "v.npz"
    wanted = write(path, each_base=True)
    with np.load(path) as found:
        assert np.array_equal(found["vectors"], wanted)
        assert found["offsets"].tolist() == [0, 3, 5, 9]
        assert len(found["names"]) == 3


def test_many_names(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LINES", 100)
    monkeypatch.setattr(module, "_BLOCK", 64)
    entries = [Entry(f"name {i}" + "x" * (i % 7), "s", i, i + 1) for i in range(1000)]
    with open_vectors(tmp_path / "v.npz", 2, {}, each_base=False) as file:
        for entry in entries:
            file.add(entry, np.array([entry.start, 1], np.float32))
    with np.load(tmp_path / "v.npz") as found:
        assert found["names"].tolist() == [entry.name for entry in entries]
        assert found["vectors"][:, 0].tolist() == list(range(1000))


@pytest.mark.parametrize("each_base", [False, True])
def test_tsv(tmp_path, each_base):
    path = tmp_path / "v.tsv"
    wanted = write(path, each_base=each_base)
    first, header, *lines = path.read_text().splitlines()
    assert first == "# schema_version=1"
    place = ["position"] if each_base else ["start", "end"]
    assert header.split("\t") == ["name", "sequence", *place, "strand", "v0", "v1", "v2", "v3", "v4"]
    rows = [line.split("\t") for line in lines]
    assert np.allclose(np.array([row[-5:] for row in rows], float), wanted, rtol=1e-5)
    if each_base:  # on the reverse strand the last base is read first
        assert [int(row[2]) for row in rows] == [0, 1, 2, 6, 5, 0, 1, 2, 3]
    else:
        assert [row[:5] for row in rows] == [
            [e.name, e.sequence, str(e.start), str(e.end), e.strand] for e in ENTRIES
        ]


@pytest.mark.parametrize("each_base", [False, True])
@pytest.mark.parametrize("buffered", [1, 1 << 22])
def test_parquet(tmp_path, monkeypatch, each_base, buffered):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(module, "_BUFFERED", buffered)
    path = tmp_path / "v.parquet"
    wanted = write(path, each_base=each_base)
    table = parquet.read_table(path)
    columns = ["name", "sequence", *(["position"] if each_base else ["start", "end"]), "strand", "vector"]
    assert table.column_names == columns
    assert np.array_equal(np.array(table["vector"].to_pylist(), np.float32), wanted)
    assert json.loads(table.schema.metadata[b"genoseq"]) == ABOUT
    if each_base:
        assert table["position"].to_pylist() == [0, 1, 2, 6, 5, 0, 1, 2, 3]
    else:
        assert table["name"].to_pylist() == [entry.name for entry in ENTRIES]
        assert table["end"].to_pylist() == [3, 7, 4]


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"needs pyarrow.*genoseq\[parquet\]"):
        write(tmp_path / "v.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["npz", "tsv", "parquet"])
def test_nothing_is_a_valid_file(tmp_path, ending):
    if ending == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / f"v.{ending}"
    with open_vectors(path, 4, {}, each_base=False):
        pass
    if ending == "npz":
        with np.load(path) as found:
            assert found["vectors"].shape == (0, 4)
            assert found["names"].shape == (0,)
    elif ending == "parquet":
        assert parquet.read_table(path).num_rows == 0
    else:
        assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize("ending", ["npz", "tsv", "parquet"])
def test_a_run_that_fails_leaves_nothing(tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / f"v.{ending}").write_bytes(b"before")

    def fail():
        with open_vectors(tmp_path / f"v.{ending}", 5, {}, each_base=False) as file:
            file.add(ENTRIES[0], some_vectors(5))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == [f"v.{ending}"]
    assert (tmp_path / f"v.{ending}").read_bytes() == b"before"


def test_the_same_run_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a.npz")
    write(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("name", ["v.csv", "v", "v.npy", "npz"])
def test_endings(name):
    with pytest.raises(UsageError, match=r"files that end in \.npz, \.parquet, \.tsv"):
        vector_format(name)
