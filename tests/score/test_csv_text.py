from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.score import csv_text
from adrisk.score.csv_text import csv_line, csv_records, guard, unguard

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TRICKY = st.text(st.sampled_from("'=+-@\t\r\n\",; a0"), max_size=8)


def records(*lines: bytes):
    return list(csv_records(iter(lines), "utf-8"))


@given(CELLS | TRICKY)
@settings(deadline=None, max_examples=500)
def test_unguard_undoes_guard_for_every_string(cell):
    assert unguard(guard(cell)) == cell


@given(CELLS | TRICKY)
@settings(deadline=None, max_examples=500)
def test_a_guarded_cell_is_never_a_formula(cell):
    assert not guard(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("=1+1", "'=1+1"),
        ("@here", "'@here"),
        ("-5", "'-5"),
        ("'=1", "''=1"),
        ("''+1", "'''+1"),
        ("don't", "don't"),
        ("'tis", "'tis"),
        ("a=b", "a=b"),
        (" =1", " =1"),
        ("'", "'"),
        ("", ""),
    ],
)
def test_guard(cell, guarded):
    assert guard(cell) == guarded


@given(st.lists(st.lists(CELLS | TRICKY, min_size=2, max_size=2), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_what_is_written_is_read_again(rows):
    text = csv_line(["id", "text"]) + "".join(map(csv_line, rows))
    lines = text.encode().splitlines(keepends=True) if "\r" not in text else None
    lines = lines or [part + b"\n" for part in text.encode().split(b"\n")[:-1]]
    read = records(*lines)
    assert [r.error for r in read] == [None] * (len(rows) + 1)
    assert [r.cells for r in read[1:]] == rows


@given(st.lists(st.lists(CELLS | TRICKY, min_size=2, max_size=2), min_size=1, max_size=6))
@settings(deadline=None, max_examples=200)
def test_other_csv_readers_see_the_guarded_cells(rows):
    text = "".join(map(csv_line, rows))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [list(map(guard, r)) for r in rows]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"id,text\n", ["id", "text"]),
        (b"id;text\n", ["id", "text"]),
        (b"id\ttext\n", ["id", "text"]),
        (b'"a,b,c";text\n', ["a,b,c", "text"]),
        (b"text\n", ["text"]),
        (b"\n\nid;text\n", ["id", "text"]),
        (b"'=id,text\r\n", ["=id", "text"]),
    ],
)
def test_the_header_tells_the_delimiter(header, names):
    assert records(*header.splitlines(keepends=True))[0].cells == names


def test_an_unclosed_quote_costs_its_own_row_alone():
    read = records(b"id,text\n", b'1,"open\n', b"2,two\n", b"3,three\n")
    assert [r.cells for r in read] == [["id", "text"], [], ["2", "two"], ["3", "three"]]
    assert "never closed" in read[1].error


def test_a_second_unclosed_quote_says_what_is_lost_with_it():
    read = records(b"id,text\n", b'1,"open\n', b'2,""x"y,"open\n', b"3,three\n", b"4,four\n")
    assert [bool(r.error) for r in read] == [False, True, True]
    assert "2 lines after it were lost" in read[2].error


def test_an_open_quote_is_noticed_at_the_size_limit(monkeypatch):
    monkeypatch.setattr(csv_text, "MAX_LINE_BYTES", 1000)
    lines = [b"%d,some text\n" % i for i in range(500)]
    read = records(b"id,text\n", b'x,"open\n', *lines)
    assert "never closed" in read[1].error
    assert len(read) == 502 and read[-1].cells == ["499", "some text"]


def test_hostile_quotes_take_linear_time(monkeypatch):
    monkeypatch.setattr(csv_text, "MAX_LINE_BYTES", 10_000)
    taken = 0
    decoded = csv_text._Feed._decoded

    def counted(feed, line):
        nonlocal taken
        taken += 1
        return decoded(feed, line)

    monkeypatch.setattr(csv_text._Feed, "_decoded", counted)
    read = records(b"a,b\n", *[b'a"b,"\n'] * 20_000)  # every line leaves a quote open
    assert taken <= 2 * 20_001
    assert all(r.error for r in read[1:])


def test_an_overlong_line_does_not_take_the_rows_before_it_along():
    read = list(
        csv_records(iter([b"id,text\n", b'1,"open\n', b"2,two\n", None, b"3,x\n"]), "utf-8")
    )
    assert [r.cells for r in read] == [["id", "text"], [], ["2", "two"], [], ["3", "x"]]
    assert "never closed" in read[1].error and "more than" in read[3].error


def test_line_breaks_inside_quotes_and_blank_lines_between_rows():
    read = records(b"id,text\r\n", b'1,"a\r\n', b"\r\n", b'b"\r\n', b"\r\n", b"2,c\r\n")
    assert [r.cells for r in read] == [["id", "text"], ["1", "a\r\n\r\nb"], ["2", "c"]]


def test_an_undecodable_byte_rejects_its_row_and_names_its_place():
    read = records(b"id,text\n", b'1,"caf\xc3\xa9\n', b'\xe9t\xc3\xa9"\n', b"2,ok\n")
    assert "byte 10 of the row" in read[1].error and "cp1252" in read[1].error
    assert read[2].cells == ["2", "ok"]


def test_a_bare_carriage_return_rejects_its_row():
    read = records(b"id,text\n", b"1,a\rb\n", b"2,ok\n")
    assert "broken CSV" in read[1].error and read[2].cells == ["2", "ok"]
