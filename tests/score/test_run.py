from __future__ import annotations

import csv
import gzip
import json
import shutil
import tracemalloc
from dataclasses import fields, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import AdriskError, InputError, OutputExistsError, UsageError
from adrisk.records import OUTPUT_COLUMNS
from adrisk.score import run as run_module
from adrisk.score.columns import ColumnMap
from adrisk.score.decide import OperatingPoints
from adrisk.score.files import iter_rows
from adrisk.score.ledger import Ledger
from adrisk.score.options import ScoreOptions
from adrisk.score.run import score_file, with_min_precision
from adrisk.score.window import windows

from .fake_scorer import FakeScorer, risk_of

OUTPUTS = ["out.csv", "out.jsonl", "out.parquet", "out.csv.gz", "out.jsonl.zst", "out.parquet.gz"]
SMALL = ScoreOptions(window_rows=4)
BAD_LINES = b'{"id": "x1", "text": " "}\n{"text": 3}\n{broken\n{"id": "x2"}\n'


def ads(n, start=0):
    return [{"id": f"a{i}", "text": f"ad number {i % 17}", "price": i} for i in range(start, n)]


def write_jsonl(path, rows, extra=b""):
    path.write_bytes("".join(json.dumps(row) + "\n" for row in rows).encode() + extra)
    return path


def score(source, out, options=SMALL, scorer=None, **more):
    return score_file(scorer or FakeScorer(), [source], out, options, **more)


def read(path):
    return [row.values for row in iter_rows(path)]


@pytest.fixture
def source(tmp_path):
    return write_jsonl(tmp_path / "in.jsonl", ads(30), BAD_LINES)


def test_every_row_is_scored_or_rejected(tmp_path, source):
    summary = score(source, tmp_path / "out.jsonl")
    out = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in out] == [f"a{i}" for i in range(30)]
    assert [row["risk_score"] for row in out] == [risk_of(f"ad number {i % 17}") for i in range(30)]
    assert [row["predicted_risk_level"] for row in out] == [int(r["risk_score"] * 7) for r in out]
    assert list(out[0]) == ["id", "text", "price", *OUTPUT_COLUMNS]
    rejects = read(tmp_path / "out.jsonl.rejects.jsonl")
    assert [(r["row"], r["id"]) for r in rejects] == [
        (31, "x1"),
        (32, None),
        (33, None),
        (34, "x2"),
    ]
    assert {r["file"] for r in rejects} == {str(source)}
    assert (summary.rows, summary.scored, summary.errors, summary.exit_code) == (34, 30, 4, 3)
    assert sum(summary.tiers.values()) == 30 and summary.languages == {"en": 30}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "in.jsonl",
        "out.jsonl",
        "out.jsonl.rejects.jsonl",
    ]


def test_without_bad_rows_there_is_no_rejects_file(tmp_path):
    summary = score(write_jsonl(tmp_path / "in.jsonl", ads(5)), tmp_path / "out.csv")
    assert summary.exit_code == 0 and summary.rejects_file is None
    assert not (tmp_path / "out.csv.rejects.jsonl").exists()


def test_the_same_scores_from_every_format(tmp_path):
    rows = [{k: str(v) for k, v in row.items()} for row in ads(20)]
    header = ",".join(rows[0])
    text = "\n".join([header, *(",".join(row.values()) for row in rows), ""]).encode()
    lines = write_jsonl(tmp_path / "in.jsonl", rows).read_bytes()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    (tmp_path / "in.csv").write_bytes(text)
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "in.jsonl.zst").write_bytes(pa.Codec("zstd").compress(lines, asbytes=True))
    outputs = []
    for name in ("in.csv", "in.jsonl", "in.parquet", "in.csv.gz", "in.jsonl.zst"):
        score(tmp_path / name, tmp_path / "out.jsonl", overwrite=True)
        outputs.append((tmp_path / "out.jsonl").read_bytes())
    assert len(set(outputs)) == 1 and outputs[0].count(b"\n") == 20


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path, source, name):
    score(source, tmp_path / f"whole-{name}")
    out = tmp_path / name
    for call in (1, 2, 3):  # interrupted again and again, at another window each time
        with pytest.raises(KeyboardInterrupt):
            score(source, out, scorer=FakeScorer(interrupt_at=call), resume=True)
        assert not out.exists()
    summary = score(source, out, resume=True)
    assert out.read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    rejects = tmp_path / f"{name}.rejects.jsonl"
    assert rejects.read_bytes() == (tmp_path / f"whole-{name}.rejects.jsonl").read_bytes()
    assert (summary.rows, summary.scored, summary.errors) == (34, 30, 4)
    assert not (tmp_path / f"{name}.work").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl.gz", "out.parquet"])
def test_bytes_written_after_the_last_commit_are_taken_back(tmp_path, source, name, monkeypatch):
    score(source, tmp_path / f"whole-{name}")
    commit, n = Ledger.commit, 0

    def cut(self, progress):
        nonlocal n
        n += 1
        if n == 4:
            raise KeyboardInterrupt  # the window is written, the ledger does not know it yet
        commit(self, progress)

    monkeypatch.setattr(Ledger, "commit", cut)
    with pytest.raises(KeyboardInterrupt):
        score(source, tmp_path / name)
    monkeypatch.setattr(Ledger, "commit", commit)
    scorer = FakeScorer()
    score(source, tmp_path / name, scorer=scorer, resume=True)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    assert scorer.n_scored == 17 - 8  # two windows of four new ads were kept


@pytest.mark.parametrize("step", ["_finish_rejects", "shutil.rmtree"])
def test_an_interrupt_at_the_very_end_loses_nothing(tmp_path, source, step, monkeypatch):
    score(source, tmp_path / "whole.csv")

    def stop(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"adrisk.score.run.{step}", stop)
        score(source, tmp_path / "out.csv")
    if step == "_finish_rejects":
        score(source, tmp_path / "out.csv", resume=True)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def interrupted(source, out, options=SMALL):
    with pytest.raises(KeyboardInterrupt):
        score(source, out, options, FakeScorer(interrupt_at=2))


def test_an_interrupted_run_is_not_forgotten(tmp_path, source):
    interrupted(source, tmp_path / "out.csv")
    with pytest.raises(UsageError, match=r"--resume.*--overwrite"):
        score(source, tmp_path / "out.csv")
    score(source, tmp_path / "out.csv", overwrite=True)
    assert len(read(tmp_path / "out.csv")) == 30


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"options": replace(SMALL, on_error="null")}, "on_error"),
        ({"options": replace(SMALL, columns=ColumnMap(id="price"))}, "column id"),
        ({"options": replace(SMALL, language="de")}, "language"),
        ({"options": replace(SMALL, review_threshold=0.3)}, "review_threshold"),
        ({"scorer": FakeScorer().with_points(OperatingPoints(0.1, 0.2))}, "tiers"),
    ],
)
def test_resuming_under_other_settings_names_them(tmp_path, source, change, named):
    interrupted(source, tmp_path / "out.csv")
    with pytest.raises(UsageError, match=f"cannot resume: .*: {named};"):
        score(source, tmp_path / "out.csv", resume=True, **change)
    assert len(read_after_resume(source, tmp_path / "out.csv")) == 30


def read_after_resume(source, out):
    score(source, out, resume=True)
    return read(out)


def test_resuming_after_the_input_or_the_model_changed(tmp_path, source):
    interrupted(source, tmp_path / "out.csv")
    other = FakeScorer()
    other.bundle_sha256 = "c" * 64
    with pytest.raises(UsageError, match="bundle_sha256"):
        score(source, tmp_path / "out.csv", scorer=other, resume=True)
    write_jsonl(source, ads(31))
    with pytest.raises(UsageError, match=r"input .*in\.jsonl"):
        score(source, tmp_path / "out.csv", resume=True)


def test_with_nothing_to_resume_it_begins_and_says_so(tmp_path, source):
    said = []
    score(source, tmp_path / "out.csv", resume=True, say=said.append)
    assert said == ["nothing to resume: beginning from the first row"]
    interrupted(source, tmp_path / "two.csv")
    score(source, tmp_path / "two.csv", resume=True, say=said.append)
    assert said[1] == "going on after 4 rows"


def test_two_runs_cannot_share_an_output(tmp_path, source):
    interrupted(source, tmp_path / "out.csv")
    held = Ledger(tmp_path / "out.csv.work" / "state.sqlite")
    for how in ({"resume": True}, {"overwrite": True}):
        with pytest.raises(UsageError, match="another run"):
            score(source, tmp_path / "out.csv", **how)
    held.close()
    score(source, tmp_path / "out.csv", resume=True)


def test_a_damaged_ledger_is_replaced_by_overwrite_alone(tmp_path, source):
    interrupted(source, tmp_path / "out.csv")
    (tmp_path / "out.csv.work" / "state.sqlite").write_bytes(b"not a database at all" * 99)
    with pytest.raises(UsageError, match="--overwrite"):
        score(source, tmp_path / "out.csv", resume=True)
    score(source, tmp_path / "out.csv", overwrite=True)


def test_on_error_fail_names_file_and_row_and_leaves_nothing(tmp_path, source):
    options = replace(SMALL, on_error="fail")
    with pytest.raises(InputError, match=r"in\.jsonl, row 31: the text is empty"):
        score(source, tmp_path / "out.csv", options)
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_on_error_null_keeps_bad_rows_in_their_place(tmp_path, name):
    source = write_jsonl(tmp_path / "in.jsonl", ads(3), BAD_LINES + b'{"id": "z", "text": "last"}')
    summary = score(source, tmp_path / name, replace(SMALL, on_error="null"))
    out = read(tmp_path / name)
    assert len(out) == 8 and summary.exit_code == 3
    assert not (tmp_path / f"{name}.rejects.jsonl").exists()
    assert [bool(row["error"]) for row in out] == [False] * 3 + [True] * 4 + [False]
    assert out[3]["id"] == "x1" and "empty" in out[3]["error"]
    assert not out[5].get("text") and "broken JSON" in out[5]["error"]
    assert all(not row["risk_score"] and not row["tier"] for row in out[3:7])
    assert all(row["predicted_risk_level"] in ("", None) for row in out[3:7])


def test_repeats_across_windows_and_files_take_the_first_score(tmp_path):
    one = write_jsonl(tmp_path / "1.jsonl", [{"id": "a", "text": "x"}, *ads(6), {"text": "y"}])
    two = write_jsonl(tmp_path / "2.jsonl", [{"id": "b", "text": "x"}, {"id": "c", "text": " y "}])
    scorer = FakeScorer()
    score_file(scorer, [one, two], tmp_path / "out.jsonl", ScoreOptions(window_rows=2))
    out = read(tmp_path / "out.jsonl")
    assert [row["duplicate_of"] for row in out] == [None] * 8 + ["a", "file-1-row-8"]
    assert out[8]["risk_score"] == out[0]["risk_score"]
    assert scorer.n_scored == 8


def test_a_repeat_of_a_row_without_id_points_to_its_number(tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "x"}, {"text": "x"}, {"text": "x"}])
    summary = score(source, tmp_path / "out.jsonl")
    assert [r["duplicate_of"] for r in read(tmp_path / "out.jsonl")] == [None, "row-1", "row-1"]
    assert summary.duplicates == 2


def test_a_repeat_keeps_its_own_language(tmp_path):
    rows = [{"text": "x", "language": "de"}, {"text": "x", "language": "fr"}, {"text": "x"}]
    score(
        write_jsonl(tmp_path / "in.jsonl", rows),
        tmp_path / "out.jsonl",
        replace(SMALL, language="es"),
    )
    assert [r["language"] for r in read(tmp_path / "out.jsonl")] == ["de", "fr", "es"]


def test_a_threshold_moves_review_and_keeps_priority_inside(tmp_path):
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": f"t{i}"} for i in range(60)])
    score(source, tmp_path / "out.jsonl", replace(SMALL, review_threshold=0.95))
    for row in read(tmp_path / "out.jsonl"):
        expected = "priority_review" if row["risk_score"] >= 0.95 else "no_action"
        assert row["tier"] == expected
    score(source, tmp_path / "low.jsonl", replace(SMALL, review_threshold=0.2))
    tiers = {
        (r["risk_score"] >= 0.2, r["risk_score"] >= 0.9): r["tier"]
        for r in read(tmp_path / "low.jsonl")
    }
    assert tiers == {
        (False, False): "no_action",
        (True, False): "review",
        (True, True): "priority_review",
    }


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(0, 45))
@settings(deadline=None, max_examples=25)
def test_a_budget_flags_the_riskiest_and_never_more(tmp_path_factory, texts, budget):
    folder = tmp_path_factory.mktemp("budget")
    source = write_jsonl(folder / "in.jsonl", [{"text": f"t{i}"} for i in texts])
    summary = score(source, folder / "out.jsonl", replace(SMALL, review_budget=budget))
    out = read(folder / "out.jsonl")
    flagged = [r["risk_score"] for r in out if r["tier"] != "no_action"]
    passed = [r["risk_score"] for r in out if r["tier"] == "no_action"]
    assert len(flagged) <= budget
    assert not flagged or not passed or min(flagged) > max(passed)
    if passed:  # one score more would not have fitted
        assert len(flagged) + passed.count(max(passed)) > budget
    assert sum(summary.tiers.values()) == len(texts) == summary.rows


@pytest.mark.parametrize("call", [1, 4, 9])
def test_a_budget_run_resumes_in_both_passes(tmp_path, source, call, monkeypatch):
    options = replace(SMALL, review_budget=7)
    score(source, tmp_path / "whole.csv", options)
    commit, n = Ledger.commit, 0

    def cut(self, progress):
        nonlocal n
        n += 1
        if n == call + 1:
            raise KeyboardInterrupt
        commit(self, progress)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ledger, "commit", cut)
        score(source, tmp_path / "out.csv", options)
    score(source, tmp_path / "out.csv", options, resume=True)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_budget_scores_each_ad_once(tmp_path, source):
    scorer = FakeScorer()
    score(source, tmp_path / "out.csv", replace(SMALL, review_budget=3), scorer)
    assert scorer.n_scored == 17


def test_min_precision_reads_the_curve():
    scorer = with_min_precision(FakeScorer(), 0.7, None)
    assert scorer.points == OperatingPoints(review=0.9, priority_review=0.9)
    assert with_min_precision(FakeScorer(), 0.5, None).points.review == 0.6
    assert with_min_precision(FakeScorer(), 0.5, 0.5).points.review == 0.1
    with pytest.raises(UsageError, match="no threshold"):
        with_min_precision(FakeScorer(), 0.99, None)


def test_formulas_in_cells_survive_the_way_through(tmp_path):
    rows = [
        {"id": "1", "text": "=HYPERLINK(1)"},
        {"id": "2", "text": "'=x"},
        {"id": "-3", "text": "t"},
    ]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    score(source, tmp_path / "one.csv")
    assert "'=HYPERLINK" in (tmp_path / "one.csv").read_text()
    score(tmp_path / "one.csv", tmp_path / "two.csv")
    for name in ("one.csv", "two.csv"):
        kept = [{k: row[k] for k in ("id", "text")} for row in read(tmp_path / name)]
        assert kept == rows


def test_scoring_a_scored_file_keeps_the_first_scores_as_input(tmp_path, source):
    score(source, tmp_path / "one.parquet")
    score(tmp_path / "one.parquet", tmp_path / "two.parquet")
    two = pq.read_table(tmp_path / "two.parquet")
    assert two.column("input_risk_score").equals(two.column("risk_score"))
    assert two.schema.field("input_categories").type == two.schema.field("categories").type
    with pytest.raises(InputError, match="rename or drop"):
        score(tmp_path / "two.parquet", tmp_path / "three.parquet")


def test_clashing_keys_of_one_json_line_reject_that_line(tmp_path):
    rows = [{"text": "a", "tier": 1, "input_tier": 2}, {"text": "b"}]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    assert score(source, tmp_path / "out.jsonl").errors == 1
    options = replace(SMALL, on_error="null")
    assert score(source, tmp_path / "null.jsonl", options).errors == 1
    assert len(read(tmp_path / "null.jsonl")) == 2


def test_a_missing_text_column_is_found_before_anything_is_written(tmp_path):
    (tmp_path / "in.csv").write_text("id,body\n1,a\n")
    with pytest.raises(InputError, match=r"no column 'text'; there are 'id', 'body'"):
        score(tmp_path / "in.csv", tmp_path / "out.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]
    options = replace(SMALL, columns=ColumnMap(text=("body",)))
    assert score(tmp_path / "in.csv", tmp_path / "out.csv", options).scored == 1


def test_a_bad_file_among_several_is_found_before_anything_is_written(tmp_path, source):
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"bad\.parquet"):
        score_file(FakeScorer(), [source, tmp_path / "bad.parquet"], tmp_path / "out.csv")
    assert not (tmp_path / "out.csv.work").exists()


def test_a_truncated_gzip_keeps_its_rows_and_tells_the_loss(tmp_path):
    data = gzip.compress(write_jsonl(tmp_path / "x.jsonl", ads(2000)).read_bytes())
    (tmp_path / "in.jsonl.gz").write_bytes(data[:-100])
    summary = score(tmp_path / "in.jsonl.gz", tmp_path / "out.csv", ScoreOptions())
    assert summary.exit_code == 3 and summary.errors == 1 and summary.scored > 1000
    (reject,) = read(tmp_path / "out.csv.rejects.jsonl")
    assert reject["row"] == summary.rows and "the file breaks here" in reject["reason"]


def test_messy_bytes_are_counted_row_by_row(tmp_path):
    lines = [
        b"id,text",
        b"1,caf\xe9",
        "2,招聘".encode("gbk"),
        b"3,a\0b",
        b"4," + b"x" * 1_000_001,
        b"5,ok",
    ]
    (tmp_path / "in.csv").write_bytes(b"\n".join(lines))
    summary = score(tmp_path / "in.csv", tmp_path / "out.jsonl")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == ["3", "5"]
    assert read(tmp_path / "out.jsonl")[0]["text"] == "a\0b"
    reasons = [r["reason"] for r in read(tmp_path / "out.jsonl.rejects.jsonl")]
    assert summary.errors == 3 and "1000001 bytes" in reasons[2]


def test_rejects_never_quote_the_ad(tmp_path):
    secret = b"call +1-202-555-0123"
    lines = [b'{"text": "%s \\ud800"}', b'{"text": "%s"', b'["%s"]', b'{"text": {"x": "%s"}}']
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(line % secret for line in lines))
    assert score(tmp_path / "in.jsonl", tmp_path / "out.csv").errors == 4
    assert b"202" not in (tmp_path / "out.csv.rejects.jsonl").read_bytes()


def test_an_output_that_exists_stays_unless_overwritten(tmp_path, source):
    out = tmp_path / "out.csv"
    out.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"out\.csv exists"):
        score(source, out)
    with pytest.raises(OutputExistsError):
        score(source, out, resume=True)
    assert out.read_text() == "precious"
    score(source, out, overwrite=True)
    assert len(read(out)) == 30


def test_rejects_of_an_earlier_run_are_guarded_and_then_replaced(tmp_path, source):
    out, rejects = tmp_path / "out.csv", tmp_path / "out.csv.rejects.jsonl"
    rejects.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"rejects\.jsonl exists"):
        score(source, out)
    score(write_jsonl(tmp_path / "good.jsonl", ads(3)), out, overwrite=True)
    assert not rejects.exists()


def test_an_overwritten_output_stays_until_the_new_one_is_ready(tmp_path, source):
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        score(source, tmp_path / "out.csv", scorer=FakeScorer(interrupt_at=3), overwrite=True)
    assert (tmp_path / "out.csv").read_text() == "old"


def test_places_that_cannot_be_written(tmp_path, source):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "sub").mkdir()
    shutil.copy(source, tmp_path / "sub" / "in.jsonl")
    (tmp_path / "mine.csv.work").mkdir()
    (tmp_path / "mine.csv.work" / "notes").touch()
    for out, reason in [
        ("file/out.csv", "there is no folder"),
        ("no/out.csv", "there is no folder"),
        ("folder.csv", "in the way"),
        ("in.jsonl", "one of the inputs"),
        ("out.xlsx", "unknown kind"),
    ]:
        with pytest.raises(UsageError, match=reason):
            score(source, tmp_path / out)
    with pytest.raises(UsageError, match="in the input folder"):
        score(tmp_path / "sub", tmp_path / "sub" / "out.csv")
    with pytest.raises(UsageError, match="not from adrisk score"):
        score(source, tmp_path / "mine.csv", overwrite=True)
    assert (tmp_path / "mine.csv.work" / "notes").exists()


def test_a_full_disk_is_told_and_can_be_resumed(tmp_path, source, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(AdriskError, match=r"No space.*--resume"):
        patch.setattr("os.fsync", full)
        score(source, tmp_path / "out.csv")
    score(source, tmp_path / "out.csv", resume=True)
    assert len(read(tmp_path / "out.csv")) == 30


def test_several_csv_files_share_one_header(tmp_path):
    (tmp_path / "a.csv").write_text("text,x\none,1\n")
    (tmp_path / "b.csv").write_text("y;text\n2;two\n")
    score_file(FakeScorer(), [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out.csv", SMALL)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[:3] for row in rows] == [["text", "x", "y"], ["one", "1", ""], ["two", "", "2"]]


def test_windows_end_by_rows_or_by_size_and_always_at_the_same_place(tmp_path, monkeypatch):
    monkeypatch.setattr("adrisk.score.window._WINDOW_CHARS", 100)
    rows = [{"text": "x" * (90 if i % 5 == 0 else 1), "more": ["y" * 15]} for i in range(40)]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    whole = list(windows([source], "utf-8", 4))
    assert max(len(w) for w in whole) == 4 and min(len(w) for w in whole) < 4
    assert [p for w in whole for p, _, _ in w] == list(range(40))
    done = len(whole[0]) + len(whole[1])
    assert list(windows([source], "utf-8", 4, done=done)) == whole[2:]


def test_memory_does_not_grow_with_the_input(tmp_path):
    def peak(n):
        path = tmp_path / f"{n}.csv"
        with path.open("w") as file:
            file.write("id,text\n")
            file.writelines(f"{i},{i} {'x' * 2000}\n" for i in range(n))
        tracemalloc.start()
        score(path, tmp_path / f"{n}.out.jsonl", ScoreOptions(window_rows=50))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(1_500) < 1.3 * peak(300)


def test_the_fingerprint_holds_every_option(tmp_path):
    places = run_module._Places([], tmp_path / "out.csv")
    names = {field.name for field in fields(ScoreOptions)} - {"columns"}
    columns = {f"column {field.name}" for field in fields(ColumnMap)}
    assert names | columns <= set(run_module._settings(FakeScorer(), places, SMALL))
