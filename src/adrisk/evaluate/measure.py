"""Scores and labels of one part -> every figure that is published of a model.

A bundle is measured through score.Scorer alone, on raw texts, so a figure is a figure of what
ships. Results hold counts and figures, never the text of an ad.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from adrisk import metrics
from adrisk.codebook.codebook import RISK, TARGETS
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import UsageError
from adrisk.evaluate.evaluation import (
    Cell,
    Curves,
    Evaluation,
    LevelCell,
    RiskLevels,
    RiskMeasures,
    RiskScores,
    TierReach,
    Tiers,
    known_classes,
    label_counts,
)
from adrisk.metrics import Interval
from adrisk.records import AdType, Tier
from adrisk.score.decide import (
    RISK_LEVELS,
    SCORE_DECIMALS,
    OperatingPoints,
    decide_tier,
    predict_risk_level,
)
from adrisk.score.scorer import Scorer

N_RESAMPLES = 1000
MIN_SLICE_ADS = 10
"""A slice with fewer labelled ads, or without both classes, shows its counts only."""

REVIEW_CAPACITIES = (10, 50, 100, 500)
PRECISIONS = (0.80, 0.90)

_CURVE_POINTS = 200
_HISTOGRAM_BINS = 20
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")


def evaluate_scorer(
    scorer: Scorer,
    dataset: AdDataset,
    *,
    n_resamples: int = N_RESAMPLES,
    allow_training_part: bool = False,
) -> Evaluation:
    """Score the raw texts with the scorer (loaded without `prevalence`) and measure.

    Raises UsageError where the ads are of the training part, unless `allow_training_part` says
    that the part has another meaning, and InputError for an ad that cannot be scored.
    """
    if "train" in dataset.parts and not allow_training_part:
        raise UsageError(
            "these ads are of the training part: figures of ads that a model has learned from say "
            "nothing; evaluate the part 'test'"
        )
    probabilities = scorer.predict_proba(dataset.texts)
    risk = np.round(probabilities[:, scorer.targets.index(RISK)], SCORE_DECIMALS)
    return evaluate_scores(
        dataset,
        probabilities,
        scorer.targets,
        n_resamples=n_resamples,
        model={
            "kind": scorer.kind,
            "model_version": scorer.model_version,
            "bundle_sha256": scorer.bundle_sha256,
        },
        tiers=_tiers(dataset.risk, risk, scorer.points, scorer.assumed_prevalence),
        predicted_levels=_predicted_levels(scorer, risk),
        notes=_notes(dataset, scorer.bundle.manifest),
    )


def evaluate_scores(
    dataset: AdDataset,
    probabilities: np.ndarray,
    targets: Sequence[str] = TARGETS,
    *,
    n_resamples: int = N_RESAMPLES,
    model: Mapping[str, str] | None = None,
    tiers: Tiers | None = None,
    predicted_levels: np.ndarray | None = None,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Measure probabilities (n_ads, n_targets), whose columns are `targets`, `risk` among them.

    `predicted_levels` (n_ads,) are risk levels 0 to 6, None where the model gives none. Raises ValueError for another shape, for NaN, and where `risk` is missing.
    """
    if probabilities.shape != (len(dataset), len(targets)) or RISK not in targets:
        raise ValueError(f"probabilities must be ({len(dataset)}, {len(targets)}), one a risk")
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability is NaN or infinite")
    groups = np.asarray(dataset.group_ids)
    column = {name: probabilities[:, place] for place, name in enumerate(targets)}
    rows, y = known_classes(dataset.risk)
    scores = RiskScores(y, column[RISK][rows], groups[rows])
    return Evaluation(
        model=dict(model or {}),
        data=_data(dataset),
        risk=_risk_measures(dataset.risk, scores, n_resamples),
        targets={
            name: _target_cell(target, column.get(name), groups, n_resamples)
            for name, target in zip(TARGETS, dataset.targets.T, strict=True)
            if name in column or not np.isnan(target).all()
        },
        slices={
            name: _slices(values, dataset.risk, column[RISK], groups, n_resamples)
            for name, values in _slice_columns(dataset).items()
        },
        curves=_curves(scores),
        tiers=tiers,
        risk_levels=_risk_levels(dataset.risk_levels, predicted_levels, groups, n_resamples),
        notes=tuple(notes),
        scores=scores,
    )


def _data(dataset: AdDataset) -> dict[str, Any]:
    return {
        "parts": sorted(set(dataset.parts)),
        "ads": len(dataset),
        "groups": len(set(dataset.group_ids)),
        "split_sha256": dataset.split_sha256,
    }


def _notes(dataset: AdDataset, manifest: Mapping[str, Any]) -> list[str]:
    notes = []
    if manifest.get("training_data", {}).get("split_sha256") != dataset.split_sha256:
        notes.append(
            "The bundle was trained under another split than that of these ads. Where both hold "
            "the same ads or their near-duplicates, the figures flatter."
        )
    if "validation" in dataset.parts:
        notes.append("Models were chosen on these ads (validation part): the figures flatter.")
    if "calibration" in dataset.parts:
        notes.append(
            "Probabilities and thresholds were fitted on these ads (calibration part): Brier, "
            "calibration error and tiers flatter."
        )
    return notes


def _risk_measures(target: np.ndarray, scores: RiskScores, n_resamples: int) -> RiskMeasures:
    y, p = scores.y, scores.score

    def weighted(metric: metrics.Metric) -> Interval:
        return metrics.group_bootstrap(metric, y, p, scores.groups, n=n_resamples)

    def interval(metric: Callable[[np.ndarray, np.ndarray], float]) -> Interval:
        return weighted(metrics.resampled(metric))

    capacities = [k for k in REVIEW_CAPACITIES if k <= len(y)]
    return RiskMeasures(
        labels=label_counts(target),
        base_rate=metrics.base_rate(y),
        average_precision=weighted(metrics.average_precision_bootstrap_metric(p)),
        lift=interval(metrics.lift),
        roc_auc=weighted(metrics.roc_auc),
        precision_at_k={str(k): interval(partial(metrics.precision_at_k, k=k)) for k in capacities},
        recall_at_k={str(k): interval(partial(metrics.recall_at_k, k=k)) for k in capacities},
        recall_at_precision={
            f"{level:.2f}": interval(partial(metrics.recall_at_precision, precision=level))
            for level in PRECISIONS
        },
        brier_score=interval(metrics.brier_score),
        log_loss=interval(metrics.log_loss),
        ece=metrics.ece(y, p),
    )


def _target_cell(
    target: np.ndarray, score: np.ndarray | None, groups: np.ndarray, n_resamples: int
) -> Cell:
    labels = label_counts(target)
    if score is None:
        return Cell(labels, note="this model does not give it")
    if not labels.ads:
        return Cell(labels, note="no ad of this part has a label for it")
    return _cell(target, score, groups, n_resamples)


def _cell(target: np.ndarray, score: np.ndarray, groups: np.ndarray, n_resamples: int) -> Cell:
    """All measures where both classes are there, else the counts and a note."""
    labels = label_counts(target)
    if not labels.positives or not labels.negatives:
        which = "positives" if labels.positives else "negatives"
        return Cell(labels, note=f"{which} only: reported, not scored")
    rows, y = known_classes(target)
    score = score[rows]
    metric = metrics.average_precision_bootstrap_metric(score)
    return Cell(
        labels,
        base_rate=metrics.base_rate(y),
        average_precision=metrics.group_bootstrap(metric, y, score, groups[rows], n=n_resamples),
        lift=metrics.lift(y, score),
        roc_auc=metrics.roc_auc(y, score),
    )


def _slice_columns(dataset: AdDataset) -> dict[str, list[str]]:
    """Values to slice by. A wrongly mapped column must not put its cells in a report."""
    types = set(AdType)
    return {
        "language": [
            tag if tag and _LANGUAGE_TAG.fullmatch(tag) else "no language tag"
            for tag in dataset.languages
        ],
        "ad_type": [
            "not given" if not value else value if value in types else "another value"
            for value in dataset.ad_types
        ],
    }


def _slices(
    values: Sequence[str],
    risk: np.ndarray,
    score: np.ndarray,
    groups: np.ndarray,
    n_resamples: int,
) -> dict[str, Cell]:
    of_ad = np.asarray(values, dtype=object)
    cells = {}
    for value in sorted(set(values)):
        rows = np.flatnonzero(of_ad == value)
        labels = label_counts(risk[rows])
        if labels.ads < MIN_SLICE_ADS:
            cells[value] = Cell(labels, note=f"under {MIN_SLICE_ADS} labelled ads: counts only")
        else:
            cells[value] = _cell(risk[rows], score[rows], groups[rows], n_resamples)
    return cells


def _tiers(
    target: np.ndarray, score: np.ndarray, points: OperatingPoints, prevalence: float
) -> Tiers:
    tier_of_ad = np.array([decide_tier(value, points) for value in score], dtype=object)
    rows, y = known_classes(target)
    reach = {}
    for tier in (Tier.REVIEW, Tier.PRIORITY_REVIEW):
        threshold = float(getattr(points, tier.value))
        reached = score[rows] >= threshold
        recall = float(reached[y == 1].mean()) if np.any(y == 1) else math.nan
        false_positive = float(reached[y == 0].mean()) if np.any(y == 0) else math.nan
        flagged = prevalence * recall + (1 - prevalence) * false_positive
        precision = prevalence * recall / flagged if flagged > 0 else math.nan
        reach[tier.value] = TierReach(threshold, recall, false_positive, precision)
    counts = {tier.value: label_counts(target[tier_of_ad == tier]) for tier in reversed(Tier)}
    return Tiers(prevalence, counts, reach)


def _predicted_levels(scorer: Scorer, risk: np.ndarray) -> np.ndarray | None:
    cuts = scorer.risk_level_cuts
    return None if cuts is None else np.array([predict_risk_level(p, cuts) for p in risk], int)


def _risk_levels(
    levels: np.ndarray, predicted: np.ndarray | None, groups: np.ndarray, n_resamples: int
) -> RiskLevels | None:
    rows = np.flatnonzero(~np.isnan(levels))
    if not len(rows):
        return None
    if predicted is None:
        return RiskLevels(len(rows), note="this model predicts no risk level")
    level, p = levels[rows].astype(np.float64), predicted[rows].astype(np.float64)

    def interval(metric: Callable[[np.ndarray, np.ndarray], float]) -> Interval:
        weighted = metrics.resampled(metric)
        return metrics.group_bootstrap(weighted, level, p, groups[rows], n=n_resamples)

    def best_constant(metric: Callable[[np.ndarray, np.ndarray], float]) -> float:
        return min(metric(level, np.full(len(level), float(value))) for value in RISK_LEVELS)

    whole = metrics.whole_levels(level)
    return RiskLevels(
        ads=len(rows),
        mean_absolute_error=interval(metrics.mean_absolute_error),
        macro_mean_absolute_error=interval(metrics.macro_mean_absolute_error),
        constant_mean_absolute_error=best_constant(metrics.mean_absolute_error),
        constant_macro_mean_absolute_error=best_constant(metrics.macro_mean_absolute_error),
        by_level={
            str(value): LevelCell(
                ads=int(np.sum(whole == value)),
                mean_predicted=float(p[whole == value].mean()),
                mean_absolute_error=metrics.mean_absolute_error(
                    level[whole == value], p[whole == value]
                ),
            )
            for value in np.unique(whole)
        },
    )


def _curves(scores: RiskScores) -> Curves:
    y, p = scores.y, np.asarray(scores.score, dtype=np.float64)
    precision, recall, _ = metrics.precision_recall_curve(y, p)
    n = len(recall)
    keep = np.unique(np.linspace(0, max(n - 1, 0), min(n, _CURVE_POINTS)).round().astype(int))
    # Fewer bins where ads are few: a point of four ads shows chance, not calibration.
    mean, share, ads = metrics.reliability_curve(y, p, bins=min(15, max(3, len(y) // 15)))
    edges = np.linspace(0.0, 1.0, _HISTOGRAM_BINS + 1)
    return Curves(
        recall=recall[keep].tolist(),
        precision=precision[keep].tolist(),
        mean_probability=mean.tolist(),
        share_risky=share.tolist(),
        bin_ads=ads.tolist(),
        histogram_edges=edges.tolist(),
        histogram_risky=np.histogram(p[y == 1], edges)[0].tolist(),
        histogram_not_risky=np.histogram(p[y == 0], edges)[0].tolist(),
    )
