"""Calibrated probability -> tier and predicted risk level, and thresholds for a wished precision.

Tiers follow from the rounded score, so that a score read from a file gives the same tier again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adrisk.records import Tier

SCORE_DECIMALS = 6
NEVER = 2.0
"""A threshold that no probability reaches: the tier is switched off."""
RISK_LEVELS = range(7)
"""Annotators' points (Tong et al. 2017): 0 to 2 not risky, 3 unsure, 4 to 6 risky."""


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


def checked_level_cuts(cuts: Sequence[float] | None) -> tuple[float, ...] | None:
    """The lowest risk scores of the levels 1 to 6, as `predict_risk_level` takes them.

    None is a bundle without cut-points. Raises ValueError where they are not six that never fall.
    """
    if cuts is None:
        return None
    checked = tuple(float(cut) for cut in cuts)
    if len(checked) != len(RISK_LEVELS) - 1 or list(checked) != sorted(checked):
        raise ValueError("the cut-points of the risk level are not six that never fall")
    return checked


def predict_risk_level(score: float, cuts: Sequence[float]) -> int:
    """The risk level 0 to 6 of one rounded risk score: how many of the six `cuts` it reaches."""
    return bisect_right(cuts, score)
