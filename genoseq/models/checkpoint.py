"""Files of weights: read without running what stands in them, written whole.

A safetensors file holds tensors and nothing else. A torch file is a pickle, which may name any function to
call; it is read here by an unpickler that knows how to build tensors and containers, and makes an inert
object of everything else (Lightning keeps the configuration of the training beside the weights). Nothing of
the file is ever imported or called.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from genoseq.errors import CheckpointError
from genoseq.io.files import replacing

_SHOWN = 3  # keys that a message names
# what damaged files were seen to raise; torch reports a cut zip archive as an OSError of its own
_DAMAGE = (
    safetensors.SafetensorError, zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, OSError, EOFError,
    ValueError, TypeError, AttributeError, KeyError, IndexError,
)  # fmt: skip
_SAFE_GLOBALS = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
}


class _Inert:
    """Stands for an object of the file that is not a tensor or a container."""

    def __init__(self, *arguments: object, **named: object) -> None:
        pass

    def __call__(self, *arguments: object, **named: object) -> _Inert:
        return self

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        """Forget an item."""

    def extend(self, items: object) -> None:
        """Forget items."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _SAFE_GLOBALS:
            return _SAFE_GLOBALS[module, name]
        if module == "torch" and (
            name.endswith("Storage") or isinstance(getattr(torch, name, None), torch.dtype)
        ):
            return getattr(torch, name)
        return _Inert


_TENSORS_ONLY = ModuleType("tensors_only")
_TENSORS_ONLY.Unpickler = _Unpickler  # type: ignore[attr-defined]
_TENSORS_ONLY.load = pickle.load  # type: ignore[attr-defined]


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file by their keys, on the CPU.

    Parameters
    ----------
    path : path
        A safetensors file, or a torch file: a mapping of tensors, or one under the key ``state_dict``, as
        Lightning writes it, or ``model``, as fair-esm does.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, or holds no tensors.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        if not is_zip:
            return safetensors.torch.load_file(path)
        found = torch.load(path, map_location="cpu", pickle_module=_TENSORS_ONLY, weights_only=False)
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path}: neither an intact safetensors file nor an intact torch checkpoint; get it again"
        ) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    tensors = (
        {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors under names; a state dict is expected")
    return tensors


def read_state(path: str | Path, device: torch.device) -> dict[str, Any]:
    """The state of a training run: numbers, text, tensors and containers of these, nothing else.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, or holds anything else.
    """
    path = Path(path)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except _DAMAGE as error:
        raise CheckpointError(f"{path}: not an intact checkpoint; start the training anew") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: not the checkpoint of a training run")
    return state


def write_tensors(
    tensors: Mapping[str, Tensor], path: str | Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors as a safetensors file, whole or not at all."""
    stored = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    with replacing(path) as temporary:
        # save_file would leave a file that only its owner may read
        temporary.write_bytes(safetensors.torch.save(stored, dict(metadata or {})))


def check_keys(found: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Hold the keys and shapes of a file against those of a model.

    Raises
    ------
    CheckpointError
        Naming the keys, if one is missing, surplus or of another shape.
    """
    missing = [key for key in wanted if key not in found]
    surplus = [key for key in found if key not in wanted]
    if missing or surplus:
        words = [
            f"{what} {_some(keys)}"
            for what, keys in (("without", missing), ("with an unknown", surplus))
            if keys
        ]
        raise CheckpointError(f"{source}: not the weights of this model: {', and '.join(words)}")
    for key, shape in wanted.items():
        if tuple(found[key].shape) != shape:
            raise CheckpointError(
                f"{source}: {key} is of shape {tuple(found[key].shape)}; this model has {shape}"
            )


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
