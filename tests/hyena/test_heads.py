"""Classifiers: what they compute by hand, what is stored beside the network, and the real ones."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import safetensors.torch  # noqa: E402

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.hyena.heads import (  # noqa: E402
    Classifier,
    Head,
    even_windows,
    read_classifier,
    save_classifier,
    vectors_of,
)
from genoseq.hyena.tokenizer import reverse_complement, tokens_of  # noqa: E402
from genoseq.hyena.weights import CONFIG, WEIGHTS, read_network, save_network  # noqa: E402
from genoseq.supervised.regression import softmax  # noqa: E402

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
HEAD = Head(("a", "b", "c"))


def random_tokens(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [tokens_of(rng.integers(0, 5, length).astype(np.uint8)) for length in lengths]


def padded_ids(tokens):
    lengths = torch.tensor([len(each) for each in tokens])
    ids = torch.full((len(tokens), int(lengths.max())), 4)
    for row, each in zip(ids, tokens, strict=True):
        row[: len(each)] = torch.from_numpy(each).long()
    return ids, lengths


def by_hand(classifier, tokens):
    """Logits of one sequence from the plain network, window by window."""
    found = []
    for start, end in even_windows(len(tokens), classifier.window):
        part = tokens[start:end]
        for strand in (part, reverse_complement(part)) if classifier.head.both_strands else (part,):
            states = classifier.network.states(torch.from_numpy(strand)[None].long())[0]
            vector = states.mean(0) if classifier.head.pool == "mean" else states[-1]
            found.append(classifier.output(vector))
    return torch.stack(found).mean(0)


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_padding_changes_nothing(network, pool):
    classifier = Classifier(network, dataclasses.replace(HEAD, pool=pool)).eval()
    tokens = random_tokens(30, 7, 130, 1)
    with torch.inference_mode():
        together = classifier(*padded_ids(tokens))
        alone = torch.cat([classifier(*padded_ids([each])) for each in tokens])
    assert together == pytest.approx(alone, abs=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize(("pool", "window"), [("mean", None), ("mean", 50), ("last", 50)])
def test_logits_are_the_mean_over_windows_and_strands(network, pool, window, both_strands):
    classifier = Classifier(network, Head(("a", "b", "c"), pool, window, both_strands)).eval()
    tokens = random_tokens(30, 130, 50, 51, 400)
    with torch.inference_mode():
        expected = torch.stack([by_hand(classifier, each) for each in tokens])
        found = np.stack(list(vectors_of(network, tokens, classifier.head)))
        logits = classifier.output(torch.from_numpy(found))
    assert logits == pytest.approx(expected, abs=1e-5)


def test_windows_are_of_one_length_and_cover_everything():
    for length in (1, 49, 50, 51, 99, 100, 101, 1234):
        windows = even_windows(length, 50)
        assert {end - start for start, end in windows} == {min(length, 50)}
        assert len(windows) == -(-length // 50)
        covered = np.zeros(length, bool)
        for start, end in windows:
            covered[start:end] = True
        assert covered.all()


@pytest.mark.parametrize("half", [False, True])
def test_what_is_saved_comes_back(network, tmp_path, half):
    head = Head(("x", "y"), "last", 64, both_strands=False)
    classifier = Classifier(network, head).eval()
    save_classifier(classifier, tmp_path / "run", half=half)
    again = read_classifier(tmp_path / "run")
    assert again.head == head
    ids, lengths = padded_ids(random_tokens(30, 60))
    with torch.inference_mode():
        assert again(ids, lengths) == pytest.approx(classifier(ids, lengths), abs=2e-2 if half else 1e-6)
    entry = json.loads((tmp_path / "run" / CONFIG).read_text())["classifier"]
    assert entry == {"classes": ["x", "y"], "pool": "last", "window": 64, "both_strands": False}
    # and as a language model it is what it was
    assert torch.equal(read_network(tmp_path / "run")[0].ln_f.weight, network.ln_f.weight) or half


def test_a_language_model_is_no_classifier(network, tmp_path):
    save_network(network, tmp_path)
    with pytest.raises(CheckpointError, match="without a head, it cannot classify; train one: genoseq train"):
        read_classifier(tmp_path)


def published(network, tmp_path, *, prefix="backbone.", head="head."):
    """A file as classifiers were published, with the tables that tell its length."""
    tensors = {prefix + name: value.clone() for name, value in network.state_dict().items()}
    tensors |= {prefix + name: value.clone() for name, value in network.named_buffers()}
    torch.manual_seed(1)
    tensors[f"{head}output_transform.weight"] = torch.randn(2, network.config.d_model)
    tensors[f"{head}output_transform.bias"] = torch.randn(2)
    path = tmp_path / "published.safetensors"
    return tensors, path


def test_a_published_classifier(network, tmp_path):
    tensors, path = published(network, tmp_path)
    safetensors.torch.save_file(tensors, path)
    assert read_classifier(path).head == Head(("class 0", "class 1"))
    named = read_classifier(path, ["prokaryote", "eukaryote"])
    assert named.head.classes == ("prokaryote", "eukaryote")
    assert torch.equal(named.output.weight, tensors["head.output_transform.weight"])
    with pytest.raises(UsageError, match=r"3 names of classes \(a, b, c\); .* has 2 classes"):
        read_classifier(path, ["a", "b", "c"])


def test_an_official_checkpoint_of_a_downstream_task(network, tmp_path):
    """Lightning: the decoder is a list beside the model."""
    tensors, path = published(network, tmp_path, prefix="model.backbone.", head="decoder.0.")
    path = path.with_suffix(".ckpt")
    torch.save({"state_dict": {**tensors, "metrics.total": torch.zeros(1)}}, path)
    assert torch.equal(read_classifier(path).output.bias, tensors["decoder.0.output_transform.bias"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classifier": {"classes": ["x"]}}, "not what genoseq writes"),
        ({"classifier": [1]}, "not what genoseq writes"),
        ({"pool": "max"}, "pool 'max'"),
        ({"window": "x"}, "window of 'classifier' is 'x'"),
        ({"classes": ["x"]}, "1 class; a classifier tells at least two"),
        ({"classes": ["x", "y", "z"]}, "names 3 classes, the weights have 2; the two files are of different"),
        ({"classes": ["x", "x"]}, "two classes are called 'x'"),
    ],
)
def test_a_config_that_does_not_fit(network, tmp_path, change, message):
    save_classifier(Classifier(network, Head(("x", "y"))), tmp_path)
    values = json.loads((tmp_path / CONFIG).read_text())
    (values if "classifier" in change else values["classifier"]).update(change)
    (tmp_path / CONFIG).write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=message):
        read_classifier(tmp_path)


def test_classes_are_not_named_anew(network, tmp_path):
    save_classifier(Classifier(network, Head(("x", "y"))), tmp_path)
    assert read_classifier(tmp_path, ["x", "y"]).head.classes == ("x", "y")
    with pytest.raises(UsageError, match="has classes of its own: x, y"):
        read_classifier(tmp_path, ["y", "x"])


def test_a_head_without_its_bias(network, tmp_path):
    save_classifier(Classifier(network, Head(("x", "y"))), tmp_path)
    tensors = safetensors.torch.load_file(tmp_path / WEIGHTS)
    del tensors["head.output_transform.bias"]
    safetensors.torch.save_file(tensors, tmp_path / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"without output_transform\.bias"):
        read_classifier(tmp_path)


def test_a_window_that_the_model_does_not_hold(network):
    with pytest.raises(UsageError, match=r"a window of 131 bp; this model holds 1\.\.130"):
        Classifier(network, dataclasses.replace(HEAD, window=131))


def genome_windows(name, length, count):
    """Windows spread over the first 6 Mbp of a genome that hold no N."""
    with gzip.open(REAL / "genomes" / f"{name}.fa.gz", "rt") as file:
        next(file)
        text = "".join(line.strip() for line in file.readlines(8_000_000)).upper()[:6_000_000]
    starts = np.linspace(100_000, len(text) - length, count).astype(int)
    parts = [text[start : start + length] for start in starts]
    codes = (
        np.frombuffer(part.translate(str.maketrans("ACGT", "\0\1\2\3")).encode(), np.uint8)
        for part in parts
        if "N" not in part
    )
    return [tokens_of(each) for each in codes]


@pytest.mark.skipif(not (REAL / "weights").is_dir(), reason="the real weights are not here")
@pytest.mark.parametrize(
    ("name", "length", "count"), [("tiny1k_remag033", 1024, 24), ("tiny16k_remag061", 16384, 2)]
)
def test_real_classifiers_know_eukaryotes(name, length, count):
    classifier = read_classifier(REAL / "weights" / f"hyena_{name}.safetensors", ["prokaryote", "eukaryote"])
    weight, bias = (part.detach().numpy() for part in classifier.output.parameters())
    shares = {}
    for genome in ("human_chr20_GRCh37", "ecoli_MG1655"):
        tokens = genome_windows(genome, length, count)
        assert len(tokens) >= count // 2
        vectors = np.stack(list(vectors_of(classifier.network, tokens, classifier.head)))
        shares[genome] = softmax(vectors @ weight.T + bias)[:, 1].mean()
    assert shares["human_chr20_GRCh37"] > 0.95
    assert shares["ecoli_MG1655"] < 0.2
