"""Which columns of the user's data make an ad, and one row of them as an Ad.

It knows nothing of files: a row is a mapping from column names to values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adrisk.errors import InputError, UsageError
from adrisk.records import MAX_AD_BYTES, Ad

NOTHING_LEFT = "nothing is left of the text after cleaning: it is markup or invisible characters"
"""Why an ad without a visible character is not scored: a score of nothing would say nothing."""

_TEXT_REMEDY = "name the columns that hold the ad with --text-columns"
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Names of the columns to read; every one but `text` may be absent from the data.

    Several `text` columns are joined with line breaks, in the order given.
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
    part: str = "part"


def check_columns(names: Iterable[str], columns: ColumnMap, file: str | None = None) -> None:
    """Raise InputError where a file whose column names are known up front lacks a text column."""
    require_columns(columns.text, list(names), file)


def require_columns(
    wanted: Iterable[str],
    present: Sequence[str],
    file: str | None = None,
    remedy: str = _TEXT_REMEDY,
) -> None:
    """Raise InputError that names all missing columns together with those that are there."""
    missing = [name for name in dict.fromkeys(wanted) if name not in present]
    if missing:
        raise InputError(_missing(missing, present, remedy), file=file)


def row_to_ad(values: Mapping[str, Any], columns: ColumnMap) -> Ad:
    """One row as an Ad; blank and missing optional values are None.

    A value in the language column that is no BCP-47 tag counts as not given, so that the language
    is detected. Raises InputError (without file and row, and never quoting the ad) where there is
    no text column, the text is null, blank or no text at all, holds lone surrogates, or is over
    MAX_AD_BYTES together with its title.
    """
    if not any(name in values for name in columns.text):
        raise InputError(_missing(columns.text, values))
    parts = [part for name in columns.text if (part := _text(values, name)) is not None]
    if not parts:
        raise InputError(f"the text is empty (column {_listed(columns.text)})")
    ad = Ad(
        text="\n".join(parts),
        id=scalar(values, columns.id),
        title=None if columns.title in columns.text else _title(values, columns.title),
        ad_type=(scalar(values, columns.ad_type) or "").lower() or None,
        language=_language(scalar(values, columns.language)),
    )
    _check_size(ad.full_text)
    return ad


def scalar(values: Mapping[str, Any], name: str) -> str | None:
    """An optional value as stripped text; None where it is absent, null, NaN or blank.

    Raises InputError for a value that is neither text nor a number.
    """
    value = values.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, list | tuple | dict | bool | bytes):
        raise InputError(f"column '{name}' holds {_kind(value)} where text or a number is expected")
    return str(value).strip() or None


def parse_columns(text: str | None) -> tuple[str, ...]:
    """`--text-columns a,b` as a tuple of names; ("text",) where it is not given."""
    if text is None:
        return ColumnMap().text
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise UsageError("--text-columns takes different column names with commas between them")
    return names


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        raise InputError(f"column '{name}' holds {_kind(value)} where text is expected")
    return value if value.strip() else None


def _title(values: Mapping[str, Any], name: str) -> str | None:
    return _text(values, name) if isinstance(values.get(name), str) else scalar(values, name)


def _check_size(text: str) -> None:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError("the text holds a lone surrogate, which is no character") from error
    if size > MAX_AD_BYTES:
        raise InputError(f"the ad has {size} bytes of UTF-8, the most is {MAX_AD_BYTES}")


def _language(tag: str | None) -> str | None:
    tag = tag.replace("_", "-") if tag else None
    if tag is None or tag.lower() == "und" or not _LANGUAGE_TAG.fullmatch(tag):
        return None
    return tag


def _missing(names: Iterable[str], present: Iterable[str], remedy: str = _TEXT_REMEDY) -> str:
    return f"no column {_listed(names)}; there are {_listed(present) or 'no columns'}: {remedy}"


def _listed(names: Iterable[str], most: int = 30) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name[:60]}'" for name in names[:most]) + more


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", bytes: "bytes", dict: "an object", list: "a list"}
    return kinds.get(type(value), f"a value of type {type(value).__name__}")
