"""Labels of ads: what a row says, and how the rows of several annotators become one ad's targets.

risk          0 or 1.
risk_level    0 to 6 (the points of Trafficking-10k, Tong et al. 2017): 4 and up is risk 1, 2 and
              down is risk 0, 3 is unsure: .5.
categories,   A list is closed-world: what it does not name is 0. An object is open-world: what it
indicators    does not name is unknown. Null, blank or no column: all unknown. In CSV they are JSON
              text. An indicator may be an object with sign, field, start and end: a span.
annotator_id  Several rows of one ad are several annotators.

A risk that is not given stays unknown, whatever the categories say.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adrisk.codebook.codebook import CATEGORIES, RISK, SIGNS, TARGETS
from adrisk.errors import InputError
from adrisk.records import Span

LABEL_COLUMNS = ("risk", "risk_level", "categories", "indicators", "annotator_id")
MAX_RISK_LEVEL = 6
UNSURE_LEVEL = 3
UNSURE = 0.5

_SHOWABLE_NAME = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True)
class Label:
    """What one annotator says of one ad: the known targets by name, points, and spans.

    `spans` hold offsets into the field that they name.
    """

    targets: Mapping[str, float] = field(default_factory=dict)
    risk_level: int | None = None
    spans: tuple[Span, ...] = ()
    annotator_id: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        return not self.targets and self.risk_level is None


def parse_label(values: Mapping[str, Any], fields: Mapping[str, str]) -> Label:
    """Read the label columns of one row; `fields` are the raw texts that spans may index.

    Raises InputError with a reason that quotes nothing of the ad: for values out of range, names
    that the codebook does not know, spans out of bounds, and a risk that contradicts risk_level
    (level 3, unsure, contradicts either risk).
    """
    risk_level = _whole_number(values.get("risk_level"), "risk_level", MAX_RISK_LEVEL)
    risk = _whole_number(values.get("risk"), "risk", 1)
    targets = _category_targets(values.get("categories"))
    signs, spans = _indicators(values.get("indicators"), fields)
    known_risk = _risk(risk, risk_level)
    if known_risk is not None:
        targets[RISK] = known_risk
    return Label(targets | signs, risk_level, spans, _annotator(values.get("annotator_id")))


def _risk(risk: int | None, risk_level: int | None) -> float | None:
    if risk_level is None:
        return None if risk is None else float(risk)
    implied = UNSURE if risk_level == UNSURE_LEVEL else float(risk_level > UNSURE_LEVEL)
    if risk is not None and risk != implied:
        raise InputError(
            f"risk {risk} contradicts risk_level {risk_level} (4 and up is risk 1, 2 and down is "
            "risk 0, 3 is unsure): correct one of them or leave it empty"
        )
    return implied


def _whole_number(value: Any, column: str, highest: int) -> int | None:
    """A whole number 0 to `highest`; the float that a column with gaps makes of it will do."""
    if is_blank(value):
        return None
    number: float | None = None
    if isinstance(value, str):
        # Plain ASCII digits: float() would also take "1e0", "infinity" and other scripts' digits.
        number = float(value) if re.fullmatch(r"\s*[0-9](\.0*)?\s*", value) else None
    elif isinstance(value, bool | np.bool_):
        number = float(value) if highest == 1 else None
    elif isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
    if number is None or not number.is_integer() or not 0 <= number <= highest:
        raise InputError(f"{column} must be a whole number from 0 to {highest}, or empty")
    return int(number)


def is_blank(value: Any) -> bool:
    """Whether a cell says nothing: null, NaN, or text of white space alone."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def _annotator(value: Any) -> str | None:
    if is_blank(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError("annotator_id must be text or a whole number")
    return str(value).strip()


def _category_targets(value: Any) -> dict[str, float]:
    value = _decoded(value, "categories")
    if value is None:
        return {}
    if isinstance(value, dict):
        return _open_world(value, CATEGORIES, "categories")
    named = {_known(name, CATEGORIES, "categories") for name in value}
    return {name: float(name in named) for name in CATEGORIES}


def _indicators(value: Any, fields: Mapping[str, str]) -> tuple[dict[str, float], tuple[Span, ...]]:
    value = _decoded(value, "indicators")
    if value is None:
        return {}, ()
    if isinstance(value, dict):
        return _open_world(value, SIGNS, "indicators"), ()
    named: set[str] = set()
    spans: list[Span] = []
    for item in value:
        if isinstance(item, dict):
            spans.append(_span(item, fields))
            named.add(spans[-1].sign)
        else:
            named.add(_known(item, SIGNS, "indicators"))
    return {name: float(name in named) for name in SIGNS}, tuple(spans)


def _decoded(value: Any, column: str) -> list[Any] | dict[str, Any] | None:
    """A list, an object, or None for unknown; text is read as JSON."""
    example = SIGNS[0] if column == "indicators" else CATEGORIES[0]
    if is_blank(value):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = NotImplemented
    if isinstance(value, np.ndarray | tuple):
        value = list(value)
    if value is None or isinstance(value, list | dict):
        return value
    raise InputError(
        f'{column} must be a list such as ["{example}"] or an object such as {{"{example}": 1}}, '
        "in CSV as JSON text"
    )


def _open_world(value: dict[str, Any], known: Sequence[str], column: str) -> dict[str, float]:
    targets: dict[str, float] = {}
    for name, flag in value.items():
        number = _whole_number(flag, f"each value of {column}", 1)
        if number is not None:
            targets[_known(name, known, column)] = float(number)
        else:
            _known(name, known, column)
    return targets


def _known(name: Any, known: Sequence[str], column: str) -> str:
    if isinstance(name, str) and name in known:
        return name
    # A name is quoted only where it looks like one: a wrongly mapped column may hold ad text.
    if not isinstance(name, str) or not _SHOWABLE_NAME.fullmatch(name):
        raise InputError(f"{column} holds something that is no name of the codebook")
    close = difflib.get_close_matches(name, known, n=1)
    hint = f": did you mean '{close[0]}'?" if close else ""
    raise InputError(f"{column} names '{name}', which the codebook does not know{hint}")


def _span(item: dict[str, Any], fields: Mapping[str, str]) -> Span:
    sign = _known(item.get("sign"), SIGNS, "indicators")
    text = fields.get(item["field"]) if isinstance(item.get("field"), str) else None
    if text is None:
        raise InputError(
            f"a span of '{sign}' must name one of the ad's text columns as its field: "
            f"{', '.join(fields)}"
        )
    start, end = item.get("start"), item.get("end")
    if not (type(start) is int and type(end) is int and 0 <= start < end <= len(text)):
        raise InputError(
            f"a span of '{sign}' is out of bounds: its field has {len(text)} code points, and a "
            "span is 0 <= start < end <= that"
        )
    return Span(sign, start, end, item["field"])


def mean_label(labels: Sequence[Label]) -> tuple[np.ndarray, float]:
    """Targets float32 (33,) in the order of TARGETS and mean points of one ad's annotators.

    Each target is the mean over the annotators who know it (a soft label), NaN where none does.
    """
    targets = np.full(len(TARGETS), np.nan, dtype=np.float32)
    for column, name in enumerate(TARGETS):
        known = [label.targets[name] for label in labels if name in label.targets]
        if known:
            targets[column] = sum(known) / len(known)
    levels = [label.risk_level for label in labels if label.risk_level is not None]
    return targets, sum(levels) / len(levels) if levels else math.nan


def annotations_json(labels: Sequence[tuple[Label, Mapping[str, int]]]) -> str:
    """Every annotator's label of one ad as JSON text, for the prepared folder.

    Spans become offsets into the ad's joined text: with each label comes where its row's fields
    begin in that text.
    """
    return json.dumps(
        [
            {
                "annotator_id": label.annotator_id,
                "risk_level": label.risk_level,
                "targets": dict(label.targets),
                "spans": [
                    {
                        "sign": span.sign,
                        "start": span.start + offsets[span.field],
                        "end": span.end + offsets[span.field],
                    }
                    for span in label.spans
                ],
            }
            for label, offsets in labels
        ]
    )
