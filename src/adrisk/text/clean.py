"""Raw text -> clean text, counts of what was undone and the way back to the raw text."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from adrisk.text.alignment import Alignment, Edit

CLEAN_COUNTS = ("markup", "mojibake", "folded", "lookalike", "invisible", "spaced", "emoji_digit")
"""Names of the counts that `clean` can give."""


class Cleaned(NamedTuple):
    """Clean text, the counts that are not zero, and the way back to the raw text."""

    text: str
    counts: dict[str, int]
    alignment: Alignment


def clean(text: str) -> Cleaned:
    """Undo markup, mojibake and disguises."""
    normal = unicodedata.normalize("NFC", text)
    if normal == text:
        return Cleaned(text, {}, Alignment())
    return Cleaned(
        normal, {"folded": 1}, Alignment(((Edit(0, len(text), 0, len(normal)),),))
    )
