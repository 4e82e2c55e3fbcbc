"""One process of an adaptation run, started by test_adapt: BASE WORK_DIR.

It writes the name of the adapted folder to WORK_DIR.rank-N: processes that share one standard
output write into each other's lines.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adrisk.train.adapt import Adapted, adapt
from tests.train.encoder_toys import block
from tests.train.test_adapt import TEXTS, Source, adaptation


def run(base: str, work_dir: str) -> Adapted:
    """37 ads, which eights do not divide."""
    texts = TEXTS[:37]
    settings = {"epochs": 2, "batch_size": 8, "held_out_share": 0.1}
    encoder = block(base=base)
    return adapt(adaptation(encoder, lambda: Source(texts), **settings), Path(work_dir))


if __name__ == "__main__":
    name = run(sys.argv[1], sys.argv[2]).folder.name
    Path(f"{sys.argv[2]}.rank-{os.environ['RANK']}").write_text(name)
