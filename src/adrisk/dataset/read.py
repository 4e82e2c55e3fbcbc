"""Rows of files -> raw ads with their labels, and rejects that say why a row cannot be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adrisk.dataset.importers import Importer, LabelReader, Values, importer_of
from adrisk.dataset.labels import Label, is_blank
from adrisk.dataset.prepared import PARTS
from adrisk.dataset.sources import list_sources, notes
from adrisk.errors import InputError
from adrisk.records import OUTPUT_COLUMNS, Ad, AdType
from adrisk.score.columns import NOTHING_LEFT, ColumnMap, require_columns, row_to_ad
from adrisk.score.files import Row
from adrisk.text.clean import clean

_REMEDY = "name the right ones with --text-columns and the options --…-column"
_METADATA = ("id", "ad_type", "language", "location", "source", "posted_at", "group_key", "part")


@dataclass(frozen=True)
class RawAd:
    """One row: an ad as it was written, and what one annotator says of it.

    `part` is the part that the data fix for the ad, if any; `offsets` says where each raw field
    begins in `ad.full_text`.
    """

    ad: Ad
    location: str | None
    source: str | None
    posted_at: str | None
    group_key: str | None
    part: str | None
    label: Label | None
    offsets: Mapping[str, int]
    file: str
    row: int


@dataclass(frozen=True)
class Reject:
    """A row that cannot be used, and why; it holds nothing of the ad's text."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True)
class ReadResult:
    """All rows of the input: every one is an ad, a reject or one of `n_repeated`.

    A repeated row says nothing new: the same id, text, annotator and label as an earlier one.
    `notes` say what a reader must know of the input.
    """

    ads: list[RawAd]
    rejects: list[Reject]
    n_repeated: int
    notes: Sequence[str] = ()

    def by_id(self) -> dict[str, list[RawAd]]:
        """The rows of each ad, one an annotator, in order of first sight."""
        rows: dict[str, list[RawAd]] = {}
        for raw in self.ads:
            rows.setdefault(str(raw.ad.id), []).append(raw)
        return rows


def read_ads(
    paths: Sequence[Path | str],
    *,
    columns: ColumnMap | None = None,
    importer: str = "generic",
    label_map: LabelReader | None = None,
    language: str | None = None,
    ad_type: str | None = None,
    encoding: str = "utf-8",
    progress: Callable[[Iterable[Row]], Iterable[Row]] = iter,
) -> ReadResult:
    """Read ads from files, folders, and data sets named by an hf: address (dataset/hub_rows.py).

    `columns` replaces the importer's columns and `label_map` its labels; `language` and `ad_type`
    stand for rows without one. Rows without an id are named row-<n>, counted over all files. Rows
    of one id must have the same text; several are several annotators, and one annotator's second,
    other label is a reject. Raises UsageError for an unknown importer, InputError where a file
    cannot be read at all or lacks a text column, a label column or a column that was named.
    """
    known = importer_of(importer)
    how = replace(
        known,
        label=label_map or known.label,
        columns=columns or known.columns,
        ad_type=ad_type or known.ad_type,
    )
    collector = _Collector(how, language)
    required = how.required_columns(usual=known.columns)
    sources = list_sources(paths, encoding=encoding)
    for source in sources:
        if (names := source.column_names()) is not None:
            require_columns(required, names, source.name, _REMEDY)
        for row in progress(source.rows()):
            collector.add(row)
    return ReadResult(collector.ads, collector.rejects, collector.n_repeated, notes(sources))


class _Collector:
    """Takes rows one by one and knows which ids and annotators it has seen."""

    def __init__(self, importer: Importer, language: str | None) -> None:
        self.ads: list[RawAd] = []
        self.rejects: list[Reject] = []
        self.n_repeated = 0
        self._importer, self._language = importer, language
        self._rows = 0
        # By id, then by (annotator,); a row without a label stands under ().
        self._seen: dict[str, dict[tuple[str | None, ...], RawAd]] = {}

    def add(self, row: Row) -> None:
        self._rows += 1
        try:
            if row.values is None:
                raise InputError(row.error or "the row cannot be read")
            self._keep(self._raw_ad(original_row(row.values), row))
        except InputError as error:
            self.rejects.append(Reject(row.file, row.number, error.reason))

    def _raw_ad(self, values: Values, row: Row) -> RawAd:
        columns = self._importer.columns
        ad = row_to_ad(values, columns)
        if not clean(ad.full_text).text.strip():
            raise InputError(NOTHING_LEFT)
        texts, offsets = _fields(ad, values, columns)
        label = self._importer.label(values, texts)
        for role in _METADATA:
            _require_storable(values, getattr(columns, role))
        group_key = optional_text(values.get(columns.group_key))
        if group_key is None and self._importer.group_key is not None:
            group_key = self._importer.group_key(values)
        return RawAd(
            ad=replace(
                ad,
                id=ad.id or f"row-{self._rows}",
                language=ad.language or self._language,
                ad_type=_ad_type(ad.ad_type or self._importer.ad_type),
            ),
            location=optional_text(values.get(columns.location)),
            source=optional_text(values.get(columns.source)),
            posted_at=optional_text(values.get(columns.posted_at)),
            group_key=group_key,
            part=_part(values, columns.part),
            label=None if label.is_empty else label,
            offsets=offsets,
            file=row.file,
            row=row.number,
        )

    def _keep(self, raw: RawAd) -> None:
        annotators = self._seen.setdefault(str(raw.ad.id), {})
        annotator = () if raw.label is None else (raw.label.annotator_id,)
        for earlier in annotators.values():
            if earlier.ad.full_text != raw.ad.full_text:
                raise InputError(f"its id is that of another ad: {earlier.file}, row {earlier.row}")
            if earlier.part != raw.part:
                raise InputError(
                    f"its part is not that of the same ad: {earlier.file}, row {earlier.row}"
                )
        known = annotators.get(annotator)
        if known is not None and known.label != raw.label:
            raise InputError(
                "the same id and annotator have another label already: "
                f"{known.file}, row {known.row}"
            )
        if known is not None:
            self.n_repeated += 1
            return
        annotators[annotator] = raw
        self.ads.append(raw)


def original_row(values: Values) -> Values:
    """A row as it was before `adrisk score` added its columns; any other row unchanged.

    The columns of a scored file hold predictions, which must never be read as labels: what the
    input called so is in `input_<name>`.
    """
    if not {"risk_score", "bundle_sha256"} <= values.keys():
        return values
    original = {name: value for name, value in values.items() if name not in OUTPUT_COLUMNS}
    for name in OUTPUT_COLUMNS:
        if f"input_{name}" in original:
            original[name] = original.pop(f"input_{name}")
    return original


def _fields(ad: Ad, values: Values, columns: ColumnMap) -> tuple[dict[str, str], dict[str, int]]:
    """Raw text fields that are not blank, and where each begins in `ad.full_text`."""
    fields = {} if ad.title is None else {columns.title: ad.title}
    # A line of JSONL may lack a column that others have.
    texts = {name: values.get(name) for name in columns.text}
    fields |= {name: str(text) for name, text in texts.items() if not is_blank(text)}
    offsets, position = {}, 0
    for name, text in fields.items():
        offsets[name] = position
        position += len(text) + 1
    return fields, offsets


def _ad_type(value: str | None) -> str | None:
    if value is None or value.strip().lower() in set(AdType):
        return None if value is None else value.strip().lower()
    raise InputError(f"ad_type must be one of {', '.join(AdType)}, or empty")


def _part(values: Values, column: str) -> str | None:
    value = (optional_text(values.get(column)) or "").lower()
    if value and value not in PARTS:
        raise InputError(
            f"the column '{column}' holds no part ({', '.join(PARTS)}, or empty): if it means "
            "something else, name another with --part-column"
        )
    return value or None


def _require_storable(values: Values, name: str) -> None:
    """Refuse half a surrogate pair, which JSON can spell and no file can store."""
    try:
        str(values.get(name)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"the column '{name}' holds half a surrogate pair: mend its encoding"
        ) from error


def optional_text(value: Any) -> str | None:
    """A cell as text, None where it is blank."""
    return None if is_blank(value) else str(value).strip()


def reasons(rejects: Iterable[Reject]) -> Counter[str]:
    """Number of rejects by reason, with the numbers in the reasons masked."""
    return Counter(without_numbers(reject.reason) for reject in rejects)


def without_numbers(reason: str) -> str:
    """A reason with its numbers masked, so that like ones can be counted together."""
    return re.sub(r"\d+", "#", reason)
