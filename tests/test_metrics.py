"""Every measure against scikit-learn or a hand-worked example, and what the intervals promise."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as reference

from adrisk import metrics

examples = settings(deadline=None, max_examples=60)


@st.composite
def rankings(draw, *, both_classes: bool = True):
    """Classes, scores with many ties, and how often each ad is drawn."""
    n = draw(st.integers(2, 40))
    y = draw(arrays.arrays(np.int64, n, elements=st.integers(0, 1)))
    score = draw(arrays.arrays(np.float64, n, elements=st.integers(-4, 4).map(lambda v: v / 4)))
    weight = draw(arrays.arrays(np.float64, n, elements=st.integers(0, 3)))
    if both_classes:
        y[0], y[1] = 0, 1
        weight[:2] = np.maximum(weight[:2], 1)
    return y, score, weight


@examples
@given(rankings())
def test_average_precision_and_roc_auc_equal_scikit_learn_with_weights(ranking):
    y, score, weight = ranking
    for ours, theirs in (
        (metrics.average_precision, reference.average_precision_score),
        (metrics.roc_auc, reference.roc_auc_score),
    ):
        assert ours(y, score) == pytest.approx(theirs(y, score), abs=1e-12)
        weighted = theirs(y, score, sample_weight=weight)
        assert ours(y, score, weight) == pytest.approx(weighted, abs=1e-12)


@examples
@given(rankings())
def test_a_weight_is_the_same_as_repeating_the_ad(ranking):
    y, score, weight = ranking
    repeated = metrics.resampled(metrics.average_precision)
    direct = metrics.average_precision(y, score, weight)
    assert repeated(y, score, weight) == pytest.approx(direct, abs=1e-12)


@examples
@given(rankings(), st.randoms())
def test_the_order_of_the_ads_changes_no_measure(ranking, random):
    y, score, _ = ranking
    p = (score + 1) / 2
    order = list(range(len(y)))
    random.shuffle(order)
    for measure in (
        metrics.average_precision,
        metrics.roc_auc,
        metrics.ece,
        metrics.brier_score,
        partial(metrics.precision_at_k, k=3),
        partial(metrics.recall_at_precision, precision=0.5),
    ):
        assert measure(y[order], p[order]) == pytest.approx(measure(y, p), abs=1e-12)


@examples
@given(rankings())
def test_brier_and_log_loss_equal_scikit_learn(ranking):
    y, score, _ = ranking
    p = (score + 1) / 2
    assert metrics.brier_score(y, p) == pytest.approx(reference.brier_score_loss(y, p), abs=1e-12)
    assert metrics.log_loss(y, p) == pytest.approx(reference.log_loss(y, p), rel=1e-9)


@examples
@given(rankings())
def test_the_curve_holds_every_point_of_scikit_learn(ranking):
    y, score, _ = ranking
    precision, recall, thresholds = metrics.precision_recall_curve(y, score)
    p, r, t = reference.precision_recall_curve(y, score)
    np.testing.assert_allclose(precision[::-1], p[:-1])
    np.testing.assert_allclose(recall[::-1], r[:-1])
    np.testing.assert_allclose(thresholds[::-1], t)


def test_integer_and_single_precision_scores_rank_alike():
    y, counts = np.array([0, 1, 1, 0, 1]), np.array([0, 3, 1, 1, 2], dtype=np.uint8)
    for score in (counts, counts.astype(np.float32), counts > 1):
        expected = reference.average_precision_score(y, score.astype(float))
        assert metrics.average_precision(y, score) == pytest.approx(expected)


def test_infinite_scores_tie():
    y, score = np.array([1, 0, 0]), np.array([np.inf, np.inf, 0.0])
    assert metrics.average_precision(y, score) == pytest.approx(0.5)


@pytest.mark.parametrize("y", [np.zeros(4, int), np.ones(4, int), np.zeros(0, int)])
def test_ranking_measures_of_one_class_are_nan(y):
    score = np.linspace(0, 1, len(y))
    for measure in (metrics.average_precision, metrics.roc_auc, metrics.lift):
        assert math.isnan(measure(y, score)), measure


def test_measures_without_positives_or_without_ads_are_nan():
    none, empty = np.zeros(3, int), np.empty(0)
    score = np.array([0.1, 0.2, 0.3])
    assert math.isnan(metrics.recall_at_k(none, score, 2))
    assert math.isnan(metrics.recall_at_precision(none, score, 0.5))
    assert len(metrics.precision_recall_curve(none, score)[0]) == 0
    for measure in (metrics.brier_score, metrics.ece, metrics.log_loss):
        assert math.isnan(measure(empty, empty))
    assert math.isnan(metrics.base_rate(empty))
    assert math.isnan(metrics.precision_at_k(empty, empty, 5))
    assert metrics.precision_at_k(none, score, 2) == 0.0


def test_base_rate_and_lift():
    y, score = np.array([1, 0, 0, 0]), np.array([0.9, 0.1, 0.2, 0.3])
    assert metrics.base_rate(y) == 0.25
    assert metrics.lift(y, score) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("k", "hits"),
    [
        (1, 1.0),  # .9 alone
        (2, 1 + 1 / 3),  # one of the three at .5, of which one is risky
        (3, 1 + 2 / 3),
        (4, 2.0),
        (5, 3.0),
    ],
)
def test_hits_at_k_with_ties_are_the_expected_ones(k, hits):
    y = np.array([1, 0, 1, 0, 1])
    score = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    assert metrics.precision_at_k(y, score, k) == pytest.approx(hits / k)
    assert metrics.recall_at_k(y, score, k) == pytest.approx(hits / 3)


def test_at_k_beyond_the_number_of_ads_counts_all_of_them():
    y, score = np.array([1, 0, 0, 1]), np.array([4.0, 3.0, 2.0, 1.0])
    assert metrics.precision_at_k(y, score, 100) == 0.5
    assert metrics.recall_at_k(y, score, 100) == 1.0


def test_recall_at_precision_takes_the_best_threshold_not_the_first():
    y = np.array([1, 0, 1, 1, 1, 0, 1])
    score = -np.arange(7.0)
    # Precision by depth: 1, 1/2, 2/3, 3/4, 4/5, 4/6, 5/7.
    assert metrics.recall_at_precision(y, score, 0.8) == pytest.approx(4 / 5)
    assert metrics.recall_at_precision(y, score, 0.9) == pytest.approx(1 / 5)
    assert metrics.recall_at_precision(y[1:], score[1:], 0.95) == 0.0


def test_recall_at_precision_counts_a_precision_that_is_met_exactly():
    for hits, flagged in ((9, 10), (7, 10), (8, 10), (3, 10)):
        y = np.array([0] * (flagged - hits) + [1] * hits)
        assert metrics.recall_at_precision(y, np.zeros(flagged), hits / flagged) == 1.0


def test_ece_is_zero_where_every_probability_is_the_share():
    p = np.repeat([0.2, 0.6], 10)
    y = np.array([1] * 2 + [0] * 8 + [1] * 6 + [0] * 4)
    for bins in (2, 3, 15):
        assert metrics.ece(y, p, bins) == pytest.approx(0.0, abs=1e-12)


def test_ece_by_hand():
    p = np.array([0.1, 0.1, 0.9, 0.9])
    y = np.array([0, 1, 1, 1])
    # Two bins of two ads: |.1 - .5| and |.9 - 1|.
    assert metrics.ece(y, p, bins=2) == pytest.approx((0.4 + 0.1) / 2)


def test_reliability_bins_hold_equal_mass():
    rng = np.random.default_rng(0)
    p = rng.random(47)
    y = (rng.random(47) < p).astype(int)
    mean, share, ads = metrics.reliability_curve(y, p, bins=15)
    assert ads.sum() == 47
    assert ads.max() - ads.min() <= 1
    assert np.all(np.diff(mean) > 0)
    assert np.dot(share, ads) == pytest.approx(y.sum())


def _toy(n: int, seed: int, ads_per_group: int = 1):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n // ads_per_group), ads_per_group)
    y = np.repeat((rng.random(n // ads_per_group) < 0.3).astype(int), ads_per_group)
    noise = np.repeat(rng.normal(size=n // ads_per_group), ads_per_group)
    return y, noise + 1.2 * y, groups


def test_the_interval_covers_the_true_value_about_as_often_as_it_says():
    y, score, _ = _toy(200_000, seed=1)
    truth = metrics.roc_auc(y, score)
    covered = 0
    for seed in range(60):
        y, score, groups = _toy(150, seed=100 + seed)
        interval = metrics.group_bootstrap(metrics.roc_auc, y, score, groups, n=200)
        covered += interval.low <= truth <= interval.high
    assert covered >= 51


def test_copies_in_one_group_do_not_narrow_the_interval():
    y, score, groups = _toy(900, seed=3, ads_per_group=9)
    metric = metrics.average_precision
    grouped = metrics.group_bootstrap(metric, y, score, groups, n=200)
    apart = metrics.group_bootstrap(metric, y, score, np.arange(len(y)), n=200)
    assert grouped.n_groups == 100
    assert apart.n_groups == 900
    assert grouped.high - grouped.low > 2 * (apart.high - apart.low)
    assert grouped.value == apart.value == metric(y, score)


def test_one_seed_gives_one_interval_and_groups_may_be_named():
    y, score, groups = _toy(60, seed=4)
    named = np.array([f"group {g:03d}" for g in groups])
    metric = metrics.average_precision_bootstrap_metric(score)
    first = metrics.group_bootstrap(metric, y, score, named, n=50, seed=7)
    assert first == metrics.group_bootstrap(
        metrics.average_precision, y, score, groups, n=50, seed=7
    )
    assert first != metrics.group_bootstrap(metric, y, score, named, n=50, seed=8)


def test_draws_without_both_classes_are_left_out_and_counted():
    y, score, groups = np.array([1, 0, 0]), np.array([0.9, 0.2, 0.1]), np.arange(3)
    interval = metrics.group_bootstrap(metrics.average_precision, y, score, groups, n=300)
    # A draw of three holds both classes unless it is all risky or all not: 1 - 1/27 - 8/27.
    assert 150 < interval.n_resamples < 250
    assert not math.isnan(interval.low)


def test_an_interval_of_one_class_is_nan_all_through():
    y, score = np.zeros(5, int), np.arange(5.0)
    interval = metrics.group_bootstrap(metrics.average_precision, y, score, np.arange(5), n=20)
    assert interval.n_resamples == 0
    assert all(math.isnan(v) for v in (interval.value, interval.low, interval.high))
    empty = np.empty(0)
    assert metrics.group_bootstrap(metrics.roc_auc, empty, empty, empty, n=5).n_groups == 0


def test_equal_scores_differ_by_exactly_nothing():
    y, score, groups = _toy(120, seed=5)
    pair = metrics.paired_group_bootstrap(
        metrics.average_precision, y, score, score.copy(), groups, n=100
    )
    assert (pair.difference, pair.low, pair.high, pair.p_better) == (0.0, 0.0, 0.0, 0.5)


def test_a_better_ranking_is_better_and_the_difference_changes_sign():
    y, score, groups = _toy(300, seed=6)
    noise = np.random.default_rng(0).normal(size=300)
    metric = metrics.average_precision_bootstrap_metric(score, noise)
    pair = metrics.paired_group_bootstrap(metric, y, score, noise, groups, n=200)
    turned = metrics.paired_group_bootstrap(metric, y, noise, score, groups, n=200)
    assert pair.low > 0
    assert pair.p_better == 1.0
    assert turned.difference == -pair.difference
    assert (turned.low, turned.high) == pytest.approx((-pair.high, -pair.low))
    assert pair.to_dict()["n_resamples"] == 200


levels_and_predictions = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        arrays.arrays(np.int64, n, elements=st.integers(0, 6)),
        arrays.arrays(np.int64, n, elements=st.integers(0, 6)),
    )
)


def test_errors_of_levels_by_hand():
    level = np.array([0, 0, 0, 0, 6, 3])
    predicted = np.array([0, 1, 0, 1, 2, 3])
    # Errors 0 1 0 1, 4 and 0: six ads, and levels with means 1/2, 4 and 0.
    assert metrics.mean_absolute_error(level, predicted) == 1.0
    assert metrics.macro_mean_absolute_error(level, predicted) == pytest.approx(1.5)


def test_a_prediction_of_the_commonest_level_looks_good_only_without_the_macro_average():
    level = np.array([1] * 97 + [4, 5, 6])
    always = np.ones(100)
    assert metrics.mean_absolute_error(level, always) == pytest.approx(0.12)
    assert metrics.macro_mean_absolute_error(level, always) == 3.0


@examples
@given(levels_and_predictions)
def test_errors_of_levels_equal_scikit_learn_in_all_and_in_each_level(pair):
    level, predicted = pair
    assert metrics.mean_absolute_error(level, predicted) == pytest.approx(
        reference.mean_absolute_error(level, predicted)
    )
    by_level = [
        reference.mean_absolute_error(level[level == k], predicted[level == k])
        for k in np.unique(level)
    ]
    assert metrics.macro_mean_absolute_error(level, predicted) == pytest.approx(np.mean(by_level))


def test_a_mean_of_annotators_counts_for_the_whole_level_next_to_it():
    level = np.array([1.5, 2.4, 4.5])
    assert metrics.whole_levels(level).tolist() == [2, 2, 5]
    # Level 2 has errors .5 and .4, level 5 has .5.
    errors = metrics.macro_mean_absolute_error(level, np.array([2, 2, 5]))
    assert errors == pytest.approx((0.45 + 0.5) / 2)


def test_errors_of_levels_without_ads_are_nan():
    nothing = np.empty(0)
    assert math.isnan(metrics.mean_absolute_error(nothing, nothing))
    assert math.isnan(metrics.macro_mean_absolute_error(nothing, nothing))
