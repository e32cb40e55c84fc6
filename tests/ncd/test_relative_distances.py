"""NRC against models fitted one by one, its properties, and a stored matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.ncd import relative_distances
from genoseq.ncd.cost import known_bases
from genoseq.ncd.markov import MarkovModel
from genoseq.ncd.mixing import BEST, FAST, MixingModel
from genoseq.ncd.mixing_compressor import sized_for
from genoseq.ncd.relative_distances import relative_matrix, symmetric_nrc
from genoseq.sequence import decode, reverse_complement_text


def mutated(codes, rate, seed):
    rng = np.random.default_rng(seed)
    hit = rng.random(codes.size) < rate
    return np.where(hit, rng.integers(0, 4, codes.size), codes).astype(np.uint8)


@pytest.fixture(scope="module")
def codes():
    """A parent, copies with 5 and 20 % changed, a stranger, and an N-rich piece."""
    parent = np.random.default_rng(1).integers(0, 4, 6000).astype(np.uint8)
    piece = parent[:900].copy()
    piece[100:160] = 4
    stranger = np.random.default_rng(9).integers(0, 4, 4000).astype(np.uint8)
    return [parent, mutated(parent, 0.05, 2), mutated(parent, 0.2, 3), stranger, piece]


def naive(x, y, fit):
    found = np.zeros((len(x), len(y)))
    for column, learned in enumerate(y):
        model = fit(learned)
        for row, scored in enumerate(x):
            found[row, column] = model.bits(scored) / (2 * known_bases(scored))
    return found


def mixing_fit(parameters, both_strands):
    def fit(codes):
        return MixingModel.fit([codes], replace(sized_for(codes.size, parameters), both_strands=both_strands))

    return fit


@pytest.mark.parametrize("both_strands", [True, False])
@pytest.mark.parametrize("model", [FAST, BEST, 3, 8], ids=["fast", "best", "order 3", "order 8"])
def test_is_as_the_formula(codes, model, both_strands):
    texts = [decode(each) for each in codes]
    if isinstance(model, int):
        expected = naive(codes, codes, lambda y: MarkovModel.fit([y], model, both_strands=both_strands))
    else:
        expected = naive(codes, codes, mixing_fit(model, both_strands))
    rectangle = relative_matrix(texts[:4], texts[1:], model=model, both_strands=both_strands, threads=2)
    assert rectangle == pytest.approx(expected[:4, 1:], rel=1e-6)
    square = relative_matrix(texts, model=model, both_strands=both_strands)
    np.fill_diagonal(expected, 0)
    assert square == pytest.approx(expected, rel=1e-6)


def test_relatives_are_near_and_the_directions_differ(codes):
    found = relative_matrix([decode(each) for each in codes])
    assert found[0, 1] < found[0, 2] < 0.9 < found[0, 3] < 1.1
    assert found[4, 0] < 0.15  # a piece costs little after the whole ...
    assert found[0, 4] > 0.8  # ... and the whole nearly everything after a piece
    symmetric = symmetric_nrc(found)
    assert np.array_equal(symmetric, symmetric.T)
    assert symmetric[0, 4] == (found[0, 4] + found[4, 0]) / 2
    assert not symmetric.diagonal().any()


def test_strands(codes):
    turned = [decode(codes[0]), reverse_complement_text(decode(codes[1]))]
    straight = relative_matrix([decode(codes[0]), decode(codes[1])])
    assert relative_matrix(turned) == pytest.approx(straight, abs=0.02)
    assert relative_matrix(turned, both_strands=False)[0, 1] > 0.95


def test_threads_and_order_change_nothing(codes):
    texts = [decode(each) for each in codes]
    alone = relative_matrix(texts, model=6)
    assert np.array_equal(alone, relative_matrix(texts, model=6, threads=4))
    turned = relative_matrix(texts[::-1], model=6)
    assert np.array_equal(alone, turned[::-1, ::-1])
    assert np.array_equal(relative_matrix(texts), relative_matrix(texts, threads=3))


@pytest.mark.parametrize("second", [None, 2])
def test_progress_counts_every_pair(codes, second):
    texts = [decode(each) for each in codes]
    told = []
    relative_matrix(texts, texts[:second] if second else None, model=2, progress=told.append)
    assert sum(told) == (20 if second is None else 10)
    assert len(told) == (5 if second is None else 2)


def test_a_stored_matrix_goes_on(codes, tmp_path, monkeypatch):
    texts = [decode(each) for each in codes]
    expected = relative_matrix(texts, model=5)
    learned = []
    learn = relative_distances._learned

    def counted(*arguments):
        learned.append(arguments)
        if len(learned) == 4:
            raise KeyboardInterrupt
        return learn(*arguments)

    monkeypatch.setattr(relative_distances, "_learned", counted)
    with pytest.raises(KeyboardInterrupt):
        relative_matrix(texts, model=5, store=tmp_path / "m")
    kept = len(list((tmp_path / "m").glob("block-*.npy")))
    assert kept == 3
    told = []
    assert np.array_equal(
        relative_matrix(texts, model=5, store=tmp_path / "m", progress=told.append), expected
    )
    assert len(learned) == 4 + 2
    assert sum(told) == 20
    assert np.array_equal(relative_matrix(texts, model=5, store=tmp_path / "m"), expected)
    assert len(learned) == 6
    for change in ({"model": 4}, {"both_strands": False}, {"second": texts}):
        with pytest.raises(InputError, match="of this run"):
            relative_matrix(texts, **{"model": 5, "store": tmp_path / "m", **change})
    with pytest.raises(InputError, match="sequences of the rows is"):
        relative_matrix([*texts[:4], "ACGT"], model=5, store=tmp_path / "m")


def test_no_sequences():
    assert relative_matrix([]).shape == (0, 0)
    assert relative_matrix(["ACGT"], []).shape == (1, 0)
    assert relative_matrix(["ACGT"]).tolist() == [[0]]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"first": ["AC", "NNN"]}, InputError, r"first\[1\] has no base"),
        ({"first": ["AC"], "second": ["MELF"]}, InputError, r"second\[0\]: 'E' at position 1"),
        ({"first": ["AC"], "threads": 0}, UsageError, "0 threads"),
        ({"first": ["AC"], "model": 13, "second": ["AC"]}, UsageError, "0..12"),
    ],
)
def test_bad_input(arguments, error, words):
    with pytest.raises(error, match=words):
        relative_matrix(**arguments)
