"""Whole-window encoders, the published way: one vector for a read, one for each window of the reference.

They stand beside the seed encoder as baselines and share one interface: `WindowEncoder` turns concatenated
codes with offsets into unit vectors. Here are the interface, the light *sketch* (a convolution, a mean, a
projection), and how such encoders are saved and loaded; the paper's transformer is in
`genoseq.encoder.rde`, the training of both in `genoseq.encoder.window_train`, their recall in
`genoseq.encoder.window_recall`.

Neither encoder knows strands: a search embeds each read twice, as it is and reverse-complemented.

A saved encoder is a folder: ``config.json`` (kind, parameters), ``model.safetensors``, and for the
transformer ``tokenizer.json``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genoseq.errors import CheckpointError, UsageError
from genoseq.io.files import replacing

FORMAT_VERSION = 1
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"


class WindowEncoder(Protocol):
    """What index, benchmark and training ask of an encoder of whole windows."""

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""

    def encode(self, codes: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embed windows: concatenated codes with offsets (n + 1) -> float32 (n, dim), rows of unit length."""


class WindowNetwork(nn.Module):
    """Base of the torch window encoders: batches of windows in, unit vectors out.

    A subclass says how windows become tensors (`prepare`) and how these are embedded (`forward`).
    """

    kind = ""

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        raise NotImplementedError

    def prepare(self, windows: list[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Padded input (n, longest) and its lengths (n,), on the CPU."""
        raise NotImplementedError

    def config_dict(self) -> dict[str, Any]:
        """Parameters, for the config file."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def embed(self, windows: list[NDArray[np.uint8]]) -> Tensor:
        """Embed a list of code arrays, with gradient: (n, dim)."""
        padded, lengths = self.prepare(windows)
        result: Tensor = self(padded.to(self.device), lengths.to(self.device))
        return result

    @torch.no_grad()
    def encode(
        self, codes: NDArray[np.uint8], offsets: NDArray[np.int64], *, batch: int = 256
    ) -> NDArray[np.float32]:
        """Embed windows without gradient, as `WindowEncoder` says; windows are batched by length.

        Raises
        ------
        UsageError
            If a window is empty.
        """
        lengths = np.diff(offsets)
        if len(lengths) and lengths.min() < 1:
            raise UsageError(f"window {int(lengths.argmin())} is empty; an embedding needs at least one base")
        out = np.empty((len(lengths), self.dim), np.float32)
        order = np.argsort(lengths, kind="stable")
        training = self.training
        self.eval()
        try:
            for rows in (order[i : i + batch] for i in range(0, len(order), batch)):
                windows = [codes[offsets[r] : offsets[r + 1]] for r in rows]
                out[rows] = self.embed(windows).float().cpu().numpy()
        finally:
            self.train(training)
        return out

    def save(self, folder: str | Path) -> None:
        """Write config and weights into `folder`, each file whole or not at all."""
        from safetensors.torch import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / WEIGHTS) as temporary:
            # not save_file, which lets only the owner read the file
            temporary.write_bytes(
                save({name: t.detach().cpu().contiguous() for name, t in self.state_dict().items()})
            )
        config = {"format_version": FORMAT_VERSION, "encoder": self.kind, **self.config_dict()}
        with replacing(folder / CONFIG) as temporary:
            temporary.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    def load_weights(self, folder: Path) -> None:
        """Read the weights of a saved encoder, strictly.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or has other tensors than this network.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = folder / WEIGHTS
        try:
            self.load_state_dict(load_file(path), strict=True)
        except (OSError, SafetensorError, RuntimeError) as err:
            raise CheckpointError(f"{path}: not the weights of this {self.kind} encoder ({err})") from err


@dataclass(frozen=True)
class SketchConfig:
    """Parameters of the sketch.

    Attributes
    ----------
    kernel : int
        Bases that a filter of the convolution sees.
    channels : int
        Filters.
    dim : int
        Numbers in an embedding.
    """

    kernel: int = 12
    channels: int = 256
    dim: int = 128

    def __post_init__(self) -> None:
        if min(self.kernel, self.channels, self.dim) < 1:
            raise UsageError(
                f"kernel, channels, dim: {self.kernel}, {self.channels}, {self.dim}; all must be at least 1"
            )


class SketchEncoder(WindowNetwork):
    """One convolution over one-hot DNA, ReLU, mean over the window, a linear map, unit length.

    A soft count of gapped 12-mers: filters answer to words, the mean forgets where they were. Windows
    shorter than the kernel are padded with unknown bases.
    """

    kind = "sketch"

    def __init__(self, config: SketchConfig | None = None) -> None:
        super().__init__()
        self.config = config or SketchConfig()
        self.filters = nn.Conv1d(4, self.config.channels, self.config.kernel)
        self.projection = nn.Linear(self.config.channels, self.config.dim)

    @property
    def dim(self) -> int:
        """Numbers in an embedding."""
        return self.config.dim

    def config_dict(self) -> dict[str, Any]:
        """Parameters, for the config file."""
        return asdict(self.config)

    def prepare(self, windows: list[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Codes padded with 4 to the longest window: uint8 (n, longest), int64 (n,)."""
        lengths = np.array([max(len(w), self.config.kernel) for w in windows], np.int64)
        padded = np.full((len(windows), int(lengths.max())), 4, np.uint8)
        for row, window in zip(padded, windows, strict=True):
            row[: len(window)] = window
        return torch.from_numpy(padded), torch.from_numpy(lengths)

    def forward(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """Codes (n, longest) and lengths (n,) -> (n, dim)."""
        bases = (
            functional.one_hot(codes.long(), 5)[..., :4].transpose(1, 2).to(self.filters.weight.dtype)
        )  # (n, 4, longest)
        answers = functional.relu(self.filters(bases))  # (n, channels, longest - kernel + 1)
        places = lengths - self.config.kernel + 1
        inside = torch.arange(answers.shape[2], device=codes.device) < places[:, None]
        mean = (answers * inside[:, None]).sum(2) / places[:, None]
        return functional.normalize(self.projection(mean), dim=1)


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a saved encoder.

    Raises
    ------
    CheckpointError
        If it is missing, not JSON, or of another format version.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise CheckpointError(f"{path}: no such file; a window encoder is a folder that holds it") from err
    except (OSError, ValueError) as err:
        raise CheckpointError(f"{path}: not the config of a window encoder ({err})") from err
    if not isinstance(config, dict) or config.get("format_version") != FORMAT_VERSION:
        found = config.get("format_version") if isinstance(config, dict) else type(config).__name__
        raise CheckpointError(
            f"{path}: format version {found}, this genoseq reads {FORMAT_VERSION}; train it again"
        )
    return config


def load_window_encoder(folder: str | Path) -> WindowNetwork:
    """Load a saved encoder, whatever its kind.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged or of another kind or version.
    """
    folder = Path(folder)
    config = read_config(folder)
    kind = config.get("encoder")
    parameters = {k: v for k, v in config.items() if k not in ("format_version", "encoder")}
    encoder: WindowNetwork
    try:
        if kind == "sketch":
            encoder = SketchEncoder(SketchConfig(**parameters))
        elif kind == "rde":
            from genoseq.encoder.rde import RdeConfig, RdeEncoder, load_tokenizer

            encoder = RdeEncoder(RdeConfig(**parameters), load_tokenizer(folder))
        else:
            raise CheckpointError(f"{folder / CONFIG}: encoder {kind!r} is unknown; expected sketch or rde")
    except TypeError as err:
        raise CheckpointError(f"{folder / CONFIG}: unknown or missing parameters ({err})") from err
    encoder.load_weights(folder)
    return encoder.eval()
