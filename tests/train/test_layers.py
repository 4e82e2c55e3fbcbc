"""Layer-wise learning rates and frozen layers, on look-alikes of three architectures."""

from __future__ import annotations

import pytest
import torch

from adrisk.errors import RecipeError, UsageError
from adrisk.train.encoder_model import build_encoder
from adrisk.train.finetune import _trainer, finetune
from adrisk.train.layers import count_weights, depths, layer_list, parameter_groups
from adrisk.train.recipe import load_recipe
from tests.train.encoder_toys import FOLDERS, TARGETS, TOKENIZER, block, toy_data

TRAIN, VALIDATION = toy_data(48, 1), toy_data(40, 2)
HEADS = {
    "xlm_roberta": {"classifier"},
    "bert": {"bert.pooler", "classifier"},
    "mmbert": {"model.final_norm", "head", "classifier"},
}


@pytest.fixture(scope="module", params=FOLDERS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    return FOLDERS[kind](tmp_path_factory.mktemp("base") / kind)


def build(folder, tmp_path, **changes):
    settings = block(base=str(folder), **changes)
    return build_encoder(settings, TOKENIZER, TRAIN.texts, TARGETS, tmp_path, 0).model


def test_every_parameter_has_the_depth_of_its_layer(kind, folder, tmp_path):
    model = build(folder, tmp_path)
    stack, layers = layer_list(model)
    depth = depths(model)
    assert depth.keys() == dict(model.named_parameters()).keys()
    for name, at in depth.items():
        if "embeddings" in name:
            assert at == 0
        elif name.startswith(stack):
            assert name.startswith(f"{stack}.{at - 1}.")
        else:
            assert at == len(layers) + 1
            assert any(name.startswith(head) for head in HEADS[kind])


def test_each_layer_learns_that_much_less_than_the_one_above(folder, tmp_path):
    settings = block(base=str(folder), lr={"peak": 1e-3, "layer_decay": 0.5, "weight_decay": 0.1})
    base = build_encoder(settings, TOKENIZER, TRAIN.texts, TARGETS, tmp_path, 0)
    arguments = (settings, TRAIN, VALIDATION, tmp_path, 0)
    trainer = _trainer(base.model, base.tokenizer_json, *arguments)
    trainer.create_optimizer()
    top = len(layer_list(base.model)[1]) + 1
    names = {id(parameter): name for name, parameter in base.model.named_parameters()}
    seen = set()
    for group in trainer.optimizer.param_groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            assert group["lr"] == pytest.approx(1e-3 * 0.5 ** (top - depths(base.model)[name]))
            no_decay = name.endswith("bias") or "norm" in name.lower()
            assert group["weight_decay"] == (0.0 if no_decay else 0.1)
            seen.add(name)
    assert seen == set(names.values())
    assert trainer.optimizer.param_groups[0]["lr"] == 1e-3, "the rate that is logged is the head's"


def test_without_decay_every_layer_has_the_peak_rate(folder, tmp_path):
    groups = parameter_groups(build(folder, tmp_path), 3e-4, 1.0, 0.0, set())
    assert {group["lr"] for group in groups} == {3e-4}


def test_frozen_weights_do_not_move_and_the_others_do(kind, folder, tmp_path):
    frozen = {"embeddings": True, "layers": 1}
    before = build(folder, tmp_path)
    state = {name: tensor.clone() for name, tensor in before.state_dict().items()}
    settings = block(base=str(folder), freeze=frozen, epochs=1)
    result = finetune(settings, TOKENIZER, TRAIN, VALIDATION, TARGETS, tmp_path / "run", 0)
    depth = depths(before)
    moved = {n for n, t in result.model.state_dict().items() if not torch.equal(t, state[n])}
    assert not {name for name in moved if depth.get(name, 0) <= 1}
    # Of a layer that has not moved a bias may have no gradient; most of the rest must have.
    free = {name for name, at in depth.items() if at > 1}
    assert free
    assert len(moved & free) > 0.8 * len(free)
    n_free = sum(p.numel() for n, p in before.named_parameters() if n in free)
    assert result.base_model["n_trained"] == n_free
    assert result.base_model["n_parameters"] == count_weights(before)[0]


def test_layers_may_be_frozen_under_free_embeddings(folder, tmp_path):
    model = build(folder, tmp_path, freeze={"layers": 1})
    depth = depths(model)
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (depth[name] != 1)


def test_more_frozen_layers_than_there_are_is_an_error(folder, tmp_path):
    with pytest.raises(UsageError, match=r"freeze\.layers is 9, but this model has"):
        build(folder, tmp_path, freeze={"layers": 9})


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ("{freeze: {layers: 1}}", "freeze: only with a pretrained encoder"),
        ("{lora: {}, vocabulary: {trim: true}}", "vocabulary.trim, lora: only with a pretrained"),
        ("{base: x/y, lora: {}, freeze: {embeddings: true}}", "leave freeze out"),
        ("{base: x/y, lr: {layer_decay: 0}}", "layer_decay"),
        ("{base: x/y, lora: {rank: 0}}", "rank"),
        ("{base: x/y, pooling: max}", "pooling"),
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path, encoder, words):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"name: x\nencoder: {encoder}\n")
    with pytest.raises(RecipeError) as error:
        load_recipe(path)
    assert words in str(error.value)
