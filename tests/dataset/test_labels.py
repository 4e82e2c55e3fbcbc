import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.codebook.codebook import CATEGORIES, RISK, SIGNS, TARGETS
from adrisk.dataset.labels import Label, annotations_json, mean_label, parse_label
from adrisk.errors import InputError
from adrisk.records import Span

FIELDS = {"title": "Kitchen help", "text": "No papers needed, we keep them safe."}


@pytest.mark.parametrize(
    ("values", "risk"),
    [
        ({"risk": 1}, 1.0),
        ({"risk": "0"}, 0.0),
        ({"risk": 1.0}, 1.0),
        ({"risk": "1.0"}, 1.0),
        ({"risk": True}, 1.0),
        ({"risk": np.int64(0)}, 0.0),
        ({"risk_level": 0}, 0.0),
        ({"risk_level": 2}, 0.0),
        ({"risk_level": 3}, 0.5),
        ({"risk_level": "4"}, 1.0),
        ({"risk_level": 6}, 1.0),
        ({"risk": 1, "risk_level": 5}, 1.0),
        ({"risk": None}, None),
        ({"risk": "  "}, None),
        ({"risk": math.nan}, None),
        ({}, None),
        ({"categories": ["forced_labour"]}, None),  # a category alone does not make a risk label
    ],
)
def test_risk_of_a_row(values, risk):
    assert parse_label(values, FIELDS).targets.get(RISK) == risk


@pytest.mark.parametrize(
    "values",
    [
        {"risk": 2},
        {"risk": -1},
        {"risk": 0.7},
        {"risk": "yes"},
        {"risk": "1e0"},
        {"risk": "١"},
        {"risk": [1]},
        {"risk": math.inf},
        {"risk_level": 7},
        {"risk_level": -1},
        {"risk_level": 3.5},
        {"risk_level": True},
        {"risk": 0, "risk_level": 4},
        {"risk": 1, "risk_level": 2},
        {"risk": 1, "risk_level": 3},
        {"risk": 0, "risk_level": 3},
        {"categories": "forced_labour"},
        {"categories": "[unfinished"},
        {"categories": 3},
        {"categories": "3"},
        {"categories": ["no_such_category"]},
        {"categories": [1]},
        {"categories": {"forced_labour": 2}},
        {"categories": {"forced_labour": "maybe"}},
        {"categories": {"pay_too_good": 1}},
        {"categories": {"nonsense": None}},
        {"categories": "[" * 100_000},
        {"indicators": ["forced_labour"]},
        {"indicators": [["secrecy"]]},
        {"indicators": [{"sign": "secrecy"}]},
        {"indicators": [{"sign": "nothing", "field": "text", "start": 0, "end": 2}]},
        {"indicators": [{"sign": "secrecy", "field": "body", "start": 0, "end": 2}]},
        {"indicators": [{"sign": "secrecy", "field": "text", "start": 4, "end": 4}]},
        {"indicators": [{"sign": "secrecy", "field": "text", "start": -1, "end": 4}]},
        {"indicators": [{"sign": "secrecy", "field": "title", "start": 0, "end": 13}]},
        {"indicators": [{"sign": "secrecy", "field": "text", "start": 0.0, "end": 4}]},
        {"indicators": [{"sign": "secrecy", "field": "text", "start": False, "end": True}]},
        {"indicators": [{"sign": "secrecy", "field": ["text"], "start": 0, "end": 4}]},
        {"annotator_id": ["a"]},
    ],
)
def test_broken_labels_are_refused(values):
    with pytest.raises(InputError):
        parse_label(values, FIELDS)


def test_a_list_is_closed_world():
    targets = parse_label({"categories": ["forced_labour"]}, FIELDS).targets
    assert targets["forced_labour"] == 1.0
    assert [targets[c] for c in CATEGORIES if c != "forced_labour"] == [0.0] * 8


def test_an_empty_list_says_that_nothing_applies():
    targets = parse_label({"indicators": "[]"}, FIELDS).targets
    assert targets == dict.fromkeys(SIGNS, 0.0)


def test_an_object_is_open_world():
    values = {"categories": '{"forced_labour": 1, "organ_removal": 0, "forced_marriage": null}'}
    assert parse_label(values, FIELDS).targets == {"forced_labour": 1.0, "organ_removal": 0.0}


@pytest.mark.parametrize("unknown", [None, "", "null", math.nan])
def test_null_is_unknown(unknown):
    assert parse_label({"categories": unknown, "indicators": unknown}, FIELDS).is_empty


def test_indicators_with_spans():
    span = {"sign": "document_control", "field": "text", "start": 18, "end": 35}
    label = parse_label({"indicators": [span, "secrecy"]}, FIELDS)
    assert label.spans == (Span("document_control", 18, 35, "text"),)
    assert {name for name, value in label.targets.items() if value} == {
        "document_control",
        "secrecy",
    }
    assert len(label.targets) == len(SIGNS)


def test_a_near_name_is_hinted_at():
    with pytest.raises(InputError, match="did you mean 'forced_labour'"):
        parse_label({"categories": ["forced_labor"]}, FIELDS)


def test_what_looks_like_ad_text_is_not_quoted():
    with pytest.raises(InputError) as caught:
        parse_label({"categories": ["call +1-202-555-0101"]}, FIELDS)
    assert "0101" not in str(caught.value)


def test_annotator_ids_are_text():
    assert parse_label({"annotator_id": 7, "risk": 1}, FIELDS).annotator_id == "7"
    assert parse_label({"annotator_id": 7.0, "risk": 1}, FIELDS).annotator_id == "7"


def test_annotators_are_averaged():
    labels = [
        Label({RISK: 1.0, "forced_labour": 1.0}, risk_level=6),
        Label({RISK: 0.5}, risk_level=3),
        Label({RISK: 0.0, "forced_labour": 0.0}, risk_level=0),
        Label({"secrecy": 1.0}),
    ]
    targets, level = mean_label(labels)
    assert targets[TARGETS.index(RISK)] == 0.5
    assert targets[TARGETS.index("forced_labour")] == 0.5
    assert targets[TARGETS.index("secrecy")] == 1.0
    assert np.isnan(targets[TARGETS.index("organ_offer")])
    assert level == 3.0


def test_no_label_is_all_unknown():
    targets, level = mean_label([])
    assert np.isnan(targets).all() and math.isnan(level)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(TARGETS), st.sampled_from([0.0, 0.5, 1.0]))))
def test_means_stay_between_0_and_1(rows):
    targets, _ = mean_label([Label(row) for row in rows])
    known = ~np.isnan(targets)
    assert ((targets[known] >= 0) & (targets[known] <= 1)).all()
    assert {TARGETS[i] for i in np.flatnonzero(known)} == set().union(*rows)


def test_kept_annotations_index_the_joined_text():
    label = Label({"secrecy": 1.0}, spans=(Span("secrecy", 0, 9, "text"),), annotator_id="a")
    (kept,) = json.loads(annotations_json([(label, {"title": 0, "text": 13})]))
    assert kept["spans"] == [{"sign": "secrecy", "start": 13, "end": 22}]
    assert kept["annotator_id"] == "a"
