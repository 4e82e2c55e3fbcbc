from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.dataset.prepared import PARTS
from adrisk.dataset.split import (
    DEFAULT_SHARES,
    PROTOCOLS,
    ProtocolSkipped,
    allowed_parts,
    assign_parts,
    risk_class,
    split_protocol,
)
from adrisk.errors import UsageError

from .helpers import ads_dataset

units_and_classes = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from(["positive", "negative", "unsure", "unknown"])),
    max_size=60,
)


def assign(rows, seed=0, languages=None):
    ids = [f"ad-{i:03d}" for i in range(len(rows))]
    units, classes = [row[0] for row in rows], [row[1] for row in rows]
    return assign_parts(units, classes, languages or ["en"] * len(rows), seed, ids=ids)


@settings(deadline=None, max_examples=100)
@given(units_and_classes, st.integers(0, 5))
def test_no_unit_crosses_parts_and_the_split_is_deterministic(rows, seed):
    parts = assign(rows, seed)
    held = defaultdict(set)
    for (unit, _), part in zip(rows, parts, strict=True):
        held[unit].add(part)
    assert all(len(parts_of_unit) == 1 for parts_of_unit in held.values())
    assert set(parts) <= set(PARTS)
    assert assign(rows, seed) == parts


@settings(deadline=None, max_examples=50)
@given(units_and_classes, st.randoms(use_true_random=False))
def test_the_order_of_the_ads_does_not_matter(rows, rng):
    ids = [f"ad-{i:03d}" for i in range(len(rows))]
    table = [(ad_id, *row) for ad_id, row in zip(ids, rows, strict=True)]

    def split(table):
        columns = [[row[i] for row in table] for i in range(3)] if table else [[], [], []]
        parts = assign_parts(columns[1], columns[2], ["en"] * len(table), 3, ids=columns[0])
        return dict(zip(columns[0], parts, strict=True))

    assert split(rng.sample(table, len(table))) == split(table)


@settings(deadline=None, max_examples=50)
@given(st.integers(5, 12), st.integers(5, 30), st.integers(0, 5))
def test_every_part_gets_both_classes_where_units_allow(positives, negatives, seed):
    rows = [(i, "positive" if i < positives else "negative") for i in range(positives + negatives)]
    parts = assign(rows, seed)
    found = Counter(zip(parts, (kind for _, kind in rows), strict=True))
    assert all(found[part, kind] for part in PARTS for kind in ("positive", "negative"))
    assert found["train", "positive"] >= 2 and found["train", "negative"] >= 2


def test_few_positives_go_to_training_and_test_first():
    rows = [(i, "positive" if i < 3 else "negative") for i in range(40)]
    parts = assign(rows)
    assert sorted(parts[:3]) == ["test", "train", "train"]


def test_shares_are_kept_for_ads_classes_and_languages():
    rng = np.random.default_rng(0)
    rows = [(i // 3, "positive" if rng.random() < 0.15 else "negative") for i in range(3000)]
    languages = [("en", "es", "zh")[u % 3] for u, _ in rows]
    parts = np.array(assign(rows, languages=languages))
    for name, share in DEFAULT_SHARES.items():
        inside = parts == name
        assert abs(inside.mean() - share) < 0.01
        for stratum in ("positive", "negative"):
            of_stratum = np.array([kind == stratum for _, kind in rows])
            assert abs((inside & of_stratum).sum() / of_stratum.sum() - share) < 0.03
        for language in ("en", "es", "zh"):
            of_language = np.array(languages) == language
            assert abs((inside & of_language).sum() / of_language.sum() - share) < 0.03


def test_a_group_larger_than_any_small_part_goes_to_training():
    rows = [(0, "negative")] * 50 + [(i, "negative") for i in range(1, 51)]
    assert set(assign(rows)[:50]) == {"train"}


def test_many_rare_languages_do_not_all_end_in_training():
    rows = [(i, "negative") for i in range(100)]
    parts = Counter(assign(rows, languages=[f"x{i}" for i in range(100)]))
    assert parts == {"train": 60, "validation": 10, "calibration": 10, "test": 20}


def test_the_seed_matters():
    rows = [(i, "negative") for i in range(100)]
    assert assign(rows, 1) != assign(rows, 2)


MARKS = st.sampled_from([None, None, *PARTS])


@settings(deadline=None, max_examples=100)
@given(units_and_classes, st.data(), st.integers(0, 3))
def test_parts_that_are_fixed_are_kept(rows, data, seed):
    marks = [data.draw(MARKS) for _ in rows]
    units, classes = [row[0] for row in rows], [row[1] for row in rows]
    allowed = allowed_parts(units, marks)
    parts = assign_parts(
        units,
        classes,
        ["en"] * len(rows),
        seed,
        ids=[f"ad-{i}" for i in range(len(rows))],
        allowed=allowed,
    )
    tested = {unit for unit, mark in zip(units, marks, strict=True) if mark == "test"}
    for unit, mark, part in zip(units, marks, parts, strict=True):
        assert (part == "test") >= (unit in tested)
        assert (part == "test") <= (unit in tested or mark is None)
        if unit not in tested and mark in ("validation", "calibration"):
            assert part in ("validation", "calibration")
    assert len(set(zip(units, parts, strict=True))) == len(set(units))


def test_an_ad_marked_test_takes_its_group_along_and_the_move_is_counted():
    groups = ["a", "a", "b", "b", "c", *(f"g{i}" for i in range(35))]
    marks = ["test", "train", "calibration", None, "train", *["train"] * 20, *[None] * 15]
    split = split_protocol(ads_dataset(40, groups=groups), "grouped", 0, marks=marks)
    assert list(split.parts[:4]) == ["test", "test", "calibration", "calibration"]
    assert "test" not in split.parts[4:25]
    assert split.about["fixed_parts"] == {
        "marked": {"calibration": 1, "test": 1, "train": 22},
        "moved_with_their_group": {"calibration": 1, "test": 1},
    }


def test_all_but_a_fixed_test_part_is_shared_out():
    marks = ["test"] * 30 + ["train"] * 60
    split = split_protocol(ads_dataset(90), "grouped", 0, marks=marks)
    assert list(split.parts[:30]) == ["test"] * 30
    counts = Counter(split.parts[30:])
    assert abs(counts["train"] - 45) <= 2 and counts["test"] == 0
    held = Counter(zip(split.parts, split.risk > 0.5, strict=True))
    assert all(held[part, risky] for part in PARTS for risky in (True, False))


def test_marks_that_say_nothing_change_nothing():
    plain = split_protocol(dataset_with_keys(), "grouped", 0)
    marked = split_protocol(dataset_with_keys(), "grouped", 0, marks=[None] * 120)
    assert marked.parts == plain.parts and marked.about == plain.about


def test_without_test_marks_training_marks_keep_an_ad_out_of_test():
    split = split_protocol(ads_dataset(60), "grouped", 0, marks=["train"] * 50 + [None] * 10)
    assert "test" not in split.parts[:50] and "test" in split.parts[50:]
    split = split_protocol(ads_dataset(60), "grouped", 0, marks=["train"] * 60)
    assert set(split.parts) == {"train", "validation", "calibration"}


@pytest.mark.parametrize("shares", [{"train": 0.5, "test": 0.4}, {"train": 1.2, "test": -0.2}])
def test_shares_must_add_up(shares):
    with pytest.raises(UsageError):
        assign_parts([1], ["positive"], ["en"], 0, ids=["a"], shares=shares)


@pytest.mark.parametrize(
    ("risk", "name"),
    [
        (1.0, "positive"),
        (2 / 3, "positive"),
        (0.5, "unsure"),
        (0.2, "negative"),
        (np.nan, "unknown"),
    ],
)
def test_risk_class(risk, name):
    assert risk_class(risk) == name


def crossing(dataset, column):
    """Number of units that stand in more than one part."""
    held = defaultdict(set)
    for unit, part in zip(column, dataset.parts, strict=True):
        held[unit].add(part)
    return sum(len(parts) > 1 for parts in held.values())


def dataset_with_keys():
    n = 120
    return ads_dataset(
        n,
        groups=[f"ad-{i // 6 * 6:04d}" for i in range(n)],
        group_keys=[f"shop-{i % 20}" if i < 100 else None for i in range(n)],
    )


@pytest.mark.parametrize(
    ("protocol", "column"), [("grouped", "group_ids"), ("group_key", "group_keys")]
)
def test_protocols_keep_their_own_units_together(protocol, column):
    dataset = dataset_with_keys()
    again = split_protocol(dataset, protocol, 1)
    keys = [key or f"alone-{i}" for i, key in enumerate(getattr(again, column))]
    assert crossing(again, keys) == 0
    assert again.about["protocol"] == protocol and again.about["seed"] == 1
    assert set(again.parts) == set(PARTS)


def test_the_random_protocol_parts_groups():
    dataset = dataset_with_keys()
    assert crossing(split_protocol(dataset, "random", 0), dataset.group_ids) > 0


def test_the_near_duplicate_protocol_uses_the_text_alone():
    dataset = dataset_with_keys()  # its texts differ by the opening alone, six in all
    again = split_protocol(dataset, "near_duplicate", 0)
    assert crossing(again, [text.split(" Place")[0] for text in again.texts]) == 0
    assert crossing(again, again.group_ids) > 0


def test_a_protocol_without_its_column_is_skipped():
    with pytest.raises(ProtocolSkipped, match="group_key"):
        split_protocol(ads_dataset(10), "group_key", 0)


def test_unknown_protocol():
    with pytest.raises(UsageError, match="near_duplicate"):
        split_protocol(ads_dataset(10), "by_moon", 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocols_are_deterministic_and_leave_the_ads_alone(protocol):
    dataset = dataset_with_keys()
    one, two = (split_protocol(dataset, protocol, 4) for _ in range(2))
    assert one.split_sha256 == two.split_sha256
    assert one.fingerprint == dataset.fingerprint
    assert list(one.ids) == list(dataset.ids)
