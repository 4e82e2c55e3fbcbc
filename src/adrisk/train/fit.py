"""One model from prepared ads to a sealed bundle: fit, export, calibrate, choose thresholds.

The calibrator and the thresholds are fitted on scores that the light Scorer gives from the
exported files, so what is calibrated is what ships.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from adrisk.codebook.codebook import CATEGORIES, CODEBOOK_VERSION, RISK, TARGETS
from adrisk.dataset.labels import MAX_RISK_LEVEL
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import InputError, RecipeError
from adrisk.score.bundle import ENCODER, LINEAR, TOKENIZER, write_bundle
from adrisk.score.calibrate import apply_calibrator
from adrisk.score.decide import NEVER
from adrisk.score.scorer import Scorer
from adrisk.text.model_input import ModelInput, model_input
from adrisk.train.calibrator import Calibration, fit_calibrator
from adrisk.train.operating_points import category_threshold, fit_operating_points
from adrisk.train.recipe import LabelsBlock, ModelKind, Recipe
from adrisk.train.risk_levels import LevelCuts, fit_level_cuts

if TYPE_CHECKING:
    from adrisk.train.finetune import FinetuneResult

log = logging.getLogger(__name__)

MIN_PER_CLASS = 2


@dataclass(frozen=True)
class FittedModel:
    """A trained model before its bundle: files, settings for the scoring block, and its story."""

    kind: ModelKind
    targets: tuple[str, ...]
    files: dict[str, bytes]
    settings: dict[str, Any]
    history: list[dict[str, float]]
    base_model: dict[str, Any]
    torch_model: Any = field(default=None, repr=False)


def trainable_targets(train: AdDataset) -> tuple[str, ...]:
    """Targets with at least two ads of either class; the others are reported and not trained.

    Raises InputError where `risk` itself is not among them.
    """
    usable = tuple(
        name
        for column, name in enumerate(TARGETS)
        if np.sum(train.targets[:, column] > 0.5) >= MIN_PER_CLASS
        and np.sum(train.targets[:, column] < 0.5) >= MIN_PER_CLASS
    )
    if RISK not in usable:
        raise InputError(
            "the training part needs at least two risky and two non-risky ads: label more ads, "
            "or prepare with another seed"
        )
    return usable


def check_calibration(part: AdDataset) -> None:
    """Raise InputError where thresholds cannot be chosen on this calibration part."""
    if not (np.any(part.risk > 0.5) and np.any(part.risk < 0.5)):
        raise InputError(
            "the calibration part needs risky and non-risky ads: label more ads, or prepare with "
            "another seed"
        )


def target_columns(targets: Sequence[str]) -> list[int]:
    """Columns of the named targets in a dataset's target matrix."""
    return [TARGETS.index(name) for name in targets]


def training_targets(train: AdDataset, labels: LabelsBlock) -> np.ndarray:
    """Targets float32 (n_ads, 33) to train on: those of the ads, or with risk as level / 6.

    Raises RecipeError where `soft_risk` is asked for and no ad has a level.
    """
    if not labels.soft_risk:
        return train.targets
    known = ~np.isnan(train.risk_levels)
    if not known.any():
        raise RecipeError("labels.soft_risk: no ad of the training part has a risk_level")
    targets = train.targets.copy()
    targets[known, TARGETS.index(RISK)] = train.risk_levels[known] / MAX_RISK_LEVEL
    return targets


def fit_model(
    kind: ModelKind,
    recipe: Recipe,
    train: AdDataset,
    validation: AdDataset,
    work_dir: Path,
    *,
    held_out: AdDataset | None = None,
) -> FittedModel:
    """Train one kind of model on `train`, with choices made on `validation`.

    `held_out` are the ads that adaptation text must not repeat, all but those of `train`: a recipe
    that adapts an encoder needs them, and ValueError is raised without.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    targets = trainable_targets(train)
    if kind == "linear":
        return _fit_linear(recipe, targets, train, validation, work_dir)
    return _fit_encoder(recipe, targets, train, validation, held_out, work_dir)


def _inputs(recipe: Recipe, dataset: AdDataset) -> list[ModelInput]:
    settings = recipe.text.settings()
    return [model_input(text, settings) for text in dataset.texts]


def _fit_linear(
    recipe: Recipe,
    targets: tuple[str, ...],
    train: AdDataset,
    validation: AdDataset,
    work_dir: Path,
) -> FittedModel:
    from adrisk.train.linear import train_linear
    from adrisk.train.tokenizer import train_tokenizer

    columns = target_columns(targets)
    inputs = _inputs(recipe, train)
    path = work_dir / TOKENIZER
    train_tokenizer([i.text for i in inputs], recipe.tokenizer, path)
    result = train_linear(
        recipe.linear,
        Tokenizer.from_file(str(path)),
        (inputs, training_targets(train, recipe.labels)[:, columns]),
        (_inputs(recipe, validation), validation.targets[:, columns]),
        recipe.seed,
    )
    return FittedModel(
        kind="linear",
        targets=targets,
        files={TOKENIZER: path.read_bytes(), LINEAR: result.weights.to_bytes()},
        settings={"linear": result.settings.to_dict()},
        history=result.history,
        base_model={"name": "logistic regression over hashed n-grams, signs and counts"},
    )


def _fit_encoder(
    recipe: Recipe,
    targets: tuple[str, ...],
    train: AdDataset,
    validation: AdDataset,
    held_out: AdDataset | None,
    work_dir: Path,
) -> FittedModel:
    from adrisk.train.export import export_onnx

    result = _finetune(recipe, targets, train, validation, held_out, work_dir)
    path = work_dir / ENCODER
    export_onnx(result.model, path, recipe.encoder.max_tokens)
    return FittedModel(
        kind="encoder",
        targets=targets,
        files={TOKENIZER: result.tokenizer_json, ENCODER: path.read_bytes()},
        settings={"max_tokens": recipe.encoder.max_tokens},
        history=result.history,
        base_model=result.base_model,
        torch_model=result.model,
    )


def help_finetune(
    recipe: Recipe,
    train: AdDataset,
    validation: AdDataset,
    work_dir: Path,
    *,
    held_out: AdDataset | None = None,
) -> None:
    """What a process that is not the main one does of `fit_model` for an encoder: help to fine-tune.

    Called with the same arguments as in the main process; writes nothing.
    """
    _finetune(recipe, trainable_targets(train), train, validation, held_out, work_dir)


def _finetune(
    recipe: Recipe,
    targets: tuple[str, ...],
    train: AdDataset,
    validation: AdDataset,
    held_out: AdDataset | None,
    work_dir: Path,
) -> FinetuneResult:
    from adrisk.train.finetune import EncoderData, finetune

    columns = target_columns(targets)

    def data(dataset: AdDataset, targets: np.ndarray) -> EncoderData:
        texts = [i.text for i in _inputs(recipe, dataset)]
        return EncoderData(texts, targets[:, columns])

    adapted, block = None, recipe.encoder
    if recipe.adapt is not None:
        from adrisk.train.adapt_ads import adapt_encoder

        if held_out is None:
            raise ValueError("adaptation needs the held-out ads, which its text must not repeat")
        adapted = adapt_encoder(recipe, train, held_out, work_dir / "adapt")
        block = block.model_copy(update={"base": str(adapted.folder), "revision": None})
    result = finetune(
        block,
        recipe.tokenizer,
        data(train, training_targets(train, recipe.labels)),
        data(validation, validation.targets),
        targets,
        work_dir,
        recipe.seed,
    )
    if adapted is None:
        return result
    return replace(
        result,
        history=[*adapted.history, *result.history],
        base_model={**result.base_model, **adapted.base, "adaptation": adapted.figures},
    )


def seal(
    fitted: FittedModel,
    recipe: Recipe,
    calibration: AdDataset | None,
    folder: Path,
    about: Mapping[str, Any],
) -> Scorer:
    """Write the bundle of a fitted model into `folder` and load it.

    Without a calibration part the plain sigmoid and a review threshold of .5 stand: enough to
    rank, as the split-gap protocols do.
    """
    scoring = _scoring_block(fitted, recipe, about)
    about = {**about, "recipe": recipe.model_dump(mode="json"), "base_model": fitted.base_model}
    write_bundle(folder, scoring, fitted.files, about)
    if calibration is None:
        return Scorer.load(folder)
    scoring.update(_calibrated(Scorer.load(folder), fitted.targets, recipe, calibration))
    write_bundle(folder, scoring, fitted.files, about)
    return Scorer.load(folder)


def _scoring_block(fitted: FittedModel, recipe: Recipe, about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "version": about["training_data"]["fingerprint"][:12],
        "kind": fitted.kind,
        "targets": list(fitted.targets),
        "text": recipe.text.settings().to_dict(),
        "codebook_version": CODEBOOK_VERSION,
        "languages": about["training_data"]["languages"],
        "calibrators": {t: {"kind": "platt", "a": 1.0, "b": 0.0} for t in fitted.targets},
        "operating_points": {"review": 0.5, "priority_review": NEVER},
        "operating_curve": {
            "thresholds": [],
            "true_positive_rates": [],
            "false_positive_rates": [],
        },
        "category_thresholds": {c: 0.5 for c in CATEGORIES if c in fitted.targets},
        "base_rate": 0.5,
        "assumed_prevalence": recipe.operating_points.assumed_prevalence,
        **fitted.settings,
    }


def _calibrated(
    scorer: Scorer, targets: tuple[str, ...], recipe: Recipe, part: AdDataset
) -> dict[str, Any]:
    """The blocks that the calibration part decides."""
    check_calibration(part)
    logits = scorer.logits(part.texts)
    labels = part.targets[:, target_columns(targets)]
    groups = np.asarray(part.group_ids)
    fitted: dict[str, Calibration] = {
        name: fit_calibrator(
            logits[:, column], labels[:, column], groups, recipe.calibration, recipe.seed
        )
        for column, name in enumerate(targets)
    }
    thresholds = {}
    for category in (c for c in CATEGORIES if c in fitted):
        y, p = _sure(labels[:, targets.index(category)], fitted[category].cross_fitted)
        thresholds[category] = category_threshold(p, y)
    y, p = _sure(labels[:, targets.index(RISK)], fitted[RISK].cross_fitted)
    points = fit_operating_points(p, y, recipe.operating_points)
    levels = _level_cuts(fitted[RISK], logits[:, targets.index(RISK)], part)
    return {
        "calibrators": {name: c.calibrator for name, c in fitted.items()},
        "calibration_notes": {
            **{name: c.note for name, c in fitted.items()},
            "risk_level": levels.note,
        },
        "category_thresholds": thresholds,
        "operating_points": points.operating_points,
        "operating_curve": points.operating_curve,
        "risk_level_cuts": levels.cuts,
        "base_rate": float(y.mean()),
    }


def _level_cuts(risk: Calibration, logits: np.ndarray, part: AdDataset) -> LevelCuts:
    """Cut-points on probabilities whose calibrator has not seen the ad.

    Those are the cross-fitted ones; of an unsure ad (level 3), which no calibrator was fitted on,
    the calibrator that ships gives it.
    """
    unseen = apply_calibrator(risk.calibrator, logits.astype(np.float64))
    cross = risk.cross_fitted
    return fit_level_cuts(np.where(np.isnan(cross), unseen, cross), part.risk_levels)


def _sure(target: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes 0 or 1 and probabilities of the ads whose label is known and not unsure."""
    sure = ~np.isnan(target) & (target != 0.5)
    return (target[sure] > 0.5).astype(int), probability[sure]
