"""Training of the linear stage: one logistic regression a target over shared features.

Features come from score/features.py and score/linear.py, so that training sees exactly what
scoring will see; here only document frequencies and weights are learned.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

from adrisk.errors import RecipeError
from adrisk.metrics import average_precision
from adrisk.score.features import DENSE_NAMES, FeatureSettings, Featurizer, dense_features
from adrisk.score.linear import BATCH, LinearModel, LinearWeights, weighted
from adrisk.text.model_input import ModelInput
from adrisk.train.recipe import LinearBlock

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinearResult:
    """Weights, their settings and the `C` that did best on the validation part."""

    model: LinearModel
    weights: LinearWeights
    settings: FeatureSettings
    history: list[dict[str, float]]
    validation_average_precision: float


def train_linear(
    block: LinearBlock,
    tokenizer: Tokenizer,
    train: tuple[Sequence[ModelInput], np.ndarray],
    validation: tuple[Sequence[ModelInput], np.ndarray],
    seed: int,
) -> LinearResult:
    """Fit on `train`, choose C on `validation` by the average precision of the first target.

    Each part is (model inputs, targets float (n_ads, n_targets) in [0, 1] with NaN for unknown);
    column 0 is the risk target. Soft labels enter as a positive and a negative copy weighted p and
    1 - p. With no usable validation labels the middle C is taken.
    """
    settings = FeatureSettings(block.n_buckets, block.token_ngrams, block.char_ngrams)
    featurizer = Featurizer(tokenizer, settings)
    inputs, targets = train
    counted = _count(featurizer, inputs)
    idf = _idf(counted, settings.n_buckets, block.min_df)
    matrix = _matrix(counted, idf, dense_features(inputs) * np.float32(block.dense_scale))
    best: LinearResult | None = None
    history = []
    for C in block.C:
        weights = _fit(matrix, targets, idf, block, C, seed)
        model = LinearModel(featurizer, weights)
        quality = _validation_quality(model, validation)
        log.info("linear: C=%g, validation average precision %.4f", C, quality)
        history.append({"C": C, "validation_average_precision": quality})
        if best is None or quality > best.validation_average_precision:
            best = LinearResult(model, weights, settings, history, quality)
    assert best is not None  # block.C is never empty
    if np.isnan(best.validation_average_precision) and len(block.C) > 1:
        log.warning("linear: no validation labels of both classes, so the middle C is taken")
        weights = _fit(matrix, targets, idf, block, sorted(block.C)[len(block.C) // 2], seed)
        return LinearResult(
            LinearModel(featurizer, weights), weights, settings, history, float("nan")
        )
    return best


Counted = list[list[tuple[np.ndarray, np.ndarray]]]


def _count(featurizer: Featurizer, inputs: Sequence[ModelInput]) -> Counted:
    counted: Counted = []
    for start in range(0, len(inputs), BATCH):
        counted += featurizer.blocks(inputs[start : start + BATCH])
    return counted


def _idf(counted: Counted, n_buckets: int, min_df: int) -> np.ndarray:
    """Smoothed inverse document frequency ln((1 + n) / (1 + df)) + 1, 0 where df < min_df."""
    df = np.zeros(n_buckets, dtype=np.int64)
    for blocks in counted:
        for buckets, _ in blocks:
            df[buckets] += 1
    idf = np.log((1 + len(counted)) / (1 + df)) + 1.0
    return np.where(df >= min_df, idf, 0.0).astype(np.float32)


def _matrix(counted: Counted, idf: np.ndarray, dense: np.ndarray) -> csr_matrix:
    """Sparse (n_ads, n_buckets + n_dense) in the order of the exported weights."""
    pairs = [weighted(blocks, idf) for blocks in counted]
    indptr = np.concatenate([[0], np.cumsum([len(b) for b, _ in pairs])])
    indices = np.concatenate([b for b, _ in pairs]) if pairs else np.empty(0, dtype=np.int64)
    values = np.concatenate([v for _, v in pairs]) if pairs else np.empty(0, dtype=np.float32)
    hashed = csr_matrix((values, indices, indptr), shape=(len(pairs), len(idf)))
    return hstack([hashed, csr_matrix(dense)], format="csr").astype(np.float64)


def _fit(
    matrix: csr_matrix,
    targets: np.ndarray,
    idf: np.ndarray,
    block: LinearBlock,
    C: float,
    seed: int,
) -> LinearWeights:
    n_buckets, n_targets = len(idf), targets.shape[1]
    weight = np.zeros((n_buckets, n_targets), dtype=np.float32)
    dense_weight = np.zeros((len(DENSE_NAMES), n_targets), dtype=np.float32)
    bias = np.zeros(n_targets, dtype=np.float32)
    # Columns that no training ad uses have weight 0: leaving them out makes the fit much faster.
    used = np.flatnonzero(np.diff(matrix.tocsc().indptr))
    if len(used) == 0:
        raise RecipeError(
            f"linear.min_df: no n-gram occurs in {block.min_df} training ads: lower it"
        )
    compact = matrix[:, used]
    full = np.zeros(matrix.shape[1])
    for column in range(n_targets):
        rows, y, sample_weight = _soft_rows(targets[:, column])
        # Dual coordinate descent (Hsieh et al. 2008) is the fast one where features outnumber ads.
        model = LogisticRegression(
            C=C,
            class_weight=block.class_weight,
            solver="liblinear",
            dual=len(rows) < len(used),
            max_iter=block.max_iter,
            random_state=seed,
        )
        model.fit(compact[rows], y, sample_weight=sample_weight)
        full[:] = 0.0
        full[used] = model.coef_[0]
        weight[:, column] = full[:n_buckets]
        # Scoring reads the dense block unscaled.
        dense_weight[:, column] = full[n_buckets:] * block.dense_scale
        bias[column] = model.intercept_[0]
    # Rounded as it will be stored, so that what is validated is what ships.
    stored = LinearWeights(weight, idf, dense_weight, bias).to_bytes()
    return LinearWeights.from_bytes(stored)


def _soft_rows(target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Known rows of one soft target as (row numbers, classes, sample weights)."""
    known = np.flatnonzero(~np.isnan(target))
    positive, negative = known[target[known] > 0], known[target[known] < 1]
    rows = np.concatenate([positive, negative])
    y = np.concatenate([np.ones(len(positive), int), np.zeros(len(negative), int)])
    return rows, y, np.concatenate([target[positive], 1.0 - target[negative]])


def _validation_quality(
    model: LinearModel, validation: tuple[Sequence[ModelInput], np.ndarray]
) -> float:
    inputs, targets = validation
    sure = np.flatnonzero(~np.isnan(targets[:, 0]) & (targets[:, 0] != 0.5)).tolist()
    if not sure:
        return float("nan")
    logits = model.logits([inputs[i] for i in sure])[:, 0]
    return average_precision((targets[sure, 0] > 0.5).astype(int), logits)
