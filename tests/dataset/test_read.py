import json

import pytest

from adrisk.codebook.codebook import RISK
from adrisk.dataset.read import original_row, read_ads, reasons
from adrisk.errors import InputError
from adrisk.records import MAX_AD_BYTES
from adrisk.score.columns import ColumnMap

from .helpers import write_jsonl


def read(tmp_path, rows, **options):
    return read_ads([write_jsonl(tmp_path / "ads.jsonl", rows)], **options)


def test_reads_metadata_and_labels(tmp_path):
    row = {
        "id": 7,
        "title": "Baker",
        "text": "Early shift.",
        "ad_type": "Job",
        "location": "Riga",
        "source": "board-a",
        "posted_at": "2026-01-02",
        "group_key": "bakery",
        "risk_level": 1,
        "categories": [],
        "indicators": [{"sign": "vague_job", "field": "text", "start": 0, "end": 5}],
    }
    (raw,) = read(tmp_path, [row]).ads
    assert (raw.ad.id, raw.ad.full_text, raw.ad.ad_type) == ("7", "Baker\nEarly shift.", "job")
    assert (raw.location, raw.source, raw.group_key) == ("Riga", "board-a", "bakery")
    assert raw.label.targets[RISK] == 0.0
    start = raw.offsets["text"]
    assert raw.ad.full_text[start : start + 5] == "Early"


def test_offsets_of_joined_columns(tmp_path):
    row = {"a": "first", "b": " ", "c": "third", "title": "head"}
    (raw,) = read(tmp_path, [row], columns=ColumnMap(text=("a", "b", "c"))).ads
    for name in ("title", "a", "c"):
        start = raw.offsets[name]
        assert raw.ad.full_text[start:].startswith(row[name])


def test_rows_without_an_id_are_numbered_over_all_files(tmp_path):
    a = write_jsonl(tmp_path / "a.jsonl", [{"text": "one"}, {"text": ""}])
    b = write_jsonl(tmp_path / "b.jsonl", [{"text": "three"}])
    result = read_ads([a, b])
    assert [raw.ad.id for raw in result.ads] == ["row-1", "row-3"]
    assert [(r.file, r.row) for r in result.rejects] == [(str(a), 2)]


@pytest.mark.parametrize(
    "row",
    [
        {"id": "x"},
        {"id": "x", "text": None},
        {"id": "x", "text": " \n\t"},
        {"id": "x", "text": "\u200b\0"},
        {"id": "x", "text": "<p></p>&nbsp;"},
        {"id": "x", "text": 5},
        {"id": "x", "text": "a" * (MAX_AD_BYTES + 1)},
        {"id": "x", "text": "fine", "risk": 3},
        {"id": "x", "text": "fine", "risk": 1, "risk_level": 0},
        {"id": "x", "text": "fine", "ad_type": "gig"},
        {"id": "x", "text": "half \ud800 a pair"},
        {"id": "x", "text": "fine", "source": "half \ud800 a pair"},
        {"id": "x \ud800", "text": "fine"},
        {"id": "x", "text": "fine", "indicators": [{"sign": "secrecy", "field": "text", "start": 0, "end": 9}]},
    ],
)  # fmt: skip
def test_a_bad_row_is_rejected_and_the_rest_goes_on(tmp_path, row):
    result = read(tmp_path, [{"id": "a", "text": "good"}, row, {"id": "b", "text": "good too"}])
    assert [raw.ad.id for raw in result.ads] == ["a", "b"]
    (reject,) = result.rejects
    assert reject.row == 2 and reject.reason


def test_broken_lines_and_bytes_are_rejects(tmp_path):
    path = tmp_path / "ads.jsonl"
    path.write_bytes(
        b'{"text": "good"}\n{"text": "cut\n{"text": "caf\xe9"}\n[1]\n{"text": "last"}\n'
    )
    result = read_ads([path])
    assert [raw.ad.text for raw in result.ads] == ["good", "last"]
    assert [reject.row for reject in result.rejects] == [2, 3, 4]


def test_other_encodings(tmp_path):
    path = tmp_path / "ads.csv"
    path.write_bytes("id,text\n1,招聘面包师\n".encode("gbk"))
    (raw,) = read_ads([path], encoding="gbk").ads
    assert raw.ad.text == "招聘面包师"


def test_several_annotators_are_kept(tmp_path):
    base = {"id": "a", "text": "same ad"}
    rows = [
        base | {"annotator_id": "one", "risk": 1},
        base | {"annotator_id": "two", "risk": 0},
        base,
    ]
    result = read(tmp_path, rows)
    labels = [raw.label for raw in result.by_id()["a"]]
    assert [label and label.annotator_id for label in labels] == ["one", "two", None]
    assert not result.rejects


def test_one_annotator_with_two_labels_is_rejected(tmp_path):
    base = {"id": "a", "text": "same ad", "annotator_id": "one"}
    result = read(tmp_path, [base | {"risk": 1}, base | {"risk": 0}, base | {"risk": 1}])
    assert len(result.ads) == 1 and result.n_repeated == 1
    assert "another label" in result.rejects[0].reason


def test_one_id_for_two_texts_is_rejected(tmp_path):
    result = read(tmp_path, [{"id": "a", "text": "one"}, {"id": "a", "text": "two"}])
    assert [raw.ad.text for raw in result.ads] == ["one"]
    assert "id" in result.rejects[0].reason and "row 1" in result.rejects[0].reason


def test_a_part_is_read_and_an_unknown_one_is_rejected(tmp_path):
    values = [" Test ", "train", "", None, "later", 1, "validation", "calibration"]
    table = [{"text": f"Baker {i}", "part": value} for i, value in enumerate(values)]
    result = read_ads([write_jsonl(tmp_path / "ads.jsonl", table)])
    assert [raw.part for raw in result.ads] == [
        "test", "train", None, None, "validation", "calibration",
    ]  # fmt: skip
    assert [reject.row for reject in result.rejects] == [5, 6]
    assert "'part' holds no part (train, validation, calibration, test" in result.rejects[0].reason
    assert "--part-column" in result.rejects[0].reason
    other = read_ads([tmp_path / "ads.jsonl"], columns=ColumnMap(part="fold"))
    assert len(other.ads) == 8 and {raw.part for raw in other.ads} == {None}


def test_one_ad_in_two_parts_is_rejected(tmp_path):
    base = {"id": "a", "text": "Baker wanted", "risk": 1}
    table = [
        base | {"annotator_id": "x", "part": "test"},
        base | {"annotator_id": "y", "part": "train"},
    ]
    result = read_ads([write_jsonl(tmp_path / "ads.jsonl", table)])
    assert len(result.ads) == 1 and "its part is not that" in result.rejects[0].reason


def test_a_repeated_row_is_counted_once(tmp_path):
    result = read(tmp_path, [{"id": "a", "text": "one", "risk": 1}] * 3)
    assert (len(result.ads), result.n_repeated, result.rejects) == (1, 2, [])


def test_given_language_and_kind_fill_gaps_only(tmp_path):
    rows = [{"text": "one"}, {"text": "two", "language": "lv", "ad_type": "escort"}]
    result = read(tmp_path, rows, language="en", ad_type="job")
    assert [(r.ad.language, r.ad.ad_type) for r in result.ads] == [("en", "job"), ("lv", "escort")]


def test_a_line_without_one_of_the_text_columns(tmp_path):
    table = [{"a": "one", "b": "two"}, {"a": "three"}]
    first, second = read(tmp_path, table, columns=ColumnMap(text=("a", "b"))).ads
    assert (first.ad.text, second.ad.text) == ("one\ntwo", "three")


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (ColumnMap(text=("text", "body")), "'body'"),
        (ColumnMap(text=("body",), group_key="shop"), "'body', 'shop'"),
        (ColumnMap(language="lang"), "'lang'"),
    ],
)
def test_columns_that_were_named_must_be_there(tmp_path, columns, missing):
    path = tmp_path / "ads.csv"
    path.write_text("text,company\na baker,shop\n")
    with pytest.raises(InputError) as caught:
        read_ads([path], columns=columns)
    assert str(caught.value).startswith(
        f"{path}: no column {missing}; there are 'text', 'company': name the right ones"
    )


def test_predictions_are_never_read_as_labels(tmp_path):
    scored = {
        "text": "x",
        "risk_score": 0.9,
        "tier": "review",
        "predicted_risk_level": 6,
        "categories": ["forced_labour"],
        "indicators": [{"sign": "secrecy", "start": 0, "end": 1, "field": "redacted_text"}],
        "language": "en",
        "bundle_sha256": "0" * 64,
    }
    labelled = scored | {"input_categories": ["organ_removal"], "input_language": "lv"}
    first, second = read(tmp_path, [scored, labelled]).ads
    assert first.label is None and first.ad.language is None
    assert second.label.targets["organ_removal"] == 1.0
    assert second.label.targets["forced_labour"] == 0.0
    assert second.ad.language == "lv"
    assert second.label.risk_level is None and "risk" not in second.label.targets


def test_a_predicted_level_is_no_label_even_where_the_other_columns_were_dropped(tmp_path):
    (raw,) = read(tmp_path, [{"text": "x", "predicted_risk_level": 6}]).ads
    assert raw.label is None


def test_an_ordinary_row_keeps_its_columns():
    row = {"text": "x", "risk_score": 1, "categories": []}
    assert original_row(row) == row


def test_reasons_are_counted_without_their_numbers(tmp_path):
    base = {"id": "a", "text": "one"}
    result = read(tmp_path, [base, {"id": "a", "text": "two"}, {"id": "a", "text": "three"}])
    assert list(reasons(result.rejects).values()) == [2]


def test_rejects_quote_no_text(tmp_path):
    secret = "ring +1-202-555-0101"
    rows = [
        {"id": "a", "text": secret, "risk": secret},
        {"id": "b", "text": secret, "categories": [secret]},
        {"id": "c", "text": secret, "ad_type": secret},
        {"id": "d", "text": secret, "indicators": {secret: 1}},
        {"id": "e", "text": secret, "annotator_id": [secret]},
    ]
    result = read(tmp_path, rows)
    assert len(result.rejects) == 5
    assert "0101" not in json.dumps([r.reason for r in result.rejects])


def test_a_file_that_cannot_be_read_ends_the_run(tmp_path):
    path = tmp_path / "ads.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"ads\.parquet"):
        read_ads([path])
