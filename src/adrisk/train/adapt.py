"""Adaptation of an encoder to unlabelled ads, before it is fine-tuned.

work folder:
run.json      settings and hashes of the run that owns the folder (no ad text)
tokens/       the text as token ids, while it is trained on
checkpoints/  Trainer's checkpoints, while it runs
finished/     figures.json and adapted-<hash>/: the weights that fine-tuning starts from

A killed run goes on from its last checkpoint; before the first one it starts anew, and only where it
had not read all of its text yet does it read again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    PreTrainedModel,
    TrainerCallback,
    set_seed,
)

from adrisk.train import adapt_tokens, checkpoints, hub, processes
from adrisk.train.adapt_tokens import TextSource, Tokens, load_tokens, write_tokens
from adrisk.train.encoder_model import BaseEncoder, build_encoder
from adrisk.train.masked_lm import measure, train_masked_lm
from adrisk.train.masked_tokens import masking
from adrisk.train.progress import QuietTransformers
from adrisk.train.recipe import (
    AdaptBlock,
    EncoderBlock,
    FreezeBlock,
    TokenizerBlock,
    VocabularyBlock,
)

log = logging.getLogger(__name__)

_FIGURES = "figures.json"


@dataclass(frozen=True)
class Adaptation:
    """What an adaptation run is made of.

    `read` opens the text. `training_texts` train the tokenizer of the embedded encoder. `hashes`
    are those of everything that is read: texts, training ads, held-out ads.
    """

    block: AdaptBlock
    encoder: EncoderBlock
    tokenizer: TokenizerBlock
    read: Callable[[], TextSource]
    training_texts: Sequence[str] = field(repr=False)
    hashes: Mapping[str, Any]
    seed: int

    def identity(self, work_dir: Path) -> dict[str, Any]:
        """Everything that decides the result; other keys of the encoder belong to fine-tuning."""
        origin = {"base", "revision", "tokenizer_class", "small", "max_tokens"}
        encoder = self.encoder.model_dump(mode="json", include=origin)
        return {
            "folder": str(work_dir),
            **checkpoints.flat("adapt", self.block.model_dump(mode="json", exclude={"texts"})),
            **checkpoints.flat("encoder", encoder),
            **checkpoints.flat("tokenizer", self.tokenizer.model_dump(mode="json")),
            "seed": self.seed,
            "processes": processes.count(),
            **self.hashes,
        }


@dataclass(frozen=True)
class Adapted:
    """An adapted encoder: the folder that fine-tuning starts from, and its story.

    `base` holds `name` and `revision` of what was adapted. `figures` are for the card: what was
    read and left out, and the loss on held-out text before and after (None where there is none).
    """

    folder: Path
    base: dict[str, Any]
    figures: dict[str, Any]
    history: list[dict[str, float]]


def adapt(
    run: Adaptation,
    work_dir: Path,
    *,
    resume: bool = True,
    callbacks: Sequence[TrainerCallback] = (),
) -> Adapted:
    """Train the encoder of `run` to predict masked tokens of its text.

    Several processes share each batch, and only the main one reads and writes. Raises UsageError
    where `work_dir` holds checkpoints of another run, InputError where no text is left or the base
    cannot be adapted, AdriskError where training diverges, and the errors of `build_encoder`.
    """
    work_dir = work_dir.resolve()
    identity = run.identity(work_dir)
    with QuietTransformers(), processes.main_first():
        if processes.is_main():
            checkpoints.claim(work_dir, identity, resume=resume)
            if _finished(work_dir) is None and load_tokens(work_dir, identity) is None:
                _tokenise(run, work_dir, identity)
    if (finished := _finished(work_dir)) is not None:
        log.info("adapt: %s holds this very run, finished: nothing is trained again", work_dir)
        return finished
    tokens = load_tokens(work_dir, identity)
    assert tokens is not None  # just written
    with QuietTransformers(), processes.together():
        model, figures, history = _train(run, tokens, work_dir, callbacks)
    with QuietTransformers(), processes.main_first():
        if processes.is_main():
            _save(work_dir, model, tokens, figures, history)
    finished = _finished(work_dir)
    assert finished is not None
    return finished


def _tokenise(run: Adaptation, work_dir: Path, identity: Mapping[str, Any]) -> None:
    whole = {"vocabulary": VocabularyBlock(), "freeze": FreezeBlock(), "lora": None}
    encoder = run.encoder.model_copy(update=whole)

    def build(texts: Iterable[str]) -> BaseEncoder:
        return build_encoder(encoder, run.tokenizer, texts, ["risk"], work_dir, run.seed)

    # A base that cannot be used is refused before hours of reading.
    built = None if run.block.trains_tokenizer else build(run.training_texts)
    write_tokens(
        work_dir,
        identity,
        run.read(),
        lambda texts: built or build(_Both(run.training_texts, texts)),
        max_tokens=run.block.max_tokens or run.encoder.max_tokens,
        held_out_share=run.block.held_out_share,
    )


def _train(
    run: Adaptation, tokens: Tokens, work_dir: Path, callbacks: Sequence[TrainerCallback]
) -> tuple[PreTrainedModel, dict[str, Any], list[dict[str, float]]]:
    mask = masking(tokens.tokenizer_json, run.block.mask_probability, run.encoder.base)
    model, new_head = _masked_model(run, tokens)
    before = measure(model, tokens.held_out, mask, run.block.batch_size)
    n_steps, history = train_masked_lm(
        model, tokens.train, mask, run.block, work_dir, run.seed, callbacks
    )
    after = measure(model, tokens.held_out, mask, run.block.batch_size)
    figures = {
        **tokens.counts,
        "windows": len(tokens.train),
        "tokens": tokens.train.n_tokens,
        "steps": n_steps,
        "new_head": new_head,
        "held_out_windows": len(tokens.held_out),
        "held_out_loss": None if math.isnan(before) else {"before": before, "after": after},
    }
    if not math.isnan(before):
        history = [
            {"step": 0, "adapt_held_out_loss": before},
            *history,
            {"step": n_steps, "adapt_held_out_loss": after},
        ]
    return model.cpu(), figures, history


def _masked_model(run: Adaptation, tokens: Tokens) -> tuple[PreTrainedModel, bool]:
    """The model with a masked-language head, and whether that head starts at random."""
    set_seed(run.seed)
    base = run.encoder.base
    if base is None:
        config = AutoConfig.from_pretrained(tokens.folder, trust_remote_code=False)
        config.num_labels, config.problem_type = 2, None  # as in a config without a classifier
        return AutoModelForMaskedLM.from_config(config), True
    revision = tokens.base["revision"]
    new: list[str] = []
    config = hub.load_config(base, revision)
    model = hub.load_weights(AutoModelForMaskedLM, base, revision, config, new)
    body = f"{model.base_model_prefix}."
    new_head = any(not name.startswith(body) for name in new)
    if new_head:
        log.warning("adapt: the base has no masked-language head, so a new one is trained with it")
    return model, new_head


def _save(
    work_dir: Path,
    model: PreTrainedModel,
    tokens: Tokens,
    figures: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
) -> None:
    """Write finished/ as a whole. The folder's name changes with the weights, and with it the
    identity of the fine-tuning that starts from them."""
    temporary = work_dir / f".{checkpoints.FINISHED}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    weights = temporary / "adapted"
    model.save_pretrained(weights)
    (weights / adapt_tokens.TOKENIZER).write_bytes(tokens.tokenizer_json)
    digest = hashlib.sha256()
    for path in sorted(weights.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    weights = weights.rename(temporary / f"adapted-{digest.hexdigest()[:12]}")
    record = {
        "weights": weights.name,
        "base": tokens.base,
        "figures": figures,
        "history": history,
    }
    (temporary / _FIGURES).write_text(json.dumps(record, indent=1), encoding="utf-8")
    temporary.replace(work_dir / checkpoints.FINISHED)
    for passing in (adapt_tokens.FOLDER, checkpoints.CHECKPOINTS):
        shutil.rmtree(work_dir / passing, ignore_errors=True)


def _finished(work_dir: Path) -> Adapted | None:
    folder = work_dir / checkpoints.FINISHED
    if not folder.is_dir():
        return None
    record = json.loads((folder / _FIGURES).read_text(encoding="utf-8"))
    return Adapted(folder / record["weights"], record["base"], record["figures"], record["history"])


class _Both:
    """Two collections of texts, one after the other, as often as wanted."""

    def __init__(self, *parts: Iterable[str]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[str]:
        for part in self._parts:
            yield from part
