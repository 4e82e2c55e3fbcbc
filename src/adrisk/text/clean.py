"""Raw text -> clean text, counts of what was undone and the way back to the raw text.

The stations stand in clean_markup, clean_unicode and clean_letters. What one undoes can uncover
work for another (an entity that spells a tag, a zero-width space inside a look-alike word), so they
run in rounds until nothing changes: cleaning clean text changes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from adrisk.text.alignment import Alignment, Replacement, apply_replacements
from adrisk.text.clean_letters import find_lookalikes, find_spaced
from adrisk.text.clean_markup import find_markup
from adrisk.text.clean_unicode import (
    find_emoji_digits,
    find_floods,
    find_folded,
    find_invisible,
    find_line_breaks,
    find_mojibake,
    find_unnormal,
    is_unusual,
)

CLEAN_COUNTS = ("markup", "mojibake", "folded", "lookalike", "invisible", "spaced", "emoji_digit")
"""Names of the counts that `clean` can give."""

_MAX_ROUNDS = 8
_MARKUP_SIGN = re.compile("[<&]")
_NOT_ASCII = re.compile("[^\x00-\x7f]+")

Finder = Callable[[str], list[Replacement]]


class Cleaned(NamedTuple):
    """Clean text, the counts that are not zero, and the way back to the raw text."""

    text: str
    counts: dict[str, int]
    alignment: Alignment


def clean(text: str) -> Cleaned:
    """Undo markup, mojibake and disguises.

    A count is the number of edits of its kind. Normal form C and line breaks are brought in order
    without being counted, since no author chose them. `clean(clean(x).text)` changes and counts
    nothing; the time is linear in the length. Any string is taken, lone surrogates included.
    """
    cleaning = _Cleaning(text)
    if not cleaning.settle():
        cleaning.defuse()
    return Cleaned(cleaning.text, dict(cleaning.counts), cleaning.alignment)


class _Cleaning:
    """A text on its way through the stations."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.counts: Counter[str] = Counter()
        self.alignment = Alignment()

    def settle(self) -> bool:
        """Run rounds until one changes nothing; False where the last round still changed."""
        return any(not self._round() for _ in range(_MAX_ROUNDS))

    def defuse(self) -> None:
        """Bring a text to rest that was nested on purpose so deep that the rounds did not do.

        Without "<" and "&" no markup is left, and every other station looks at one line at a time;
        lines that do not come to rest then lose what is not ASCII, which leaves them nothing to do.
        """
        self._apply("markup", _all(_MARKUP_SIGN, self.text))
        if not self.settle():
            self._apply("invisible", _restless(self.text))
            self.settle()

    def _round(self) -> bool:
        """Run every station once; whether any changed the text."""
        before = len(self.alignment.steps)
        self._run("markup", find_markup)
        self._run("mojibake", find_mojibake)
        self._run("invisible", find_floods)
        if is_unusual(self.text):
            self._run(None, find_line_breaks)
            self._run("emoji_digit", find_emoji_digits)
            self._run("invisible", find_invisible)
            self._run("folded", find_folded)
        self._run(None, find_unnormal)
        self._run("spaced", find_spaced)
        self._run("lookalike", find_lookalikes)
        return len(self.alignment.steps) > before

    def _run(self, count: str | None, finder: Finder) -> None:
        self._apply(count, finder(self.text))

    def _apply(self, count: str | None, replacements: Iterable[Replacement]) -> None:
        self.text, edits = apply_replacements(self.text, replacements)
        self.alignment = self.alignment.then(edits)
        if edits and count:
            self.counts[count] += len(edits)


def _all(pattern: re.Pattern[str], text: str, offset: int = 0) -> list[Replacement]:
    """Replacements that delete every match."""
    return [Replacement(offset + m.start(), offset + m.end(), "") for m in pattern.finditer(text)]


def _restless(text: str) -> list[Replacement]:
    """Deletions of all that is not ASCII in the lines that a further round would change."""
    found: list[Replacement] = []
    start = 0
    for line in text.split("\n"):
        if _Cleaning(line)._round():
            found.extend(_all(_NOT_ASCII, line, start))
        start += len(line) + 1
    return found
