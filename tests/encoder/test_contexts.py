"""Contexts for training: taken from the right place, grouped as the index groups them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genoseq.encoder.anchors import AnchorWords
from genoseq.encoder.contexts import NEAR, CellGroups, ContextPool, kmer_rows, near_keys_of
from genoseq.encoder.divergence import MARGIN
from genoseq.errors import InputError
from genoseq.sequence import decode, encode, reverse_complement

WORDS = AnchorWords(("AC", "GA"))
FLANK = 22


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


def test_a_genome_without_anchors_is_told_by_its_file(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.fa", tmp_path / "bad.fa"
    good.write_text(f">a\n{decode(random_genome(2000))}\n")
    bad.write_text(">a\n" + "A" * 500 + "\n")
    with pytest.raises(InputError, match=r"bad\.fa: has no anchor word"):
        ContextPool.from_fasta([good, bad], WORDS, FLANK)
    bad.write_text(">a\nACGT\n")
    with pytest.raises(InputError, match=r"bad\.fa: 4 bp are too few to validate on"):
        ContextPool.from_fasta([bad], WORDS, FLANK, use="validate on")


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
