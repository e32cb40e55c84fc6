"""Low-rank adaptation: train a small correction of each matrix instead of the matrix.

A matrix W becomes W + s B A with A of few rows and B of few columns (Hu et al., "LoRA", ICLR 2022); W is
frozen. B begins at 0, so that nothing changes at first. Adapted are the linear layers of the blocks: in_proj,
out_proj, fc1 and fc2. Merging adds the correction to W for good; what is saved has no trace of it, and costs
nothing when the model is used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genoseq.errors import UsageError
from genoseq.hyena.model import HyenaNetwork

__all__ = ["LowRank", "add_low_rank", "merge_low_rank"]

_NAMES = ("in_proj", "out_proj", "fc1", "fc2")
_SCALE = 2.0  # alpha / rank, as is usual


class LowRank(nn.Module):
    """A correction of a matrix.

    Parameters
    ----------
    rows, columns : int
        Of the matrix.
    rank : int
    """

    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, columns))
        self.b = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """The corrected matrix."""
        return weight + _SCALE * self.b @ self.a


def add_low_rank(network: HyenaNetwork, rank: int) -> None:
    """Freeze a network and let low-rank corrections of its linear layers be trained.

    Raises
    ------
    UsageError
        If the rank is not 1 to the channels of the model.
    """
    most = network.config.d_model
    if not 1 <= rank <= most:
        raise UsageError(f"a rank of {rank}; 1..{most} is expected for this model")
    network.requires_grad_(False)
    for layer in _adapted(network):
        rows, columns = layer.weight.shape
        correction = LowRank(rows, columns, rank).to(layer.weight.device)
        parametrize.register_parametrization(layer, "weight", correction)


def merge_low_rank(network: HyenaNetwork) -> None:
    """Add the corrections to the matrices; the network is as any other afterwards, and can be trained."""
    for layer in _adapted(network):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    network.requires_grad_(True)


def _adapted(network: HyenaNetwork) -> list[nn.Linear]:
    return [
        module
        for name, module in network.named_modules()
        if name.rpartition(".")[2] in _NAMES and isinstance(module, nn.Linear)
    ]
