"""Figures as words and cells: shared by report, model card, protocols and the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from adrisk.metrics import Interval

MISSING = "n/a"
"""Shown where a measure is not defined."""

_MARKDOWN_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*[]|"} | {"<": "&lt;", ">": "&gt;"})


def figure(value: float | None, decimals: int = 3) -> str:
    """A number with fixed decimals; MISSING for None and NaN."""
    return MISSING if value is None or math.isnan(value) else f"{value:.{decimals}f}"


def interval_text(interval: Interval) -> str:
    """`low to high`."""
    if math.isnan(interval.low):
        return MISSING
    return f"{interval.low:.3f} to {interval.high:.3f}"


def markdown_text(value: object) -> str:
    """A name that others wrote as plain Markdown text on one line: no markup, no HTML."""
    return " ".join(str(value).translate(_MARKDOWN_SPECIAL).split())


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table of plain text."""
    lines = [header, ["---"] * len(header), *rows]
    cells = [[str(c) if c == "---" else markdown_text(c) for c in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
