"""The work folder of a fine-tuning run: whose it is, where to go on, and the finished model.

run.json        settings and hashes of the run that owns the folder (no ad text)
checkpoints/    Trainer's checkpoints while it runs
finished/       the trained model, its tokenizer and its figures
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from transformers import AutoModelForSequenceClassification

from adrisk.errors import UsageError
from adrisk.train import processes
from adrisk.train.recipe import EncoderBlock, TokenizerBlock

RUN = "run.json"
CHECKPOINTS = "checkpoints"
FINISHED = "finished"
_FIGURES = "figures.json"
_TOKENIZER = "encoder_tokenizer.json"  # apart from the name that transformers reads


class _Data(Protocol):
    @property
    def texts(self) -> Sequence[str]: ...
    @property
    def targets(self) -> np.ndarray: ...


def identity(
    work_dir: Path,
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    parts: tuple[_Data, _Data],
    target_names: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """Everything that decides a run's result, as a flat mapping. The folder belongs to it, because
    Trainer's checkpoints name each other by full path."""
    return {
        "folder": str(work_dir),
        **flat("encoder", block.model_dump(mode="json")),
        **flat("tokenizer", tokenizer_block.model_dump(mode="json")),
        **_files(block),
        "targets": " ".join(target_names),
        "seed": seed,
        "processes": processes.count(),
        "training ads": _sha256(parts[0]),
        "validation ads": _sha256(parts[1]),
    }


def claim(work_dir: Path, wanted: Mapping[str, Any], *, resume: bool) -> None:
    """Make the folder this run's, or raise UsageError where another's checkpoints lie in it."""
    work_dir.mkdir(parents=True, exist_ok=True)
    found = _owner(work_dir)
    if not resume:
        shutil.rmtree(work_dir / CHECKPOINTS, ignore_errors=True)
    elif found != wanted and last(work_dir) is not None:
        changed = [
            key if "ads" in key else f"{key} was {found.get(key)!r}, now {wanted.get(key)!r}"
            for key in sorted({*found, *wanted})
            if found.get(key) != wanted.get(key)
        ]
        raise UsageError(
            f"{work_dir} holds checkpoints of another run ({'; '.join(changed)}): take another "
            "work folder, or delete this one to start anew"
        )
    if not resume or found != wanted:
        shutil.rmtree(work_dir / FINISHED, ignore_errors=True)
    (work_dir / RUN).write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")


def last(work_dir: Path) -> str | None:
    """The newest whole checkpoint; one that a kill left half-written has no trainer_state.json."""
    found = sorted(
        (work_dir / CHECKPOINTS).glob("checkpoint-*/trainer_state.json"),
        key=lambda path: int(path.parent.name.partition("-")[2]),
    )
    return str(found[-1].parent) if found else None


def save_finished(work_dir: Path, result: Mapping[str, Any]) -> None:
    """Write a finished run's fields (those of FinetuneResult) as safetensors and JSON."""
    temporary = work_dir / f".{FINISHED}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    result["model"].save_pretrained(temporary)
    (temporary / _TOKENIZER).write_bytes(result["tokenizer_json"])
    figures = {k: v for k, v in result.items() if k not in ("model", "tokenizer_json")}
    (temporary / _FIGURES).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    temporary.replace(work_dir / FINISHED)


def load_finished(work_dir: Path) -> dict[str, Any] | None:
    """The fields that `save_finished` wrote, or None where the run is not finished."""
    folder = work_dir / FINISHED
    if not folder.is_dir():
        return None
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, trust_remote_code=False, use_safetensors=True, dtype="float32"
    )
    figures = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    return {
        "model": model.eval(),
        "tokenizer_json": (folder / _TOKENIZER).read_bytes(),
        **figures,
    }


def _owner(work_dir: Path) -> dict[str, Any]:
    try:
        found = json.loads((work_dir / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def flat(name: str, block: Mapping[str, Any]) -> dict[str, Any]:
    """A block of a recipe as one mapping from dotted names to values."""
    found: dict[str, Any] = {}
    for key, value in block.items():
        inner = f"{name}.{key}"
        found.update(flat(inner, value) if isinstance(value, Mapping) else {inner: value})
    return found


def _files(block: EncoderBlock) -> dict[str, str]:
    """Hashes of the files that settings name, because their content may change under the name."""
    adapter = block.adapter and str(Path(block.adapter) / "adapter_model.safetensors")
    named = {"adapter file": adapter, "vocabulary file": block.vocabulary.keep_languages_text}
    return {
        name: hashlib.sha256(Path(path).read_bytes()).hexdigest()
        for name, path in named.items()
        if path and Path(path).is_file()
    }


def _sha256(data: _Data) -> str:
    digest = sha256_of_texts(data.texts)
    digest.update(np.ascontiguousarray(data.targets, dtype=np.float32).tobytes())
    return digest.hexdigest()


def sha256_of_texts(texts: Iterable[str]) -> hashlib._Hash:
    """A SHA-256 that has read `texts`, each with its length, in order."""
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest
