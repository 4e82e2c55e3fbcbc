"""Low-rank adapters through peft: added for training, merged into the weights before export.

W stays and W + (alpha / rank) B A is used, with A and B trained (Hu et al. 2021, arXiv 2106.09685).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedModel

from adrisk.errors import InputError, UsageError
from adrisk.train.hub import short_name
from adrisk.train.layers import depths, layer_list
from adrisk.train.recipe import LoraBlock

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."


def add_adapters(model: PreTrainedModel, block: LoraBlock) -> Any:
    """`model` with its encoder frozen, adapters in its linear layers, and its head trained in full.

    Raises UsageError, with the names that fit, for a target module that the model does not have.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=block.rank,
        lora_alpha=block.alpha,
        lora_dropout=block.dropout,
        target_modules=_targets(model, block.target_modules),
        modules_to_save=_head_modules(model),
    )
    return get_peft_model(model, config)


def merged(model: Any) -> PreTrainedModel:
    """The plain model with its adapters added to its weights; one without adapters as it is."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def merge_adapter(model: PreTrainedModel, folder: str, base: str) -> PreTrainedModel:
    """`model` with the LoRA adapter in `folder` merged; a head in it is left out.

    Raises InputError where the folder holds no LoRA adapter in safetensors, where it was trained
    on another base than `base`, or where its modules are not those of the model.
    """
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    _check_adapter_config(Path(folder), base)
    target, weights = _of_the_encoder(model, _adapter_weights(Path(folder)))
    _check_shapes(target, weights, model, folder)
    config = LoraConfig.from_pretrained(folder)
    config.target_modules = _modules(weights)
    config.modules_to_save = config.task_type = None
    adapted = get_peft_model(target, config)
    report: Any = set_peft_model_state_dict(adapted, weights)
    if report.unexpected_keys:
        reason = f"{_WEIGHTS} does not fit its {_CONFIG}: {report.unexpected_keys[0]}"
        raise InputError(reason, file=folder)
    adapted.merge_and_unload()
    model.requires_grad_(True)  # peft froze it
    return model


def _linear_layers(model: PreTrainedModel) -> dict[str, str]:
    """Full name of every linear layer in the encoder's layers -> its name within its layer."""
    stack, layers = layer_list(model)
    return {
        f"{stack}.{number}.{name}": name
        for number, layer in enumerate(layers)
        for name, module in layer.named_modules()
        if isinstance(module, nn.Linear)
    }


def _that_fit(model: PreTrainedModel) -> str:
    return ", ".join(sorted(set(_linear_layers(model).values())))


def _targets(model: PreTrainedModel, wanted: str | tuple[str, ...]) -> list[str]:
    linear = _linear_layers(model)
    if wanted == "auto":
        return list(linear)
    found = {name: [full for full in linear if f".{full}".endswith(f".{name}")] for name in wanted}
    unknown = [name for name, matches in found.items() if not matches]
    if unknown or not found:
        named = f"no linear layer of this model is called {unknown[0]!r}" if unknown else "none"
        raise UsageError(
            f"encoder.lora.target_modules: {named}; these fit: {_that_fit(model)}; or write auto"
        )
    return sorted({full for matches in found.values() for full in matches})


def _head_modules(model: PreTrainedModel) -> list[str]:
    """The modules above the encoder's layers, which are new or small and are trained in full."""
    depth = depths(model)
    top = max(depth.values())
    body = f"{model.base_model_prefix}."
    names = [name for name, at in depth.items() if at == top]
    # Children of the model itself, and those of its body (a pooler, a last norm).
    return sorted({".".join(n.split(".")[: 2 if n.startswith(body) else 1]) for n in names})


def _check_adapter_config(folder: Path, base: str) -> None:
    try:
        settings = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        kind, trained_on = settings["peft_type"], str(settings["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"encoder.adapter: no {_CONFIG} of a peft adapter can be read there", file=str(folder)
        ) from error
    if kind != "LORA":
        raise InputError(f"a peft adapter of type {kind}: only LORA works here", file=str(folder))
    if Path(trained_on).name.lower() != Path(short_name(base)).name.lower():
        raise InputError(
            f"this adapter was trained on {trained_on}, encoder.base is {base}: write that as "
            f"encoder.base. Where both are the same weights, mend base_model_name_or_path in its "
            f"{_CONFIG}",
            file=str(folder),
        )


def _adapter_weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        weights = load_file(folder / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"encoder.adapter: {_WEIGHTS} is missing or damaged (other formats are not read)",
            file=str(folder),
        ) from error
    kept = {name: tensor for name, tensor in weights.items() if ".lora_" in name}
    if not kept:
        raise InputError("this adapter holds no LoRA weights", file=str(folder))
    return kept


def _of_the_encoder(
    model: PreTrainedModel, weights: dict[str, torch.Tensor]
) -> tuple[Any, dict[str, torch.Tensor]]:
    """What the adapter was put on, the model or its body alone, and its weights without a head's."""
    body = f"{_PREFIX}{model.base_model_prefix}."
    inside = {name: tensor for name, tensor in weights.items() if name.startswith(body)}
    if inside:
        return model, inside
    return getattr(model, model.base_model_prefix), weights


def _modules(weights: Iterable[str]) -> set[str]:
    return {name.removeprefix(_PREFIX).split(".lora_")[0] for name in weights}


def _has(model: nn.Module, name: str) -> bool:
    try:
        return isinstance(model.get_submodule(name), nn.Linear)
    except AttributeError:
        return False


def _check_shapes(
    target: nn.Module, weights: Mapping[str, torch.Tensor], model: PreTrainedModel, folder: str
) -> None:
    for name in sorted(_modules(weights)):
        reason = "has none of that name"
        if _has(target, name):
            linear: Any = target.get_submodule(name)
            a = weights.get(f"{_PREFIX}{name}.lora_A.weight")
            b = weights.get(f"{_PREFIX}{name}.lora_B.weight")
            if (
                a is not None
                and b is not None
                and (a.size(1), b.size(0))
                == (
                    linear.in_features,
                    linear.out_features,
                )
            ):
                continue
            reason = "has one of another shape"
        raise InputError(
            f"the adapter changes {name}, but the model {reason}: it was trained on another base. "
            f"Linear layers of this model: {_that_fit(model)}",
            file=folder,
        )
