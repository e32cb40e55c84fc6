"""The class for notebooks: loading by name and by path."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402


def test_a_folder_loads(network, tmp_path):
    save_network(network, tmp_path / "run")
    model = HyenaDNA.load(tmp_path / "run", device="cpu")
    assert model.config == network.config
    assert model.device.type == "cpu"
    assert not model.network.training


def test_names_and_devices_that_are_not_there(network, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="no model 'hyenadna-tiny'"):
        HyenaDNA.load("hyenadna-tiny")
    with pytest.raises(CheckpointError, match="genoseq models pull hyenadna-large-1m-seqlen"):
        HyenaDNA.load("LongSafari/hyenadna-large-1m-seqlen-hf")
    with pytest.raises(CheckpointError, match="cannot be fetched"):
        HyenaDNA.load("hyenadna-large-1m-seqlen", download=True)
    with pytest.raises(CheckpointError, match=r"config\.json|cannot be read"):
        HyenaDNA.load(tmp_path)
    save_network(network, tmp_path / "run")
    with pytest.raises(UsageError, match="choose auto, cpu or cuda"):
        HyenaDNA.load(tmp_path / "run", device="tpu")


def test_precision(network):
    ids = torch.randint(7, 11, (1, 50))
    with HyenaDNA(network).inference():
        wanted = network(ids)
    with HyenaDNA(network, precision="bf16").inference():
        rounded = network(ids)
    assert wanted.dtype == torch.float32
    assert rounded.dtype == torch.bfloat16
    assert 0 < (wanted - rounded.float()).abs().max() < 0.2
    with pytest.raises(UsageError, match="'fp8': choose fp32 or bf16"):
        HyenaDNA(network, precision="fp8")
