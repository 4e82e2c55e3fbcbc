from __future__ import annotations

import json
import math

import numpy as np
import pytest

from adrisk.errors import UsageError
from adrisk.evaluate.protocols import run_protocols
from tests.conftest import toy_dataset
from tests.evaluate.toys import altered


def knows_the_company(train, validation, seed):
    """Ranks by the risk that the company's training ads had: good only where companies recur."""
    risky = {key for key, risk in zip(train.group_keys, train.risk, strict=True) if risk > 0.5}
    return lambda ads: np.array([float(key in risky) for key in ads.group_keys])


def oracle(train, validation, seed):
    return lambda ads: ads.risk.astype(float)


def noise(train, validation, seed):
    return lambda ads: np.random.default_rng(seed).random(len(ads))


@pytest.fixture(scope="module")
def ads():
    """Ads whose risk is decided by their company."""
    toys = toy_dataset(240)
    companies = [i % 60 for i in range(240)]
    risk = np.array([company % 3 == 0 for company in companies], dtype=float)
    keys = [f"company-{company}" for company in companies]
    return altered(toys, risk=risk, group_keys=keys, group_ids=keys)


@pytest.fixture(scope="module")
def table(ads):
    models = {"company": knows_the_company, "oracle": oracle, "noise": noise}
    return run_protocols(
        ads, models, ["random", "group_key"], [0, 1], baseline="noise", n_resamples=40
    )


def cell(table, model, protocol):
    (found,) = [c for c in table.cells if (c.model, c.protocol) == (model, protocol)]
    return found


def test_the_gap_shows_what_was_learned_by_heart(table):
    assert cell(table, "company", "random").average_precision.value > 0.9
    assert cell(table, "company", "group_key").average_precision.value < 0.6
    assert cell(table, "oracle", "group_key").average_precision.value == 1.0


def test_a_cell_is_the_mean_over_seeds_with_its_base_rate(table):
    found = cell(table, "noise", "random")
    assert len(found.per_seed) == 2
    assert found.average_precision.value == pytest.approx(np.mean(found.per_seed))
    assert found.average_precision.low <= found.average_precision.value
    assert found.positives / found.ads == pytest.approx(found.base_rate, abs=0.02)
    assert found.average_precision.n_groups <= 60


def test_every_model_is_compared_with_the_baseline_on_the_same_ads(table):
    assert [(c.protocol, c.model, c.baseline) for c in table.comparisons] == [
        ("random", "company", "noise"),
        ("random", "oracle", "noise"),
        ("group_key", "company", "noise"),
        ("group_key", "oracle", "noise"),
    ]
    pair = table.comparisons[1].difference
    expected = 1.0 - cell(table, "noise", "random").average_precision.value
    assert pair.difference == pytest.approx(expected)
    assert pair.p_better == 1.0


def test_every_model_learns_on_the_training_part_of_its_own_split(ads):
    seen = []

    def spy(train, validation, seed):
        seen.append((seed, train, validation))

        def rank(test):
            keys = [set(part.group_keys) for part in (train, validation, test)]
            assert not (keys[0] & keys[2]) and not (keys[1] & keys[2])
            return np.arange(len(test), dtype=float)

        return rank

    table = run_protocols(ads, {"spy": spy}, ["group_key"], [3, 4], n_resamples=5)
    assert [seed for seed, _, _ in seen] == [3, 4]
    assert all(set(train.parts) == {"train"} for _, train, _ in seen)
    assert len(set(table.split_sha256s["group_key"])) == 2


def test_unsure_and_unlabelled_ads_are_not_measured(ads):
    risk = ads.risk.copy()
    risk[::4] = 0.5
    risk[1::8] = np.nan
    marked = altered(ads, risk=risk)
    table = run_protocols(marked, {"noise": noise}, ["random"], [0], n_resamples=5)
    assert 0 < table.cells[0].ads < 0.75 * 0.25 * len(ads)
    assert not math.isnan(table.cells[0].average_precision.value)


def test_a_protocol_without_its_column_is_named_as_skipped(ads):
    bare = altered(ads, group_keys=[None] * len(ads))
    table = run_protocols(bare, {"noise": noise}, ["group_key", "random"], [0], n_resamples=5)
    assert list(table.skipped) == ["group_key"]
    assert [c.protocol for c in table.cells] == ["random"]
    assert "no ad has a group_key" in table.markdown()
    assert "group_key" in table.to_dict()["skipped"]


def test_the_table_is_told_in_markdown_and_json(table, ads):
    markdown = table.markdown()
    assert markdown.count("\n| random |") == 5
    assert "base rate" in markdown
    plain = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert len(plain["cells"]) == 6
    assert plain["seeds"] == [0, 1]
    assert plain["fingerprint"] == ads.fingerprint
    assert not any(text in markdown for text in ads.texts)


def test_a_hostile_model_name_stays_text(ads):
    name = "<img src=x>|`"
    table = run_protocols(ads, {name: noise}, ["random"], [0], n_resamples=5)
    assert "<img" not in table.markdown()
    assert "\\|\\`" in table.markdown()


@pytest.mark.parametrize(
    ("models", "protocols", "seeds"),
    [
        ({"noise": noise}, ["randon"], [0]),
        ({}, ["random"], [0]),
        ({"noise": noise}, [], [0]),
        ({"noise": noise}, ["random"], []),
    ],
)
def test_what_cannot_be_run_is_refused_before_training(ads, models, protocols, seeds):
    with pytest.raises(UsageError):
        run_protocols(ads, models, protocols, seeds)


def test_a_model_that_gives_no_score_is_an_error_and_not_a_low_rank(ads):
    def broken(train, validation, seed):
        return lambda test: np.full(len(test), np.nan)

    with pytest.raises(ValueError, match="broken"):
        run_protocols(ads, {"broken": broken}, ["random"], [0], n_resamples=5)


def test_the_value_does_not_depend_on_the_number_of_draws(ads):
    one, two = (
        run_protocols(ads, {"noise": noise}, ["random"], [0], n_resamples=n) for n in (5, 10)
    )
    assert one.cells[0].average_precision.value == two.cells[0].average_precision.value
    assert one.cells[0].per_seed[0] == pytest.approx(one.cells[0].average_precision.value)
