"""Weights: both published formats come in, ours come back, and whatever does not fit is named."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import safetensors.torch  # noqa: E402

from genoseq.errors import CheckpointError  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.weights import CONFIG, WEIGHTS, read_network, read_weights, save_network  # noqa: E402

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "weights"


def released(network, prefix="hyena.backbone.", infix="", *, tables=True):
    """A state dict as it was released."""
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    if tables:
        tensors |= dict(network.named_buffers())
    out = {}
    for name, value in tensors.items():
        for part in ("mixer", "mlp"):
            name = name.replace(f".{part}.", f".{part}{infix}.")
        out[prefix + name] = value
    return out


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def save_config(network, folder):
    (folder / CONFIG).write_text(json.dumps(network.config.to_json()))


@pytest.mark.parametrize("infix", ["", ".layer"])
def test_a_lightning_checkpoint(network, tmp_path, infix):
    state = released(network, "model.backbone.", infix)
    state["model.lm_head.weight"] = state["model.backbone.embeddings.word_embeddings.weight"]
    state["val_metrics.perplexity.total"] = torch.zeros(1)
    path = tmp_path / "weights.ckpt"
    torch.save({"state_dict": state, "epoch": 3, "hyper_parameters": {"path": Path("/nowhere")}}, path)
    read, weights = read_network(path)  # no config: the shape follows from the tables
    assert same(read, network)
    assert read.config == network.config
    assert not weights.head


def test_a_released_hf_folder(network, tmp_path):
    state = released(network, tables=False)
    # what is shared is stored once
    state = {name: value for name, value in state.items() if ".3.freq" not in name and ".5.freq" not in name}
    state["lm_head.weight"] = state["hyena.backbone.embeddings.word_embeddings.weight"].clone()
    safetensors.torch.save_file(state, tmp_path / WEIGHTS)
    c = network.config
    published = {
        "d_model": c.d_model, "n_layer": c.n_layer, "d_inner": c.d_inner, "max_seq_len": c.l_max,
        "filter_order": c.filter_order, "hyena_order": 2, "emb_dim": 5, "activation_freq": 10,
        "use_bias": True, "layer_norm_epsilon": 1e-5, "vocab_size": 12,
        "architectures": ["HyenaDNAForCausalLM"],
    }  # fmt: skip
    (tmp_path / CONFIG).write_text(json.dumps(published))
    read, _ = read_network(tmp_path)
    assert same(read, network)
    assert read.config == c


@pytest.mark.parametrize("half", [False, True])
def test_what_is_saved_comes_back(network, tmp_path, half):
    head = {"weight": torch.randn(3, 16)}
    save_network(network, tmp_path / "run", half=half, head=head, more={"classes": ["a", "b", "c"]})
    read, weights = read_network(tmp_path / "run")
    difference = max(
        float((value - read.state_dict()[name]).abs().max()) for name, value in network.state_dict().items()
    )
    assert 0 < difference < 1e-2 if half else difference == 0
    assert weights.head["weight"].shape == (3, 16)
    assert json.loads((tmp_path / "run" / CONFIG).read_text())["classes"] == ["a", "b", "c"]
    keys = safetensors.torch.load_file(tmp_path / "run" / WEIGHTS).keys()
    assert "hyena.backbone.layers.0.mixer.filter_fn.implicit_filter.1.freq" in keys
    assert not any(".3.freq" in key or "pos_emb" in key for key in keys)


def test_trained_tables_are_kept(network, tmp_path):
    features = network.layers[1].mixer.filter_fn.pos_emb
    features.z += 0.01
    save_network(network, tmp_path)
    read, _ = read_network(tmp_path)
    assert torch.equal(read.layers[1].mixer.filter_fn.pos_emb.z, features.z)
    assert not torch.equal(read.layers[0].mixer.filter_fn.pos_emb.z, features.z)


def test_what_does_not_fit_is_named(network, tmp_path):
    save_config(network, tmp_path)

    def refused(change, message):
        state = released(network, tables=False)
        change(state)
        safetensors.torch.save_file(state, tmp_path / WEIGHTS)
        with pytest.raises(CheckpointError, match=message):
            read_network(tmp_path)

    first = "hyena.backbone.layers.0."
    refused(lambda s: s.pop(first + "norm1.bias"), r"without layers\.0\.norm1\.bias")
    refused(lambda s: s.update({first + "more": torch.zeros(1)}), r"with an unknown layers\.0\.more")
    refused(lambda s: s.update({"bert.more": torch.zeros(1)}), r"with an unknown bert\.more")
    refused(
        lambda s: s.update({first + "norm1.bias": torch.zeros(3)}),
        r"norm1\.bias is of shape \(3,\); this model has \(16,\)",
    )
    refused(lambda s: s.update({"lm_head.weight": torch.zeros(16, 16)}), "lm_head.weight differs")
    refused(
        lambda s: s.update({first + "mixer.filter_fn.implicit_filter.3.freq": torch.zeros(1, 16)}),
        "all sines of a filter share theirs",
    )
    refused(
        lambda s: s.update({first + "mixer.filter_fn.pos_emb.t": torch.zeros(1, 7, 1)}),
        r"pos_emb\.t is of shape",
    )
    refused(lambda s: [s.pop(key) for key in list(s) if "word_embeddings" in key], "without embeddings")


def test_the_length_must_be_told(network, tmp_path):
    safetensors.torch.save_file(released(network, tables=False), tmp_path / "alone.safetensors")
    with pytest.raises(CheckpointError, match=r"does not tell its l_max; put its config\.json beside it"):
        read_network(tmp_path / "alone.safetensors")


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not JSON"), ("[]", "not the configuration"), ('{"d_model": 8}', "no n_layer"),
     ('{"d_model": "x", "n_layer": 1, "d_inner": 1, "l_max": 1}', "invalid literal")],
)  # fmt: skip
def test_a_damaged_config(network, tmp_path, text, message):
    safetensors.torch.save_file(released(network), tmp_path / WEIGHTS)
    (tmp_path / CONFIG).write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_network(tmp_path)


def test_damaged_files_are_refused(network, tmp_path):
    good = tmp_path / "good.ckpt"
    torch.save({"state_dict": released(network, "model.backbone.")}, good)
    content = good.read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.safetensors").write_text("not weights at all")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name in ("cut.ckpt", "text.safetensors", "empty.safetensors"):
        with pytest.raises(CheckpointError, match="neither an intact safetensors file"):
            read_weights(tmp_path / name)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_weights(tmp_path / "none.safetensors")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(CheckpointError, match="holds no tensors"):
        read_weights(tmp_path / "list.ckpt")


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_run(network, tmp_path):
    mark = tmp_path / "was-run"
    state = released(network, "model.backbone.")
    torch.save({"state_dict": state, "trap": Trap(mark)}, tmp_path / "trap.ckpt")
    read, _ = read_network(tmp_path / "trap.ckpt")
    assert same(read, network)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Trap(mark)))
    assert mark.exists()  # the trap does work


@pytest.mark.skipif(not REAL.is_dir(), reason="the real weights are not here")
@pytest.mark.parametrize(("name", "l_max"), [("tiny1k_remag033", 1026), ("tiny16k_remag061", 16386)])
def test_real_weights_load(name, l_max):
    network, weights = read_network(REAL / f"hyena_{name}.safetensors")
    assert network.config.l_max == l_max
    assert network.config.parameters == 436_096
    assert set(weights.head) == {"output_transform.weight", "output_transform.bias"}
    assert isinstance(network, HyenaNetwork)
