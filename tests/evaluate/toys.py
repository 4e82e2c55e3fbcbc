"""The toy dataset with other labels or columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.prepared import AdDataset


def altered(dataset: AdDataset, **changes: Any) -> AdDataset:
    """The same ads with columns (by attribute) or targets (by name) replaced."""
    targets = dataset.targets.copy()
    for name in [name for name in changes if name in TARGETS]:
        targets[:, TARGETS.index(name)] = np.asarray(changes.pop(name), dtype=np.float32)
    return replace(dataset, targets=targets, **changes)
