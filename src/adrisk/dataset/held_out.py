"""Ads that unlabelled text must not repeat: those of the validation, calibration and test parts.

A model that was adapted to a test ad's words knows them before it is tested. So text that says the
same, is a near-duplicate, or comes from the same company or vendor as a held-out ad is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adrisk.dataset.group import GroupSettings
from adrisk.dataset.prepared import AdDataset
from adrisk.text.fingerprint import estimated_jaccard, min_hashes, normalise
from adrisk.text.model_input import TextSettings, model_input

COPY = "copy of a held-out ad"
NEAR = "near-duplicate of a held-out ad"
GROUP = "group key of a held-out ad"

# 42 bands of 3 rows: a pair at similarity .55 becomes a candidate with probability .9995, at .6
# with .99997 (1 - (1 - s^3)^42). More than the bands of group.py, since no chain makes up for a miss.
_BANDS, _ROWS = 42, 3


class HeldOutAds:
    """Answers whether a text repeats one of these ads. Texts are redacted under TextSettings().

    A copy is the same text but for case, digits and white space; a near-duplicate has an estimated
    Jaccard similarity of at least `min_jaccard`, as in grouping.
    """

    def __init__(self, ads: AdDataset, min_jaccard: float = GroupSettings().min_jaccard) -> None:
        settings = TextSettings()
        texts = [model_input(text, settings).text for text in ads.texts]
        self._texts = {normalise(text) for text in texts}
        self._group_keys = {key for key in ads.group_keys if key}
        self._near = _NearDuplicates(texts, min_jaccard)

    def reasons(self, texts: Sequence[str], group_keys: Sequence[str | None]) -> list[str | None]:
        """Why each text must be left out, None where it need not; all of length n_texts."""
        near = self._near.hit(texts)
        return [
            COPY
            if normalise(text) in self._texts
            else NEAR
            if near[row]
            else GROUP
            if group_key in self._group_keys
            else None
            for row, (text, group_key) in enumerate(zip(texts, group_keys, strict=True))
        ]


class _NearDuplicates:
    """Locality-sensitive hashing (Indyk and Motwani 1998) over the MinHash signatures of texts."""

    def __init__(self, texts: Sequence[str], min_jaccard: float) -> None:
        self._min_jaccard = min_jaccard
        self._signatures = np.unique(min_hashes(texts), axis=0)
        keys = _band_keys(self._signatures)
        self._order = np.argsort(keys, axis=0)
        self._keys = np.take_along_axis(keys, self._order, axis=0)

    def hit(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text has an estimated Jaccard similarity of `min_jaccard` with any of these."""
        signatures = min_hashes(texts)
        keys = _band_keys(signatures)
        rows: list[list[np.ndarray]] = [[] for _ in texts]
        for band in range(_BANDS):
            low = np.searchsorted(self._keys[:, band], keys[:, band], side="left")
            high = np.searchsorted(self._keys[:, band], keys[:, band], side="right")
            for text in np.flatnonzero(high > low):
                rows[text].append(self._order[low[text] : high[text], band])
        return [
            bool(found) and self._is_near(signature, np.unique(np.concatenate(found)))
            for signature, found in zip(signatures, rows, strict=True)
        ]

    def _is_near(self, signature: np.ndarray, rows: np.ndarray) -> bool:
        similarity = estimated_jaccard(signature, self._signatures[rows])
        return bool((similarity >= self._min_jaccard).any())


def _band_keys(signatures: np.ndarray) -> np.ndarray:
    """One number a band, uint64 (n_texts, 42); equal bands have equal numbers."""
    bands = signatures[:, : _BANDS * _ROWS].reshape(-1, _BANDS, _ROWS).astype(np.uint64)
    factors = np.array([1, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
    return (bands * factors).sum(axis=2, dtype=np.uint64)
