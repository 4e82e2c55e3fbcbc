"""Cut-points of the seven risk levels: by hand, in their rules, and where there are too few labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from adrisk.score.decide import NEVER, checked_level_cuts, predict_risk_level
from adrisk.train.risk_levels import MIN_LEVEL_ADS, fit_level_cuts


def predicted(cuts, scores):
    return np.array([predict_risk_level(score, cuts) for score in scores])


def test_by_hand():
    # Ten ads each at scores .2, .4 and .8 with mean levels 1, 2.5 (a pool of 3 and 2) and 5:
    # the expectation runs .2 -> 1, .4 -> 2.5, .8 -> 5 in straight lines.
    score = np.repeat([0.2, 0.4, 0.8], 10)
    levels = np.repeat([1.0, 3.0, 2.0, 5.0], [10, 5, 5, 10])
    fitted = fit_level_cuts(score, levels)
    # .5 lies below every expectation; 1.5 is a third of the way from 1 to 2.5; 2.5 is reached at
    # .4; 3.5 and 4.5 are at 1/2.5 and 2/2.5 of the way from 2.5 to 5; 5.5 is never reached.
    assert fitted.cuts == pytest.approx([0.0, 0.266667, 0.4, 0.56, 0.72, NEVER], abs=1e-6)
    assert "30 ads" in fitted.note


def test_levels_that_follow_the_score_are_found_again():
    score = np.linspace(0, 1, 701)
    levels = np.minimum(np.floor(score * 7), 6)
    cuts = fit_level_cuts(score, levels).cuts
    assert cuts == pytest.approx(np.arange(1, 7) / 7, abs=2e-3)
    assert np.mean(predicted(cuts, score) == levels) > 0.98


def test_the_prediction_is_the_expected_level_rounded_half_up():
    rng = np.random.default_rng(0)
    score = np.round(rng.random(400), 6)
    levels = np.clip(np.round(6 * score + rng.normal(0, 1.5, 400)), 0, 6)
    expected = IsotonicRegression(y_min=0, y_max=6).fit(score, levels).predict(score)
    off_the_half = np.abs(expected % 1 - 0.5) > 1e-4
    got = predicted(fit_level_cuts(score, levels).cuts, score)
    np.testing.assert_array_equal(got[off_the_half], np.floor(expected + 0.5)[off_the_half])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 20).map(lambda v: v / 20), st.sampled_from([0, 1, 2.5, 3, 4, 6])),
        min_size=MIN_LEVEL_ADS,
        max_size=60,
    ),
    st.randoms(),
)
def test_cuts_never_fall_and_do_not_depend_on_the_order(rows, random):
    score, levels = np.array(rows).T
    fitted = fit_level_cuts(score, levels)
    if len(set(levels)) == 1:
        assert fitted.cuts is None
        return
    assert checked_level_cuts(fitted.cuts)
    assert all(0 <= cut <= 1 or cut == NEVER for cut in fitted.cuts)
    shuffled = random.sample(rows, len(rows))
    assert fit_level_cuts(*np.array(shuffled).T).cuts == pytest.approx(fitted.cuts)


def test_a_score_that_says_nothing_gives_every_ad_the_mean_level():
    levels = np.tile([0.0, 4.0], 40)
    cuts = fit_level_cuts(np.full(80, 0.3), levels).cuts
    assert set(predicted(cuts, [0.0, 0.3, 1.0])) == {2}


def test_a_score_that_points_the_wrong_way_gives_every_ad_the_mean_level():
    score = np.linspace(0, 1, 70)
    cuts = fit_level_cuts(score, np.floor(6.99 * (1 - score))).cuts
    assert set(predicted(cuts, score)) == {3}


def test_unknown_levels_are_left_out():
    score, levels = np.linspace(0, 1, 60), np.repeat([1.0, 5.0], 30)
    mixed = np.concatenate([levels, np.full(60, np.nan)])
    fitted = fit_level_cuts(np.concatenate([score, score[::-1]]), mixed)
    assert fitted == fit_level_cuts(score, levels)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (np.full(200, np.nan), "0 ads with 0 different"),
        (np.append(np.arange(MIN_LEVEL_ADS - 1) % 7, [np.nan] * 50), "29 ads with 7 different"),
        (np.full(100, 4.0), "100 ads with 1 different"),
    ],
)
def test_too_few_labels_give_no_cuts_and_say_so(levels, said):
    fitted = fit_level_cuts(np.linspace(0, 1, len(levels)), levels)
    assert fitted.cuts is None and fitted.note.startswith(f"no cut-points: {said}")
