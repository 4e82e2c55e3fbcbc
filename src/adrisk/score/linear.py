"""The linear stage in numpy: features -> logits, with weights from linear.safetensors.

Each ad is computed by itself, so its score cannot depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from adrisk.score.features import Featurizer, dense_features
from adrisk.text.model_input import ModelInput

BATCH = 256


@dataclass(frozen=True, slots=True)
class LinearWeights:
    """Weights of the linear stage.

    Shapes: weight (n_buckets, n_targets), idf (n_buckets,), dense_weight (n_dense, n_targets),
    bias (n_targets,); all float32 in memory. A bucket with idf 0 was too rare to be used.
    """

    weight: NDArray[np.float32]
    idf: NDArray[np.float32]
    dense_weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As safetensors; the large matrix is stored as float16 and widened again at load."""
        return save(
            {
                "weight": self.weight.astype(np.float16),
                "idf": self.idf,
                "dense_weight": self.dense_weight,
                "bias": self.bias,
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> LinearWeights:
        """The inverse of `to_bytes`, up to the rounding of the stored float16."""
        tensors = {name: array.astype(np.float32) for name, array in load(content).items()}
        return cls(**tensors)


def weighted(
    blocks: list[tuple[NDArray[np.int64], NDArray[np.int64]]], idf: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """One ad's blocks of counts -> (buckets, values).

    Values are (1 + ln count) * idf, each block scaled to length 1 / sqrt(number of blocks): the
    TF-IDF of Salton and Buckley (1988) with sublinear term frequency.
    """
    buckets, values = [], []
    for block_buckets, counts in blocks:
        raw = ((1.0 + np.log(counts)) * idf[block_buckets]).astype(np.float32)
        length = float(np.sqrt(np.dot(raw, raw)))
        if length > 0.0:
            used = raw > 0.0
            buckets.append(block_buckets[used])
            values.append(raw[used] / np.float32(length * np.sqrt(len(blocks))))
    if not buckets:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    return np.concatenate(buckets), np.concatenate(values)


class LinearModel:
    """Hashed n-grams, cue signs and counts -> logits."""

    def __init__(self, featurizer: Featurizer, weights: LinearWeights) -> None:
        self._featurizer, self._weights = featurizer, weights

    def logits(self, inputs: Sequence[ModelInput]) -> NDArray[np.float32]:
        """Logits, float32 (n_ads, n_targets)."""
        weights = self._weights
        result = np.empty((len(inputs), len(weights.bias)), dtype=np.float32)
        for start in range(0, len(inputs), BATCH):
            part = inputs[start : start + BATCH]
            dense = dense_features(part)
            for offset, blocks in enumerate(self._featurizer.blocks(part)):
                buckets, values = weighted(blocks, weights.idf)
                result[start + offset] = (
                    values @ weights.weight[buckets]
                    + dense[offset] @ weights.dense_weight
                    + weights.bias
                )
        return result
