"""Shards and their merging: the index of one build, byte for byte; no other set of shards is taken."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import GenoseqWarning, IndexFileError, InputError, UsageError
from genoseq.index import merge as merging
from genoseq.index import shard as sharding
from genoseq.index import vectors
from genoseq.index.manifest import MANIFEST, SHARD_PARTS, checksum, is_shard, read_manifest
from genoseq.index.merge import merge_shards
from genoseq.index.packed import words_for
from genoseq.index.reference import Reference
from genoseq.index.shard import write_shard
from genoseq.index.store import Index, IndexParameters
from genoseq.index.stretch import stretch, words_of_stretch
from genoseq.index.vectors import FACTORIES

PLAIN = IndexParameters(2, 60, "PQ16x4fs")


def letters(seed: int, length: int) -> str:
    rng = np.random.default_rng(seed)
    drawn = rng.choice(list("ACGT"), length)
    drawn[rng.random(length) < 0.01] = "N"
    return "".join(drawn)


# runs of N and of R lie over the borders of shards, and over the border of two contigs
CONTIGS = [
    ("one", letters(1, 2900) + "N" * 700 + letters(2, 1400) + "R" * 40),
    ("two", "R" * 33 + letters(3, 300)),
    ("three", "ACGTN"),
    ("four", letters(4, 600)),
]
LENGTH = sum(len(text) for _, text in CONTIGS)


@pytest.fixture(scope="module")
def fasta(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text("".join(f">{name}\n{text}\n" for name, text in CONTIGS))
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shards_of(reference, folder: Path, of: int, **options) -> list[Path]:
    paths = [folder / f"{number}-of-{of}.shard" for number in range(1, of + 1)]
    for number, path in enumerate(paths, 1):
        write_shard(reference, path, number, of, **options)
    return paths


# the same index


@pytest.mark.parametrize("of", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("words", [1, 2])
def test_merged_is_built(words, factory, of, fasta, tmp_path):
    parameters = IndexParameters(words, 60, factory)
    whole = Index.build(fasta, tmp_path / "whole.gsx", parameters=parameters)
    shards = shards_of(fasta, tmp_path, of, parameters=parameters)
    np.random.default_rng(of).shuffle(shards)
    merged = merge_shards(shards, tmp_path / "merged.gsx")
    assert content(tmp_path / "merged.gsx") == content(tmp_path / "whole.gsx")
    assert merged.manifest == whole.manifest
    assert merged.tree.leaves > 12  # there was a tree to grow


@pytest.mark.parametrize("factory", FACTORIES)
def test_many_groups_of_cells(factory, fasta, tmp_path, monkeypatch):
    parameters = dataclasses.replace(PLAIN, factory=factory)
    Index.build(fasta, tmp_path / "whole.gsx", parameters=parameters)
    monkeypatch.setattr(vectors, "_AT_ONCE", 150)
    monkeypatch.setattr(sharding, "_AT_ONCE", 41)
    index = merge_shards(shards_of(fasta, tmp_path, 3, parameters=parameters), tmp_path / "merged.gsx")
    assert len(vectors.cell_groups(index.cell_sizes)) > 5
    assert content(tmp_path / "merged.gsx") == content(tmp_path / "whole.gsx")


def test_the_form_follows_from_the_whole_genome(tmp_path):
    """Below 200 kbp `auto` is exact; a shard of a larger genome must not go by its own length."""
    reference = Reference.from_sequences([("c", letters(5, 200_100))])
    whole = Index.build(reference, tmp_path / "whole.gsx")
    assert whole.parameters.factory == "PQ16x4fs"
    merge_shards(shards_of(reference, tmp_path, 2), tmp_path / "merged.gsx")
    assert content(tmp_path / "merged.gsx") == content(tmp_path / "whole.gsx")


def test_the_users_encoder_travels_with_the_shards(fasta, tmp_path):
    shipped = SeedEncoder.load()
    own = dataclasses.replace(shipped, table=np.roll(shipped.table, 1, axis=0))
    Index.build(fasta, tmp_path / "whole.gsx", encoder=own)
    merged = merge_shards(shards_of(fasta, tmp_path, 2, encoder=own), tmp_path / "merged.gsx")
    assert merged.encoder.digest == own.digest
    assert content(tmp_path / "merged.gsx") == content(tmp_path / "whole.gsx")


@pytest.mark.parametrize("text", ["GT", "ACGT" * 9, "N" * 70])
def test_more_shards_than_there_is_to_share(text, tmp_path):
    """Some shards are empty, some hold no anchor."""
    reference = Reference.from_sequences([("c", text)])
    shards = shards_of(reference, tmp_path, 5)
    if "A" in text or "G" in text:
        Index.build(reference, tmp_path / "whole.gsx")
        merge_shards(shards, tmp_path / "merged.gsx")
    else:
        for make in (lambda out: Index.build(reference, out), lambda out: merge_shards(shards, out)):
            with pytest.warns(
                GenoseqWarning, match=r"\.gsx: the genome has no anchor \(of AC, GA\); no read"
            ):
                make(tmp_path / ("merged.gsx" if (tmp_path / "whole.gsx").exists() else "whole.gsx"))
    assert content(tmp_path / "merged.gsx") == content(tmp_path / "whole.gsx")


def test_copies_of_the_genome_may_have_other_times(fasta, tmp_path):
    """A workflow engine copies the genome to each machine: the contigs decide."""
    shards = shards_of(fasta, tmp_path, 2)
    (tmp_path / "copy").mkdir()
    copy = shutil.copyfile(fasta, tmp_path / "copy" / fasta.name)
    os.utime(copy, ns=(1, 1))
    write_shard(copy, shards[1], 2, 2)
    index = merge_shards(shards, tmp_path / "x.gsx")
    index.check_source(fasta)
    index.check_source(copy)


# what a shard holds


@pytest.mark.parametrize("of", [1, 2, 3, 9, 200])
@pytest.mark.parametrize("bases", [1, 31, 32, 33, 1000, 123_456])
def test_stretches_tile_the_reference(bases, of):
    cuts = [stretch(number, of, bases) for number in range(1, of + 1)]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == bases
    assert all(one[1] == other[0] and one[1] % 32 == 0 for one, other in pairwise(cuts))
    assert max(end - start for start, end in cuts) <= bases / of + 64
    words = [word for number in range(1, of + 1) for word in words_of_stretch(number, of, bases)]
    assert words == list(range(words_for(bases)))


def test_a_shard_holds_the_anchors_of_its_stretch(fasta, tmp_path):
    """Found by searching the letters; a word over the border belongs to the shard that it begins in."""
    seen = 0
    ends = np.cumsum([0] + [len(text) for _, text in CONTIGS])
    for number, path in enumerate(shards_of(fasta, tmp_path, 3, parameters=PLAIN), 1):
        start, end = stretch(number, 3, LENGTH)
        expected = []
        for pair in (("AC", "GT"), ("GA", "TC")):
            found = [
                2 * (first + i) + pair.index(text[i : i + 2])
                for (_, text), first in zip(CONTIGS, ends.tolist(), strict=False)
                for i in range(len(text) - 1)
                if text[i : i + 2] in pair and start <= first + i < end
            ]
            expected += found
            seen += len(found)
        assert np.fromfile(path / "ids.bin", np.int64).tolist() == expected
        told = read_manifest(path, shard=True)
        assert told["anchors"] == sum(told["shard"]["anchors"]) == len(expected)
    assert seen > 1000


def test_runs_are_cut_at_the_border(fasta, tmp_path):
    """Otherwise the tests above would not show that merging joins them."""
    whole = Reference.from_fasta(fasta).exceptions
    for of in (2, 7):
        cut = [np.load(path / "exceptions.npy") for path in shards_of(fasta, tmp_path, of)]
        assert sum(map(len, cut)) > len(whole)


def test_progress_is_told(fasta, tmp_path):
    told = []
    shards = shards_of(fasta, tmp_path, 2, progress=lambda *step: told.append(step))
    for start, end in (stretch(1, 2, LENGTH), stretch(2, 2, LENGTH)):
        assert ("anchors", end - start, end - start) in told
        assert ("embeddings", end - start, end - start) in told
    told.clear()
    anchors = merge_shards(shards, tmp_path / "x.gsx", progress=lambda *step: told.append(step)).manifest[
        "anchors"
    ]
    assert [step for step in told if step[1] == anchors] == [
        (name, anchors, anchors) for name in ("checked", "cells", "anchors", "lists")
    ]
    assert all(done <= total == anchors for _, done, total in told)


# writing whole or not at all


def test_an_older_shard_is_replaced(fasta, tmp_path):
    write_shard(Reference.from_sequences([("other", "ACGT" * 30)]), tmp_path / "1.shard", 1, 2)
    write_shard(fasta, tmp_path / "1.shard", 1, 2)
    assert len(read_manifest(tmp_path / "1.shard", shard=True)["contigs"]) == len(CONTIGS)
    assert [path.name for path in tmp_path.iterdir()] == ["1.shard"]


def test_an_index_is_no_shard_and_is_not_overwritten(fasta, tmp_path):
    Index.build(fasta, tmp_path / "x.gsx")
    shards = shards_of(fasta, tmp_path, 1)
    before = content(tmp_path / "x.gsx"), content(shards[0])
    with pytest.raises(
        InputError, match=r"x\.gsx: exists and is an index, not a shard; it is not overwritten"
    ):
        write_shard(fasta, tmp_path / "x.gsx", 1, 2)
    shard = r"1-of-1\.shard: exists and is a shard of one, not a genoseq index; it is not overwritten"
    with pytest.raises(InputError, match=shard):
        Index.build(fasta, shards[0])
    with pytest.raises(InputError, match=shard):
        merge_shards(shards, shards[0])
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"other: exists and is not a shard; it is not overwritten"):
        write_shard(fasta, tmp_path / "other", 1, 2)
    assert before == (content(tmp_path / "x.gsx"), content(shards[0]))


@pytest.mark.parametrize("lost", SHARD_PARTS)
def test_a_shard_that_lost_a_part_is_still_one(lost, fasta, tmp_path):
    write_shard(fasta, tmp_path / "1.shard", 1, 2)
    before = content(tmp_path / "1.shard")
    (tmp_path / "1.shard" / lost).unlink()
    assert is_shard(tmp_path / "1.shard")
    write_shard(fasta, tmp_path / "1.shard", 1, 2)
    assert content(tmp_path / "1.shard") == before


def test_a_failing_shard_leaves_the_old_one(fasta, tmp_path, monkeypatch):
    write_shard(fasta, tmp_path / "1.shard", 1, 2)
    before = content(tmp_path / "1.shard")

    def fail(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sharding, "codes_between", fail)
    with pytest.raises(OSError, match="No space"):
        write_shard(fasta, tmp_path / "1.shard", 2, 2)
    assert content(tmp_path / "1.shard") == before
    assert [path.name for path in tmp_path.iterdir()] == ["1.shard"]


def test_a_full_disk_while_merging_leaves_the_old_index(fasta, tmp_path, monkeypatch):
    shards = shards_of(fasta, tmp_path, 2)
    merge_shards(shards, tmp_path / "x.gsx")
    before = content(tmp_path / "x.gsx")

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merging.os, "posix_fallocate", fail, raising=False)
    with pytest.raises(OSError, match=r"No space left on device: '.*leaf\.bin'"):
        merge_shards(shards, tmp_path / "x.gsx")
    assert content(tmp_path / "x.gsx") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(shard.name for shard in shards), "x.gsx"]


# what is refused


@pytest.fixture(scope="module")
def made(fasta, tmp_path_factory) -> list[Path]:
    return shards_of(fasta, tmp_path_factory.mktemp("shards"), 3, parameters=PLAIN)


@pytest.fixture
def shards(made, tmp_path) -> list[Path]:
    """Copies that a test may damage."""
    return [shutil.copytree(path, tmp_path / path.name) for path in made]


def refused(shards: list[Path], message: str) -> None:
    with pytest.raises(IndexFileError, match=message):
        merge_shards(shards, shards[0].with_name("x.gsx"))
    assert not [path for path in shards[0].parent.iterdir() if "x.gsx" in path.name]


def test_missing_shards(shards):
    refused(
        shards[:2],
        r"^shard 3 of 3 is missing; make it with 'genoseq index REF\.fa --shard 3/3', and name all",
    )
    refused(
        shards[2:], r"^2 of 3 shards are missing \(1, 2\); make each with 'genoseq index REF\.fa --shard I/3'"
    )


def test_many_missing_shards(fasta, tmp_path):
    write_shard(fasta, tmp_path / "2.shard", 2, 9)
    refused([tmp_path / "2.shard"], r"8 of 9 shards are missing \(1, 3, 4, 5, 6, \.\.\)")


def test_a_shard_given_twice(shards):
    refused([*shards, shards[1]], r"2-of-3\.shard and .*2-of-3\.shard are both shard 2 of 3; give each once")


def test_no_shards(tmp_path):
    with pytest.raises(UsageError, match="no shards given"):
        merge_shards([], tmp_path / "x.gsx")


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (-1, 2), (1, 0)])
def test_numbers_that_no_shard_has(number, of, fasta, tmp_path):
    with pytest.raises(UsageError, match=f"shard {number} of {of}: shards are numbered from 1"):
        write_shard(fasta, tmp_path / "1.shard", number, of)


def test_another_genome(shards):
    changed = [CONTIGS[0], ("two", CONTIGS[1][1][:-1] + "C"), *CONTIGS[2:]]
    assert changed[1] != CONTIGS[1]
    for contigs, what in ((changed, r"contig two differs"), (CONTIGS[:3], r"3 contigs, there 4")):
        write_shard(Reference.from_sequences(contigs), shards[1], 2, 3, parameters=PLAIN)
        refused(shards, rf"2-of-3\.shard: its genome is not that of .*1-of-3\.shard \({what}\); make all")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"words": 1}, r"anchor words 1, .*1-of-3\.shard with 2"),
        ({"capacity": 70}, r"capacity 70, .*1-of-3\.shard with 60"),
        ({"factory": "Flat"}, r"factory Flat, .*1-of-3\.shard with PQ16x4fs"),
    ],
)
def test_other_parameters(shards, fasta, options, what):
    write_shard(fasta, shards[2], 3, 3, parameters=dataclasses.replace(PLAIN, **options))
    refused(shards, rf"3-of-3\.shard: made with {what}; make all shards of one genome, with the same options")


def test_another_encoder(shards, fasta):
    shipped = SeedEncoder.load()
    own = dataclasses.replace(shipped, table=np.roll(shipped.table, 1, axis=0))
    write_shard(fasta, shards[2], 3, 3, parameters=PLAIN, encoder=own)
    refused(shards, rf"3-of-3\.shard: made with encoder {own.digest}, .*1-of-3\.shard with {shipped.digest}")


def test_another_cut(shards, fasta):
    write_shard(fasta, shards[2], 3, 4, parameters=PLAIN)
    refused(shards, r"3-of-3\.shard: is one of 4 shards, .*1-of-3\.shard one of 3")


def edit(folder: Path, change) -> None:
    """Change a manifest and give it a checksum that fits."""
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["crc32"]
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps({**manifest, "crc32": checksum(manifest)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: m.update(format_version=99),
            r"index format version 99, this genoseq reads 2; make it again",
        ),
        (
            lambda m: m["shard"].update(version=9),
            r"shard format version 9, this genoseq reads 1; make it again",
        ),
        (
            lambda m: m.update(genoseq="0.0.1"),
            r"made by genoseq 0\.0\.1, this is .*; make it again with .*2/3'",
        ),
        (lambda m: m["encoder"].update(digest="0" * 16), r"2-of-3\.shard: made with encoder 0{16}, "),
        (
            lambda m: m["shard"].update(end=m["shard"]["end"] + 32),
            r"shard is not as 'genoseq index' writes it",
        ),
        (lambda m: m["shard"].update(number=4), r"shard is not as 'genoseq index' writes it"),
        (lambda m: m["shard"].update(of=0), r"shard is not as 'genoseq index' writes it"),
        (lambda m: m["shard"].update(anchors=[1, 2]), r"shard is not as 'genoseq index' writes it"),
        (lambda m: m["shard"].update(anchors=[m["anchors"]]), r"shard is not as 'genoseq index' writes it"),
        (lambda m: m["shard"].pop("start"), r"shard is not as 'genoseq index' writes it"),
        (lambda m: m["parts"].pop("near.bin"), r"parts is not as 'genoseq index' writes it"),
    ],
)
def test_other_versions_and_manifests_that_do_not_fit(shards, change, message):
    edit(shards[1], change)
    refused(shards, rf"2-of-3\.shard.*{message}" if "2-of-3" not in message else message)


def test_a_changed_manifest(shards):
    text = (shards[1] / MANIFEST).read_text()
    (shards[1] / MANIFEST).write_text(text.replace('"capacity": 60', '"capacity": 61'))
    refused(shards, r"manifest\.json: is damaged or was edited \(its checksum does not fit\); make it again")
    (shards[1] / MANIFEST).write_text(text[:-20])
    refused(
        shards, r"manifest\.json: is damaged \(not JSON\); make it again with 'genoseq index REF\.fa --shard"
    )


@pytest.mark.parametrize("part", SHARD_PARTS)
def test_damaged_parts(shards, part):
    path = shards[1] / part
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    again = r"make it again with 'genoseq index REF\.fa --shard 2/3'"
    path.write_bytes(damaged)
    refused(shards, rf"2-of-3\.shard: {part} is damaged \(its checksum does not fit\); {again}")
    path.write_bytes(whole[:-4])
    refused(shards, rf"{part}: {len(whole) - 4} bytes, the manifest says {len(whole)}; {again}")
    path.unlink()
    refused(shards, rf"2-of-3\.shard: {part} is missing; {again}")


def test_codes_of_another_length(shards):
    """The manifest does not know how long a code is; the encoder does."""
    path = shards[1] / "codes.bin"
    path.write_bytes(path.read_bytes()[:-8])
    told = {"bytes": path.stat().st_size, "crc32": zlib.crc32(path.read_bytes())}
    edit(shards[1], lambda m: m["parts"].update({"codes.bin": told}))
    refused(shards, r"2-of-3\.shard: codes\.bin does not hold its anchors; make it again")


def test_what_is_no_shard(shards, fasta, tmp_path):
    refused(
        [tmp_path / "none.shard", *shards][:1],
        r"none\.shard: no such folder; make it with 'genoseq index REF\.fa",
    )
    (tmp_path / "empty").mkdir()
    refused([tmp_path / "empty"], r"empty: not a shard of an index \(no manifest\.json\)")
    refused(
        [fasta],
        r"genome\.fa: is a file; a shard is the folder that 'genoseq index REF\.fa --shard I/N' makes",
    )
    Index.build(fasta, tmp_path / "whole.gsx")
    refused(
        [tmp_path / "whole.gsx"], r"whole\.gsx: is a whole index, not a shard of one; nothing is to be merged"
    )


def test_a_shard_is_no_index(shards):
    assert is_shard(shards[1])
    with pytest.raises(
        IndexFileError,
        match=r"2-of-3\.shard: is shard 2 of 3 of an index; join all of them with 'genoseq index --merge",
    ):
        Index.open(shards[1])
