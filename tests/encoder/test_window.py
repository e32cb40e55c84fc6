"""One protocol test over all window encoders, and what is particular about the sketch."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from genoseq.encoder.rde import RdeConfig, RdeEncoder, train_tokenizer  # noqa: E402
from genoseq.encoder.window import SketchConfig, SketchEncoder, WindowNetwork, load_window_encoder  # noqa: E402
from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.sequence import decode  # noqa: E402


def genome(length: int = 20_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


@pytest.fixture(scope="module", params=["sketch", "rde"])
def encoder(request: pytest.FixtureRequest) -> WindowNetwork:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    if request.param == "sketch":
        return SketchEncoder(SketchConfig(channels=64, dim=32))
    config = RdeConfig(width=24, layers=2, heads=4, feed_forward=48, vocabulary=200, max_tokens=200)
    return RdeEncoder(config, train_tokenizer([genome()], 200, bases=100_000))


@pytest.fixture(scope="module")
def windows() -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([150, 7, 256, 150, 90, 300, 1])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = genome(int(offsets[-1]), 1)
    codes[200:204] = 4
    return codes, offsets


def test_rows_have_unit_length(encoder: WindowNetwork, windows: tuple[np.ndarray, np.ndarray]) -> None:
    z = encoder.encode(*windows)
    assert z.shape == (7, encoder.dim)
    assert z.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)


def test_an_embedding_does_not_depend_on_its_neighbours(
    encoder: WindowNetwork, windows: tuple[np.ndarray, np.ndarray]
) -> None:
    codes, offsets = windows
    together = encoder.encode(codes, offsets)
    one_by_one = encoder.encode(codes, offsets, batch=1)
    alone = [encoder.encode(codes[a:b], np.array([0, b - a]))[0] for a, b in pairwise(offsets)]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - together[3]).max() > 0.01


def test_encoding_leaves_no_trace(encoder: WindowNetwork, windows: tuple[np.ndarray, np.ndarray]) -> None:
    encoder.train()
    first, second = encoder.encode(*windows), encoder.encode(*windows)
    np.testing.assert_array_equal(first, second)  # dropout is off
    assert encoder.training
    encoder.eval()


def test_no_windows_no_rows(encoder: WindowNetwork) -> None:
    assert encoder.encode(np.empty(0, np.uint8), np.zeros(1, np.int64)).shape == (0, encoder.dim)


def test_an_empty_window_is_refused(encoder: WindowNetwork) -> None:
    with pytest.raises(UsageError, match="window 1 is empty"):
        encoder.encode(genome(20), np.array([0, 20, 20]))


def test_saved_and_loaded_embeds_the_same(
    encoder: WindowNetwork, windows: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    encoder.save(tmp_path / "kept")
    loaded = load_window_encoder(tmp_path / "kept")
    assert type(loaded) is type(encoder)
    assert not loaded.training
    np.testing.assert_array_equal(loaded.encode(*windows), encoder.encode(*windows))


def test_damaged_folders_are_refused_by_name(encoder: WindowNetwork, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        load_window_encoder(tmp_path)
    encoder.save(tmp_path / "a")

    def broken(name: str) -> Path:
        shutil.copytree(tmp_path / "a", tmp_path / name)
        return tmp_path / name

    weights = broken("cut") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not the weights"):
        load_window_encoder(tmp_path / "cut")
    (broken("lost") / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_window_encoder(tmp_path / "lost")
    for name, change, message in (
        ("version", {"format_version": 9}, "format version 9"),
        ("kind", {"encoder": "bert"}, "'bert' is unknown"),
        ("more", {"surprise": 1}, "unknown or missing parameters"),
    ):
        config = broken(name) / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
        with pytest.raises(CheckpointError, match=message):
            load_window_encoder(tmp_path / name)
    (broken("text") / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="not the config"):
        load_window_encoder(tmp_path / "text")


def test_weights_of_another_size_are_refused(encoder: WindowNetwork, tmp_path: Path) -> None:
    encoder.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    size = "channels" if encoder.kind == "sketch" else "feed_forward"
    (tmp_path / "config.json").write_text(json.dumps({**config, size: 2 * config[size]}))
    with pytest.raises(CheckpointError, match="not the weights of this"):
        load_window_encoder(tmp_path)


def test_sketch_equals_a_naive_sum() -> None:
    torch.manual_seed(0)
    sketch = SketchEncoder(SketchConfig(kernel=5, channels=8, dim=6))
    window = genome(40, 2)
    filters, bias = sketch.filters.weight.detach().numpy(), sketch.filters.bias.detach().numpy()
    mean = np.zeros(8)
    for start in range(36):
        answer = bias + sum(filters[:, window[start + j], j] for j in range(5))
        mean += np.maximum(answer, 0) / 36
    z = sketch.projection.weight.detach().numpy() @ mean + sketch.projection.bias.detach().numpy()
    np.testing.assert_allclose(sketch.encode(window, np.array([0, 40]))[0], z / np.linalg.norm(z), atol=1e-5)


def test_sketch_reads_words_wherever_they_stand() -> None:
    sketch = SketchEncoder()
    piece = genome(200, 3)
    moved = np.concatenate([piece[100:], piece[:100]])
    both = sketch.encode(np.concatenate([piece, moved, genome(200, 4)]), np.array([0, 200, 400, 600]))
    assert both[0] @ both[1] > both[0] @ both[2]
    assert decode(piece) != decode(moved)
