"""What the commands of HyenaDNA share: which model, on which device, how exact; and loading it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from genoseq.errors import MissingDependencyError

if TYPE_CHECKING:
    from genoseq.hyena.hyenadna import HyenaDNA

__all__ = ["DEFAULT_MODEL", "add_device_options", "add_model_options", "load_model"]

DEFAULT_MODEL = "hyena-tiny"
"""The model that ships."""


def add_model_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that choose a model and say how to run it."""
    group.add_argument(
        "-m",
        "--model",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="name of a model (genoseq models list), folder with config.json and weights, or file of weights",
    )
    add_device_options(group)


def add_device_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say where and how exactly a model runs."""
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if there is one"
    )
    group.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        default="fp32",
        help="of matrix products; bf16 is faster where the processor has it, and good to 2-3 digits",
    )


def load_model(args: argparse.Namespace) -> HyenaDNA:
    """The model that the options name, on its device; sets the threads that torch uses.

    Raises
    ------
    UsageError
        If the name is unknown, or the device is not there.
    MissingDependencyError
        If torch is not installed.
    CheckpointError
        If the weights are not on this machine, damaged, or of another kind of model.
    """
    try:
        import torch

        from genoseq.hyena.hyenadna import HyenaDNA
    except ImportError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        raise MissingDependencyError("a HyenaDNA model", error.name, "models") from error
    torch.set_num_threads(args.threads)
    return HyenaDNA.load(args.model, device=args.device, precision=args.precision)
