"""The records that travel through the house: an ad on its way in, a scored ad on its way out.

This module knows nothing of files, models or MLflow.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MAX_AD_BYTES = 1_000_000
"""An ad whose text is longer than this in UTF-8 is rejected, never cut in silence."""


class Tier(StrEnum):
    """What a scored ad asks of people, in rising order of urgency."""

    NO_ACTION = "no_action"
    REVIEW = "review"
    PRIORITY_REVIEW = "priority_review"


class AdType(StrEnum):
    """The kinds of ad that the project knows."""

    JOB = "job"
    ESCORT = "escort"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ad:
    """One raw ad as a caller hands it over.

    `text` is the ad as written; a `title`, where given, is joined in front with a line break.
    `language` is a BCP-47 tag; without one the language is detected.
    """

    text: str
    id: str | None = None
    title: str | None = None
    ad_type: str | None = None
    language: str | None = None

    @property
    def full_text(self) -> str:
        """Title and text joined with a line break: what every later station reads."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Span:
    """A sign found at half-open code-point offsets [start, end) of one field."""

    sign: str
    start: int
    end: int
    field: str = "redacted_text"


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """A category of exploitation whose calibrated probability reached its threshold."""

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class ScoredAd:
    """What the scorer says of one ad: a risk that needs a human look, never a statement about a person.

    `risk_score` is the calibrated probability rounded to 6 decimals; `tier` follows from the
    rounded score. `predicted_risk_level` is the level 0 to 6 that the model expects annotators to
    give, None where the bundle has no cut-points; it is a prediction and never read as a label.
    `indicators` are codebook signs whose spans index `redacted_text`.
    `duplicate_of` is the id of an earlier ad of the same input with the identical model input.
    Where an ad could not be scored, `error` says why and the scores are None.
    """

    id: str | None
    risk_score: float | None
    tier: Tier | None
    predicted_risk_level: int | None = field(default=None, kw_only=True)
    categories: tuple[CategoryScore, ...]
    indicators: tuple[Span, ...]
    language: str | None
    text_sha256: str | None
    duplicate_of: str | None
    truncated: bool
    model_version: str
    bundle_sha256: str
    redacted_text: str | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain types, the same keys and order as in JSONL and HTTP."""
        return asdict(self)


OUTPUT_COLUMNS = (
    "risk_score",
    "tier",
    "predicted_risk_level",
    "categories",
    "indicators",
    "language",
    "text_sha256",
    "duplicate_of",
    "truncated",
    "model_version",
    "bundle_sha256",
    "error",
)
"""The columns that scoring a file adds, in order. An input column of such a name becomes `input_<name>`."""
