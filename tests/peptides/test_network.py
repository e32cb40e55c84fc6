"""ESM-2 against its equations, and its weights in both published namings."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from genoseq.errors import CheckpointError, MissingDependencyError, UsageError  # noqa: E402
from genoseq.models.checkpoint import read_tensors, write_tensors  # noqa: E402
from genoseq.peptides import network as module  # noqa: E402
from genoseq.peptides.network import (  # noqa: E402
    CONFIG,
    SHAPES,
    WEIGHTS,
    EsmShape,
    load_network,
    new_network,
    save_network,
)
from genoseq.peptides.tokens import AMINO, MASK, PAD, padded  # noqa: E402


def logits_of(network, tokens):
    tokens = torch.as_tensor(tokens)
    with torch.no_grad():
        return network(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits


def by_the_equations(weights, tokens, heads):
    """Logits of one sequence without padding in float64, by the equations of the paper and of fair-esm."""
    w = {key: value.double().numpy() for key, value in weights.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def gelu(x):
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))

    x = w["esm.embeddings.word_embeddings.weight"][tokens].copy()
    is_mask = tokens == MASK
    x[is_mask] = 0
    x *= (1 - 0.15 * 0.8) / (1 - is_mask.sum() / len(tokens))
    count, width = len(tokens), x.shape[1] // heads
    angles = np.arange(count)[:, None] * 10000.0 ** (-np.arange(0, width, 2) / width)
    cos, sin = (np.concatenate([f(angles)] * 2, 1) for f in (np.cos, np.sin))

    def turned(v):
        half = width // 2
        return v * cos + np.concatenate([-v[:, half:], v[:, :half]], 1) * sin

    layer = 0
    while f"esm.encoder.layer.{layer}.attention.self.query.weight" in w:
        name = f"esm.encoder.layer.{layer}"
        y = norm(x, f"{name}.attention.LayerNorm")
        q, k, v = (linear(y, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        out = np.empty_like(y)
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            scores = turned(q[:, part] * width**-0.5) @ turned(k[:, part]).T
            shares = np.exp(scores - scores.max(1, keepdims=True))
            out[:, part] = shares / shares.sum(1, keepdims=True) @ v[:, part]
        x = x + linear(out, f"{name}.attention.output.dense")
        y = norm(x, f"{name}.LayerNorm")
        x = x + linear(gelu(linear(y, f"{name}.intermediate.dense")), f"{name}.output.dense")
        layer += 1
    x = norm(x, "esm.encoder.emb_layer_norm_after")
    x = norm(gelu(linear(x, "lm_head.dense")), "lm_head.layer_norm")
    return x @ w["esm.embeddings.word_embeddings.weight"].T + w["lm_head.bias"]


@pytest.mark.parametrize("masks", [0, 3])
def test_logits_are_those_of_the_equations(make_network, masks):
    network = make_network()
    rng = np.random.default_rng(1)
    row = rng.choice(AMINO, 30).astype(np.uint8)
    tokens = padded([row])
    tokens[0, rng.choice(np.arange(1, 31), masks, replace=False)] = MASK
    expected = by_the_equations(network.state_dict(), tokens[0], 4)
    found = logits_of(network.double(), tokens)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-9)
    single = logits_of(network.float(), tokens)[0].double().numpy()
    np.testing.assert_allclose(single, expected, atol=1e-5)


def test_padding_and_company_change_nothing(make_network):
    network = make_network().double()
    rng = np.random.default_rng(2)
    rows = [rng.choice(AMINO, size).astype(np.uint8) for size in (7, 30, 18)]
    for row in rows:
        row[2:4] = MASK
    together = logits_of(network, padded(rows))
    for row, found in zip(rows, together, strict=True):
        alone = logits_of(network, padded([row]))[0]
        torch.testing.assert_close(found[: len(row) + 2], alone, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("version", "right"), [("4.57.6", False), ("5.2.0", False), ("5.3.0", True), ("6.0.0.dev0", True)]
)
def test_releases_whose_logits_depend_on_the_batch_are_refused(monkeypatch, version, right):
    monkeypatch.setattr(module.transformers, "__version__", version)
    if right:
        new_network(EsmShape(1, 8, 2, 8))
        return
    with pytest.raises(MissingDependencyError, match=r"transformers 5\.3 or newer.*genoseq\[peptides\]"):
        new_network(EsmShape(1, 8, 2, 8))


@pytest.mark.parametrize("half", [False, True])
def test_saved_and_read(make_network, tmp_path, half):
    network = make_network()
    save_network(network, tmp_path / "m", half=half)
    tokens = padded([AMINO])
    found = load_network(tmp_path / "m")
    close = {"atol": 2e-2, "rtol": 0} if half else {"atol": 0, "rtol": 0}
    torch.testing.assert_close(logits_of(found, tokens), logits_of(network, tokens), **close)
    save_network(found, tmp_path / "again", half=half)
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (tmp_path / "m" / WEIGHTS).read_bytes()


def test_a_model_that_was_read_is_tied_and_can_be_trained(make_network, tmp_path):
    save_network(make_network(), tmp_path / "m")
    network = load_network(tmp_path / "m")
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in make_network().parameters())
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    tokens = torch.as_tensor(padded([AMINO]))
    network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits[0, :, 7].sum().backward()
    optimizer.step()
    save_network(network, tmp_path / "again")
    torch.testing.assert_close(
        logits_of(load_network(tmp_path / "again"), tokens), logits_of(network, tokens)
    )


@pytest.mark.filterwarnings("ignore")
def test_transformers_reads_what_was_saved(make_network, tmp_path):
    from transformers import EsmForMaskedLM

    network = make_network()
    save_network(network, tmp_path / "m")
    found = EsmForMaskedLM.from_pretrained(tmp_path / "m").eval()
    tokens = padded([AMINO])
    torch.testing.assert_close(logits_of(found, tokens), logits_of(network, tokens))


FAIR = {
    "attention.self.query": "self_attn.q_proj", "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj", "attention.output.dense": "self_attn.out_proj",
    "attention.LayerNorm": "self_attn_layer_norm", "intermediate.dense": "fc1", "output.dense": "fc2",
    "LayerNorm": "final_layer_norm",
}  # fmt: skip


def as_fair_esm(tensors, prefix):
    """Tensors by the names of fair-esm, with what its files have besides."""
    found = {}
    for key, value in tensors.items():
        name = key
        if key.startswith("esm.encoder.layer."):
            _, _, _, layer, *rest, last = key.split(".")
            name = f"{prefix}layers.{layer}.{FAIR['.'.join(rest)]}.{last}"
        elif key.startswith("esm.encoder.emb_layer_norm_after."):
            name = prefix + key.removeprefix("esm.encoder.")
        elif key == "esm.embeddings.word_embeddings.weight":
            name = f"{prefix}embed_tokens.weight"
            found[f"{prefix}lm_head.weight"] = value.clone()
        else:
            name = prefix + key
        found[name] = value.clone()
    found[f"{prefix}layers.0.self_attn.rot_emb.inv_freq"] = torch.ones(2)
    found[f"{prefix}contact_head.regression.weight"] = torch.ones(1, 8)
    return found


@pytest.mark.parametrize("prefix", ["", "encoder.", "encoder.sentence_encoder."])
def test_names_of_fair_esm(tmp_path, monkeypatch, prefix):
    shape = EsmShape(2, 32, 4, 64)
    monkeypatch.setitem(SHAPES, "esm2_t6_8M", shape)
    torch.manual_seed(1)
    network = new_network(shape).eval()
    save_network(network, tmp_path / "m")
    write_tensors(as_fair_esm(read_tensors(tmp_path / "m" / WEIGHTS), prefix), tmp_path / "fair.safetensors")
    torch.save({"model": as_fair_esm(read_tensors(tmp_path / "m" / WEIGHTS), prefix)}, tmp_path / "fair.pt")
    tokens = padded([AMINO])
    for name in ("fair.safetensors", "fair.pt"):
        found = load_network(tmp_path / name)
        torch.testing.assert_close(logits_of(found, tokens), logits_of(network, tokens), atol=0, rtol=0)


def damaged(folder, change):
    tensors = read_tensors(folder / WEIGHTS)
    change(tensors)
    write_tensors(tensors, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("lm_head.bias"), "without lm_head.bias"),
        (lambda t: t.update({"esm.extra": torch.ones(1)}), "with an unknown esm.extra"),
        (lambda t: t.update({"lm_head.bias": torch.ones(5)}), "lm_head.bias is of shape (5,)"),
        (lambda t: t.update({"lm_head.decoder.weight": torch.ones(33, 32)}), "the decoder differs"),
        (lambda t: t.pop("esm.embeddings.word_embeddings.weight"), "not the weights of an ESM-2 model"),
    ],
)
def test_weights_of_another_kind(make_network, tmp_path, change, message):
    save_network(make_network(), tmp_path / "m")
    damaged(tmp_path / "m", change)
    with pytest.raises(CheckpointError) as caught:
        load_network(tmp_path / "m")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"token_dropout": False}, "token_dropout is False; ESM-2 has True"),
        ({"model_type": "bert"}, "a model of type 'bert'"),
        ({"hidden_size": None}, "not the configuration of an ESM-2 model"),
        ({"num_attention_heads": 5}, "an even number each is needed"),
        ({"position_embedding_type": "absolute"}, "position_embedding_type is absolute"),
    ],
)
def test_another_configuration(make_network, tmp_path, values, message):
    save_network(make_network(), tmp_path / "m")
    config = json.loads((tmp_path / "m" / CONFIG).read_text())
    (tmp_path / "m" / CONFIG).write_text(json.dumps({**config, **values}))
    with pytest.raises(CheckpointError) as caught:
        load_network(tmp_path / "m")
    assert message in str(caught.value)


def test_what_is_missing(make_network, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="no weights in it"):
        load_network(tmp_path / "empty")
    save_network(make_network(), tmp_path / "m")
    (tmp_path / "m" / WEIGHTS).rename(tmp_path / "alone.safetensors")
    with pytest.raises(CheckpointError, match=r"2 layers of 32 channels, which no released ESM-2 has"):
        load_network(tmp_path / "alone.safetensors")


def test_sizes_of_the_released_models():
    # parameters of the repositories on the Hub, without the head of contacts
    with torch.device("meta"):
        sizes = {
            name: sum(p.numel() for key, p in new_network(shape).named_parameters() if "contact" not in key)
            for name, shape in SHAPES.items()
            if "15B" not in name
        }
    millions = {name: round(size / 1e6, 1) for name, size in sizes.items()}
    assert millions == {
        "esm2_t6_8M": 7.5, "esm2_t12_35M": 33.5, "esm2_t30_150M": 148.1, "esm2_t33_650M": 651.0,
        "esm2_t36_3B": 2839.0,
    }  # fmt: skip
    with pytest.raises(UsageError, match="even number each"):
        EsmShape(1, 30, 4, 8)
