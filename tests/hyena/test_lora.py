"""Low-rank corrections: nothing at first, only they are trained, and merged they leave no trace."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena.lora import add_low_rank  # noqa: E402
from genoseq.hyena.tokenizer import A, T  # noqa: E402
from genoseq.models.lora import merge_low_rank  # noqa: E402


@pytest.fixture
def ids():
    return torch.randint(A, T + 1, (2, 40), generator=torch.Generator().manual_seed(1))


def trained(network, ids, steps=5):
    """A few steps of the optimiser on what may be trained."""
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    for _ in range(steps):
        network.states(ids)[:, -1, 0].sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_the_correction_is_what_it_says(network, ids):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        first = network.states(ids)
        add_low_rank(network, 3)
        assert torch.equal(network.states(ids), first)
    names = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert len(names) == 2 * 4 * 2  # a and b of four matrices in two blocks
    trained(network, ids)
    corrections = {
        f"layers.{i}.{part}.weight": 2 * layer.b.detach() @ layer.a.detach()
        for i, block in enumerate(network.layers)
        for part, layer in (
            ("mixer.in_proj", block.mixer.in_proj.parametrizations.weight[0]),
            ("mixer.out_proj", block.mixer.out_proj.parametrizations.weight[0]),
            ("mlp.fc1", block.mlp.fc1.parametrizations.weight[0]),
            ("mlp.fc2", block.mlp.fc2.parametrizations.weight[0]),
        )
    }
    with torch.no_grad():
        tuned = network.states(ids)
        merge_low_rank(network)
        assert network.states(ids) == pytest.approx(tuned, abs=1e-6)
    assert set(network.state_dict()) == set(before)
    for name, value in network.state_dict().items():
        expected = before[name] + corrections.get(name, 0)
        assert value == pytest.approx(expected, abs=1e-6), name
    for correction in corrections.values():
        assert 0 < torch.linalg.matrix_rank(correction, rtol=1e-4) <= 3
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("rank", [0, 17])
def test_a_rank_out_of_range(network, rank):
    with pytest.raises(UsageError, match=r"1\.\.16"):
        add_low_rank(network, rank)
