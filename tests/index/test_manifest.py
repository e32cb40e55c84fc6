"""The manifest: whatever is changed in it, or in a part that it lists, is told in one line."""

from __future__ import annotations

import io
import json
import os
import shutil
import zlib
from pathlib import Path

import faiss
import numpy as np
import pytest

from genoseq.errors import IndexFileError, InputError
from genoseq.index.manifest import MANIFEST, PARTS, checksum, read_manifest, source_of
from genoseq.index.reference import Reference
from genoseq.index.store import Index, IndexParameters

LARGE = ("bases.2bit", "lists.bin")
LETTERS = "".join(np.random.default_rng(1).choice(list("ACGTN"), 3000))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "x.gsx"
    Index.build(
        Reference.from_sequences([("one", LETTERS), ("two", "ACGT")]),
        folder,
        parameters=IndexParameters(2, 100, "PQ16x4fs"),
    )
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy of the index that a test may damage."""
    return shutil.copytree(built, tmp_path / "copy.gsx")


def flip(path, place) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)


@pytest.mark.parametrize("part", PARTS)
def test_one_flipped_bit_of_a_part_is_found(folder, part):
    for place in (0, (folder / part).stat().st_size // 2, -1):
        flip(folder / part, place)
        with pytest.raises(
            IndexFileError, match=rf"copy\.gsx: {part} is damaged \(its checksum does not fit"
        ):
            Index.open(folder, verify=True)
        if part in LARGE:
            Index.open(folder)  # would have to read it all
        else:
            with pytest.raises(IndexFileError, match=rf"copy\.gsx: {part} is damaged"):
                Index.open(folder)
        flip(folder / part, place)
    Index.open(folder, verify=True)


def test_any_flipped_bit_of_the_manifest_is_found_or_changes_nothing(folder):
    whole = (folder / MANIFEST).read_bytes()
    expected = read_manifest(folder)
    refused = 0
    for place in np.random.default_rng(2).choice(len(whole) * 8, 1000, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << (place % 8)
        (folder / MANIFEST).write_bytes(damaged)
        try:
            assert read_manifest(folder) == expected
        except IndexFileError:
            refused += 1
    assert refused > 800


@pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 100_000, '{"a": "\\ud800'])
def test_what_is_not_json(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(IndexFileError, match=r"manifest\.json: is damaged \(not JSON\); rebuild the index"):
        read_manifest(folder)


@pytest.mark.parametrize("text", ["[]", "null", "{}", "1"])
def test_json_of_something_else(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(IndexFileError, match=r"copy\.gsx: index format version None, this genoseq reads 2"):
        read_manifest(folder)


def edit(folder, change, *, sealed: bool) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    seal = manifest.pop("crc32")
    change(manifest)
    manifest["crc32"] = checksum(manifest) if sealed else seal
    (folder / MANIFEST).write_text(json.dumps(manifest))


EDITS = [
    ("contigs", lambda m: m.update(contigs=[])),
    ("contigs", lambda m: m.update(contigs=None)),
    ("contigs", lambda m: m["contigs"][0].pop("name")),
    ("contigs", lambda m: m["contigs"][0].update(length="x")),
    ("contigs", lambda m: m["contigs"][0].update(length=3000.0)),
    ("contigs", lambda m: m["contigs"][0].update(length=3100)),
    ("parameters", lambda m: m["parameters"].update(words=1)),
    ("parameters", lambda m: m["parameters"].update(words="2")),
    ("parameters", lambda m: m["parameters"].update(words=3)),
    ("parameters", lambda m: m["parameters"].update(words=True)),
    ("parameters", lambda m: m["parameters"].pop("factory")),
    ("parameters", lambda m: m["parameters"].update(more=1)),
    ("parameters", lambda m: m["parameters"].update(factory="HNSW")),
    ("parameters", lambda m: m["parameters"].update(capacity=0)),
    ("parameters", lambda m: m["parameters"].update(capacity=1 << 63)),
    ("contigs", lambda m: m["contigs"][0].update(name="a\tb")),
    ("contigs", lambda m: m["contigs"][0].update(name="two")),
    ("contigs", lambda m: m["contigs"][0].update(md5="x")),
    ("contigs", lambda m: (m["contigs"][0].update(length=3005), m["contigs"][1].update(length=-1))),
    ("byte_order", lambda m: m.update(byte_order="\x1b[31m")),
    ("encoder", lambda m: m["encoder"].update(digest="\x1b[31m")),
    ("encoder", lambda m: m.update(encoder="a")),
    ("encoder", lambda m: m.update(encoder={})),
    ("parts", lambda m: m.update(parts=[])),
    ("parts", lambda m: m.update(parts={})),
    ("parts", lambda m: m["parts"].pop("lists.bin")),
    ("parts", lambda m: m["parts"].update({"lists.bin": 5})),
    ("parts", lambda m: m["parts"].update({"encoder.npz": 5})),
    ("parts", lambda m: m["parts"].update({"../x": {"bytes": 0, "crc32": 0}})),
    ("anchors", lambda m: m.pop("anchors")),
    ("source", lambda m: m.update(source={"name": 1})),
]


@pytest.mark.parametrize(("entry", "change"), EDITS)
def test_an_edited_manifest(folder, entry, change):
    edit(folder, change, sealed=False)
    with pytest.raises(IndexFileError, match=r"manifest\.json: is damaged or was edited \(its checksum"):
        Index.open(folder)


@pytest.mark.parametrize(("entry", "change"), EDITS)
def test_entries_of_another_form(folder, entry, change):
    """A program that makes an index of its own, checksum and all."""
    edit(folder, change, sealed=True)
    with pytest.raises(IndexFileError, match=rf"manifest\.json: {entry} is not as 'genoseq index' writes it"):
        Index.open(folder)


def put(folder, part, content) -> None:
    """Replace a part; its size and checksum fit."""
    (folder / part).write_bytes(content)
    entry = {"bytes": len(content), "crc32": zlib.crc32(content)}
    edit(folder, lambda m: m["parts"].update({part: entry}), sealed=True)


TREES = [
    lambda t: t["children"].__setitem__((0, 0), 0),  # a walk in circles
    lambda t: t["children"].__setitem__((0, 0), 1 << 20),
    lambda t: t["children"].__setitem__((0, 0), -(1 << 20)),
    lambda t: t["columns"].__setitem__(0, 16),
    lambda t: t["columns"].__setitem__(slice(None), 3),
    lambda t: t["roots"].__setitem__(0, 99),
    lambda t: t["sizes"].__setitem__(0, -1),
    lambda t: t["sizes"].__setitem__(0, t["sizes"][0] + 1),
    lambda t: t.update(columns=t["columns"][:-1]),
    lambda t: t.update(columns=t["columns"][:, None]),
    lambda t: t.update(children=t["children"].astype(np.int64)),
    lambda t: t.update(sizes=np.array(1, np.int32)),
    lambda t: t.update(roots=t["roots"][:1]),
]


@pytest.mark.parametrize("change", TREES)
def test_a_tree_that_a_walk_would_leave(folder, change):
    arrays = dict(np.load(folder / "tree.npz"))
    change(arrays)
    out = io.BytesIO()
    np.savez(out, **arrays)
    put(folder, "tree.npz", out.getvalue())
    with pytest.raises(IndexFileError, match=r"copy\.gsx: tree\.npz is not as 'genoseq index' writes it"):
        Index.open(folder)


def test_arrays_in_another_order_of_memory_are_the_same(folder):
    arrays = {name: np.asfortranarray(array) for name, array in np.load(folder / "tree.npz").items()}
    out = io.BytesIO()
    np.savez(out, **arrays)
    put(folder, "tree.npz", out.getvalue())
    assert Index.open(folder).tree.children.flags.c_contiguous


@pytest.mark.parametrize(
    "runs",
    [
        [[-5, 2, 78]],
        [[0, 99_999, 78]],
        [[5, 5, 78]],
        [[9, 12, 78], [3, 4, 78]],
        [[0, 2, 65]],
        [[0, 2, 999]],
        [[0, 2]],
    ],
)
def test_exceptions_outside_of_the_reference(folder, runs):
    out = io.BytesIO()
    np.save(out, np.array(runs, np.int64))
    put(folder, "exceptions.npy", out.getvalue())
    with pytest.raises(IndexFileError, match=r"exceptions\.npy is not as 'genoseq index' writes it"):
        Index.open(folder)


@pytest.mark.parametrize(
    "change", [{"nlist": 2}, {"implem": 12}, {"by_residual": True}, {"M2": 2}, {"ntotal": 5}]
)
def test_an_index_of_faiss_with_other_settings(folder, change):
    ivf = faiss.read_index(str(folder / "cells.faiss"))
    for name, value in change.items():
        setattr(ivf, name, value)
    put(folder, "cells.faiss", faiss.serialize_index(ivf).tobytes())
    with pytest.raises(
        IndexFileError, match=r"cells\.faiss(: FAISS cannot read it| is not as 'genoseq index')"
    ):
        Index.open(folder)


def test_lists_of_another_length(folder):
    content = (folder / "lists.bin").read_bytes()
    for other in (content[:-64], content + bytes(64), b""):
        put(folder, "lists.bin", other)
        with pytest.raises(IndexFileError, match=r"lists\.bin does not hold the anchors of the cells"):
            Index.open(folder)


def test_ids_outside_of_the_reference_are_no_hits(folder):
    """Lists are mapped and not read: damage after the build shows only here."""
    put(folder, "lists.bin", b"\x7f" * (folder / "lists.bin").stat().st_size)
    index = Index.open(folder)
    cells = np.arange(len(index.cell_sizes))[:, None]
    asked = np.tile(np.eye(64, dtype=np.float32)[:1], (len(cells), 1))
    assert (index.vectors.search(asked, cells, 4)[1] == -1).all()


def test_another_byte_order(folder):
    edit(folder, lambda m: m.update(byte_order="big"), sealed=True)
    with pytest.raises(IndexFileError, match="byte order big, this machine has little; rebuild the index"):
        Index.open(folder)


@pytest.mark.parametrize("part", [MANIFEST, *PARTS])
def test_no_permission_names_the_file(folder, part, monkeypatch):
    def refuse(path, *arguments, **options):
        if Path(path).name == part:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return opened(path, *arguments, **options)

    opened = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=rf"copy\.gsx/{part}: no permission to read it$"):
        Index.open(folder)


def test_the_source(tmp_path):
    fasta = tmp_path / "g.fa"
    fasta.write_text(">a\nACGT\n")
    told = source_of(fasta)
    assert told == {"name": "g.fa", "bytes": 8, "modified_ns": fasta.stat().st_mtime_ns}
    assert source_of("-") is source_of(os.devnull) is None
    with pytest.raises(InputError, match=r"none\.fa: no such file"):
        source_of(tmp_path / "none.fa")
