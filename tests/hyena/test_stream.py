"""Windows in batches: each comes out in its place, as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena import longcontext, stream  # noqa: E402
from genoseq.hyena.scores import target_log_probabilities  # noqa: E402
from genoseq.hyena.stream import Stream, Wanted, score_of, vectors_of  # noqa: E402
from genoseq.hyena.windows import Window, windows_of  # noqa: E402

LENGTHS = [1, 2, 130, 3, 64, 41, 1, 90, 17, 130, 129, 5, 33, 34, 35, 36]


def some_tokens(length, seed=0):
    return np.random.default_rng(seed).integers(7, 12, length).astype(np.uint8)


def some_windows():
    return [Window(i, 0, length, some_tokens(length, i)) for i, length in enumerate(LENGTHS)]


@pytest.fixture(params=["large batches", "small batches", "shared", "threads"])
def sizes(request, monkeypatch):
    """Ways to cut the same work."""
    if request.param != "large batches":
        monkeypatch.setattr(stream, "_BATCH", {"cpu": 150})
        monkeypatch.setattr(stream, "_LOAD", 2)
        monkeypatch.setattr(longcontext, "_PIECE", {"cpu": 32 * 20})
    if request.param == "shared":
        monkeypatch.setattr(stream, "_SHARED", 40)
    before = torch.get_num_threads()
    torch.set_num_threads(3 if request.param == "threads" else 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("layer", [0, 1, None])
def test_vectors_are_those_of_each_window_alone(network, sizes, layer):
    windows = some_windows()
    with torch.inference_mode():
        alone = [
            network.states(torch.from_numpy(window.tokens)[None].long(), layer)[0].numpy()
            for window in windows
        ]
    for pool, of in (("mean", lambda s: s.mean(0)), ("last", lambda s: s[-1]), ("none", lambda s: s)):
        found = list(Stream(network, Wanted(pool, layer)).run(iter(windows)))
        assert [computed.window for computed in found] == windows
        for computed, states in zip(found, alone, strict=True):
            assert computed.vectors.dtype == np.float32
            assert computed.vectors.shape == of(states).shape
            assert np.abs(computed.vectors - of(states)).max() < 1e-5
            assert computed.nats is None


@pytest.mark.parametrize("wanted", [Wanted(nats=True), Wanted("mean", nats=True), Wanted("last", 1, True)])
def test_nats_are_those_of_each_window_alone(network, sizes, wanted):
    windows = some_windows()
    for computed in Stream(network, wanted).run(windows):
        ids = torch.from_numpy(computed.window.tokens)[None].long()
        with torch.inference_mode():
            alone = target_log_probabilities(network, ids, network.states(ids))[0].numpy()
        known = computed.window.tokens < 11
        known[0] = False
        assert (np.isnan(computed.nats) == ~known).all()
        assert np.abs(computed.nats[known] - alone[known]).max(initial=0) < 1e-5
        assert (computed.vectors is None) == (wanted.pool is None)


def test_number_of_threads_changes_no_bit(network, monkeypatch):
    monkeypatch.setattr(stream, "_BATCH", {"cpu": 150})
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 7):
            torch.set_num_threads(threads)
            found.append([c.vectors for c in Stream(network, Wanted("mean")).run(some_windows())])
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_no_more_is_read_than_a_load(network, monkeypatch):
    monkeypatch.setattr(stream, "_BATCH", {"cpu": 64})
    monkeypatch.setattr(stream, "_LOAD", 4)
    taken = []

    def windows():
        for i in range(100):
            taken.append(i)
            yield Window(i, 0, 32, some_tokens(32, i))

    found = Stream(network, Wanted("mean")).run(windows())
    next(found)
    assert len(taken) == 8
    found.close()


def test_batches_hold_what_is_of_similar_length():
    load = some_windows()
    batches = stream._batches(load, 150)
    assert sorted(i for batch in batches for i in batch) == list(range(len(load)))
    for batch in batches:
        lengths = [LENGTHS[i] for i in batch]
        assert len(batch) == 1 or len(batch) * max(lengths) <= 150


@pytest.mark.parametrize("overlap", [0, 1, 20])
def test_windows_of_a_sequence_come_together_again(network, overlap):
    tokens = some_tokens(300)
    parts = [
        part
        for reverse in (False, True)
        for part in Stream(network, Wanted("none", nats=True)).run(
            windows_of(0, tokens, 50, overlap, reverse=reverse)
        )
    ]
    forward = [part for part in parts if not part.window.reverse]
    states = vectors_of(forward, each_base=True)
    assert states.shape == (300, network.config.d_model)
    assert vectors_of(
        Stream(network, Wanted("mean")).run(windows_of(0, tokens, 50)), each_base=False
    ).shape == (
        6,
        network.config.d_model,
    )
    score = score_of(parts)
    assert np.isnan(score.per_base).sum() == (tokens == 11).sum()
    step = 50 - overlap
    for position in (0, 49, 50, 60, 299):
        start = 0 if position < 50 else (position - overlap) // step * step
        ids = torch.from_numpy(tokens[start : start + 50])[None].long()
        with torch.inference_mode():
            wanted = network.states(ids)[0, position - start].numpy()
        assert np.abs(states[position] - wanted).max() < 1e-5


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted("max"), "pool 'max': choose mean, last, none"),
        (Wanted("mean", 3), r"layer 3; this model has 0 \(the embedding\) to 2"),
        (Wanted("mean", -1), "layer -1"),
    ],
)
def test_what_cannot_be_computed(network, wanted, message):
    with pytest.raises(UsageError, match=message):
        Stream(network, wanted)
