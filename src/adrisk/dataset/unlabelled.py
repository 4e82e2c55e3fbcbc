"""Unlabelled ads as a stream of redacted texts, without those that repeat held-out ads.

Rows are read, cleaned and redacted as `prepare` and scoring do it, some at a time. What grows with
the input is one number for each distinct text, by which repeated texts are left out.
"""

from __future__ import annotations

import glob
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from adrisk.dataset.held_out import HeldOutAds
from adrisk.dataset.hub_rows import PREFIX
from adrisk.dataset.read import optional_text, original_row, without_numbers
from adrisk.dataset.sources import Source, list_sources
from adrisk.errors import InputError, UsageError
from adrisk.score.columns import ColumnMap, require_columns, row_to_ad
from adrisk.score.files import Row
from adrisk.text.model_input import TextSettings, model_input

REPEATED = "repeated text"
EMPTY = "no text left after cleaning"
_BATCH = 512
_REMEDY = "name the right ones as adapt.text_columns and adapt.group_key_column"


class _RawText(NamedTuple):
    text: str
    group_key: str | None


class UnlabelledTexts:
    """Redacted texts of unlabelled ads, once over; the counts are those of what was read so far.

    `rows` counts what was read, `kept` what was given out, and `left_out` the rest by reason.
    Behind the ads of `sources` come the raw texts `unchecked`, those of the training part, which
    need no check against held-out ads.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        columns: ColumnMap,
        settings: TextSettings,
        held_out: HeldOutAds,
        unchecked: Iterable[str] = (),
        progress: Callable[[Iterable[Row]], Iterable[Row]] = iter,
    ) -> None:
        self.rows = 0
        self.kept = 0
        self.left_out: Counter[str] = Counter()
        self._sources, self._columns, self._settings = sources, columns, settings
        self._held_out, self._unchecked, self._progress = held_out, unchecked, progress
        self._seen: set[int] = set()

    def __iter__(self) -> Iterator[str]:
        """Raises InputError where a file cannot be read at all or lacks a column."""
        for source in self._sources:
            if (names := source.column_names()) is not None:
                require_columns(_required(self._columns), names, source.name, _REMEDY)
            raw = self._raw_texts(self._progress(source.rows()))
            while batch := list(islice(raw, _BATCH)):
                yield from self._allowed(batch)
        for text in self._unchecked:
            self.rows += 1
            yield from self._fresh(model_input(text, self._settings).text)

    def _raw_texts(self, rows: Iterable[Row]) -> Iterator[_RawText]:
        for row in rows:
            self.rows += 1
            try:
                if row.values is None:
                    raise InputError(row.error or "the row cannot be read")
                values = original_row(row.values)
                ad = row_to_ad(values, self._columns)
                yield _RawText(ad.full_text, optional_text(values.get(self._columns.group_key)))
            except InputError as error:
                self.left_out[f"unusable row: {without_numbers(error.reason)}"] += 1

    def _allowed(self, batch: Sequence[_RawText]) -> Iterator[str]:
        compared = [model_input(raw.text, TextSettings()).text for raw in batch]
        reasons = self._held_out.reasons(compared, [raw.group_key for raw in batch])
        for raw, text, reason in zip(batch, compared, reasons, strict=True):
            if reason is not None:
                self.left_out[reason] += 1
            elif self._settings == TextSettings():
                yield from self._fresh(text)
            else:
                yield from self._fresh(model_input(raw.text, self._settings).text)

    def _fresh(self, text: str) -> Iterator[str]:
        if not text.strip():
            self.left_out[EMPTY] += 1
            return
        number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
        if number in self._seen:
            self.left_out[REPEATED] += 1
            return
        self._seen.add(number)
        self.kept += 1
        yield text


def _required(columns: ColumnMap) -> list[str]:
    """The text columns, and the one of the group key where it is not the usual one."""
    named = [] if columns.group_key == ColumnMap().group_key else [columns.group_key]
    return [*columns.text, *named]


def expand(patterns: Iterable[str], encoding: str = "utf-8") -> list[Source]:
    """The sources that paths, globs (** for any depth) and hf: addresses name, globs in order.

    Raises UsageError for a pattern that nothing matches, and as `list_sources` does.
    """
    inputs: list[str] = []
    for pattern in patterns:
        literal = pattern.startswith(PREFIX) or Path(pattern).exists()
        # pathlib globs no absolute patterns.
        found = [pattern] if literal else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
        if not found:
            raise UsageError(f"adapt.texts: no file or folder matches {pattern}")
        inputs += found
    return list_sources(inputs, encoding=encoding)
