"""Small networks of the published architecture, with weights large enough to matter."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small networks are slower on several threads, and much slower beside other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_config():
    return HyenaConfig(d_model=16, n_layer=2, d_inner=32, l_max=130, filter_order=16)


@pytest.fixture(scope="session")
def make_network(small_config):
    """`make_network(config, seed)`: all parts count; the usual initial weights leave the filters near 0."""

    def make(config=small_config, seed=0, scale=0.3):
        torch.manual_seed(seed)
        network = HyenaNetwork(config)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(scale * torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
        return network.eval()

    return make


@pytest.fixture
def network(make_network):
    return make_network()
