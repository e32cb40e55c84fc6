"""The study of hyena-tiny, small: it trains, ships a model, and its card says what was measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "pipelines"))

import pretrain_hyena  # noqa: E402

from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.recipe import read_recipe  # noqa: E402
from genoseq.models.hub import sha256_of  # noqa: E402

PARAMS = REPOSITORY / "pipelines" / "params"
RECIPE = """
model: {d_model: 16, d_inner: 32, n_layer: 1, l_max: 130, filter_order: 8}
training: {steps: 6, tokens: 512, micro: 512, lengths: [[64, 0.5], [128, 0.5]], validate_every: 6}
held_out: 0.1
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The study of the model that ships, on the toy genome and with a recipe of six steps."""
    values = yaml.safe_load((PARAMS / "pretrain_hyena.yaml").read_text(encoding="utf-8"))
    toy = {"name": "toy genome", "source": "data", "path": "genome.fa.gz"}
    values.update(genomes=[toy], unseen=[toy], notes=["A note."])
    (tmp_path / values["recipe"]).write_text(RECIPE, encoding="utf-8")
    params = tmp_path / "pretrain_hyena.yaml"
    params.write_text(yaml.safe_dump(values), encoding="utf-8")
    words = ["--params", params, "--data", REPOSITORY / "data", "--work", tmp_path / "run", "-o", tmp_path]
    monkeypatch.setattr(sys, "argv", ["study", *map(str, words)])
    before = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(before)


def test_a_model_and_its_card(study):
    pretrain_hyena.main()
    model = HyenaDNA.load(study / "hyena-tiny", device="cpu")
    assert model.config.l_max == 130
    found = json.loads((study / "run" / "results.json").read_text(encoding="utf-8"))["results"]
    text = (study / "hyena-tiny.md").read_text(encoding="utf-8")
    long, short = found["by_window"]
    assert long.keys() == {"held out", "toy genome"}
    assert 1.8 < long["held out"][0] < 2.1
    assert f"| {long['held out'][0]:.4f} | {short['held out'][0]:.4f} |" in text
    assert f"| {found['mixing']['toy genome']:.4f} |" in text
    assert found["mixing"]["toy genome"] < found["mixing"]["held out"]  # it was trained on most of it
    assert found["sha256"] == sha256_of(study / "hyena-tiny" / "model.safetensors")
    assert found["sha256"] in text
    assert "Windows of 64 bp for 50% of the steps, then 128 bp for 50% of the steps" in text
    assert "- A note." in text
    page = (study / "run" / "report.md").read_text(encoding="utf-8")
    assert f"| hyena-tiny/model.safetensors | `{found['sha256']}` |" in page
    assert f"| {found['mixing']['toy genome']:.4f} |" in page
    assert found["epochs"] == pytest.approx(6 * 512 / (0.9 * 410_000), rel=0.01)
    pretrain_hyena.main()  # measures again, trains nothing
    assert sha256_of(study / "hyena-tiny" / "model.safetensors") == found["sha256"]


def test_the_recipe_that_ships():
    recipe = read_recipe(PARAMS / "hyena_tiny.yaml")
    assert (recipe.model.d_model, recipe.model.n_layer, recipe.model.l_max) == (128, 2, 16386)
    assert recipe.held_out == 0.1
