"""MLflow: what a training run logs, and the registry of bundles with challenger and champion.

Only aggregates, recipes, hashes and bundles are handed to MLflow; no ad text and no contact comes
this way. The promotion gates themselves are in evaluate/gates.py.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from adrisk.errors import BundleError, OutputExistsError, RegistryError, UsageError
from adrisk.score.bundle import load_bundle
from adrisk.score.scorer import Scorer
from adrisk.track_mlflow import (
    configure,
    explained,
    flat,
    numbers,
    quiet_mlflow,
    registry,
    without_password,
)
from adrisk.track_pyfunc import log_pyfunc

if TYPE_CHECKING:
    from adrisk.dataset.prepared import AdDataset
    from adrisk.evaluate.gates import GateResult

CHALLENGER, CHAMPION = "challenger", "champion"

log = logging.getLogger(__name__)

_HISTORY_TAG = "adrisk.champions"
_ADDRESS = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))")
_MAX_PARAM, _MAX_TAG = 500, 4000


class TrainingRun:
    """One training in MLflow: a parent run, and one child run a model.

    With `enabled` False every method does nothing, so that callers need no branches.
    `tracking_uri` is where the run is logged, without a password; None where it is not.
    """

    def __init__(self, experiment: str, run_name: str, *, enabled: bool = True) -> None:
        self._experiment, self._run_name, self._enabled = experiment, run_name, enabled
        self.tracking_uri: str | None = None

    def __enter__(self) -> TrainingRun:
        if self._enabled:
            with explained("starting an MLflow run"):
                self.tracking_uri = without_password(configure())
                quiet_mlflow().set_experiment(self._experiment)
                # nested: a caller's own open run becomes the parent instead of an error.
                quiet_mlflow().start_run(
                    run_name=self._run_name, nested=True, log_system_metrics=True
                )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(failed=kind is not None)

    @contextlib.contextmanager
    def child(self, model_kind: str) -> Iterator[None]:
        """A nested run; what is logged inside goes to it. It ends FAILED on an exception."""
        if self._enabled:
            with explained("starting an MLflow run"):
                quiet_mlflow().start_run(run_name=model_kind, nested=True)
        try:
            yield
        except BaseException:
            self._end(failed=True)
            raise
        self._end(failed=False)

    def _end(self, *, failed: bool) -> None:
        if not self._enabled:
            return
        try:
            with explained("ending an MLflow run"):
                quiet_mlflow().end_run("FAILED" if failed else "FINISHED")
        except RegistryError as error:
            if not failed:
                raise
            log.warning("%s", error)  # what made the run fail must not be hidden by this

    def log_recipe(self, recipe: Mapping[str, Any]) -> None:
        """Every key of the recipe as a parameter, and the whole of it as recipe.json."""
        if self._enabled:
            params = {name: str(value)[:_MAX_PARAM] for name, value in flat(recipe).items()}
            with explained("logging the recipe"):
                quiet_mlflow().log_params(params)
                quiet_mlflow().log_dict(dict(recipe), "recipe.json")

    def log_dataset(
        self, name: str, fingerprint: str, split_sha256: str, counts: Mapping[str, int]
    ) -> None:
        """The dataset by fingerprint and split hash; its rows stay where they are."""
        if self._enabled:
            mlflow = quiet_mlflow()
            from mlflow.data.code_dataset_source import CodeDatasetSource
            from mlflow.data.meta_dataset import MetaDataset

            hashes = {"fingerprint": fingerprint, "split_sha256": split_sha256}
            source = CodeDatasetSource(hashes)
            with explained("logging the dataset"):
                dataset = MetaDataset(source, name=name, digest=fingerprint[:32])  # type: ignore[abstract]
                mlflow.log_input(dataset)
                mlflow.set_tags({f"adrisk.{key}": value for key, value in hashes.items()})
                mlflow.log_params({f"ads.{part}": n for part, n in counts.items()})

    def log_history(self, history: Sequence[Mapping[str, float]]) -> None:
        """Metrics per step; an entry's own `step`, else its place in the list."""
        if self._enabled:
            mlflow = quiet_mlflow()
            now = int(time.time() * 1000)
            points = [
                mlflow.entities.Metric(name, value, now, int(entry.get("step", place)))
                for place, entry in enumerate(history)
                for name, value in numbers(entry).items()
                if name != "step"
            ]
            with explained("logging metrics"):
                mlflow.MlflowClient().log_batch(mlflow.active_run().info.run_id, metrics=points)

    def log_metrics(self, metrics: Mapping[str, Any]) -> None:
        """The finite numbers of a nested mapping under dotted names; other values are left out."""
        if self._enabled:
            with explained("logging metrics"):
                quiet_mlflow().log_metrics(numbers(metrics))

    def log_files(self, folder: Path) -> None:
        """Every file of a folder (report, card, plots) as an artifact."""
        if self._enabled:
            with explained("logging files"):
                quiet_mlflow().log_artifacts(str(folder), artifact_path=folder.resolve().name)

    def register(self, bundle: Path, name: str, metrics: Mapping[str, Any]) -> str | None:
        """Log the bundle as a models-from-code pyfunc, register it, and make it the challenger.

        Returns the new version. Raises RegistryError, which says that the bundle is kept.
        """
        if not self._enabled:
            return None
        loaded = load_bundle(bundle)
        tags = {
            "adrisk.bundle_sha256": loaded.bundle_sha256,
            "adrisk.kind": loaded.scoring["kind"],
            **{f"adrisk.{key}": f"{value:.4f}" for key, value in _headline(metrics).items()},
        }
        with explained(f"registering (the bundle is kept in {bundle})"):
            version = log_pyfunc(bundle, name, loaded.scoring["targets"])
            client = quiet_mlflow().MlflowClient()
            for key, value in tags.items():
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
    where there is no such version, BundleError where its registered files were changed.
    """
    from adrisk.evaluate.gates import run_gates

    what = f"promoting {name}"
    with registry(what) as client:
        if version is None:
            version = str(client.get_model_version_by_alias(name, CHALLENGER).version)
        champions = _champions(client, name)
        challenger = _load(name, version)
        champion = _load(name, champions[-1]) if champions else None
    gates = run_gates(challenger, champion, test)
    promoted = all(gate.passed for gate in gates)
    with registry(what) as client:
        for gate in gates:
            said = f"{'passed' if gate.passed else 'failed'}: {gate.reason}"
            client.set_model_version_tag(name, version, f"promotion.{gate.name}", said[:_MAX_TAG])
        client.set_model_version_tag(name, version, "promotion.at", _now())
        if promoted and champions[-1:] != [version]:
            _set_champions(client, name, [*champions, version])
    return PromotionDecision(version, promoted, gates)


def rollback(name: str, reason: str = "") -> str:
    """The champion before this one becomes champion again; returns its version.

    Raises RegistryError where there is no earlier champion.
    """
    with registry(f"rolling back {name}") as client:
        champions = _champions(client, name)
        if len(champions) < 2:
            raise RegistryError(f"{name} has no earlier champion to go back to")
        said = f"{_now()} {reason}".strip()[:_MAX_TAG]
        client.set_model_version_tag(name, champions[-1], "promotion.rolled_back", said)
        _set_champions(client, name, champions[:-1])
    return champions[-2]


def history(name: str) -> list[VersionInfo]:
    """Every registered version, newest first. Raises RegistryError where the name is unknown."""
    with registry(f"reading the history of {name}") as client:
        aliases = client.get_registered_model(name).aliases
        versions = _versions(client, name)
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

    Raises OutputExistsError where `output` exists, UsageError where the address is none or
    `output` cannot be written, RegistryError where the address leads nowhere, BundleError where
    the registered files were changed.
    """
    _check_address(address)
    if output.exists() or output.is_symlink():
        raise OutputExistsError(f"{output} exists: choose another folder")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=output.parent)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    with temporary as folder, registry(f"pulling {address}"):
        _download(address, Path(folder)).rename(output)
    return output


def resolve_bundle(address: str) -> Path:
    """A verified local folder of the bundle behind a models:/ address, kept for this user.

    It is fetched anew each time, so an alias is never stale; the folder is named after the hash
    of the manifest, so scorers that already read it are not disturbed.
    """
    _check_address(address)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "adrisk" / "bundles"
    with registry(f"resolving {address}"):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            bundle = _download(address, Path(folder))
            kept = cache / load_bundle(bundle).manifest["manifest_sha256"]
            try:
                load_bundle(kept)
            except BundleError:  # not there yet, or damaged since
                shutil.rmtree(kept, ignore_errors=True)
                bundle.rename(kept)
    return kept


def _check_address(address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{address}: write models:/NAME@ALIAS or models:/NAME/VERSION")


def _load(name: str, version: str) -> Scorer:
    with tempfile.TemporaryDirectory() as folder:  # a loaded scorer reads no file any more
        return Scorer.load(_download(f"models:/{name}/{version}", Path(folder)))


def _download(address: str, folder: Path) -> Path:
    """Download the bundle (and none of the code) of a registered model into `folder`, verified."""
    artifact = f"{address}/artifacts/bundle"
    local = quiet_mlflow().artifacts.download_artifacts(artifact_uri=artifact, dst_path=str(folder))
    return load_bundle(local).path


def _versions(client: Any, name: str) -> list[Any]:
    return list(client.search_model_versions(f"name = '{name}'"))


def _champions(client: Any, name: str) -> list[str]:
    """The versions that were champion, oldest first; the last one is champion now.

    The alias may have been moved, or versions deleted, by other means than adrisk.
    """
    model = client.get_registered_model(name)
    there = {str(v.version) for v in _versions(client, name)}
    past = [v for v in json.loads(model.tags.get(_HISTORY_TAG, "[]")) if v in there]
    current = model.aliases.get(CHAMPION)
    return past if current is None or past[-1:] == [str(current)] else [*past, str(current)]


def _set_champions(client: Any, name: str, champions: list[str]) -> None:
    client.set_registered_model_alias(name, CHAMPION, champions[-1])
    client.set_registered_model_tag(name, _HISTORY_TAG, json.dumps(champions))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    found = numbers(metrics)
    wished = ("risk.average_precision.value", "risk.base_rate", "risk.roc_auc.value")
    return {name: found[name] for name in wished if name in found}
