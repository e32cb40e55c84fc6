"""What a seed encoder is worth: recall of single anchors on a genome that it has not seen.

Two questions, for several divergences:

* ``pool``: among 200,000 anchors drawn from the genome, are at most one closer to the mutated context than
  its own? This is the embedding alone, with exact vectors.
* ``anchor``: does a search as an index does it find the anchor? The mutated context falls into a cell (by
  its own near bases, which may have changed), the cell's anchors are remembered as product codes, the two
  closest are reported. ``cell`` is the share whose cell is right, which no encoder can raise; ``ranked``
  the share found among those.

Of equal rivals, such as exact copies of a context, half are taken to come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from genoseq.encoder.contexts import CellGroups, ContextPool, near_keys_of
from genoseq.encoder.divergence import Divergence, mutate
from genoseq.encoder.quantise import reconstruct
from genoseq.encoder.seed import SeedEncoder

_EQUAL = 1e-6  # difference of inner products that rounding explains
HITS = 2  # neighbours asked for, as the first stages of the aligner do


@dataclass(frozen=True)
class AnchorRecall:
    """Recall at one divergence, shares of 1.

    Attributes
    ----------
    divergence : float
        Events per base.
    pool : float
        Own anchor among the two nearest of a large pool, exact vectors.
    cell : float
        Cell of the mutated context is that of its anchor.
    ranked : float
        Own anchor among the two nearest of the cell by product codes, where the cell is right.
    anchor : float
        ``cell * ranked``: found by one probe.
    """

    divergence: float
    pool: float
    cell: float
    ranked: float
    anchor: float

    def as_dict(self) -> dict[str, float]:
        """For JSON, rounded to four places."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def embed_contexts(encoder: SeedEncoder, contexts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embeddings of contexts that stand on their own, uint8 (n, context) -> float32 (n, dimension)."""
    n, width = contexts.shape
    starts = np.arange(n, dtype=np.int64) * width
    flat = np.ascontiguousarray(contexts).reshape(-1)
    return encoder.encode(flat, starts + encoder.flank, np.zeros(n, np.uint8), starts, starts + width)


def embed_anchors(encoder: SeedEncoder, pool: ContextPool, anchors: NDArray[np.int64]) -> NDArray[np.float32]:
    """Embeddings of anchors of a pool in their place, float32 (n, dimension)."""
    low = np.zeros(len(anchors), np.int64)
    return encoder.encode(
        pool.codes, pool.positions[anchors], pool.kinds[anchors], low, low + len(pool.codes)
    )


def anchor_recall(
    encoder: SeedEncoder,
    pool: ContextPool,
    *,
    divergences: Sequence[float] = (0.05, 0.10, 0.15, 0.20),
    queries: int = 2000,
    rivals: int = 200_000,
    capacity: int = 1500,
    seed: int = 0,
) -> list[AnchorRecall]:
    """Recall of anchors of `pool`, see the module's description.

    Parameters
    ----------
    encoder : SeedEncoder
        Integer tables with their codebook, as they ship.
    pool : ContextPool
        Anchors of a genome that was not trained on.
    divergences : sequence of float
        Events per base; 15 % of them are insertions or deletions, substitutions are uniform.
    queries, rivals : int
        How many anchors are asked for, and against how many (at most all).
    capacity : int
        Anchors in a cell.
    """
    rng = np.random.default_rng([seed, 1])
    groups = CellGroups.build(pool, capacity)
    asked = rng.choice(len(pool), min(queries, len(pool)), replace=False)
    others = rng.choice(len(pool), min(rivals, len(pool)), replace=False)
    own = embed_anchors(encoder, pool, asked)
    wide = pool.wide(asked)
    contexts, found = [], []
    for divergence in divergences:
        change = Divergence((divergence, divergence), (0.15, 0.15), 0.0, (0.5, 0.5), 0.0)
        contexts.append(mutate(wide, pool.flank, change, rng))
        found.append(embed_contexts(encoder, contexts[-1]))
    in_pool = _ranked_first(embed_anchors(encoder, pool, others), others, found, own, asked)
    keys = np.concatenate([near_keys_of(c, pool.flank, pool.words) for c in contexts])
    right, ranked = _in_cell(
        encoder, pool, groups, np.concatenate(found), keys, np.tile(asked, len(divergences))
    )
    rows = []
    for i, divergence in enumerate(divergences):
        part = slice(i * len(asked), (i + 1) * len(asked))
        cell, both = float(right[part].mean()), float(ranked[part].mean())
        rows.append(AnchorRecall(divergence, float(in_pool[i].mean()), cell, both / max(cell, 1e-9), both))
    return rows


def _ranked_first(
    rivals: NDArray[np.float32],
    names: NDArray[np.int64],
    found: list[NDArray[np.float32]],
    own: NDArray[np.float32],
    asked: NDArray[np.int64],
) -> list[NDArray[np.bool_]]:
    """Fewer than `HITS` rivals are closer than the own anchor."""
    results = []
    for z in found:
        own_closeness = (z * own).sum(1)
        closer = np.zeros(len(z))
        for lo in range(0, len(rivals), 1 << 14):
            part = slice(lo, lo + (1 << 14))
            closeness = z @ rivals[part].T
            closeness[names[part] == asked[:, None]] = -np.inf
            closer += _closer(closeness, own_closeness)
        results.append(closer < HITS)
    return results


def _in_cell(
    encoder: SeedEncoder,
    pool: ContextPool,
    groups: CellGroups,
    z: NDArray[np.float32],
    keys: NDArray[np.uint64],
    asked: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(cell is right, own anchor is found in it by product codes), one row a query."""
    cell = groups.find(keys)
    cell_of_own = np.empty(len(pool), np.int32)
    cell_of_own[groups.members] = np.repeat(np.arange(len(groups.keys), dtype=np.int32), groups.sizes())
    right = cell == cell_of_own[asked]
    ranked = np.zeros(len(z), bool)
    order = np.flatnonzero(right)[np.argsort(cell[right], kind="stable")]
    for group in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
        if len(group) == 0:
            continue
        c = cell[group[0]]
        members = groups.members[groups.starts[c] : groups.starts[c + 1]]
        kept = reconstruct(embed_anchors(encoder, pool, members), encoder.codebook)
        closeness = z[group] @ kept.T - 0.5 * (kept**2).sum(1)
        is_own = members[None, :] == asked[group][:, None]
        own = closeness[is_own]
        closeness[is_own] = -np.inf
        ranked[group] = _closer(closeness, own) < HITS
    return right, ranked


def _closer(closeness: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float64]:
    """How many rivals (columns) come before the own anchor (rows); of equal ones half."""
    above = (closeness > own[:, None] + _EQUAL).sum(1)
    at_least = (closeness >= own[:, None] - _EQUAL).sum(1)
    return 0.5 * (above + at_least)
