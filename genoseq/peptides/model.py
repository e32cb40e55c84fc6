"""A masked language model of proteins, asked for the distribution of single letters.

    model = MaskedModel.load("pepmlm-650m")
    found = model.log_probabilities(rows, places)

Attention masks are always passed, and rows of about one length share a batch, so that a row has the same
answer alone and in company (to rounding).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.models.device import choose_device
from genoseq.models.hub import find_weights, pull
from genoseq.models.registry import find_model
from genoseq.peptides.batches import split_by_size
from genoseq.peptides.network import load_network
from genoseq.peptides.tokens import PAD, TOKENS, padded

__all__ = ["MaskedModel"]

TOKENS_AT_ONCE = 4096
"""Tokens of a batch. The 650M model takes some 0.4 GiB for them, beside 2.4 GiB of weights."""

Tokens = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class MaskedModel:
    """An ESM-2 model, ready for use.

    Parameters
    ----------
    network : EsmForMaskedLM
        In evaluation mode, on the device that it shall run on.
    name : str
        For messages and outputs.
    precision : str
        Type of the matrix products: "fp32", or "bf16" by autocast.

    Attributes
    ----------
    forwards : int
        Rows that went through the network: what a decoder costs.
    progress : callable
        Is told after each batch how many rows it had.
    """

    def __init__(self, network: Any, name: str = "ESM-2", *, precision: str = "fp32") -> None:
        if precision not in ("fp32", "bf16"):
            raise UsageError(f"precision {precision!r}: choose fp32 or bf16")
        self.network, self.name, self.precision = network, name, precision
        self.forwards = 0
        self.progress: Callable[[int], object] = lambda rows: None

    @classmethod
    def load(
        cls, name: str | Path, *, device: str = "auto", precision: str = "fp32", download: bool = False
    ) -> MaskedModel:
        """Load a model by its name, or from a folder or a file of weights.

        Parameters
        ----------
        name
            A known name (``genoseq models list``), a folder with ``config.json`` and weights, or a file.
        device
            "cpu", "cuda", or "auto": a GPU if there is one.
        precision
            "fp32" or "bf16".
        download
            Fetch a published model that is not on this machine.

        Raises
        ------
        UsageError
            If the name is unknown or of another kind of model, or the device is not there.
        CheckpointError
            If the weights are not here, damaged, or of another model.
        """
        chosen = choose_device(device)
        known = None if Path(name).exists() else find_model(str(name))
        if known is not None and known.kind != "esm":
            raise UsageError(f"{known.name} is a model of the kind {known.kind}; a protein model is needed")
        path = pull(known) if known is not None and download else find_weights(name)
        network: Any = load_network(path)
        return cls(network.to(chosen), str(name) if known is None else known.name, precision=precision)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def log_probabilities(self, rows: Sequence[Tokens], places: Sequence[Numbers]) -> NDArray[np.float32]:
        """What stands at some places of rows of tokens.

        Parameters
        ----------
        rows
            Tokens of the letters of each row, masks among them, without ``<cls>`` and ``<eos>``.
        places
            Of each row the places that are asked for, 0-based.

        Returns
        -------
        ndarray, shape (places of all rows, 33), dtype float32
            Natural logarithms, in the order of the rows and of their places.
        """
        if len(rows) != len(places):
            raise UsageError(f"{len(rows)} rows and places of {len(places)}")
        sizes = np.array([len(each) for each in places], np.int64)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        out = np.empty((int(ends[-1]), len(TOKENS)), np.float32)
        lengths = np.array([len(row) + 2 for row in rows], np.int64)
        order = np.argsort(lengths, kind="stable")
        for part in split_by_size(lengths[order], TOKENS_AT_ONCE):
            chosen = order[part]
            found = self._part([rows[number] for number in chosen], [places[number] for number in chosen])
            into = np.concatenate([np.arange(ends[number], ends[number + 1]) for number in chosen])
            out[into] = found
        return out

    def _part(self, rows: Sequence[Tokens], places: Sequence[Numbers]) -> NDArray[np.float32]:
        tokens = torch.from_numpy(padded(rows)).to(self.device)
        lines = np.repeat(np.arange(len(rows)), [len(each) for each in places])
        columns = np.concatenate(places) + 1
        self.forwards += len(rows)
        with self._inference():
            states = self.network.esm(tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
            asked = states[torch.from_numpy(lines).to(self.device), torch.from_numpy(columns).to(self.device)]
            found = self.network.lm_head(asked).float().log_softmax(-1)
        self.progress(len(rows))
        return found.cpu().numpy()

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        bf16 = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            yield
