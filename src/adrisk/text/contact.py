"""What all contact finders share: the record, digits of any script, and the words of a text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import regex

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


_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_DIGITS = re.compile(r"\d+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; letters glued to digits are words as well."""
    words: list[str] = _WORDS.findall(text.lower())
    return words


def digit_count(text: str) -> int:
    """How many decimal digits of any script the text has."""
    return sum(map(len, _DIGITS.findall(text)))


def ascii_digits(text: str) -> str:
    """The decimal digits of a text, of whatever script, as 0 to 9."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
