"""The encoder before training: a pretrained one from a hub name or folder, or a small one from scratch.

Nothing that comes with a model is ever run: no remote code, safetensors weights only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    PretrainedConfig,
    PreTrainedModel,
    set_seed,
)
from transformers.utils import cached_file

from adrisk.errors import AdriskError, InputError, UsageError
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train.recipe import EncoderBlock, TokenizerBlock
from adrisk.train.tokenizer import CONTROL_TOKENS, train_tokenizer

EMBEDDED = "embedded"
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)


class BaseEncoder(NamedTuple):
    """An untrained classifier, its tokenizer.json, and what to say of its origin."""

    model: PreTrainedModel
    tokenizer_json: bytes
    about: dict[str, Any]


def build_encoder(
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    texts: Sequence[str],
    target_names: Sequence[str],
    work_dir: Path,
    seed: int,
) -> BaseEncoder:
    """The classifier with one output a target, fp32 on the CPU; the same seed, the same weights.

    `texts` of the training part train the tokenizer of the embedded encoder. Raises UsageError for
    a hub name that cannot be reached or a `max_tokens` beyond the model, InputError for a folder
    that holds no usable model.
    """
    names = list(target_names)
    labels = {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: column for column, name in enumerate(names)},
        "problem_type": "multi_label_classification",
    }
    set_seed(seed)
    if block.base is None:
        model, tokenizer_json = _embedded(block, tokenizer_block, texts, work_dir, labels)
    else:
        model, tokenizer_json = _pretrained(block.base, block.revision, labels)
    _check_fit(model, tokenizer_json, block)
    about = {
        "name": _name(block.base),
        "revision": getattr(model.config, "_commit_hash", None) or block.revision,
        "architecture": type(model).__name__,
        "n_parameters": sum(p.numel() for p in model.parameters()),
    }
    return BaseEncoder(model.eval(), tokenizer_json, about)


def _embedded(
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    texts: Sequence[str],
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
    base: str, revision: str | None, labels: dict[str, Any]
) -> tuple[PreTrainedModel, bytes]:
    if _is_folder(base):
        _check_folder(Path(base))
    where = {"revision": revision or "main", "trust_remote_code": False}
    try:
        raw, _ = PretrainedConfig.get_config_dict(base, revision=where["revision"])
        if "auto_map" in raw:
            raise InputError(
                "config.json asks for code of its own (auto_map), which is never run: take a model "
                "that transformers knows",
                file=base,
            )
        config = AutoConfig.from_pretrained(base, **where, **labels)
        tokenizer = _tokenizer(base, where)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            base,
            config=config,
            use_safetensors=True,
            dtype=torch.float32,
            # A head made for other labels is replaced; _check_weights refuses any other mismatch.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **where,
        )
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise _explain(base, error) from error
    _check_weights(base, model, report)
    return model, tokenizer


def _tokenizer(base: str, where: dict[str, Any]) -> bytes:
    """The model's tokenizer.json without truncation and padding.

    The file itself is taken where there is one: AutoTokenizer of transformers 5 builds some
    tokenizers (XLM-R) anew and loses the normaliser that the model was pretrained with.
    """
    path = cached_file(
        base, "tokenizer.json", revision=where["revision"], _raise_exceptions_for_missing_entries=False
    )  # fmt: skip
    if path is not None:
        backend = Tokenizer.from_file(path)
    else:
        backend = AutoTokenizer.from_pretrained(base, use_fast=True, **where).backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    return backend.to_str().encode()


def _name(base: str | None) -> str:
    """What the manifest says of the origin: never a path of this machine."""
    if base is None:
        return EMBEDDED
    return Path(base).resolve().name if _is_folder(base) else base


def _is_folder(base: str) -> bool:
    """Whether `base` means a folder: a hub name is `name` or `owner/name`, and no folder here."""
    return Path(base).is_dir() or base.startswith((".", "/", "~")) or base.count("/") > 1


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError("encoder.base: no such folder", file=str(folder))
    if not (folder / "config.json").is_file():
        raise InputError("no config.json: this folder holds no transformers model", str(folder))
    if not any(folder.glob("*.safetensors")):
        raise InputError(
            "no safetensors weights (other formats can run code while they load): save the model "
            "again with save_pretrained",
            file=str(folder),
        )
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise InputError(
            "no tokenizer: save it into the same folder with tokenizer.save_pretrained",
            file=str(folder),
        )


def _check_weights(base: str, model: PreTrainedModel, report: dict[str, Any]) -> None:
    """Refuse weights that leave parts of the encoder random; head and pooler may be new."""
    body = f"{model.base_model_prefix}."
    missing = [*report["missing_keys"], *(entry[0] for entry in report["mismatched_keys"])]
    lacking = sorted(key for key in missing if key.startswith(body) and ".pooler." not in key)
    if lacking:
        raise InputError(
            f"the weights do not fit config.json: {len(lacking)} tensors are missing or of another "
            f"shape, the first is {lacking[0]}",
            file=base,
        )


def _check_fit(model: PreTrainedModel, tokenizer_json: bytes, block: EncoderBlock) -> None:
    vocab_size = EncoderTokenizer(tokenizer_json).vocab_size
    rows = int(model.get_input_embeddings().weight.size(0))  # type: ignore[operator]
    if vocab_size > rows:
        raise InputError(
            f"the tokenizer has {vocab_size} tokens, the model only {rows}: they do not belong "
            "together",
            file=block.base,
        )
    pad = model.config.pad_token_id
    if pad is None:
        model.config.pad_token_id = pad = 0
    # Position tables differ between architectures: trying is the one check that fits them all.
    longest = torch.full((1, block.max_tokens), 1 if pad == 0 else 0)
    try:
        with torch.no_grad():
            model.eval()(input_ids=longest, attention_mask=torch.ones_like(longest))
    except (IndexError, RuntimeError) as error:
        raise UsageError(
            f"encoder.max_tokens is {block.max_tokens}, more than this model can read: lower it"
        ) from error


def _explain(base: str, error: Exception) -> AdriskError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if "trust_remote_code" in str(error):
        return InputError(
            "it needs code of its own, which is never run: take a model that transformers knows",
            file=base,
        )
    if _is_folder(base) or not isinstance(error, OSError):
        return InputError(f"cannot be loaded as an encoder: {reason}", file=base)
    return UsageError(
        f"encoder.base: the model {base!r} is neither a folder nor in the local Hugging Face cache, "
        "and the hub gave no answer for it. Without network, write a local folder, or set HF_HOME "
        "to a cache that holds the model (HF_HUB_OFFLINE=1 is honoured). With network, check the "
        f"name, the revision, and that the model has safetensors weights. ({reason})"
    )
