"""Which column of a row is what, and a row's way to an Ad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adrisk.errors import InputError
from adrisk.records import MAX_AD_BYTES, Ad


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Names of the input's columns. Only the text columns must be there.

    Several `text` columns are joined with line breaks, in order; a `title` column that is not among
    them is joined in front.
    """

    text: tuple[str, ...] = ("text",)
    id: str = "id"
    title: str = "title"
    ad_type: str = "ad_type"
    language: str = "language"
    location: str = "location"
    source: str = "source"
    posted_at: str = "posted_at"
    group_key: str = "group_key"


def row_to_ad(values: Mapping[str, Any], columns: ColumnMap) -> Ad:
    """One row as an Ad.

    Raises InputError, without quoting the row, for a missing text column, text that is null, blank,
    no string or over MAX_AD_BYTES, and for lone surrogates.
    """
    pieces = [_text_of(values, name) for name in columns.text]
    text = "\n".join(piece for piece in pieces if piece.strip())
    title = "" if columns.title in columns.text else _optional(values, columns.title) or ""
    if not text.strip():
        raise InputError(f"no text: the column {_named(columns.text)} is empty")
    try:
        size = len(text.encode("utf-8")) + len(title.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError("the text holds half a surrogate pair: mend its encoding") from error
    if size > MAX_AD_BYTES:
        raise InputError(f"the text is {size} bytes, the most is {MAX_AD_BYTES}")
    return Ad(
        text=text,
        id=_optional(values, columns.id),
        title=title or None,
        ad_type=_optional(values, columns.ad_type),
        language=_optional(values, columns.language),
    )


def _text_of(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        raise InputError(f"no column '{name}': name the text column with --text-columns")
    value = values[name]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"the column '{name}' holds {type(value).__name__}, not text")
    return value


def _optional(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return None if value is None or str(value).strip() == "" else str(value)


def _named(names: tuple[str, ...]) -> str:
    return " and ".join(f"'{name}'" for name in names)
