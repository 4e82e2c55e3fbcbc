from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.score.features import DENSE_NAMES, FeatureSettings, dense_features, hash_ngrams
from adrisk.score.linear import LinearWeights, weighted
from adrisk.text.model_input import TextSettings, model_input


def brute_force(symbols, lengths, n_buckets, salt):
    """One n-gram at a time, each by itself."""
    found = []
    for n in range(lengths[0], lengths[1] + 1):
        for start in range(len(symbols) - n + 1):
            gram = np.array(symbols[start : start + n], dtype=np.uint64)
            found.append(int(hash_ngrams(gram, (n, n), n_buckets, salt)[0]))
    return found


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 2**21), max_size=12), st.integers(1, 3), st.integers(0, 2))
def test_ngrams_are_the_same_wherever_they_stand(symbols, shortest, more):
    lengths = (shortest, shortest + more)
    array = np.array(symbols, dtype=np.uint64)
    got = hash_ngrams(array, lengths, 1024, salt=1)
    assert list(got) == brute_force(symbols, lengths, 1024, salt=1)
    assert all(0 <= bucket < 1024 for bucket in got)


def test_order_and_salt_matter():
    ab, ba = np.array([1, 2], dtype=np.uint64), np.array([2, 1], dtype=np.uint64)
    assert hash_ngrams(ab, (2, 2), 2**20, 1) != hash_ngrams(ba, (2, 2), 2**20, 1)
    assert hash_ngrams(ab, (2, 2), 2**20, 1) != hash_ngrams(ab, (2, 2), 2**20, 2)


def test_buckets_are_spread_evenly():
    buckets = hash_ngrams(np.arange(20_000, dtype=np.uint64), (1, 1), 64, salt=1)
    counts = np.bincount(buckets, minlength=64)
    assert counts.min() > 200 and counts.max() < 430  # 312 expected


def test_tfidf_values_by_hand():
    blocks = [(np.array([1, 3]), np.array([1, 2])), (np.array([0]), np.array([1]))]
    idf = np.array([1.0, 2.0, 1.0, 1.0], dtype=np.float32)
    buckets, values = weighted(blocks, idf)
    raw = np.array([2.0, 1.0 + np.log(2.0)])
    expected = [*(raw / np.linalg.norm(raw) / np.sqrt(2)), 1 / np.sqrt(2)]
    assert list(buckets) == [1, 3, 0]
    assert values == pytest.approx(expected)


def test_buckets_too_rare_to_be_used_are_left_out():
    buckets, values = weighted([(np.array([0, 1]), np.array([5, 1]))], np.float32([0.0, 1.0]))
    assert list(buckets) == [1] and list(values) == [1.0]
    assert len(weighted([(np.array([0]), np.array([1]))], np.float32([0.0]))[0]) == 0


def test_dense_block_counts_signs_and_what_was_undone():
    plain, hidden = (
        dense_features([model_input(text, TextSettings())])[0]
        for text in ("A quiet flat.", "Call +1-202-555-0143 or mail me@example.com")
    )
    assert plain.shape == (len(DENSE_NAMES),)
    assert plain.sum() == 0
    assert hidden[DENSE_NAMES.index("log1p:phone")] == pytest.approx(np.log(2))
    assert hidden[DENSE_NAMES.index("log1p:email")] == pytest.approx(np.log(2))


def test_the_number_of_identity_words_is_no_feature():
    item = model_input("Georgian and Thai cooks wanted", TextSettings())
    assert item.text == "[IDENTITY] and [IDENTITY] cooks wanted"
    assert dense_features([item])[0].sum() == 0


def test_weights_survive_storage_up_to_half_precision():
    rng = np.random.default_rng(0)
    weights = LinearWeights(
        *(rng.normal(size=s).astype(np.float32) for s in ((8, 2), (8,), (3, 2), (2,)))
    )
    back = LinearWeights.from_bytes(weights.to_bytes())
    assert back.weight == pytest.approx(weights.weight, rel=1e-3)
    assert np.array_equal(back.bias, weights.bias) and np.array_equal(back.idf, weights.idf)


def test_settings_round_trip_through_json():
    import json

    for chars in (None, (1, 4)):
        settings = FeatureSettings(1024, (1, 2), chars)
        assert FeatureSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
