from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adrisk import Scorer
from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import InputError, RecipeError
from adrisk.train.fit import fit_model, seal, trainable_targets, training_targets
from adrisk.train.recipe import LabelsBlock, Recipe
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

    unlabelled = replace(part, risk_levels=np.full(len(part), np.nan, np.float32))
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


SOFT = LabelsBlock(soft_risk=True)


def test_levels_are_a_soft_risk_target_where_they_are_known():
    data = toy_dataset(8)
    data.risk_levels[:] = [0, 1, 2, 3, 4, 6, 4.5, np.nan]
    hard = data.targets.copy()
    soft = training_targets(data, SOFT)
    expected = [0, 1 / 6, 2 / 6, 0.5, 4 / 6, 1, 0.75, hard[7, 0]]
    np.testing.assert_allclose(soft[:, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(soft[:, 1:], hard[:, 1:])
    np.testing.assert_array_equal(data.targets, hard)  # evaluation reads the dataset's own
    assert training_targets(data, LabelsBlock()) is data.targets


def test_soft_risk_without_levels_is_refused():
    data = toy_dataset(8)
    data.risk_levels[:] = np.nan
    with pytest.raises(RecipeError, match=r"labels\.soft_risk"):
        training_targets(data, SOFT)


def with_strong_ads() -> AdDataset:
    """Risky ads of one wording have level 4, of another 6: only soft targets tell them apart."""
    data = toy_dataset(300)
    strong = np.arange(len(data)) % 2 == 1
    texts = [f"{t} {('mild', 'strong')[int(s)]}" for t, s in zip(data.texts, strong, strict=True)]
    levels = np.where(data.risk > 0.5, np.where(strong, 6, 4), 1).astype(np.float32)
    return replace(data, texts=texts, risk_levels=levels)


def test_soft_risk_ranks_the_highest_level_above_the_others(tmp_path):
    data = with_strong_ads()
    train, validation, test = (data.part(name) for name in ("train", "validation", "test"))
    gaps = []
    for soft in (False, True):
        recipe = Recipe.model_validate(
            {**TINY_RECIPE, "linear": {"C": [30.0]}, "labels": {"soft_risk": soft}}
        )
        folder = tmp_path / str(soft)
        fitted = fit_model("linear", recipe, train, validation, folder / "work")
        about = {"training_data": {"fingerprint": "f" * 64, "languages": ["en"]}}
        logits = seal(fitted, recipe, None, folder / "bundle", about).logits(test.texts)[:, 0]
        gaps.append(logits[test.risk_levels == 6].mean() - logits[test.risk_levels == 4].mean())
    assert gaps[1] > gaps[0] + 0.3


def test_the_encoder_too_is_trained_on_levels_and_validated_without(tmp_path, monkeypatch):
    data, seen = with_strong_ads(), {}

    def finetune(block, tokenizer_block, train, validation, *rest):
        seen.update(train=train.targets[:, 0], validation=validation.targets[:, 0])
        raise KeyboardInterrupt

    monkeypatch.setattr("adrisk.train.finetune.finetune", finetune)
    recipe = Recipe.model_validate({**TINY_RECIPE, "labels": {"soft_risk": True}})
    train, validation = data.part("train"), data.part("validation")
    with pytest.raises(KeyboardInterrupt):
        fit_model("encoder", recipe, train, validation, tmp_path)
    np.testing.assert_allclose(seen["train"], train.risk_levels / 6)
    np.testing.assert_array_equal(seen["validation"], validation.risk)
