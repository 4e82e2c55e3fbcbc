"""Finds many short phrases in text at once, whatever the case, the accents and the white space.

In a phrase a space matches any run of white space,
and `*` at a word's end matches up to MAX_INFLECTION further letters of that word. One pass of an
Aho-Corasick automaton over the folded text finds each phrase's letters up to its first `*`; what
remains (inflections, word boundaries) is looked at around each hit and is bounded, so the whole
is linear in the text's length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple
from unicodedata import category, normalize

import ahocorasick
import numpy as np
from numpy.typing import NDArray

MAX_INFLECTION = 8
"""Letters that a `*` may stand for."""

UNSPACED = frozenset({"zh"})
"""Languages written without spaces: their phrases match inside running text."""

# Conjunctions, prepositions and the article that Arabic writes as one word with what follows.
_PROCLITICS = frozenset(normalize("NFC", "و ف ب ل ك ال وال فال بال كال لل ول وب ولل").split())
_MAX_PROCLITIC = 3

_TABLE_SIZE = 0x2070  # Latin to Vietnamese, Cyrillic, Arabic, Devanagari, general punctuation
_DROP, _SPACE = 0, ord(" ")
_VARIANTS = dict(zip("ىةؤئёйđıø", "يهويеиdio", strict=True))
_VARIANTS |= dict.fromkeys("آأإٱ", "ا") | dict.fromkeys("‘’ʼ`´", "'") | dict.fromkeys("‐‑‒–—", "-")


class Folded(NamedTuple):
    """Text folded for matching, and for each of its characters the offset it came from."""

    text: str
    offsets: NDArray[np.intp] | None  # None: nothing was dropped

    def to_input(self, start: int, end: int, length: int) -> tuple[int, int]:
        """The span of the input of `length` code points that folded [start, end) came from."""
        if self.offsets is None:
            return start, end
        after = int(self.offsets[end]) if end < len(self.offsets) else length
        return int(self.offsets[start]), after


def _fold_character(code: int) -> int:
    """One code point, lower-cased, with Latin accents and spelling variants taken off."""
    character = chr(code)
    if character.isspace():
        return _SPACE
    kind = category(character)
    if kind == "Cf" or (kind == "Mn" and code < 0x0700) or code == 0x093C:
        return _DROP  # joiners, accents and Arabic vowel points standing alone, the nukta
    character = character.lower()[0]
    character = _VARIANTS.get(character, character)
    plain = normalize("NFD", character)[0]
    latin = plain.isascii() and plain.isalpha()
    return ord(plain if latin or 0x0900 <= code < 0x0980 else character)


@cache
def _fold_table() -> NDArray[np.uint32]:
    table = np.array([_fold_character(code) for code in range(_TABLE_SIZE)], dtype=np.uint32)
    table[ord("ـ")] = _DROP  # the Arabic stretch
    return table


def fold(text: str) -> Folded:
    """Lower case, no accents, one space for a run of white space: what phrases are matched on."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    mapped = _fold_table().take(codes, mode="clip")
    if len(codes) and codes.max() >= _TABLE_SIZE:
        mapped = np.where(codes < _TABLE_SIZE, mapped, codes)
    folded = _decoded(mapped)
    if "\0" not in folded and "  " not in folded:
        return Folded(folded, None)
    offsets = np.flatnonzero(mapped)
    spaces = mapped[offsets] == _SPACE
    kept = np.ones(len(offsets), dtype=bool)
    kept[1:] = ~(spaces[1:] & spaces[:-1])
    return Folded(_decoded(mapped[offsets[kept]]), offsets[kept])


def _decoded(codes: NDArray[np.uint32]) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


class Phrase(NamedTuple):
    """One phrase: what it stands for, its language, and its letters cut at each `*`."""

    label: str
    language: str
    pieces: tuple[str, ...]


class Hit(NamedTuple):
    """A phrase found at folded offsets [start, end)."""

    start: int
    end: int
    label: str


class Phrases:
    """Many phrases, found in one pass. Read-only once built, so threads may share it."""

    def __init__(self, phrases: Iterable[tuple[str, str, str]]) -> None:
        """Build from (label, language, phrase as written in the data files)."""
        by_first: dict[str, list[Phrase]] = {}
        for label, language, written in phrases:
            pieces = tuple(fold(written).text.split("*"))
            by_first.setdefault(pieces[0], []).append(Phrase(label, language, pieces))
        self._automaton = ahocorasick.Automaton()
        for first, same_first in by_first.items():
            self._automaton.add_word(first, (len(first), same_first))
        self._automaton.make_automaton()

    def find(self, text: str) -> Iterator[Hit]:
        """Every phrase in folded text, in the order in which their first pieces end."""
        for last, (length, phrases) in self._automaton.iter(text):
            for phrase in phrases:
                start = _start(text, last + 1 - length, phrase.language)
                if start is None:
                    continue
                end = _end(text, last + 1, phrase)
                if end is not None:
                    yield Hit(start, end, phrase.label)


def _is_word(character: str) -> bool:
    # Vowel signs of Indic scripts are marks, which str.isalnum does not count.
    return character.isalnum() or character == "_" or category(character)[0] == "M"


def _start(text: str, start: int, language: str) -> int | None:
    """Where the phrase at `start` begins, its proclitic included; None inside another word."""
    if start == 0 or language in UNSPACED:
        return start
    if not _is_word(text[start - 1]) or not _is_word(text[start]):
        return start
    if language == "ar":
        for before in range(start - 1, max(start - _MAX_PROCLITIC, 0) - 1, -1):
            if before == 0 or not _is_word(text[before - 1]):
                return before if text[before:start] in _PROCLITICS else None
    return None


def _end(text: str, position: int, phrase: Phrase) -> int | None:
    """Where the phrase ends whose first piece ends at `position`; None where it does not match."""
    for piece in phrase.pieces[1:]:
        limit = min(position + MAX_INFLECTION, len(text))
        while position < limit and _is_word(text[position]) and not text[position].isdigit():
            position += 1
        if not text.startswith(piece, position):
            return None
        position += len(piece)
    inside = position < len(text) and _is_word(text[position]) and _is_word(text[position - 1])
    return None if inside and phrase.language not in UNSPACED else position
