"""Masked-language-model training of an encoder with transformers.Trainer.

It knows token ids, nothing of ads, files or recipes' other blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from adrisk.errors import AdriskError, UsageError
from adrisk.train import checkpoints, processes
from adrisk.train.batches import LengthGroupedOrder
from adrisk.train.finetune import precision_flags
from adrisk.train.masked_tokens import IGNORED, MaskedCollator, MaskedRows, Masking, Windows
from adrisk.train.progress import Progress
from adrisk.train.recipe import AdaptBlock

MAX_MEASURED = 2_000
"""Rows that the loss on held-out text is measured on, at most."""

_MEASURE_SEED = 75158
_LOGS = 50


class PredictedOnly:
    """Lets only the hidden states of predicted tokens go on from a model's body to its head.

    A head reads each token alone, and the logits of a whole batch over a large vocabulary take
    gigabytes. While the block is open, `where` is the mask of predicted tokens, bool (n_rows,
    n_tokens), of the batch that is run next; the logits come as (1, n_predicted, n_vocabulary).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._body: Any = model.base_model
        self.where = torch.zeros(0, dtype=torch.bool)

    def __enter__(self) -> PredictedOnly:
        self._hook = self._body.register_forward_hook(self._select)
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()

    def _select(self, module: Any, inputs: Any, output: Any) -> Any:
        output["last_hidden_state"] = output["last_hidden_state"][self.where].unsqueeze(0)
        return output


def masked_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """Cross-entropy of predicted tokens, nats a token: logits (1, n_predicted, n_vocabulary), labels
    (1, n_predicted).

    `num_items_in_batch`: predicted tokens of the effective batch (Trainer), so that gradient
    accumulation and several processes are exact.
    """
    logits = outputs["logits"].float()
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="sum"
    )
    return loss / (labels.numel() if num_items_in_batch is None else num_items_in_batch)


def train_masked_lm(
    model: PreTrainedModel,
    windows: Windows,
    mask: Masking,
    block: AdaptBlock,
    work_dir: Path,
    seed: int,
    callbacks: Sequence[TrainerCallback] = (),
) -> tuple[int, list[dict[str, float]]]:
    """Train `model` in place, from the last checkpoint in `work_dir` where there is one.

    Gives the number of steps, and the history with one entry a logged step. Raises AdriskError
    where training diverges.
    """
    with PredictedOnly(model) as predicted:
        trainer = _trainer(model, windows, mask, block, work_dir, seed, predicted)
        for callback in callbacks:
            trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=checkpoints.last(work_dir))
    model.cpu().float().eval()
    if not all(torch.isfinite(parameter).all() for parameter in model.parameters()):
        raise AdriskError(
            "adaptation diverged, its weights are no finite numbers: lower adapt.lr.peak"
        )
    history = [
        {
            "step": int(entry["step"]),
            "adapt_loss": float(entry["loss"]),
            "adapt_learning_rate": float(entry["learning_rate"]),
        }
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    return trainer.state.global_step, history


def measure(model: PreTrainedModel, windows: Windows, mask: Masking, batch_size: int) -> float:
    """Loss on held-out rows, nats a predicted token, under masks that are always the same.

    NaN where there is no row.
    """
    rows = MaskedRows(windows, mask, _MEASURE_SEED)
    collate = MaskedCollator(_pad(model))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).eval()  # type: ignore[arg-type]
    total, n_tokens = 0.0, 0
    with torch.no_grad(), PredictedOnly(model) as predicted:
        for start in range(0, min(len(rows), MAX_MEASURED), batch_size):
            end = min(start + batch_size, len(rows), MAX_MEASURED)
            batch = {
                k: v.to(device) for k, v in collate([rows[i] for i in range(start, end)]).items()
            }
            labels = batch.pop("labels")
            predicted.where = labels != IGNORED
            labels = labels[predicted.where].unsqueeze(0)
            total += float(masked_loss(model(**batch), labels, 1))
            n_tokens += labels.numel()
    return total / n_tokens if n_tokens else math.nan


def _trainer(
    model: PreTrainedModel,
    windows: Windows,
    mask: Masking,
    block: AdaptBlock,
    work_dir: Path,
    seed: int,
    predicted: PredictedOnly,
) -> Trainer:
    trainer = _Trainer(
        predicted=predicted,
        order=(block.batch_size * block.gradient_accumulation, seed),
        model=model,
        args=_arguments(block, len(windows), work_dir, seed),
        train_dataset=MaskedRows(windows, mask, seed),
        data_collator=MaskedCollator(_pad(model)),
        compute_loss_func=masked_loss,
        callbacks=[Progress("", "adapting")],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout
    return trainer


class _Trainer(Trainer):
    """Trainer with the project's order of rows, whose masks change with the epoch."""

    def __init__(
        self, *, predicted: PredictedOnly, order: tuple[int, int], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._predicted, self._order = predicted, order
        rows: Any = self.train_dataset
        rows.epoch = self._epoch

    def compute_loss(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        """The loss of one batch, over its predicted tokens alone."""
        self._predicted.where = inputs["labels"] != IGNORED
        labels = inputs["labels"][self._predicted.where].unsqueeze(0)
        return super().compute_loss(model, {**inputs, "labels": labels}, *rest, **more)

    def _epoch(self) -> int:
        return int((self.state.epoch or 0) + 1e-6)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        rows: Any = self.train_dataset
        fill = processes.count() > 1
        return LengthGroupedOrder(rows.lengths, *self._order, self._epoch, fill=fill)


def _arguments(block: AdaptBlock, n_rows: int, work_dir: Path, seed: int) -> TrainingArguments:
    cuda, n_processes = torch.cuda.is_available(), processes.count()
    if block.batch_size % n_processes:
        raise UsageError(
            f"adapt.batch_size is {block.batch_size}: it must be a multiple of the {n_processes} "
            "processes that share each batch"
        )
    per_step = block.batch_size * block.gradient_accumulation
    total = block.steps or max(1, math.ceil(block.epochs * math.ceil(n_rows / per_step)))
    arguments = TrainingArguments(
        output_dir=str(work_dir / checkpoints.CHECKPOINTS),
        num_train_epochs=block.epochs,
        max_steps=block.steps or -1,
        per_device_train_batch_size=block.batch_size // n_processes,
        gradient_accumulation_steps=block.gradient_accumulation,
        learning_rate=block.lr.peak,
        warmup_steps=block.lr.warmup_fraction,
        weight_decay=block.lr.weight_decay,
        seed=seed,
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        **precision_flags(block.precision, "adapt.precision"),
        logging_steps=max(1, total // _LOGS),
        logging_nan_inf_filter=False,
        eval_strategy="no",
        save_steps=block.checkpoint_every,
        save_total_limit=2,
        remove_unused_columns=False,
        label_names=["labels"],
        disable_tqdm=True,
        ddp_timeout=int(processes.PATIENCE.total_seconds()),
        report_to="none",
    )
    # Several GPUs take several processes: what PredictedOnly does, no threads over parts of a batch
    # can do.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _pad(model: PreTrainedModel) -> int:
    return int(model.config.pad_token_id or 0)
