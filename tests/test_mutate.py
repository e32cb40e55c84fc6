"""The kernels of the simulator against plain implementations."""

from itertools import pairwise

import numpy as np
import pytest

from genoseq.mutate import _draw, usable_stretches


def naive_stretches(codes, offsets, max_run):
    """Walk from base to base; a run of more than `max_run` unknown bases ends a stretch."""
    found = []
    for begin, end in pairwise(offsets):
        usable = np.ones(end - begin, bool)
        for i in range(end - begin):
            j = i
            while j < end - begin and codes[begin + j] == 4:
                j += 1
            if j - i > max_run:
                usable[i:j] = False
        edges = np.flatnonzero(np.diff(np.concatenate([[0], usable.astype(int), [0]])))
        found += [(begin + a, begin + b) for a, b in edges.reshape(-1, 2)]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_usable_stretches(seed):
    rng = np.random.default_rng(seed)
    codes = rng.choice(5, 300, p=[0.1, 0.1, 0.1, 0.1, 0.6]).astype(np.uint8)
    offsets = np.concatenate([[0], np.sort(rng.integers(0, 301, 3)), [300]]).astype(np.int64)
    max_run = int(rng.integers(0, 6))
    low, high = usable_stretches(codes, offsets, max_run)
    assert list(zip(low, high, strict=True)) == naive_stretches(codes, offsets, max_run)


def test_random_numbers_are_those_of_splitmix64():
    """First outputs for the seed 1234567, as published with the generator (Vigna, splitmix64.c)."""
    state = np.array([1234567], np.uint64)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [_draw(state) for _ in published] == [(x >> 11) / 2**53 for x in published]
