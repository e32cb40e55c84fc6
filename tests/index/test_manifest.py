"""The manifest: whatever is changed in it, or in a part that it lists, is told in one line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

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
    ("encoder", lambda m: m.update(encoder="a")),
    ("encoder", lambda m: m.update(encoder={})),
    ("parts", lambda m: m.update(parts=[])),
    ("parts", lambda m: m.update(parts={})),
    ("parts", lambda m: m["parts"].pop("lists.bin")),
    ("parts", lambda m: m["parts"].update({"lists.bin": 5})),
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
