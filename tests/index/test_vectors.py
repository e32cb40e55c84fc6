"""The mapped FAISS lists: every form of index finds what brute force over the same lists finds."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.seed import SeedEncoder
from genoseq.errors import IndexFileError, UsageError
from genoseq.index.vectors import (
    FACTORIES,
    INDEX_FILE,
    LISTS_FILE,
    VectorIndex,
    check_factory,
    quantise,
    write_vectors,
)

LEAVES = 9
NUMBER = 700


@pytest.fixture(scope="module")
def codebook():
    return SeedEncoder.load().codebook


@pytest.fixture(scope="module")
def vectors(codebook):
    """Unit vectors near what the encoder makes: sums of centroids."""
    rng = np.random.default_rng(1)
    spaces, centroids, _ = codebook.shape
    rows = codebook[np.arange(spaces), rng.integers(0, centroids, (NUMBER, spaces))].reshape(NUMBER, -1)
    rows = rows + 0.02 * rng.standard_normal(rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def codes_of(vectors, codebook):
    out = np.empty((len(vectors), codebook.shape[0] // 2), np.uint8)
    half_norms = ((codebook**2).sum(2) / 2).astype(np.float32)
    quantise(vectors, np.ascontiguousarray(codebook.transpose(0, 2, 1)), half_norms, out)
    return out


def decoded(codes, codebook):
    numbers = np.stack([codes & 15, codes >> 4], 2).reshape(len(codes), -1)
    return codebook[np.arange(codebook.shape[0]), numbers].reshape(len(codes), -1)


def test_quantise_takes_the_nearest_centroid(vectors, codebook):
    codes = codes_of(vectors, codebook)
    spaces, _, width = codebook.shape
    parts = vectors.reshape(NUMBER, spaces, 1, width)
    nearest = ((parts - codebook[None]) ** 2).sum(3).argmin(2)
    np.testing.assert_array_equal(np.stack([codes & 15, codes >> 4], 2).reshape(NUMBER, -1), nearest)


@pytest.fixture(scope="module", params=FACTORIES)
def filled(request, vectors, codebook, tmp_path_factory):
    """An index of the vectors in cells of very different sizes (one of them empty), and what it holds."""
    exact = request.param == "Flat"
    rng = np.random.default_rng(2)
    leaf = rng.choice(LEAVES, NUMBER, p=np.array([40, 0, 1, 2, 9, 10, 10, 10, 18]) / 100).astype(np.int32)
    ids = rng.permutation(10 * NUMBER)[:NUMBER].astype(np.int64)
    codes = vectors.view(np.uint8) if exact else codes_of(vectors, codebook)
    folder = tmp_path_factory.mktemp("vectors")
    write_vectors(folder, codes, ids, leaf, LEAVES, codebook, exact=exact)
    sizes = np.bincount(leaf, minlength=LEAVES).astype(np.int32)
    index = VectorIndex.open(folder, sizes, codebook, exact=exact, positions=10 * NUMBER)
    stored = vectors if exact else decoded(codes, codebook)
    return index, stored, leaf, ids, exact


def queries(vectors):
    rng = np.random.default_rng(3)
    rows = vectors[:200] + 0.05 * rng.standard_normal((200, vectors.shape[1]))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def brute_force(query, cells, stored, leaf, ids):
    """(similarity, id) of every vector of the cells, best first."""
    rows = np.flatnonzero(np.isin(leaf, cells[cells >= 0]))
    similarity = 1 - ((stored[rows] - query) ** 2).sum(1) / 2
    order = np.argsort(-similarity)
    return similarity[order], ids[rows[order]]


@pytest.mark.parametrize(("probes", "hits"), [(1, 1), (1, 5), (4, 8), (4, 40)])
def test_finds_what_brute_force_finds(filled, vectors, probes, hits):
    index, stored, leaf, ids, exact = filled
    assert index.exact == exact
    asked = queries(vectors)
    rng = np.random.default_rng(probes)
    cells = np.stack([rng.permutation(LEAVES)[:probes] for _ in asked]).astype(np.int64)
    cells[::5, -1] = -1
    similarities, found = index.search(asked, cells, hits)
    assert similarities.shape == found.shape == (len(asked), hits)
    # fast scan adds 8-bit table entries: it may swap neighbours that are nearly as good
    tolerance = 1e-5 if exact else 0.03
    same = 0
    for i in range(len(asked)):
        best, best_ids = brute_force(asked[i], cells[i], stored, leaf, ids)
        count = min(hits, len(best))
        assert (found[i, :count] >= 0).all()
        assert (found[i, count:] == -1).all()
        assert len(set(found[i, :count].tolist())) == count
        np.testing.assert_allclose(similarities[i, :count], best[:count], atol=tolerance)
        true = dict(zip(best_ids.tolist(), best.tolist(), strict=True))
        for similarity, number in zip(similarities[i, :count], found[i, :count].tolist(), strict=True):
            assert similarity == pytest.approx(true[number], abs=tolerance)
        same += found[i, :count].tolist() == best_ids[:count].tolist()
    assert same >= (len(asked) if exact else 0.5 * len(asked) if hits < 10 else 0)


def test_a_vector_finds_itself(filled, vectors):
    index, _, leaf, ids, exact = filled
    similarities, found = index.search(vectors, leaf.astype(np.int64)[:, None], 3)
    assert (found == ids[:, None]).any(1).mean() > (0.999 if exact else 0.97)
    if exact:
        np.testing.assert_allclose(similarities[:, 0], 1, atol=1e-5)


def test_no_query(filled):
    index = filled[0]
    similarities, found = index.search(np.empty((0, 64), np.float32), np.empty((0, 2), np.int64), 4)
    assert similarities.shape == found.shape == (0, 4)


@pytest.mark.parametrize("factory", FACTORIES)
def test_an_index_without_vectors(factory, codebook, tmp_path):
    exact = factory == "Flat"
    codes = np.empty((0, 256 if exact else 8), np.uint8)
    write_vectors(tmp_path, codes, np.empty(0, np.int64), np.empty(0, np.int32), 2, codebook, exact=exact)
    index = VectorIndex.open(tmp_path, np.zeros(2, np.int32), codebook, exact=exact, positions=100)
    asked = np.eye(64, dtype=np.float32)[:3]
    _, found = index.search(asked, np.array([[0], [1], [-1]]), 2)
    assert (found == -1).all()


def test_the_lists_are_mapped_and_need_no_memory(filled):
    index = filled[0]
    assert index.ivf.invlists.nlist == LEAVES
    assert index.lists.read_only


def test_a_damaged_index_is_refused_by_name(codebook, tmp_path):
    codes = np.zeros((1, 8), np.uint8)
    write_vectors(tmp_path, codes, np.zeros(1, np.int64), np.zeros(1, np.int32), 1, codebook, exact=False)
    (tmp_path / INDEX_FILE).write_bytes(b"no index at all")
    with pytest.raises(IndexFileError, match=rf"{INDEX_FILE}: FAISS cannot read it.*genoseq index"):
        VectorIndex.open(tmp_path, np.ones(1, np.int32), codebook, exact=False, positions=100)


def test_missing_lists_are_refused(codebook, tmp_path):
    codes = np.zeros((1, 8), np.uint8)
    write_vectors(tmp_path, codes, np.zeros(1, np.int64), np.zeros(1, np.int32), 1, codebook, exact=False)
    (tmp_path / LISTS_FILE).unlink()
    with pytest.raises(IndexFileError, match=rf"{LISTS_FILE} is missing; rebuild the index"):
        VectorIndex.open(tmp_path, np.ones(1, np.int32), codebook, exact=False, positions=100)


def test_factories():
    assert [check_factory(name) for name in FACTORIES] == list(FACTORIES)
    with pytest.raises(UsageError, match=r"'IVF1'; choose from PQ16x4fs, Flat"):
        check_factory("IVF1")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("at_once", [1, 150])
def test_lists_that_are_written_in_parts_are_the_same(
    vectors, codebook, tmp_path, monkeypatch, exact, at_once
):
    leaf = np.random.default_rng(3).choice([0, 2, 3, 5, 8], NUMBER).astype(np.int32)
    codes = vectors.view(np.uint8) if exact else codes_of(vectors, codebook)
    folders = tmp_path / "whole", tmp_path / "parts"
    for folder in folders:
        folder.mkdir()
        write_vectors(folder, codes, np.arange(NUMBER), leaf, LEAVES, codebook, exact=exact)
        monkeypatch.setattr("genoseq.index.vectors._AT_ONCE", at_once)
    for name in (INDEX_FILE, LISTS_FILE):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
