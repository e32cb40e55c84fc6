"""ESM-2 as a network of transformers, and its weights in both published namings.

    transformers (Hugging Face)   esm.encoder.layer.0.attention.self.query.weight ..
    fair-esm, .pt                 [encoder.[sentence_encoder.]]layers.0.self_attn.q_proj.weight ..

Every key must be there and none may be left over, but for those that follow from others or that a masked
language model has no use for: tables of rotary positions, the head of contacts, a decoder that is tied to the
embedding, the unused embedding of absolute positions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import EsmConfig, EsmForMaskedLM

from genoseq.errors import CheckpointError, MissingDependencyError, UsageError
from genoseq.io.files import replacing
from genoseq.models.checkpoint import check_keys, read_tensors, write_tensors
from genoseq.peptides.tokens import MASK, PAD, TOKENS

__all__ = ["SHAPES", "EsmShape", "load_network", "new_network", "save_network", "shape_of", "weights_file"]

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_TRANSFORMERS = (5, 3)  # the first release whose logits do not depend on the batch
_POSITIONS = 1026  # of the released configurations; rotary positions have no limit
_EMBEDDING = "esm.embeddings.word_embeddings.weight"
_NOT_NEEDED = re.compile(
    r"(rotary_embeddings|rot_emb)\.inv_freq$|contact_head\.|position_embeddings|\.position_ids$|^esm\.pooler\."
)
_LAYER = re.compile(r"\.layer\.\d+\.")
_FAIR_PREFIX = re.compile(r"^(model\.)?(encoder\.)?(sentence_encoder\.)?")
_FAIR_NAMES = (  # of fair-esm, and of transformers
    (re.compile(r"^embed_tokens\."), "esm.embeddings.word_embeddings."),
    (re.compile(r"^layers\.(\d+)\.self_attn\.q_proj\."), r"esm.encoder.layer.\1.attention.self.query."),
    (re.compile(r"^layers\.(\d+)\.self_attn\.k_proj\."), r"esm.encoder.layer.\1.attention.self.key."),
    (re.compile(r"^layers\.(\d+)\.self_attn\.v_proj\."), r"esm.encoder.layer.\1.attention.self.value."),
    (re.compile(r"^layers\.(\d+)\.self_attn\.out_proj\."), r"esm.encoder.layer.\1.attention.output.dense."),
    (re.compile(r"^layers\.(\d+)\.self_attn_layer_norm\."), r"esm.encoder.layer.\1.attention.LayerNorm."),
    (re.compile(r"^layers\.(\d+)\.fc1\."), r"esm.encoder.layer.\1.intermediate.dense."),
    (re.compile(r"^layers\.(\d+)\.fc2\."), r"esm.encoder.layer.\1.output.dense."),
    (re.compile(r"^layers\.(\d+)\.final_layer_norm\."), r"esm.encoder.layer.\1.LayerNorm."),
    (re.compile(r"^emb_layer_norm_after\."), "esm.encoder.emb_layer_norm_after."),
    (re.compile(r"^lm_head\.weight$"), "lm_head.decoder.weight"),
)


@dataclass(frozen=True)
class EsmShape:
    """Size of a model.

    Attributes
    ----------
    layers, hidden, heads, feed_forward : int
        Layers, channels, attention heads, channels within a layer.
    """

    layers: int
    hidden: int
    heads: int
    feed_forward: int

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden, self.heads, self.feed_forward) < 1:
            raise UsageError(f"{self}: every number must be 1 or more")
        if self.hidden % self.heads or self.hidden // self.heads % 2:
            raise UsageError(f"{self.hidden} channels and {self.heads} heads: an even number each is needed")

    @property
    def config(self) -> EsmConfig:
        """As transformers wants it."""
        return EsmConfig(
            vocab_size=len(TOKENS), mask_token_id=MASK, pad_token_id=PAD, hidden_size=self.hidden,
            num_hidden_layers=self.layers, num_attention_heads=self.heads,
            intermediate_size=self.feed_forward, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            max_position_embeddings=_POSITIONS, position_embedding_type="rotary", layer_norm_eps=1e-5,
            emb_layer_norm_before=False, token_dropout=True, tie_word_embeddings=True,
        )  # fmt: skip


#: The released models (fair-esm README; Lin et al. 2023).
SHAPES = {
    "esm2_t6_8M": EsmShape(6, 320, 20, 1280),
    "esm2_t12_35M": EsmShape(12, 480, 20, 1920),
    "esm2_t30_150M": EsmShape(30, 640, 20, 2560),
    "esm2_t33_650M": EsmShape(33, 1280, 20, 5120),
    "esm2_t36_3B": EsmShape(36, 2560, 40, 10240),
    "esm2_t48_15B": EsmShape(48, 5120, 40, 20480),
}


def new_network(shape: EsmShape) -> EsmForMaskedLM:
    """A network with random weights, as torch's generator gives them.

    Raises
    ------
    MissingDependencyError
        If transformers is of before 5.3. From 4.56 to 5.2 attention masks do not reach the token dropout of
        ESM-2, and rows have other logits in company than alone (transformers, pull request 44163).
    """
    if tuple(map(int, transformers.__version__.split(".")[:2])) < _TRANSFORMERS:
        needed = f"transformers {'.'.join(map(str, _TRANSFORMERS))} or newer"
        raise MissingDependencyError("ESM-2", needed, "peptides")
    return EsmForMaskedLM(shape.config)


def load_network(path: str | Path) -> EsmForMaskedLM:
    """Read a folder with ``config.json`` and weights, or a file of weights of fair-esm.

    Raises
    ------
    CheckpointError
        If something is missing, damaged, surplus or of another shape.
    """
    path = Path(path)
    file = weights_file(path)
    tensors = _named(read_tensors(file), str(file))
    shape = _configured(path / CONFIG) if path.is_dir() else shape_of(tensors, str(file))
    with torch.device("meta"):
        network = new_network(shape)
    wanted = {
        key: tuple(value.shape) for key, value in network.state_dict().items() if not _NOT_NEEDED.search(key)
    }
    check_keys(tensors, wanted, str(file))
    network.to_empty(device="cpu")
    network.lm_head.decoder.weight = network.esm.embeddings.word_embeddings.weight  # tied, also when trained
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key in tensors:
                value.copy_(tensors[key])
    return _with_tables(network).eval()


def weights_file(path: str | Path) -> Path:
    """The file of weights in the folder of a model; a file is it itself.

    Raises
    ------
    CheckpointError
        If there is none.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    for name in (WEIGHTS, "pytorch_model.bin"):
        if (path / name).exists():
            return path / name
    raise CheckpointError(f"{path}: no weights in it; {WEIGHTS} is expected")


def save_network(network: EsmForMaskedLM, folder: str | Path, *, half: bool = False) -> None:
    """Write ``config.json`` and weights as transformers names them, so that it reads them too.

    Parameters
    ----------
    network, folder
    half
        Store float16.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: value.half() if half else value.float()
        for key, value in network.state_dict().items()
        if not _NOT_NEEDED.search(key) and key != "lm_head.decoder.weight"
    }
    write_tensors(tensors, path / WEIGHTS, {"format": "pt"})
    config = {
        **network.config.to_diff_dict(),
        "architectures": ["EsmForMaskedLM"],
        "vocab_list": list(TOKENS),
    }
    with replacing(path / CONFIG) as temporary:
        temporary.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def shape_of(tensors: Mapping[str, Tensor], source: str) -> EsmShape:
    """The shape that follows from weights; the heads are those of the released model of this size.

    Raises
    ------
    CheckpointError
        If no released model has it.
    """
    layers = {int(found[1]) for key in tensors if (found := re.match(r"esm\.encoder\.layer\.(\d+)\.", key))}
    hidden = tensors[_EMBEDDING].shape[1]
    for shape in SHAPES.values():
        if (shape.layers, shape.hidden) == (len(layers), hidden):
            return shape
    raise CheckpointError(
        f"{source}: {len(layers)} layers of {hidden} channels, which no released ESM-2 has; a folder with "
        f"{CONFIG} tells how many heads there are"
    )


def _named(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Tensors by the names of transformers, without what is not needed."""
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = key
        if not key.startswith(("esm.", "lm_head.")) or key == "lm_head.weight":
            name = _FAIR_PREFIX.sub("", key)
            for pattern, replacement in _FAIR_NAMES:
                name = pattern.sub(replacement, name)
        if not _NOT_NEEDED.search(key) and not _NOT_NEEDED.search(name):
            found[name] = tensor
    if _EMBEDDING not in found:
        raise CheckpointError(f"{source}: not the weights of an ESM-2 model: without {_EMBEDDING}")
    decoder = found.setdefault("lm_head.decoder.weight", found[_EMBEDDING])
    if not torch.equal(decoder, found[_EMBEDDING]):
        raise CheckpointError(f"{source}: the decoder differs from the embedding, which it is tied to")
    bias = found.pop("lm_head.decoder.bias", None)  # the same tensor under another name
    if bias is not None:
        found.setdefault("lm_head.bias", bias)
    return found


def _configured(path: Path) -> EsmShape:
    """The shape in a ``config.json``.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, or of a model that is not ESM-2.
    """
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind = config.get("model_type")
        shape = EsmShape(
            int(config["num_hidden_layers"]), int(config["hidden_size"]), int(config["num_attention_heads"]),
            int(config["intermediate_size"]),
        )  # fmt: skip
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, LookupError, AttributeError, UsageError) as error:
        raise CheckpointError(f"{path}: not the configuration of an ESM-2 model ({error})") from error
    wanted = {
        "position_embedding_type": "rotary", "token_dropout": True, "emb_layer_norm_before": False,
        "vocab_size": len(TOKENS), "mask_token_id": MASK, "pad_token_id": PAD,
    }  # fmt: skip
    for name, value in wanted.items():
        if config.get(name, value) != value:
            raise CheckpointError(f"{path}: {name} is {config[name]}; ESM-2 has {value}")
    if kind != "esm":
        raise CheckpointError(f"{path}: a model of type {kind!r}; 'esm' is expected")
    return shape


def _with_tables(network: EsmForMaskedLM) -> EsmForMaskedLM:
    """Compute what is no weight: tables that were made on no device have no values."""
    fresh = dict(new_network(replace(_shape(network), layers=1)).named_buffers())
    for name, buffer in network.named_buffers():
        buffer.copy_(
            fresh[_LAYER.sub(".layer.0.", name)]
        )  # layers that have tables of their own have equal ones
    return network


def _shape(network: EsmForMaskedLM) -> EsmShape:
    config = network.config
    return EsmShape(
        config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size
    )
