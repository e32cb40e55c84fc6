"""Published weights: found in the cache of the Hub, held against their hashes, and never fetched unasked."""

from __future__ import annotations

import hashlib

import pytest

hub_library = pytest.importorskip("huggingface_hub")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.models import hub  # noqa: E402
from genoseq.models.registry import MODELS, find_model, known_model  # noqa: E402

TINY = MODELS[1]


def git_hash(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds the first model as the Hub's client lays it out."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / ("models--" + TINY.repository.replace("/", "--"))
    snapshot, blobs = folder / "snapshots" / TINY.revision, folder / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    config, weights = b'{"d_model": 128}', b"weights" * 100
    for name, content, digest in (
        ("config.json", config, git_hash(config)),
        ("model.safetensors", weights, hashlib.sha256(weights).hexdigest()),
    ):
        (blobs / digest).write_bytes(content)
        (snapshot / name).symlink_to(blobs / digest)
    return snapshot


def test_a_fetched_model_is_found_and_verified(cache):
    assert hub.cached(TINY) == cache
    for name in (TINY.name, f"{TINY.name}-hf", TINY.repository):
        assert hub.find_weights(name) == cache
    assert set(hub.verify(TINY)) == {"config.json", "model.safetensors"}
    assert hub.pull(TINY) == cache  # nothing to fetch


def test_a_damaged_file_is_named(cache):
    (cache / "model.safetensors").resolve().write_bytes(b"other")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: has the hash .* pull the model again"):
        hub.verify(TINY)
    with pytest.raises(CheckpointError, match="has the hash"):
        hub.pull(TINY)


def test_a_model_that_is_not_here(cache):
    other = MODELS[2]
    assert hub.cached(other) is None
    with pytest.raises(CheckpointError, match=f"genoseq models pull {other.name}"):
        hub.find_weights(other.name)
    with pytest.raises(CheckpointError, match="is not on this machine"):
        hub.verify(other)
    with pytest.raises(CheckpointError, match=f"{other.name}: cannot be fetched from {other.repository}"):
        hub.pull(other)


def test_a_path_comes_first(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / TINY.name).mkdir()
    assert hub.find_weights(TINY.name).samefile(tmp_path / TINY.name)


def test_names():
    assert find_model("nothing") is None
    with pytest.raises(UsageError, match=r"did you mean hyenadna-small-32k-seqlen\?"):
        known_model("LongSafari/hyenadna-smal-32k-seqlen-hf")
    with pytest.raises(UsageError, match="known are "):
        known_model("bert")
    assert len({model.name for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_published_models_are_pinned(model):
    assert model.ships or (len(model.revision) == 40 and int(model.revision, 16))
    assert model.licence


@pytest.mark.parametrize("model", [model for model in MODELS if model.ships], ids=lambda model: model.name)
def test_models_that_ship_are_whole_and_have_a_card(model):
    assert hub.verify(model) == model.sha256
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 16_000_000
    assert model.sha256["model.safetensors"] in model.folder.with_suffix(".md").read_text(encoding="utf-8")
