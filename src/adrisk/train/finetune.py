"""Fine-tuning of an encoder with transformers.Trainer on a masked multi-label loss.

It knows token ids and targets, nothing of ads, bundles or MLflow. Texts are tokenised by
score/encoder.py, so that training sees what scoring will see. A run that is interrupted goes on
from its last checkpoint; a finished one is read back instead of trained again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from adrisk.errors import AdriskError, UsageError
from adrisk.metrics import average_precision
from adrisk.score.encoder import EncoderTokenizer
from adrisk.train import checkpoints, processes
from adrisk.train.batches import Collator, LengthGroupedOrder, MaskedLoss, Rows
from adrisk.train.encoder_model import BaseEncoder, build_encoder
from adrisk.train.layers import count_weights, parameter_groups
from adrisk.train.lora import add_adapters, merged
from adrisk.train.progress import Progress, QuietTransformers
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
    `resume` a run with the same settings and ads goes on from there. Several processes share each
    batch, and only the main one writes. Raises UsageError where `work_dir` holds checkpoints of
    another run, and the errors of `build_encoder`.
    """
    work_dir = work_dir.resolve()
    identity = checkpoints.identity(
        work_dir, block, tokenizer_block, (train, validation), target_names, seed
    )
    with processes.main_first():
        if processes.is_main():
            checkpoints.claim(work_dir, identity, resume=resume)
    with QuietTransformers():
        finished = checkpoints.load_finished(work_dir)
    if finished is not None:
        log.info("encoder: %s holds this very run, finished: nothing is trained again", work_dir)
        return FinetuneResult(**finished)
    with QuietTransformers(), processes.together():
        with processes.main_first(), _own_folder(work_dir) as folder:
            base = build_encoder(block, tokenizer_block, train.texts, target_names, folder, seed)
        model = base.model if block.lora is None else add_adapters(base.model, block.lora)
        trainer = _trainer(model, base.tokenizer_json, block, train, validation, work_dir, seed)
        for callback in callbacks:
            trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=checkpoints.last(work_dir))
    with QuietTransformers():
        result = _result(base, model, trainer, block)
        if processes.is_main():
            checkpoints.save_finished(work_dir, vars(result))
            shutil.rmtree(work_dir / checkpoints.CHECKPOINTS, ignore_errors=True)
    return result


@contextlib.contextmanager
def _own_folder(work_dir: Path) -> Iterator[Path]:
    """The work folder for the main process, a passing one for every other."""
    if processes.is_main():
        yield work_dir
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def _result(base: BaseEncoder, model: Any, trainer: Trainer, block: EncoderBlock) -> FinetuneResult:
    n_trained = count_weights(model)[1]
    plain = merged(model)
    _settle(plain, block)
    best = trainer.state.best_metric
    return FinetuneResult(
        model=plain,
        tokenizer_json=base.tokenizer_json,
        history=_history(trainer.state.log_history),
        validation_average_precision=float("nan") if best is None else float(best),
        best_step=trainer.state.best_global_step or trainer.state.global_step,
        base_model={**base.about, "n_trained": n_trained},
    )


class _Trainer(Trainer):
    """Trainer with the recipe's learning rates a layer and an order of ads that any number of
    processes shares."""

    def __init__(self, *, block: EncoderBlock, **settings: Any) -> None:
        super().__init__(**settings)
        self._block = block

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        rows: Any = self.train_dataset
        return LengthGroupedOrder(
            rows.lengths,
            self._block.batch_size * self._block.gradient_accumulation,
            self.args.seed,
            lambda: int((self.state.epoch or 0) + 1e-6),
            fill=processes.count() > 1,
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW over one group of parameters a layer."""
        if self.optimizer is None:
            model = self.model if model is None else model
            kind, settings = self.get_optimizer_cls_and_kwargs(self.args, model)
            lr = self._block.lr
            decayed = self.get_decay_parameter_names(model)
            groups = parameter_groups(model, lr.peak, lr.layer_decay, lr.weight_decay, decayed)
            self.optimizer = kind(groups, **settings)
        return self.optimizer


def _trainer(
    model: Any,
    tokenizer_json: bytes,
    block: EncoderBlock,
    train: EncoderData,
    validation: EncoderData,
    work_dir: Path,
    seed: int,
) -> Trainer:
    tokenizer = EncoderTokenizer(tokenizer_json)

    def rows(data: EncoderData, by_length: bool) -> Rows:
        encoded = tokenizer.encode(data.texts, block.max_tokens)
        return Rows(encoded, data.targets, by_length=by_length)

    has_both = len(np.unique(_sure(validation.targets[:, 0])[1])) == 2
    if not has_both:
        log.warning("encoder: no validation labels of both classes, so the last step is taken")
    trainer = _Trainer(
        block=block,
        model=model,
        args=_arguments(block, len(train.texts), has_both, work_dir, seed),
        train_dataset=rows(train, False),
        eval_dataset=rows(validation, True) if has_both else None,
        data_collator=Collator(model.config.pad_token_id),
        compute_loss_func=MaskedLoss(train.targets, block),
        compute_metrics=_validation_metrics,
        callbacks=[Progress(_METRIC)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout
    if has_both:
        trainer.add_callback(EarlyStoppingCallback(block.early_stopping_patience))
    return trainer


def _arguments(
    block: EncoderBlock, n_ads: int, has_validation: bool, work_dir: Path, seed: int
) -> TrainingArguments:
    cuda, n_processes = torch.cuda.is_available(), processes.count()
    if block.batch_size % n_processes:
        raise UsageError(
            f"encoder.batch_size is {block.batch_size}: it must be a multiple of the "
            f"{n_processes} processes that share each batch"
        )
    n_devices = 1 if n_processes > 1 else max(1, torch.cuda.device_count())
    batches = math.ceil(n_ads / (block.batch_size * n_devices))
    steps_per_epoch = math.ceil(batches / block.gradient_accumulation)
    total = max(1, math.ceil(block.epochs * steps_per_epoch))
    every = max(1, min(total, steps_per_epoch // block.evals_per_epoch))
    return TrainingArguments(
        output_dir=str(work_dir / checkpoints.CHECKPOINTS),
        num_train_epochs=block.epochs,
        per_device_train_batch_size=block.batch_size // n_processes,
        per_device_eval_batch_size=2 * block.batch_size,
        gradient_accumulation_steps=block.gradient_accumulation,
        learning_rate=block.lr.peak,
        warmup_steps=block.lr.warmup_fraction,
        weight_decay=block.lr.weight_decay,
        seed=seed,
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        **precision_flags(block.precision, "encoder.precision"),
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
        ddp_timeout=int(processes.PATIENCE.total_seconds()),
        report_to="none",
    )


def precision_flags(wanted: str, key: str) -> dict[str, Any]:
    """`wanted` as Trainer's flags. Raises UsageError, naming the recipe's `key`, for no such device."""
    cuda = torch.cuda.is_available()
    if wanted == "fp16" and not cuda:
        raise UsageError(f"{key}: fp16 needs a GPU; write auto, fp32 or bf16")
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
