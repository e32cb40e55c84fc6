"""Low-rank adaptation: train a small correction of each matrix instead of the matrix.

A matrix W becomes W + s B A with A of few rows and B of few columns (Hu et al., "LoRA", ICLR 2022); W is
frozen. B begins at 0, so that nothing changes at first. Merging adds the correction to W for good; what is
saved has no trace of it, and costs nothing when the model is used.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from genoseq.errors import UsageError

__all__ = ["LowRank", "add_low_rank", "merge_low_rank"]

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


def add_low_rank(network: nn.Module, names: Collection[str], rank: int, *, most: int) -> None:
    """Freeze a network and let low-rank corrections of linear layers be trained.

    Parameters
    ----------
    network
    names
        Last words of the names of the layers that are adapted.
    rank
    most
        Largest rank, the channels of the model.

    Raises
    ------
    UsageError
        If the rank is out of range.
    """
    if not 1 <= rank <= most:
        raise UsageError(f"a rank of {rank}; 1..{most} is expected for this model")
    network.requires_grad_(False)
    chosen = [
        module
        for name, module in network.named_modules()
        if name.rpartition(".")[2] in names and isinstance(module, nn.Linear)
    ]
    for layer in chosen:
        rows, columns = layer.weight.shape
        correction = LowRank(rows, columns, rank).to(layer.weight.device)
        parametrize.register_parametrization(layer, "weight", correction)


def merge_low_rank(network: nn.Module) -> None:
    """Add the corrections to the matrices; the network is as any other afterwards, and can be trained."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear) and parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    network.requires_grad_(True)
