from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from adrisk.errors import InputError, UsageError
from adrisk.records import OUTPUT_COLUMNS
from adrisk.score.options import ScoreOptions
from adrisk.score.pipe import score_stream, score_to_stream

from .fake_scorer import FakeScorer, risk_of

NULL = ScoreOptions(on_error="null")


class Pieces(io.BytesIO):
    """A pipe that hands over one piece at a time, as a slow writer would."""

    def __init__(self, *pieces: bytes):
        super().__init__()
        self._pieces = list(pieces)

    def read1(self, size=-1):
        return self._pieces.pop(0) if self._pieces else b""


def stream(*pieces, options=NULL):
    sink = io.BytesIO()
    summary = score_stream(FakeScorer(), Pieces(*pieces), sink, options)
    return [json.loads(line) for line in sink.getvalue().splitlines()], summary


def test_one_line_for_a_line_in_order_with_errors_in_place():
    lines = [b'{"id": 1, "text": "a"}', b"{broken", b"", b'{"id": 4}', b"\xff", b'{"text": "a"}']
    out, summary = stream(b"\n".join(lines))
    assert [bool(row["error"]) for row in out] == [False, True, True, True, True, False]
    assert list(out[0]) == ["id", "text", *OUTPUT_COLUMNS]
    assert out[0]["risk_score"] == risk_of("a")
    assert list(out[1]) == list(OUTPUT_COLUMNS) and out[1]["risk_score"] is None
    assert out[3]["id"] == 4 and "no column" in out[3]["error"]
    assert out[5]["duplicate_of"] == "1"
    assert (summary.rows, summary.errors, summary.exit_code) == (6, 4, 3)


def test_how_the_bytes_arrive_changes_nothing():
    data = b"\xef\xbb\xbf" + b"".join(
        b'{"text": "caf\xc3\xa9 %d"}\n' % (i % 50) for i in range(200)
    )
    whole, _ = stream(data)
    for size in (1, 7, 1000):
        assert stream(*(data[i : i + size] for i in range(0, len(data), size)))[0] == whole
    assert len(whole) == 200 and whole[0]["text"] == "café 0"


def test_each_line_is_answered_as_soon_as_it_is_there():
    sink = io.BytesIO()
    answered = []

    class Partner(io.BytesIO):
        sent = 0

        def read1(self, size=-1):
            answered.append(sink.getvalue().count(b"\n"))
            self.sent += 1
            return b'{"text": "t%d"}\n' % self.sent if self.sent <= 3 else b""

    score_stream(FakeScorer(), Partner(), sink, NULL)
    assert answered == [0, 1, 2, 3]


def test_on_error_fail_stops_at_the_line():
    with pytest.raises(InputError, match="<stdin>, row 2: broken JSON"):
        stream(b'{"text": "a"}\n{\n', options=replace(NULL, on_error="fail"))


def test_a_budget_needs_the_whole_input(tmp_path):
    options = replace(NULL, review_budget=1)
    with pytest.raises(UsageError, match="--review-budget"):
        stream(b"", options=options)
    with pytest.raises(UsageError, match="--review-budget"):
        score_to_stream(FakeScorer(), [tmp_path], io.BytesIO(), options)


def test_encodings_of_stdin():
    line = json.dumps({"text": "招聘"}, ensure_ascii=False).encode("gbk")
    assert stream(line, options=replace(NULL, encoding="gbk"))[0][0]["text"] == "招聘"
    with pytest.raises(UsageError, match="convert it to UTF-8"):
        stream(b"", options=replace(NULL, encoding="utf-16"))


def test_files_to_a_stream(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,one\n2,\n3,one\n")
    sink = io.BytesIO()
    summary = score_to_stream(FakeScorer(), [tmp_path / "a.csv"], sink, NULL)
    out = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [row["id"] for row in out] == ["1", "2", "3"]
    assert out[2]["duplicate_of"] == "1" and "empty" in out[1]["error"]
    assert summary.exit_code == 3


def test_a_threshold_holds_for_streams():
    out, _ = stream(b'{"text": "a"}\n', options=replace(NULL, review_threshold=0.0))
    assert out[0]["tier"] in ("review", "priority_review")


def test_no_lines_no_output():
    out, summary = stream(b"")
    assert out == [] and summary.rows == 0 and summary.exit_code == 0
