from __future__ import annotations

import copy
import re

import pytest
import yaml

from adrisk.evaluate.measure import evaluate_scorer
from adrisk.evaluate.model_card import model_card
from adrisk.score.scorer import Scorer


@pytest.fixture(scope="module")
def scorer(tiny_bundle):
    return Scorer.load(tiny_bundle)


@pytest.fixture(scope="module")
def metrics(scorer, dataset):
    evaluation = evaluate_scorer(scorer, dataset.part("test"), n_resamples=20)
    return {"test": evaluation.to_dict(), "validation_average_precision": 0.875}


@pytest.fixture
def manifest(scorer):
    return copy.deepcopy(scorer.bundle.manifest)


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_the_front_matter_is_what_hugging_face_reads(manifest, metrics):
    manifest["scoring"]["languages"] = ["no", "en", "zh-Hant", "und", "en-GB"]
    head = front_matter(model_card(manifest, metrics))
    assert head["license"] == "apache-2.0"
    assert head["pipeline_tag"] == "text-classification"
    assert head["language"] == ["en", "no", "zh"]


def test_it_states_the_figures_with_base_rate_and_interval(manifest, metrics):
    card = model_card(manifest, metrics)
    risk = metrics["test"]["risk"]
    ap = risk["average_precision"]
    assert (
        f"| average precision | {ap['value']:.3f} ({ap['low']:.3f} to {ap['high']:.3f}) |" in card
    )
    assert f"| base rate (what chance would reach) | {risk['base_rate']:.3f} |" in card
    assert "was chosen: 0.875." in card
    assert manifest["training_data"]["fingerprint"] in card
    assert manifest["training_data"]["split_sha256"] in card


def test_it_states_the_thresholds_of_the_bundle(manifest, metrics):
    manifest["scoring"]["operating_points"] = {"review": 0.25, "priority_review": 2.0}
    card = model_card(manifest, metrics)
    assert "| review | 0.250 |" in card
    assert "| priority_review | never reached |" in card


def test_it_says_what_the_model_is_not(manifest, metrics):
    card = model_card(manifest, metrics)
    for sentence in (
        "a risk that needs a human look",
        "never a statement about a person",
        "Suspicion is not fact",
        "Adult consensual sex work is not trafficking",
        "Must not be used",
    ):
        assert sentence in card, sentence


def test_parity_is_told_where_it_was_measured(manifest, metrics):
    parity = {"max_logit_difference": 3.2e-7, "tolerance": 1e-3}
    assert "3.2e-07 (allowed 1.0e-03)" in model_card(manifest, {**metrics, "parity": parity})
    assert "logits" not in model_card(manifest, metrics)


def test_missing_figures_read_as_missing(manifest):
    for metrics in ({}, {"test": {}, "validation_average_precision": float("nan")}):
        card = model_card(manifest, metrics)
        assert "| average precision | n/a |" in card
        assert "was chosen: n/a." in card


def test_names_from_outside_stay_text(manifest, metrics):
    manifest["base_model"] = {"name": "<script>x</script>\n# head", "revision": "a|b"}
    manifest["scoring"]["languages"] = ["en", "x]: {evil: yes}"]
    card = model_card(manifest, metrics)
    assert "<script" not in card
    assert not re.search("^# head", card, re.MULTILINE)
    assert front_matter(card)["language"] == ["en"]
    assert set(front_matter(card)) == {
        "license",
        "library_name",
        "pipeline_tag",
        "language",
        "tags",
    }


def test_no_text_of_an_ad_is_in_the_card(manifest, metrics, dataset):
    card = model_card(manifest, metrics)
    assert not any(text.split(": ")[1] in card for text in dataset.texts)


ADAPTATION = {
    "rows": 70,
    "kept": 60,
    "left_out": {"copy of a held-out ad": 7, "repeated text": 3},
    "tokens": 9000,
    "steps": 12,
    "new_head": False,
    "held_out_loss": {"before": 5.25, "after": 3.125},
}


def test_it_tells_what_the_encoder_was_adapted_to(manifest, metrics):
    assert "## Adaptation" not in model_card(manifest, metrics)
    manifest["base_model"]["adaptation"] = ADAPTATION
    card = model_card(manifest, metrics)
    section = card.split("## Adaptation")[1].split("## ")[0]
    for row in (
        "| rows read | 70 |",
        "| left out: copy of a held-out ad | 7 |",
        "| loss on held-out text before | 5.250 |",
        "| loss on held-out text after | 3.125 |",
    ):
        assert row in section
    assert "head at random" not in section


def test_an_adaptation_without_held_out_text_has_no_loss(manifest, metrics):
    changes = {"held_out_loss": None, "new_head": True}
    manifest["base_model"]["adaptation"] = {**ADAPTATION, **changes}
    card = model_card(manifest, metrics)
    assert "| loss on held-out text after | n/a |" in card and "head at random" in card


def test_it_tells_of_soft_levels(manifest, metrics):
    assert "level / 6" not in model_card(manifest, metrics)
    manifest["recipe"]["labels"]["soft_risk"] = True
    assert "level / 6" in model_card(manifest, metrics)


def test_it_states_the_base_and_what_was_trained_of_it(manifest, metrics):
    manifest["base_model"] = {
        "name": "owner/encoder",
        "revision": "abc",
        "adapter": "domain",
        "vocabulary": {"before": 250002, "after": 21000},
        "n_parameters": 117700000,
        "n_trained": 480386,
    }
    assert (
        "Base: owner/encoder at revision abc, with the adapter domain merged into it, its "
        "vocabulary trimmed from 250,002 to 21,000 pieces, 117,700,000 weights, of which 480,386 "
        "were trained."
    ) in model_card(manifest, metrics)


def test_the_predicted_level_is_told_with_its_errors_and_cuts(manifest, metrics):
    card = model_card(manifest, metrics)
    levels = metrics["test"]["risk_levels"]
    macro = levels["macro_mean_absolute_error"]["value"]
    assert "macro-averaged mean absolute error (best constant level)" in card
    assert f"| {macro:.2f} (" in card and "(2.00) |" in card
    manifest["scoring"]["risk_level_cuts"] = [0.0, 0.125, 0.25, 0.5, 0.75, 2.0]
    assert "2 from 0.125, 3 from 0.250, 4 from 0.500, 5 from 0.750, 6 never" in model_card(
        manifest, metrics
    )


def test_without_cuts_the_card_says_why(manifest, metrics):
    manifest["scoring"]["risk_level_cuts"] = None
    manifest["scoring"]["calibration_notes"]["risk_level"] = "no cut-points: 3 ads"
    assert "`predicted_risk_level` is empty (no cut-points: 3 ads)" in model_card(manifest, {})
    del manifest["scoring"]["risk_level_cuts"], manifest["scoring"]["calibration_notes"]
    assert "`predicted_risk_level` is empty" in model_card(manifest, metrics)
