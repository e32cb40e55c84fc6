"""Divergence of contexts: rates, kinds and places of the changes are as asked."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import ContextPool
from genoseq.encoder.divergence import MARGIN, Divergence, mutate
from genoseq.errors import UsageError

WORDS = AnchorWords(("AC", "GA"))
FLANK = 22
STILL = Divergence((0.0, 0.0), truncated=0.0)


@pytest.fixture(scope="module")
def pool() -> ContextPool:
    codes = np.random.default_rng(0).integers(0, 4, 25_000).astype(np.uint8)
    return ContextPool.from_codes([[codes]], WORDS, FLANK)


def test_no_divergence_changes_nothing(pool: ContextPool) -> None:
    wide = pool.wide(np.arange(200))
    np.testing.assert_array_equal(
        mutate(wide, FLANK, STILL, np.random.default_rng(0)), wide[:, MARGIN:-MARGIN]
    )


@pytest.mark.parametrize(("ratio", "expected"), [(0.5, 1 / 3), (4.0, 0.8)])
def test_rate_and_transitions_are_as_asked(pool: ContextPool, ratio: float, expected: float) -> None:
    wide = pool.wide(np.arange(len(pool)))
    plan = Divergence((0.2, 0.2), (0.0, 0.0), transition_ratio=(ratio, ratio), truncated=0.0)
    before, after = wide[:, MARGIN:-MARGIN], mutate(wide, FLANK, plan, np.random.default_rng(1))
    flanks = np.r_[0:FLANK, FLANK + 2 : 2 * FLANK + 2]
    changed = (before != after)[:, flanks]
    assert changed.mean() == pytest.approx(0.2, abs=0.01)
    assert (before == after)[:, FLANK : FLANK + 2].all()
    xor = (before ^ after)[:, flanks][changed]
    assert (xor == 2).mean() == pytest.approx(expected, abs=0.02)  # A<->G, C<->T


def test_indels_move_only_what_lies_beyond_them(pool: ContextPool) -> None:
    wide = pool.wide(np.arange(len(pool)))
    plan = Divergence((0.05, 0.05), (1.0, 1.0), 0.0, truncated=0.0)
    before, after = wide[:, MARGIN:-MARGIN], mutate(wide, FLANK, plan, np.random.default_rng(2))
    same = before == after
    # the nearest base differs only if an event strikes it (and then 3 times in 4), the farthest after any on
    # the way, unless insertions and deletions cancel
    near = 1 - same[:, FLANK - 1].mean()
    far = 1 - same[:, 0].mean()
    assert near == pytest.approx(0.05 * 0.75, abs=0.01)
    assert 10 * near < far < (1 - 0.95**FLANK) * 0.75


def test_deletions_pull_the_margin_in() -> None:
    wide = np.zeros((400, 2 * FLANK + 2 + 2 * MARGIN), np.uint8)
    wide[:, :MARGIN] = 3  # T beyond the context on the left
    plan = Divergence((0.1, 0.1), (1.0, 1.0), 0.0, truncated=0.0)
    after = mutate(wide, FLANK, plan, np.random.default_rng(3))
    assert (after[:, 0] == 3).mean() > 0.2
    assert (after[:, -1] == 3).mean() < 0.1  # only insertions bring a T to the right


def test_kept_bases_never_change_and_truncation_cuts_one_side(pool: ContextPool) -> None:
    wide = pool.wide(np.arange(1_000))
    before = wide[:, MARGIN:-MARGIN]
    plan = Divergence((0.5, 0.5), kept=3, truncated=0.5)
    after = mutate(wide, FLANK, plan, np.random.default_rng(4))
    np.testing.assert_array_equal(after[:, FLANK - 3 : FLANK + 5], before[:, FLANK - 3 : FLANK + 5])
    cut = after == 4
    assert 0.4 < cut.any(1).mean() < 0.6
    assert not (cut[:, 0] & cut[:, -1]).any()


def test_mutation_depends_on_the_generator_only(pool: ContextPool) -> None:
    wide = pool.wide(np.arange(100))
    first, again, other = (mutate(wide, FLANK, Divergence(), np.random.default_rng(s)) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", (0.3, 0.1)), ("rate", (0.0, 0.9)), ("transition_ratio", (0.0, 1.0)), ("truncated", 1.0)],
)
def test_impossible_divergence_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        Divergence(**{name: value})
