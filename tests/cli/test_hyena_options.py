"""What the commands of HyenaDNA share: the options, and a torch that is not there."""

from __future__ import annotations

import argparse
import sys

import pytest

from genoseq.cli._hyena import DEFAULT_MODEL, add_model_options, load_model
from genoseq.errors import MissingDependencyError, UsageError


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_model_options(parser.add_argument_group("Model"))
    args = parser.parse_args(arguments)
    args.threads = 1
    return args


def test_defaults():
    args = parsed()
    assert (args.model, args.device, args.precision) == (DEFAULT_MODEL, "auto", "fp32")


def test_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("genoseq.hyena")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingDependencyError, match=r"needs torch.*genoseq\[models\]"):
        load_model(parsed())


def test_a_model_and_how_to_run_it(tmp_path):
    torch = pytest.importorskip("torch")
    from genoseq.hyena.config import HyenaConfig
    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.weights import save_network

    save_network(HyenaNetwork(HyenaConfig(d_model=8, d_inner=16, l_max=34)), tmp_path / "run")
    before = torch.get_num_threads()
    try:
        model = load_model(parsed("-m", str(tmp_path / "run"), "--device", "cpu", "--precision", "bf16"))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert (model.config.l_max, model.device.type, model.precision) == (34, "cpu", "bf16")
    with pytest.raises(UsageError, match="no model 'nonsense'"):
        load_model(parsed("-m", "nonsense"))
