from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from adrisk.codebook.codebook import RISK, TARGETS
from adrisk.errors import UsageError
from adrisk.evaluate.measure import evaluate_scorer, evaluate_scores
from adrisk.score.scorer import Scorer
from tests.conftest import toy_dataset
from tests.evaluate.toys import altered


@pytest.fixture(scope="module")
def scorer(tiny_bundle):
    return Scorer.load(tiny_bundle)


@pytest.fixture(scope="module")
def evaluation(scorer, dataset):
    return evaluate_scorer(scorer, dataset.part("test"), n_resamples=50)


def constant(dataset, value=0.5, targets=TARGETS):
    return np.full((len(dataset), len(targets)), value)


def with_risk(dataset, scores):
    probabilities = constant(dataset)
    probabilities[:, 0] = scores
    return probabilities


def test_it_measures_what_the_scorer_gives(evaluation, scorer, dataset):
    test = dataset.part("test")
    scores = scorer.predict_proba(test.texts)[:, scorer.targets.index(RISK)]
    expected = average_precision_score(test.risk, scores)
    assert evaluation.risk.average_precision.value == pytest.approx(expected)
    assert evaluation.risk.base_rate == pytest.approx(test.risk.mean())
    assert evaluation.model == {
        "kind": "linear",
        "model_version": scorer.model_version,
        "bundle_sha256": scorer.bundle_sha256,
    }


def test_the_plain_form_is_json_with_the_keys_that_tracking_reads(evaluation):
    plain = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert 0 < plain["risk"]["average_precision"]["value"] <= 1
    assert plain["risk"]["base_rate"] == pytest.approx(evaluation.risk.base_rate)
    assert plain["risk"]["roc_auc"]["value"] == evaluation.risk.roc_auc.value
    assert "scores" not in plain


def test_the_plain_form_holds_no_ad_and_no_id(evaluation, dataset):
    plain = json.dumps(evaluation.to_dict())
    test = dataset.part("test")
    assert not any(
        text[:20] in plain or f'"{i}"' in plain
        for i, text in zip(test.ids, test.texts, strict=True)
    )


def test_ads_of_the_training_part_are_refused_unless_it_has_another_meaning(scorer, dataset):
    for ads in (dataset, dataset.part("train")):
        with pytest.raises(UsageError, match="training part"):
            evaluate_scorer(scorer, ads, n_resamples=2)
    allowed = evaluate_scorer(
        scorer, dataset.part("train"), n_resamples=2, allow_training_part=True
    )
    assert allowed.risk.labels.ads == len(dataset.part("train"))


def test_parts_that_the_model_has_seen_are_noted(scorer, dataset):
    notes = {
        part: evaluate_scorer(scorer, dataset.part(part), n_resamples=2).notes
        for part in ("test", "validation", "calibration")
    }
    assert notes["test"] == ()
    assert "validation" in notes["validation"][0]
    assert "calibration" in notes["calibration"][0]


def test_another_split_is_noted(scorer):
    other = toy_dataset(80, seed=9).part("test")
    assert "another split" in evaluate_scorer(scorer, other, n_resamples=2).notes[0]


def test_unsure_and_unknown_ads_are_left_out_and_counted():
    ads = toy_dataset(60)
    risk = np.array([1, 0, 0.5, np.nan] * 15)
    ads = altered(ads, risk=risk)
    scores = np.tile([0.9, 0.1, 0.99, 0.99], 15)
    measured = evaluate_scores(ads, with_risk(ads, scores), n_resamples=5).risk
    labels = measured.labels
    assert (labels.positives, labels.negatives, labels.unsure, labels.unknown) == (15, 15, 15, 15)
    assert labels.ads == 30
    assert measured.average_precision.value == 1.0
    assert measured.base_rate == 0.5
    assert list(measured.precision_at_k) == ["10"]


def test_soft_labels_count_as_the_side_they_lean_to():
    ads = altered(toy_dataset(40), risk=np.tile([0.75, 0.25], 20))
    measured = evaluate_scores(ads, with_risk(ads, np.tile([0.8, 0.3], 20)), n_resamples=5).risk
    assert measured.labels.positives == 20
    assert measured.roc_auc.value == 1.0


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_without_both_classes_measures_are_undefined_not_zero(value):
    ads = altered(toy_dataset(30), risk=np.full(30, value))
    measured = evaluate_scores(ads, constant(ads), n_resamples=5)
    assert math.isnan(measured.risk.average_precision.value)
    plain = measured.to_dict()
    assert plain["risk"]["average_precision"]["value"] is None
    json.dumps(plain, allow_nan=False)


def test_a_part_without_ads_is_measured_as_nothing():
    empty = toy_dataset(10).take([])
    measured = evaluate_scores(empty, constant(empty), n_resamples=5)
    assert measured.risk.labels.ads == 0
    json.dumps(measured.to_dict(), allow_nan=False)


def test_targets_with_one_class_are_reported_and_not_scored():
    ads = toy_dataset(40)
    only = np.full(40, np.nan)
    only[:4] = 1
    ads = altered(ads, organ_offer=only, secrecy=np.zeros(40))
    cells = evaluate_scores(ads, constant(ads), n_resamples=5).targets
    assert cells["organ_offer"].note == "positives only: reported, not scored"
    assert cells["organ_offer"].labels.positives == 4
    assert cells["organ_offer"].average_precision is None
    assert cells["secrecy"].note == "negatives only: reported, not scored"
    assert cells["forced_labour"].average_precision is not None
    assert cells["marriage_offer"].note == "no ad of this part has a label for it"


def test_targets_that_a_model_lacks_are_named():
    ads = toy_dataset(40)
    cells = evaluate_scores(ads, constant(ads, targets=("risk",)), ("risk",), n_resamples=5).targets
    assert set(cells) == {"risk", "forced_labour"}
    assert cells["forced_labour"].note == "this model does not give it"


def test_columns_are_taken_by_name_not_by_place():
    ads = toy_dataset(40)
    names = ("forced_labour", "risk")
    probabilities = np.stack([np.full(40, 0.5), ads.risk], axis=1)
    measured = evaluate_scores(ads, probabilities, names, n_resamples=5)
    assert measured.risk.average_precision.value == 1.0


def test_small_and_one_sided_slices_show_counts_only():
    ads = toy_dataset(60)
    languages = ["en"] * 40 + ["fr"] * 9 + ["ru"] * 11
    risk = np.array([1, 0] * 24 + [1] + [0] * 11)
    ads = altered(ads, languages=languages, risk=risk)
    cells = evaluate_scores(ads, with_risk(ads, ads.risk), n_resamples=5).slices["language"]
    assert cells["en"].average_precision.value == 1.0
    assert cells["fr"].note.startswith("under 10 labelled ads")
    assert cells["fr"].labels.positives == 5
    assert cells["ru"].note == "negatives only: reported, not scored"
    assert cells["fr"].average_precision is cells["ru"].average_precision is None


def test_a_wrongly_mapped_column_puts_no_contact_into_the_slices():
    ads = toy_dataset(40)
    ads = altered(ads, languages=["+1-202-555-0134"] * 40, ad_types=["call 2025550134", None] * 20)
    slices = evaluate_scores(ads, constant(ads), n_resamples=5).slices
    assert list(slices["language"]) == ["no language tag"]
    assert sorted(slices["ad_type"]) == ["another value", "not given"]


def test_tiers_count_every_ad_and_follow_the_rounded_scores(evaluation, scorer, dataset):
    test = dataset.part("test")
    tiers = [ad.tier for ad in scorer.score(test.texts)]
    counts = evaluation.tiers.counts
    for tier in ("no_action", "review", "priority_review"):
        labels = counts[tier]
        assert labels.positives + labels.negatives == tiers.count(tier)
    reach = evaluation.tiers.reach["review"]
    flagged = np.array([tier != "no_action" for tier in tiers])
    assert reach.recall == pytest.approx(flagged[test.risk == 1].mean())
    assert reach.false_positive_rate == pytest.approx(flagged[test.risk == 0].mean())
    pi, tpr, fpr = evaluation.tiers.assumed_prevalence, reach.recall, reach.false_positive_rate
    assert reach.precision_at_prevalence == pytest.approx(pi * tpr / (pi * tpr + (1 - pi) * fpr))


def test_curves_add_up():
    ads = toy_dataset(80)
    scores = np.random.default_rng(0).random(80)
    curves = evaluate_scores(ads, with_risk(ads, scores), n_resamples=5).curves
    assert sum(curves.bin_ads) == 80
    assert sum(curves.histogram_risky) == int(ads.risk.sum())
    assert sum(curves.histogram_risky) + sum(curves.histogram_not_risky) == 80
    assert curves.recall[-1] == 1.0
    assert len(curves.recall) == len(curves.precision) <= 200


def test_groups_make_the_interval_wider():
    ads = toy_dataset(120)
    scores = np.clip(ads.risk * 0.3 + np.random.default_rng(1).random(120) * 0.7, 0, 1)
    grouped = altered(ads, group_ids=[f"g{i // 12}" for i in range(120)])
    apart = evaluate_scores(ads, with_risk(ads, scores), n_resamples=20).risk
    together = evaluate_scores(grouped, with_risk(grouped, scores), n_resamples=20).risk
    assert (apart.average_precision.n_groups, together.average_precision.n_groups) == (120, 10)


@pytest.mark.parametrize(
    ("shape", "targets", "value"),
    [
        ((40, 2), TARGETS, 0.5),
        ((39, len(TARGETS)), TARGETS, 0.5),
        ((40, 1), ("forced_labour",), 0.5),
        ((40, len(TARGETS)), TARGETS, np.nan),
    ],
)
def test_probabilities_that_cannot_be_right_are_refused(shape, targets, value):
    with pytest.raises(ValueError, match="probabilit"):
        evaluate_scores(toy_dataset(40), np.full(shape, value), targets, n_resamples=2)


def test_predicted_levels_are_measured_where_levels_are_known(evaluation, scorer, dataset):
    test = dataset.part("test")
    predicted = np.array([s.predicted_risk_level for s in scorer.score(test.texts)])
    levels = evaluation.risk_levels
    assert levels.ads == len(test)
    errors = np.abs(test.risk_levels - predicted)
    assert levels.mean_absolute_error.value == pytest.approx(errors.mean())
    by_level = {str(k): errors[test.risk_levels == k].mean() for k in (1, 5)}
    assert levels.macro_mean_absolute_error.value == pytest.approx(np.mean(list(by_level.values())))
    assert {k: c.mean_absolute_error for k, c in levels.by_level.items()} == pytest.approx(by_level)
    assert sum(cell.ads for cell in levels.by_level.values()) == len(test)
    # Levels 1 and 5: any constant between them is 2 off on average over the levels.
    assert levels.constant_macro_mean_absolute_error == 2.0
    rare = 4 * min(np.mean(test.risk_levels == k) for k in (1, 5))
    assert levels.constant_mean_absolute_error == pytest.approx(rare)
    assert levels.mean_absolute_error.value < levels.constant_mean_absolute_error


def test_levels_without_predictions_or_labels(dataset):
    test = dataset.part("test")
    told = evaluate_scores(test, constant(test), n_resamples=5).risk_levels
    assert (
        told.ads == len(test) and told.mean_absolute_error is None and "no risk level" in told.note
    )
    unlabelled = altered(test, risk_levels=np.full(len(test), np.nan, np.float32))
    assert evaluate_scores(unlabelled, constant(test), n_resamples=5).risk_levels is None
    some = test.risk_levels.copy()
    some[5:] = np.nan
    predicted = np.full(len(test), 3)
    few = evaluate_scores(
        altered(test, risk_levels=some), constant(test), n_resamples=5, predicted_levels=predicted
    ).risk_levels
    assert few.ads == 5 and few.mean_absolute_error.value == 2.0
