"""The road end to end at toy size: train both kinds, pick, bundle, register, load again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from adrisk import Scorer, pipeline
from adrisk.errors import OutputExistsError, RegistryError
from adrisk.train.recipe import Recipe
from tests.conftest import TINY_ENCODER, TINY_RECIPE

pytest_plugins = ["tests.registry_fixtures"]

LINEAR = Recipe.model_validate(TINY_RECIPE)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_both_models_are_trained_and_the_better_one_is_bundled(tiny_road, tiny_encoder_bundle):
    quality = {c.kind: c.validation_average_precision for c in tiny_road.candidates}
    assert set(quality) == {"linear", "encoder"}
    assert quality[tiny_road.chosen.kind] == max(quality.values())
    scorer = Scorer.load(tiny_road.bundle)
    assert scorer.kind == tiny_road.chosen.kind
    assert scorer.bundle_sha256 == Scorer.load(tiny_road.chosen.bundle).bundle_sha256
    assert tiny_road.report.exists() and tiny_road.registered is None
    encoder = Scorer.load(tiny_encoder_bundle)
    metrics = json.loads(encoder.bundle.files["metrics.json"])
    assert metrics["parity"]["max_logit_difference"] <= LINEAR.encoder.parity_tolerance
    assert b"risk" in encoder.bundle.files["README.md"]


def test_figures_are_those_of_the_test_part(dataset, in_tmp):
    from adrisk.metrics import average_precision

    outcome = pipeline.train(
        LINEAR, dataset, in_tmp / "out", work_dir=in_tmp / "work", tracking=False
    )
    test = dataset.part("test")
    scores = Scorer.load(outcome.bundle).predict_proba(test.texts)[:, 0]
    told = outcome.chosen.evaluation.risk.average_precision.value
    assert told == pytest.approx(average_precision(test.risk.astype(int), scores), abs=1e-6)
    assert outcome.chosen.evaluation.risk.base_rate == pytest.approx(np.mean(test.risk))
    assert not (in_tmp / "mlflow.db").exists()


def test_an_existing_bundle_is_not_overwritten(dataset, in_tmp):
    (in_tmp / "out").mkdir()
    with pytest.raises(OutputExistsError, match="--overwrite"):
        pipeline.train(LINEAR, dataset, in_tmp / "out", work_dir=in_tmp / "w", tracking=False)
    assert not (in_tmp / "w").exists()


def test_the_bundle_survives_a_registry_that_fails(dataset, registry, monkeypatch):
    from adrisk import track

    def broken(*_):
        raise RegistryError("down")

    monkeypatch.setattr(track.TrainingRun, "register", broken)
    with pytest.raises(RegistryError):
        pipeline.train(LINEAR, dataset, registry / "out", work_dir=registry / "work")
    Scorer.load(registry / "out")


def test_the_protocols_model_ranks(dataset, in_tmp):
    fit = pipeline.ranking_model("linear", LINEAR, in_tmp / "work", dataset)
    score = fit(dataset.part("train"), dataset.part("validation"), 7)
    test = dataset.part("test")
    scores = score(test)
    assert scores.shape == (len(test),)
    assert test.risk[np.argsort(-scores)[:5]].mean() == 1.0


def test_an_adapted_encoder_from_recipe_to_card(dataset, in_tmp):
    test = dataset.part("test").texts
    rows = ["violin teacher wanted in our music school", test[0], test[1].replace("number", "no.")]
    unlabelled = in_tmp / "unlabelled.csv"
    unlabelled.write_text("text\n" + "".join(f'"{row}"\n' for row in rows))
    adapt = {"texts": ["*.csv"], "use_training_part": True, "steps": 3, "batch_size": 16}
    adapt["held_out_share"] = 0.2
    recipe = Recipe.model_validate(
        {**TINY_RECIPE, "models": ["encoder"], "encoder": TINY_ENCODER, "adapt": adapt}
    )
    told: list[str] = []
    outcome = pipeline.train(
        recipe, dataset, in_tmp / "out", work_dir=in_tmp / "work", tracking=False, say=told.append
    )
    bundle = Scorer.load(outcome.bundle).bundle
    base = bundle.manifest["base_model"]
    assert base["name"] == "embedded" and "adapted" not in json.dumps(base["revision"])
    figures = base["adaptation"]
    assert figures["rows"] == 3 + len(dataset.part("train"))
    assert figures["left_out"] == {"copy of a held-out ad": 1, "near-duplicate of a held-out ad": 1}
    assert b"## Adaptation" in bundle.files["README.md"]
    assert any("(left out: 1 copy of a held-out ad, 1 near-dup" in line for line in told)
    logged = {name for entry in outcome.chosen.history for name in entry}
    assert {"adapt_loss", "adapt_held_out_loss", "train_loss"} <= logged
    run = json.loads((in_tmp / "work" / "encoder" / "run.json").read_text())
    assert "/adapt/finished/adapted-" in run["encoder.base"], "fine-tuning knows its start"


def test_the_protocols_adapt_to_no_ad_outside_their_training_part(dataset, in_tmp, monkeypatch):
    seen = {}

    def fit(kind, recipe, train, validation, work_dir, *, held_out):
        seen.update(train=train.ids, held_out=held_out.ids)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "fit_model", fit)
    model = pipeline.ranking_model("linear", LINEAR, in_tmp / "work", dataset)
    with pytest.raises(KeyboardInterrupt):
        model(dataset.part("train"), dataset.part("validation"), 0)
    assert sorted([*seen["train"], *seen["held_out"]]) == sorted(dataset.ids)
    assert not set(seen["train"]) & set(seen["held_out"])
