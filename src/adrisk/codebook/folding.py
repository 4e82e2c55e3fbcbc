"""How letters are folded before phrases are compared, and which letters join into words.

Standard library alone: the build runs this module without the project's dependencies.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from unicodedata import category, combining, decimal, normalize

_BLANKS = re.compile(" +")

N_CODES = 0x10000
"""Code points below this are folded: the Basic Multilingual Plane."""

# The parts of the plane in which folding changes anything; the rest is ideographs and syllables.
_FOLDED_RANGES = (
    range(0x2100),
    range(0x3000, 0x3100),
    range(0xA620, 0xAC00),
    range(0xFE00, N_CODES),
)
_NUKTA = 7  # the canonical combining class of the nukta of every Indic script
_WIDE_STOPS = "！，．：；？"  # they end a sentence with no blank after them
_DROPPED_MARKS = frozenset((*range(0x0700), *range(0x135D, 0x1360), *range(0xFE00, 0xFE10)))

_VARIANTS = dict(zip("ىةؤئёйѝđıøł", "يهويеииdiol", strict=True))
_VARIANTS |= dict(zip("یکہھەۀۂۃۓٱ", "يكههههههےا", strict=True)) | dict.fromkeys("آأإ", "ا")
_VARIANTS |= dict.fromkeys("‘’ʼ`´", "'") | dict.fromkeys("‐‑‒–—", "-") | {"ँ": "ं", "፡": " "}
# Ethiopic series of one sound in Amharic, each with its number of letters.
_ETHIOPIC = (("ሐ", "ሀ", 7), ("ኀ", "ሀ", 7), ("ሠ", "ሰ", 8), ("ዐ", "አ", 7), ("ፀ", "ጸ", 8))
for _from, _to, _count in _ETHIOPIC:
    _VARIANTS |= {chr(ord(_from) + i): chr(ord(_to) + i) for i in range(_count)}
_VARIANTS |= dict.fromkeys("ሃሓኃ", "ሀ") | dict.fromkeys("ኣዓ", "አ")


def _fold_character(code: int) -> str:
    """One code point, lower-cased, without accents and spelling variants; "" where it is dropped."""
    character = chr(code)
    if character.isspace():
        return " "
    kind = category(character)
    if kind == "Cf" or combining(character) == _NUKTA or character in "ـ\0":
        return ""  # joiners, the nukta, the Arabic stretch
    if kind == "Mn" and code in _DROPPED_MARKS:
        return ""  # accents and Arabic vowel points standing alone
    if code >= 0xFF00 and character not in _WIDE_STOPS:
        compatible = normalize("NFKC", character)
        character = compatible if len(compatible) == 1 else character
    if (digit := decimal(character, None)) is not None:
        return str(digit)
    character = character.lower()[0]
    plain = normalize("NFD", character)
    with_nukta = len(plain) > 1 and combining(plain[1]) == _NUKTA
    latin = plain[0].isascii() and plain[0].isalpha()
    return _VARIANTS.get(character, plain[0] if latin or with_nukta else character)


@cache
def fold_table() -> dict[int, str]:
    """The code points that folding changes, each with what it becomes: one character or none."""
    folded = {code: _fold_character(code) for part in _FOLDED_RANGES for code in part}
    return {code: character for code, character in folded.items() if character != chr(code)}


def fold_phrase(written: str) -> str:
    """Lower case, no accents, one blank for a run of white space: what phrases are compared in."""
    folded = normalize("NFC", written).translate(fold_table())
    return _BLANKS.sub(" ", folded) if "  " in folded else folded


class Letter(IntEnum):
    """What a character is to a word. Two neighbours of one joining kind stand in one word."""

    NONE = 0
    ALPHABETIC = 1  # letters of spaced scripts, their marks, digits
    KATAKANA = 2
    HANGUL = 3
    UNSPACED = 4  # each a word of its own: ideographs, hiragana, Lao, Khmer, Myanmar
    THAI = 5
    THAI_LEADING = 6  # a vowel written before its consonant
    THAI_FOLLOWING = 7  # a vowel or mark written after or on its consonant


JOINED = frozenset(
    {(kind, kind) for kind in (Letter.ALPHABETIC, Letter.KATAKANA, Letter.HANGUL)}
    | {(Letter.THAI_LEADING, kind) for kind in (Letter.THAI, Letter.THAI_FOLLOWING)}
    | {(kind, Letter.THAI_FOLLOWING) for kind in (Letter.THAI, Letter.THAI_FOLLOWING)}
)
"""Pairs of neighbours that no phrase may be cut between."""

# (first, last, kind); what is in none of them is alphabetic.
_KINDS = (
    (0x0E00, 0x0E7F, Letter.THAI),
    (0x0E40, 0x0E44, Letter.THAI_LEADING),
    (0x0E30, 0x0E3A, Letter.THAI_FOLLOWING),
    (0x0E45, 0x0E45, Letter.THAI_FOLLOWING),
    (0x0E47, 0x0E4E, Letter.THAI_FOLLOWING),
    (0x0E80, 0x0EFF, Letter.UNSPACED),
    (0x1000, 0x109F, Letter.UNSPACED),
    (0x1780, 0x17FF, Letter.UNSPACED),
    (0x3005, 0x3007, Letter.UNSPACED),
    (0x3040, 0x309F, Letter.UNSPACED),
    (0x30A1, 0x30FF, Letter.KATAKANA),
    (0x31F0, 0x31FF, Letter.KATAKANA),
    (0x3400, 0x9FFF, Letter.UNSPACED),
    (0xF900, 0xFAFF, Letter.UNSPACED),
    (0x1100, 0x11FF, Letter.HANGUL),
    (0x3130, 0x318F, Letter.HANGUL),
    (0xA960, 0xA97F, Letter.HANGUL),
    (0xAC00, 0xD7FF, Letter.HANGUL),
)


@cache
def letter_kinds() -> bytes:
    """What each code point below N_CODES is to a word: a Letter a byte."""
    kinds = bytearray(map(_is_letter, map(chr, range(N_CODES))))
    for first, last, kind in _KINDS:
        for code in range(first, last + 1):
            kinds[code] = kind if kinds[code] else Letter.NONE
    return bytes(kinds)


def _is_letter(character: str) -> bool:
    # Vowel signs of Indic scripts are marks, which str.isalnum does not count.
    return character.isalnum() or character == "_" or category(character)[0] == "M"
