"""How `adrisk score` reads ads and what it does with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from adrisk.score.columns import ColumnMap

OnError = Literal["reject", "fail", "null"]
WINDOW_ROWS = 4096


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How to read ads and what to do with them.

    `language` and `ad_type` are for ads whose row names none. With `review_threshold` the tier
    review begins at that written risk_score, with `review_budget` at the score that flags at most
    so many rows of the whole input (ties stay together); priority_review stays within review.
    """

    columns: ColumnMap = field(default_factory=ColumnMap)
    encoding: str = "utf-8"
    on_error: OnError = "reject"
    language: str | None = None
    ad_type: str | None = None
    review_threshold: float | None = None
    review_budget: int | None = None
    window_rows: int = WINDOW_ROWS
