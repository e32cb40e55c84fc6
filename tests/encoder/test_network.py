"""The network is the same function as the numba encoder, and starts where related contexts are close."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.encoder.anchors import AnchorWords  # noqa: E402
from genoseq.encoder.network import SeedNetwork  # noqa: E402
from genoseq.encoder.seed import SeedEncoder  # noqa: E402
from genoseq.errors import UsageError  # noqa: E402

WORDS = AnchorWords(("AC", "GA"))


@pytest.fixture(scope="module")
def contexts() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, (300, 46)).astype(np.uint8)
    rows[:, 22:24] = [0, 1]
    rows[:40, 30:] = 4  # cut by the end of a read
    rows[40:80, 10] = 4  # an N
    return rows


def encoder_of(network: SeedNetwork) -> SeedEncoder:
    return SeedEncoder(network.export(), np.zeros((16, 16, 4), np.float32), WORDS, network.flank)


def embed(encoder: SeedEncoder, contexts: np.ndarray) -> np.ndarray:
    n, width = contexts.shape
    starts = np.arange(n, dtype=np.int64) * width
    return encoder.encode(contexts.reshape(-1), starts + 22, np.zeros(n, np.uint8), starts, starts + width)


def test_integer_tables_in_the_network_equal_the_numba_encoder(contexts: np.ndarray) -> None:
    network = SeedNetwork(WORDS, seed=3)
    encoder = encoder_of(network)
    network.load_integers(encoder.table)
    np.testing.assert_allclose(network.encode(contexts), embed(encoder, contexts), atol=2e-6)


def test_rounding_to_integers_keeps_the_angles(contexts: np.ndarray) -> None:
    network = SeedNetwork(WORDS, seed=3)
    cosine = (network.encode(contexts) * embed(encoder_of(network), contexts)).sum(1)
    assert cosine.min() > 0.999


def test_naive_sum_of_rows(contexts: np.ndarray) -> None:
    network = SeedNetwork(WORDS, seed=1)
    table = network.table.weight.detach().numpy()
    for context, z in zip(contexts[::20], network.encode(contexts[::20]), strict=True):
        total = np.zeros(64)
        for place in range(43):
            word = context[place : place + 4]
            if word.max() < 4:
                total += table[place * 256 + int("".join(map(str, word)), 4)]
        np.testing.assert_allclose(z, total / np.linalg.norm(total), atol=1e-5)


def test_unknown_bases_add_nothing_even_after_a_step(contexts: np.ndarray) -> None:
    network = SeedNetwork(WORDS)
    optimiser = torch.optim.Adam(network.parameters(), 0.1)
    network(network.kmers(contexts)).sum().backward()
    optimiser.step()
    assert not network.table.weight[-1].any()


def test_a_rotation_keeps_inner_products(contexts: np.ndarray) -> None:
    network = SeedNetwork(WORDS)
    before = network.encode(contexts)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 64)))
    network.rotate(rotation.astype(np.float32))
    after = network.encode(contexts)
    np.testing.assert_allclose(after, before @ rotation.T, atol=1e-5)
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=1e-5)


def test_a_matrix_that_is_no_rotation_is_refused() -> None:
    with pytest.raises(UsageError, match="orthogonal"):
        SeedNetwork(WORDS).rotate(np.ones((64, 64), np.float32))


def test_untrained_neighbours_are_closer_than_strangers(contexts: np.ndarray) -> None:
    whole = contexts[80:]
    changed = whole.copy()
    changed[:, 5] ^= 2
    network = SeedNetwork(WORDS)
    z, near = network.encode(whole), network.encode(changed)
    assert (z * near).sum(1).min() > 0.8
    assert (z[:-1] * z[1:]).sum(1).mean() < 0.6


def test_seed_sets_the_start() -> None:
    tables = [SeedNetwork(WORDS, seed=s).export() for s in (1, 1, 2)]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert (tables[0] != tables[2]).any()


def test_tables_of_another_flank_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit"):
        SeedNetwork(WORDS, flank=20).load_integers(SeedNetwork(WORDS).export())
