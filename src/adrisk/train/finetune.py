"""Fine-tuning of an encoder with transformers.Trainer on a masked multi-label loss.

It knows token ids and targets, nothing of ads, bundles or MLflow. Texts are tokenised by
score/encoder.py, so that training sees what scoring will see. A run that is interrupted goes on
from its last checkpoint; a finished one is read back instead of trained again.
"""

from __future__ import annotations

import logging
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging as transformers_logging

from adrisk.errors import AdriskError, UsageError
from adrisk.metrics import average_precision
from adrisk.score.encoder import EncodedText, EncoderTokenizer
from adrisk.train import checkpoints
from adrisk.train.encoder_model import build_encoder
from adrisk.train.recipe import EncoderBlock, TokenizerBlock

log = logging.getLogger(__name__)

_METRIC = "average_precision"
_DIVERGED = "training diverged, its weights are no finite numbers: lower encoder.lr.peak"


@dataclass(frozen=True)
class EncoderData:
    """Redacted texts and their targets, float32 (n_ads, n_targets) in [0, 1], NaN = unknown.

    Column 0 is the risk target.
    """

    texts: Sequence[str]
    targets: np.ndarray


@dataclass(frozen=True)
class FinetuneResult:
    """A trained encoder: torch module in evaluation mode, fp32, on the CPU, and its story.

    `history` has one entry an evaluation. `validation_average_precision` is that of the risk target
    at `best_step`, whose weights these are; nan where the validation part lacks one class.
    """

    model: PreTrainedModel = field(repr=False)
    tokenizer_json: bytes = field(repr=False)
    history: list[dict[str, float]]
    validation_average_precision: float
    best_step: int
    base_model: dict[str, Any]


def finetune(
    block: EncoderBlock,
    tokenizer_block: TokenizerBlock,
    train: EncoderData,
    validation: EncoderData,
    target_names: Sequence[str],
    work_dir: Path,
    seed: int,
    *,
    resume: bool = True,
    callbacks: Sequence[TrainerCallback] = (),
) -> FinetuneResult:
    """Fine-tune on `train` and keep the step with the best average precision on `validation`.

    `work_dir` holds checkpoints while training runs and the finished model afterwards; with
    `resume` a run with the same settings and ads goes on from there. Raises UsageError where it
    holds checkpoints of another run, and the errors of `build_encoder`.
    """
    work_dir = work_dir.resolve()
    identity = checkpoints.identity(
        work_dir, block, tokenizer_block, (train, validation), target_names, seed
    )
    checkpoints.claim(work_dir, identity, resume=resume)
    with _QuietTransformers():
        finished = checkpoints.load_finished(work_dir)
    if finished is not None:
        log.info("encoder: %s holds this very run, finished: nothing is trained again", work_dir)
        return FinetuneResult(**finished)
    with _QuietTransformers():
        base = build_encoder(block, tokenizer_block, train.texts, target_names, work_dir, seed)
        tokenizer = EncoderTokenizer(base.tokenizer_json)
        trainer = _trainer(base.model, tokenizer, block, train, validation, work_dir, seed)
        for callback in callbacks:
            trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=checkpoints.last(work_dir))
        _settle(base.model, block)
        best = trainer.state.best_metric
        result = FinetuneResult(
            model=base.model,
            tokenizer_json=base.tokenizer_json,
            history=_history(trainer.state.log_history),
            validation_average_precision=float("nan") if best is None else float(best),
            best_step=trainer.state.best_global_step or trainer.state.global_step,
            base_model=base.about,
        )
        checkpoints.save_finished(work_dir, vars(result))
    shutil.rmtree(work_dir / checkpoints.CHECKPOINTS, ignore_errors=True)
    return result


class MaskedLoss:
    """Multi-label binary cross-entropy that leaves unknown labels out and takes soft ones.

    The risk target weighs 1 and the others together `auxiliary_weight`, each averaged over its
    known labels. The averages are those of the whole training part, so that the loss of a batch is
    a sum over its ads and gradient accumulation is exact.
    """

    def __init__(self, targets: np.ndarray, block: EncoderBlock) -> None:
        known = ~np.isnan(targets)
        share = known.mean(axis=0)
        weight = np.full(targets.shape[1], block.auxiliary_weight / max(share[1:].sum(), 1e-12))
        weight[0] = 1.0 / max(share[0], 1e-12)
        self.weight = torch.tensor(weight, dtype=torch.float32)
        positive = np.where(known, targets, 0.0).sum(axis=0)
        negative = known.sum(axis=0) - positive
        cap = block.max_class_weight if block.class_weights else 1.0
        balance = np.clip(negative / np.maximum(positive, 1e-12), 1.0 / cap, cap)
        self.positive_weight = torch.tensor(balance, dtype=torch.float32)

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Loss of a batch. `num_items_in_batch`: label cells of the effective batch (Trainer)."""
        logits = outputs["logits"].float()
        known = ~torch.isnan(labels)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits,
            torch.where(known, labels, 0.0),
            weight=self.weight.to(logits.device) * known,
            pos_weight=self.positive_weight.to(logits.device),
            reduction="sum",
        )
        cells = labels.numel() if num_items_in_batch is None else num_items_in_batch
        return loss * labels.shape[1] / cells


class _Rows(torch.utils.data.Dataset):
    """Tokenised ads; shortest first where `by_length`, which makes evaluation batches cheap."""

    def __init__(
        self, encoded: Sequence[EncodedText], targets: np.ndarray, *, by_length: bool
    ) -> None:
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids) if by_length else 0)
        self._rows = [
            {"input_ids": encoded[i].ids, "labels": targets[i].astype(np.float32)} for i in order
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self._rows[index]


class Collator:
    """Rows -> a batch padded to its longest ad: ids and mask int64, labels float32."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        """Build one batch."""
        longest = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), longest), self._pad, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[number, :length] = torch.from_numpy(row["input_ids"].astype(np.int64))
            mask[number, :length] = 1
        labels = torch.from_numpy(np.stack([row["labels"] for row in rows]))
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _trainer(
    model: PreTrainedModel,
    tokenizer: EncoderTokenizer,
    block: EncoderBlock,
    train: EncoderData,
    validation: EncoderData,
    work_dir: Path,
    seed: int,
) -> Trainer:
    def rows(data: EncoderData, by_length: bool) -> _Rows:
        encoded = tokenizer.encode(data.texts, block.max_tokens)
        return _Rows(encoded, data.targets, by_length=by_length)

    has_both = len(np.unique(_sure(validation.targets[:, 0])[1])) == 2
    if not has_both:
        log.warning("encoder: no validation labels of both classes, so the last step is taken")
    trainer = Trainer(
        model=model,
        args=_arguments(block, len(train.texts), has_both, work_dir, seed),
        train_dataset=rows(train, False),
        eval_dataset=rows(validation, True) if has_both else None,
        data_collator=Collator(model.config.pad_token_id),
        compute_loss_func=MaskedLoss(train.targets, block),
        compute_metrics=_validation_metrics,
        callbacks=[_Progress()],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout
    if has_both:
        trainer.add_callback(EarlyStoppingCallback(block.early_stopping_patience))
    return trainer


def _arguments(
    block: EncoderBlock, n_ads: int, has_validation: bool, work_dir: Path, seed: int
) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    batches = math.ceil(n_ads / (block.batch_size * max(1, torch.cuda.device_count())))
    steps_per_epoch = math.ceil(batches / block.gradient_accumulation)
    total = max(1, math.ceil(block.epochs * steps_per_epoch))
    every = max(1, min(total, steps_per_epoch // block.evals_per_epoch))
    return TrainingArguments(
        output_dir=str(work_dir / checkpoints.CHECKPOINTS),
        num_train_epochs=block.epochs,
        per_device_train_batch_size=block.batch_size,
        per_device_eval_batch_size=2 * block.batch_size,
        gradient_accumulation_steps=block.gradient_accumulation,
        train_sampling_strategy="group_by_length",
        learning_rate=block.lr.peak,
        warmup_steps=block.lr.warmup_fraction,
        weight_decay=block.lr.weight_decay,
        seed=seed,
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        **_precision(block),
        logging_steps=every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if has_validation else "no",
        eval_steps=every,
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=has_validation,
        metric_for_best_model=_METRIC if has_validation else None,
        greater_is_better=True if has_validation else None,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        report_to="none",
    )


def _precision(block: EncoderBlock) -> dict[str, Any]:
    cuda = torch.cuda.is_available()
    wanted = block.precision
    if wanted == "fp16" and not cuda:
        raise UsageError("encoder.precision: fp16 needs a GPU; write auto, fp32 or bf16")
    if wanted == "auto":
        if not cuda:
            wanted = "fp32"
        elif torch.cuda.is_bf16_supported(including_emulation=False):
            wanted = "bf16"
        else:
            wanted = "fp16"
    return {"bf16": wanted == "bf16", "fp16": wanted == "fp16"}


def _sure(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and classes of the ads whose label is known and not unsure."""
    rows = np.flatnonzero(~np.isnan(target) & (target != 0.5))
    return rows, (target[rows] > 0.5).astype(int)


def _validation_metrics(prediction: Any) -> dict[str, float]:
    scores = np.asarray(prediction.predictions)[:, 0]
    if not np.isfinite(scores).all():
        raise AdriskError(_DIVERGED)
    rows, y = _sure(np.asarray(prediction.label_ids)[:, 0])
    return {_METRIC: average_precision(y, scores[rows])}


def _settle(model: PreTrainedModel, block: EncoderBlock) -> None:
    """Bring a trained model to the CPU in fp32, with the weights as they will be stored."""
    model.cpu().float().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if block.store_weights == "fp16":
                # export_onnx stores what fp16 holds exactly as fp16: torch stays its reference.
                parameter.copy_(parameter.half().float())
            if not torch.isfinite(parameter).all():
                raise AdriskError(_DIVERGED)


def _history(log_history: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """One entry a logged step: training loss and, where evaluated, the validation figures."""
    names = {
        "loss": "train_loss",
        "learning_rate": "learning_rate",
        "eval_loss": "validation_loss",
        f"eval_{_METRIC}": "validation_average_precision",
    }
    steps: dict[int, dict[str, float]] = {}
    for entry in log_history:
        found = {new: float(entry[old]) for old, new in names.items() if old in entry}
        if found:
            step = int(entry["step"])
            steps.setdefault(step, {"step": step, "epoch": float(entry["epoch"])}).update(found)
    return [steps[step] for step in sorted(steps)]


class _Progress(TrainerCallback):
    """A bar on stderr where that is a terminal; Trainer's own one writes to stdout as well."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar at the step the run starts from."""
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc="fine-tuning",
            unit="step",
            file=sys.stderr,
            disable=None,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Advance by one optimiser step."""
        self._bar.update()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show the validation figure."""
        self._bar.set_postfix({_METRIC: f"{kwargs['metrics'][f'eval_{_METRIC}']:.3f}"})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self._bar.close()


class _QuietTransformers:
    """Keeps transformers' own bars and notes (new head, missing pooler) off the terminal."""

    def __enter__(self) -> None:
        self._verbosity = transformers_logging.get_verbosity()
        self._bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()

    def __exit__(self, *error: object) -> None:
        transformers_logging.set_verbosity(self._verbosity)
        if self._bars:
            transformers_logging.enable_progress_bar()
