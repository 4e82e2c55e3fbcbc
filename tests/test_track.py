from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk import Scorer, track
from adrisk.errors import BundleError, OutputExistsError, RegistryError, UsageError
from adrisk.score.bundle import load_bundle
from adrisk.track_mlflow import flat, numbers, without_password
from tests.registry_helpers import (
    EQUAL,
    GOOD,
    OTHER_SPLIT,
    WORSE,
    altered_bundle,
    contents,
    upside_down,
    use_database,
)

pytest_plugins = ["tests.registry_fixtures"]


def runs(experiment="training"):
    import mlflow

    found = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return {run.data.tags["mlflow.runName"]: run for run in found}


def client():
    import mlflow

    track.configure()
    return mlflow.MlflowClient()


def aliases():
    return {info.version: info.aliases for info in track.history("adrisk")}


def version_tags(version):
    return next(info.tags for info in track.history("adrisk") if info.version == version)


class TestTrainingRun:
    def test_children_are_nested_and_keep_their_own_figures(self, registry):
        with track.TrainingRun("training", "parent") as run:
            run.log_metrics({"ads": 7})
            for kind, value in (("linear", 0.5), ("encoder", 0.75)):
                with run.child(kind):
                    run.log_metrics({"risk": {"average_precision": {"value": value}}})
            run.log_metrics({"after": 1})
        found = runs()
        parent = found.pop("parent")
        assert set(found) == {"linear", "encoder"}
        assert {r.data.tags["mlflow.parentRunId"] for r in found.values()} == {parent.info.run_id}
        assert parent.data.metrics == {"ads": 7, "after": 1}
        assert found["encoder"].data.metrics == {"risk.average_precision.value": 0.75}
        assert {r.info.status for r in (parent, *found.values())} == {"FINISHED"}

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_an_exception_fails_the_child_and_the_parent(self, registry, error):
        with pytest.raises(error), track.TrainingRun("training", "parent") as run:
            with run.child("linear"):
                pass
            with run.child("encoder"):
                raise error
        assert {name: r.info.status for name, r in runs().items()} == {
            "parent": "FAILED",
            "linear": "FINISHED",
            "encoder": "FAILED",
        }

    def test_the_next_run_starts_afresh_after_a_failed_one(self, registry):
        with contextlib.suppress(ValueError), track.TrainingRun("training", "first"):
            raise ValueError
        with track.TrainingRun("training", "second"):
            pass
        assert "mlflow.parentRunId" not in runs()["second"].data.tags

    def test_what_failed_is_not_hidden_by_a_run_that_cannot_be_ended(self, registry, monkeypatch):
        import mlflow

        def broken(*_):
            raise OSError("gone")

        with pytest.raises(ValueError, match="the cause"), track.TrainingRun("training", "a"):
            monkeypatch.setattr(mlflow, "end_run", broken)
            raise ValueError("the cause")
        monkeypatch.undo()
        mlflow.end_run()

    def test_recipe_dataset_and_history(self, registry):
        import mlflow

        recipe = {"name": "tiny", "linear": {"C": [1.0, 2.0], "min_df": 1}, "note": "n" * 900}
        recipe |= {"many": {f"key{i}": i for i in range(150)}}
        with track.TrainingRun("training", "parent") as run:
            run.log_recipe(recipe)
            run.log_dataset("tiny", "f" * 64, "5" * 64, {"train": 100, "test": 40})
            run.log_history([{"step": 10, "loss": 2.0}, {"step": 20, "loss": 1.0}])
            run.log_history([{"score": 0.1}, {"score": 0.2, "loss": float("nan")}])
        logged = runs()["parent"]
        assert logged.data.params["linear.C"] == "[1.0, 2.0]"
        assert logged.data.params["many.key149"] == "149"
        assert logged.data.params["ads.train"] == "100"
        assert len(logged.data.params["note"]) == 500
        address = f"{logged.info.artifact_uri}/recipe.json"
        assert mlflow.artifacts.load_dict(address) == recipe
        dataset = logged.inputs.dataset_inputs[0].dataset
        assert (dataset.name, dataset.digest) == ("tiny", "f" * 32)
        assert "5" * 64 in dataset.source
        assert logged.data.tags["adrisk.split_sha256"] == "5" * 64
        steps = {
            name: [(m.step, m.value) for m in client().get_metric_history(logged.info.run_id, name)]
            for name in ("loss", "score")
        }
        assert steps == {"loss": [(10, 2.0), (20, 1.0)], "score": [(0, 0.1), (1, 0.2)]}
        assert "step" not in logged.data.metrics

    def test_metrics_of_any_name_and_number(self, registry):
        odd = {"https://example.com/a": 1, "..": 2, "": 3, "市場": 4, "a\nb": 5, "x" * 400: 6}
        with track.TrainingRun("training", "parent") as run:
            run.log_metrics({"slices": odd, **odd})
            run.log_metrics({f"m{i}": i for i in range(2500)})
            run.log_metrics({})
            run.log_history([])
        logged = runs()["parent"].data.metrics
        assert len(logged) == 2 * len(odd) + 2500 and logged["m2499"] == 2499
        assert logged["slices.市場"] == 4

    def test_files_and_system_metrics(self, registry, monkeypatch):
        import mlflow

        monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
        monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
        report = registry / "report"
        report.mkdir()
        (report / "report.html").write_text("<p>aggregates</p>", encoding="utf-8")
        with track.TrainingRun("training", "parent") as run:
            run.log_files(report)
            for _ in range(100):
                if runs()["parent"].data.metrics:
                    break
        logged = runs()["parent"]
        assert any(name.startswith("system/cpu") for name in logged.data.metrics)
        paths = [f.path for f in client().list_artifacts(logged.info.run_id, "report")]
        assert paths == ["report/report.html"]
        uri = f"{logged.info.artifact_uri}/report/report.html"
        assert mlflow.artifacts.load_text(uri) == "<p>aggregates</p>"

    def test_disabled_does_nothing_at_all(self, tiny_bundle, tmp_path):
        code = (
            "import sys\nfrom pathlib import Path\nfrom adrisk import track\n"
            "with track.TrainingRun('e', 'r', enabled=False) as run:\n"
            "    run.log_recipe({'a': 1}); run.log_dataset('d', 'f', 's', {'train': 1})\n"
            "    with run.child('linear'):\n"
            "        run.log_history([{'loss': 1}]); run.log_metrics({'a': 1})\n"
            "    run.log_files(Path('.'))\n"
            "    assert run.register(Path(sys.argv[1]), 'adrisk', {}) is None\n"
            "    assert run.tracking_uri is None\n"
            "print('mlflow' in sys.modules)\n"
        )
        done = python(code, str(tiny_bundle), cwd=tmp_path)
        assert done.stdout.strip() == "False", done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_a_disabled_run_passes_exceptions_on(self):
        run = track.TrainingRun("e", "r", enabled=False)
        with pytest.raises(ValueError, match="x"), run, run.child("linear"):
            raise ValueError("x")


NAMES = st.text(max_size=12) | st.sampled_from([".", "..", "/", "a/b", "a.b", "a", "x" * 300])


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        NAMES,
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
            lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=2),
            max_leaves=6,
        ),
    )
)
def test_names_are_legal_and_no_value_is_lost(nested):
    from mlflow.utils.validation import _validate_metric_name, _validate_param

    named = flat(nested)
    for name in named:
        _validate_metric_name(name)
        _validate_param(name, "1")
    assert len(named) == leaves(nested)
    assert all(np.isfinite(n) and type(n) is float for n in numbers(named).values())


def leaves(value):
    return sum(map(leaves, value.values())) if isinstance(value, dict) else 1


def test_only_finite_numbers_are_metrics():
    values = {"a": 1, "b": True, "c": "1", "d": float("nan"), "e": float("inf"), "f": None}
    assert numbers({**values, "g": [1, 2], "h": {"i": 0.5}}) == {"a": 1.0, "h.i": 0.5}


def test_passwords_are_not_shown():
    shown = without_password("at postgresql://ann:p%40ss@db.example.com/x and http://t@example.org")
    assert shown == "at postgresql://***@db.example.com/x and http://***@example.org"
    plain = "sqlite:////srv/a@b/mlflow.db and http://example.com/me@example.org"
    assert without_password(plain) == plain


class TestRegister:
    def test_the_version_tells_what_it_is(self, registry, tiny_bundle):
        figures = {"risk": {"average_precision": {"value": 0.61}, "base_rate": 0.4, "n": 3}}
        with track.TrainingRun("training", "parent") as run:
            version = run.register(tiny_bundle, "adrisk", figures)
        info = track.history("adrisk")[0]
        assert (info.version, info.aliases) == (version, ["challenger"])
        assert info.run_id == runs()["parent"].info.run_id
        assert info.tags == {
            "adrisk.bundle_sha256": load_bundle(tiny_bundle).bundle_sha256,
            "adrisk.kind": "linear",
            "adrisk.risk.average_precision.value": "0.6100",
            "adrisk.risk.base_rate": "0.4000",
        }

    def test_a_damaged_bundle_is_not_registered(self, registry, tiny_bundle, tmp_path):
        shutil.copytree(tiny_bundle, tmp_path / "bundle")
        (tmp_path / "bundle" / "extra.py").write_text("1", encoding="utf-8")
        with pytest.raises(BundleError, match="extra"), track.TrainingRun("training", "p") as run:
            run.register(tmp_path / "bundle", "adrisk", {})
        assert len(track.history("adrisk")) == 4

    def test_a_failure_says_that_the_bundle_is_kept(self, registry, tiny_bundle):
        with track.TrainingRun("training", "parent") as run:
            with pytest.raises(RegistryError, match="kept in") as raised:
                run.register(tiny_bundle, "no/such:name", {})
            assert str(tiny_bundle) in str(raised.value)

    def test_no_pickle_no_cache_no_shipped_bundle(self, registered):
        files = [p for p in (registered / "mlruns").rglob("*") if p.is_file()]
        assert {p.name for p in files} >= {"MLmodel", "pyfunc_entry.py", "manifest.json"}
        for path in files:
            assert path.suffix not in {".pkl", ".pickle", ".joblib", ".pyc", ".pt", ".bin"}, path
            assert path.read_bytes()[:1] != b"\x80", f"{path} starts as a pickle does"
            assert "_default" not in path.parts
        code = [p for p in files if "code" in p.parts]
        assert sum(p.stat().st_size for p in code) < 4 * 3_000_000

    def test_nothing_of_the_ads_and_no_path_of_the_bundle(self, registered, dataset, bundles):
        markers = [t.split(":")[0] for t in dataset.texts] + [str(b) for b in bundles.values()]
        pattern = re.compile("|".join(map(re.escape, markers)).encode())
        files = [registered / "mlflow.db", *(registered / "mlruns").rglob("*")]
        found = [p for p in files if p.is_file() and pattern.search(p.read_bytes())]
        assert found == []
        assert pattern.search(dataset.texts[0].encode())


class TestPromote:
    @pytest.fixture
    def test_part(self, dataset):
        return dataset.part("test")

    def test_the_first_champion_has_no_rival(self, registry, test_part):
        decision = track.promote("adrisk", test_part, version=GOOD)
        assert decision.promoted and decision.version == GOOD
        assert aliases()[GOOD] == ["champion"]
        tags = version_tags(GOOD)
        assert tags["promotion.average_precision"] == "passed: no champion yet"
        assert tags["promotion.same_split"].startswith("passed: ")
        assert "promotion.at" in tags

    def test_the_challenger_alias_is_the_default(self, registry, test_part):
        client().set_registered_model_alias("adrisk", "challenger", EQUAL)
        assert track.promote("adrisk", test_part).version == EQUAL
        assert aliases()[EQUAL] == ["challenger", "champion"]

    def test_a_worse_challenger_is_refused_with_its_reasons(self, registry, test_part):
        track.promote("adrisk", test_part, version=GOOD)
        decision = track.promote("adrisk", test_part, version=WORSE)
        assert not decision.promoted
        assert [gate.name for gate in decision.gates if not gate.passed] == ["average_precision"]
        assert aliases()[GOOD] == ["champion"] and aliases()[WORSE] == []
        said = version_tags(WORSE)["promotion.average_precision"]
        assert re.fullmatch(r"failed: challenger minus champion -0\.\d{4} .*", said)
        assert "base rate" in said

    def test_equal_and_better_ones_are_promoted(self, registry, test_part):
        assert track.promote("adrisk", test_part, version=WORSE).promoted
        better = track.promote("adrisk", test_part, version=GOOD)
        equal = track.promote("adrisk", test_part, version=EQUAL)
        assert better.promoted and equal.promoted
        assert "+0.0000" in version_tags(EQUAL)["promotion.average_precision"]
        assert aliases()[EQUAL] == ["champion"] and aliases()[GOOD] == []

    def test_one_trained_under_another_split_is_refused(self, registry, test_part):
        decision = track.promote("adrisk", test_part, version=OTHER_SPLIT)
        assert not decision.promoted
        assert aliases()[OTHER_SPLIT] == ["challenger"]
        assert version_tags(OTHER_SPLIT)["promotion.same_split"].startswith("failed: ")

    def test_promoting_the_champion_again_changes_nothing(self, registry, test_part):
        for _ in range(2):
            assert track.promote("adrisk", test_part, version=GOOD).promoted
        with pytest.raises(RegistryError, match="no earlier champion"):
            track.rollback("adrisk")

    @pytest.mark.parametrize("version", ["9", "x", "latest"])
    def test_an_unknown_version(self, registry, test_part, version):
        with pytest.raises(RegistryError, match="promoting adrisk failed"):
            track.promote("adrisk", test_part, version=version)

    def test_an_unknown_name_or_no_challenger(self, registry, test_part):
        with pytest.raises(RegistryError, match="other"):
            track.promote("other", test_part)
        client().delete_registered_model_alias("adrisk", "challenger")
        with pytest.raises(RegistryError, match="challenger"):
            track.promote("adrisk", test_part)


class TestRollback:
    def test_once_twice_and_no_further(self, registry, dataset):
        for version in (WORSE, GOOD, EQUAL):
            track.promote("adrisk", dataset.part("test"), version=version)
        assert track.rollback("adrisk", "drifts on new ads") == GOOD
        assert aliases()[GOOD] == ["champion"] and aliases()[EQUAL] == []
        assert version_tags(EQUAL)["promotion.rolled_back"].endswith("drifts on new ads")
        assert track.rollback("adrisk") == WORSE
        with pytest.raises(RegistryError, match="no earlier champion"):
            track.rollback("adrisk")
        assert aliases()[WORSE] == ["champion"]

    def test_never_promoted(self, registry):
        with pytest.raises(RegistryError, match="no earlier champion"):
            track.rollback("adrisk")

    def test_an_alias_moved_by_hand_is_the_champion(self, registry, dataset):
        track.promote("adrisk", dataset.part("test"), version=GOOD)
        client().set_registered_model_alias("adrisk", "champion", WORSE)
        decision = track.promote("adrisk", dataset.part("test"), version=EQUAL)
        assert "no champion" not in decision.gates[-1].reason
        assert track.rollback("adrisk") == WORSE
        assert track.rollback("adrisk") == GOOD

    def test_deleted_versions_are_passed_over(self, registry, dataset):
        for version in (WORSE, GOOD, EQUAL):
            track.promote("adrisk", dataset.part("test"), version=version)
        client().delete_model_version("adrisk", GOOD)
        assert track.rollback("adrisk") == WORSE
        client().delete_model_version("adrisk", WORSE)
        decision = track.promote("adrisk", dataset.part("test"), version=EQUAL)
        assert decision.promoted and decision.gates[-1].reason == "no champion yet"


class TestHistory:
    def test_newest_first(self, registry):
        infos = track.history("adrisk")
        assert [info.version for info in infos] == ["4", "3", "2", "1"]
        assert infos[0].aliases == ["challenger"]
        assert infos[0].created >= infos[-1].created and infos[0].created.tzinfo is not None

    def test_unknown_name(self, registry):
        with pytest.raises(RegistryError, match="o'ther"):
            track.history("o'ther")


class TestPull:
    @pytest.mark.parametrize("address", ["models:/adrisk@challenger", f"models:/adrisk/{WORSE}"])
    def test_the_bytes_are_those_registered(self, registry, bundles, address):
        out = track.pull(address, registry / "new" / "bundle")
        source = bundles[OTHER_SPLIT if "@" in address else WORSE]
        assert contents(out) == contents(source)
        assert [p.name for p in out.parent.iterdir()] == ["bundle"]

    def test_an_output_that_exists_is_left_alone(self, registry):
        (registry / "file").write_text("mine", encoding="utf-8")
        (registry / "link").symlink_to(registry / "nowhere")
        for name in ("file", "link"):
            with pytest.raises(OutputExistsError, match=name):
                track.pull(f"models:/adrisk/{GOOD}", registry / name)
        assert (registry / "file").read_text(encoding="utf-8") == "mine"

    def test_an_output_that_cannot_be_written(self, registry):
        (registry / "file").write_text("x", encoding="utf-8")
        with pytest.raises(UsageError, match="cannot write"):
            track.pull(f"models:/adrisk/{GOOD}", registry / "file" / "out")

    @pytest.mark.parametrize(
        "address",
        ["adrisk", "models:/adrisk", "models:/adrisk/latest", "models:/a/1/../2", "runs:/x/bundle"],
    )
    def test_what_is_no_address(self, registry, address):
        for call in (
            lambda: track.pull(address, registry / "out"),
            lambda: track.resolve_bundle(address),
        ):
            with pytest.raises(UsageError, match="models:/NAME@ALIAS"):
                call()

    @pytest.mark.parametrize("address", ["models:/other/1", "models:/adrisk/9", "models:/adrisk@x"])
    def test_an_address_that_leads_nowhere(self, registry, address):
        with pytest.raises(RegistryError, match=re.escape(address)):
            track.pull(address, registry / "out")
        assert not (registry / "out").exists()

    def test_a_changed_file_is_refused(self, registry, tiny_bundle, monkeypatch, dataset):
        monkeypatch.setenv("XDG_CACHE_HOME", str(registry / "cache"))
        with track.TrainingRun("training", "parent") as run:
            version = run.register(tiny_bundle, "adrisk", {})
        (weights,) = (registry / "mlruns").rglob("artifacts/bundle/linear.safetensors")
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        address = f"models:/adrisk/{version}"
        for call in (
            lambda: track.pull(address, registry / "out"),
            lambda: track.resolve_bundle(address),
            lambda: track.promote("adrisk", dataset.part("test")),
        ):
            with pytest.raises(BundleError, match=r"linear\.safetensors"):
                call()
        assert not (registry / "out").exists()
        assert list((registry / "cache" / "adrisk" / "bundles").iterdir()) == []

    def test_resolving_follows_the_alias_and_mends_the_cache(self, registry, bundles, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(registry / "cache"))
        address = "models:/adrisk@challenger"
        first = track.resolve_bundle(address)
        assert contents(first) == contents(bundles[OTHER_SPLIT])
        (first / "tokenizer.json").write_text("{}", encoding="utf-8")
        assert track.resolve_bundle(address) == first
        assert contents(first) == contents(bundles[OTHER_SPLIT])
        client().set_registered_model_alias("adrisk", "challenger", WORSE)
        second = track.resolve_bundle(address)
        assert second != first and contents(second) == contents(bundles[WORSE])
        assert set(first.parent.iterdir()) == {first, second}


class TestUnreachable:
    def every_call(self, dataset, tmp_path):
        return (
            lambda: track.TrainingRun("e", "r").__enter__(),
            lambda: track.history("adrisk"),
            lambda: track.rollback("adrisk"),
            lambda: track.pull("models:/adrisk/1", tmp_path / "out"),
            lambda: track.promote("adrisk", dataset.part("test")),
        )

    @pytest.mark.parametrize(
        "uri",
        ["http://127.0.0.1:9", "sqlite:////dev/null/x.db", "file:///nowhere", "nosuch://x", "text"],
    )
    def test_says_where_and_what_to_do(self, dataset, tmp_path, monkeypatch, uri):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        if uri == "text":
            (tmp_path / "x.db").write_text("no database" * 100, encoding="utf-8")
            uri = f"sqlite:///{tmp_path}/x.db"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for call in self.every_call(dataset, tmp_path):
            with pytest.raises(RegistryError, match="MLFLOW_TRACKING_URI") as raised:
                call()
            assert uri in str(raised.value)
            assert len(str(raised.value).splitlines()) == 1

    def test_the_password_is_not_shown(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:hush@127.0.0.1:9")
        with pytest.raises(RegistryError) as raised:
            track.history("adrisk")
        assert "hush" not in str(raised.value) and "127.0.0.1:9" in str(raised.value)

    def test_a_database_of_a_newer_mlflow(self, registry):
        with contextlib.closing(sqlite3.connect("mlflow.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = 'fffffffffff0'")
            database.commit()
        with pytest.raises(RegistryError, match="MLFLOW_TRACKING_URI"):
            track.history("adrisk")

    def test_reading_makes_no_database(self, tmp_path, monkeypatch):
        use_database(monkeypatch, tmp_path)
        with pytest.raises(RegistryError, match="there is no database"):
            track.history("adrisk")
        assert list(tmp_path.iterdir()) == []


def python(code, *arguments, cwd, **environment):
    """Run code in a fresh interpreter, with MLflow's address taken out of the environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
    )


def test_the_default_is_mlflow_db_in_the_working_folder(registry, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with track.TrainingRun("training", "parent") as run:
        assert run.tracking_uri == f"sqlite:///{registry}/mlflow.db"
    assert set(runs()) == {"parent"}
    assert len(track.history("adrisk")) == 4
    elsewhere = registry / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(RegistryError, match=r"no database .*elsewhere"):
        track.history("adrisk")


def test_a_better_model_takes_over_after_a_worse_one(registry, dataset, tiny_bundle, tmp_path):
    """The whole road: register, promote, register, promote, pull what is champion."""
    worse = altered_bundle(tiny_bundle, tmp_path / "worse", weights=upside_down(tiny_bundle))
    for bundle in (worse, tiny_bundle):
        with track.TrainingRun("training", "parent") as run:
            run.register(bundle, "fresh", {})
        assert track.promote("fresh", dataset.part("test")).promoted
    pulled = Scorer.load(track.pull("models:/fresh@champion", tmp_path / "pulled"))
    assert pulled.bundle_sha256 == Scorer.load(tiny_bundle).bundle_sha256
    assert track.rollback("fresh") == "1"
