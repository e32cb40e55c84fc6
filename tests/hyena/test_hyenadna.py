"""The class for notebooks: loading by name and by path."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError, GenoseqWarning, InputError, UsageError  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.tokenizer import tokens_of_text  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402
from genoseq.sequence import reverse_complement_text  # noqa: E402


def test_a_model_of_another_kind():
    with pytest.raises(UsageError, match="esm2_t6_8M is a model of the kind esm"):
        HyenaDNA.load("esm2_t6_8M")


def test_a_folder_loads(network, tmp_path):
    save_network(network, tmp_path / "run")
    model = HyenaDNA.load(tmp_path / "run", device="cpu")
    assert model.config == network.config
    assert model.device.type == "cpu"
    assert not model.network.training


def test_names_and_devices_that_are_not_there(network, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="no model 'hyenadna-tiny'"):
        HyenaDNA.load("hyenadna-tiny")
    with pytest.raises(CheckpointError, match="genoseq models pull hyenadna-large-1m-seqlen"):
        HyenaDNA.load("LongSafari/hyenadna-large-1m-seqlen-hf")
    with pytest.raises(CheckpointError, match="cannot be fetched"):
        HyenaDNA.load("hyenadna-large-1m-seqlen", download=True)
    with pytest.raises(CheckpointError, match=r"config\.json|cannot be read"):
        HyenaDNA.load(tmp_path)
    save_network(network, tmp_path / "run")
    with pytest.raises(UsageError, match="choose auto, cpu or cuda"):
        HyenaDNA.load(tmp_path / "run", device="tpu")


def test_precision(network):
    ids = torch.randint(7, 11, (1, 50))
    with HyenaDNA(network).inference():
        wanted = network(ids)
    with HyenaDNA(network, precision="bf16").inference():
        rounded = network(ids)
    assert wanted.dtype == torch.float32
    assert rounded.dtype == torch.bfloat16
    assert 0 < (wanted - rounded.float()).abs().max() < 0.2
    with pytest.raises(UsageError, match="'fp8': choose fp32 or bf16"):
        HyenaDNA(network, precision="fp8")


@pytest.fixture
def model(network):
    return HyenaDNA(network)


def some_texts(*lengths, letters="ACGTNacgtn"):
    rng = np.random.default_rng(3)
    return ["".join(rng.choice(list(letters), length)) for length in lengths]


def states_of(model, text, layer=None):
    ids = torch.from_numpy(tokens_of_text(text)[0])[None].long()
    with torch.inference_mode():
        return model.network.states(ids, layer)[0].numpy()


def test_vectors(model):
    texts = some_texts(40, 1, 130, 7)
    states = [states_of(model, text) for text in texts]
    mean, last = model.embed(texts), model.embed(texts, pool="last")
    assert mean.shape == last.shape == (4, 16)
    assert mean.dtype == np.float32
    for i, found in enumerate(states):
        assert np.abs(mean[i] - found.mean(0)).max() < 1e-5
        assert np.abs(last[i] - found[-1]).max() < 1e-5
        assert np.abs(model.embed(texts, pool="none")[i] - found).max() < 1e-5
        assert np.abs(model.embed(texts, layer=1)[i] - states_of(model, texts[i], 1).mean(0)).max() < 1e-5


def test_vectors_of_windows(model):
    texts = some_texts(200, 30)
    found = model.embed(texts, window=100, overlap=50)
    assert [rows.shape for rows in found] == [(3, 16), (1, 16)]
    for row, start in zip(found[0], (0, 50, 100), strict=True):
        assert np.abs(row - states_of(model, texts[0][start : start + 100]).mean(0)).max() < 1e-5
    every = model.embed(texts, pool="none", window=100, overlap=50)
    assert [rows.shape for rows in every] == [(200, 16), (30, 16)]
    assert np.abs(every[0][150:] - states_of(model, texts[0][100:])[50:]).max() < 1e-5


def test_case_makes_no_difference(model):
    (text,) = some_texts(100, letters="ACGT")
    assert np.array_equal(model.embed([text]), model.embed([text.lower()]))


def test_letters_that_read_as_n(model):
    with pytest.warns(GenoseqWarning, match="3 letters that are neither A, C, G, T nor N") as caught:
        found = model.embed(["ACGRYN-", "ACGT"])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.array_equal(found, model.embed(["ACGNNNN", "ACGT"]))
    with pytest.warns(GenoseqWarning, match="1 letter that is"):
        model.log_likelihood(["ACGR"])


def one_strand(model, text):
    """Nats of each base by the definition: softmax over four logits."""
    tokens = tokens_of_text(text)[0]
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(tokens)[None].long())[0, :, 7:11].double()
    nats = torch.log_softmax(logits, -1).numpy()
    found = np.full(len(text), np.nan)
    for i in range(1, len(text)):
        if tokens[i] < 11:
            found[i] = nats[i - 1, tokens[i] - 7]
    return found


def test_likelihoods(model):
    texts = some_texts(50, 2, 130, letters="ACGTN")
    forward = [one_strand(model, text) for text in texts]
    reverse = [one_strand(model, reverse_complement_text(text))[::-1] for text in texts]
    alone = model.log_likelihood(texts, both_strands=False)
    both = model.log_likelihood(texts)
    assert both.dtype == np.float64
    for i, text in enumerate(texts):
        assert alone[i] == pytest.approx(np.nansum(forward[i]), abs=1e-4)
        assert both[i] == pytest.approx((np.nansum(forward[i]) + np.nansum(reverse[i])) / 2, abs=1e-4)
        each = model.log_likelihood(texts, per_base=True)[i]
        assert np.allclose(each[1:-1], ((forward[i] + reverse[i]) / 2)[1:-1], atol=1e-5, equal_nan=True)
        assert np.allclose(each[[0, -1]], [reverse[i][0], forward[i][-1]], atol=1e-5, equal_nan=True)
        flipped = model.log_likelihood([reverse_complement_text(text)], per_base=True)[0]
        assert np.allclose(each, flipped[::-1], atol=1e-5, equal_nan=True)


def test_likelihoods_in_windows(model):
    (text,) = some_texts(250, letters="ACGT")
    score, whole = model.scores([text], window=100, overlap=99)[0], one_strand(model, text[:100])
    assert score.bases == 249
    assert model.scores([text], window=100)[0].bases == 247
    forward = model.log_likelihood([text], window=100, overlap=99, both_strands=False, per_base=True)[0]
    assert np.allclose(forward[1:100], whole[1:], atol=1e-5)
    assert forward[200] == pytest.approx(one_strand(model, text[101:201])[-1], abs=1e-5)


def test_nothing_to_embed(model):
    assert model.embed([]).shape == (0, 16)
    assert model.embed([], pool="none") == []
    assert model.log_likelihood([]).shape == (0,)


@pytest.mark.parametrize(
    ("texts", "named", "error", "message"),
    [
        ("ACGT", {}, UsageError, "one sequence in the place of a list"),
        (["A", ""], {}, InputError, r"sequences\[1\]: no bases"),
        (["A", "AC*T"], {}, InputError, r"sequences\[1\]: '\*' at position 2 is not a nucleotide"),
        (["A" * 131], {}, UsageError, r"sequences\[0\]: 131 tokens are more than the 130 .*--window"),
        (["A"], {"window": 200}, UsageError, r"a window of 200 bp; this model holds 1\.\.130"),
        (["A"], {"layer": 9}, UsageError, "layer 9; this model has 0"),
        (["A"], {"pool": "max"}, UsageError, "pool 'max': choose mean, last, none"),
        (["A" * 100], {"memory": 1000}, UsageError, "100 tokens need .* MiB"),
    ],
)
def test_what_cannot_be_embedded(model, texts, named, error, message):
    with pytest.raises(error, match=message):
        model.embed(texts, **named)


def test_generate(network):
    model = HyenaDNA(network)
    found = model.generate("ACGT", n=3, length=20, temperature=0.9, top_k=3, top_p=0.95, seed=2)
    assert [len(text) for text in found] == [20] * 3
    assert set("".join(found)) <= set("ACGT")
    assert (
        model.generate(["acgu", "G"], n=3, length=20, temperature=0.9, top_k=3, top_p=0.95, seed=2)[:3]
        == found
    )
    assert [len(text) for text in model.generate(length=9)] == [9]
    assert model.generate([], length=9) == []
    assert len(HyenaDNA(network, precision="bf16").generate("ACGT", length=9)[0]) == 9


def test_what_generate_refuses(network):
    model = HyenaDNA(network)
    with pytest.warns(GenoseqWarning, match="2 letters that are neither"):
        model.generate("ACRGTNN-", length=3)
    with pytest.raises(InputError, match="'!' at position 2"):
        model.generate("AC!", length=3)
    with pytest.raises(UsageError, match="4 bases and 127 are to follow, more than the 130"):
        model.generate("ACGT", length=127)
    with pytest.raises(UsageError, match="top-k 5"):
        model.generate(top_k=5)
