"""A masked language model of proteins, asked for the distribution of single letters.

    model = MaskedModel.load("pepmlm-650m")
    found = model.log_probabilities(rows, places)
    found = model.log_probabilities_behind(target, reference, peptides, places)  # near it, and far cheaper

Attention masks are always passed, and rows of about one length share a batch, so that a row has the same
answer alone and in company (to rounding). With several threads each works on a batch of its own: which rows
share a batch, and so every bit of the answer, does not depend on how many there are, as it would with threads
inside of matrix products.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from genoseq.peptides.shared import SharedTarget
from genoseq.peptides.tokens import PAD, TOKENS, padded

__all__ = ["MaskedModel"]

ON_CPU, ON_GPU = 1024, 4096
"""Tokens of a batch. For 4,096 the 650M model takes some 0.4 GiB, beside 2.4 GiB of weights; on a CPU each
thread has a batch, and smaller ones keep more threads at work."""
_WEIGHTS = 8192
"""Of attention, for each of these tokens, behind a target that is read once: 32 and 128 MiB, of which there
are up to four copies at a time."""

Tokens = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class MaskedModel:
    """An ESM-2 model, ready for use. What it has read is kept: neither network nor precision may change.

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
    threads : int
        Batches at once, on a CPU; whoever raises it tells torch to take one thread for each
        (``torch.set_num_threads(1)``).
    tokens : int
        That went through the network: what is paid for.
    progress : callable
        Is told after each batch how many tokens it had.
    """

    def __init__(self, network: Any, name: str = "ESM-2", *, precision: str = "fp32") -> None:
        if precision not in ("fp32", "bf16"):
            raise UsageError(f"precision {precision!r}: choose fp32 or bf16")
        self.network, self.name, self.precision = network, name, precision
        self.threads = 1
        self.tokens = 0
        self.progress: Callable[[int], object] = lambda tokens: None
        self._shared: tuple[tuple[bytes, bytes], SharedTarget] | None = None  # the last one
        # transformers 5.3 keeps rotary tables of the last length in each layer: one batch at a time
        self._keeps_tables = any(hasattr(module, "_seq_len_cached") for module in network.modules())

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

    @property
    def _tokens_at_once(self) -> int:
        return ON_CPU if self.device.type == "cpu" else ON_GPU

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
        lengths = np.array([len(row) + 2 for row in rows], np.int64)
        return self._in_batches(rows, places, lengths, self._part)

    def log_probabilities_behind(
        self, target: Tokens, reference: Tokens, peptides: Sequence[Tokens], places: Sequence[Numbers]
    ) -> NDArray[np.float32]:
        """What stands at some places of peptides behind a target that is read once.

        Parameters
        ----------
        target
            Tokens of its letters.
        reference
            Tokens of the peptide with which the target is read; for it the answer is that of
            `log_probabilities`, for others near it.
        peptides
            As long as the reference.
        places
            In the peptides, 0-based.

        Returns
        -------
        ndarray, shape (places of all peptides, 33), dtype float32
            Natural logarithms, in the order of the peptides and of their places.

        Raises
        ------
        UsageError
            If a peptide has another length than the reference.
        """
        if any(len(peptide) != len(reference) for peptide in peptides):
            found = sorted({len(peptide) for peptide in peptides})
            raise UsageError(f"peptides of {found} letters behind a reference of {len(reference)}")
        if not len(peptides):
            return np.empty((0, len(TOKENS)), np.float32)
        key = target.tobytes(), reference.tobytes()
        last = self._shared
        if last is None or last[0] != key:
            last = self._shared = None  # two would be in memory at once
            with self._inference():
                last = self._shared = key, SharedTarget(self.network, target, reference)
            self._paid(len(target) + len(reference) + 2)
        shared = last[1]

        def look(tails: Sequence[Tokens], asked: Sequence[Numbers]) -> NDArray[np.float32]:
            tokens = torch.from_numpy(padded(tails)[:, 1:]).to(self.device)
            with self._inference():
                return self._answers(shared.states(tokens), np.concatenate(asked), asked)

        lengths = np.full(len(peptides), len(reference) + 1)
        weights = self.network.config.num_attention_heads * lengths[0] * (len(target) + len(reference) + 2)
        rows = max(1, _WEIGHTS * self._tokens_at_once // int(weights))
        return self._in_batches(peptides, places, lengths, look, rows)

    def _in_batches(
        self,
        rows: Sequence[Tokens],
        places: Sequence[Numbers],
        lengths: Numbers,
        look: Callable[[Sequence[Tokens], Sequence[Numbers]], NDArray[np.float32]],
        rows_at_once: int = 0,
    ) -> NDArray[np.float32]:
        """Answers of `look`, which is given rows of about one length, in the order of all rows."""
        if len(rows) != len(places):
            raise UsageError(f"{len(rows)} rows and places of {len(places)}")
        ends = np.concatenate([[0], np.cumsum([len(each) for each in places], dtype=np.int64)])
        out = np.empty((int(ends[-1]), len(TOKENS)), np.float32)
        order = np.argsort(lengths, kind="stable")
        parts = [order[part] for part in split_by_size(lengths[order], self._tokens_at_once, rows_at_once)]

        def one(chosen: Numbers) -> NDArray[np.float32]:
            return look([rows[number] for number in chosen], [places[number] for number in chosen])

        several = self.threads > 1 and len(parts) > 1 and not self._keeps_tables
        pool = ThreadPoolExecutor(self.threads) if several else None
        try:
            for chosen, found in zip(parts, (pool.map if pool else map)(one, parts), strict=True):
                into = np.concatenate([np.arange(ends[number], ends[number + 1]) for number in chosen])
                out[into] = found
                self._paid(int(lengths[chosen].sum()))
        finally:
            if pool:  # after Ctrl-C what has not begun does not begin
                pool.shutdown(cancel_futures=True)
        return out

    def _paid(self, tokens: int) -> None:
        self.tokens += tokens
        self.progress(tokens)

    def _part(self, rows: Sequence[Tokens], places: Sequence[Numbers]) -> NDArray[np.float32]:
        tokens = torch.from_numpy(padded(rows)).to(self.device)
        with self._inference():
            states = self.network.esm(tokens, attention_mask=(tokens != PAD).long()).last_hidden_state
            return self._answers(states, np.concatenate(places) + 1, places)

    def _answers(
        self, states: torch.Tensor, columns: Numbers, places: Sequence[Numbers]
    ) -> NDArray[np.float32]:
        """Of the head, at some columns of each row; of row i as many as it has places."""
        lines = np.repeat(np.arange(len(places)), [len(each) for each in places])
        asked = states[torch.from_numpy(lines).to(self.device), torch.from_numpy(columns).to(self.device)]
        return self.network.lm_head(asked).float().log_softmax(-1).cpu().numpy()

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        bf16 = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            yield
