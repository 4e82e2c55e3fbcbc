"""Importers: the columns, labels and group keys of known kinds of file."""

import csv

import pytest

from adrisk.codebook.codebook import RISK
from adrisk.dataset.importers import IMPORTERS, LabelMap, LevelColumn
from adrisk.dataset.read import read_ads
from adrisk.errors import InputError, UsageError
from adrisk.score.columns import ColumnMap

from .helpers import write_jsonl


def read(tmp_path, rows, **options):
    return read_ads([write_jsonl(tmp_path / "ads.jsonl", rows)], **options)


def table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


MAPPED = LabelMap("label", ("fake", "disputed"), ("real",), "recruitment_fraud")


@pytest.mark.parametrize(
    ("word", "targets"),
    [
        ("fake", {RISK: 1.0, "recruitment_fraud": 1.0}),
        (" disputed ", {RISK: 1.0, "recruitment_fraud": 1.0}),
        ("real", {RISK: 0.0, "recruitment_fraud": 0.0}),
    ],
)
def test_label_words(tmp_path, word, targets):
    (raw,) = read(tmp_path, [{"text": "x", "label": word}], label_map=MAPPED).ads
    assert raw.label.targets == targets


def test_label_words_that_are_neither(tmp_path):
    rows = [{"text": "x", "label": "dunno"}, {"text": "y"}, {"text": "z", "label": None}]
    result = read(tmp_path, rows, label_map=MAPPED)
    assert [r.row for r in result.rejects] == [1, 2]
    assert result.ads[0].label is None


def test_whole_numbers_with_gaps_are_words():
    numbers = LabelMap("label", ("1",), ("0",))
    assert numbers({"label": 1.0}, {}).targets == {RISK: 1.0}
    assert numbers({"label": "0"}, {}).targets == {RISK: 0.0}


@pytest.mark.parametrize(
    "arguments",
    [
        ("label", (), ("real",)),
        ("label", ("fake",), ()),
        ("label", ("fake",), ("fake", "real")),
        ("label", ("fake",), ("real",), "no_such_category"),
    ],
)
def test_label_maps_that_make_no_sense(arguments):
    with pytest.raises(UsageError):
        LabelMap(*arguments)


EMSCAD = [
    "job_id",
    "title",
    "location",
    "department",
    "salary_range",
    "company_profile",
    "description",
    "requirements",
    "benefits",
    "telecommuting",
    "has_company_logo",
    "has_questions",
    "employment_type",
    "required_experience",
    "required_education",
    "industry",
    "function",
    "fraudulent",
]


def test_emscad(tmp_path):
    profile = "We bake."
    rows = [
        {"job_id": 1, "title": "Baker", "company_profile": profile, "description": "Bake.", "fraudulent": 0},
        {"job_id": 2, "title": "Clerk", "company_profile": "We  BAKE.", "benefits": "None.", "fraudulent": 1},
        {"job_id": 3, "title": "Cook", "description": "Cook.", "fraudulent": "f"},
        {"job_id": 4, "title": "Cook", "description": "Cook.", "fraudulent": 9},
    ]  # fmt: skip
    path = tmp_path / "emscad.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, EMSCAD)
        writer.writeheader()
        writer.writerows(rows)
    result = read_ads([path], importer="emscad")
    first, second, third = result.ads
    assert first.ad.full_text == "Baker\nWe bake.\nBake."
    assert (first.ad.id, first.ad.ad_type) == ("1", "job")
    assert first.label.targets == {RISK: 0.0, "recruitment_fraud": 0.0}
    assert second.label.targets == {RISK: 1.0, "recruitment_fraud": 1.0}
    assert first.group_key == second.group_key and profile not in first.group_key
    assert third.group_key is None
    assert [reject.row for reject in result.rejects] == [4]


def test_an_importers_columns_can_be_named_otherwise(tmp_path):
    row = {"nr": 7, "body": "Bake.", "fraudulent": 0, "company_profile": "We bake."}
    columns = ColumnMap(text=("body",), id="nr")
    (raw,) = read(tmp_path, [row], importer="emscad", columns=columns).ads
    assert (raw.ad.id, raw.ad.text, raw.ad.ad_type) == ("7", "Bake.", "job")
    assert raw.group_key is not None and raw.label.targets[RISK] == 0.0


@pytest.mark.parametrize(("level", "risk"), [(0, 0.0), (2, 0.0), (3, 0.5), (4, 1.0), (6.0, 1.0)])
def test_trafficking10k(tmp_path, level, risk):
    row = {"id": 1, "title": "New in town", "body": "Call me.", "label": level}
    (raw,) = read(tmp_path, [row], importer="trafficking10k").ads
    assert (raw.ad.full_text, raw.ad.ad_type) == ("New in town\nCall me.", "escort")
    assert (raw.label.risk_level, raw.label.targets[RISK]) == (level, risk)


@pytest.mark.parametrize("level", [7, -1, 2.5, "yes"])
def test_trafficking10k_with_a_label_that_is_no_level(tmp_path, level):
    (reject,) = read(tmp_path, [{"body": "x", "label": level}], importer="trafficking10k").rejects
    assert "whole number from 0 to 6" in reject.reason


def test_trafficking10k_without_its_label(tmp_path):
    path = table(tmp_path / "t10k.csv", [{"title": "x", "content": "y", "rating": 1}])
    with pytest.raises(
        InputError, match=r"t10k\.csv: no column 'body', 'label'; there are 'title'"
    ):
        read_ads([path], importer="trafficking10k")
    named = {"columns": ColumnMap(text=("content",)), "label_map": LevelColumn("rating")}
    (raw,) = read_ads([path], importer="trafficking10k", **named).ads
    assert raw.label.risk_level == 1


@pytest.mark.parametrize("importer", ["idtraffickers", "matched"])
def test_vendors_are_group_keys_and_no_labels(tmp_path, importer):
    rows = [
        {"TEXT": "Call me.", "VENDOR": 12, "IMAGES": "x.jpg"},
        {"TEXT": "Me too.", "VENDOR": ""},
    ]
    first, second = read_ads([table(tmp_path / "v.csv", rows)], importer=importer).ads
    assert (first.group_key, first.ad.ad_type, first.label) == ("12", "escort", None)
    assert second.group_key is None


def test_a_vendor_file_without_vendors_is_refused(tmp_path):
    path = table(tmp_path / "v.csv", [{"TEXT": "Call me.", "SELLER": 12}])
    with pytest.raises(InputError, match="no column 'VENDOR'; there are 'TEXT', 'SELLER'"):
        read_ads([path], importer="matched")


def test_a_level_column_that_a_row_lacks():
    with pytest.raises(InputError, match="--risk-level-column"):
        LevelColumn("points")({"text": "x"}, {})


def test_every_importer_names_what_it_requires():
    required = {n: i.required_columns(usual=i.columns) for n, i in IMPORTERS.items()}
    assert required["generic"] == ["text"]
    assert required["trafficking10k"] == ["body", "label"]
    assert required["idtraffickers"] == required["matched"] == ["TEXT", "VENDOR"]


def test_unknown_importer(tmp_path):
    with pytest.raises(UsageError, match="generic"):
        read(tmp_path, [{"text": "x"}], importer="nosuch")
