"""Fixtures of a real MLflow registry with real bundles; modules name this one in pytest_plugins.

The database is made and migrated once, four versions are registered once, and every test works on
a copy of the database in its own folder (the artifacts are shared, tests only read them).
"""

from __future__ import annotations

import shutil

import pytest

from adrisk import track
from tests.registry_helpers import (
    EQUAL,
    GOOD,
    OTHER_SPLIT,
    WORSE,
    altered_bundle,
    upside_down,
    use_database,
)


@pytest.fixture(scope="session")
def bundles(tiny_bundle, tmp_path_factory):
    """Version -> bundle folder."""
    folder = tmp_path_factory.mktemp("bundles")
    worse = altered_bundle(tiny_bundle, folder / "worse", weights=upside_down(tiny_bundle))
    other = altered_bundle(
        tiny_bundle, folder / "other", about={"training_data": {"split_sha256": "0" * 64}}
    )
    return {GOOD: tiny_bundle, WORSE: worse, EQUAL: tiny_bundle, OTHER_SPLIT: other}


@pytest.fixture(scope="session")
def registered(bundles, tmp_path_factory):
    """A folder with a registry of the four versions; not to be written to."""
    folder = tmp_path_factory.mktemp("registered")
    with pytest.MonkeyPatch.context() as patch:
        use_database(patch, folder)
        with track.TrainingRun("experiment", "run") as run:
            for version, bundle in bundles.items():
                assert run.register(bundle, "adrisk", {}) == version
    return folder


@pytest.fixture
def registry(registered, tmp_path, monkeypatch):
    """A registry of the test's own, in the working folder."""
    shutil.copy(registered / "mlflow.db", tmp_path)
    use_database(monkeypatch, tmp_path)
    return tmp_path
