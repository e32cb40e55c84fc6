"""Low-rank adaptation of HyenaDNA (`genoseq.models.lora`): of the linear layers of the blocks."""

from __future__ import annotations

from genoseq.hyena.model import HyenaNetwork
from genoseq.models import lora

__all__ = ["add_low_rank"]

_NAMES = ("in_proj", "out_proj", "fc1", "fc2")


def add_low_rank(network: HyenaNetwork, rank: int) -> None:
    """Freeze a network and let low-rank corrections of its linear layers be trained.

    Raises
    ------
    UsageError
        If the rank is not 1 to the channels of the model.
    """
    lora.add_low_rank(network, _NAMES, rank, most=network.config.d_model)
