from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.errors import InputError, UsageError
from adrisk.records import OUTPUT_COLUMNS
from adrisk.score.files import iter_rows
from adrisk.score.output import (
    OutputRow,
    PartialFile,
    as_text,
    compress,
    open_sink,
    output_format,
    plan_layout,
    renamed,
    to_json,
)

SCORED = dict.fromkeys(OUTPUT_COLUMNS) | {
    "risk_score": 0.75,
    "tier": "review",
    "predicted_risk_level": 5,
    "categories": [{"category": "forced_labour", "probability": 0.5}],
    "indicators": [{"sign": "debt", "start": 1, "end": 4, "field": "redacted_text"}],
    "truncated": False,
}


def written(tmp_path, name, inputs, rows, window=2):
    """Rows through a sink in windows, as score_file does."""
    target = tmp_path / name
    layout = plan_layout(inputs, target, "utf-8")
    work = tmp_path / f"{name}.work"
    work.mkdir()
    sink = open_sink(layout, work, 0)
    for start in range(0, len(rows), window):
        sink.write([OutputRow(values, SCORED) for values in rows[start : start + window]])
    sink.finish(target)
    return target


def jsonl(tmp_path, *rows, name="in.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path, list(rows)


ROWS = [
    {"id": "1", "text": "=cmd"},
    {"id": 2, "n": [1, {"é": None}]},
    {"text": 'a,"b"\nc\rd', "x": None},
]


def test_a_table_from_jsonl_has_all_keys_in_order_of_first_sight(tmp_path):
    path, rows = jsonl(tmp_path, *ROWS)
    target = written(tmp_path, "out.csv", [path], rows)
    with target.open(newline="", encoding="utf-8") as file:
        header, *cells = csv.reader(file)
    assert header == ["id", "text", "n", "x", *OUTPUT_COLUMNS]
    assert [row[:4] for row in cells] == [
        ["1", "'=cmd", "", ""],
        ["2", "", '[1, {"é": null}]', ""],
        ["", 'a,"b"\nc\rd', "", ""],
    ]
    scored = dict(zip(OUTPUT_COLUMNS, cells[0][4:], strict=True))
    assert scored["risk_score"] == "0.75" and scored["truncated"] == "false"
    assert json.loads(scored["categories"]) == SCORED["categories"]
    assert [row.values["text"] for row in iter_rows(target)] == ["=cmd", "", 'a,"b"\nc\rd']


def test_jsonl_keeps_values_and_each_row_its_own_keys(tmp_path):
    path, rows = jsonl(tmp_path, *ROWS)
    lines = written(tmp_path, "out.jsonl", [path], rows).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{**row, **SCORED} for row in ROWS]
    assert list(json.loads(lines[1])) == ["id", "n", *OUTPUT_COLUMNS]


def test_parquet_from_jsonl_is_text_with_lists_for_scores(tmp_path):
    path, rows = jsonl(tmp_path, *ROWS)
    table = pq.read_table(written(tmp_path, "out.parquet", [path], rows))
    assert table.schema.field("n").type == pa.string()
    assert table.column("id").to_pylist() == ["1", "2", None]
    assert table.column("indicators").to_pylist() == [SCORED["indicators"]] * 3
    assert pa.types.is_list(table.schema.field("categories").type)
    assert pa.types.is_struct(table.schema.field("categories").type.value_type)
    assert table.column("error").to_pylist() == [None] * 3
    assert table.schema.field("predicted_risk_level").type == pa.int64()
    assert table.column("predicted_risk_level").to_pylist() == [5] * 3


def test_parquet_keeps_the_types_of_parquet(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["a", "b", None], pa.large_string()),
            "at": pa.array([1, 2, None], pa.timestamp("ns", "UTC")),
            "price": pa.array([decimal.Decimal("1.50"), None, None], pa.decimal128(9, 2)),
            "tags": pa.array([["x"], [], None]),
            "board": pa.array(["p", "q", "p"]).dictionary_encode(),
            "raw": pa.array([b"\xff", b"", None]),
            "nothing": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    rows = [row.values for row in iter_rows(tmp_path / "in.parquet")]
    out = pq.read_table(written(tmp_path, "out.parquet", [tmp_path / "in.parquet"], rows))
    for name in table.column_names:
        assert out.schema.field(name).type.equals(table.schema.field(name).type) or name == "tags"
        assert list(map(str, out.column(name))) == list(map(str, table.column(name)))
    again = written(tmp_path, "out.jsonl", [tmp_path / "in.parquet"], rows)
    first = json.loads(again.read_text().splitlines()[0])
    assert first["price"] == "1.50" and first["raw"] == "/w==" and first["at"].endswith("001+00:00")


def test_parquet_types_that_do_not_go_together_become_text(tmp_path):
    for name, column in (("a", pa.array([1])), ("b", pa.array(["x"])), ("c", pa.array([1.5]))):
        pq.write_table(pa.table({"text": ["t"], "n": column}), tmp_path / f"{name}.parquet")
    one, two, three = (tmp_path / f"{name}.parquet" for name in "abc")
    out = tmp_path / "out.parquet"
    assert plan_layout([one, two], out, "utf-8").types == {"text": pa.string()}
    assert plan_layout([one, three], out, "utf-8").types["n"] == pa.float64()
    path, _ = jsonl(tmp_path, {"n": 1})
    assert plan_layout([one, path], out, "utf-8").types == {}


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_no_rows_still_make_a_readable_file(tmp_path, ending):
    path = tmp_path / "in.csv"
    path.write_text("id,text\n")
    for packed in ("", ".gz", ".zst"):
        target = written(tmp_path, f"out{ending}{packed}", [path], [])
        assert list(iter_rows(target)) == []


def test_bytes_do_not_depend_on_the_time(tmp_path, monkeypatch):
    path, rows = jsonl(tmp_path, *ROWS)
    for ending in (".csv.gz", ".jsonl.zst", ".parquet", ".parquet.gz", ".parquet.zst"):
        monkeypatch.setattr("time.time", lambda: 1e9)
        one = written(tmp_path, f"one{ending}", [path], rows).read_bytes()
        monkeypatch.setattr("time.time", lambda: 2e9)
        assert written(tmp_path, f"two{ending}", [path], rows).read_bytes() == one
    assert gzip.decompress(compress(b"abc", ".gz")) == b"abc"


def test_an_input_column_of_an_output_name_is_kept_beside_it(tmp_path):
    row = {"text": "a", "tier": "gold", "language": "de"}
    path, rows = jsonl(tmp_path, row)
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        (out,) = [r.values for r in iter_rows(written(tmp_path, name, [path], rows))]
        assert list(out)[:3] == ["text", "input_tier", "input_language"]
        assert (out["input_tier"], out["tier"]) == ("gold", "review")


def test_two_columns_that_cannot_both_be_kept(tmp_path):
    with pytest.raises(InputError, match="'tier' and 'input_tier'"):
        renamed(["tier", "input_tier"])
    assert renamed(["input_tier"]) == {"input_tier": "input_tier"}
    path, _ = jsonl(tmp_path, {"tier": 1}, {"input_tier": 2})
    for name in ("out.csv", "out.parquet"):
        with pytest.raises(InputError, match="rename or drop"):
            plan_layout([path], tmp_path / name, "utf-8")


def test_too_many_keys_make_no_table(tmp_path, monkeypatch):
    monkeypatch.setattr("adrisk.score.output.MAX_COLUMNS", 10)
    path, _ = jsonl(tmp_path, *({f"k{i}": 1} for i in range(11)))
    with pytest.raises(InputError, match=r"write \.jsonl instead"):
        plan_layout([path], tmp_path / "out.csv", "utf-8")
    assert plan_layout([path], tmp_path / "out.jsonl", "utf-8").names is None


@pytest.mark.parametrize("name", ["out", "out.txt", "out.json", "out.tsv", "out.tsv.gz"])
def test_outputs_of_unknown_ending(tmp_path, name):
    with pytest.raises(UsageError):
        output_format(tmp_path / name)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a", "a"),
        ("", ""),
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        ([1, "é"], '[1, "é"]'),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (b"\xff", "/w=="),
        ({"at": datetime.date(2026, 1, 2)}, '{"at": "2026-01-02"}'),
        (pa.scalar(1, pa.timestamp("ns")), "1970-01-01 00:00:00.000000001"),
    ],
)
def test_values_as_cells(value, text):
    assert as_text(value) == text


def test_json_is_on_one_line():
    assert to_json({"a": "x\ny\u2028"}).count("\n") == 0


def test_a_partial_file_is_cut_back_to_what_was_recorded(tmp_path):
    path = tmp_path / "partial"
    file = PartialFile(path, 0)
    assert file.append(b"abc") == 3
    assert file.append(b"lost") == 7
    file.close()
    file = PartialFile(path, 3)
    assert file.append(b"d") == 4
    file.close()
    assert path.read_bytes() == b"abcd"
    with pytest.raises(UsageError, match="shorter than recorded"):
        PartialFile(path, 99)
