"""Ads as batches for the Trainer: rows, their order, padding, and the loss over known labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from transformers.trainer_pt_utils import get_length_grouped_indices

from adrisk.score.encoder import EncodedText
from adrisk.train.recipe import EncoderBlock

_IGNORED = -100.0  # labels that Trainer does not count: those of rows that only fill a batch


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
        known = ~torch.isnan(labels) & (labels != _IGNORED)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits,
            torch.where(known, labels, 0.0),
            weight=self.weight.to(logits.device) * known,
            pos_weight=self.positive_weight.to(logits.device),
            reduction="sum",
        )
        cells = labels.numel() if num_items_in_batch is None else num_items_in_batch
        return loss * labels.shape[1] / cells


class Rows(torch.utils.data.Dataset):
    """Tokenised ads; shortest first where `by_length`, which makes evaluation batches cheap.

    The number behind the last is a row that only fills a batch: one token, and labels that count
    nowhere.
    """

    def __init__(
        self, encoded: Sequence[EncodedText], targets: np.ndarray, *, by_length: bool
    ) -> None:
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids) if by_length else 0)
        self._rows = [
            {"input_ids": encoded[i].ids, "labels": targets[i].astype(np.float32)} for i in order
        ]
        self._filler = {
            "input_ids": self._rows[0]["input_ids"][:1],
            "labels": np.full_like(self._rows[0]["labels"], _IGNORED),
        }

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return self._filler if index == len(self._rows) else self._rows[index]

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of every ad."""
        return [len(row["input_ids"]) for row in self._rows]


class LengthGroupedOrder(torch.utils.data.Sampler):
    """Row numbers at random, ads of like length together: an order of seed and epoch alone.

    Where several processes share each batch, filling rows complete the last one, so that every
    process gets its share of the very batches that one process would see.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        epoch: Callable[[], int],
        *,
        fill: bool,
    ) -> None:
        self._lengths, self._batch_size, self._seed = list(lengths), batch_size, seed
        self._epoch = epoch
        self._n_filling = -len(lengths) % batch_size if fill else 0

    def __len__(self) -> int:
        return len(self._lengths) + self._n_filling

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + 1_000_003 * self._epoch())
        order = get_length_grouped_indices(self._lengths, self._batch_size, generator=generator)
        return iter([*order, *[len(self._lengths)] * self._n_filling])


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
