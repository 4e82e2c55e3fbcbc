"""What an evaluation says: the records between measuring and reporting, and their plain form.

Counts and figures alone; nothing here holds the text of an ad.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np

from adrisk.metrics import Interval


@dataclass(frozen=True)
class LabelCounts:
    """How many ads are risky (or carry the target), are not, are unsure (.5), are unlabelled."""

    positives: int
    negatives: int
    unsure: int
    unknown: int

    @property
    def ads(self) -> int:
        """Ads that are measured: those of a known class."""
        return self.positives + self.negatives


@dataclass(frozen=True)
class RiskMeasures:
    """The measures of `risk`, with intervals over groups; ads without a sure label are left out.

    `precision_at_k` and `recall_at_k` are by k, `recall_at_precision` by the precision asked for.
    `ece` has no interval: a draw repeats ads, and repeats alone raise it.
    """

    labels: LabelCounts
    base_rate: float
    average_precision: Interval
    lift: Interval
    roc_auc: Interval
    precision_at_k: dict[str, Interval]
    recall_at_k: dict[str, Interval]
    recall_at_precision: dict[str, Interval]
    brier_score: Interval
    log_loss: Interval
    ece: float


@dataclass(frozen=True)
class Cell:
    """One target or one slice. Where no measure can be given, `note` says why."""

    labels: LabelCounts
    base_rate: float = math.nan
    average_precision: Interval | None = None
    lift: float = math.nan
    roc_auc: float = math.nan
    note: str = ""


@dataclass(frozen=True)
class TierReach:
    """What happens at and above a tier's threshold.

    `precision_at_prevalence` is the precision where the share `assumed_prevalence` of all ads is
    risky: pi·TPR / (pi·TPR + (1 - pi)·FPR).
    """

    threshold: float
    recall: float
    false_positive_rate: float
    precision_at_prevalence: float


@dataclass(frozen=True)
class Tiers:
    """Ads in each tier by label, and what review and priority_review reach."""

    assumed_prevalence: float
    counts: dict[str, LabelCounts]
    reach: dict[str, TierReach]


@dataclass(frozen=True)
class LevelCell:
    """The ads that annotators gave one risk level: how many, and what was predicted for them."""

    ads: int
    mean_predicted: float
    mean_absolute_error: float


@dataclass(frozen=True)
class RiskLevels:
    """Predicted against labelled risk levels, 0 to 6, in levels.

    The `constant` figures are the lowest that one and the same level for every ad would reach here:
    what a prediction must be below to say anything. `by_level` is by labelled level. Without
    predictions there are only the counts, and `note` says why.
    """

    ads: int
    mean_absolute_error: Interval | None = None
    macro_mean_absolute_error: Interval | None = None
    constant_mean_absolute_error: float = math.nan
    constant_macro_mean_absolute_error: float = math.nan
    by_level: dict[str, LevelCell] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Curves:
    """Points for plots: aggregates only."""

    recall: list[float]
    precision: list[float]
    mean_probability: list[float]
    share_risky: list[float]
    bin_ads: list[int]
    histogram_edges: list[float]
    histogram_risky: list[int]
    histogram_not_risky: list[int]


@dataclass(frozen=True)
class RiskScores:
    """Classes, risk scores and groups of the ads with a sure label, each (n_ads,)."""

    y: np.ndarray
    score: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """Everything measured of one model on one selection of ads.

    `slices` are by column, then by value. `risk_levels` is None where no ad has a level. `scores` stay in memory, for paired comparisons.
    """

    model: dict[str, str]
    data: dict[str, Any]
    risk: RiskMeasures
    targets: dict[str, Cell]
    slices: dict[str, dict[str, Cell]]
    curves: Curves
    tiers: Tiers | None = None
    risk_levels: RiskLevels | None = None
    notes: tuple[str, ...] = ()
    scores: RiskScores | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON, without the scores; what is not defined is None."""
        return {name: plain(value) for name, value in vars(self).items() if name != "scores"}


def known_classes(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, classes 0 or 1) of the ads whose label is known and not unsure (.5)."""
    rows = np.flatnonzero(~np.isnan(target) & (target != 0.5))
    return rows, (target[rows] > 0.5).astype(np.int64)


def label_counts(target: np.ndarray) -> LabelCounts:
    """Counts of one target's labels (n_ads,)."""
    unknown, unsure = np.isnan(target), target == 0.5
    positive = int(np.sum(target > 0.5))
    n_unknown, n_unsure = int(unknown.sum()), int(unsure.sum())
    return LabelCounts(positive, len(target) - positive - n_unsure - n_unknown, n_unsure, n_unknown)


def plain(value: Any) -> Any:
    """The same nested value for JSON: records become dicts, NaN and infinities None."""
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
