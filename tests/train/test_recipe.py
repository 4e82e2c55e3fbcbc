from __future__ import annotations

from pathlib import Path

import pytest

from adrisk.errors import RecipeError
from adrisk.train.recipe import load_recipe

CONFIGS = sorted(Path(__file__).parents[2].joinpath("configs").glob("*.yaml"))


def write(tmp_path, text):
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_shipped_recipe_loads_under_its_own_name(path):
    assert load_recipe(path).name == path.stem


def test_overrides_are_yaml_values(tmp_path):
    path = write(tmp_path, "name: x\nmodels: [linear]\n")
    recipe = load_recipe(path, ("encoder.epochs=1.5", "models=[linear, encoder]", "linear.C=[2]"))
    assert recipe.encoder.epochs == 1.5
    assert recipe.models == ("linear", "encoder")
    assert recipe.linear.C == (2.0,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nlinaer: {}\n", "linaer: unknown key"),
        ("name: x\nencoder: {epoch: 3}\n", "encoder.epoch: unknown key"),
        ("name: x\nencoder: {epochs: many}\n", "encoder.epochs"),
        ("name: x\nmodels: [forest]\n", "models"),
        ("name: x\nmodels: [linear, linear]\n", "once"),
        ("name: x\nmodels: []\n", "at least one"),
        ("models: [linear]\n", "name"),
        ("name: Bad Name\n", "name"),
        ("name: x\nmodels: [encoder]\nadapt: {}\n", "name texts, or write use_training_part"),
        ("name: x\nadapt: {texts: [a.csv]}\n", "models has none"),
        ("name: x\nmodels: [encoder]\nadapt: {texts: [a], max_tokens: 512}\n", "adapt.max_tokens"),
        (
            "name: x\nmodels: [encoder]\nencoder: {base: b}\nadapt: {texts: [a], trains_tokenizer: true}\n",
            "keeps its tokenizer",
        ),
        (
            "name: x\nmodels: [encoder]\nencoder: {base: b, adapter: c}\nadapt: {texts: [a]}\n",
            "an adapter fits",
        ),
        ("name: x\nmodels: [encoder]\nadapt: {texts: a.csv}\n", "adapt.texts"),
        ("- a list\n", "mapping"),
        ("name: [unclosed\n", "YAML"),
    ],
)
def test_mistakes_are_named_with_file_and_key(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert words in str(caught.value) and str(path) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("override", ["novalue", "=3", "name.sub=1", "linear.C=[1"])
def test_broken_overrides(tmp_path, override):
    with pytest.raises(RecipeError, match="--set"):
        load_recipe(write(tmp_path, "name: x\n"), (override,))


def test_no_such_file(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")
