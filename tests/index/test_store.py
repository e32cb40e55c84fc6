"""The index folder: what is built is what is opened; every part that is lost or foreign is told by name."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zlib

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import CheckpointError, GenoseqWarning, IndexFileError, InputError, UsageError
from genoseq.index import folder as folders
from genoseq.index import store
from genoseq.index.manifest import MANIFEST, PARTS, checksum, read_manifest
from genoseq.index.reference import Reference
from genoseq.index.store import PRESETS, Index, IndexParameters
from genoseq.index.vectors import FACTORIES


def random_letters(seed: int, length: int) -> str:
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), length)
    letters[rng.random(length) < 0.002] = "N"
    return "".join(letters)


CONTIGS = [("one", random_letters(1, 9000)), ("two", random_letters(2, 400)), ("three", "ACGTN")]


@pytest.fixture(scope="module")
def fasta(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in CONTIGS))
    return path


@pytest.fixture(scope="module")
def built(fasta):
    return Index.build(fasta, fasta.with_name("genome.gsx"), parameters=IndexParameters(2, 200, "PQ16x4fs"))


@pytest.fixture
def folder(built, fasta, tmp_path):
    """A copy of the index that a test may damage."""
    return shutil.copytree(fasta.with_name("genome.gsx"), tmp_path / "copy.gsx")


def answers(index: Index):
    """What a search for a few contexts of the reference gives."""
    codes = index.reference.contig_codes("one")
    positions, kinds = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
    words = AnchorWords(index.encoder.words.words[: index.parameters.words])
    count = find_anchors(codes, 0, len(codes), words.rule(), words.length, positions, kinds)
    positions, kinds = positions[:count], kinds[:count]
    vectors = index.encoder.encode(codes, positions, kinds, np.zeros(count, int), np.full(count, len(codes)))
    cells = np.tile(np.arange(index.tree.leaves), (count, 1))
    return positions, kinds, index.vectors.search(vectors, cells, 3)


def test_open_is_build(built, folder):
    opened = Index.open(folder)
    assert opened.manifest == built.manifest
    assert opened.parameters == built.parameters == IndexParameters(2, 200, "PQ16x4fs")
    assert (opened.reference.names, opened.reference.md5s) == (built.reference.names, built.reference.md5s)
    for name in ("words", "exceptions", "offsets"):
        np.testing.assert_array_equal(getattr(opened.reference, name), getattr(built.reference, name))
    for name in ("children", "columns", "roots"):
        np.testing.assert_array_equal(getattr(opened.tree, name), getattr(built.tree, name))
    for one, other in zip(answers(opened)[2], answers(built)[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_reference_inside_is_the_one_that_was_read(built):
    plain = Reference.from_sequences(CONTIGS)
    assert (built.reference.names, built.reference.md5s) == (plain.names, plain.md5s)
    np.testing.assert_array_equal(built.reference.codes(0, len(plain)), plain.codes(0, len(plain)))


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("words", [1, 2])
def test_every_anchor_is_stored_and_finds_itself(factory, words, tmp_path):
    reference = Reference.from_sequences(CONTIGS)
    index = Index.build(reference, tmp_path / "x.gsx", parameters=IndexParameters(words, 200, factory))
    positions, kinds, (_, ids) = answers(index)
    mine = 2 * positions + (kinds & 1)
    found = (ids == mine[:, None]).any(1).mean()
    assert found > (0.999 if factory == "Flat" else 0.97)
    stored = sum(
        sum(text[i : i + 2] in pair for i in range(len(text) - 1))
        for _, text in CONTIGS
        for pair in [("AC", "GT"), ("GA", "TC")][:words]
    )
    assert index.manifest["anchors"] == index.cell_sizes.sum() == stored


def test_auto_is_exact_for_small_references(tmp_path):
    index = Index.build(Reference.from_sequences(CONTIGS), tmp_path / "x.gsx")
    assert index.parameters.factory == "Flat"
    assert index.vectors.exact


def test_pieces_of_the_build_do_not_show(built, tmp_path, monkeypatch):
    monkeypatch.setattr("genoseq.index.build._PIECE", 333)
    reference = Reference.from_sequences(CONTIGS)
    again = Index.build(reference, tmp_path / "x.gsx", parameters=IndexParameters(2, 200, "PQ16x4fs"))
    for part in PARTS:
        expected = (tmp_path / "x.gsx" / part).read_bytes()
        assert expected == (built_folder(built) / part).read_bytes(), part
    np.testing.assert_array_equal(again.tree.children, built.tree.children)


def built_folder(index: Index):
    return store.Path(index.vectors.lists.filename).parent


@pytest.mark.parametrize("text", ["A" * 50, "N" * 40, "A"])
def test_a_reference_without_anchors_is_told(text, tmp_path):
    with pytest.warns(GenoseqWarning, match=r"x\.gsx: the genome has no anchor \(of AC, GA\); no read"):
        index = Index.build(Reference.from_sequences([("c", text)]), tmp_path / "x.gsx")
    assert index.manifest["anchors"] == index.cell_sizes.sum() == 0


@pytest.mark.parametrize("text", ["ACGT" * 25, "N" * 40 + "AC", "GT"])
def test_tiny_references(text, tmp_path):
    index = Index.build(
        Reference.from_sequences([("c", text)]), tmp_path / "x.gsx", parameters=PRESETS["divergent"]
    )
    assert len(index.reference) == len(text)
    assert index.manifest["anchors"] == sum(
        text[i : i + 2] in ("AC", "GT", "GA", "TC") for i in range(len(text) - 1)
    )


def test_progress_is_told(tmp_path):
    told = []
    Index.build(
        Reference.from_sequences(CONTIGS), tmp_path / "x.gsx", progress=lambda *step: told.append(step)
    )
    total = sum(len(text) for _, text in CONTIGS)
    assert ("anchors", total, total) in told
    assert ("embeddings", total, total) in told


# writing whole or not at all


def test_an_old_index_is_replaced(folder):
    new = Reference.from_sequences([("other", random_letters(7, 500))])
    Index.build(new, folder)
    assert Index.open(folder).reference.names == ["other"]
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_a_failing_build_leaves_the_old_index(built, folder, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.vectors, "write_vectors", fail)
    with pytest.raises(OSError, match="No space"):
        Index.build(Reference.from_sequences([("other", "ACGT" * 50)]), folder)
    assert Index.open(folder).manifest == built.manifest
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    """How the new folder takes the place of the old one: systems without renameat2 need two renames."""
    if request.param == "two renames":
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)


OTHER = [("other", "ACGTTGCAGAC" * 50)]


def test_an_index_behind_a_link_is_replaced_and_the_link_stays(folder, way, tmp_path):
    link = tmp_path / "links" / "x.gsx"
    link.parent.mkdir()
    link.symlink_to(folder)
    assert Index.build(Reference.from_sequences(OTHER), link).reference.names == ["other"]
    assert link.is_symlink()
    assert Index.open(folder).reference.names == ["other"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [folder.name, "links"]
    assert [p.name for p in link.parent.iterdir()] == [link.name]


def test_a_link_that_leads_nowhere_yet(tmp_path):
    (tmp_path / "x.gsx").symlink_to("real.gsx")
    Index.build(Reference.from_sequences(OTHER), tmp_path / "x.gsx")
    assert (tmp_path / "x.gsx").is_symlink()
    assert Index.open(tmp_path / "real.gsx").reference.names == ["other"]


@pytest.mark.parametrize("target", ["nowhere/real.gsx", "x.gsx"], ids=["no folder", "itself"])
def test_a_link_that_cannot_be_followed_is_refused_before_the_build(target, tmp_path):
    (tmp_path / "x.gsx").symlink_to(target)
    told = []
    with pytest.raises(InputError, match=r"there is no folder|is not a genoseq index"):
        Index.build(Reference.from_sequences(OTHER), tmp_path / "x.gsx", progress=lambda *a: told.append(a))
    assert not told
    assert [p.name for p in tmp_path.iterdir()] == ["x.gsx"]


def test_an_index_without_permission_is_refused_before_the_build(folder, monkeypatch):
    monkeypatch.setattr(folders.os, "access", lambda path, _: path != folder)
    told = []
    with pytest.raises(InputError, match=r"copy\.gsx: cannot be replaced: no permission to write into it"):
        Index.build(Reference.from_sequences(OTHER), folder, progress=lambda *a: told.append(a))
    assert not told


def test_an_old_folder_that_cannot_be_removed_is_no_failure(folder, way, monkeypatch):
    removed = []
    monkeypatch.setattr(folders.shutil, "rmtree", lambda path, **options: removed.append(options))
    assert Index.build(Reference.from_sequences(OTHER), folder).reference.names == ["other"]
    assert removed == [{"ignore_errors": True}]


def test_between_two_renames_the_old_index_comes_back(built, folder, monkeypatch):
    monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    rename = store.Path.rename

    def interrupted(path, target):
        if path.name.endswith(".tmp"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(store.Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Index.build(Reference.from_sequences(OTHER), folder)
    assert Index.open(folder).manifest == built.manifest
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_exchange_swaps_at_one_stroke(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / name).mkdir(parents=True)
    if not folders._exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system or file system has no renameat2")
    assert (tmp_path / "one" / "other").is_dir()
    assert (tmp_path / "other" / "one").is_dir()
    assert not folders._exchange(tmp_path / "one", tmp_path / "none")


def test_what_is_no_index_is_never_overwritten(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("x")
    for target in (tmp_path / "precious", tmp_path / "precious" / "thesis.txt"):
        with pytest.raises(InputError, match="is not a genoseq index; it is not overwritten"):
            Index.build(Reference.from_sequences(CONTIGS), target)
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "x"


def test_a_missing_folder(tmp_path):
    with pytest.raises(
        InputError, match=r"x\.gsx: cannot be written: there is no folder .*nowhere; create it first"
    ):
        Index.build(Reference.from_sequences(CONTIGS), tmp_path / "nowhere" / "x.gsx")


def test_more_words_than_the_encoder_has(tmp_path):
    with pytest.raises(UsageError, match="3 anchor words wanted, the encoder has 2"):
        Index.build(
            Reference.from_sequences(CONTIGS), tmp_path / "x.gsx", parameters=IndexParameters(words=3)
        )
    assert not list(tmp_path.iterdir())


# what is refused


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part(folder, part):
    (folder / part).unlink()
    with pytest.raises(
        IndexFileError, match=rf"copy\.gsx: {part} is missing; rebuild the index with 'genoseq index'"
    ):
        Index.open(folder)


@pytest.mark.parametrize("part", PARTS)
def test_a_cut_part(folder, part):
    size = (folder / part).stat().st_size
    os.truncate(folder / part, size - 8)
    with pytest.raises(IndexFileError, match=rf"{part}.*{size - 8}.*{size}"):
        Index.open(folder)


@pytest.mark.parametrize("part", ["exceptions.npy", "tree.npz", "cells.faiss"])
def test_a_part_of_right_size_and_wrong_content(folder, part):
    (folder / part).write_bytes(b"x" * (folder / part).stat().st_size)
    with pytest.raises(IndexFileError, match=part):
        Index.open(folder)


def test_a_folder_that_is_no_index(tmp_path):
    with pytest.raises(IndexFileError, match=r"not a genoseq index \(no manifest.json\)"):
        Index.open(tmp_path)
    with pytest.raises(IndexFileError, match=r"none\.gsx: no such folder; make it with"):
        Index.open(tmp_path / "none.gsx")


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "x.gsx").write_text("hello")
    with pytest.raises(IndexFileError, match=r"x\.gsx: is a file.*use -r"):
        Index.open(tmp_path / "x.gsx")


def edit(folder, change) -> None:
    manifest = read_manifest(folder)
    change(manifest)
    manifest["crc32"] = checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_another_version(folder):
    edit(folder, lambda m: m.update(format_version=99))
    with pytest.raises(
        IndexFileError, match=r"copy\.gsx: index format version 99, this genoseq reads 2; rebuild"
    ):
        Index.open(folder)


def test_another_encoder(folder, built):
    edit(folder, lambda m: m["encoder"].update(digest="0123456789abcdef"))
    with pytest.raises(
        IndexFileError, match=rf"0123456789abcdef, this genoseq has {built.encoder.digest}; rebuild"
    ):
        Index.open(folder)


# an encoder of the user's own


@pytest.fixture
def own() -> SeedEncoder:
    shipped = SeedEncoder.load()
    return dataclasses.replace(shipped, table=np.roll(shipped.table, 1, axis=0))


def test_the_users_encoder_travels_with_the_index(own, tmp_path):
    Index.build(Reference.from_sequences(CONTIGS), tmp_path / "x.gsx", encoder=own)
    opened = Index.open(tmp_path / "x.gsx")
    assert opened.encoder.digest == own.digest != SeedEncoder.load().digest
    assert opened.manifest["encoder"]["digest"] == own.digest


def list_encoder(folder) -> None:
    """Write the encoder into the manifest as it is."""
    content = (folder / "encoder.npz").read_bytes()
    told = {"bytes": len(content), "crc32": zlib.crc32(content)}
    edit(folder, lambda m: m["parts"].update({"encoder.npz": told}))


def test_the_users_encoder_damaged(own, tmp_path):
    folder = tmp_path / "x.gsx"
    Index.build(Reference.from_sequences(CONTIGS), folder, encoder=own)
    damaged = bytearray((folder / "encoder.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / "encoder.npz").write_bytes(damaged)
    with pytest.raises(IndexFileError, match=r"x\.gsx: encoder\.npz is damaged \(its checksum"):
        Index.open(folder)


def test_the_users_encoder_lost_or_changed(own, tmp_path):
    folder = tmp_path / "x.gsx"
    Index.build(Reference.from_sequences(CONTIGS), folder, encoder=own)
    other = dataclasses.replace(own, table=np.roll(own.table, 1, axis=0))
    other.save(folder / "encoder.npz")
    list_encoder(folder)
    with pytest.raises(IndexFileError, match=rf"{own.digest}.*{other.digest}"):
        Index.open(folder)
    (folder / "encoder.npz").unlink()
    with pytest.raises(IndexFileError, match=r"encoder\.npz is missing"):
        Index.open(folder)
    (folder / "encoder.npz").write_bytes(b"x")
    list_encoder(folder)
    with pytest.raises(CheckpointError, match=r"encoder\.npz"):
        Index.open(folder)


# the source


def test_a_changed_reference(tmp_path):
    fasta = tmp_path / "g.fa"
    fasta.write_text(">a\n" + "ACGTTGCA" * 30 + "\n")
    index = Index.build(fasta, tmp_path / "g.gsx")
    Index.open(tmp_path / "g.gsx").check_source(fasta)
    fasta.write_text(">a\n" + "ACGTTGCA" * 31 + "\n")
    with pytest.raises(
        IndexFileError, match=r"g\.fa: changed since it was indexed \(244 bytes then, 252 now\)"
    ):
        index.check_source(fasta)
    fasta.unlink()
    with pytest.raises(InputError, match=r"g\.fa"):
        index.check_source(fasta)


def test_a_copy_of_the_reference_is_compared_by_its_contigs(tmp_path):
    """A copy has another time; a change of letters may keep the size."""
    fasta = tmp_path / "g.fa"
    fasta.write_text(">a\n" + "ACGTTGCA" * 30 + "\n")
    index = Index.build(fasta, tmp_path / "g.gsx")
    os.utime(fasta, ns=(1, 1))
    index.check_source(fasta)
    fasta.write_text(">b\n" + "ACGTTGCA" * 30 + "\n")
    with pytest.raises(IndexFileError, match=r"g\.fa: its contigs are not those of its index; rebuild with"):
        index.check_source(fasta)
    fasta.write_text(">a\n" + "ACGTTGCC" * 30 + "\n")
    with pytest.raises(IndexFileError, match=r"g\.fa: its contigs are not those of its index; rebuild with"):
        index.check_source(fasta)


def test_the_index_of_another_file_is_told_by_its_name(tmp_path):
    (tmp_path / "g.fa").write_text(">a\n" + "ACGTTGCA" * 30 + "\n")
    (tmp_path / "g.fasta").write_text(">a\n" + "ACGTTGCC" * 30 + "\n")
    index = Index.build(tmp_path / "g.fa", tmp_path / "g.gsx")
    with pytest.raises(IndexFileError, match=r"g\.fasta: the index of this name was made from g\.fa; choose"):
        index.check_source(tmp_path / "g.fasta")


def test_without_a_source_the_contigs_are_compared(tmp_path, fasta):
    index = Index.build(Reference.from_sequences(CONTIGS), tmp_path / "x.gsx")
    assert index.manifest["source"] is None
    index.check_source(fasta)
    (tmp_path / "other.fa").write_text(">a\nACGT\n")
    with pytest.raises(IndexFileError, match=r"other\.fa: its contigs are not those of its index"):
        index.check_source(tmp_path / "other.fa")
