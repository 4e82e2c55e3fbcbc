"""What a fine-tuning run shows: one bar on stderr, and nothing of transformers' own notes."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback
from transformers.utils import logging as transformers_logging


class Progress(TrainerCallback):
    """A bar on stderr where that is a terminal; Trainer's own one writes to stdout as well."""

    def __init__(self, metric: str, what: str = "fine-tuning") -> None:
        self._metric, self._what = metric, what
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar at the step the run starts from."""
        self._bar = tqdm(
            total=state.max_steps,
            initial=state.global_step,
            desc=self._what,
            unit="step",
            file=sys.stderr,
            disable=None if state.is_world_process_zero else True,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Advance by one optimiser step."""
        self._bar.update()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show the validation figure."""
        self._bar.set_postfix({self._metric: f"{kwargs['metrics'][f'eval_{self._metric}']:.3f}"})

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the bar."""
        self._bar.close()


class QuietTransformers:
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
