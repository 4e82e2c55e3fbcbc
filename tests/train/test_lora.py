"""LoRA: trained, merged, resumed; and adapters that do not fit."""

from __future__ import annotations

import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForMaskedLM

from adrisk.errors import InputError, UsageError
from adrisk.train.encoder_model import build_encoder
from adrisk.train.finetune import finetune
from adrisk.train.layers import count_weights, depths
from adrisk.train.lora import add_adapters, merged
from adrisk.train.recipe import LoraBlock
from tests.train.encoder_toys import (
    FOLDERS,
    TARGETS,
    TOKENIZER,
    StopAt,
    bert_folder,
    block,
    toy_data,
)

TRAIN, VALIDATION = toy_data(96, 1), toy_data(40, 2)
IDS = torch.tensor([[2, 11, 25, 33, 3], [2, 17, 8, 40, 3]])


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, tmp_path_factory):
    return FOLDERS[request.param](tmp_path_factory.mktemp("base") / request.param)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return bert_folder(tmp_path_factory.mktemp("base") / "bert")


def build(folder, tmp_path, **changes):
    settings = block(base=str(folder), **changes)
    return build_encoder(settings, TOKENIZER, TRAIN.texts, TARGETS, tmp_path, 0).model


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits


def shake(model):
    """Give every trainable weight a value that matters; LoRA's B starts at nought."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


# --- training


def test_the_merged_model_scores_as_the_adapted_one(folder, tmp_path):
    plain = logits(build(folder, tmp_path))
    adapted = shake(add_adapters(build(folder, tmp_path), LoraBlock(rank=4)))
    expected = logits(adapted)
    assert not torch.allclose(expected, plain, atol=0.01)
    whole = merged(adapted)
    torch.testing.assert_close(logits(whole), expected, atol=1e-5, rtol=1e-5)
    assert whole.state_dict().keys() == build(folder, tmp_path).state_dict().keys()


def test_only_adapters_and_the_head_are_trained(folder, tmp_path):
    model = build(folder, tmp_path)
    head = {name for name, at in depths(model).items() if at == max(depths(model).values())}
    n_head = sum(p.numel() for name, p in model.named_parameters() if name in head)
    adapted = add_adapters(model, LoraBlock(rank=4))
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert all("lora_" in name or "modules_to_save" in name for name in trained)
    n_lora = sum(p.numel() for name, p in adapted.named_parameters() if "lora_" in name)
    assert n_lora > 0
    assert count_weights(adapted)[1] == n_head + n_lora


def test_a_lora_run_learns_and_leaves_a_plain_model(folder, tmp_path):
    settings = block(
        base=str(folder), lora={"rank": 8, "dropout": 0.0}, lr={"peak": 2e-2}, epochs=6
    )
    result = finetune(settings, TOKENIZER, TRAIN, VALIDATION, TARGETS, tmp_path / "run", 0)
    assert result.validation_average_precision > 0.9
    assert not any("lora" in name for name, _ in result.model.named_parameters())
    assert 0 < result.base_model["n_trained"] < result.base_model["n_parameters"]
    again = finetune(settings, TOKENIZER, TRAIN, VALIDATION, TARGETS, tmp_path / "run", 0)
    torch.testing.assert_close(logits(again.model), logits(result.model), atol=0, rtol=0)


def test_an_interrupted_lora_run_ends_as_an_unbroken_one(bert, tmp_path):
    settings = block(base=str(bert), lora={"rank": 4})

    def run(name, callbacks=()):
        data = (TRAIN, VALIDATION, TARGETS, tmp_path / name, 0)
        return finetune(settings, TOKENIZER, *data, callbacks=callbacks)

    unbroken = run("unbroken")
    with pytest.raises(KeyboardInterrupt):
        run("broken", [StopAt(8)])
    torch.testing.assert_close(
        logits(run("broken").model), logits(unbroken.model), atol=1e-6, rtol=1e-6
    )


def test_adapters_learn_at_the_rate_of_their_layer(bert, tmp_path):
    depth = depths(add_adapters(build(bert, tmp_path), LoraBlock()))
    query = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.default.weight"
    head = "base_model.model.classifier.modules_to_save.default.weight"
    assert (depth[query], depth[head]) == (1, 2)


def test_named_target_modules_alone_get_adapters(bert, tmp_path):
    adapted = add_adapters(build(bert, tmp_path), LoraBlock(target_modules=("query", "value")))
    names = {name.split(".lora_")[0] for name, _ in adapted.named_parameters() if "lora_" in name}
    assert {name.rsplit(".", 1)[1] for name in names} == {"query", "value"}


@pytest.mark.parametrize("wanted", [["query", "q_proj"], ["pooler.dense"], []])
def test_an_unknown_target_module_names_those_that_fit(bert, tmp_path, wanted):
    with pytest.raises(UsageError, match=r"these fit: .*attention\.self\.query.*output\.dense"):
        add_adapters(build(bert, tmp_path), LoraBlock(target_modules=tuple(wanted)))


# --- an adapter that is brought along


def make_adapter(base, out, auto=AutoModelForMaskedLM, name=None, **settings):
    """A shaken LoRA adapter on `base`, saved as peft saves it."""
    model = auto.from_pretrained(base)
    config = LoraConfig(**{"r": 4, "target_modules": ["query", "value"], **settings})
    adapted = shake(get_peft_model(model, config))
    adapted.save_pretrained(out)
    path = out / "adapter_config.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "base_model_name_or_path": name or str(base)}))
    return adapted


@pytest.mark.parametrize("auto", [AutoModelForMaskedLM, AutoModel])
def test_a_brought_adapter_is_merged_into_the_encoder(bert, tmp_path, auto):
    adapted = make_adapter(bert, tmp_path / "adapter", auto)
    whole = adapted.merge_and_unload()
    body = getattr(whole, "bert", whole)
    model = build(bert, tmp_path, adapter=str(tmp_path / "adapter"))
    assert all(parameter.requires_grad for parameter in model.parameters())
    with torch.no_grad():
        expected = body.eval()(input_ids=IDS)[0]
        found = model.bert(input_ids=IDS)[0]
        before = build(bert, tmp_path).bert(input_ids=IDS)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, before, atol=0.01)


def test_the_head_of_a_brought_adapter_is_left_out(bert, tmp_path):
    make_adapter(bert, tmp_path / "adapter", target_modules=["query", "dense"])
    model = build(bert, tmp_path, adapter=str(tmp_path / "adapter"))
    plain = build(bert, tmp_path)
    assert torch.equal(model.classifier.weight, plain.classifier.weight)
    layer = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(model.get_parameter(layer), plain.get_parameter(layer))


def test_an_adapter_of_another_base_is_refused(bert, tmp_path):
    make_adapter(bert, tmp_path / "adapter", name="example-owner/other-bert")
    with pytest.raises(InputError, match=r"was trained on example-owner/other-bert, encoder\.base"):
        build(bert, tmp_path, adapter=str(tmp_path / "adapter"))


def test_an_adapter_whose_modules_the_model_lacks_names_those_that_fit(bert, tmp_path):
    other = FOLDERS["mmbert"](tmp_path / "other")
    make_adapter(other, tmp_path / "adapter", name="bert", target_modules=["Wqkv"])
    with pytest.raises(InputError, match=r"Wqkv.*another base.*attention\.self\.query"):
        build(bert, tmp_path, adapter=str(tmp_path / "adapter"))


def test_an_adapter_of_another_shape_is_refused(bert, tmp_path):
    make_adapter(bert, tmp_path / "adapter")
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(path)
    name = next(key for key in weights if "lora_A" in key)
    save_file({**weights, name: weights[name][:, :8].contiguous()}, path)
    with pytest.raises(InputError, match="another shape"):
        build(bert, tmp_path, adapter=str(tmp_path / "adapter"))


def test_a_folder_without_an_adapter_is_refused(bert, tmp_path):
    with pytest.raises(InputError, match=r"no adapter_config\.json"):
        build(bert, tmp_path, adapter=str(tmp_path))


def test_an_adapter_without_safetensors_is_refused(bert, tmp_path):
    make_adapter(bert, tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_model.safetensors").rename(
        tmp_path / "adapter" / "adapter_model.bin"
    )
    with pytest.raises(InputError, match=r"adapter_model\.safetensors is missing"):
        build(bert, tmp_path, adapter=str(tmp_path / "adapter"))


def test_an_adapter_that_is_no_lora_is_refused(bert, tmp_path):
    make_adapter(bert, tmp_path / "adapter")
    path = tmp_path / "adapter" / "adapter_config.json"
    path.write_text(path.read_text().replace('"LORA"', '"IA3"'))
    with pytest.raises(InputError, match="type IA3: only LORA"):
        build(bert, tmp_path, adapter=str(tmp_path / "adapter"))
