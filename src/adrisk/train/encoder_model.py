"""The encoder before training: a pretrained one from a hub name or folder, or a small one from scratch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    PreTrainedModel,
    set_seed,
)

from adrisk.errors import InputError, UsageError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train import hub
from adrisk.train.layers import freeze
from adrisk.train.lora import merge_adapter
from adrisk.train.recipe import EncoderBlock, TokenizerBlock
from adrisk.train.tokenizer import CONTROL_TOKENS, train_tokenizer
from adrisk.train.vocabulary import trim_vocabulary

EMBEDDED = "embedded"


class BaseEncoder(NamedTuple):
    """An untrained classifier, its tokenizer.json, and what to say of its origin."""

    model: PreTrainedModel
    tokenizer_json: bytes
    about: dict[str, Any]


def build_encoder(
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    texts: Iterable[str],
    target_names: Sequence[str],
    work_dir: Path,
    seed: int,
) -> BaseEncoder:
    """The classifier with one output a target, fp32 on the CPU; the same seed, the same weights.

    `texts` of the training part train the tokenizer of the embedded encoder, or say what to keep
    of a vocabulary. Raises UsageError for a hub name that cannot be reached or a `max_tokens`
    beyond the model, InputError for a model or adapter that cannot be used.
    """
    names = list(target_names)
    labels = {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: column for column, name in enumerate(names)},
        "problem_type": "multi_label_classification",
    }
    set_seed(seed)
    commit = None
    if block.base is None:
        model, tokenizer_json = _embedded(block, tokenizer_block, texts, work_dir, labels)
    else:
        commit = hub.commit_of(block.base, block.revision)
        model, tokenizer_json = _pretrained(block, block.base, commit, labels)
    _check_fit(model, tokenizer_json, block)
    about: dict[str, Any] = {
        "name": EMBEDDED if block.base is None else hub.short_name(block.base),
        "revision": commit,
        "architecture": type(model).__name__,
    }
    if block.base is not None and block.adapter is not None:
        model = merge_adapter(model, block.adapter, block.base)
        about["adapter"] = hub.short_name(block.adapter)
    if block.vocabulary.trim:
        trimmed = trim_vocabulary(model, tokenizer_json, list(texts), block.vocabulary)
        model, tokenizer_json = trimmed.model, trimmed.tokenizer_json
        about["vocabulary"] = {"before": trimmed.n_before, "after": trimmed.n_after}
    freeze(model, block.freeze)
    about["n_parameters"] = sum(p.numel() for p in model.parameters())
    return BaseEncoder(model.eval(), tokenizer_json, about)


def _embedded(
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    texts: Iterable[str],
    work_dir: Path,
    labels: dict[str, Any],
) -> tuple[PreTrainedModel, bytes]:
    path = work_dir / "tokenizer.json"
    train_tokenizer(texts, tokenizer_block, path)
    content = path.read_bytes()
    small = block.small
    if small.hidden_size % small.num_heads:
        raise UsageError("encoder.small: num_heads must divide hidden_size")
    config = BertConfig(
        vocab_size=EncoderTokenizer(content).vocab_size,
        hidden_size=small.hidden_size,
        num_hidden_layers=small.num_layers,
        num_attention_heads=small.num_heads,
        intermediate_size=small.intermediate_size,
        max_position_embeddings=block.max_tokens,
        type_vocab_size=1,
        pad_token_id=CONTROL_TOKENS.index("[PAD]"),
        **labels,
    )
    return AutoModelForSequenceClassification.from_config(config), content


def _pretrained(
    block: EncoderBlock, base: str, revision: str | None, labels: dict[str, Any]
) -> tuple[PreTrainedModel, bytes]:
    config = hub.load_config(base, revision, **labels)
    if block.pooling is not None:
        if config.model_type == "modernbert":
            config.classifier_pooling = block.pooling
        elif block.pooling != "cls":
            raise UsageError(
                f"encoder.pooling: the head of a {config.model_type} model reads the first token; "
                "write cls or null (modernbert also has mean)"
            )
    tokenizer = hub.load_tokenizer(base, revision, block.tokenizer_class)
    model = hub.load_weights(AutoModelForSequenceClassification, base, revision, config)
    return model, tokenizer


def _check_fit(model: PreTrainedModel, tokenizer_json: bytes, block: EncoderBlock) -> None:
    vocab_size = EncoderTokenizer(tokenizer_json).vocab_size
    rows = int(model.get_input_embeddings().weight.size(0))  # type: ignore[operator]
    if vocab_size > rows:
        raise InputError(
            f"the tokenizer has {vocab_size} tokens, the model only {rows}: they do not belong "
            "together",
            file=block.base,
        )
    if 2 * vocab_size < rows:
        raise InputError(
            f"the tokenizer has {vocab_size} tokens, the model {rows}: most of the vocabulary is "
            "lost. Write the tokenizer's class, such as encoder.tokenizer_class=XLMRobertaTokenizer, "
            "or put the right tokenizer.json beside the weights",
            file=block.base,
        )
    pad = model.config.pad_token_id
    if pad is None:
        model.config.pad_token_id = pad = 0
    # Rotary positions have no table that ends; a table may hold fewer than the config says.
    too_long = block.max_tokens > getattr(model.config, "max_position_embeddings", block.max_tokens)
    longest = torch.full((1, block.max_tokens), 1 if pad == 0 else 0)
    try:
        if not too_long:
            with torch.no_grad():
                model.eval()(input_ids=longest, attention_mask=torch.ones_like(longest))
    except (IndexError, RuntimeError):
        too_long = True
    if too_long:
        raise UsageError(
            f"encoder.max_tokens is {block.max_tokens}, more than this model can read: lower it"
        )
