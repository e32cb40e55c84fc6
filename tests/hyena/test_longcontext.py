"""Inference in pieces against the network as it is: the same states, whatever the pieces."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena import longcontext  # noqa: E402
from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.longcontext import Inference, Piece  # noqa: E402
from genoseq.hyena.workers import Workers  # noqa: E402

LONG = HyenaConfig(d_model=16, n_layer=3, d_inner=24, l_max=3000, filter_order=16)


def some_ids(rows, length, seed=0):
    return torch.randint(0, 12, (rows, length), generator=torch.Generator().manual_seed(seed))


def in_pieces(monkeypatch, *, piece=1 << 18, transform=1 << 16, kept=1 << 28):
    """Set the sizes of `longcontext`, in floats and bytes."""
    monkeypatch.setattr(longcontext, "_PIECE", {"cpu": piece})
    monkeypatch.setattr(longcontext, "_TRANSFORM", {"cpu": transform})
    monkeypatch.setattr(longcontext, "_KEPT", kept)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"piece": 24 * 7, "transform": 1},
        {"piece": 24 * 50, "transform": 3 * 300, "kept": 0},
        {"piece": 1, "transform": 64, "kept": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 2), (3, 3), (2, 64), (7, 31), (1, 130), (3, 100)])
def test_states_are_those_of_the_network(network, monkeypatch, rows, length, sizes):
    in_pieces(monkeypatch, **sizes)
    ids = some_ids(rows, length)
    inference = Inference(network)
    with torch.inference_mode():
        for layer in (0, 1, 2, None):
            wanted = network.states(ids, layer)
            assert wanted.abs().max() > 0.1
            assert (inference.states(ids, layer) - wanted).abs().max() < 1e-5


@pytest.mark.parametrize("kept", [0, 1 << 28])
def test_in_float64_the_pieces_add_no_error(make_network, monkeypatch, kept):
    in_pieces(monkeypatch, piece=24 * 100, transform=1 << 13, kept=kept)
    network = make_network(LONG).double()
    ids = some_ids(2, 2500)
    with torch.inference_mode():
        states = Inference(network).states(ids)
        assert states.dtype == torch.float64
        assert (states - network.states(ids)).abs().max() < 1e-11


def test_short_filters_of_other_lengths(make_network, small_config, monkeypatch):
    in_pieces(monkeypatch, piece=32 * 5)
    ids = some_ids(1, 60)
    for taps in (1, 2, 5):
        network = make_network(dataclasses.replace(small_config, short_filter_order=taps))
        with torch.inference_mode():
            assert (Inference(network).states(ids) - network.states(ids)).abs().max() < 1e-5


def test_groups_of_channels_follow_from_the_memory(make_network, monkeypatch):
    in_pieces(monkeypatch, piece=24 * 100, transform=1 << 13, kept=0)
    network = make_network(LONG)
    ids = some_ids(1, 3000)
    channel = 3000 * 4
    transform = 4 * 8 * longcontext.fft_size(5999) * 4
    least = 2 * 16 * channel + 3000 * 16 * 4 + transform
    with torch.inference_mode():
        wanted = network.states(ids)
        for channels, transforms, groups in (
            (16, 2, 1),
            (16, 1, 1),
            (15, 1, 2),
            (8, 1, 2),
            (6, 1, 3),
            (1, 1, 16),
        ):
            memory = least + channels * channel + (transforms - 1) * transform
            plan = longcontext._Plan(network, (1, 3000), memory, longcontext._Spectra(network))
            assert len(plan.groups) == groups
            assert [i for group in plan.groups for i in range(16)[group]] == list(range(16))
            assert max(len(parts) for parts in plan.transforms(slice(0, 16))) == transforms
            states = Inference(network, memory=memory).states(ids)
            assert (states - wanted).abs().max() < 1e-5
        with pytest.raises(UsageError, match=r"3,000 tokens need 2 MiB of memory, and 1 are allowed"):
            Inference(network, memory=least).states(ids)


def test_pieces_cover_each_position_once():
    for rows, length, tokens in product((1, 2, 5), (1, 2, 9, 10, 11, 35), (1, 3, 10, 1000)):
        seen = np.zeros((rows, length), int)
        for piece in longcontext._pieces(rows, length, tokens):
            seen[piece.rows, piece.start : piece.end] += 1
            count = seen[piece.rows, piece.start : piece.end].size
            assert count <= max(tokens, 1)
        assert (seen == 1).all()


def test_threads_change_no_bit(make_network, monkeypatch):
    in_pieces(monkeypatch, piece=24 * 64, transform=1 << 13, kept=0)
    network = make_network(LONG)
    ids = some_ids(2, 1500)
    found = []
    for threads in (1, 3):
        with Workers(threads, torch.inference_mode) as workers, torch.inference_mode():
            found.append(Inference(network).states(ids, run=workers.map))
    assert torch.equal(*found)


def test_several_layers_are_read_in_one_pass(network):
    ids = some_ids(2, 50)
    seen = []

    def read(piece, states):
        seen.append(piece)
        return states.clone()

    with torch.inference_mode():
        found = Inference(network).read(ids, {0: read, 1: read, None: read})
        assert set(found) == {0, 1, None}
        for layer, parts in found.items():
            assert [piece for piece, _ in parts] == [Piece(slice(0, 2), 0, 50)]
            assert (parts[0][1] - network.states(ids, layer)).abs().max() < 1e-5
    assert len(seen) == 3


def test_spectra_are_kept_within_bounds(network, monkeypatch):
    inference = Inference(network)
    with torch.inference_mode():
        inference.states(some_ids(1, 100))
        first = dict(inference._spectra._found)
        inference.states(some_ids(1, 101))  # the same eighth of an octave
        assert {key: id(value) for key, value in inference._spectra._found.items()} == {
            key: id(value) for key, value in first.items()
        }
        in_pieces(monkeypatch, kept=2 * sum(map(longcontext._bytes_of, first.values())) - 1)
        inference.states(some_ids(1, 120))
        sizes = {size for size, _ in inference._spectra._found}
        assert len(sizes) >= 1
        assert sum(map(longcontext._bytes_of, inference._spectra._found.values())) <= longcontext._KEPT
        assert (inference.states(some_ids(1, 100)) - network.states(some_ids(1, 100))).abs().max() < 1e-5


def test_sizes_of_transforms_have_room_for_the_taps():
    spectra = longcontext._Spectra(type("", (), {"config": LONG})())
    sizes = set()
    for length in range(1, 3001):
        size, kept = spectra.size_for(length)
        assert kept
        assert length + min(size // 2, LONG.l_max) - 1 <= size  # or the end runs into the beginning
        assert 2 * length <= size <= 2 * length * 1.3 + 2
        sizes.add(size)
    assert len(sizes) < 90


def test_reduced_precision(network):
    ids = some_ids(2, 100)
    with torch.inference_mode():
        wanted = Inference(network).states(ids)
        with torch.autocast("cpu", torch.bfloat16):
            found = Inference(network).states(ids)
    assert found.dtype == torch.float32
    assert 0 < (found - wanted).abs().max() < 0.2


def test_input_longer_than_the_model_is_refused(network):
    with pytest.raises(UsageError, match=r"131 tokens are more than the 130"):
        Inference(network).states(some_ids(1, 131))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_agrees(make_network):
    network = make_network(LONG)
    ids = some_ids(2, 2000)
    with torch.inference_mode():
        wanted = network.states(ids)
        assert (Inference(network.cuda()).states(ids.cuda()).cpu() - wanted).abs().max() < 1e-3
