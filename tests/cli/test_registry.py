"""The registry's verbs: promote, rollback, history, pull."""

from __future__ import annotations

import sys

import pytest

from adrisk import track
from adrisk.cli import main as module
from tests.registry_helpers import EQUAL, GOOD, OTHER_SPLIT, WORSE, contents

pytest_plugins = ["tests.registry_fixtures"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Call `adrisk ARGS` and give back its exit code and what it printed."""

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["adrisk", *map(str, args)])
        with pytest.raises(SystemExit) as stopped:
            module.main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return stopped.value.code, shown.out, shown.err

    return call


@pytest.fixture
def prepared(dataset, registry):
    dataset.save(registry / "prepared")
    return registry / "prepared"


def test_promote_history_rollback(run, prepared):
    code, out, _ = run("promote", "--data", prepared, "--version", WORSE)
    assert code == 0 and out.endswith(f"adrisk version {WORSE} is now the champion\n")
    assert "passed  average_precision: no champion yet" in out
    assert run("promote", "--data", prepared, "--version", GOOD)[0] == 0
    code, out, _ = run("promote", "--data", prepared, "--version", WORSE)
    assert code == 1 and out.endswith(f"adrisk version {WORSE} is not promoted\n")
    assert "FAILED  average_precision: challenger minus champion -0." in out

    code, out, _ = run("history")
    assert code == 0
    blocks = out.split("version ")[1:]
    assert [block[0] for block in blocks] == [OTHER_SPLIT, EQUAL, WORSE, GOOD]
    assert "@champion" in blocks[3] and "@champion" not in blocks[2]
    assert "promotion.average_precision: failed" in blocks[2]
    assert "adrisk.bundle_sha256: " in blocks[0] and "@challenger" in blocks[0]

    code, out, _ = run("rollback", "--reason", "drifts")
    assert (code, out) == (0, f"adrisk version {WORSE} is the champion again\n")
    assert "drifts" in run("history")[1]
    code, _, err = run("rollback")
    assert code == 1 and "no earlier champion" in err


def test_the_challenger_of_another_split_is_refused(run, prepared):
    code, out, _ = run("promote", "--data", prepared)
    assert code == 1 and "FAILED  same_split" in out
    assert f"version {OTHER_SPLIT} is not promoted" in out


def test_promote_needs_prepared_ads(run, registry):
    assert run("promote")[0] == 2
    code, _, err = run("promote", "--data", registry / "nowhere")
    assert code == 1 and "nowhere" in err


def test_pull(run, registry, tiny_bundle):
    code, out, _ = run("pull", f"models:/adrisk/{GOOD}", "-o", registry / "out")
    assert (code, out) == (0, f"bundle: {registry / 'out'}\n")
    assert contents(registry / "out") == contents(tiny_bundle)
    code, _, err = run("pull", f"models:/adrisk/{GOOD}", "-o", registry / "out")
    assert code == 2 and "exists" in err


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("adrisk", 2, "models:/NAME@ALIAS"),
        ("models:/adrisk@champion", 1, "champion"),
        ("models:/other/1", 1, "other"),
    ],
)
def test_pull_of_what_is_not_there(run, registry, address, code, said):
    got, _, err = run("pull", address, "-o", registry / "out")
    assert got == code and said in err and not (registry / "out").exists()


def test_a_changed_file_is_exit_code_4(run, registry, tiny_bundle):
    with track.TrainingRun("training", "run") as training:
        version = training.register(tiny_bundle, "adrisk", {})
    (manifest,) = (registry / "mlruns").rglob("artifacts/bundle/manifest.json")
    manifest.write_text(manifest.read_text(encoding="utf-8") + " ", encoding="utf-8")
    code, _, err = run("pull", f"models:/adrisk/{version}", "-o", registry / "out")
    assert code == 4 and "manifest.json" in err


@pytest.mark.parametrize("verb", [["history"], ["rollback"], ["pull", "models:/a@b", "-o", "out"]])
def test_a_registry_that_is_down(run, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    code, _, err = run(*verb)
    assert code == 1 and "MLFLOW_TRACKING_URI" in err and "http://127.0.0.1:9" in err


def test_unknown_names(run, registry, prepared):
    for verb in (["history"], ["rollback"], ["promote", "--data", prepared]):
        code, _, err = run(*verb, "--name", "other")
        assert code == 1 and "other" in err
