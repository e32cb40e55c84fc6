"""Weights of HyenaDNA: both published formats, and ours, into one network.

    released ``weights.ckpt`` (Lightning)   model.backbone.layers.0.mixer[.layer].in_proj.weight ..
    released ``-hf`` safetensors, and ours  hyena.backbone.layers.0.mixer.in_proj.weight ..
    classifiers                             backbone.layers.0.mixer.in_proj.weight .., head.output_transform.*

They are told apart by their keys. The infix ``.layer`` is in checkpoints that were trained with activation
checkpointing, whatever their configuration says. Tables that follow from the configuration (``pos_emb``,
``deltas``) may be there or not; where they are they count, for a port of the model trained them too.
Everything else must be there, and nothing more: a key that is missing, surplus or misshapen is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genoseq.errors import CheckpointError
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.model import HyenaNetwork
from genoseq.io.files import replacing
from genoseq.models.checkpoint import check_keys, read_tensors, write_tensors

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_PREFIX = re.compile(r"(model\.|hyena\.)?backbone\.")
_INFIX = re.compile(r"\.(mixer|mlp)\.layer\.")
_HEAD = re.compile(r"(model\.)?(lm_head|head|decoder)\.")
_TABLE = re.compile(r"\.filter_fn\.(pos_emb\.[zt]|modulation\.deltas)$")
_SHARED = re.compile(r"\.implicit_filter\.(\d+)\.freq$")
_EMBEDDING = "embeddings.word_embeddings.weight"
_FILTER = ".implicit_filter."
_FIRST_SINE = ".implicit_filter.1.freq"
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Weights:
    """What a file holds, by our names.

    Attributes
    ----------
    backbone : dict
        Tensors of `HyenaNetwork`.
    tables : dict
        Tables that follow from the configuration, if nobody trained them.
    head : dict
        Of a classifier; without the prefix ``head.`` or ``decoder.``.
    source : str
        The file, for messages.
    """

    backbone: dict[str, Tensor]
    tables: dict[str, Tensor]
    head: dict[str, Tensor]
    source: str


def read_weights(path: str | Path) -> Weights:
    """Read a file of weights and sort what it holds.

    Raises
    ------
    CheckpointError
        If it cannot be read, or holds no HyenaDNA model.
    """
    tensors, source = read_tensors(path), str(path)
    lightning = any(key.startswith("model.backbone.") for key in tensors)
    backbone: dict[str, Tensor] = {}
    tables: dict[str, Tensor] = {}
    head: dict[str, Tensor] = {}
    output = None
    for key, tensor in tensors.items():
        if lightning and not key.startswith(("model.", "decoder.")):
            continue  # running metrics of the training
        if (found := _HEAD.match(key)) is not None:
            if found[2] == "lm_head":
                output = tensor
            else:
                head[key[found.end() :]] = tensor
            continue
        if (found := _PREFIX.match(key)) is None:
            raise CheckpointError(f"{source}: not the weights of a HyenaDNA model: with an unknown {key}")
        name = _INFIX.sub(r".\1.", key[found.end() :])
        (tables if _TABLE.search(name) else backbone)[name] = tensor
    if _EMBEDDING not in backbone:
        raise CheckpointError(f"{source}: not the weights of a HyenaDNA model: without {_EMBEDDING}")
    if output is not None and not torch.equal(output, backbone[_EMBEDDING]):
        raise CheckpointError(f"{source}: lm_head.weight differs from the embedding, which it is tied to")
    for name in [name for name in backbone if (found := _SHARED.search(name)) and found[1] != "1"]:
        first = _SHARED.sub(_FIRST_SINE, name)
        if first in backbone and not torch.equal(backbone[name], backbone[first]):
            raise CheckpointError(
                f"{source}: {name} differs from {first}; all sines of a filter share theirs"
            )
        del backbone[name]
    return Weights(backbone, tables, head, source)


def shape_of(weights: Weights) -> HyenaConfig:
    """The configuration that follows from the shapes; needs the tables for `l_max`.

    Raises
    ------
    CheckpointError
        If the file has no tables: then a ``config.json`` must stand beside it.
    """
    first, tables = weights.backbone, weights.tables
    z = tables.get("layers.0.mixer.filter_fn.pos_emb.z")
    if z is None:
        raise CheckpointError(f"{weights.source}: does not tell its l_max; put its {CONFIG} beside it")
    try:
        return HyenaConfig(
            d_model=first[_EMBEDDING].shape[1],
            n_layer=len([name for name in first if name.endswith("mixer.in_proj.weight")]),
            d_inner=first["layers.0.mlp.fc1.weight"].shape[0],
            l_max=z.shape[1],
            emb_dim=z.shape[2],
            filter_order=first["layers.0.mixer.filter_fn.implicit_filter.0.weight"].shape[0],
            num_inner_mlps=len(
                [
                    n
                    for n in first
                    if n.startswith("layers.0.") and re.search(r"implicit_filter\.\d+\.bias$", n)
                ]
            )
            - 1,
            short_filter_order=first["layers.0.mixer.short_filter.weight"].shape[2],
        )
    except KeyError as error:
        raise CheckpointError(
            f"{weights.source}: not the weights of a HyenaDNA model: without {error.args[0]}"
        ) from error


def fill(network: HyenaNetwork, weights: Weights) -> None:
    """Put weights into a network, strictly.

    Raises
    ------
    CheckpointError
        Naming the key that is missing, surplus, of another shape, or a table of another model.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in stored_tensors(network).items()}
    check_keys(weights.backbone, wanted, weights.source)
    buffers = {name: tuple(table.shape) for name, table in network.named_buffers()}
    check_keys(weights.tables, {name: buffers.get(name, ()) for name in weights.tables}, weights.source)
    for name, table in network.named_buffers():
        if name in weights.tables:
            table.copy_(weights.tables[name])
    # what is stored once belongs in all places that share it
    network.load_state_dict(weights.backbone, strict=False)


def stored_tensors(network: HyenaNetwork) -> dict[str, Tensor]:
    """The parameters of a network by name, what is shared once."""
    return {name: tensor.data for name, tensor in network.named_parameters()}


def _trained_tables(network: HyenaNetwork) -> dict[str, Tensor]:
    """Tables that are not what the configuration says."""
    usual = dict(HyenaNetwork(network.config).named_buffers())
    return {
        name: table
        for name, table in network.named_buffers()
        if (table.cpu() - usual[name]).abs().max() > _TOLERANCE
    }


def read_values(folder: Path) -> Mapping[str, Any]:
    """What stands in the ``config.json`` of a folder.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, or of another kind of model.
    """
    path = folder / CONFIG
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, Mapping):
        raise CheckpointError(f"{path}: not the configuration of a HyenaDNA model")
    return values


def read_config(folder: Path) -> HyenaConfig:
    """The configuration in a folder of a model.

    Raises
    ------
    CheckpointError
        As `read_values`, and if the shape of the model does not follow from it.
    """
    return HyenaConfig.from_json(read_values(folder), str(folder / CONFIG))


def read_network(path: str | Path, config: HyenaConfig | None = None) -> tuple[HyenaNetwork, Weights]:
    """A network from a folder (``config.json`` and weights) or from a file of weights.

    Parameters
    ----------
    config : HyenaConfig, optional
        The shape; by default from ``config.json`` beside the weights, else from what the file tells.

    Raises
    ------
    CheckpointError
        If something is missing, damaged, or does not fit.
    """
    path = Path(path)
    file = path
    if path.is_dir():
        file = next(
            (path / name for name in (WEIGHTS, "weights.ckpt") if (path / name).exists()), path / WEIGHTS
        )
    weights = read_weights(file)
    if config is None:
        config = read_config(file.parent) if (file.parent / CONFIG).exists() else shape_of(weights)
    network = HyenaNetwork(config)
    fill(network, weights)
    return network.eval(), weights


def save_network(
    network: HyenaNetwork,
    folder: str | Path,
    *,
    half: bool = False,
    head: Mapping[str, Tensor] | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write a network as a folder that `read_network` and the classes of the released ``-hf`` models read.

    Parameters
    ----------
    half : bool
        Store float16: half the size. The networks of the filters stay as they are: their sines are so fast
        that rounding a frequency would move the far end of a filter by whole waves.
    head : mapping, optional
        Tensors of the head of a classifier.
    more : mapping, optional
        What else shall stand in ``config.json``.
    """
    folder = Path(folder)
    stored = stored_tensors(network) | _trained_tables(network)
    tensors = {f"hyena.backbone.{name}": tensor for name, tensor in stored.items()}
    tensors["lm_head.weight"] = tensors[f"hyena.backbone.{_EMBEDDING}"].clone()
    tensors |= {f"head.{name}": tensor for name, tensor in (head or {}).items()}
    if half:
        tensors = {name: tensor if _FILTER in name else tensor.half() for name, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(tensors, folder / WEIGHTS, {"format": "pt"})
    with replacing(folder / CONFIG) as temporary:
        values = {**network.config.to_json(), **(more or {})}
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
