"""`genoseq train protein` and `train peptides`: small runs, the same command again, what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("yaml")

from genoseq.cli import main  # noqa: E402
from genoseq.peptides.model import MaskedModel  # noqa: E402
from genoseq.peptides.pairs import BindingPair  # noqa: E402
from genoseq.peptides.worth import pair_log_perplexities  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402

pytestmark = pytest.mark.usefixtures("restore_threads")

PROTEIN = """
model: {layers: 1, hidden: 16, heads: 2, feed_forward: 32}
training: {steps: 12, warm_up: 2, log_every: 4, validate_every: 6, learning_rate: 3e-3}
window: 60
tokens: 512
micro: 256
held_out: 0.1
"""
PAIRS = """
training: {warm_up: 2, log_every: 4, learning_rate: 3e-3}
epochs: 2
window: 80
tokens: 512
micro: 256
limits: {shortest_peptide: 3}
"""


def letters(rng, size):
    return "".join(rng.choice(list(AMINO_ACIDS), size))


@pytest.fixture
def given(tmp_path, monkeypatch, make_model):
    """A working folder with proteins, pairs, recipes and a model."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    (tmp_path / "proteins.fa").write_text("".join(f">p{n}\n{letters(rng, 60)}\n" for n in range(60)))
    rows = [(letters(rng, int(rng.integers(4, 12))), letters(rng, 50)) for _ in range(60)]
    (tmp_path / "test.csv").write_text(
        "Binder,Receptor Sequence\n" + "".join(f"{a},{b}\n" for a, b in [*rows[:4], ("XAX", rows[4][1])])
    )
    near = [(letters(rng, 8), f"X{rows[number][1][:45]}WWWW") for number in (0, 1)]
    more = [("AC", rows[9][1]), *rows[2:3]]  # too short; a pair of the test
    (tmp_path / "pairs.csv").write_text(
        "peptide,target\n" + "".join(f"{a},{b}\n" for a, b in [*rows[5:], *near, *more])
    )
    (tmp_path / "protein.yaml").write_text(PROTEIN)
    (tmp_path / "pairs.yaml").write_text(PAIRS)
    make_model(tmp_path / "m")
    return tmp_path


@pytest.fixture
def make_model():
    from genoseq.peptides.network import EsmShape, new_network, save_network

    def make(folder):
        torch.manual_seed(1)
        save_network(new_network(EsmShape(1, 16, 2, 32)), folder)

    return make


def train(kind, *words):
    return main(["train", kind, *map(str, words), "-t", "1"])


def test_proteins(given, capsys):
    words = ["proteins.fa", "--params", "protein.yaml", "-o", "run", "--json", "summary.json"]
    assert train("protein", *words) == 0
    summary = json.loads((given / "summary.json").read_text())
    assert summary["steps"] == 12
    assert summary["proteins"] + summary["held_out_proteins"] == 60
    assert summary["held_out_perplexity"] == pytest.approx(math.exp(summary["held_out_loss"]))
    assert 15 < summary["held_out_perplexity"] < 40
    assert MaskedModel.load(given / "run", device="cpu").network.config.hidden_size == 16
    weights = (given / "run" / "model.safetensors").read_bytes()
    capsys.readouterr()
    assert train("protein", *words) == 0
    assert "goes on at step 12 of 12" in capsys.readouterr().err
    assert (given / "run" / "model.safetensors").read_bytes() == weights
    assert train("protein", *words, "--steps", "13") == 2
    assert "begun with recipe.training.steps 12, now it is 13" in capsys.readouterr().err
    more = ["proteins.fa", "--params", "protein.yaml", "--init", "run", "-o", "more", "-q", "--seed", "2"]
    assert train("protein", *more) == 0
    assert json.loads((given / "more" / "settings.json").read_text())["recipe"]["training"]["seed"] == 2


def test_pairs(given, capsys):
    words = ["pairs.csv", "--test", "test.csv", "--init", "m", "--params", "pairs.yaml", "-o", "run"]
    assert train("peptides", *words) == 0
    said = capsys.readouterr().err
    report = json.loads((given / "run" / "report.json").read_text())
    assert [table["pairs"] for table in report["tables"]] == [58, 5]
    assert report["tables"][0]["dropped"] == {"peptide below 3 letters": 1}
    assert report["split"]["dropped_near_other_parts"] == 3
    assert report["split"]["train"] + report["split"]["validation"] == 55
    assert report["split"]["twins_of_the_test"]["as_given"] == {
        "targets": {"test": 5, "equal": 1, "near": 2}, "peptides": {"test": 5, "equal": 1, "near": 0},
        "pairs": {"test": 5, "equal": 1, "near": 0},
    }  # fmt: skip
    assert "3 near a target of a given part are left out" in said
    figures = report["test"]["figures"]
    assert list(figures)[:2] == ["the model", "before (m)"]
    rows = [line.split(",") for line in (given / "test.csv").read_text().splitlines()[1:]]
    pairs = [BindingPair(target, peptide.strip("X"), "x") for peptide, target in rows]
    for name, folder in (("the model", "run"), ("before (m)", "m")):
        found = pair_log_perplexities(MaskedModel.load(given / folder, device="cpu"), pairs)
        assert figures[name]["mean"][0] == pytest.approx(np.exp(found.pseudo).mean(), rel=1e-4)
        assert figures[f"{name}, all masked"]["median"] == pytest.approx(
            np.median(np.exp(found.masked)), rel=1e-4
        )
    weights = (given / "run" / "model.safetensors").read_bytes()
    assert train("peptides", *words, "-q") == 0  # nothing is left to train
    assert (given / "run" / "model.safetensors").read_bytes() == weights
    assert capsys.readouterr().err == ""
    assert train("peptides", *words, "--tune", "lora") == 2
    assert "begun with recipe.tune full, now it is lora" in capsys.readouterr().err


def test_low_rank_with_proteins_and_drawn_parts(given):
    words = [
        "pairs.csv",
        "--init",
        "m",
        "--params",
        "pairs.yaml",
        "-o",
        "run",
        "--tune",
        "lora",
        "--rank",
        "2",
    ]
    assert train("peptides", *words, "--proteins", "proteins.fa", "--test-share", "0.2", "-q") == 0
    report = json.loads((given / "run" / "report.json").read_text())
    assert report["settings"]["recipe"]["rank"] == 2
    assert report["split"]["test"] == pytest.approx(0.2 * 58, abs=2)
    before, after = (
        MaskedModel.load(given / name, device="cpu").network.state_dict() for name in ("m", "run")
    )
    name = "esm.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(before[name], after[name])
    assert torch.equal(before["lm_head.dense.bias"], after["lm_head.dense.bias"])


@pytest.mark.parametrize(
    ("kind", "words", "code", "message"),
    [
        ("peptides", ["none.csv", "-o", "run"], 1, "none.csv: no such file"),
        ("peptides", ["proteins.fa", "-o", "run", "--init", "m"], 1, "proteins.fa:1: no column of peptides"),
        ("peptides", ["pairs.csv", "-o", "pairs.csv"], 2, "is an input of this run"),
        ("peptides", ["pairs.csv", "-o", "m", "--init", "m"], 1, "m: holds a model"),
        ("peptides", ["pairs.csv", "-o", "other", "--init", "m"], 1, "holds a model that is of no run"),
        ("peptides", ["pairs.csv", "-o", "run", "--init", "nothing"], 2, "no model 'nothing'"),
        ("peptides", ["pairs.csv", "-o", "run", "--init", "hyena-tiny"], 2, "a protein model is needed"),
        ("peptides", ["pairs.csv", "-o", "run", "--columns", "a"], 2, "two are expected, PEPTIDE,TARGET"),
        ("peptides", ["pairs.csv", "-o", "run", "--columns", "a,b"], 1, "'a' is expected"),
        ("peptides", ["pairs.csv", "-o", "run", "--validation-share", "0"], 2, "needed to choose by"),
        ("peptides", ["pairs.csv", "-o", "run", "--params", "protein.yaml"], 1, "the recipe has no"),
        (
            "peptides",
            ["pairs.csv", "-o", "run", "--init", "m", "--tune", "lora", "--rank", "99"],
            2,
            "a rank of 99",
        ),
        ("peptides", ["pairs.csv"], 2, "-o"),
        ("peptides", ["empty.csv", "-o", "run", "--init", "m"], 1, "empty.csv: there are no pairs"),
        ("protein", ["pairs.csv", "-o", "run"], 1, "pairs.csv:1: starts with 'peptide,target'"),
        ("protein", ["dna.fa", "-o", "run"], 1, "DNA or RNA"),
        ("protein", ["proteins.fa", "-o", "proteins.fa"], 2, "is an input"),
        ("protein", ["proteins.fa", "-o", "run", "--params", "pairs.yaml"], 1, "the recipe has no"),
    ],
)
def test_what_is_refused(given, make_model, capsys, kind, words, code, message):
    make_model(given / "other")
    (given / "empty.csv").write_text("")
    (given / "dna.fa").write_text(">x\n" + "ACGT" * 20 + "\n")
    assert train(kind, *words) == code
    assert message in capsys.readouterr().err
    assert not (given / "run" / "model.safetensors").exists()
