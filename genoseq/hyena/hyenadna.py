"""HyenaDNA for a notebook: load a model by name, embed, score, generate.

model = HyenaDNA.load("hyenadna-tiny-1k-seqlen")
vectors = model.embed(["ACGT", "GATTACA"])
nats = model.log_likelihood(["ACGTGATTACA"])
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch

from genoseq.errors import UsageError
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
    precision : str
        Type of the matrix products: "fp32", or "bf16" by autocast. Convolutions are in float32 anyway.
    """

    def __init__(self, network: HyenaNetwork, name: str = "HyenaDNA", *, precision: str = "fp32") -> None:
        if precision not in ("fp32", "bf16"):
            raise UsageError(f"precision {precision!r}: choose fp32 or bf16")
        self.network, self.name, self.precision = network, name, precision

    @classmethod
    def load(
        cls, name: str | Path, *, device: str = "auto", precision: str = "fp32", download: bool = False
    ) -> HyenaDNA:
        """Load a model by its name, or from a folder or a file of weights.

        Parameters
        ----------
        name : path
            A known name (``genoseq models list``), a folder with ``config.json`` and weights, or a file.
        device : str
            "cpu", "cuda", or "auto": a GPU if there is one.
        precision : str
            "fp32" or "bf16".
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
        shown = known.name if known is not None else str(name)
        return cls(network.to(chosen), shown, precision=precision)

    @property
    def config(self) -> HyenaConfig:
        """The shape of the network."""
        return self.network.config

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """No gradients, and matrix products in the precision of the model, for the length of a block."""
        bf16 = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            yield
