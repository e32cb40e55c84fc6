"""The device that a network runs on."""

from __future__ import annotations

import torch

from genoseq.errors import UsageError


def choose_device(name: str = "auto") -> torch.device:
    """The device to run on: ``auto`` takes a GPU if there is one.

    Raises
    ------
    UsageError
        If the device is unknown or not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: this machine has no usable GPU; choose cpu or auto")
    if name not in ("cpu", "cuda"):
        raise UsageError(f"--device {name}: choose auto, cpu or cuda")
    return torch.device(name)
