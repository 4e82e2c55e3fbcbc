from __future__ import annotations

import json

import numpy as np
import pytest

from adrisk import Scorer
from adrisk.codebook.codebook import TARGETS
from adrisk.evaluate.gates import MAX_DROP, run_gates
from adrisk.score.bundle import load_bundle, write_bundle
from tests.registry_helpers import altered_bundle, upside_down

SPLIT, PARITY, QUALITY = 0, 1, 2


class FakeBundle:
    def __init__(self, split, metrics):
        self.manifest = {} if split is None else {"training_data": {"split_sha256": split}}
        self.files = {} if metrics is None else {"metrics.json": json.dumps(metrics).encode()}


class FakeScorer:
    """A scorer whose risk logit is what `rule` says of the text."""

    targets = ("forced_labour", "risk")

    def __init__(self, rule, *, split=None, kind="linear", metrics=None):
        self.rule, self.kind, self.bundle = rule, kind, FakeBundle(split, metrics)

    def logits(self, texts):
        assert texts, "no ads to compare on"
        return np.array([[0.0, self.rule(text)] for text in texts], dtype=np.float32)


def truth(dataset):
    risk = dict(zip(dataset.texts, dataset.risk, strict=True))
    return lambda text: float(risk[text])


def almost(dataset, wrong):
    """The truth, but for the first `wrong` non-risky ads, which come before all others."""
    right = truth(dataset)
    misled = [t for t, r in zip(dataset.texts, dataset.risk, strict=True) if r == 0][:wrong]
    return lambda text: 9.0 if text in misled else right(text)


@pytest.fixture(scope="module")
def part(dataset):
    return dataset.part("test")


def gate(number, challenger, champion, part):
    return run_gates(challenger, champion, part)[number]


def test_gates_have_distinct_names(part):
    names = [g.name for g in run_gates(FakeScorer(truth(part)), None, part)]
    assert names == ["same_split", "parity", "average_precision"]


class TestSameSplit:
    def test_passes_for_the_split_of_the_test_ads(self, part):
        assert gate(SPLIT, FakeScorer(len, split=part.split_sha256), None, part).passed

    @pytest.mark.parametrize("split", ["0" * 64, None, ""])
    def test_refused_for_any_other(self, part, split):
        result = gate(SPLIT, FakeScorer(len, split=split), None, part)
        assert not result.passed and "another split" in result.reason

    def test_a_champion_of_another_split_is_named(self, part):
        challenger, old = FakeScorer(len, split=part.split_sha256), FakeScorer(len, split="0" * 64)
        assert "favours it" in gate(SPLIT, challenger, old, part).reason
        same = FakeScorer(len, split=part.split_sha256)
        assert "favours it" not in gate(SPLIT, challenger, same, part).reason


class TestParity:
    @pytest.mark.parametrize(
        ("figures", "passed"),
        [
            ({"max_logit_difference": 1e-6, "tolerance": 1e-3}, True),
            ({"max_logit_difference": 1e-3, "tolerance": 1e-3}, True),
            ({"max_logit_difference": 2e-3, "tolerance": 1e-3}, False),
            ({"max_logit_difference": float("nan"), "tolerance": 1e-3}, False),
            ({"max_logit_difference": 1e-6}, False),
            ({}, False),
            (None, False),
        ],
    )
    def test_of_an_encoder(self, part, figures, passed):
        scorer = FakeScorer(len, kind="encoder", metrics={"parity": figures})
        assert gate(PARITY, scorer, None, part).passed is passed

    def test_an_encoder_without_metrics_is_refused(self, part):
        assert not gate(PARITY, FakeScorer(len, kind="encoder"), None, part).passed

    def test_a_linear_model_needs_none(self, part):
        assert gate(PARITY, FakeScorer(len), None, part).passed


class TestNotWorse:
    def test_without_a_champion(self, part):
        result = gate(QUALITY, FakeScorer(len), None, part)
        assert result.passed and result.reason == "no champion yet"

    def test_equal_is_good_enough(self, part):
        result = gate(QUALITY, FakeScorer(truth(part)), FakeScorer(truth(part)), part)
        assert result.passed and "+0.0000 (95% +0.0000 to +0.0000" in result.reason

    def test_better_passes_and_worse_does_not(self, part):
        right, wrong = FakeScorer(truth(part)), FakeScorer(lambda text: -truth(part)(text))
        assert gate(QUALITY, right, wrong, part).passed
        assert not gate(QUALITY, wrong, right, part).passed

    def test_a_drop_beyond_the_allowance_fails_even_where_the_interval_reaches_zero(self, part):
        result = gate(QUALITY, FakeScorer(almost(part, 1)), FakeScorer(truth(part)), part)
        difference = float(result.reason.split()[3])
        assert difference < -MAX_DROP and "to +0.0000" in result.reason
        assert not result.passed

    def test_a_sure_drop_fails_even_within_the_allowance(self, dataset):
        """Every resample is a little worse: the interval ends below 0."""
        risky = [t for t, r in zip(dataset.texts, dataset.risk, strict=True) if r == 1]
        place = {text: 100 + n for n, text in enumerate(risky)}
        misled = [t for t in dataset.texts if t not in place][:8]
        old = FakeScorer(lambda text: place.get(text, 0))
        new = FakeScorer(lambda text: 109.5 if text in misled else place.get(text, 0))
        result = gate(QUALITY, new, old, dataset)
        difference, high = float(result.reason.split()[3]), float(result.reason.split()[7][:-1])
        assert -MAX_DROP < difference < 0 and high < 0
        assert not result.passed

    def test_unsure_and_unknown_ads_do_not_count(self, part):
        targets = part.targets.copy()
        right, old = truth(part), lambda text: truth(part)(text) - len(text) / 1000
        counted = gate(QUALITY, FakeScorer(right), FakeScorer(old), part).reason
        doubled = part.take(np.append(np.arange(len(part)), np.arange(20)))
        doubled.targets[len(part) :, TARGETS.index("risk")] = [0.5, np.nan] * 10
        assert gate(QUALITY, FakeScorer(right), FakeScorer(old), doubled).reason == counted
        np.testing.assert_array_equal(part.targets, targets)

    @pytest.mark.parametrize("only", [0.0, 1.0, 0.5])
    def test_a_test_part_with_one_class_proves_nothing(self, part, only):
        one = part.take(np.flatnonzero(part.risk == only))
        result = gate(QUALITY, FakeScorer(len), FakeScorer(len), one)
        assert not result.passed and "lacks" in result.reason


def test_real_bundles(dataset, tiny_bundle, tmp_path):
    """Through the light scorer: an encoder's bundle would take the same way."""
    part = dataset.part("test")
    good = Scorer.load(tiny_bundle)
    worse = Scorer.load(
        altered_bundle(tiny_bundle, tmp_path / "worse", weights=upside_down(tiny_bundle))
    )
    assert all(g.passed for g in run_gates(good, worse, part))
    assert [g.passed for g in run_gates(worse, good, part)] == [True, True, False]


def test_a_bundle_without_training_data_is_refused(tiny_bundle, tmp_path, dataset):
    bundle = load_bundle(tiny_bundle)
    folder = write_bundle(tmp_path / "bare", bundle.scoring, bundle.files, {}).path
    assert not gate(SPLIT, Scorer.load(folder), None, dataset.part("test")).passed
