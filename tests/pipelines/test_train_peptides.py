"""The study of pepmlm-small, small: it trains, ships a model, and its card says what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import train_peptides  # noqa: E402

from genoseq.models.hub import sha256_of  # noqa: E402
from genoseq.peptides.model import MaskedModel  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402

PARAMS = REPOSITORY / "pipelines" / "params"
PROTEIN = """
model: {layers: 1, hidden: 16, heads: 2, feed_forward: 32}
training: {steps: 6, warm_up: 2}
window: 60
tokens: 512
micro: 256
held_out: 0.1
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The study of the model that ships, on random proteins."""
    rng = np.random.default_rng(1)
    data, params = tmp_path / "data", tmp_path / "params"
    data.mkdir()
    params.mkdir()

    def letters(size):
        return "".join(rng.choice(list(AMINO_ACIDS), size))

    values = yaml.safe_load((PARAMS / "train_peptides.yaml").read_text(encoding="utf-8"))
    proteins = [letters(60) for _ in range(50)]
    for each in values["proteins"]:
        each["path"] = "p.fa"
    values.update(mixed_in=["p.fa"], notes=["A note."])
    values["pairs"]["path"], values["test"]["path"] = "pairs.csv", "test.csv"
    (data / "p.fa").write_text("".join(f">p{n}\n{text}\n" for n, text in enumerate(proteins)))
    header = "Binder,Receptor Sequence\n"
    (data / "pairs.csv").write_text(header + "".join(f"{letters(9)},{letters(50)}\n" for _ in range(40)))
    fragment = proteins[7][11:20]  # a peptide that is a piece of a protein
    rows = [(fragment, letters(50)), *((letters(9), letters(50)) for _ in range(4))]
    (data / "test.csv").write_text(header + "".join(f"{a},{b}\n" for a, b in rows))
    (params / values["pretrain"]).write_text(PROTEIN, encoding="utf-8")
    (params / values["finetune"]).write_text(
        "epochs: 1\ntokens: 512\nmicro: 256\nwindow: 80\n", encoding="utf-8"
    )
    (params / "train_peptides.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    words = [
        "--params",
        params / "train_peptides.yaml",
        "--data",
        data,
        "--work",
        tmp_path / "run",
        "-o",
        tmp_path,
    ]
    monkeypatch.setattr(sys, "argv", ["study", *map(str, words)])
    before = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(before)


def test_a_model_and_its_card(study):
    train_peptides.main()
    assert MaskedModel.load(study / "pepmlm-small", device="cpu").network.config.hidden_size == 16
    found = json.loads((study / "run" / "results.json").read_text(encoding="utf-8"))["results"]
    text = (study / "pepmlm-small.md").read_text(encoding="utf-8")
    figures = found["worth"]["figures"]
    assert f"| pepmlm-small | {figures['pepmlm-small']['mean'][0]:.2f} (" in text
    # the rounded weights are nearly those that were trained
    trained = found["training"]["test"]["figures"]
    assert figures["pepmlm-small"]["mean"][0] == pytest.approx(trained["the model"]["mean"][0], rel=5e-3)
    assert figures["unigram"] == trained["unigram"]  # the same split
    sha256 = sha256_of(study / "pepmlm-small" / "model.safetensors")
    assert f"SHA-256 `{sha256}`" in text
    assert "1 of the 5 test peptides of 8 letters or more occur within a protein" in text
    assert "- A note." in text
    assert "{" not in text
    page = (study / "run" / "report.md").read_text(encoding="utf-8")
    assert f"| pepmlm-small | {figures['pepmlm-small']['mean'][0]:.2f} (" in page
    assert f"| pepmlm-small/model.safetensors | `{sha256}` |" in page
    base = (study / "esm2-small.md").read_text(encoding="utf-8")
    assert f"SHA-256 `{sha256_of(study / 'esm2-small' / 'model.safetensors')}`" in base
    assert "{" not in base
    assert MaskedModel.load(study / "esm2-small", device="cpu").network.config.num_hidden_layers == 1
    train_peptides.main()  # measures again, trains nothing
    assert sha256_of(study / "pepmlm-small" / "model.safetensors") == sha256


def test_the_study_that_ships_names_recipes_that_are_there():
    values = yaml.safe_load((PARAMS / "train_peptides.yaml").read_text(encoding="utf-8"))
    for name in (values["pretrain"], values["finetune"]):
        assert (PARAMS / name).exists()
