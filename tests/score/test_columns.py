from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import InputError, UsageError
from adrisk.records import MAX_AD_BYTES, Ad
from adrisk.score.columns import ColumnMap, check_columns, parse_columns, row_to_ad

PLAIN = ColumnMap()


def test_all_columns_of_an_ad():
    row = {"id": 7, "title": "Cook", "text": "Bistro", "ad_type": "Job ", "language": "pt_BR"}
    assert row_to_ad(row, PLAIN) == Ad("Bistro", "7", "Cook", "job", "pt-BR")


@pytest.mark.parametrize("missing", [None, "", "  ", math.nan])
def test_optional_values_may_be_missing(missing):
    row = {"text": "Bistro", **dict.fromkeys(["id", "title", "ad_type", "language"], missing)}
    assert row_to_ad(row, PLAIN) == Ad("Bistro")


def test_text_columns_are_joined_in_their_order_without_blank_ones():
    columns = ColumnMap(text=("c", "a", "b"))
    assert row_to_ad({"a": "one", "b": " ", "c": "three"}, columns).text == "three\none"
    assert row_to_ad({"a": "one", "b": None}, columns).text == "one"


def test_a_title_among_the_text_columns_is_not_joined_twice():
    ad = row_to_ad({"title": "Cook", "text": "Bistro"}, ColumnMap(text=("title", "text")))
    assert ad.full_text == "Cook\nBistro"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"body": "Bistro"}, "no column 'text'; there are 'body'.*--text-columns"),
        ({}, "no columns"),
        ({"text": None}, "empty"),
        ({"text": math.nan}, "empty"),
        ({"text": ""}, "empty"),
        ({"text": " \n\t\u3000\xa0"}, "empty"),
        ({"text": 12}, "where text is expected"),
        ({"text": ["Bistro"]}, "a list where text"),
        ({"text": b"Bistro"}, "bytes where text"),
        ({"text": "Bistro \ud800"}, "lone surrogate"),
        ({"text": "Bistro", "title": "\udfff"}, "lone surrogate"),
        ({"text": "Bistro", "title": {"en": "Cook"}}, "'title' holds an object"),
        ({"text": "Bistro", "id": ["a"]}, "'id' holds a list"),
        ({"text": "Bistro", "id": True}, "'id' holds true or false"),
    ],
)
def test_rows_that_hold_no_ad(row, reason):
    with pytest.raises(InputError, match=reason):
        row_to_ad(row, PLAIN)


def test_the_size_counts_bytes_of_title_and_text():
    half = "é" * (MAX_AD_BYTES // 2)
    assert row_to_ad({"text": half}, PLAIN).text == half
    with pytest.raises(InputError, match="1000001 bytes"):
        row_to_ad({"text": half + "x"}, PLAIN)
    with pytest.raises(InputError, match="1000002 bytes"):
        row_to_ad({"text": half, "title": "x"}, PLAIN)


@pytest.mark.parametrize("tag", ["English", "en US", "und", "1", "en-"])
def test_what_is_no_language_tag_is_left_to_detection(tag):
    assert row_to_ad({"text": "x", "language": tag}, PLAIN).language is None


@pytest.mark.parametrize("tag", ["en", "zh-Hant", "sr-Latn-RS", "fil"])
def test_language_tags_are_kept(tag):
    assert row_to_ad({"text": "x", "language": tag}, PLAIN).language == tag


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
@settings(deadline=None, max_examples=200)
def test_any_text_that_is_not_blank_is_kept_as_it_is(text):
    if text.strip():
        assert row_to_ad({"text": text}, PLAIN).text == text


@given(st.text(min_size=3, max_size=20))
@settings(deadline=None, max_examples=100)
def test_errors_never_quote_the_ad(text):
    secret = f"<{text}>"
    for row in (
        {"text": secret + "\ud800"},
        {"text": {"x": secret}},
        {"text": secret, "id": [secret]},
    ):
        with pytest.raises(InputError) as caught:
            row_to_ad(row, PLAIN)
        assert secret not in str(caught.value)


def test_check_columns_names_the_file_and_what_there_is():
    check_columns(["id", "text"], PLAIN)
    with pytest.raises(InputError, match=r"ads\.csv: no column 'text'; there are 'id', 'body'"):
        check_columns(["id", "body"], PLAIN, "ads.csv")


def test_parse_columns():
    assert parse_columns(None) == ("text",)
    assert parse_columns("title, body") == ("title", "body")
    for wrong in ("", "a,,b", "a,a"):
        with pytest.raises(UsageError):
            parse_columns(wrong)
