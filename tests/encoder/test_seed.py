"""The seed encoder: the compiled look-ups against the definition, strands, cut contexts, weight files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords, find_anchors
from genoseq.encoder.seed import DIMENSION, KMER, SeedEncoder
from genoseq.errors import CheckpointError, InputError
from genoseq.sequence import kmers, reverse_complement


@pytest.fixture(scope="module")
def encoder() -> SeedEncoder:
    return SeedEncoder.load()


def random_codes(seed: int, length: int, unknown: float = 0.03):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, length, dtype=np.uint8)
    codes[rng.random(length) < unknown] = 4
    return codes


def anchors_of(codes, encoder: SeedEncoder):
    positions, kinds = np.empty(len(codes), np.int64), np.empty(len(codes), np.uint8)
    count = find_anchors(codes, 0, len(codes), encoder.words.rule(), encoder.words.length, positions, kinds)
    return positions[:count], kinds[:count]


def embed(codes, encoder: SeedEncoder, lo: int = 0, hi: int | None = None):
    positions, kinds = anchors_of(codes, encoder)
    hi = len(codes) if hi is None else hi
    inside = (positions >= lo) & (positions + encoder.words.length <= hi)
    positions, kinds = positions[inside], kinds[inside]
    starts, ends = np.full(len(positions), lo), np.full(len(positions), hi)
    return positions, kinds, encoder.encode(codes, positions, kinds, starts, ends)


def naive(codes, position: int, kind: int, lo: int, hi: int, encoder: SeedEncoder):
    """The context as letters, unknown outside ``lo:hi``, turned if need be; the rows of its 4-mers summed."""
    at = np.arange(position - encoder.flank, position + encoder.words.length + encoder.flank)
    known = (at >= lo) & (at < hi)
    context = np.where(known, codes[np.clip(at, 0, len(codes) - 1)], 4).astype(np.uint8)
    if kind & 1:
        context = reverse_complement(context)
    total = np.zeros(DIMENSION, np.int64)
    for place, kmer in enumerate(kmers(context, KMER).tolist()):
        if kmer >= 0:
            total += encoder.table[place * 4**KMER + kmer]
    norm = np.linalg.norm(total)
    return total / norm if norm else total


@pytest.mark.parametrize("seed", range(4))
def test_as_the_definition_says(encoder, seed):
    codes = random_codes(seed, 400)
    positions, kinds, vectors = embed(codes, encoder)
    assert set(kinds.tolist()) == set(range(2 * len(encoder.words.words)))
    for position, kind, vector in zip(positions.tolist(), kinds.tolist(), vectors, strict=True):
        np.testing.assert_allclose(vector, naive(codes, position, kind, 0, len(codes), encoder), atol=2e-6)


def test_shape_and_norm(encoder):
    codes = random_codes(9, 2000)
    _, _, vectors = embed(codes, encoder)
    assert vectors.shape[1] == encoder.dimension == DIMENSION
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_both_strands_have_the_same_embeddings(encoder, seed):
    codes = random_codes(seed, 500)
    positions, kinds, forward = embed(codes, encoder)
    turned_positions, turned_kinds, turned = embed(reverse_complement(codes), encoder)
    # an anchor at p on one strand begins at n - p - length on the other, where it is read the other way
    order = np.argsort(len(codes) - turned_positions - encoder.words.length)
    np.testing.assert_array_equal(turned_kinds[order] ^ 1, kinds)
    np.testing.assert_array_equal(turned[order], forward)
    assert len(positions) > 50


def test_bases_outside_the_read_add_nothing(encoder):
    codes = random_codes(3, 200, unknown=0)
    lo, hi = 60, 130
    positions, _, cut = embed(codes, encoder, lo, hi)
    _, _, alone = embed(codes[lo:hi].copy(), encoder)
    np.testing.assert_array_equal(cut, alone)
    _, _, whole = embed(codes, encoder)
    everywhere = {int(p): v for p, v in zip(anchors_of(codes, encoder)[0], whole, strict=True)}
    inner = (positions - encoder.flank >= lo) & (positions + encoder.words.length + encoder.flank <= hi)
    assert 0 < inner.sum() < len(inner)
    for position, vector, is_whole in zip(positions.tolist(), cut, inner, strict=True):
        assert np.array_equal(vector, everywhere[position]) == is_whole


def test_a_cut_context_still_resembles_the_whole_one(encoder):
    codes = random_codes(4, 3000, unknown=0)
    positions, kinds, whole = embed(codes, encoder)
    keep = (positions > 100) & (positions < 2900)
    positions, kinds, whole = positions[keep], kinds[keep], whole[keep]
    cut = encoder.encode(
        codes, positions, kinds, positions - 10, positions + encoder.words.length + encoder.flank
    )
    similar = (cut * whole).sum(1)
    strangers = (cut * np.roll(whole, 1, 0)).sum(1)
    assert np.median(similar) > np.quantile(strangers, 0.99)


def test_a_context_without_a_known_word_of_four_is_zero(encoder):
    codes = np.array([4, 4, 0, 1, 4, 4], np.uint8)
    positions, kinds = np.array([2]), np.array([0], np.uint8)
    vector = encoder.encode(codes, positions, kinds, np.array([0]), np.array([6]))
    assert not vector.any()


# weight files


def test_save_and_load(encoder, tmp_path):
    encoder.save(tmp_path / "seed.npz")
    again = SeedEncoder.load(tmp_path / "seed.npz")
    np.testing.assert_array_equal(again.table, encoder.table)
    np.testing.assert_array_equal(again.codebook, encoder.codebook)
    assert (again.words, again.flank, again.digest) == (encoder.words, encoder.flank, encoder.digest)


@pytest.mark.parametrize("part", ["table", "codebook", "words", "flank"])
def test_every_part_enters_the_digest(encoder, part):
    parts = {
        "table": encoder.table,
        "codebook": encoder.codebook,
        "words": encoder.words,
        "flank": encoder.flank,
    }
    if part in ("table", "codebook"):
        changed = parts[part].copy()
        changed.flat[5] += 1
        parts[part] = changed
    else:
        parts[part] = AnchorWords(("CA", "GA")) if part == "words" else encoder.flank + 1
    assert SeedEncoder(**parts).digest != encoder.digest


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.npz: no such file.*genoseq train encoder"):
        SeedEncoder.load(tmp_path / "none.npz")


def test_junk_file(tmp_path):
    (tmp_path / "junk.npz").write_bytes(b"hello")
    with pytest.raises(CheckpointError, match=r"junk\.npz: not the weights of a seed encoder"):
        SeedEncoder.load(tmp_path / "junk.npz")


def test_cut_file(encoder, tmp_path):
    path = tmp_path / "cut.npz"
    encoder.save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"cut\.npz: not the weights"):
        SeedEncoder.load(path)


def test_other_files_are_refused_in_plain_words(tmp_path):
    path = tmp_path / "junk.npz"
    path.write_bytes(b"junk" * 100)
    with pytest.raises(
        CheckpointError, match=r"junk\.npz: not the weights of a seed encoder, or damaged; 'gen"
    ):
        SeedEncoder.load(path)
    with pytest.raises(InputError, match="is a directory; a file is expected"):
        SeedEncoder.load(tmp_path)


def parts_of(encoder: SeedEncoder) -> dict:
    meta = {"format_version": 1, "words": list(encoder.words.words), "flank": encoder.flank}
    return {"table": encoder.table, "codebook": encoder.codebook, "meta": meta}


def write(path, parts) -> None:
    arrays = {k: np.array(json.dumps(v)) if k == "meta" else v for k, v in parts.items()}
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda p: p.pop("codebook"), "not the weights of a seed encoder"),
        (lambda p: p["meta"].update(format_version=99), r"format version 99, this genoseq reads 1.*train"),
        (lambda p: p["meta"].pop("format_version"), "format version None"),
        (lambda p: p.update(table=p["table"][:-1]), r"table of shape .*expected \(\d+, 64\) int8"),
        (lambda p: p.update(table=p["table"].astype(np.int16)), "int16.*int8"),
        (lambda p: p["meta"].update(flank=20), "table of shape"),
        (lambda p: p.update(codebook=p["codebook"][:, :8]), "codebook of shape"),
        (lambda p: p.update(codebook=p["codebook"].reshape(16, -1)), "codebook of shape"),
        (lambda p: p["meta"].pop("flank"), "not the weights of a seed encoder"),
        (lambda p: p["meta"].update(words=["AC", "GT"]), r"weights\.npz.*GT"),
    ],
    ids=[
        "no codebook",
        "version",
        "no version",
        "rows",
        "type",
        "flank",
        "codebook",
        "flat",
        "no flank",
        "words",
    ],
)
def test_weights_of_another_shape_are_refused_by_name(encoder, tmp_path, change, complaint):
    parts = parts_of(encoder)
    change(parts)
    write(tmp_path / "weights.npz", parts)
    with pytest.raises(CheckpointError, match=complaint):
        SeedEncoder.load(tmp_path / "weights.npz")


def test_nothing_is_unpickled(tmp_path):
    np.savez(
        tmp_path / "evil.npz", table=np.array([{"a": 1}], object), codebook=np.zeros(1), meta=np.array("{}")
    )
    with pytest.raises(CheckpointError, match=r"evil\.npz"):
        SeedEncoder.load(tmp_path / "evil.npz")
