from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from adrisk import Scorer
from adrisk.codebook.codebook import TARGETS
from adrisk.errors import InputError
from adrisk.train.fit import fit_model, seal, trainable_targets
from adrisk.train.recipe import Recipe
from tests.conftest import TINY_RECIPE, toy_dataset


def test_only_targets_with_both_classes_are_trained(dataset):
    assert trainable_targets(dataset.part("train")) == ("risk", "forced_labour")


def test_risk_must_be_trainable():
    data = toy_dataset(50)
    data.targets[:, 0] = 1.0
    with pytest.raises(InputError, match="non-risky"):
        trainable_targets(data)


def test_the_manifest_tells_how_the_scores_came_about(tiny_bundle, dataset):
    manifest = Scorer.load(tiny_bundle).bundle.manifest
    scoring = manifest["scoring"]
    assert set(scoring["calibrators"]) == set(scoring["targets"]) == {"risk", "forced_labour"}
    assert manifest["recipe"]["name"] == "tiny"
    assert manifest["training_data"]["split_sha256"] == dataset.split_sha256
    calibration = dataset.part("calibration").targets[:, 0]
    assert scoring["base_rate"] == pytest.approx(calibration.mean())


def test_cut_points_of_the_risk_level_are_fitted_where_levels_are_known(
    tiny_bundle, dataset, tmp_path
):
    scorer = Scorer.load(tiny_bundle)
    scoring = scorer.bundle.scoring
    part = dataset.part("calibration")
    assert f"{len(part)} ads with a risk level" in scoring["calibration_notes"]["risk_level"]
    levels = [s.predicted_risk_level for s in scorer.score(part.texts)]
    assert np.mean(np.abs(part.risk_levels - levels)) < 1.0

    unlabelled = dataclasses.replace(part, risk_levels=np.full(len(part), np.nan, np.float32))
    without = _sealed_on(unlabelled, dataset, tmp_path)
    assert without.bundle.scoring["risk_level_cuts"] is None
    assert "no cut-points" in without.bundle.scoring["calibration_notes"]["risk_level"]
    assert without.score(part.texts[:1])[0].predicted_risk_level is None


def test_unsure_ads_count_for_the_cut_points(dataset, tmp_path):
    part = dataset.part("calibration")
    part.targets[:10, 0], part.risk_levels[:10] = 0.5, 3.0
    scoring = _sealed_on(part, dataset, tmp_path).bundle.scoring
    assert f"on {len(part)} ads with" in scoring["calibration_notes"]["risk_level"]


def _sealed_on(calibration, dataset, folder):
    recipe = Recipe.model_validate(TINY_RECIPE)
    fitted = fit_model(
        "linear", recipe, dataset.part("train"), dataset.part("validation"), folder / "work"
    )
    about = {"training_data": {"fingerprint": "f" * 64, "languages": ["en"]}}
    return seal(fitted, recipe, calibration, folder / "bundle", about)


def test_review_keeps_its_promise_on_the_calibration_part(tiny_bundle, dataset):
    scorer, part = Scorer.load(tiny_bundle), dataset.part("calibration")
    benign = [text for text, risk in zip(part.texts, part.risk, strict=True) if risk == 0]
    flagged = [s.tier != "no_action" for s in scorer.score(benign)]
    assert np.mean(flagged) <= 0.10  # 5% on cross-fitted scores; the shipped calibrator is close


def test_without_calibration_the_plain_sigmoid_ranks(dataset, tmp_path):
    recipe = Recipe.model_validate(TINY_RECIPE)
    fitted = fit_model(
        "linear", recipe, dataset.part("train"), dataset.part("validation"), tmp_path / "work"
    )
    about = {"training_data": {"fingerprint": "f" * 64, "languages": ["en"]}}
    scorer = seal(fitted, recipe, None, tmp_path / "bundle", about)
    test = dataset.part("test")
    order = np.argsort(-scorer.logits(test.texts)[:, TARGETS.index("risk")])
    assert test.risk[order[:5]].mean() == 1.0


def test_a_calibration_part_with_one_class_says_so(dataset, tmp_path):
    recipe = Recipe.model_validate(TINY_RECIPE)
    fitted = fit_model(
        "linear", recipe, dataset.part("train"), dataset.part("validation"), tmp_path / "work"
    )
    part = dataset.part("calibration")
    benign = part.take(np.flatnonzero(part.risk == 0))
    about = {"training_data": {"fingerprint": "f" * 64, "languages": ["en"]}}
    with pytest.raises(InputError, match="calibration part needs risky"):
        seal(fitted, recipe, benign, tmp_path / "bundle", about)
