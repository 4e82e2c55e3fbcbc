from __future__ import annotations

import datetime
import gzip
import itertools
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import InputError, UsageError
from adrisk.score import streams
from adrisk.score.files import column_names, file_format, iter_rows, list_inputs

ADS = [
    {"id": "1", "text": "Cook, with\nroom"},
    {"id": "2", "text": "naïve 中文 \0 end"},
    {"id": "3", "text": '"quoted"; tab\t'},
]


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


def write(path, data: bytes):
    if path.suffix in (".gz", ".zst"):
        data = (gzip.compress if path.suffix == ".gz" else zstd)(data)
    path.write_bytes(data)
    return path


def csv_bytes(rows=ADS) -> bytes:
    def quoted(cell):
        return '"' + cell.replace('"', '""') + '"'

    lines = [",".join(map(quoted, row.values())) for row in rows]
    return "\n".join([",".join(rows[0]), *lines, ""]).encode()


def jsonl_bytes(rows=ADS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet_bytes(rows=ADS, **options) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink, **options)
    return sink.getvalue().to_pybytes()


def values(path, **options):
    rows = list(iter_rows(path, **options))
    assert [row.error for row in rows] == [None] * len(rows)
    return [row.values for row in rows]


def errors(path, **options):
    return {row.number: row.error for row in iter_rows(path, **options) if row.error}


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize(
    ("ending", "make"), [(".csv", csv_bytes), (".jsonl", jsonl_bytes), (".parquet", parquet_bytes)]
)
def test_the_same_rows_from_every_format(tmp_path, ending, make, packed):
    path = write(tmp_path / f"ads{ending}{packed}", make())
    rows = list(iter_rows(path))
    assert [row.values for row in rows] == ADS
    assert [(row.file, row.number, row.error) for row in rows] == [
        (str(path), n, None) for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("make", [gzip.compress, zstd])
def test_packed_in_several_pieces_or_under_a_plain_name(tmp_path, make):
    data = csv_bytes()
    path = tmp_path / "ads.csv"
    path.write_bytes(make(data[:20]) + make(data[20:]))
    assert values(path) == ADS


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    bom = b"\xef\xbb\xbf"
    assert values(write(tmp_path / "a.csv", bom + csv_bytes())) == ADS
    assert values(write(tmp_path / "a.jsonl", bom + jsonl_bytes())) == ADS
    assert values(tmp_path / "a.csv", encoding="utf-8-sig") == ADS


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le", "big5", "gb18030", "utf-7"])
def test_other_encodings(tmp_path, encoding):
    rows = (
        [{"id": "1", "text": "誠聘廚師"}]
        if encoding == "big5"
        else [{"id": "1", "text": "招聘厨师"}]
    )
    text = csv_bytes(rows).decode()
    assert values(write(tmp_path / "a.csv", text.encode(encoding)), encoding=encoding) == rows
    line = json.dumps(rows[0], ensure_ascii=False) + "\n"
    assert values(write(tmp_path / "a.jsonl", line.encode(encoding)), encoding=encoding) == rows


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13", "\0"])
def test_an_unknown_encoding_is_a_wrong_call(tmp_path, encoding):
    with pytest.raises(UsageError, match="--encoding"):
        list(iter_rows(write(tmp_path / "a.csv", csv_bytes()), encoding=encoding))


@pytest.mark.parametrize(("encoding", "word"), [("latin-1", "café"), ("gbk", "厨师")])
def test_undecodable_bytes_reject_their_row_alone(tmp_path, encoding, word):
    data = f"id,text\n1,plain\n2,{word}\n3,plain\n".encode(encoding)
    found = errors(write(tmp_path / "a.csv", data))
    assert list(found) == [2] and "not valid UTF-8 at byte" in found[2] and "gbk" in found[2]
    lines = f'{{"text": "plain"}}\n{{"text": "{word}"}}\n'.encode(encoding)
    assert list(errors(write(tmp_path / "a.jsonl", lines))) == [2]


def test_an_undecodable_header_makes_the_file_unusable(tmp_path):
    with pytest.raises(InputError, match=r"header cannot be read.*--encoding"):
        list(iter_rows(write(tmp_path / "a.csv", "id,文本\n1,x\n".encode("gbk"))))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": ', "broken JSON"),
        (b"{'text': 1}", "broken JSON"),
        (b'["text"]', "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"text": "\\ud83d"}', "stands alone"),
        (b'{"a": ["\\udc00"], "text": "x"}', "stands alone"),
        (b'{"text": 1, "text": 2}', "stands twice"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"n": ' + b"1" * 5000 + b"}", "number too long"),
    ],
)
def test_a_broken_json_line_is_one_error_in_its_place(tmp_path, line, reason):
    path = write(tmp_path / "a.jsonl", b'{"text": "a"}\n\n' + line + b'\n{"text": "b"}')
    rows = list(iter_rows(path))
    assert [row.number for row in rows] == [1, 3, 4]
    assert reason in rows[1].error and rows[1].values is None
    assert rows[2].values == {"text": "b"}


def test_json_escapes_of_real_characters_pass(tmp_path):
    path = write(tmp_path / "a.jsonl", b'{"text": "\\ud83d\\ude00 \\u0000 \\\\ud800"}\n')
    assert values(path) == [{"text": "😀 \0 \\ud800"}]


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_bytes_give_rows_or_a_named_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.csv", "a.jsonl", "a.csv.gz", "a.jsonl.zst", "a.parquet"):
        (folder / name).write_bytes(data)
        try:
            rows = list(iter_rows(folder / name))
        except InputError as error:
            assert name in str(error)
        else:
            assert all((row.values is None) != (row.error is None) for row in rows)


def test_a_row_with_other_cells_than_the_header(tmp_path):
    found = errors(write(tmp_path / "a.csv", b'id,text\n1\n2,b\n3,c,d\n4,"x\ny",z\n5,e\n'))
    assert list(found) == [1, 3, 4]
    assert "1 cells" in found[1] and "3 cells" in found[3] and "2 lines" in found[4]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_line_that_is_too_long_is_skipped(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(streams, "_CHUNK", 100)
    rows = [{"id": "1", "text": "a"}, {"id": "2", "text": "b" * 5000}, {"id": "3", "text": "c"}]
    path = write(tmp_path / f"a{ending}", (csv_bytes if ending == ".csv" else jsonl_bytes)(rows))
    found = list(iter_rows(path))
    assert [row.number for row in found] == [1, 2, 3]
    assert "more than" in found[1].error and found[2].values == rows[2]


@pytest.mark.parametrize("ending", [".csv.gz", ".jsonl.gz", ".csv.zst", ".jsonl.zst"])
def test_a_truncated_stream_gives_its_rows_and_then_one_error(tmp_path, ending):
    rows = [{"id": str(i), "text": os.urandom(40).hex()} for i in range(8000)]
    path = write(tmp_path / f"a{ending}", (csv_bytes if "csv" in ending else jsonl_bytes)(rows))
    path.write_bytes(path.read_bytes()[:-2000])
    found = list(iter_rows(path))
    good = [row.values for row in found[:-1]]
    assert len(good) > 1000 and good == rows[: len(good)]
    assert "the file breaks here" in found[-1].error and found[-1].number == len(good) + 1


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst", "a.jsonl.gz", "a.parquet"])
def test_a_file_damaged_from_the_start_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"no such thing")
    with pytest.raises(InputError, match=r"nothing of it can be read.*again"):
        list(iter_rows(tmp_path / name))


def test_a_truncated_parquet_is_refused_as_a_whole(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes()[:-30])
    for read in (iter_rows, column_names):
        with pytest.raises(InputError, match=r"a\.parquet: nothing of it can be read"):
            list(read(path))


def test_a_damaged_row_group_costs_its_own_rows(tmp_path):
    rows = [{"id": str(i), "text": os.urandom(50).hex()} for i in range(300)]
    data = bytearray(parquet_bytes(rows, row_group_size=100, write_page_checksum=True))
    group = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(1)
    start = group.column(1).dictionary_page_offset or group.column(1).data_page_offset
    data[start : start + 400] = b"\xff" * 400
    found = list(iter_rows(write(tmp_path / "a.parquet", bytes(data))))
    assert [row.values for row in found if row.values] == rows[:100] + rows[200:]
    (bad,) = [row for row in found if row.error]
    assert bad.number == 101 and "rows 101 to 200 (100) are lost" in bad.error


def test_parquet_values_lose_nothing(tmp_path):
    nanosecond = pa.array([1, None], pa.timestamp("ns"))
    table = pa.table({"at": nanosecond, "day": [datetime.date(2026, 1, 2), None], "n": [1, None]})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = values(tmp_path / "a.parquet")
    assert str(rows[0]["at"]).endswith(".000000001")
    assert rows[0]["day"] == datetime.date(2026, 1, 2)
    assert rows[1] == {"at": None, "day": None, "n": None}


def test_bytes_that_are_no_text_reject_their_parquet_row(tmp_path):
    text = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet")
    rows = list(iter_rows(tmp_path / "a.parquet"))
    assert [row.values for row in rows] == [{"text": "a"}, None, {"text": "c"}]
    assert "UTF-8" in rows[1].error


def test_a_column_that_stands_twice(tmp_path):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    for path in (tmp_path / "a.parquet", write(tmp_path / "a.csv", b"text,id,text\n1,2,3\n")):
        for read in (iter_rows, column_names):
            with pytest.raises(InputError, match="'text' stands twice"):
                list(read(path))


def test_an_empty_file(tmp_path):
    assert list(iter_rows(write(tmp_path / "a.jsonl", b""))) == []
    assert list(iter_rows(write(tmp_path / "a.csv", b"id,text\n"))) == []
    with pytest.raises(InputError, match="empty"):
        list(iter_rows(write(tmp_path / "b.csv", b"")))


def test_column_names(tmp_path):
    assert column_names(write(tmp_path / "a.csv", csv_bytes())) == ["id", "text"]
    assert column_names(write(tmp_path / "a.parquet", parquet_bytes())) == ["id", "text"]
    assert column_names(write(tmp_path / "a.jsonl", jsonl_bytes())) is None


def test_a_folder_is_read_in_sorted_order_without_markers(tmp_path):
    names = ["b.csv", "a.jsonl", "sub/c.parquet", "_SUCCESS", ".hidden.csv", ".git/x", "_tmp/d.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list_inputs([tmp_path]) == [tmp_path / n for n in ("a.jsonl", "b.csv", "sub/c.parquet")]


def test_wrong_inputs_are_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "ads.csv").touch()
    for paths, reason in [
        (["no.csv"], r"no\.csv: no such file"),
        (["empty"], "holds no files"),
        (["notes.txt"], r"notes\.txt: unknown kind"),
        (["."], r"notes\.txt: unknown kind"),
        (["ads.csv", "empty/../ads.csv"], "named twice"),
    ]:
        with pytest.raises(UsageError, match=reason):
            list_inputs([tmp_path / path for path in paths])


@pytest.mark.parametrize("name", ["a", "a.gz", "a.json", "a.xlsx", "csv", ".csv.gz.zst"])
def test_unknown_endings(name):
    with pytest.raises(UsageError, match="unknown kind of file"):
        file_format(name)


def test_endings_in_capitals():
    assert file_format("ADS.CSV.GZ") == "csv" and file_format("a.NDJSON") == "jsonl"


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match=r"a\.csv: cannot be opened"):
        list(iter_rows(tmp_path / "a.csv"))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".jsonl.gz"])
def test_rows_come_before_the_file_is_read_to_its_end(tmp_path, ending):
    rows = [{"id": str(i), "text": os.urandom(20).hex()} for i in range(20_000)]
    path = write(tmp_path / f"a{ending}", (csv_bytes if "csv" in ending else jsonl_bytes)(rows))
    pieces = itertools.count()
    real = streams.chunks

    def counted(path):
        for piece in real(path):
            next(pieces)
            yield piece

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "chunks", counted)
        assert next(iter_rows(path)).values == rows[0]
    assert next(pieces) == 1
