"""Rows of files -> raw ads with their labels, and rejects that say why a row cannot be used."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adrisk.codebook.codebook import CATEGORIES, RISK
from adrisk.dataset.labels import Label, is_blank, parse_label
from adrisk.dataset.prepared import PARTS
from adrisk.errors import InputError, UsageError
from adrisk.records import OUTPUT_COLUMNS, Ad, AdType
from adrisk.score.columns import NOTHING_LEFT, ColumnMap, row_to_ad
from adrisk.score.files import Row, iter_rows, list_inputs
from adrisk.text.clean import clean

Values = dict[str, Any]

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
    """

    ads: list[RawAd]
    rejects: list[Reject]
    n_repeated: int

    def by_id(self) -> dict[str, list[RawAd]]:
        """The rows of each ad, one an annotator, in order of first sight."""
        rows: dict[str, list[RawAd]] = {}
        for raw in self.ads:
            rows.setdefault(str(raw.ad.id), []).append(raw)
        return rows


@dataclass(frozen=True)
class Importer:
    """How rows of one kind of file are read.

    `columns` replaces the caller's column map; `label` reads a row's label from its values and its
    raw text fields; `group_key` computes a key where no column holds one.
    """

    label: Callable[[Values, Mapping[str, str]], Label]
    columns: ColumnMap | None = None
    ad_type: str | None = None
    group_key: Callable[[Values], str | None] | None = None


@dataclass(frozen=True)
class LabelMap:
    """One column whose words mean risk or no risk, as on a board with its own verdicts.

    A word of `positive` is risk 1, one of `negative` risk 0; `category`, where given, takes the
    same value and the other categories stay unknown. An empty cell is unknown; any other word
    makes the row a reject.
    """

    column: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    category: str | None = None

    def __post_init__(self) -> None:
        if not self.positive or not self.negative or set(self.positive) & set(self.negative):
            raise UsageError("a label column needs positive and negative words that do not overlap")
        if self.category is not None and self.category not in CATEGORIES:
            raise UsageError(
                f"no category is named '{self.category}': there are {', '.join(CATEGORIES)}"
            )

    def __call__(self, values: Values, fields: Mapping[str, str]) -> Label:
        """The label of one row. Raises InputError for a word that is in neither list."""
        if self.column not in values:
            raise InputError(f"no column '{self.column}': name the label's with --label-column")
        value = values[self.column]
        if is_blank(value):
            return Label()
        # A column of whole numbers with gaps arrives as floats.
        whole = isinstance(value, float) and value.is_integer()
        word = str(int(value) if whole else value).strip()
        if word not in self.positive + self.negative:
            raise InputError(f"the word in '{self.column}' is neither positive nor negative")
        risk = float(word in self.positive)
        return Label({RISK: risk} if self.category is None else {RISK: risk, self.category: risk})


_EMSCAD_COLUMNS = ("title", "company_profile", "description", "requirements", "benefits")


def _emscad_label(values: Values, fields: Mapping[str, str]) -> Label:
    # The published file writes 0 and 1, copies of it also f and t.
    return LabelMap("fraudulent", ("1", "t"), ("0", "f"), "recruitment_fraud")(values, fields)


def _emscad_company(values: Values) -> str | None:
    profile = " ".join(str(values.get("company_profile") or "").casefold().split())
    return hashlib.blake2b(profile.encode(), digest_size=8).hexdigest() if profile else None


IMPORTERS: Mapping[str, Importer] = {
    "generic": Importer(parse_label),
    "emscad": Importer(
        _emscad_label,
        ColumnMap(text=_EMSCAD_COLUMNS, id="job_id", title="title"),
        AdType.JOB,
        _emscad_company,
    ),
}


def read_ads(
    paths: Sequence[Path | str],
    *,
    columns: ColumnMap | None = None,
    importer: str = "generic",
    label_map: LabelMap | None = None,
    language: str | None = None,
    ad_type: str | None = None,
    encoding: str = "utf-8",
    progress: Callable[[Iterable[Row]], Iterable[Row]] = iter,
) -> ReadResult:
    """Read files or folders of ads.

    `label_map` replaces the importer's labels; `language` and `ad_type` stand for rows without
    one. Rows without an id are named row-<n>, counted over all files. Rows of one id must have the
    same text; several are several annotators, and one annotator's second, other label is a reject.
    Raises UsageError for an unknown importer, InputError where a file cannot be read at all.
    """
    if importer not in IMPORTERS:
        raise UsageError(
            f"no importer is named '{importer}': there are {', '.join(sorted(IMPORTERS))}"
        )
    how = IMPORTERS[importer]
    if how.columns is not None and columns is not None:
        raise UsageError(f"the importer '{importer}' knows its columns: name none")
    if label_map is not None:
        how = replace(how, label=label_map)
    how = replace(how, columns=how.columns or columns, ad_type=ad_type or how.ad_type)
    collector = _Collector(how, language)
    for path in list_inputs([Path(path) for path in paths]):
        for row in progress(iter_rows(path, encoding=encoding)):
            collector.add(row)
    return ReadResult(collector.ads, collector.rejects, collector.n_repeated)


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
        columns = self._importer.columns or ColumnMap()
        ad = row_to_ad(values, columns)
        if not clean(ad.full_text).text.strip():
            raise InputError(NOTHING_LEFT)
        fields, offsets = _fields(ad, values, columns)
        label = self._importer.label(values, fields)
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
    fields |= {name: str(values[name]) for name in columns.text if not is_blank(values[name])}
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
    return Counter(re.sub(r"\d+", "#", reject.reason) for reject in rejects)
