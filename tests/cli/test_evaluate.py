from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from adrisk.cli.evaluate import command
from adrisk.errors import BundleError, InputError, OutputExistsError, UsageError
from adrisk.evaluate.report import REPORT_FILES
from tests.conftest import toy_dataset


@pytest.fixture(scope="module")
def prepared(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate") / "prepared"
    dataset.save(folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in (*arguments, "--bootstrap", "10")])


def refused(error, *arguments):
    result = run(*arguments)
    assert isinstance(result.exception, error), result.exception
    return str(result.exception)


def test_it_prints_the_measures_and_writes_the_report(tiny_bundle, prepared, tmp_path):
    result = run(tiny_bundle, prepared, "--output", tmp_path / "report")
    assert result.exit_code == 0, result.output
    for name in ("average precision", "base rate", "lift", "ROC-AUC", "precision at 10",
                 "recall at precision 0.80", "Brier", "calibration error"):  # fmt: skip
        assert name in result.stdout
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == sorted(REPORT_FILES)
    content = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert content["models"]["linear"]["data"]["parts"] == ["test"]


def test_without_output_nothing_is_written(tiny_bundle, prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(tiny_bundle, prepared, "--part", "validation")
    assert result.exit_code == 0
    assert "the figures flatter" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert run(tiny_bundle, prepared, "--part", "validation", "--quiet").stderr == ""


def test_an_output_that_exists_is_kept_unless_told_otherwise(tiny_bundle, prepared, tmp_path):
    refused(OutputExistsError, tiny_bundle, prepared, "-o", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert run(tiny_bundle, prepared, "-o", tmp_path, "--overwrite").exit_code == 0


def test_ads_of_the_training_part_are_refused(tiny_bundle, prepared):
    assert "training part" in refused(UsageError, tiny_bundle, prepared, "--part", "train")


def test_the_same_ads_under_another_split_are_refused(tiny_bundle, dataset, tmp_path):
    parts = [{"train": "test", "test": "train"}.get(part, part) for part in dataset.parts]
    dataset.with_parts(parts).save(tmp_path / "swapped")
    assert "another split" in refused(UsageError, tiny_bundle, tmp_path / "swapped")


def test_other_ads_are_measured_with_a_note(tiny_bundle, tmp_path):
    toy_dataset(100, seed=5).save(tmp_path / "other")
    result = run(tiny_bundle, tmp_path / "other")
    assert result.exit_code == 0
    assert "another split" in result.stderr


def test_wrong_places_are_named(tiny_bundle, prepared, tmp_path):
    assert "no part" in refused(UsageError, tiny_bundle, prepared, "--part", "tset")
    assert "missing" in refused(InputError, tiny_bundle, tmp_path / "missing")
    assert "nowhere" in refused(BundleError, tmp_path / "nowhere", prepared)
    other = toy_dataset(20, seed=3)
    other.with_parts(["train"] * 20).save(tmp_path / "empty")
    assert "no ads in the part" in refused(UsageError, tiny_bundle, tmp_path / "empty")
