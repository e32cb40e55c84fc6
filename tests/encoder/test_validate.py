"""Recall of anchors: whole without divergence, falling with it, next to none for tables that know nothing."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import ContextPool
from genoseq.encoder.quantise import learn_codebook
from genoseq.encoder.seed import SeedEncoder
from genoseq.encoder.validate import anchor_recall, embed_anchors, embed_contexts

WORDS = AnchorWords(("AC", "GA"))


@pytest.fixture(scope="module")
def pool() -> ContextPool:
    codes = np.random.default_rng(0).integers(0, 4, 40_000).astype(np.uint8)
    return ContextPool.from_codes([[codes]], WORDS, 22)


def encoder_of(table: np.ndarray, pool: ContextPool) -> SeedEncoder:
    plain = SeedEncoder(table, np.zeros((16, 16, 4), np.float32), WORDS, 22)
    z = embed_anchors(plain, pool, np.arange(0, len(pool), 3))
    return SeedEncoder(table, learn_codebook(z), WORDS, 22)


@pytest.fixture(scope="module")
def encoder(pool: ContextPool) -> SeedEncoder:
    """Random rows of 4-mers: enough to tell unchanged contexts apart."""
    return encoder_of(np.random.default_rng(1).integers(-50, 50, (43 * 256, 64)).astype(np.int8), pool)


def test_contexts_embed_as_in_their_place(pool: ContextPool, encoder: SeedEncoder) -> None:
    anchors = np.arange(0, len(pool), 5)
    np.testing.assert_allclose(
        embed_contexts(encoder, pool.narrow(anchors)), embed_anchors(encoder, pool, anchors), atol=1e-6
    )


def test_recall_is_whole_without_divergence_and_falls_with_it(
    pool: ContextPool, encoder: SeedEncoder
) -> None:
    rows = anchor_recall(encoder, pool, divergences=(0.0, 0.1, 0.3), queries=500, capacity=100)
    assert rows[0].pool == rows[0].cell == 1
    assert rows[0].ranked > 0.99
    for name in ("pool", "cell", "anchor"):
        values = [getattr(row, name) for row in rows]
        assert values[0] > values[1] > values[2]
    assert rows[1].anchor == pytest.approx(rows[1].cell * rows[1].ranked)
    assert list(rows[1].as_dict()) == ["divergence", "pool", "cell", "ranked", "anchor"]


def test_tables_that_know_nothing_find_next_to_nothing(pool: ContextPool) -> None:
    table = np.zeros((43 * 256, 64), np.int8)
    rng = np.random.default_rng(3)
    table[: 2 * 256] = rng.integers(-50, 50, (512, 64))  # only the two outermost 4-mers count
    row = anchor_recall(encoder_of(table, pool), pool, divergences=(0.2,), queries=500, capacity=100)[0]
    assert row.pool < 0.1
