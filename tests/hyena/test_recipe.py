"""Recipes: what a file says, and what it must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("yaml")

from genoseq.errors import InputError
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.recipe import Recipe, read_recipe
from genoseq.hyena.train import Training

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "pipelines" / "params").glob("hyena_*.yaml"))


def test_values_become_the_types_of_the_fields(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "model: {d_model: 64, l_max: 258, activation_freq: 10}\n"
        "training: {steps: 200.0, learning_rate: 6e-4, lengths: [[64, 0.5], [256, 0.5]], flip: false}\n"
        "held_out: 0.2\n"
    )
    found = read_recipe(path)
    assert found.model == HyenaConfig(d_model=64, l_max=258)
    assert found.training == Training(
        steps=200, learning_rate=6e-4, lengths=((64, 0.5), (256, 0.5)), flip=False
    )
    assert found.held_out == 0.2
    assert found.to_dict()["training"]["steps"] == 200
    path.write_text("")
    assert read_recipe(path) == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {depth: 3}", "model has no 'depth'; it has d_model"),
        ("data: x", "the recipe has no 'data'"),
        ("model: 3", "model is 3; names with values"),
        ("training: {steps: many}", "steps is 'many'; int is expected"),
        ("training: {flip: 1}", "flip is 1; bool is expected"),
        ("training: {learning_rate: fast}", "could not convert"),
        ("training: {lengths: 64}", "lengths is 64; a list"),
        ("training: {precision: int8}", "choose bf16"),
        ("held_out: 1.5", "held_out is 1.5"),
        ("model: {order: 3}", "order is 3"),
        ("a: [", "not YAML"),
    ],
)
def test_what_cannot_be_is_named(tmp_path, text, message):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_recipe(path)
    assert str(error.value).startswith(str(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_recipes_that_ship_are_sound(path):
    recipe = read_recipe(path)
    assert max(length for length, _ in recipe.training.lengths) <= recipe.model.l_max
