"""Product codes: nearest centroids, and a rotation that is one."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.quantise import learn_codebook, learn_rotation, reconstruct
from genoseq.errors import UsageError


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4000, 64)) * np.linspace(2, 0.2, 64)
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)


def test_reconstruction_is_the_nearest_centroid(embeddings: np.ndarray) -> None:
    book = learn_codebook(embeddings)
    assert book.shape == (16, 16, 4)
    pieces = embeddings[:50].reshape(50, 16, 1, 4)
    nearest = ((pieces - book) ** 2).sum(3).argmin(2)
    naive = book[np.arange(16), nearest].reshape(50, 64)
    np.testing.assert_array_equal(reconstruct(embeddings[:50], book), naive)


def test_the_rotation_is_orthogonal_and_helps(embeddings: np.ndarray) -> None:
    rotation = learn_rotation(embeddings)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(64), atol=1e-5)

    def error(z: np.ndarray) -> float:
        return float(((z - reconstruct(z, learn_codebook(z))) ** 2).sum(1).mean())

    assert error(np.ascontiguousarray(embeddings @ rotation.T)) < 0.9 * error(embeddings)


def test_embeddings_that_cannot_be_cut_are_refused() -> None:
    with pytest.raises(UsageError, match="16 equal pieces"):
        learn_codebook(np.zeros((100, 30), np.float32))
