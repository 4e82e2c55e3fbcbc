from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.records import Tier
from adrisk.score.decide import (
    NEVER,
    OperatingCurve,
    OperatingPoints,
    checked_level_cuts,
    decide_tier,
    predict_risk_level,
)

CURVE = OperatingCurve([0.9, 0.5, 0.1], [0.2, 0.6, 1.0], [0.0, 0.1, 1.0])


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (0.0, Tier.NO_ACTION),
        (0.299999, Tier.NO_ACTION),
        (0.3, Tier.REVIEW),
        (0.8, Tier.PRIORITY_REVIEW),
        (1.0, Tier.PRIORITY_REVIEW),
    ],
)
def test_tiers_begin_at_their_threshold(score, tier):
    assert decide_tier(score, OperatingPoints(0.3, 0.8)) is tier


def test_never_switches_a_tier_off():
    assert decide_tier(1.0, OperatingPoints(NEVER, NEVER)) is Tier.NO_ACTION


def test_precision_by_hand():
    # At prevalence .5: .2/.2 = 1, .6/(.6+.1), 1/2.
    assert CURVE.precision(0.5) == pytest.approx([1.0, 6 / 7, 0.5])


@pytest.mark.parametrize(("precision", "threshold"), [(0.99, 0.9), (0.8, 0.5), (0.5, 0.1)])
def test_threshold_for_precision(precision, threshold):
    assert CURVE.threshold_for_precision(precision, 0.5) == threshold


def test_a_precision_that_no_threshold_reaches():
    curve = OperatingCurve([0.5], [0.5], [0.5])
    assert curve.threshold_for_precision(0.9, 0.02) == NEVER
    assert OperatingCurve([], [], []).threshold_for_precision(0.5, 0.02) == NEVER


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_score_never_gets_a_lower_tier(a, b, review, priority):
    points = OperatingPoints(review, max(review, priority))
    order = list(Tier)
    low, high = sorted([a, b])
    assert order.index(decide_tier(low, points)) <= order.index(decide_tier(high, points))


CUTS = (0.0, 0.1, 0.4, 0.4, 0.9, NEVER)


@pytest.mark.parametrize(
    ("score", "level"),
    [(0.0, 1), (0.099999, 1), (0.1, 2), (0.399999, 2), (0.4, 4), (0.899999, 4), (0.9, 5), (1.0, 5)],
)
def test_a_level_begins_at_its_cut(score, level):
    assert predict_risk_level(score, CUTS) == level


@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 2), min_size=6, max_size=6))
def test_a_higher_score_never_gets_a_lower_level(a, b, cuts):
    cuts = checked_level_cuts(sorted(cuts))
    low, high = (predict_risk_level(score, cuts) for score in sorted([a, b]))
    assert 0 <= low <= high <= 6


def test_cuts_are_none_or_six_that_never_fall():
    assert checked_level_cuts(None) is None
    assert checked_level_cuts([0, 0, 0.5, 0.5, 1, 2]) == (0.0, 0.0, 0.5, 0.5, 1.0, 2.0)
    for wrong in ([0.1] * 5, [0.1] * 7, [0.1, 0.2, 0.3, 0.4, 0.6, 0.5], [0.1] * 5 + ["high"]):
        with pytest.raises(ValueError):
            checked_level_cuts(wrong)
