"""Measures of a ranking and of probabilities, and their intervals over groups of ads.

All functions take `y`, classes 0 or 1 (n_ads,), and `score` (n_ads,), higher = riskier, without
NaN. A measure that is not defined, because one class is missing, is nan, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""(y, score, weight) -> value, where weight (n_ads,) counts how often an ad is drawn."""


def base_rate(y: np.ndarray) -> float:
    """Share of positives: the average precision of a ranking by chance."""
    return float(np.mean(y)) if len(y) else float("nan")


def average_precision(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Sum over thresholds of (recall step) * precision; ties share one threshold.

    Equal to sklearn.metrics.average_precision_score; written out because the bootstrap calls it
    thousands of times on the same order.
    """
    return _Ranking(score).average_precision(y, weight)


def lift(y: np.ndarray, score: np.ndarray) -> float:
    """Average precision over base rate: how many times better than chance."""
    return average_precision(y, score) / base_rate(y) if np.any(y) else float("nan")


def roc_auc(y: np.ndarray, score: np.ndarray) -> float:
    """Probability that a positive is ranked above a negative, ties counting one half."""
    return float(roc_auc_score(y, score)) if len(np.unique(y)) == 2 else float("nan")


def precision_at_k(y: np.ndarray, score: np.ndarray, k: int) -> float:
    """Share of positives among the `k` highest scores, in expectation over the order of ties.

    With fewer than `k` ads, all of them count. nan without ads.
    """
    k = min(k, len(y))
    return _hits_at_k(y, score, k) / k if k else float("nan")


def recall_at_k(y: np.ndarray, score: np.ndarray, k: int) -> float:
    """Share of all positives among the `k` highest scores, in expectation over ties."""
    positives = float(np.sum(y))
    return _hits_at_k(y, score, min(k, len(y))) / positives if positives else float("nan")


def _hits_at_k(y: np.ndarray, score: np.ndarray, k: int) -> float:
    if k == 0:
        return 0.0
    threshold = np.sort(score)[::-1][k - 1]
    above, tied = score > threshold, score == threshold
    return float(y[above].sum() + y[tied].mean() * (k - above.sum()))


def recall_at_precision(y: np.ndarray, score: np.ndarray, precision: float) -> float:
    """Highest recall of a threshold whose precision is at least `precision`; 0 where none is."""
    positives = float(np.sum(y))
    if positives == 0:
        return float("nan")
    hits, flagged = _Ranking(score).cumulative(np.asarray(y, dtype=np.float64), None)
    reached = hits[hits >= precision * flagged]
    return float(reached.max() / positives) if len(reached) else 0.0


def brier_score(y: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    return float(np.mean((probability - y) ** 2)) if len(y) else float("nan")


def reliability_curve(
    y: np.ndarray, probability: np.ndarray, bins: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean probability, share of positives, ads) for each of up to `bins` bins of equal mass.

    Ads are sorted by probability and cut into parts whose sizes differ by at most one.
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, max(len(order), 1))) if len(part)]
    return (
        np.array([probability[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


def ece(y: np.ndarray, probability: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean |probability - share| over bins of equal mass.

    Adaptive bins after Nixon et al. 2019; with few ads it is biased upwards.
    """
    if len(y) == 0:
        return float("nan")
    mean, share, ads = reliability_curve(y, probability, bins)
    return float(np.sum(ads * np.abs(mean - share)) / len(y))


@dataclass(frozen=True)
class Interval:
    """A measure with its group-bootstrap percentile interval.

    `n_resamples` of those asked for were usable; the others held one class only.
    """

    value: float
    low: float
    high: float
    n_groups: int
    n_resamples: int
    level: float = 0.95

    def to_dict(self) -> dict[str, float | int]:
        """Plain types."""
        return asdict(self)


@dataclass(frozen=True)
class PairedInterval:
    """Difference of a measure (a minus b) on the same resampled groups."""

    difference: float
    low: float
    high: float
    p_better: float
    n_groups: int
    level: float = 0.95

    def to_dict(self) -> dict[str, float | int]:
        """Plain types."""
        return asdict(self)


def group_bootstrap(
    metric: Metric,
    y: np.ndarray,
    score: np.ndarray,
    groups: np.ndarray,
    *,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of `metric` when whole groups are drawn with replacement.

    Near-duplicates stand or fall together, so that reposts do not narrow the interval
    (Field and Welsh 2007, cluster bootstrap). `groups` (n_ads,) holds any hashable ids.
    """
    drawn, n_groups = _group_weights(groups, n, seed)
    value = metric(y, score, np.ones(len(y)))
    values = np.array([metric(y, score, weight) for weight in drawn])
    values = values[~np.isnan(values)]
    low, high = _percentiles(values)
    return Interval(value, low, high, n_groups, len(values))


def paired_group_bootstrap(
    metric: Metric,
    y: np.ndarray,
    score_a: np.ndarray,
    score_b: np.ndarray,
    groups: np.ndarray,
    *,
    n: int = 1000,
    seed: int = 0,
) -> PairedInterval:
    """Interval of metric(a) - metric(b) on the same draws; equal scores give exactly 0.

    `p_better` is the share of draws in which a is better, ties counting one half.
    """
    drawn, n_groups = _group_weights(groups, n, seed)
    ones = np.ones(len(y))
    difference = metric(y, score_a, ones) - metric(y, score_b, ones)
    values = np.array([metric(y, score_a, w) - metric(y, score_b, w) for w in drawn])
    values = values[~np.isnan(values)]
    low, high = _percentiles(values)
    better = float(np.mean((values > 0) + 0.5 * (values == 0))) if len(values) else float("nan")
    return PairedInterval(difference, low, high, better, n_groups)


def _group_weights(groups: np.ndarray, n: int, seed: int) -> tuple[list[np.ndarray], int]:
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(index.max()) + 1 if len(index) else 0
    rng = np.random.default_rng(seed)
    draws = (rng.integers(0, n_groups, n_groups) for _ in range(n if n_groups else 0))
    return [np.bincount(d, minlength=n_groups)[index].astype(np.float64) for d in draws], n_groups


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


class _Ranking:
    """Scores sorted once, so that many weightings of the same ads cost one cumulative sum each."""

    def __init__(self, score: np.ndarray) -> None:
        self._order = np.argsort(-score, kind="stable")
        ranked = score[self._order]
        self._last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def cumulative(self, y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(positives, ads) at or above each distinct score, from the highest."""
        if len(self._order) == 0:
            return np.empty(0), np.empty(0)
        weight = np.ones(len(self._order)) if weight is None else weight
        flagged = np.cumsum(weight[self._order])[self._last_of_tie]
        return np.cumsum((weight * y)[self._order])[self._last_of_tie], flagged

    def average_precision(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        hits, flagged = self.cumulative(np.asarray(y, dtype=np.float64), weight)
        if len(hits) == 0 or hits[-1] <= 0:
            return float("nan")
        precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
        return float(np.sum(np.diff(hits, prepend=0.0) * precision) / hits[-1])


def average_precision_bootstrap_metric(*scores: np.ndarray) -> Metric:
    """`average_precision` as a Metric that sorts each of the given score arrays only once."""
    rankings = {id(score): _Ranking(score) for score in scores}

    def metric(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        ranking = rankings.get(id(score))
        return (ranking or _Ranking(score)).average_precision(y, weight)

    return metric
