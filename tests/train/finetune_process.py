"""One process of a fine-tuning run, started by test_processes: BASE WORK_DIR [STEP TO FAIL AT]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from adrisk.errors import AdriskError
from adrisk.train import processes
from adrisk.train.finetune import FinetuneResult, finetune
from tests.train.encoder_toys import TARGETS, TOKENIZER, block, toy_data


class Fail(TrainerCallback):
    """The second process fails at a step; -1 for never. The steps trained are counted."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.first: int | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.first = state.global_step if self.first is None else self.first
        if state.global_step == self.step and not processes.is_main():
            raise AdriskError("an error of the second process")


def run(base: str, work_dir: str, callback: TrainerCallback) -> FinetuneResult:
    """92 ads, which eights do not divide, and two checkpoints an epoch."""
    settings = block(base=base, batch_size=8, gradient_accumulation=2, epochs=3, evals_per_epoch=2)
    data = toy_data(92, 1), toy_data(41, 2)
    return finetune(settings, TOKENIZER, *data, TARGETS, Path(work_dir), 0, callbacks=[callback])


if __name__ == "__main__":
    fail = Fail(int(sys.argv[3]) if len(sys.argv) > 3 else -1)
    try:
        run(sys.argv[1], sys.argv[2], fail)
    except AdriskError as error:
        sys.exit(f"error: {error}")
    print(f"first step: {fail.first}")
