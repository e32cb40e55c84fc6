"""What the commands of HyenaDNA share: the options, and a torch that is not there."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest

from genoseq.cli._hyena import DEFAULT_MODEL, add_model_options, load_model
from genoseq.errors import UsageError


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_model_options(parser.add_argument_group("Model"))
    args = parser.parse_args(arguments)
    args.threads = 1
    return args


def test_defaults():
    args = parsed()
    assert (args.model, args.device, args.precision) == (DEFAULT_MODEL, "auto", "fp32")


def test_without_torch():
    """In a process of its own: modules that are imported twice would be two to the tests that follow."""
    script = (
        "import argparse, sys; sys.modules['torch'] = None\n"
        "from genoseq.cli._hyena import add_model_options, load_model\n"
        "parser = argparse.ArgumentParser(); add_model_options(parser.add_argument_group('Model'))\n"
        "args = parser.parse_args([]); args.threads = 1\n"
        "from genoseq.errors import MissingDependencyError\n"
        "try:\n    load_model(args)\nexcept MissingDependencyError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert re.search(r"needs torch.*genoseq\[models\]", done.stdout)


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
