"""Model input -> features of the linear stage: hashed n-grams and a short dense block.

Training and scoring build the same features with this module; nothing here is learned but the
tokenizer, which comes from the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from adrisk.codebook.codebook import SIGNS
from adrisk.text.model_input import COUNT_NAMES, ModelInput

# How often a nationality or religion is named must not move a score, whichever it is.
_COUNTS = [column for column, name in enumerate(COUNT_NAMES) if name != "identity"]

DENSE_NAMES = (
    *(f"sign:{sign}" for sign in SIGNS),
    "log1p:distinct_signs",
    *(f"log1p:{COUNT_NAMES[column]}" for column in _COUNTS),
)
"""Columns of the dense block: cue signs (0 or 1), their number, and the counts of model_input but
for that of identity words."""

_SIGN_COLUMN = {sign: column for column, sign in enumerate(SIGNS)}
# Odd 64-bit constants of splitmix64 (Steele, Lea, Flood 2014): they spread n-grams over buckets.
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Which n-grams are hashed: (shortest, longest) of subword tokens and of characters."""

    n_buckets: int
    token_ngrams: tuple[int, int] = (1, 2)
    char_ngrams: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for manifests."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> FeatureSettings:
        """The inverse of `to_dict`, from JSON types."""
        chars = raw["char_ngrams"]
        return cls(
            int(raw["n_buckets"]), tuple(raw["token_ngrams"]), tuple(chars) if chars else None
        )


def hash_ngrams(
    symbols: NDArray[np.uint64], lengths: tuple[int, int], n_buckets: int, salt: int
) -> NDArray[np.int64]:
    """Bucket of every n-gram of `symbols` for n from lengths[0] to lengths[1], with repeats.

    `symbols` is one-dimensional; `salt` keeps token n-grams and character n-grams apart. Returns
    an array of bucket numbers in [0, n_buckets).
    """
    found = []
    state = np.full(len(symbols), np.uint64(salt), dtype=np.uint64)
    for n in range(1, lengths[1] + 1):
        if len(symbols) < n:
            break
        state = (state[: len(symbols) - n + 1] + _GOLDEN) * _MIX_1 + symbols[n - 1 :]
        if n >= lengths[0]:
            mixed = (state ^ (state >> np.uint64(30))) * _MIX_1
            mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
            found.append((mixed ^ (mixed >> np.uint64(31))) % np.uint64(n_buckets))
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, dtype=np.int64)


class Featurizer:
    """Turns model inputs into hashed n-gram counts, one block of tokens and one of characters."""

    def __init__(self, tokenizer: Tokenizer, settings: FeatureSettings) -> None:
        # A literal "[SEP]" in an ad is text, never a control token.
        tokenizer.encode_special_tokens = True
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self.settings = settings

    def blocks(
        self, inputs: Sequence[ModelInput]
    ) -> list[list[tuple[NDArray[np.int64], NDArray[np.int64]]]]:
        """For each ad its blocks as (distinct buckets ascending, counts)."""
        settings = self.settings
        encodings = self._tokenizer.encode_batch_fast(
            [i.text for i in inputs], add_special_tokens=False
        )
        result = []
        for item, encoding in zip(inputs, encodings, strict=True):
            ids = np.asarray(encoding.ids, dtype=np.uint64)
            grams = [hash_ngrams(ids, settings.token_ngrams, settings.n_buckets, salt=1)]
            if settings.char_ngrams:
                chars = _code_points(item.text)
                grams.append(hash_ngrams(chars, settings.char_ngrams, settings.n_buckets, salt=2))
            result.append([np.unique(g, return_counts=True) for g in grams])
        return result


def _code_points(text: str) -> NDArray[np.uint64]:
    """Code points of the lower-cased text with every run of white space as one blank."""
    plain = " ".join(text.lower().split())
    return np.frombuffer(plain.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)


def dense_features(inputs: Sequence[ModelInput]) -> NDArray[np.float32]:
    """The dense block, float32 (n_ads, len(DENSE_NAMES))."""
    dense = np.zeros((len(inputs), len(DENSE_NAMES)), dtype=np.float32)
    for row, item in enumerate(inputs):
        found = {span.sign for span in item.signs}
        for sign in found:
            dense[row, _SIGN_COLUMN[sign]] = 1.0
        dense[row, len(SIGNS)] = np.log1p(len(found))
        dense[row, len(SIGNS) + 1 :] = np.log1p([item.counts[column] for column in _COUNTS])
    return dense
