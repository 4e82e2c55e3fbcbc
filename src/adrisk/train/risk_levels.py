"""Cut-points from the risk score to the seven risk levels, fitted on the calibration part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from adrisk.score.decide import NEVER, RISK_LEVELS, SCORE_DECIMALS

MIN_LEVEL_ADS = 30
"""With fewer labelled ads, where a level begins is luck."""


@dataclass(frozen=True)
class LevelCuts:
    """Six risk scores that never fall, the lowest of the levels 1 to 6, or None; and why."""

    cuts: list[float] | None
    note: str


def fit_level_cuts(score: np.ndarray, risk_levels: np.ndarray) -> LevelCuts:
    """Cut-points from risk scores (n_ads,) and mean risk levels (n_ads,), 0 to 6, NaN unknown.

    The expected level is an isotonic regression on the score (least squares under the order;
    Barlow et al. 1972), so a higher score never has a lower level; a level begins where the
    expectation, linear between fitted points, comes within one half of it. A level that no score
    reaches begins at NEVER. With under MIN_LEVEL_ADS levels, or one level only, nothing is fitted.
    """
    known = ~np.isnan(risk_levels)
    levels = risk_levels[known].astype(np.float64)
    if len(levels) < MIN_LEVEL_ADS or len(np.unique(levels)) < 2:
        return LevelCuts(
            None,
            f"no cut-points: {len(levels)} ads with {len(np.unique(levels))} different levels, "
            f"{MIN_LEVEL_ADS} with at least 2 are needed",
        )
    rounded = np.round(score[known].astype(np.float64), SCORE_DECIMALS)
    fitted = IsotonicRegression(y_min=RISK_LEVELS[0], y_max=RISK_LEVELS[-1]).fit(rounded, levels)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    cuts = [_first_at(level - 0.5, x, y) for level in RISK_LEVELS[1:]]
    return LevelCuts(cuts, f"isotonic regression on {len(levels)} ads with a risk level")


def _first_at(level: float, x: np.ndarray, y: np.ndarray) -> float:
    """The lowest score whose expected level is at least `level`, on the line through (x, y)."""
    reached = int(np.searchsorted(y, level, side="left"))
    if reached == len(y):
        return NEVER
    if reached == 0:
        return 0.0
    before, at = reached - 1, reached
    share = (level - y[before]) / (y[at] - y[before])
    return round(float(x[before] + share * (x[at] - x[before])), SCORE_DECIMALS)
