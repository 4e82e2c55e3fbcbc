"""Which layer of an encoder a parameter belongs to: for learning rates, frozen layers, adapters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from adrisk.errors import UsageError
from adrisk.train.recipe import FreezeBlock

_ADAPTED = "base_model.model."  # what peft puts before every name


def layer_list(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Full name and modules of the encoder's stack of layers: the longest list in its body."""
    body = getattr(model, model.base_model_prefix)
    lists = [(n, m) for n, m in body.named_modules() if isinstance(m, nn.ModuleList) and len(m)]
    name, layers = max(lists, key=lambda found: len(found[1]))
    return f"{model.base_model_prefix}.{name}", layers


def depths(model: Any) -> dict[str, int]:
    """Depth of every parameter by name: 0 the embeddings, 1 to n the layers, n + 1 the head.

    The head is all that is neither: classifier, pooler, a last norm. `model` may be wrapped by
    peft; the names are those of `model.named_parameters()` then too.
    """
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    stack, layers = layer_list(plain)
    body = f"{plain.base_model_prefix}."

    def depth(name: str) -> int:
        if name.startswith(f"{stack}."):
            return int(name.removeprefix(f"{stack}.").split(".")[0]) + 1
        if name.startswith(body) and "embed" in name.removeprefix(body):
            return 0
        return len(layers) + 1

    return {name: depth(name.removeprefix(_ADAPTED)) for name, _ in model.named_parameters()}


def freeze(model: PreTrainedModel, block: FreezeBlock) -> None:
    """Stop the gradient of the embeddings and of the lowest layers, as the recipe says.

    Raises UsageError where there are fewer layers.
    """
    n_layers = len(layer_list(model)[1])
    if block.layers > n_layers:
        raise UsageError(
            f"encoder.freeze.layers is {block.layers}, but this model has {n_layers} layers"
        )
    frozen = {*([0] if block.embeddings else []), *range(1, block.layers + 1)}
    depth = depths(model)
    for name, parameter in model.named_parameters():
        if depth[name] in frozen:
            parameter.requires_grad = False


def parameter_groups(
    model: Any, peak: float, layer_decay: float, weight_decay: float, decayed: Collection[str]
) -> list[dict[str, Any]]:
    """Optimiser groups of the trainable parameters, one a depth, with and without weight decay.

    The head comes first, because its rate is the one that Trainer logs.
    The learning rate at depth d of n + 1 is `peak` times `layer_decay` to the power n + 1 - d.
    `decayed` names the parameters that get `weight_decay`.
    """
    depth = depths(model)
    top = max(depth.values())
    groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[depth[name], name in decayed].append(parameter)
    return [
        {
            "params": parameters,
            "lr": peak * layer_decay ** (top - at),
            "weight_decay": weight_decay if is_decayed else 0.0,
        }
        for (at, is_decayed), parameters in sorted(
            groups.items(), key=lambda item: item[0], reverse=True
        )
    ]


def count_weights(model: Any) -> tuple[int, int]:
    """Number of weights in all, and of those that are trained."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, trained in sizes if trained)
