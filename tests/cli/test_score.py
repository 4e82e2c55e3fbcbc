from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from adrisk.cli.score import command
from adrisk.cli.verify import command as verify
from adrisk.errors import BundleError, MissingExtraError, UsageError
from adrisk.records import OUTPUT_COLUMNS
from adrisk.score.files import iter_rows
from tests.score.fake_scorer import FakeScorer

ADS = [{"id": f"a{i}", "text": f"ad number {i}"} for i in range(12)]


@pytest.fixture
def fake(monkeypatch):
    """Loads a FakeScorer and remembers how it was asked for."""
    asked = {}

    def load(path=None, **options):
        asked.update(path=path, **options)
        return FakeScorer()

    monkeypatch.setattr("adrisk.score.scorer.Scorer.load", load)
    return asked


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(ad) + "\n" for ad in ADS))
    return path


def run(*args, stdin=None):
    return CliRunner().invoke(command, [str(a) for a in args], input=stdin)


def raised(result, kind):
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def test_a_file_is_scored_and_summed_up(tmp_path, source, fake):
    result = run(source, "-o", tmp_path / "out.csv")
    assert result.exit_code == 0 and result.stdout == ""
    assert len(list(iter_rows(tmp_path / "out.csv"))) == 12
    table = dict(line.split(maxsplit=1) for line in result.stderr.splitlines()[-20:] if " " in line)
    assert table["rows"].strip() == "12" and table["languages"].strip() == "en 12"


def test_rejects_end_with_exit_code_3(tmp_path, source, fake):
    source.write_text('{"text": "a"}\n{\n')
    result = run(source, "-o", tmp_path / "out.csv", "--quiet", "--json")
    assert result.exit_code == 3 and result.stderr == ""
    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["errors"]) == (2, 1)
    assert summary["rejects_file"] == str(tmp_path / "out.csv.rejects.jsonl")


def test_options_reach_the_scorer_and_the_columns(tmp_path, fake):
    (tmp_path / "in.csv").write_text("nr;head;body;lang\n7;Cook;Bistro;de\n8;Cook;;\n")
    result = run(
        tmp_path / "in.csv", "-o", tmp_path / "out.jsonl", "--text-columns", "head,body",
        "--id-column", "nr", "--language-column", "lang", "--language", "fr", "--threads", 2,
        "--batch-size", 8, "--prevalence", 0.1, "--threshold", 0, "--model", tmp_path,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert fake == {"path": tmp_path, "threads": 2, "batch_size": 8, "prevalence": 0.1}
    rows = [row.values for row in iter_rows(tmp_path / "out.jsonl")]
    assert [row["language"] for row in rows] == ["de", "fr"]
    assert all(row["tier"] != "no_action" for row in rows)


@pytest.mark.parametrize(
    "args",
    [
        ["--threshold", "0.5", "--min-precision", "0.8"],
        ["--threshold", "0.5", "--review-budget", "8"],
        ["--review-budget", "8", "--min-precision", "0.8"],
    ],
)
def test_the_three_ways_to_move_review_exclude_each_other(tmp_path, source, fake, args):
    message = raised(run(source, "-o", tmp_path / "out.csv", *args), UsageError)
    assert args[0] in message and args[2] in message and fake == {}


@pytest.mark.parametrize(
    "args",
    [
        ["--threshold", "1.5"],
        ["--min-precision", "0"],
        ["--prevalence", "1"],
        ["--review-budget", "-1"],
        ["--threads", "0"],
        ["--on-error", "ignore"],
    ],
)
def test_values_out_of_range(tmp_path, source, args):
    assert run(source, "-o", tmp_path / "out.csv", *args).exit_code == 2


@pytest.mark.parametrize(
    "args",
    [
        ["-", "in.jsonl", "-o", "-"],
        ["-", "-o", "out.csv"],
        ["-", "-o", "-", "--resume"],
        ["-", "-o", "-", "--overwrite"],
        ["-", "-o", "-", "--json"],
        ["-", "-o", "-", "--on-error", "reject"],
        ["-", "-o", "-", "--review-budget", "3"],
    ],
)
def test_what_does_not_go_with_streams(fake, args):
    raised(run(*args), UsageError)
    assert fake == {}


def test_stdin_to_stdout(fake):
    result = run("-", "-o", "-", stdin='{"text": "a"}\n{\n{"text": "b"}\n')
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["error"] is None for line in lines] == [True, False, True]
    assert set(OUTPUT_COLUMNS) <= set(lines[0]) and result.exit_code == 3


def test_an_interrupt_says_how_to_go_on(tmp_path, source, monkeypatch):
    monkeypatch.setattr(
        "adrisk.score.scorer.Scorer.load", lambda path=None: FakeScorer(interrupt_at=1)
    )
    result = run(source, "-o", tmp_path / "out.csv", "--quiet")
    assert result.exit_code == 130 and "--resume goes on" in result.stderr


def test_a_budget_that_nothing_fits_is_said(tmp_path, source, fake):
    result = run(source, "-o", tmp_path / "out.csv", "--review-budget", 0)
    assert "none fits the budget" in result.stderr and result.exit_code == 0


def test_the_table_gathers_rare_languages(tmp_path, source, fake):
    rows = [
        {"text": str(i), "language": tag}
        for i, tag in enumerate(["en", "de", "fr", "es", "it", "nl", "nl"])
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run(source, "-o", tmp_path / "out.csv")
    assert "nl 2, de 1, en 1, es 1, fr 1, others 1" in result.stderr


def test_a_registry_address_without_the_train_extra(tmp_path, source, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "adrisk.track", raising=False)
    monkeypatch.delattr("adrisk.track", raising=False)
    result = run(source, "-o", tmp_path / "out.csv", "--model", "models:/adrisk@champion")
    assert "pip install 'adrisk[train]'" in raised(result, MissingExtraError)


def test_verify_names_what_is_in_the_bundle_and_what_is_wrong(tiny_bundle, tmp_path):
    result = CliRunner().invoke(verify, [str(tiny_bundle)])
    assert result.exit_code == 0 and "linear" in result.stdout and "risk" in result.stdout
    raised(CliRunner().invoke(verify, [str(tmp_path)]), BundleError)


SMALL_WINDOWS = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
from adrisk.cli.main import main
from adrisk.score import options
Options = options.ScoreOptions
options.ScoreOptions = lambda **given: Options(**given, window_rows=100)
sys.argv[0] = "adrisk"
main()
"""


def adrisk(*args):
    """The command in a process of its own, with small windows."""
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_WINDOWS, *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def write_ads(path, lengths):
    """One English ad for each length, in words."""
    with path.open("w") as file:
        for i, n_words in enumerate(lengths):
            ad = {"id": i, "language": "en", "text": f"ad {i} " + "cook " * n_words}
            file.write(json.dumps(ad) + "\n")


def test_ctrl_c_and_resume_give_the_bytes_of_an_unbroken_run(tmp_path, tiny_bundle):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl.gz"
    write_ads(source, [1] * 200 + [8000] * 50)  # two quick windows, then one of a second or two
    common = ["score", source, "--model", tiny_bundle, "--quiet"]
    process = adrisk(*common, "-o", out)
    partial = tmp_path / "out.jsonl.gz.work" / "output.partial"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 100):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and b"--resume" in said and not out.exists()
    for args in ([*common, "-o", out, "--resume"], [*common, "-o", tmp_path / "whole.jsonl.gz"]):
        process = adrisk(*args)
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert out.read_bytes() == (tmp_path / "whole.jsonl.gz").read_bytes()


def test_a_reader_that_goes_ends_the_stream_quietly(tmp_path, tiny_bundle):
    write_ads(tmp_path / "in.jsonl", [50] * 500)
    process = adrisk("score", tmp_path / "in.jsonl", "-o", "-", "--model", tiny_bundle, "--quiet")
    process.stdout.close()
    process.wait(timeout=60)
    assert process.returncode == 141 and process.stderr.read() == b""
