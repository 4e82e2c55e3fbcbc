from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.records import Tier
from adrisk.score.decide import NEVER, OperatingCurve, OperatingPoints, decide_tier

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
