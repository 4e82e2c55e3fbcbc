"""Thresholds from the calibration part: the tiers, the category thresholds, the operating curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve

from adrisk.score.decide import NEVER, OperatingCurve
from adrisk.train.recipe import OperatingBlock

MAX_CURVE_POINTS = 200
MIN_POSITIVES = 5
"""With fewer, the best F1 is luck, and a category would be named at a probability of nothing."""


@dataclass(frozen=True)
class OperatingResult:
    """Blocks for the manifest, as plain types."""

    operating_points: dict[str, float]
    operating_curve: dict[str, list[float]]


def fit_operating_points(
    probability: np.ndarray, y: np.ndarray, block: OperatingBlock
) -> OperatingResult:
    """Tier thresholds from cross-fitted probabilities (n_ads,) and classes 0 or 1 (n_ads,).

    `review` is the lowest threshold that at most `review_false_positive_rate` of the non-risky ads
    reach; `priority_review` the lowest one whose precision is at least `priority_precision` at
    `assumed_prevalence`, never below `review`, and NEVER where no threshold reaches it.

    The curve that precision is read from counts one false alarm more than was seen (the rule of
    succession, Laplace 1814): no false alarm among 16 ads does not promise one in a thousand, so
    a small calibration part leaves `priority_review` off.
    """
    curve = operating_curve(probability, y)
    allowed = np.flatnonzero(
        np.asarray(curve.false_positive_rates) <= block.review_false_positive_rate
    )
    review = float(curve.thresholds[allowed[-1]]) if len(allowed) else NEVER
    cautious = _cautious(curve, negatives=int(np.sum(y == 0)))
    priority = cautious.threshold_for_precision(block.priority_precision, block.assumed_prevalence)
    thinned = _thin(cautious)
    return OperatingResult(
        {"review": review, "priority_review": max(priority, review)},
        {
            "thresholds": list(thinned.thresholds),
            "true_positive_rates": list(thinned.true_positive_rates),
            "false_positive_rates": list(thinned.false_positive_rates),
        },
    )


def operating_curve(probability: np.ndarray, y: np.ndarray) -> OperatingCurve:
    """Rates at every distinct score, thresholds falling; a score at the threshold is flagged."""
    thresholds = np.unique(np.round(probability, 6))[::-1]
    positives, negatives = np.sort(probability[y == 1]), np.sort(probability[y == 0])

    def share_at_or_above(ascending: np.ndarray) -> list[float]:
        below = np.searchsorted(np.round(ascending, 6), thresholds, side="left")
        return [float(v) for v in (len(ascending) - below) / max(len(ascending), 1)]

    return OperatingCurve(
        [float(t) for t in thresholds], share_at_or_above(positives), share_at_or_above(negatives)
    )


def category_threshold(probability: np.ndarray, y: np.ndarray) -> float:
    """The threshold of best F1; 0.5 with fewer than MIN_POSITIVES ads of either class."""
    if min(np.sum(y == 1), np.sum(y == 0)) < MIN_POSITIVES:
        return 0.5
    precision, recall, thresholds = precision_recall_curve(y, probability)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(f1[:-1])])


def _cautious(curve: OperatingCurve, negatives: int) -> OperatingCurve:
    alarms = np.asarray(curve.false_positive_rates) * negatives
    rates = (alarms + 1.0) / (negatives + 2.0)
    return OperatingCurve(curve.thresholds, curve.true_positive_rates, rates.tolist())


def _thin(curve: OperatingCurve) -> OperatingCurve:
    n = len(curve.thresholds)
    keep = np.unique(np.linspace(0, n - 1, min(n, MAX_CURVE_POINTS)).round().astype(int))

    def pick(values: Any) -> list[float]:
        return [round(float(values[i]), 6) for i in keep]

    return OperatingCurve(
        pick(curve.thresholds), pick(curve.true_positive_rates), pick(curve.false_positive_rates)
    )
