"""The road end to end at toy size: train both kinds, pick, bundle, register, load again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from adrisk import Scorer, pipeline
from adrisk.errors import OutputExistsError, RegistryError
from adrisk.train.recipe import Recipe
from tests.conftest import TINY_RECIPE

BOTH = Recipe.model_validate(
    {
        **TINY_RECIPE,
        "models": ["linear", "encoder"],
        "encoder": {
            "small": {
                "hidden_size": 16,
                "num_layers": 1,
                "num_heads": 2,
                "intermediate_size": 32,
            },
            "max_tokens": 32,
            "epochs": 1,
        },
    }
)
LINEAR = Recipe.model_validate(TINY_RECIPE)


@pytest.fixture
def in_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_both_models_are_trained_and_the_better_one_is_bundled(dataset, in_tmp):
    outcome = pipeline.train(
        BOTH, dataset, in_tmp / "out", work_dir=in_tmp / "work", tracking=False
    )
    quality = {c.kind: c.validation_average_precision for c in outcome.candidates}
    assert set(quality) == {"linear", "encoder"}
    assert quality[outcome.chosen.kind] == max(quality.values())
    scorer = Scorer.load(outcome.bundle)
    assert scorer.kind == outcome.chosen.kind
    assert scorer.bundle_sha256 == Scorer.load(outcome.chosen.bundle).bundle_sha256
    assert outcome.report.exists() and outcome.registered is None
    encoder = Scorer.load(in_tmp / "work" / "encoder" / "bundle")
    metrics = json.loads(encoder.bundle.files["metrics.json"])
    assert metrics["parity"]["max_logit_difference"] <= BOTH.encoder.parity_tolerance
    assert b"risk" in encoder.bundle.files["README.md"]
    assert not (in_tmp / "mlflow.db").exists()


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


def test_an_existing_bundle_is_not_overwritten(dataset, in_tmp):
    (in_tmp / "out").mkdir()
    with pytest.raises(OutputExistsError, match="--overwrite"):
        pipeline.train(LINEAR, dataset, in_tmp / "out", work_dir=in_tmp / "w", tracking=False)
    assert not (in_tmp / "w").exists()


def test_the_bundle_survives_a_registry_that_fails(dataset, in_tmp, monkeypatch):
    from adrisk import track

    def broken(*_):
        raise RegistryError("down")

    monkeypatch.setattr(track.TrainingRun, "register", broken)
    with pytest.raises(RegistryError):
        pipeline.train(LINEAR, dataset, in_tmp / "out", work_dir=in_tmp / "work")
    Scorer.load(in_tmp / "out")


def test_the_protocols_model_ranks(dataset, in_tmp):
    fit = pipeline.ranking_model("linear", LINEAR, in_tmp / "work", dataset)
    score = fit(dataset.part("train"), dataset.part("validation"), 7)
    test = dataset.part("test")
    scores = score(test)
    assert scores.shape == (len(test),)
    assert test.risk[np.argsort(-scores)[:5]].mean() == 1.0
