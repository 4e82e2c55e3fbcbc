from __future__ import annotations

import numpy as np
import pytest

from adrisk.errors import InputError
from adrisk.evaluate.comparators import COMPARATORS, metadata, redacted_texts, rule, tfidf
from adrisk.metrics import roc_auc
from tests.conftest import toy_dataset
from tests.evaluate.toys import altered


def fitted(fit, dataset):
    return fit(dataset.part("train"), dataset.part("validation"), 0)


@pytest.mark.parametrize("name", COMPARATORS)
def test_a_ranker_gives_one_finite_score_an_ad_and_none_for_none(name, dataset):
    ranker = fitted(COMPARATORS[name], dataset)
    scores = ranker(dataset.part("test"))
    assert scores.shape == (len(dataset.part("test")),)
    assert np.isfinite(scores).all()
    assert len(ranker(dataset.take([]))) == 0


def test_tfidf_learns_a_toy_task(dataset):
    test = dataset.part("test")
    assert roc_auc(test.risk, fitted(tfidf, dataset)(test)) > 0.95


def test_tfidf_learns_chinese_without_word_spaces():
    texts = [f"{'先交押金再上班' if i % 2 else '签正式劳动合同'}编号{i}" for i in range(60)]
    ads = altered(toy_dataset(60), texts=texts, languages=["zh"] * 60, risk=np.arange(60) % 2)
    ranker = tfidf(ads.take(range(40)), ads.take(range(40, 50)), 0)
    assert roc_auc(ads.risk[50:], ranker(ads.take(range(50, 60)))) == 1.0


def test_tfidf_reads_redacted_text_so_a_phone_number_teaches_nothing():
    texts = [f"call +1-202-555-01{10 if i % 2 else 20} today" for i in range(40)]
    ads = altered(toy_dataset(40), texts=texts, risk=np.arange(40) % 2)
    assert "555" not in " ".join(redacted_texts(ads))
    scores = tfidf(ads.take(range(30)), ads.take([]), 0)(ads.take(range(30, 40)))
    assert np.ptp(scores) == pytest.approx(0.0, abs=1e-9)


def test_unsure_and_unknown_ads_teach_nothing(dataset):
    train = dataset.part("train")
    risk = train.risk.copy()
    risk[::3] = np.nan
    risk[1::3] = 0.5
    kept = np.flatnonzero(~np.isnan(risk) & (risk != 0.5))
    marked, taken = altered(train, risk=risk), train.take(kept)
    test, validation = dataset.part("test"), dataset.part("validation")
    for fit in (metadata, tfidf):
        np.testing.assert_allclose(
            fit(marked, validation, 0)(test), fit(taken, validation, 0)(test), atol=1e-6
        )


def test_a_training_part_of_one_class_is_refused(dataset):
    train = dataset.part("train")
    train = altered(train, risk=np.zeros(len(train)))
    for fit in (metadata, tfidf):
        with pytest.raises(InputError, match="risky and non-risky"):
            fit(train, dataset.part("validation"), 0)


def test_metadata_finds_the_shortcut_through_the_source():
    ads = toy_dataset(80)
    ads = altered(ads, sources=["shady" if risk else "fair" for risk in ads.risk])
    test = ads.part("test")
    assert roc_auc(test.risk, fitted(metadata, ads)(test)) == 1.0


def test_metadata_sees_no_word_of_the_text(dataset):
    blank = altered(dataset, texts=["An ad."] * len(dataset))
    test, blank_test = dataset.part("test"), blank.part("test")
    for with_text in (fitted(metadata, dataset), fitted(metadata, blank)):
        np.testing.assert_array_equal(with_text(test), with_text(blank_test))
    assert roc_auc(test.risk, fitted(metadata, dataset)(test)) < 0.8


def test_metadata_sees_that_there_is_a_contact_but_not_which():
    def texts(name):
        return [f"write to {name}{i}@example.com" if i % 2 else "come by" for i in range(40)]

    ads = altered(toy_dataset(40), texts=texts("ann"), risk=np.arange(40) % 2)
    other = altered(ads, texts=texts("bob"))
    ranker = metadata(ads, ads, 0)
    assert roc_auc(ads.risk, ranker(ads)) == 1.0
    np.testing.assert_array_equal(ranker(ads), ranker(other))


def test_the_rule_counts_distinct_signs():
    ads = toy_dataset(3)
    ads = altered(
        ads,
        texts=[
            "Bakery looks for a baker, permanent contract.",
            "We keep your passport.",
            "We keep your passport. Registration fee first. We keep your passport.",
        ],
    )
    plain, one, two = rule(ads, ads, 0)(ads)
    assert plain < one < two
    assert two == int(two)
