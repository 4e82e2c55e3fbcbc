from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk import Ad, Scorer, Tier
from adrisk.codebook.codebook import TARGETS
from adrisk.errors import BundleError, InputError, UsageError
from adrisk.score.bundle import load_bundle, write_bundle
from adrisk.score.decide import OperatingPoints

RISKY = "we keep your passport until the debt is paid, tell nobody"
PLAIN = "permanent contract, thirty days of leave, apply on our site"


@pytest.fixture(scope="module")
def scorer(tiny_bundle):
    return Scorer.load(tiny_bundle)


def test_ranks_what_it_learned(scorer):
    risky, plain = scorer.score([RISKY, PLAIN])
    assert risky.risk_score > 0.5 > plain.risk_score
    assert plain.tier is Tier.NO_ACTION
    assert scorer.targets[0] == "risk" and set(scorer.targets) <= set(TARGETS)


def test_strings_ads_and_mappings_score_alike(scorer):
    a, b, c = scorer.score([PLAIN, Ad(text=PLAIN, id="7"), {"text": PLAIN, "id": 7}])
    assert a.risk_score == b.risk_score == c.risk_score
    assert (b.id, c.id) == ("7", "7")
    title = scorer.score([{"title": "Cook", "text": PLAIN}])[0]
    assert title.redacted_text == f"Cook\n{PLAIN}"


def test_one_bad_ad_does_not_spoil_the_others(scorer):
    results = scorer.score([PLAIN, "  \n", {"id": "x"}, "a" * 1_000_001, RISKY])
    assert [r.error is None for r in results] == [True, False, False, False, True]
    assert results[2].id == "x" and results[2].risk_score is None and results[2].tier is None
    assert results[0].risk_score == scorer.score([PLAIN])[0].risk_score


@pytest.mark.parametrize("text", ["\u200b\ufeff", "\0\0", "<p> </p>&nbsp;", "<script>x()</script>"])
def test_an_ad_of_which_nothing_is_left_is_not_scored(scorer, text):
    (scored,) = scorer.score([{"id": 7, "text": text}])
    assert scored.error.startswith("nothing is left of the text") and scored.id == "7"
    assert scored.risk_score is None and scored.tier is None and scored.text_sha256 is None
    assert scorer.score([{"title": "Cook", "text": text}])[0].error is None
    assert scorer.score(["\U0001f352 <b>+1-202-555-0143</b>"])[0].error is None


def test_predict_proba_names_the_bad_ad(scorer):
    with pytest.raises(InputError, match="row 2"):
        scorer.predict_proba([PLAIN, ""])


def test_probabilities_are_the_scores(scorer):
    texts = [RISKY, PLAIN, RISKY + " now"]
    p = scorer.predict_proba(texts)
    assert p.shape == (3, len(scorer.targets)) and p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()
    assert [s.risk_score for s in scorer.score(texts)] == pytest.approx(list(p[:, 0]), abs=5e-7)


def test_scores_and_probabilities_in_one_pass(scorer):
    ads = [RISKY, "", PLAIN, RISKY]
    prepared = scorer.prepare(ads)
    scored, p = scorer.score_and_proba(prepared)
    assert scored == scorer.score_prepared(prepared)
    assert np.isnan(p[1]).all() and p.shape == (4, len(scorer.targets)) and p.dtype == np.float64
    np.testing.assert_array_equal(p[[0, 2, 3]], scorer.predict_proba([RISKY, PLAIN, RISKY]))
    rare = Scorer.load(scorer.bundle.path, prevalence=0.001)
    np.testing.assert_array_equal(
        rare.score_and_proba(rare.prepare([RISKY]))[1], rare.predict_proba([RISKY])
    )


def test_no_ads_no_results(scorer):
    assert scorer.score_and_proba([])[1].shape == (0, len(scorer.targets))
    assert scorer.score([]) == []
    assert scorer.predict_proba([]).shape == (0, len(scorer.targets))


@settings(deadline=None, max_examples=25)
@given(st.permutations([RISKY, PLAIN, RISKY[:20], PLAIN * 3, "x", "电话工作", "a b c"]), st.data())
def test_scores_do_not_depend_on_neighbours_or_order(scorer, texts, data):
    alone = [scorer.score([t])[0].risk_score for t in texts]
    cut = data.draw(st.integers(1, len(texts)))
    parts = scorer.score(texts[:cut]) + scorer.score(texts[cut:])
    assert [s.risk_score for s in parts] == pytest.approx(alone, abs=1e-6)


def test_duplicates_are_identical_model_inputs(scorer):
    ads = [
        Ad(id="a", text="cook wanted, call +1-202-555-0143"),
        Ad(id="b", text="cook wanted, call +1-202-555-0199"),
        Ad(id="c", text="baker wanted, call +1-202-555-0143"),
    ]
    a, b, c = scorer.score(ads)
    assert b.duplicate_of == "a" and a.duplicate_of is None and c.duplicate_of is None
    assert b.risk_score == a.risk_score and b.text_sha256 == a.text_sha256 != c.text_sha256


def test_contacts_do_not_leave_the_scorer(scorer):
    shown = str(scorer.score(["call +1-202-555-0143 or me@example.com"])[0].to_dict())
    assert "0143" not in shown and "me@example.com" not in shown


def test_prevalence_moves_scores_but_not_tiers(tiny_bundle, scorer):
    rare = Scorer.load(tiny_bundle, prevalence=0.001)
    texts = [RISKY, PLAIN]
    for before, after in zip(scorer.score(texts), rare.score(texts), strict=True):
        assert after.risk_score < before.risk_score
        assert after.tier == before.tier


def test_other_points_other_tiers_same_scores(scorer):
    strict = scorer.with_points(OperatingPoints(2.0, 2.0))
    before, after = scorer.score([RISKY])[0], strict.score([RISKY])[0]
    assert before.tier is not Tier.NO_ACTION and after.tier is Tier.NO_ACTION
    assert before.risk_score == after.risk_score


def test_called_like_a_pipeline(scorer):
    assert [set(d) for d in scorer(RISKY)] == [{"label", "score"}]
    pair = scorer([RISKY, PLAIN])
    assert isinstance(pair[0], dict) and pair[0]["score"] >= 0.5
    everything = scorer([RISKY], top_k=None)[0]
    assert {d["label"] for d in everything} == set(scorer.targets)
    assert [d["score"] for d in everything] == sorted(
        (d["score"] for d in everything), reverse=True
    )


def test_spans_index_the_redacted_text(scorer):
    scored = scorer.score(["Mail me@example.com. " + RISKY])[0]
    for span in scored.indicators:
        assert 0 <= span.start < span.end <= len(scored.redacted_text)


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"batch_size": 0}, {"prevalence": 0.0}, {"prevalence": 1.0}]
)
def test_unusable_options(tiny_bundle, options):
    with pytest.raises(UsageError):
        Scorer.load(tiny_bundle, **options)


def test_a_single_string_to_score_is_a_mistake(scorer):
    with pytest.raises(UsageError, match="list"):
        scorer.score("text")


def test_a_bundle_of_an_unknown_kind_is_refused(tiny_bundle, tmp_path):
    bundle = load_bundle(tiny_bundle)
    for scoring in ({**bundle.scoring, "kind": "magic"}, {"kind": "linear"}):
        folder = tmp_path / scoring["kind"]
        write_bundle(folder, scoring, bundle.files, {})
        with pytest.raises(BundleError, match=r"manifest\.json"):
            Scorer.load(folder)
    without = {name: content for name, content in bundle.files.items() if name != "tokenizer.json"}
    write_bundle(tmp_path / "without", bundle.scoring, without, {})
    with pytest.raises(BundleError, match=r"tokenizer\.json"):
        Scorer.load(tmp_path / "without")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"calibrators": {"risk": {"kind": "magic"}, "forced_labour": {}}}, "magic"),
        (
            {"calibrators": {"risk": {"kind": "platt", "a": "x", "b": 0}, "forced_labour": {}}},
            "manifest",
        ),
        ({"operating_points": {"review": "high", "priority_review": 1}}, "manifest"),
        ({"operating_points": {"review": 0.5}}, "manifest"),
        ({"base_rate": None}, "manifest"),
        ({"risk_level_cuts": [0.1, 0.2, 0.3]}, "six"),
        ({"risk_level_cuts": [0.1, 0.2, 0.3, 0.5, 0.4, 0.6]}, "six"),
        ({"text": {"clean": True, "upper": True}}, "upper"),
        ({"linear": {"n_buckets": 64, "token_ngrams": [1, 2], "char_ngrams": None}}, "linear"),
    ],
)
def test_a_scoring_block_that_cannot_score_is_refused(tiny_bundle, tmp_path, change, named):
    bundle = load_bundle(tiny_bundle)
    write_bundle(tmp_path / "b", {**bundle.scoring, **change}, bundle.files, {})
    with pytest.raises(BundleError, match=named):
        Scorer.load(tmp_path / "b")


def test_the_predicted_level_follows_the_cuts_and_not_the_prevalence(tiny_bundle, scorer):
    cuts = scorer.risk_level_cuts
    rare = Scorer.load(tiny_bundle, prevalence=0.001)
    texts = [RISKY, PLAIN, "cook"]
    for scored, shifted in zip(scorer.score(texts), rare.score(texts), strict=True):
        assert scored.predicted_risk_level == sum(scored.risk_score >= cut for cut in cuts)
        assert shifted.predicted_risk_level == scored.predicted_risk_level
    risky, plain = scorer.score([RISKY, PLAIN])
    assert risky.predicted_risk_level > 3 > plain.predicted_risk_level
    assert list(risky.to_dict())[1:4] == ["risk_score", "tier", "predicted_risk_level"]
    assert scorer.score([""])[0].predicted_risk_level is None


def test_a_bundle_from_before_the_cuts_still_scores(tiny_bundle, scorer, tmp_path):
    bundle = load_bundle(tiny_bundle)
    scoring = {name: value for name, value in bundle.scoring.items() if name != "risk_level_cuts"}
    write_bundle(tmp_path / "old", scoring, bundle.files, {})
    (old,), (new,) = Scorer.load(tmp_path / "old").score([RISKY]), scorer.score([RISKY])
    assert old.predicted_risk_level is None and old.risk_score == new.risk_score


def test_a_bundle_of_another_codebook_scores_with_a_warning(tiny_bundle, tmp_path, caplog):
    bundle = load_bundle(tiny_bundle)
    Scorer.load(tiny_bundle)
    assert not caplog.records
    write_bundle(tmp_path / "b", {**bundle.scoring, "codebook_version": "0"}, bundle.files, {})
    assert Scorer.load(tmp_path / "b").score([RISKY])[0].error is None
    assert "codebook version 0" in caplog.text


def test_the_bundle_that_ships_loads_and_scores():
    risky, plain = Scorer.load().score([RISKY, PLAIN])
    assert risky.risk_score > plain.risk_score
