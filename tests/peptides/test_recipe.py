"""Recipes of protein models: what a file says, and what it must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("yaml")

from genoseq.errors import InputError
from genoseq.peptides.batches import Hiding
from genoseq.peptides.network import EsmShape
from genoseq.peptides.recipe import PairRecipe, ProteinRecipe, read_pair_recipe, read_protein_recipe

PARAMS = Path(__file__).resolve().parents[2] / "pipelines" / "params"


def test_what_is_left_out_has_the_default_of_the_recipe(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("training: {learning_rate: 2e-4}\nhiding: {power: 2}\nepochs: 3\n")
    found = read_pair_recipe(path)
    usual = PairRecipe()
    assert found.training.learning_rate == 2e-4
    assert found.training.patience == usual.training.patience > 0
    assert found.hiding == Hiding(usual.hiding.whole, 2.0)
    assert found.epochs == 3.0
    assert found.limits == usual.limits
    path.write_text("model: {layers: 2, hidden: 32, heads: 4, feed_forward: 64}\ntraining: {steps: 7}\n")
    protein = read_protein_recipe(path)
    assert protein.model == EsmShape(2, 32, 4, 64)
    assert protein.training.steps == 7
    assert protein.to_dict()["model"]["hidden"] == 32
    path.write_text("")
    assert read_pair_recipe(path) == usual
    assert read_protein_recipe(path) == ProteinRecipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: 3", "the recipe has no 'steps'"),
        ("training: {rate: 3}", "training has no 'rate'"),
        ("training: 5", "training is 5; names with values"),
        ("hiding: {whole: 2}", "whole is 2"),
        ("tune: some", "tune is 'some'; choose full or lora"),
        ("epochs: 0", "epochs are above 0"),
        ("window: 40", "nothing of a target would fit"),
        ("limits: {longest_peptide: x}", "longest_peptide is 'x'; int"),
        ("[1, 2]", "the recipe is"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, text, message):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pair_recipe(path)


def test_the_published_recipe():
    recipe = read_pair_recipe(PARAMS / "peptides_published.yaml")
    plan = recipe.training
    assert plan.learning_rate == 7.984276816171436e-4
    assert (plan.schedule, plan.warm_up, plan.weight_decay, plan.betas) == ("linear", 501, 0.01, (0.9, 0.999))
    assert (recipe.epochs, recipe.hiding.whole, recipe.window + 2) == (5, 1.0, 552)
    assert (recipe.rows, recipe.tokens // recipe.micro) == (2, 2)  # 2 batches of 2 pairs
    assert plan.rate(0) == pytest.approx(1 / 501)


def test_the_recipes_of_the_small_model():
    protein = read_protein_recipe(PARAMS / "protein_small.yaml")
    assert protein.model == EsmShape(6, 256, 8, 1024)
    pairs = read_pair_recipe(PARAMS / "peptides_small.yaml")
    assert pairs.hiding.whole < 1
    for masking in (protein.masking, pairs.masking):  # as ESM-2
        assert (masking.kept, masking.replaced) == (0.1, 0.1)
