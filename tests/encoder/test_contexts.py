"""Contexts for training: taken from the right place, diverged as asked, grouped as the index groups them."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import (
    MARGIN,
    NEAR,
    CellGroups,
    ContextPool,
    Divergence,
    kmer_rows,
    mutate,
    near_keys_of,
)
from genoseq.errors import InputError, UsageError
from genoseq.sequence import decode, encode, reverse_complement

WORDS = AnchorWords(("AC", "GA"))
FLANK = 22
STILL = Divergence((0.0, 0.0), truncated=0.0)


def random_genome(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


@pytest.fixture(scope="module")
def pool() -> ContextPool:
    return ContextPool.from_codes([[random_genome(20_000)], [random_genome(5_000, 1)]], WORDS, FLANK)


def test_every_context_says_its_word(pool: ContextPool) -> None:
    contexts = pool.narrow(np.arange(len(pool)))
    said = {decode(c[FLANK : FLANK + 2]) for c in contexts}
    assert said == {"AC", "GA"}
    assert contexts.max() < 4


def test_contexts_are_those_of_the_genome() -> None:
    genome = random_genome(3_000, 5)
    pool = ContextPool.from_codes([[genome]], WORDS, FLANK)
    strands = decode(genome) + "NNN" + decode(reverse_complement(genome))
    for context in pool.narrow(np.arange(len(pool))):
        assert decode(context) in strands
    # both strands say each word about length / 16 times
    assert 4 * 3_000 / 16 * 0.8 < len(pool) < 4 * 3_000 / 16 * 1.2


def test_a_genome_and_its_reverse_complement_have_the_same_contexts() -> None:
    genome = random_genome(2_000, 3)
    pools = [ContextPool.from_codes([[g]], WORDS, FLANK) for g in (genome, reverse_complement(genome))]
    rows = [sorted(map(bytes, p.narrow(np.arange(len(p))))) for p in pools]
    assert rows[0] == rows[1]


def test_wide_contexts_hold_the_narrow_ones(pool: ContextPool) -> None:
    anchors = np.arange(0, len(pool), 7)
    np.testing.assert_array_equal(pool.wide(anchors)[:, MARGIN:-MARGIN], pool.narrow(anchors))


def test_anchors_near_unknown_bases_are_left_out() -> None:
    genome = random_genome(2_000)
    genome[1_000] = 4
    pool = ContextPool.from_codes([[genome]], WORDS, FLANK)
    reach = FLANK + MARGIN
    inside = pool.positions - 2 * 64  # gaps before the contig
    assert not ((inside > 1_000 - reach - 2) & (inside <= 1_000 + reach)).any()


def test_a_genome_without_anchors_is_an_error() -> None:
    with pytest.raises(InputError, match="genome 2 has no anchor word"):
        ContextPool.from_codes([[random_genome(500)], [encode("A" * 500)]], WORDS, FLANK)


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


def test_near_keys_read_right_then_left() -> None:
    context = encode("A" * 14 + "CCCCCCCC" + "GA" + "TTTTTTTT" + "G" * 14)[None]
    key = int(near_keys_of(context, FLANK, WORDS)[0])
    digits = [(key >> (2 * (NEAR - 1 - i))) & 3 for i in range(NEAR)]
    assert digits == [3, 1] * 8
    assert key >> (2 * NEAR) == 1  # the second word


def test_keys_of_a_pool_equal_those_of_its_contexts(pool: ContextPool) -> None:
    contexts = pool.narrow(np.arange(len(pool)))
    np.testing.assert_array_equal(pool.near(), near_keys_of(contexts, FLANK, WORDS))


def test_cells_hold_every_anchor_once_within_capacity(pool: ContextPool) -> None:
    groups = CellGroups.build(pool, 50)
    assert sorted(groups.members) == list(range(len(pool)))
    sizes = groups.sizes()
    assert sizes.max() <= 50
    assert (np.diff(groups.keys.astype(object)) > 0).all()
    keys = pool.near()
    cells = groups.find(keys)
    np.testing.assert_array_equal(cells[groups.members], np.repeat(np.arange(len(sizes)), sizes))
    # the siblings of an overfull node were not cut further than needed: sizes are not all tiny
    assert sizes[sizes > 0].mean() > 10


def test_kmer_rows_equal_a_naive_count() -> None:
    rng = np.random.default_rng(0)
    contexts = rng.integers(0, 5, (50, 12)).astype(np.uint8)
    rows = np.empty((50, 9), np.int64)
    kmer_rows(contexts, 4, rows)
    for context, row in zip(contexts, rows, strict=True):
        for place in range(9):
            word = context[place : place + 4]
            naive = 9 * 256 if word.max() > 3 else place * 256 + int("".join(map(str, word)), 4)
            assert row[place] == naive
