"""The road: prepared ads -> trained models -> evaluation -> bundle -> registered version.

This module only ties the stations together; each station's work is in its own module.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adrisk import track
from adrisk.codebook.codebook import RISK
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import AdriskError, InputError, OutputExistsError, UsageError
from adrisk.evaluate.measure import Evaluation, evaluate_scorer
from adrisk.evaluate.model_card import model_card
from adrisk.evaluate.parity import torch_onnx_parity
from adrisk.evaluate.report import write_report
from adrisk.metrics import (
    average_precision,
    average_precision_bootstrap_metric,
    paired_group_bootstrap,
)
from adrisk.score.bundle import (
    ALL_FILES,
    CARD,
    ENCODER,
    METRICS,
    TOKENIZER,
    add_files,
    load_bundle,
)
from adrisk.score.encoder import EncoderTokenizer, OnnxEncoder
from adrisk.train.fit import (
    FittedModel,
    check_calibration,
    fit_model,
    help_finetune,
    seal,
    trainable_targets,
)
from adrisk.train.recipe import ModelKind, Recipe

log = logging.getLogger(__name__)

COST_ORDER: tuple[ModelKind, ...] = ("linear", "encoder")
"""Kinds of model from the cheapest to score with to the dearest."""


@dataclass(frozen=True)
class Candidate:
    """One trained and evaluated model of a run."""

    kind: ModelKind
    bundle: Path
    validation_scores: np.ndarray
    validation_average_precision: float
    evaluation: Evaluation
    history: list[dict[str, float]]
    weights: dict[str, int]
    adaptation: dict[str, Any] | None


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training run leaves behind."""

    bundle: Path
    report: Path
    chosen: Candidate
    candidates: list[Candidate]
    registered: str | None
    tracking_uri: str | None


def train(
    recipe: Recipe,
    dataset: AdDataset,
    out: Path,
    *,
    work_dir: Path,
    tracking: bool = True,
    overwrite: bool = False,
    say: Callable[[str], None] = log.info,
) -> TrainingOutcome:
    """Train every model of the recipe, pick by validation, evaluate on test, bundle, register.

    `out` becomes the bundle of the pick; `work_dir` keeps checkpoints, every candidate's bundle
    and the report, so that an interrupted run goes on where it stopped. A registry that fails
    after training loses nothing: the bundle is written first. Raises OutputExistsError where `out`
    exists and `overwrite` is not given, UsageError where it is there and no bundle, or where one of
    the folders cannot be written, InputError where a part lacks risky or other ads; all this before
    any training.
    """
    _check_output(out, overwrite=overwrite)
    _check_writable(out.parent)
    _check_writable(work_dir)
    trainable_targets(dataset.part("train"))
    check_calibration(dataset.part("calibration"))
    about = {"training_data": _training_data(dataset), "made_with": _versions()}
    with track.TrainingRun(recipe.tracking.experiment, recipe.name, enabled=tracking) as run:
        run.log_recipe(recipe.model_dump(mode="json"))
        run.log_dataset(recipe.name, dataset.fingerprint, dataset.split_sha256, _counts(dataset))
        candidates = []
        for kind in recipe.models:
            say(f"training {kind} on {len(dataset.part('train'))} ads")
            with run.child(kind):
                candidate = _candidate(kind, recipe, dataset, work_dir / kind, about)
                run.log_history(candidate.history)
                run.log_metrics({**candidate.evaluation.to_dict(), "weights": candidate.weights})
            candidates.append(candidate)
            if candidate.adaptation:
                say(_adaptation_line(candidate.adaptation))
        chosen = _choose(candidates, dataset.part("validation"))
        say(f"chosen on the validation part: {chosen.kind}")
        _copy_bundle(chosen.bundle, out)
        evaluations: dict[str, Evaluation] = {c.kind: c.evaluation for c in candidates}
        report = write_report(evaluations, work_dir / "report", title=f"adrisk: {recipe.name}")
        run.log_files(report.parent)
        registered = None
        if recipe.tracking.register_as and tracking:
            version = run.register(out, recipe.tracking.register_as, chosen.evaluation.to_dict())
            registered = f"{recipe.tracking.register_as} version {version}"
        uri = run.tracking_uri
    return TrainingOutcome(out, report, chosen, candidates, registered, uri)


def assist(recipe: Recipe, dataset: AdDataset, *, work_dir: Path) -> None:
    """The part of `train` that a process other than the main one has: it helps to fine-tune.

    It takes the same arguments, and neither writes, logs nor registers.
    """
    train_part, validation = dataset.part("train"), dataset.part("validation")
    for kind in recipe.models:
        if kind == "encoder":
            folder, held_out = work_dir / kind, _held_out(dataset)
            help_finetune(recipe, train_part, validation, folder, held_out=held_out)


def default_work_dir(recipe: Recipe, dataset: AdDataset) -> Path:
    """runs/<recipe>-<hash>: the same recipe on the same split resumes, any other starts afresh."""
    identity = [recipe.model_dump(mode="json"), dataset.fingerprint, dataset.split_sha256]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return Path("runs") / f"{recipe.name}-{digest[:8]}"


def _candidate(
    kind: ModelKind, recipe: Recipe, dataset: AdDataset, work_dir: Path, about: dict[str, Any]
) -> Candidate:
    validation = dataset.part("validation")
    fitted = fit_model(
        kind, recipe, dataset.part("train"), validation, work_dir, held_out=_held_out(dataset)
    )
    folder = _fresh(work_dir / "bundle")
    scorer = seal(fitted, recipe, dataset.part("calibration"), folder, about)
    evaluation = evaluate_scorer(scorer, dataset.part("test"))
    scores = scorer.logits(validation.texts)[:, scorer.targets.index(RISK)]
    y, sure = _sure_risk(validation)
    quality = average_precision(y, scores[sure])
    metrics: dict[str, Any] = {
        "test": evaluation.to_dict(),
        "validation_average_precision": None if np.isnan(quality) else quality,
    }
    weights: dict[str, int] = {}
    if kind == "encoder":
        base = fitted.base_model
        weights = {"total": base["n_parameters"], "trained": base["n_trained"]}
        metrics |= {"parity": _parity(fitted, recipe), "weights": weights}
    card = model_card(scorer.bundle.manifest, metrics)
    add_files(
        load_bundle(folder),
        {METRICS: (json.dumps(metrics, indent=1) + "\n").encode(), CARD: card.encode()},
    )
    adaptation = fitted.base_model.get("adaptation")
    return Candidate(kind, folder, scores, quality, evaluation, fitted.history, weights, adaptation)


def _choose(candidates: list[Candidate], validation: AdDataset) -> Candidate:
    """The cheapest model that no dearer one clearly beats (docs/decisions/0002).

    Clearly: the 95% paired group-bootstrap interval of the difference in average precision lies
    above 0. Without validation labels of both classes, the cheapest.
    """
    y, sure = _sure_risk(validation)
    groups = np.asarray(validation.group_ids)[sure]
    chosen, *dearer = sorted(candidates, key=lambda c: COST_ORDER.index(c.kind))
    if len(np.unique(y)) < 2:
        return chosen
    for candidate in dearer:
        new, old = candidate.validation_scores[sure], chosen.validation_scores[sure]
        metric = average_precision_bootstrap_metric(new, old)
        pair = paired_group_bootstrap(metric, y, new, old, groups)
        if pair.low > 0:
            chosen = candidate
    return chosen


def ranking_model(
    kind: ModelKind, recipe: Recipe, work_dir: Path, dataset: AdDataset
) -> Callable[[AdDataset, AdDataset, int], Callable[[AdDataset], np.ndarray]]:
    """A model kind as the split-gap protocols want it: (train, validation, seed) -> scores.

    The scores are the risk logits of the light Scorer on an uncalibrated bundle. `dataset` has the
    ads of all parts: where the recipe adapts an encoder, its text repeats none but training ads.
    """

    def fit(
        train: AdDataset, validation: AdDataset, seed: int
    ) -> Callable[[AdDataset], np.ndarray]:
        folder = _fresh(work_dir / f"{kind}-{seed}")
        seeded = recipe.model_copy(update={"seed": seed})
        known = set(train.ids)
        held_out = dataset.take([row for row, i in enumerate(dataset.ids) if i not in known])
        fitted = fit_model(kind, seeded, train, validation, folder / "work", held_out=held_out)
        about = {"training_data": _training_data(train), "made_with": _versions()}
        scorer = seal(fitted, seeded, None, folder / "bundle", about)
        return lambda part: scorer.logits(part.texts)[:, scorer.targets.index(RISK)]

    return fit


def _parity(fitted: FittedModel, recipe: Recipe) -> dict[str, Any]:
    report = torch_onnx_parity(
        fitted.torch_model,
        OnnxEncoder(fitted.files[ENCODER]),
        EncoderTokenizer(fitted.files[TOKENIZER]),
        recipe.encoder.max_tokens,
        recipe.encoder.parity_tolerance,
    )
    if not report.passed:
        raise AdriskError(f"the ONNX export does not score as torch does: {report.to_dict()}")
    return report.to_dict()


def _adaptation_line(figures: dict[str, Any]) -> str:
    left_out = ", ".join(f"{count} {reason}" for reason, count in figures["left_out"].items())
    line = f"adapted to {figures['kept']} of {figures['rows']} rows"
    if left_out:
        line += f" (left out: {left_out})"
    if loss := figures["held_out_loss"]:
        line += f", loss on held-out text {loss['before']:.3f} before, {loss['after']:.3f} after"
    return line


def _held_out(dataset: AdDataset) -> AdDataset:
    """The ads of all parts but the training part."""
    return dataset.take([row for row, part in enumerate(dataset.parts) if part != "train"])


def _sure_risk(part: AdDataset) -> tuple[np.ndarray, np.ndarray]:
    """Classes 0 or 1, and the row numbers, of the ads whose risk is known and not unsure."""
    sure = np.flatnonzero(~np.isnan(part.risk) & (part.risk != 0.5))
    return (part.risk[sure] > 0.5).astype(int), sure


def _check_output(out: Path, *, overwrite: bool) -> None:
    """Refuse to write to `out` where anything but an earlier bundle would be lost."""
    if not out.exists() and not out.is_symlink():
        return
    if not overwrite:
        raise OutputExistsError(f"{out} exists: choose another --output or give --overwrite")
    if out.is_symlink() or not out.is_dir():
        raise UsageError(f"{out} is no bundle folder, so it is not overwritten")
    foreign = {entry.name for entry in out.iterdir()} - set(ALL_FILES)
    if foreign:
        raise UsageError(
            f"{out} holds '{min(foreign)}', which is no file of a bundle, so it is not overwritten: "
            "choose another --output"
        )


def _check_writable(folder: Path) -> None:
    """Make the folder and a file in it, so that no training ends at a place that takes nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(f"cannot write in {folder}: {error.strerror}") from error


def _copy_bundle(source: Path, out: Path) -> None:
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        shutil.copytree(source, temporary)
        load_bundle(temporary)
        if out.exists():
            shutil.rmtree(out)
        temporary.replace(out)
    except OSError as error:
        raise InputError(f"cannot write the bundle: {error.strerror}", file=str(out)) from error


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _training_data(dataset: AdDataset) -> dict[str, Any]:
    return {
        "fingerprint": dataset.fingerprint,
        "split_sha256": dataset.split_sha256,
        "languages": sorted(set(dataset.part("train").languages or dataset.languages)),
        "parts": _counts(dataset),
    }


def _counts(dataset: AdDataset) -> dict[str, int]:
    parts = list(dataset.parts)
    return {part: parts.count(part) for part in sorted(set(parts))}


def _versions() -> dict[str, str]:
    names = (
        "adrisk",
        "numpy",
        "onnxruntime",
        "scikit-learn",
        "tokenizers",
        "torch",
        "transformers",
    )
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), "machine": platform.machine(), **versions}
