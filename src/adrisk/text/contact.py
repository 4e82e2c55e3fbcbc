"""What all contact finders share: the record, a first glance at a text, digits of any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

BLANK = "\0"
"""Stands for a contact that is found already: no rule reaches across it."""


class Contact(NamedTuple):
    """A contact at code points [start, end).

    `kind` is phone, email, link, handle or messenger_id; `value` is normalised; `obscured` says
    that it was written so as to get past a filter.
    """

    kind: str
    start: int
    end: int
    value: str
    obscured: bool = False


_ASCII_DIGITS = b"0123456789"
_OTHER_DIGITS = frozenset(
    chr(code) for code in range(0x80, 0x1FC00) if unicodedata.decimal(chr(code), None) is not None
)
_NOT_LETTERS = bytes(i for i in range(128) if not chr(i).isalpha())
_TO_SPACE = bytes.maketrans(_NOT_LETTERS, b" " * len(_NOT_LETTERS))
_OTHER_PUNCTUATION = frozenset("，。、；：？！（）،؛؟۔।॥…–—―‐‑“”„«»‘’·•¡¿")


class Glance(NamedTuple):
    """What a quick look at a text says, so that most finders can stop at once.

    `lower` is the text in lower case at the same offsets; `words` its words in order; `known` the
    same words as a set; `rare` its characters where some are beyond ASCII; `digits` the number of decimal digits of
    any script.
    """

    lower: str
    words: list[str]
    known: frozenset[str]
    rare: frozenset[str]
    digits: int

    def places(self, words: frozenset[str]) -> Iterator[tuple[int, int]]:
        """Where those of `words` that the text has stand as words or glued to digits."""
        lower = self.lower
        for word in self.known & words:
            start = lower.find(word)
            while start >= 0:
                end = start + len(word)
                if not (lower[start - 1 : start].isalpha() or lower[end : end + 1].isalpha()):
                    yield start, end
                start = lower.find(word, end)


def glance(text: str) -> Glance:
    """Look once at a text; linear and cheap (bytes and sets, no regular expression)."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    raw = lower.encode("utf-8", "surrogatepass")
    digits = len(raw) - len(raw.translate(None, _ASCII_DIGITS))
    apart = raw.translate(_TO_SPACE).decode("utf-8", "surrogatepass")
    rare = frozenset[str]()
    if len(raw) != len(lower):
        rare = frozenset(lower)
        for sign in rare & _OTHER_PUNCTUATION:
            apart = apart.replace(sign, " ")
        for digit in rare & _OTHER_DIGITS:
            apart = apart.replace(digit, " ")
            digits += lower.count(digit)
    words = apart.split()
    return Glance(lower, words, frozenset(words), rare, digits)


def ascii_digits(text: str) -> str:
    """The decimal digits of a text, of whatever script, as 0 to 9."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
