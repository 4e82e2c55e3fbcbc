"""`adrisk train` from a recipe file to a bundle, and what it refuses before any training."""

from __future__ import annotations

import shutil

import pytest
import yaml
from click.testing import CliRunner

from adrisk import Scorer, pipeline
from adrisk.cli.train import command
from adrisk.errors import InputError, OutputExistsError, RecipeError, UsageError
from tests.conftest import TINY_RECIPE


@pytest.fixture(scope="module")
def prepared(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "toy"
    dataset.save(folder)
    return folder


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY_RECIPE))
    return path


@pytest.fixture
def untrained(monkeypatch):
    """Fails where anything is trained."""

    def fit_model(*_):
        raise AssertionError("trained before the call was checked")

    monkeypatch.setattr(pipeline, "fit_model", fit_model)


def train(*arguments):
    """Run the command; a known error is raised as the command line would see it."""
    result = CliRunner().invoke(command, [*map(str, arguments), "--no-tracking"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_the_closing_table_names_figures_and_places(recipe, prepared, tmp_path):
    out, work = tmp_path / "models" / "mine", tmp_path / "work"
    result = train(recipe, prepared, "-o", out, "--work-dir", work, "--set", "linear.C=[0.5]")
    assert Scorer.load(out).bundle.manifest["recipe"]["linear"]["C"] == [0.5]
    header, row, *rest = result.stdout.splitlines()
    assert header.split()[:3] == ["model", "validation", "AP"] and row.split()[0] == "linear"
    assert f"bundle:      {out}" in rest and "registered:  not registered" in rest
    assert (work / "report" / "report.html").exists() and str(work / "report") in result.stdout
    assert "training linear" in result.stderr


def test_an_earlier_bundle_is_replaced_when_told_to(recipe, prepared, tiny_bundle, tmp_path):
    out = tmp_path / "m"
    shutil.copytree(tiny_bundle, out)
    (out / "manifest.json").write_text("damaged")
    common = (recipe, prepared, "-o", out, "--work-dir", tmp_path / "w", "--quiet")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        train(*common)
    result = train(*common, "--overwrite")
    Scorer.load(out)
    assert result.stderr == "" and result.stdout.startswith("model")


def test_overwrite_never_removes_what_is_no_bundle(recipe, prepared, tmp_path, untrained):
    home = tmp_path / "home"
    home.mkdir()
    (home / "README.md").write_text("a name that bundles have too")
    (home / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        train(recipe, prepared, "-o", home, "--overwrite")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(home)
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="no bundle folder"):
            train(recipe, prepared, "-o", tmp_path / name, "--overwrite")
    assert (home / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("option", ["--output", "--work-dir"])
def test_a_folder_that_cannot_be_written_is_found_before_training(
    recipe, prepared, tmp_path, untrained, option
):
    (tmp_path / "file").write_text("x")
    places = {"--output": tmp_path / "m", "--work-dir": tmp_path / "w"}
    places[option] = tmp_path / "file" / "inside"
    with pytest.raises(UsageError, match="cannot write in"):
        train(recipe, prepared, *(x for pair in places.items() for x in pair))


@pytest.mark.parametrize("part", ["train", "calibration"])
def test_a_part_without_risky_ads_is_found_before_training(
    recipe, dataset, tmp_path, untrained, part
):
    rows = [i for i, p in enumerate(dataset.parts) if p != part or dataset.risk[i] == 0]
    dataset.take(rows).with_parts([dataset.parts[i] for i in rows]).save(tmp_path / "p")
    with pytest.raises(InputError, match="label more ads"):
        train(recipe, tmp_path / "p", "-o", tmp_path / "m", "--work-dir", tmp_path / "w")


def test_wrong_calls_name_file_and_key(recipe, prepared, tmp_path, untrained):
    out = ("-o", tmp_path / "m", "--work-dir", tmp_path / "w")
    recipe.write_text(yaml.safe_dump({**TINY_RECIPE, "modles": ["linear"]}))
    with pytest.raises(RecipeError, match=r"tiny\.yaml: modles: unknown key"):
        train(recipe, prepared, *out)
    recipe.write_text(yaml.safe_dump(TINY_RECIPE))
    with pytest.raises(RecipeError, match=r"linear\.bucktes: unknown key"):
        train(recipe, prepared, *out, "--set", "linear.bucktes=3")
    with pytest.raises(InputError, match="no prepared folder"):
        train(recipe, tmp_path, *out)
    assert not (tmp_path / "m").exists()
