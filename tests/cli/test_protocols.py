from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from adrisk.cli.protocols import command
from adrisk.errors import OutputExistsError, RecipeError, UsageError
from tests.conftest import TINY_RECIPE


@pytest.fixture(scope="module")
def prepared(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("protocols") / "prepared"
    dataset.save(folder)
    return folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY_RECIPE))
    return path


def run(*arguments):
    defaults = ("--bootstrap", "10", "--seeds", "1")
    return CliRunner().invoke(command, [str(a) for a in (*defaults, *arguments)])


def refused(error, *arguments):
    result = run(*arguments)
    assert isinstance(result.exception, error), result.exception
    return str(result.exception)


def test_it_retrains_and_writes_the_table(prepared, recipe, tmp_path):
    result = run(
        prepared, "--recipe", recipe, "--models", "rule,tfidf,linear",
        "--protocols", "random,group_key", "-o", tmp_path / "gap",
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    assert "linear - tfidf" in result.stdout
    assert "group_key, seed 0: linear on" in result.stderr
    table = (tmp_path / "gap" / "split_gap.md").read_text()
    assert table in result.stdout
    record = json.loads((tmp_path / "gap" / "split_gap.json").read_text())
    assert {c["model"] for c in record["cells"]} == {"rule", "tfidf", "linear"}
    assert {(c["model"], c["baseline"]) for c in record["comparisons"]} == {
        ("rule", "tfidf"),
        ("linear", "tfidf"),
    }


def test_comparators_alone_need_no_recipe_and_quiet_is_quiet(prepared):
    result = run(prepared, "--models", "rule, metadata", "--protocols", "random", "--quiet")
    assert result.exit_code == 0, result.exception
    assert result.stderr == ""
    assert result.stdout.count("| random |") == 2


def test_what_cannot_be_run_is_refused_before_training(prepared, recipe, tmp_path):
    assert "--recipe" in refused(UsageError, prepared, "--models", "linear")
    assert "bert" in refused(UsageError, prepared, "--models", "rule,bert")
    assert "temporl" in refused(UsageError, prepared, "--models", "rule", "--protocols", "temporl")
    refused(UsageError, prepared, "--models", ",")
    refused(RecipeError, prepared, "--recipe", recipe, "--models", "linear", "--set", "sed=1")
    refused(OutputExistsError, prepared, "--models", "rule", "-o", tmp_path)
    assert list(tmp_path.iterdir()) == []
