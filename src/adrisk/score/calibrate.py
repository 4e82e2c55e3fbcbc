"""Logits -> calibrated probabilities, and the shift of a probability to another base rate.

Calibrators are fitted in train/calibrator.py and travel in the manifest as plain numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.errors import BundleError

_EDGE = 1e-12


def sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, without overflow for large |z|."""
    shrunk = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, shrunk) / (1.0 + shrunk)


def apply_calibrator(
    calibrator: Mapping[str, Any], logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities of one target, same shape as `logits`.

    Kinds: `platt` p = sigmoid(a * z + b) (Platt 1999; temperature scaling, Guo et al. 2017, is the
    case a = 1/T, b = 0); `isotonic` linear interpolation between fitted points (x, y) (Zadrozny
    and Elkan 2002). Raises BundleError for an unknown kind.
    """
    kind = calibrator.get("kind")
    if kind == "platt":
        return sigmoid(calibrator["a"] * logits + calibrator["b"])
    if kind == "isotonic":
        between: NDArray[np.float64] = np.interp(logits, calibrator["x"], calibrator["y"])
        return between
    raise BundleError("manifest.json", f"unknown calibrator kind {kind!r}")


def calibrate(
    calibrators: Sequence[Mapping[str, Any]], logits: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Logits (n_ads, n_targets) -> probabilities of the same shape, one calibrator a column."""
    wide = logits.astype(np.float64)
    columns = [apply_calibrator(c, wide[:, i]) for i, c in enumerate(calibrators)]
    return np.stack(columns, axis=1) if columns else wide


def shift_prior(
    probability: NDArray[np.float64], base_rate: float, prevalence: float
) -> NDArray[np.float64]:
    """Probabilities calibrated at `base_rate`, restated for ads in which `prevalence` are risky.

    p' = p·r1 / (p·r1 + (1-p)·r0) with r1 = prevalence / base_rate and
    r0 = (1 - prevalence) / (1 - base_rate) (Saerens, Latinne and Decaestecker 2002, equation 2.4).
    """
    p = np.clip(probability, _EDGE, 1.0 - _EDGE)
    risky = p * prevalence / base_rate
    other = (1.0 - p) * (1.0 - prevalence) / (1.0 - base_rate)
    return risky / (risky + other)
