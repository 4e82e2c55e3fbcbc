"""The kinds of model that a bundle can hold, behind one small surface: inputs -> logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adrisk.errors import BundleError
from adrisk.score.bundle import ENCODER, LINEAR, MANIFEST, TOKENIZER, Bundle
from adrisk.score.encoder import EncoderTokenizer, OnnxEncoder
from adrisk.score.features import DENSE_NAMES, FeatureSettings, Featurizer
from adrisk.score.linear import LinearModel, LinearWeights
from adrisk.text.model_input import ModelInput

DEFAULT_BATCH_SIZE = 32


class ModelOutput(NamedTuple):
    """Logits (n_ads, n_targets) float32, and for each ad whether only its windows were read."""

    logits: NDArray[np.float32]
    truncated: list[bool]


class Model(Protocol):
    """What every kind of model answers."""

    def run(self, inputs: Sequence[ModelInput]) -> ModelOutput:
        """Score model inputs; each row is independent of the others."""


class LinearStage:
    """Kind `linear`: numpy over hashed n-grams, signs and counts."""

    def __init__(self, bundle: Bundle) -> None:
        tokenizer = Tokenizer.from_buffer(bundle.files[TOKENIZER])
        settings = FeatureSettings.from_dict(bundle.scoring["linear"])
        weights = LinearWeights.from_bytes(bundle.files[LINEAR])
        n_targets = _n_targets(bundle)
        _check_shape(LINEAR, weights.weight.shape, (settings.n_buckets, n_targets))
        _check_shape(LINEAR, weights.dense_weight.shape, (len(DENSE_NAMES), n_targets))
        self._model = LinearModel(Featurizer(tokenizer, settings), weights)

    def run(self, inputs: Sequence[ModelInput]) -> ModelOutput:
        """The whole text is read, so nothing is truncated here."""
        return ModelOutput(self._model.logits(inputs), [False] * len(inputs))


class EncoderStage:
    """Kind `encoder`: a transformer encoder in ONNX Runtime."""

    def __init__(self, bundle: Bundle, threads: int | None, batch_size: int) -> None:
        self._tokenizer = EncoderTokenizer(bundle.files[TOKENIZER])
        self._max_tokens = int(bundle.scoring["max_tokens"])
        self._model = OnnxEncoder(
            bundle.files[ENCODER], threads=threads, token_budget=batch_size * self._max_tokens
        )
        _check_shape(ENCODER, (self._model.n_targets,), (_n_targets(bundle),))

    def run(self, inputs: Sequence[ModelInput]) -> ModelOutput:
        """Texts beyond `max_tokens` are read by their first and last windows."""
        encoded = self._tokenizer.encode([i.text for i in inputs], self._max_tokens)
        return ModelOutput(self._model.logits(encoded), [e.truncated for e in encoded])


def _n_targets(bundle: Bundle) -> int:
    return len(bundle.scoring["targets"])


def _check_shape(file: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Refuse weights that belong to another scoring block, or to another codebook."""
    if found != wanted:
        raise BundleError(file, f"weights of shape {found} where {wanted} is needed")


def load_model(bundle: Bundle, threads: int | None, batch_size: int) -> Model:
    """The model of a bundle. Raises BundleError where a file is missing or the kind is unknown."""
    kind = bundle.scoring.get("kind")
    needed = {"linear": (TOKENIZER, LINEAR), "encoder": (TOKENIZER, ENCODER)}
    if kind not in needed:
        raise BundleError(MANIFEST, f"unknown kind of model {kind!r}")
    for name in needed[kind]:
        if name not in bundle.files:
            raise BundleError(name, f"a bundle of kind {kind} needs this file")
    try:
        return (
            LinearStage(bundle) if kind == "linear" else EncoderStage(bundle, threads, batch_size)
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BundleError(MANIFEST, f"the {kind} model cannot be built from it: {error}") from error
