from __future__ import annotations

import numpy as np
import pytest

from adrisk.errors import RecipeError
from adrisk.score.calibrate import apply_calibrator, sigmoid
from adrisk.score.decide import NEVER
from adrisk.train.calibrator import fit_calibrator
from adrisk.train.operating_points import (
    category_threshold,
    fit_operating_points,
    operating_curve,
)
from adrisk.train.recipe import CalibrationBlock, OperatingBlock


def drawn(n=4000, seed=0):
    """Logits twice too sure: the true probability is sigmoid(z / 2 - 1)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, n)
    y = (rng.random(n) < sigmoid(logits / 2 - 1)).astype(float)
    return logits, y, np.arange(n) // 2


def test_platt_finds_slope_and_offset():
    result = fit_calibrator(*drawn(), CalibrationBlock(method="platt"), seed=0)
    assert result.calibrator["a"] == pytest.approx(0.5, abs=0.05)
    assert result.calibrator["b"] == pytest.approx(-1.0, abs=0.15)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_cross_fitted_probabilities_are_calibrated(method):
    logits, y, groups = drawn()
    p = fit_calibrator(logits, y, groups, CalibrationBlock(method=method), seed=0).cross_fitted
    for low in (0.0, 0.2, 0.4, 0.6):
        inside = (p >= low) & (p < low + 0.2)
        assert y[inside].mean() == pytest.approx(p[inside].mean(), abs=0.06)


def test_temperature_keeps_one_half_at_zero():
    logits, _, groups = drawn()
    y = (np.random.default_rng(1).random(len(logits)) < sigmoid(logits / 2)).astype(float)
    result = fit_calibrator(logits, y, groups, CalibrationBlock(method="temperature"), 0)
    assert apply_calibrator(result.calibrator, np.array([0.0]))[0] == 0.5
    assert result.calibrator["a"] == pytest.approx(0.5, abs=0.05)


def test_no_ad_is_scored_by_a_calibrator_that_saw_its_group():
    """Labels decided by the group alone: in-sample isotonic would know them, cross-fitted cannot."""
    rng = np.random.default_rng(0)
    groups = np.arange(1200) // 2
    y = (rng.random(600) < 0.5).astype(float)[groups]
    logits = groups + rng.random(1200) / 10
    result = fit_calibrator(logits, y, groups, CalibrationBlock(method="isotonic"), seed=0)
    assert np.corrcoef(result.cross_fitted, y)[0, 1] < 0.3


def test_unsure_and_unknown_ads_are_left_out():
    logits, y, groups = drawn()
    y[:10], y[10:20] = np.nan, 0.5
    result = fit_calibrator(logits, y, groups, CalibrationBlock(), seed=0)
    assert np.isnan(result.cross_fitted[:20]).all()
    assert not np.isnan(result.cross_fitted[20:]).any()


def test_too_few_labels_leave_the_plain_sigmoid_and_say_so():
    logits, y = np.linspace(-1, 1, 10), np.zeros(10)
    y[0] = 1
    result = fit_calibrator(logits, y, np.arange(10), CalibrationBlock(), seed=0)
    assert result.calibrator == {"kind": "platt", "a": 1.0, "b": 0.0}
    assert "not calibrated: 1 positives and 9 negatives" in result.note


def test_isotonic_with_few_positives_is_refused():
    logits, y, groups = drawn(300)
    with pytest.raises(RecipeError, match="isotonic needs 500"):
        fit_calibrator(logits, y, groups, CalibrationBlock(method="isotonic"), seed=0)


def test_a_model_worse_than_chance_keeps_its_order():
    logits, y, groups = drawn()
    result = fit_calibrator(-logits, y, groups, CalibrationBlock(), seed=0)
    assert result.calibrator["a"] > 0


def test_operating_curve_by_hand():
    curve = operating_curve(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 1, 0, 0]))
    assert curve.thresholds == [0.9, 0.8, 0.1]
    assert curve.true_positive_rates == [0.5, 1.0, 1.0]
    assert curve.false_positive_rates == [0.0, 0.5, 1.0]


def test_review_flags_at_most_its_share_of_non_risky_ads():
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < 0.3).astype(int)
    p = np.clip(rng.normal(0.3 + 0.3 * y, 0.15), 0, 1)
    points = fit_operating_points(p, y, OperatingBlock()).operating_points
    flagged = np.round(p, 6) >= points["review"]
    assert 0.03 < flagged[y == 0].mean() <= 0.05
    assert points["priority_review"] >= points["review"]
    urgent = np.round(p, 6) >= points["priority_review"]
    assert urgent.any()
    tpr, fpr = urgent[y == 1].mean(), urgent[y == 0].mean()
    assert 0.02 * tpr / (0.02 * tpr + 0.98 * fpr) >= 0.80


def test_category_threshold_is_the_best_f1():
    p, y = np.repeat([0.9, 0.7, 0.6, 0.2], 3), np.repeat([1, 1, 0, 0], 3)
    assert category_threshold(p, y) == 0.7
    assert category_threshold(p, np.zeros(12, int)) == 0.5
    assert category_threshold(p[::3], y[::3]) == 0.5


def test_a_small_calibration_part_cannot_promise_a_high_precision():
    p, y = np.linspace(0, 1, 30), np.repeat([0, 1], 15)
    points = fit_operating_points(p, y, OperatingBlock()).operating_points
    assert points["priority_review"] == NEVER
    assert points["review"] < 1.0
    many = fit_operating_points(np.linspace(0, 1, 4000), np.repeat([0, 1], 2000), OperatingBlock())
    assert many.operating_points["priority_review"] < 1.0
