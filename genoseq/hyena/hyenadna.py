"""HyenaDNA for a notebook: load a model by name, embed, score, generate.

model = HyenaDNA.load("hyenadna-tiny-1k-seqlen")
vectors = model.embed(["ACGT", "GATTACA"])
nats = model.log_likelihood(["ACGTGATTACA"])
"""

from __future__ import annotations

from pathlib import Path

import torch

from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.weights import read_network
from genoseq.models.device import choose_device
from genoseq.models.hub import find_weights, pull
from genoseq.models.registry import find_model


class HyenaDNA:
    """A HyenaDNA model, ready for use.

    Parameters
    ----------
    network : HyenaNetwork
        In evaluation mode, on the device that it shall run on.
    name : str
        For messages.
    """

    def __init__(self, network: HyenaNetwork, name: str = "HyenaDNA") -> None:
        self.network, self.name = network, name

    @classmethod
    def load(cls, name: str | Path, *, device: str = "auto", download: bool = False) -> HyenaDNA:
        """Load a model by its name, or from a folder or a file of weights.

        Parameters
        ----------
        name : path
            A known name (``genoseq models list``), a folder with ``config.json`` and weights, or a file.
        device : str
            "cpu", "cuda", or "auto": a GPU if there is one.
        download : bool
            Fetch a published model that is not on this machine.

        Raises
        ------
        UsageError
            If the name is unknown, or the device is not there.
        CheckpointError
            If the weights are not here, damaged, or of another model.
        """
        chosen = choose_device(device)
        known = None if Path(name).exists() else find_model(str(name))
        path = pull(known) if known is not None and download else find_weights(name)
        network, _ = read_network(path)
        return cls(network.to(chosen), known.name if known is not None else str(name))

    @property
    def config(self) -> HyenaConfig:
        """The shape of the network."""
        return self.network.config

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device
