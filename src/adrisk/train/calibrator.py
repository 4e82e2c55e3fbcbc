"""Fitting of calibrators on the calibration part, cross-fitted by group.

The calibrator that ships is fitted on the whole part; thresholds and figures of the same part use
the cross-fitted probabilities, in which no ad was seen by the calibrator that scored it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from adrisk.errors import RecipeError
from adrisk.score.calibrate import apply_calibrator, sigmoid
from adrisk.train.recipe import CalibrationBlock

MIN_ISOTONIC_POSITIVES = 500
"""Below this many positives isotonic regression overfits (Niculescu-Mizil and Caruana 2005)."""

_MIN_PER_CLASS = 5


@dataclass(frozen=True)
class Calibration:
    """A calibrator for the manifest, and cross-fitted probabilities (n_ads,), NaN where unknown."""

    calibrator: dict[str, Any]
    cross_fitted: np.ndarray
    note: str


def fit_calibrator(
    logits: np.ndarray,
    target: np.ndarray,
    groups: np.ndarray,
    block: CalibrationBlock,
    seed: int,
) -> Calibration:
    """Fit one target's calibrator.

    `logits`, `target` (0 to 1, NaN unknown) and `groups` are (n_ads,). Unsure ads (.5) are left
    out. With fewer than 5 ads of either class nothing is fitted: the plain sigmoid stands and the
    note says so. Raises RecipeError for isotonic with under 500 positives.
    """
    logits = logits.astype(np.float64)
    sure = np.flatnonzero(~np.isnan(target) & (target != 0.5))
    y = (target[sure] > 0.5).astype(int)
    positives, negatives = int(y.sum()), int(len(y) - y.sum())
    cross = np.full(len(logits), np.nan)
    if min(positives, negatives) < _MIN_PER_CLASS:
        cross[sure] = sigmoid(logits[sure])
        note = f"not calibrated: {positives} positives and {negatives} negatives"
        return Calibration({"kind": "platt", "a": 1.0, "b": 0.0}, cross, note)
    method = _method(block.method, positives)
    folds = min(block.folds, positives, negatives, len(np.unique(groups[sure])))
    cross[sure] = sigmoid(logits[sure])
    if folds >= 2:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for fit, held in splitter.split(logits[sure], y, groups[sure]):
            if len(np.unique(y[fit])) == 2:
                fold = _fit(method, logits[sure][fit], y[fit])
                cross[sure[held]] = apply_calibrator(fold, logits[sure][held])
    note = f"{method} on {positives} positives and {negatives} negatives, {folds} group folds"
    return Calibration(_fit(method, logits[sure], y), cross, note)


def _method(wished: str, positives: int) -> str:
    if wished == "isotonic" and positives < MIN_ISOTONIC_POSITIVES:
        raise RecipeError(
            f"calibration.method: isotonic needs {MIN_ISOTONIC_POSITIVES} positives in the "
            f"calibration part, there are {positives}: use platt or temperature"
        )
    return "platt" if wished == "auto" else wished


def _fit(method: str, logits: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    if method == "isotonic":
        model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(logits, y)
        return {
            "kind": "isotonic",
            "x": model.X_thresholds_.tolist(),
            "y": model.y_thresholds_.tolist(),
        }
    if method == "temperature":
        slope = LogisticRegression(C=np.inf, fit_intercept=False).fit(logits[:, None], y)
        return {"kind": "platt", "a": max(float(slope.coef_[0, 0]), 1e-3), "b": 0.0}
    # Platt's targets (1999, section 2.2) keep the slope finite where classes are separable.
    n1, n0 = y.sum(), len(y) - y.sum()
    soft = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    both = LogisticRegression(C=np.inf, max_iter=1000).fit(
        np.concatenate([logits, logits])[:, None],
        np.concatenate([np.ones_like(y), np.zeros_like(y)]),
        sample_weight=np.concatenate([soft, 1 - soft]),
    )
    # A falling calibrator would turn the ranking round; a model that bad keeps its order, flat.
    return {
        "kind": "platt",
        "a": max(float(both.coef_[0, 0]), 1e-3),
        "b": float(both.intercept_[0]),
    }
