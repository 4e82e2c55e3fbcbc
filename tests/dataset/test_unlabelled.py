"""Unlabelled text: what is read, what is left out and why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.dataset.group import GroupSettings
from adrisk.dataset.held_out import COPY, GROUP, NEAR, HeldOutAds, _NearDuplicates
from adrisk.dataset.unlabelled import EMPTY, REPEATED, UnlabelledTexts, expand
from adrisk.errors import InputError, UsageError
from adrisk.score.columns import ColumnMap
from adrisk.text.fingerprint import estimated_jaccard, min_hashes
from adrisk.text.model_input import TextSettings, model_input

from .helpers import OPENINGS, ads_dataset, write_jsonl

SETTINGS = TextSettings()
# Apart from the held-out ads of `ads_dataset`, and from each other.
OTHER = (
    "Violin teacher, two pupils a week, in our music school beside the old mill.",
    "Translator from Latvian, contracts of a shipping office, from home, paid by page.",
    "Bee keeper for the hives on the roof, spring to autumn, honey shared.",
)


@pytest.fixture(scope="module")
def held_out():
    return HeldOutAds(ads_dataset(6, group_keys=["bakery", *[None] * 5]))


def texts_of(tmp_path, rows, held_out, columns=None, text=SETTINGS, **options):
    path = write_jsonl(tmp_path / "more.jsonl", rows)
    return UnlabelledTexts(expand([str(path)]), columns or ColumnMap(), text, held_out, **options)


def test_texts_are_read_as_scoring_reads_them(tmp_path, held_out):
    rows = [{"head": "Violin &amp; more", "body": "Call +1-202-555-0101 <b>now</b>"}]
    columns = ColumnMap(text=("head", "body"))
    (text,) = texts_of(tmp_path, rows, held_out, columns)
    assert text == model_input("Violin &amp; more\nCall +1-202-555-0101 <b>now</b>", SETTINGS).text
    assert "0101" not in text and "<b>" not in text


def test_a_copy_a_near_copy_and_an_ad_of_the_same_company_are_left_out(tmp_path, held_out):
    copy = f"{OPENINGS[1]} Place 1."
    rows = [
        {"text": OTHER[0]},
        {"text": copy},
        {"text": f"<p>{copy}</p>"},
        {"text": copy.replace("two languages", "three languages")},
        {"text": copy.replace("Place 1", "Place 77")},
        {"text": OTHER[1], "group_key": "bakery"},
        {"text": OTHER[2], "group_key": "another shop"},
    ]
    found = texts_of(tmp_path, rows, held_out)
    assert list(found) == [OTHER[0], OTHER[2]]
    assert found.left_out == {COPY: 3, NEAR: 1, GROUP: 1}
    assert (found.rows, found.kept) == (7, 2)


def test_held_out_copies_are_found_under_other_text_settings_too(tmp_path, held_out):
    rows = [{"text": f"<p>{OPENINGS[1]} Place 1.</p>"}, {"text": f"<p>{OTHER[0]}</p>"}]
    found = texts_of(tmp_path, rows, held_out, text=TextSettings(clean=False))
    assert list(found) == [f"<p>{OTHER[0]}</p>"]
    assert found.left_out == {COPY: 1}


def test_the_rest_is_counted_by_reason(tmp_path, held_out):
    rows = [
        {"text": OTHER[0]}, {"text": OTHER[0]}, {"text": " "}, {"text": 5}, {"body": "x"},
        {"text": "<br>"}, {"text": "\u200b"},
    ]  # fmt: skip
    found = texts_of(tmp_path, rows, held_out)
    assert list(found) == [OTHER[0]]
    assert found.left_out[REPEATED] == 1 and found.left_out[EMPTY] >= 1
    assert found.kept + sum(found.left_out.values()) == found.rows == len(rows)
    unusable = [reason for reason in found.left_out if reason.startswith("unusable row: ")]
    assert len(unusable) >= 3


def test_the_training_part_is_added_unchecked_but_not_twice(tmp_path, held_out):
    copy = f"{OPENINGS[1]} Place 1."
    found = texts_of(tmp_path, [{"text": OTHER[0]}], held_out, unchecked=[copy, OTHER[0]])
    assert list(found) == [OTHER[0], copy]
    assert found.left_out == {REPEATED: 1} and found.rows == 3


def test_nothing_is_read_before_it_is_asked_for(tmp_path, held_out):
    rows = [{"text": f"{OTHER[0]} {i} {chr(97 + i % 26) * 9}"} for i in range(2000)]
    found = texts_of(tmp_path, rows, held_out)
    next(iter(found))
    assert found.rows < 600


def test_no_held_out_ads_leave_nothing_out(tmp_path):
    nobody = HeldOutAds(ads_dataset(0))
    assert list(texts_of(tmp_path, [{"text": OTHER[0]}], nobody)) == [OTHER[0]]


@pytest.mark.parametrize(
    ("columns", "missing"),
    [(ColumnMap(), "'text'"), (ColumnMap(text=("body",), group_key="shop"), "'shop'")],
)
def test_missing_columns_are_named_with_those_that_are_there(tmp_path, held_out, columns, missing):
    path = tmp_path / "more.csv"
    path.write_text("body,company\nx,y\n")
    found = UnlabelledTexts(expand([str(path)]), columns, SETTINGS, held_out)
    with pytest.raises(InputError, match=rf"{missing}; there are 'body', 'company': .*adapt\."):
        list(found)


def test_paths_folders_and_globs(tmp_path):
    for name in ("b.jsonl", "a.csv", "sub/c.parquet.zst", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [source.name for source in expand([f"{tmp_path}/*.jsonl", f"{tmp_path}/**/*.p*"])]
    assert names == [str(tmp_path / "b.jsonl"), str(tmp_path / "sub" / "c.parquet.zst")]
    assert [s.name for s in expand([str(tmp_path / "sub")])] == [
        str(tmp_path / "sub/c.parquet.zst")
    ]
    with pytest.raises(UsageError, match=r"adapt\.texts: no file or folder matches .*\.tsv"):
        expand([f"{tmp_path}/*.tsv"])
    with pytest.raises(UsageError, match="unknown kind of file"):
        expand([f"{tmp_path}/*.txt"])


WORDS = ["baker", "porter", "early", "shift", "paid", "leave", "hotel", "night", "street", "apply"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=6, max_size=20).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=8), st.lists(TEXT, min_size=1, max_size=8))
def test_near_duplicates_are_those_of_all_pairs(held, asked):
    least = GroupSettings().min_jaccard
    signatures = min_hashes(held)
    every = [(estimated_jaccard(s, signatures) >= least).any() for s in min_hashes(asked)]
    np.testing.assert_array_equal(_NearDuplicates(held, least).hit(asked), every)
