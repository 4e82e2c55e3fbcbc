"""Measures of a ranking, of probabilities and of risk levels, with intervals over groups of ads.

All functions take `y`, classes 0 or 1 (n_ads,), and `score` (n_ads,), higher = riskier, without
NaN. A measure that is not defined, because one class is missing, is nan, never 0. Where a `weight`
(n_ads,) is taken, it counts how often each ad stands in the sample; None counts each once.

Average precision and ROC-AUC are written out, equal to those of scikit-learn, because the bootstrap
calls them thousands of times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np

LEVEL = 0.95
"""Coverage that the intervals aim at."""

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""(y, score, weight) -> value, where weight (n_ads,) counts how often an ad is drawn."""


def base_rate(y: np.ndarray) -> float:
    """Share of positives: the average precision of a ranking by chance."""
    return float(np.mean(y)) if len(y) else float("nan")


def average_precision(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Sum over thresholds of (recall step) * precision; ties share one threshold.

    Not interpolated, as in sklearn.metrics.average_precision_score; Boyd, Eng and Page 2013 compare
    the estimators. nan where a class is missing: without negatives every ranking would have 1.
    """
    return _Ranking(score).average_precision(y, weight)


def lift(y: np.ndarray, score: np.ndarray) -> float:
    """Average precision over base rate: how many times better than chance."""
    return average_precision(y, score) / base_rate(y) if np.any(y) else float("nan")


def roc_auc(y: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Probability that a positive is ranked above a negative, ties counting one half.

    Hanley and McNeil 1982. nan where a class is missing.
    """
    hits, flagged = _Ranking(score).cumulative(y, weight)
    alarms = flagged - hits
    if len(hits) == 0 or hits[-1] <= 0 or alarms[-1] <= 0:
        return float("nan")
    above = hits - _steps(hits) / 2
    return float(_steps(alarms).dot(above) / (hits[-1] * alarms[-1]))


def precision_recall_curve(
    y: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(precision, recall, threshold) at each distinct score, thresholds falling.

    Empty where there is no positive.
    """
    ranking = _Ranking(score)
    hits, flagged = ranking.cumulative(y, None)
    if len(hits) == 0 or hits[-1] <= 0:
        return np.empty(0), np.empty(0), np.empty(0)
    return hits / flagged, hits / hits[-1], ranking.thresholds


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
    hits, flagged = _Ranking(score).cumulative(y, None)
    # The small allowance keeps 9 of 10 at precision .9 from failing by a rounding error.
    reached = hits[hits >= precision * flagged - 1e-9]
    return float(reached.max() / positives) if len(reached) else 0.0


def brier_score(y: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    return float(np.mean((probability - y) ** 2)) if len(y) else float("nan")


def log_loss(y: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log-likelihood in nats; probabilities are kept off 0 and 1 by 2.2e-16."""
    if len(y) == 0:
        return float("nan")
    margin = np.finfo(np.float64).eps
    p = np.clip(np.asarray(probability, dtype=np.float64), margin, 1 - margin)
    return float(-np.mean(np.where(y == 1, np.log(p), np.log1p(-p))))


def reliability_curve(
    y: np.ndarray, probability: np.ndarray, bins: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean probability, share of positives, ads) for each of up to `bins` bins of equal mass.

    Ads are sorted by probability and cut into parts whose sizes differ by at most one. Ads of equal
    probability that two bins share carry their mean outcome into both, so that the order in which
    ties happen to stand changes nothing.
    """
    if len(y) == 0:
        return np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
    order = np.argsort(probability, kind="stable")
    p = np.asarray(probability, dtype=np.float64)[order]
    tie = np.cumsum(np.append(False, p[1:] != p[:-1]))
    outcome = (np.bincount(tie, weights=np.asarray(y)[order]) / np.bincount(tie))[tie]
    n_bins = min(bins, len(p))
    ends = np.cumsum([len(p) // n_bins + (b < len(p) % n_bins) for b in range(n_bins)])
    starts, ads = np.append(0, ends[:-1]), np.diff(ends, prepend=0)
    return np.add.reduceat(p, starts) / ads, np.add.reduceat(outcome, starts) / ads, ads


def ece(y: np.ndarray, probability: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean |probability - share| over bins of equal mass.

    Adaptive bins after Nixon et al. 2019; with few ads it is biased upwards.
    """
    if len(y) == 0:
        return float("nan")
    mean, share, ads = reliability_curve(y, probability, bins)
    return float(np.sum(ads * np.abs(mean - share)) / len(y))


def mean_absolute_error(level: np.ndarray, predicted: np.ndarray) -> float:
    """Mean distance of predicted from labelled risk levels, in levels; both (n_ads,), 0 to 6."""
    return float(np.mean(np.abs(level - predicted))) if len(level) else float("nan")


def macro_mean_absolute_error(level: np.ndarray, predicted: np.ndarray) -> float:
    """The mean over the levels that occur of the mean absolute error of their ads.

    Baccianella, Esuli and Sebastiani 2009: common levels do not hide the errors at rare ones. A
    mean of several annotators counts for the whole level next to it, a half for the upper one.
    """
    errors = np.abs(level - predicted)
    whole = whole_levels(level)
    by_level = [float(errors[whole == value].mean()) for value in np.unique(whole)]
    return float(np.mean(by_level)) if by_level else float("nan")


def whole_levels(level: np.ndarray) -> np.ndarray:
    """Mean levels as the whole levels next to them, int64 (n_ads,), halves upwards."""
    return np.floor(np.asarray(level, dtype=np.float64) + 0.5).astype(np.int64)


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
    level: float = LEVEL

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
    n_resamples: int
    level: float = LEVEL

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
    (Field and Welsh 2007, cluster bootstrap). `groups` (n_ads,) holds any hashable ids. `n` draws
    are made; those on which the metric is nan, because a class is missing, are left out.
    """
    groups, n_groups = _numbered(groups)
    value = metric(y, score, np.ones(len(y)))
    drawn = _group_weights(groups, n_groups, n, seed)
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
    groups, n_groups = _numbered(groups)
    ones = np.ones(len(y))
    difference = metric(y, score_a, ones) - metric(y, score_b, ones)
    drawn = _group_weights(groups, n_groups, n, seed)
    values = np.array([metric(y, score_a, w) - metric(y, score_b, w) for w in drawn])
    values = values[~np.isnan(values)]
    low, high = _percentiles(values)
    better = float(np.mean((values > 0) + 0.5 * (values == 0))) if len(values) else float("nan")
    return PairedInterval(difference, low, high, better, n_groups, len(values))


def resampled(metric: Callable[[np.ndarray, np.ndarray], float]) -> Metric:
    """A measure of (y, score) as a Metric: each ad is repeated as often as it is drawn."""

    def weighted(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        rows = np.repeat(np.arange(len(y)), weight.astype(np.int64))
        return metric(y[rows], score[rows])

    return weighted


def _numbered(groups: np.ndarray) -> tuple[np.ndarray, int]:
    """Groups as numbers from 0 (n_ads,), and how many there are."""
    names, numbers = np.unique(np.asarray(groups), return_inverse=True)
    return numbers, len(names)


def _group_weights(groups: np.ndarray, n_groups: int, n: int, seed: int) -> Iterator[np.ndarray]:
    """For each of `n` draws, how often each ad was drawn, float64 (n_ads,)."""
    rng = np.random.default_rng(seed)
    for _ in range(n if n_groups else 0):
        drawn = np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)
        yield drawn[groups].astype(np.float64)


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


class _Ranking:
    """Scores sorted once, so that many weightings of the same ads cost one cumulative sum each."""

    def __init__(self, score: np.ndarray) -> None:
        self.score = score
        self._order = np.argsort(-np.asarray(score, dtype=np.float64), kind="stable")
        ranked = np.asarray(score)[self._order]
        ends = np.flatnonzero(ranked[1:] != ranked[:-1])
        self._last_of_tie = np.append(ends, len(ranked) - 1) if len(ranked) else ends
        self.thresholds = ranked[self._last_of_tie]

    def cumulative(self, y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(positives, ads) at or above each distinct score, from the highest."""
        weight = np.ones(len(self._order)) if weight is None else weight
        flagged = weight[self._order].cumsum()[self._last_of_tie]
        return (weight * y)[self._order].cumsum()[self._last_of_tie], flagged

    def average_precision(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        hits, flagged = self.cumulative(y, weight)
        if len(hits) == 0 or hits[-1] <= 0 or hits[-1] >= flagged[-1]:
            return float("nan")
        # Above the first drawn ad nothing is flagged and no recall is gained: 0 times 0.
        precision = hits / np.maximum(flagged, 1.0)
        return float(_steps(hits).dot(precision) / hits[-1])


def _steps(cumulative: np.ndarray) -> np.ndarray:
    """What each place adds; np.diff with a 0 in front, at a third of its time."""
    steps = cumulative.copy()
    steps[1:] -= cumulative[:-1]
    return steps


def average_precision_bootstrap_metric(*scores: np.ndarray) -> Metric:
    """`average_precision` as a Metric that sorts each of the given score arrays only once."""
    rankings = [_Ranking(score) for score in scores]

    def metric(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
        known = next((ranking for ranking in rankings if ranking.score is score), None)
        return (known or _Ranking(score)).average_precision(y, weight)

    return metric
