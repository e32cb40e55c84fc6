"""A small network of the shape of ESM-2."""

from __future__ import annotations

import pytest


@pytest.fixture
def make_network():
    """`make_network(seed=1, layers=2, hidden=32)`: random weights, in double precision if asked."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from genoseq.peptides.network import EsmShape, new_network

    def make(seed=1, layers=2, hidden=32, heads=4):
        torch.manual_seed(seed)
        network = new_network(EsmShape(layers, hidden, heads, 2 * hidden))
        with torch.no_grad():
            for parameter in network.parameters():  # so that nothing is 0 or 1 by being new
                parameter.add_(0.05 * torch.randn_like(parameter))
        return network.eval()

    return make
