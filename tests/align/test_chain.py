"""Chains: hits that follow each other, against the best chain found by looking at all."""

from __future__ import annotations

import numpy as np

from genoseq.align.chain import Links, chain_hits

CONTIGS = np.array([0, 50_000, 100_000])


def chains(hits, *, links=None, least=0.5):
    """Chains of rows (place, position, strand, vote)."""
    places, positions, strands, votes = (np.array(column) for column in zip(*hits, strict=True))
    return chain_hits(
        places.astype(np.int64), positions.astype(np.int64), strands.astype(np.uint8),
        votes.astype(np.float32), CONTIGS, links or Links(), least,
    )  # fmt: skip


def colinear(start, number, *, strand=0, step=50, place=100, drift=0):
    return [(place + step * i, start + (step + drift) * i, strand, 0.5) for i in range(number)]


def test_hits_on_one_diagonal_make_one_chain():
    found = chains(colinear(1000, 10))
    assert found.bounds.tolist() == [0, 10]
    assert np.isclose(found.scores[0], 5.0)
    assert found.places.tolist() == [100 + 50 * i for i in range(10)]


def test_chance_hits_and_their_order_change_nothing():
    rng = np.random.default_rng(1)
    chance = [(rng.integers(0, 900), rng.integers(0, 100_000), rng.integers(0, 2), 0.3) for _ in range(40)]
    hits = colinear(1000, 10) + [tuple(map(float, hit)) for hit in chance]
    rng.shuffle(hits)
    found = chains(hits)
    assert found.positions[: found.bounds[1]].tolist()[:10] == [1000 + 50 * i for i in range(10)]


def test_strands_and_contigs_are_kept_apart():
    hits = colinear(49_800, 5) + colinear(50_050, 5, place=350)  # across a border
    assert sorted(np.diff(chains(hits).bounds).tolist()) == [4, 6]
    found = chains(colinear(1000, 6) + colinear(1300, 6, strand=1, place=400))
    assert sorted(found.strands.tolist()) == [0, 1]


def test_a_jump_of_the_diagonal_parts_a_chain():
    near = colinear(1000, 20)
    joined, parted = (colinear(2000 + jump, 20, place=1100) for jump in (450, 550))
    assert np.diff(chains(near + joined).bounds).tolist() == [40]
    assert np.diff(chains(near + parted).bounds).tolist() == [20, 20]


def test_steady_drift_costs_little():
    steady = chains(colinear(1000, 30, drift=4))
    assert steady.bounds.tolist() == [0, 30]
    assert steady.scores[0] > 0.8 * 15


def test_weak_chains_are_left_out():
    assert len(chains(colinear(1000, 2), least=1.5).scores) == 0


def test_every_hit_belongs_to_one_chain_at_most():
    rng = np.random.default_rng(5)
    for _ in range(30):
        hits = [
            (
                int(rng.integers(0, 300)),
                int(rng.integers(1000, 1400)),
                int(rng.integers(0, 2)),
                float(rng.random()),
            )
            for _ in range(60)
        ]
        found = chains(hits, least=0.1)
        pairs = list(zip(found.places.tolist(), found.positions.tolist(), strict=True))
        assert len(pairs) <= 60
        assert (np.diff(found.scores) <= 1e-6).all()
        for c in range(len(found.scores)):
            part = slice(found.bounds[c], found.bounds[c + 1])
            assert (np.diff(found.places[part]) > 0).all()
            assert (np.diff(found.positions[part]) > 0).all()
