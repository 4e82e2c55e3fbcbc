"""MLflow: what a training run logs, and the registry of bundles with challenger and champion.

Only aggregates, recipes, hashes and bundles are handed to MLflow; no ad text and no contact comes
this way. The promotion gates themselves are in evaluate/gates.py.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import logging
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from adrisk.dataset.prepared import AdDataset
from adrisk.errors import OutputExistsError, RegistryError, UsageError
from adrisk.evaluate.gates import GateResult, run_gates
from adrisk.score.bundle import load_bundle
from adrisk.score.scorer import Scorer

DEFAULT_URI = "sqlite:///mlflow.db"
CHALLENGER, CHAMPION = "challenger", "champion"

_HISTORY_TAG = "adrisk.champions"
_ENTRY = Path(__file__).parent / "serve" / "pyfunc_entry.py"
_ADDRESS = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))")
_METRIC_NAME = re.compile(r"[^\w\-. /]")
_BATCH = 500


def configure() -> str:
    """Point MLflow at MLFLOW_TRACKING_URI, or at mlflow.db in the working folder; returns the URI."""
    import mlflow

    for noisy in ("alembic", "mlflow.store", "mlflow.tracking", "mlflow.system_metrics", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return uri


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn the many errors of MLflow and its database into one that says what failed where."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
        raise RegistryError(f"{what} at {uri} failed: {first_line}") from error


class TrainingRun:
    """One training in MLflow: a parent run, and one child run a model.

    With `enabled` False every method does nothing, so that callers need no branches.
    """

    def __init__(self, experiment: str, run_name: str, *, enabled: bool = True) -> None:
        self._experiment, self._run_name, self._enabled = experiment, run_name, enabled
        self.tracking_uri: str | None = None

    def __enter__(self) -> TrainingRun:
        if self._enabled:
            import mlflow

            with _explained("starting an MLflow run"):
                self.tracking_uri = configure()
                mlflow.set_experiment(self._experiment)
                mlflow.start_run(run_name=self._run_name, log_system_metrics=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(kind)

    @contextlib.contextmanager
    def child(self, model_kind: str) -> Iterator[None]:
        """A nested run; what is logged inside goes to it. It ends FAILED on an exception."""
        if self._enabled:
            import mlflow

            with _explained("starting an MLflow run"):
                mlflow.start_run(run_name=model_kind, nested=True)
        try:
            yield
        except BaseException as error:
            self._end(type(error))
            raise
        self._end(None)

    def _end(self, kind: type[BaseException] | None) -> None:
        if self._enabled:
            import mlflow

            mlflow.end_run("FINISHED" if kind is None else "FAILED")

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Every key of the recipe as a parameter, and the whole of it as recipe.json."""
        if self._enabled:
            import mlflow

            flat = {name: str(value)[:500] for name, value in _flatten(recipe)}
            with _explained("logging the recipe"):
                mlflow.log_params(flat)
                mlflow.log_dict(dict(recipe), "recipe.json")

    def log_dataset(
        self, name: str, fingerprint: str, split_sha256: str, counts: Mapping[str, int]
    ) -> None:
        """The dataset by fingerprint and split hash; its rows stay where they are."""
        if self._enabled:
            import mlflow
            from mlflow.data.code_dataset_source import CodeDatasetSource
            from mlflow.data.meta_dataset import MetaDataset

            source = CodeDatasetSource({"fingerprint": fingerprint, "split_sha256": split_sha256})
            with _explained("logging the dataset"):
                mlflow.log_input(MetaDataset(source, name=name, digest=fingerprint[:32]))
                mlflow.set_tags(
                    {"adrisk.data_fingerprint": fingerprint, "adrisk.split_sha256": split_sha256}
                )
                mlflow.log_params({f"ads.{part}": n for part, n in counts.items()})

    def log_history(self, history: Sequence[Mapping[str, float]]) -> None:
        """Metrics per step; an entry's own `step`, else its place in the list."""
        if self._enabled:
            import mlflow

            with _explained("logging metrics"):
                for place, entry in enumerate(history):
                    mlflow.log_metrics(_numbers(entry), step=int(entry.get("step", place)))

    def log_metrics(self, metrics: Mapping[str, Any]) -> None:
        """The numbers of a nested mapping under dotted names; other values are left out."""
        if self._enabled:
            import mlflow

            flat = list(_numbers(metrics).items())
            with _explained("logging metrics"):
                for start in range(0, len(flat), _BATCH):
                    mlflow.log_metrics(dict(flat[start : start + _BATCH]))

    def log_files(self, folder: Path) -> None:
        """Every file of a folder (report, card, plots) as an artifact."""
        if self._enabled:
            import mlflow

            with _explained("logging files"):
                mlflow.log_artifacts(str(folder), artifact_path=folder.name)

    def register(self, bundle: Path, name: str, metrics: Mapping[str, Any]) -> str:
        """Log the bundle as a models-from-code pyfunc, register it, and make it the challenger.

        Returns the new version. Raises RegistryError, which says that the bundle is kept.
        """
        import mlflow

        loaded = load_bundle(bundle)
        with _explained(f"registering (the bundle is kept in {bundle})"):
            info = mlflow.pyfunc.log_model(
                name="bundle",
                python_model=str(_ENTRY),
                artifacts={"bundle": str(bundle)},
                code_paths=[str(Path(__file__).parent)],
                signature=_signature(loaded.scoring["targets"]),
                input_example=_example(),
                pip_requirements=_requirements(),
                registered_model_name=name,
            )
            version = str(info.registered_model_version)
            client = mlflow.MlflowClient()
            for key, value in {
                "adrisk.bundle_sha256": loaded.bundle_sha256,
                "adrisk.kind": loaded.scoring["kind"],
                **{f"adrisk.{k}": f"{v:.4f}" for k, v in _headline(metrics).items()},
            }.items():
                client.set_model_version_tag(name, version, key, value)
            client.set_registered_model_alias(name, CHALLENGER, version)
        return version


@dataclass(frozen=True)
class PromotionDecision:
    """What the gates said; `promoted` only if all passed."""

    version: str
    promoted: bool
    gates: list[GateResult]


@dataclass(frozen=True)
class VersionInfo:
    """One registered version."""

    version: str
    aliases: list[str]
    created: datetime.datetime
    run_id: str | None
    tags: dict[str, str] = field(default_factory=dict)


def promote(name: str, test: AdDataset, *, version: str | None = None) -> PromotionDecision:
    """Make a version (the challenger by default) the champion, if it passes every gate on `test`.

    The reasons are written as tags on the version, whether it passes or not. Raises RegistryError
    where there is no such version.
    """
    import mlflow

    configure()
    client = mlflow.MlflowClient()
    with _explained(f"promoting {name}"):
        champions = _champions(client, name)
        version = version or str(client.get_model_version_by_alias(name, CHALLENGER).version)
        with tempfile.TemporaryDirectory() as folder:
            challenger = Scorer.load(_download(f"models:/{name}/{version}", Path(folder) / "new"))
            champion = None
            if champions and champions[-1] != version:
                address = f"models:/{name}/{champions[-1]}"
                champion = Scorer.load(_download(address, Path(folder) / "old"))
            gates = run_gates(challenger, champion, test)
        promoted = all(gate.passed for gate in gates)
        for gate in gates:
            said = f"{'passed' if gate.passed else 'failed'}: {gate.reason}"
            client.set_model_version_tag(name, version, f"promotion.{gate.name}", said[:4000])
        client.set_model_version_tag(name, version, "promotion.at", _now())
        if promoted and (not champions or champions[-1] != version):
            _set_champions(client, name, [*champions, version])
    return PromotionDecision(version, promoted, gates)


def rollback(name: str, reason: str = "") -> str:
    """The champion before this one becomes champion again; returns its version.

    Raises RegistryError where there is no earlier champion.
    """
    import mlflow

    configure()
    client = mlflow.MlflowClient()
    with _explained(f"rolling back {name}"):
        champions = _champions(client, name)
        if len(champions) < 2:
            raise RegistryError(f"{name} has no earlier champion to go back to")
        said = f"{_now()} {reason}".strip()
        client.set_model_version_tag(name, champions[-1], "promotion.rolled_back", said)
        _set_champions(client, name, champions[:-1])
    return champions[-2]


def history(name: str) -> list[VersionInfo]:
    """Every registered version, newest first. Raises RegistryError where the name is unknown."""
    import mlflow

    configure()
    client = mlflow.MlflowClient()
    with _explained(f"reading the history of {name}"):
        aliases = client.get_registered_model(name).aliases
        versions = client.search_model_versions(f"name = '{name}'")
    return [
        VersionInfo(
            version=str(v.version),
            aliases=sorted(a for a, number in aliases.items() if str(number) == str(v.version)),
            created=datetime.datetime.fromtimestamp(v.creation_timestamp / 1000, datetime.UTC),
            run_id=v.run_id,
            tags=dict(v.tags),
        )
        for v in sorted(versions, key=lambda v: -int(v.version))
    ]


def pull(address: str, output: Path) -> Path:
    """Copy the bundle behind models:/NAME@ALIAS or models:/NAME/VERSION to `output`, verified.

    Raises OutputExistsError where `output` exists, RegistryError where the address leads nowhere,
    BundleError where the registered files were changed.
    """
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{address}: write models:/NAME@ALIAS or models:/NAME/VERSION")
    if output.exists():
        raise OutputExistsError(f"{output} exists: choose another folder")
    configure()
    with (
        _explained(f"pulling {address}"),
        tempfile.TemporaryDirectory(dir=_parent(output)) as folder,
    ):
        bundle = _download(address, Path(folder))
        load_bundle(bundle)
        shutil.move(bundle, output)
    return output


def resolve_bundle(address: str) -> Path:
    """A verified local folder of the bundle behind a models:/ address, kept for this user.

    The folder is named after the bundle's hash, so a version is downloaded once and never stale.
    """
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{address}: write models:/NAME@ALIAS or models:/NAME/VERSION")
    configure()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "adrisk" / "bundles"
    with (
        _explained(f"resolving {address}"),
        tempfile.TemporaryDirectory(dir=_parent(cache / "x")) as folder,
    ):
        bundle = load_bundle(_download(address, Path(folder)))
        kept = cache / bundle.bundle_sha256
        if kept.exists():
            shutil.rmtree(kept)
        shutil.move(bundle.path, kept)
    return kept


def _download(address: str, folder: Path) -> Path:
    """Download a registered model into `folder`; returns the bundle inside it."""
    import mlflow
    from mlflow.models import Model

    folder.mkdir(parents=True, exist_ok=True)
    local = Path(mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=str(folder)))
    flavor = Model.load(str(local)).flavors["python_function"]
    return local / flavor["artifacts"]["bundle"]["path"]


def _champions(client: Any, name: str) -> list[str]:
    tag = client.get_registered_model(name).tags.get(_HISTORY_TAG, "[]")
    return [str(version) for version in json.loads(tag)]


def _set_champions(client: Any, name: str, champions: list[str]) -> None:
    client.set_registered_model_alias(name, CHAMPION, champions[-1])
    client.set_registered_model_tag(name, _HISTORY_TAG, json.dumps(champions))


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        else:
            yield _METRIC_NAME.sub("_", name)[:250], value


def _numbers(nested: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in _flatten(nested)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    numbers = _numbers(metrics)
    wished = ("risk.average_precision.value", "risk.base_rate", "risk.roc_auc.value")
    return {name: numbers[name] for name in wished if name in numbers}


def _requirements() -> list[str]:
    """The base install's own requirements, pinned to what is installed."""
    lines = importlib.metadata.requires("adrisk") or []
    names = [re.split(r"[\s<>=!~;\[]", line)[0] for line in lines if "extra ==" not in line]
    return [f"{name}=={importlib.metadata.version(name)}" for name in (*names, "pandas")]


def _signature(targets: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    text, number = DataType.string, DataType.double
    optional = [
        ColSpec(text, name, required=False) for name in ("id", "title", "ad_type", "language")
    ]
    outputs = [ColSpec(text, "id"), ColSpec(number, "risk_score"), ColSpec(text, "tier")]
    outputs += [ColSpec(number, f"p_{target}") for target in targets]
    outputs += [ColSpec(text, "language"), ColSpec(text, "error")]
    return ModelSignature(Schema([ColSpec(text, "text"), *optional]), Schema(outputs))


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame({"text": ["Baker wanted, permanent contract, thirty days of leave."]})
