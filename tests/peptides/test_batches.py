"""Batches: everything once in an epoch, the same after a stop, masks where they belong."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.peptides.batches import (
    NOT_ASKED,
    Hiding,
    Masking,
    MixedBatches,
    Pair,
    PairBatches,
    ProteinBatches,
    cut,
    split_by_size,
)
from genoseq.peptides.tokens import AMINO, CLS, EOS, MASK, PAD, tokens_of


def proteins(seed, count, longest=120):
    rng = np.random.default_rng(seed)
    return [rng.choice(AMINO, rng.integers(20, longest)).astype(np.uint8) for _ in range(count)]


def batches(some=None, held_out=None, **options):
    usual = {"window": 80, "tokens": 2000, "micro": 500, "masking": Masking(), "seed": 3}
    return ProteinBatches(some or proteins(1, 100), held_out or proteins(2, 9), **{**usual, **options})


def restored(batch):
    """Rows without masks and filling, of what was not replaced."""
    tokens = np.where(batch.labels == NOT_ASKED, batch.tokens, batch.labels)
    return [row[(row != CLS) & (row != EOS) & (row != PAD)].astype(np.uint8) for row in tokens]


def test_every_protein_once_in_an_epoch():
    some = proteins(1, 100)
    source = batches(some, masking=Masking(0.2, replaced=0))
    found, steps = Counter(), 0
    while sum(found.values()) < len(some):
        for batch in source.of_step(steps):
            assert batch.tokens.size <= 500
            found.update(row.tobytes() for row in restored(batch))
        steps += 1
    wanted = Counter(each.tobytes() for each in some if len(each) <= 80)
    assert all(found[each] == count for each, count in wanted.items())
    assert sum(found.values()) == len(some)
    others = [each for each in found if each not in wanted]
    assert all(len(each) == 80 for each in others)
    second = [row.tobytes() for batch in source.of_step(steps) for row in restored(batch)]
    assert set(second) & set(wanted)  # the next epoch begins, in another order
    first = [row.tobytes() for batch in source.of_step(0) for row in restored(batch)]
    assert second != first


def test_a_step_follows_from_its_number_and_the_seed():
    one, other = batches(), batches()
    list(map(one.of_step, range(9)))
    for step in (8, 0, 3):
        for a, b in zip(one.of_step(step), other.of_step(step), strict=True):
            np.testing.assert_array_equal(a.tokens, b.tokens)
            np.testing.assert_array_equal(a.labels, b.labels)
    assert any(
        a.tokens.shape != b.tokens.shape or (a.tokens != b.tokens).any()
        for a, b in zip(batches(seed=4).of_step(0), one.of_step(0), strict=False)
    )


def test_masks_are_as_many_as_was_said():
    source = batches(proteins(5, 400), masking=Masking(0.2, replaced=0.3, kept=0.1))
    letters = asked = masked = kept = 0
    for step in range(15):
        for tokens, labels in source.of_step(step):
            is_asked = labels != NOT_ASKED
            assert np.isin(labels[is_asked], AMINO).all()
            assert ((tokens != MASK) | is_asked).all()
            assert (tokens[:, 0] == CLS).all()
            letters += np.isin(tokens, AMINO).sum() + (tokens == MASK).sum()
            asked += is_asked.sum()
            masked += (tokens[is_asked] == MASK).sum()
            kept += (tokens[is_asked] == labels[is_asked]).sum()
    assert asked / letters == pytest.approx(0.2, abs=0.02)
    assert masked / asked == pytest.approx(0.6, abs=0.03)
    assert kept / asked == pytest.approx(0.1 + 0.3 / 20, abs=0.02)


def test_what_is_held_out_stays_the_same():
    source = batches()
    source.of_step(7)
    for a, b in zip(source.held_out(), batches().held_out(), strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)
    assert sum(len(batch.tokens) for batch in source.held_out()) == 9


def pairs(seed, count):
    rng = np.random.default_rng(seed)
    return [
        Pair(*(rng.choice(AMINO, rng.integers(*size)).astype(np.uint8) for size in ((30, 150), (3, 20))))
        for _ in range(count)
    ]


def pair_batches(some, **options):
    usual = {"window": 100, "tokens": 1000, "micro": 500, "hiding": Hiding(), "seed": 1}
    return PairBatches(some, some[:5], **{**usual, **options})


def test_peptides_are_hidden_as_a_whole():
    some = pairs(1, 40)
    peptides = Counter(pair.peptide.tobytes() for pair in some)
    targets = b" ".join(pair.target.tobytes() for pair in some)
    source, found, step = pair_batches(some), Counter(), 0
    while sum(found.values()) < len(some):
        for tokens, labels in source.of_step(step):
            for line, label in zip(tokens, labels, strict=True):
                row = line[(line != PAD)]
                size = int((label != NOT_ASKED).sum())
                assert (row[-1 - size : -1] == MASK).all()
                assert (row[-1], row[0]) == (EOS, CLS)
                target = row[1 : -1 - size]
                assert len(target) + size <= 100
                assert target.astype(np.uint8).tobytes() in targets
                found[label[label != NOT_ASKED].astype(np.uint8).tobytes()] += 1
        step += 1
    assert found == peptides


def test_a_share_of_the_peptides_is_shown_in_part():
    source = pair_batches(pairs(2, 200), hiding=Hiding(0.5))
    whole = parts = 0
    for step in range(15):
        for tokens, labels in source.of_step(step):
            for line, label in zip(tokens, labels, strict=True):
                places = np.flatnonzero(label != NOT_ASKED)
                assert (line[places] == MASK).all()
                assert (line == MASK).sum() == len(places) >= 1
                is_whole = places[-1] - places[0] + 1 == len(places) and line[places[-1] + 1] == EOS
                whole += is_whole
                parts += not is_whole
    assert 0.4 < whole / (whole + parts) < 0.75
    assert all((batch.tokens == MASK).any(1).all() for batch in source.held_out())


def test_a_power_hides_fewer_letters():
    def mean_share(power):
        rng = np.random.default_rng(1)
        return np.mean([Hiding(0.0, power).draw(50, rng).mean() for _ in range(2000)])

    assert mean_share(1) == pytest.approx(0.5 + 0.5 / 50, abs=0.03)
    assert mean_share(4) == pytest.approx(0.2 + 0.8 / 50, abs=0.03)  # the mean of u^4 is 1/5
    assert Hiding().draw(50, np.random.default_rng(1)).all()


def test_residues_of_targets_are_asked_for_as_well():
    some = pairs(6, 200)
    source = pair_batches(some, hiding=Hiding(1.0, target=0.2))
    asked = residues = 0
    for step in range(10):
        for tokens, labels in source.of_step(step):
            assert ((tokens == MASK) == (labels != NOT_ASKED)).all()
            for line, label in zip(tokens, labels, strict=True):
                end = int(np.flatnonzero(line == EOS)[0])
                behind = end - 1
                while line[behind] == MASK:
                    behind -= 1
                asked += int((label[1:behind] != NOT_ASKED).sum())
                residues += behind - 1
    assert asked / residues == pytest.approx(0.2, abs=0.03)
    assert all((batch.labels != NOT_ASKED).sum() < 5 * 20 for batch in source.held_out())


def test_held_out_pairs_are_looked_at_in_both_ways():
    whole, both = (pair_batches(pairs(3, 30), hiding=hiding).held_out() for hiding in (Hiding(), Hiding(0.5)))
    assert sum(len(batch.tokens) for batch in whole) == 5
    assert sum(len(batch.tokens) for batch in both) == 10
    for a, b in zip(both, pair_batches(pairs(3, 30), hiding=Hiding(0.5)).held_out(), strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)


def test_pairs_are_drawn_by_their_weights():
    some = pairs(7, 60)
    weights = np.where(np.arange(60) < 6, 9.0, 1.0)
    source = pair_batches(some, weights=weights)
    favoured, count = {pair.peptide.tobytes() for pair in some[:6]}, Counter()
    for step in range(20 * source.steps_in_epoch):
        for _, labels in source.of_step(step):
            for label in labels:
                count[label[label != NOT_ASKED].astype(np.uint8).tobytes() in favoured] += 1
    assert count[True] / count.total() == pytest.approx(54 / 108, abs=0.05)
    assert count.total() == pytest.approx(20 * 60, rel=0.1)


def test_batches_of_few_rows():
    source = pair_batches(pairs(4, 40), rows=2, tokens=1000, micro=500)
    sizes = [[len(batch.tokens) for batch in source.of_step(step)] for step in range(source.steps_in_epoch)]
    assert max(map(max, sizes)) == 2
    assert {len(each) for each in sizes} == {2}
    assert sum(map(sum, sizes)) == 40


def test_mixed_steps_are_those_of_both_sources():
    one, other = pair_batches(pairs(1, 40)), batches()
    mixed = MixedBatches(pair_batches(pairs(1, 40)), batches(), every=2)
    for step in range(5):
        wanted = one.of_step(step) + ([] if step % 2 else other.of_step(step // 2))
        for found, expected in zip(mixed.of_step(step), wanted, strict=True):
            np.testing.assert_array_equal(found.tokens, expected.tokens)
            np.testing.assert_array_equal(found.labels, expected.labels)
    assert len(mixed.held_out()) == len(one.held_out())


def test_unknown_letters_are_not_asked_for():
    some = [Pair(tokens_of("MKVLLAGG"), tokens_of("AXW"))] * 3
    tokens, labels = pair_batches(some, window=20, micro=30, tokens=100).of_step(0)[0]
    assert (labels != NOT_ASKED).sum() == 2 * len(tokens)
    assert (tokens == tokens_of("X")[0]).sum() == len(tokens)


def test_cut_and_split():
    rng = np.random.default_rng(1)
    long = np.arange(50, dtype=np.uint8)
    found = {tuple(cut(long, 10, rng)) for _ in range(200)}
    assert len(found) > 30
    assert all(np.diff(each).tolist() == [1] * 9 for each in found)
    assert cut(long, 50, rng) is long
    assert split_by_size(np.array([], np.int64), 5) == []
    lengths = np.sort(rng.integers(3, 40, 100))
    parts = split_by_size(lengths, 80)
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(100))
    assert all(lengths[part].max() * len(part) <= 80 for part in parts)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: batches(window=499), "do not fit"),
        (lambda: batches(micro=3000), "do not fit"),
        (
            lambda: ProteinBatches([], [], window=8, tokens=20, micro=20, masking=Masking(), seed=1),
            "no proteins",
        ),
        (lambda: Hiding(2), "whole is 2"),
        (lambda: pair_batches(pairs(1, 9), window=10), "do not fit"),
        (lambda: PairBatches([], [], window=8, tokens=20, micro=20, hiding=Hiding(), seed=1), "no pairs"),
        (lambda: Hiding(0.5, power=0), "a power above 0"),
        (lambda: Hiding(0.5, target=1), "a power above 0"),
        (lambda: MixedBatches(batches(), batches(), 0), "every is 0"),
        (lambda: Masking(0), "shares of 0 to 1"),
        (lambda: Masking(0.1, replaced=0.8, kept=0.3), "shares of 0 to 1"),
    ],
)
def test_what_makes_no_sense(make, words):
    with pytest.raises(UsageError, match=words):
        make()
