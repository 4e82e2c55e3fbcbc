"""One training run in several processes, as torchrun and `accelerate launch --multi_gpu` start them.

The main process (rank 0) does all that one process would do; the others only help it to fine-tune,
and leave. A process that fails ends the run: the others lose its connection and fail too.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
from collections.abc import Iterator

from adrisk.errors import AdriskError

log = logging.getLogger(__name__)

PATIENCE = datetime.timedelta(hours=2)
"""How long a process waits for another that is alive: the main one may train a linear model first."""


def count() -> int:
    """Number of processes of this run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this is the process that writes, logs and registers."""
    return int(os.environ.get("RANK", "0")) == 0


def warn_if_alone() -> None:
    """Say so where `accelerate launch --cpu` was to start several processes: it starts one."""
    asked = (
        os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_PORT" in os.environ
    )
    if asked and "WORLD_SIZE" not in os.environ:
        log.warning(
            "accelerate launch --cpu has started one process alone; several start with "
            "`accelerate launch --multi_gpu --num_processes N -m adrisk train`, on CPUs too, or "
            "with `torchrun --nproc-per-node N -m adrisk train`"
        )


@contextlib.contextmanager
def main_first() -> Iterator[None]:
    """The main process runs the block, then all others do."""
    if not is_main():
        _meet()
    yield
    if is_main():
        _meet()


@contextlib.contextmanager
def together() -> Iterator[None]:
    """A block that all processes run at once; what another's end does to it becomes a clear error."""
    try:
        yield
    except RuntimeError as error:
        if count() == 1 or not _is_lost_connection(error):
            raise
        raise AdriskError(
            "another process of this training run has stopped; its own message says why. Start the "
            "same command again to go on from the last checkpoint"
        ) from error


def _meet() -> None:
    if count() > 1:
        with together():
            _state().wait_for_everyone()


def _state():  # type: ignore[no-untyped-def]
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)


def _is_lost_connection(error: RuntimeError) -> bool:
    from torch.distributed import DistError

    words = ("gloo", "connection", "nccl", "peer", "timed out")
    return isinstance(error, DistError) or any(word in str(error).lower() for word in words)
