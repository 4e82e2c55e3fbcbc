"""Rows in windows, and a window of rows -> outcomes: scored fields, or why there are none.

Identical model inputs share their scores, within a window and, through the ledger, across them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from adrisk.errors import InputError
from adrisk.records import Ad, ScoredAd, Tier
from adrisk.score.columns import row_to_ad, scalar
from adrisk.score.files import Row, iter_rows
from adrisk.score.ledger import Ledger, Seen
from adrisk.score.options import ScoreOptions
from adrisk.score.output import OutputRow, renamed
from adrisk.score.scorer import PreparedAd, Scorer

_WINDOW_CHARS = 1 << 25


class Outcome(NamedTuple):
    """What became of one row; `scored` holds all OUTPUT_COLUMNS, empty ones beside a `reason`."""

    row: Row
    id: str | None
    digest: bytes | None
    scored: dict[str, Any]
    reason: str | None

    def output_row(self) -> OutputRow:
        """The row as it is written."""
        return OutputRow(self.row.values or {}, self.scored)


def windows(
    paths: Sequence[Path], encoding: str, most_rows: int, done: int = 0
) -> Iterator[list[tuple[int, int, Row]]]:
    """Windows of (position over all files from 0, index of the file, Row), `done` rows skipped.

    A window ends at `most_rows` rows or some 32 million characters, so it always fits in memory
    and always falls at the same place.
    """
    every = chain.from_iterable(
        ((index, row) for row in iter_rows(path, encoding=encoding))
        for index, path in enumerate(paths)
    )
    window: list[tuple[int, int, Row]] = []
    size = 0
    for position, (index, row) in islice(enumerate(every), done, None):
        window.append((position, index, row))
        size += _size(row.values)
        if len(window) == most_rows or size > _WINDOW_CHARS:
            yield window
            window, size = [], 0
    if window:
        yield window


class WindowScorer:
    """Scores windows of one input; `several` says that it has more than one file."""

    def __init__(
        self, scorer: Scorer, ledger: Ledger, options: ScoreOptions, several: bool = False
    ) -> None:
        self._scorer, self._ledger, self._options = scorer, ledger, options
        self._several = several

    def score(
        self, window: Sequence[tuple[int, int, Row]], threshold: float | None = None
    ) -> list[Outcome]:
        """Outcomes in the order of `window` (position, file index, row).

        A `threshold` on the written risk_score replaces the model's own threshold of review.
        """
        window = [(position, file, _checked(row)) for position, file, row in window]
        ads = [self._ad(row) for _, _, row in window]
        prepared = iter(self._scorer.prepare([ad for ad in ads if isinstance(ad, Ad)]))
        items = [next(prepared) if isinstance(ad, Ad) else ad for ad in ads]
        digests = [_digest(item) for item in items]
        seen = self._ledger.lookup({d for d in digests if d is not None})
        seen |= self._score_new(window, items, digests, seen)
        outcomes = []
        for (position, _, row), item, digest in zip(window, items, digests, strict=True):
            if digest is None or not isinstance(item, PreparedAd):
                reason = item if isinstance(item, str) else item.error
                outcomes.append(self._failed(row, reason or "the ad could not be scored"))
            else:
                known = seen[digest]
                first = None if known.position == position else known.first_id
                scored = self._fields(item, known.fields, first, threshold)
                outcomes.append(Outcome(row, item.ad.id, digest, scored, None))
        return outcomes

    def _ad(self, row: Row) -> Ad | str:
        """The row's ad, or the reason why it has none."""
        if row.values is None:
            return row.error or "the row cannot be read"
        try:
            ad = row_to_ad(row.values, self._options.columns)
        except InputError as error:
            return error.reason
        language = ad.language or self._options.language
        ad_type = ad.ad_type or self._options.ad_type
        if (language, ad_type) == (ad.language, ad.ad_type):
            return ad
        return dataclasses.replace(ad, language=language, ad_type=ad_type)

    def _score_new(
        self,
        window: Sequence[tuple[int, int, Row]],
        items: Sequence[PreparedAd | str],
        digests: Sequence[bytes | None],
        seen: dict[bytes, Seen],
    ) -> dict[bytes, Seen]:
        """Score what the ledger does not know yet, each model input once, and tell the ledger."""
        first: dict[bytes, int] = {}
        for i, digest in enumerate(digests):
            if digest is not None and digest not in seen:
                first.setdefault(digest, i)
        if not first:
            return {}
        prepared = [item for i in first.values() if isinstance(item := items[i], PreparedAd)]
        new = {}
        for (digest, i), scored in zip(
            first.items(), self._scorer.score_prepared(prepared), strict=True
        ):
            position, file, row = window[i]
            new[digest] = Seen(position, scored.id or self._row_id(file, row), _shared(scored))
        self._ledger.add(new)
        return new

    def _row_id(self, file: int, row: Row) -> str:
        """A name for a row that has no id, so that its duplicates can point to it."""
        return f"file-{file + 1}-row-{row.number}" if self._several else f"row-{row.number}"

    def _fields(
        self,
        item: PreparedAd,
        shared: dict[str, Any],
        duplicate_of: str | None,
        threshold: float | None,
    ) -> dict[str, Any]:
        tier = shared["tier"]
        if threshold is not None:
            tier = _tier_from(shared["risk_score"], threshold, tier)
        return {
            "risk_score": shared["risk_score"],
            "tier": tier,
            "predicted_risk_level": shared["predicted_risk_level"],
            "categories": shared["categories"],
            "indicators": shared["indicators"],
            "language": item.language,
            "text_sha256": shared["text_sha256"],
            "duplicate_of": duplicate_of,
            "truncated": shared["truncated"],
            "model_version": self._scorer.model_version,
            "bundle_sha256": self._scorer.bundle_sha256,
            "error": None,
        }

    def _failed(self, row: Row, reason: str) -> Outcome:
        scored: dict[str, Any] = {
            "risk_score": None,
            "tier": None,
            "predicted_risk_level": None,
            "categories": [],
            "indicators": [],
            "language": None,
            "text_sha256": None,
            "duplicate_of": None,
            "truncated": False,
            "model_version": self._scorer.model_version,
            "bundle_sha256": self._scorer.bundle_sha256,
            "error": reason,
        }
        return Outcome(row, _readable_id(row, self._options), None, scored, reason)


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8


def _checked(row: Row) -> Row:
    """The row, or an error in its place where its columns would clash with those of the output."""
    try:
        renamed(row.values or ())
    except InputError as error:
        return row._replace(values=None, error=error.reason)
    return row


def _tier_from(score: float, threshold: float, tier: str) -> str:
    if score < threshold:
        return Tier.NO_ACTION.value
    return Tier.PRIORITY_REVIEW.value if tier == Tier.PRIORITY_REVIEW else Tier.REVIEW.value


def _digest(item: PreparedAd | str) -> bytes | None:
    if isinstance(item, str) or item.model_input is None:
        return None
    return item.model_input.digest()


def _shared(scored: ScoredAd) -> dict[str, Any]:
    """What all rows with one model input share, in plain types and the order of to_dict."""
    return {
        "risk_score": scored.risk_score,
        "tier": str(scored.tier),
        "predicted_risk_level": scored.predicted_risk_level,
        "categories": [
            {"category": c.category, "probability": c.probability} for c in scored.categories
        ],
        "indicators": [
            {"sign": i.sign, "start": i.start, "end": i.end, "field": i.field}
            for i in scored.indicators
        ],
        "text_sha256": scored.text_sha256,
        "truncated": scored.truncated,
    }


def _readable_id(row: Row, options: ScoreOptions) -> str | None:
    try:
        return scalar(row.values or {}, options.columns.id)
    except InputError:
        return None
