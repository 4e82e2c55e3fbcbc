"""A pretrained encoder from a hub name or a local folder: its config, tokenizer and weights.

Nothing that comes with a model is ever run: no remote code, safetensors weights only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel
from transformers.utils import cached_file
from transformers.utils.hub import extract_commit_hash

from adrisk.errors import AdriskError, InputError, UsageError

ENCODERS = (
    "albert",
    "bert",
    "camembert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "modernbert",
    "mpnet",
    "rembert",
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
)
"""Values of `model_type` that work: the score of an ad does not depend on padding, and the export
to ONNX agrees with torch. A type that is missing here was not tried, or failed one of the two."""

_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_CONVERT = (
    "other formats can run code while they load. Where the hub has only pytorch_model.bin, its "
    "conversion bot has often opened a pull request with a safetensors copy: look at the model's "
    "pull requests and write encoder.revision=refs/pr/NUMBER. Or convert it once, with a file that "
    "you trust: AutoModel.from_pretrained(NAME).save_pretrained(FOLDER), the tokenizer likewise, "
    "and write that folder as encoder.base"
)


def is_folder(base: str) -> bool:
    """Whether `base` means a folder: a hub name is `name` or `owner/name`, and no folder here."""
    return Path(base).is_dir() or base.startswith((".", "/", "~")) or base.count("/") > 1


def short_name(base: str) -> str:
    """What the manifest says of the origin: the hub name, or a folder's own name without its path."""
    return Path(base).resolve().name if is_folder(base) else base


def commit_of(base: str, revision: str | None) -> str | None:
    """The commit that a hub model's `revision` (a branch, a tag, refs/pr/N) stands for now.

    None for a folder. Raises UsageError for a hub name or revision that cannot be reached.
    """
    if is_folder(base):
        return None
    try:
        path = cached_file(base, "config.json", revision=revision or "main")
    except (OSError, ValueError) as error:
        raise _unreachable(base, error) from error
    return extract_commit_hash(path, None)


def load_config(base: str, revision: str | None, **changes: Any) -> PretrainedConfig:
    """The config of a supported encoder, with `changes`.

    Raises UsageError for a hub name that cannot be reached, InputError for a folder without a
    model, for a model that asks for code of its own, and for an architecture not in ENCODERS.
    """
    if is_folder(base):
        _check_folder(Path(base))
    where = _where(revision)
    try:
        raw, _ = PretrainedConfig.get_config_dict(base, revision=where["revision"])
    except (OSError, ValueError) as error:
        raise _unreachable(base, error) from error
    if "auto_map" in raw:
        raise InputError(
            "config.json asks for code of its own (auto_map), which is never run: take a model "
            "that transformers knows",
            file=base,
        )
    kind = raw.get("model_type")
    if kind not in ENCODERS or raw.get("is_decoder") or raw.get("is_encoder_decoder"):
        raise InputError(
            f"config.json says model_type {kind!r}, which is no encoder that can be fine-tuned "
            f"here; these are: {', '.join(ENCODERS)}",
            file=base,
        )
    try:
        return AutoConfig.from_pretrained(base, **where, **changes)
    except (OSError, ValueError, TypeError) as error:
        raise _broken(base, error) from error


def load_tokenizer(base: str, revision: str | None, tokenizer_class: str | None = None) -> bytes:
    """The model's tokenizer.json without truncation and padding.

    The file itself is taken where there is one: AutoTokenizer of transformers 5 builds some
    tokenizers (XLM-R) anew and loses the normaliser that the model was pretrained with. Otherwise
    the tokenizer is built from the vocabulary file, by `tokenizer_class` of transformers or by the
    class that the model's own files name. Raises InputError where there is none to build.
    """
    where = _where(revision)
    path = cached_file(
        base, "tokenizer.json", revision=where["revision"], _raise_exceptions_for_missing_entries=False
    )  # fmt: skip
    try:
        if path is not None:
            backend = Tokenizer.from_file(path)
        else:
            kind: Any = getattr(transformers, tokenizer_class or "AutoTokenizer", None)
            if not hasattr(kind, "from_pretrained"):
                raise UsageError(
                    f"encoder.tokenizer_class: transformers has no {tokenizer_class}: write a class "
                    "name such as XLMRobertaTokenizer"
                )
            backend = kind.from_pretrained(base, **where).backend_tokenizer
    except AdriskError:
        raise
    except Exception as error:
        raise InputError(
            f"no tokenizer can be read ({_first_line(error)}): put the model's tokenizer.json beside "
            "its weights",
            file=base,
        ) from error
    backend.no_truncation()
    backend.no_padding()
    return bytes(backend.to_str(), "utf-8")


def load_weights(
    auto_class: Any,
    base: str,
    revision: str | None,
    config: PretrainedConfig,
    new: list[str] | None = None,
) -> PreTrainedModel:
    """The model of `auto_class` (an AutoModelFor… of transformers) in fp32 on the CPU.

    Its head may be new: `new` collects the names of tensors that the weights lack. Raises InputError where the weights are missing, damaged, in another
    format than safetensors, or leave a part of the encoder itself random.
    """
    where = _where(revision)
    if not any(
        cached_file(base, name, revision=where["revision"], _raise_exceptions_for_missing_entries=False)
        for name in _WEIGHTS
    ):  # fmt: skip
        raise InputError(f"no safetensors weights: {_CONVERT}", file=base)
    try:
        model, report = auto_class.from_pretrained(
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
        raise _broken(base, error) from error
    _check_weights(base, model, report)
    if new is not None:
        new += report["missing_keys"]
    return model


def _where(revision: str | None) -> dict[str, Any]:
    return {"revision": revision or "main", "trust_remote_code": False}


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError("encoder.base: no such folder", file=str(folder))
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise InputError(
                "this is a LoRA adapter, no whole model: write its base as encoder.base and this "
                "folder as encoder.adapter",
                file=str(folder),
            )
        raise InputError("no config.json: this folder holds no transformers model", str(folder))
    if not any((folder / name).is_file() for name in _WEIGHTS):
        raise InputError(f"no safetensors weights: {_CONVERT}", file=str(folder))
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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _broken(base: str, error: Exception) -> InputError:
    return InputError(f"cannot be loaded as an encoder: {_first_line(error)}", file=base)


def _unreachable(base: str, error: Exception) -> AdriskError:
    if is_folder(base):
        return _broken(base, error)
    return UsageError(
        f"encoder.base: the model {base!r} is neither a folder nor in the local Hugging Face cache, "
        "and the hub gave no answer for it. Without network, write a local folder, or set HF_HOME "
        "to a cache that holds the model (HF_HUB_OFFLINE=1 is honoured). With network, check the "
        f"name and the revision. ({_first_line(error)})"
    )
