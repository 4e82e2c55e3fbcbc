"""Calibrated probability -> tier, and thresholds for a wished precision.

Tiers follow from the rounded score, so that a score read from a file gives the same tier again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.records import Tier

SCORE_DECIMALS = 6
NEVER = 2.0
"""A threshold that no probability reaches: the tier is switched off."""


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """The lowest risk scores of the tiers `review` and `priority_review`."""

    review: float
    priority_review: float


@dataclass(frozen=True, slots=True)
class OperatingCurve:
    """True- and false-positive rates at falling thresholds, measured on the calibration part.

    The false-positive rates of a bundle are cautious: see train/operating_points.py.
    """

    thresholds: Sequence[float]
    true_positive_rates: Sequence[float]
    false_positive_rates: Sequence[float]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> OperatingCurve:
        """From the manifest's `operating_curve`."""
        return cls(raw["thresholds"], raw["true_positive_rates"], raw["false_positive_rates"])

    def precision(self, prevalence: float) -> NDArray[np.float64]:
        """Precision at each threshold where `prevalence` of all ads are risky.

        pi·TPR / (pi·TPR + (1 - pi)·FPR); 0 where nothing is flagged.
        """
        hits = prevalence * np.asarray(self.true_positive_rates, dtype=np.float64)
        alarms = (1.0 - prevalence) * np.asarray(self.false_positive_rates, dtype=np.float64)
        flagged = hits + alarms
        return np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)

    def threshold_for_precision(self, precision: float, prevalence: float) -> float:
        """The lowest threshold whose precision reaches `precision`; NEVER where none does."""
        reached = np.flatnonzero(self.precision(prevalence) >= precision)
        return float(self.thresholds[reached[-1]]) if len(reached) else NEVER


def decide_tier(score: float, points: OperatingPoints) -> Tier:
    """The tier of one rounded risk score."""
    if score >= points.priority_review:
        return Tier.PRIORITY_REVIEW
    return Tier.REVIEW if score >= points.review else Tier.NO_ACTION
