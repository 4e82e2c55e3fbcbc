"""Importers by name: which columns of one kind of file are an ad's text, label and group key.

What is written here of an importer's columns is its default: a column named by the caller counts.

generic         columns named as in DESIGN section 4
emscad          the 18 columns of EMSCAD (Vidros et al. 2017)
trafficking10k  `title`, `body` and `label`, 0 to 6. The data set (Tong et al. 2017) is given out on
                request only; these are the names that published code reads it by.
idtraffickers   `TEXT` and `VENDOR` (Saxena et al. 2023): the vendor is the group key, no labels
matched         the same columns, of MATCHED (Saxena et al. 2024); its images are not read
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from adrisk.codebook.codebook import CATEGORIES, RISK
from adrisk.dataset.labels import Label, is_blank, parse_label
from adrisk.errors import InputError, UsageError
from adrisk.records import AdType
from adrisk.score.columns import ColumnMap

Values = dict[str, Any]
LabelReader = Callable[[Values, Mapping[str, str]], Label]
"""Reads a row's label from its values and its raw text fields."""


@dataclass(frozen=True)
class Importer:
    """How rows of one kind of file are read.

    `columns` are its column names unless the caller names others; those of the roles `needs` must
    be there, as the text must. `group_key` computes a key where no column holds one.
    """

    label: LabelReader
    columns: ColumnMap = field(default_factory=ColumnMap)
    needs: tuple[str, ...] = ()
    ad_type: str | None = None
    group_key: Callable[[Values], str | None] | None = None

    def required_columns(self, usual: ColumnMap) -> list[str]:
        """Columns that must be there: text, label, what it needs, and what differs from `usual`.

        A column that the caller took the trouble to name is meant: a group key lost to a misspelt
        name would let one company's ads stand in two parts.
        """
        roles = [f.name for f in fields(ColumnMap) if f.name != "text"]
        named = [getattr(self.columns, role) for role in roles if role in self.needs
                 or getattr(self.columns, role) != getattr(usual, role)]  # fmt: skip
        label = getattr(self.label, "column", None)
        return [*self.columns.text, *named, *([] if label is None else [label])]


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


@dataclass(frozen=True)
class LevelColumn:
    """One column that holds the seven points of `risk_level` under another name."""

    column: str

    def __call__(self, values: Values, fields: Mapping[str, str]) -> Label:
        """The label of one row, as `parse_label` reads it. Raises InputError as that does."""
        if self.column not in values:
            raise InputError(
                f"no column '{self.column}': name the one of the levels with --risk-level-column"
            )
        return parse_label({**values, "risk_level": values[self.column]}, fields)


_EMSCAD_COLUMNS = ("title", "company_profile", "description", "requirements", "benefits")


def _emscad_company(values: Values) -> str | None:
    profile = " ".join(str(values.get("company_profile") or "").casefold().split())
    return hashlib.blake2b(profile.encode(), digest_size=8).hexdigest() if profile else None


_VENDORS = Importer(
    parse_label, ColumnMap(text=("TEXT",), group_key="VENDOR"), ("group_key",), AdType.ESCORT
)

IMPORTERS: Mapping[str, Importer] = {
    "generic": Importer(parse_label),
    "emscad": Importer(
        # The published file writes 0 and 1, copies of it also f and t.
        LabelMap("fraudulent", ("1", "t"), ("0", "f"), "recruitment_fraud"),
        ColumnMap(text=_EMSCAD_COLUMNS, id="job_id", title="title"),
        ad_type=AdType.JOB,
        group_key=_emscad_company,
    ),
    "trafficking10k": Importer(
        LevelColumn("label"), ColumnMap(text=("body",)), ad_type=AdType.ESCORT
    ),
    "idtraffickers": _VENDORS,
    "matched": _VENDORS,
}


def importer_of(name: str) -> Importer:
    """The importer of that name. Raises UsageError for an unknown one."""
    if name not in IMPORTERS:
        raise UsageError(f"no importer is named '{name}': there are {', '.join(sorted(IMPORTERS))}")
    return IMPORTERS[name]
