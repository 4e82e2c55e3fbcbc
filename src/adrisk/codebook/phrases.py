"""Finds many short phrases in text at once, whatever the case, the accents and the white space.

In a phrase a space matches any run of white space, `*` at a word's end up to MAX_INFLECTION further
letters of that word, and `…` nothing or a few words of the same sentence. `*` and `…` cut a phrase
into pieces. One pass of an Aho-Corasick automaton over the folded text finds the longest piece of
each phrase; the other pieces and the word boundaries are looked for around each hit, within a
bounded distance, so the whole is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple
from unicodedata import category, normalize

import ahocorasick
import numpy as np
from numpy.typing import NDArray

MAX_INFLECTION = 8
"""Letters that a `*` may stand for."""

MAX_GAP = 30
"""Characters that a `…` may stand for, a third of it in languages written without spaces."""

UNSPACED = frozenset({"zh"})
"""Languages written without spaces: their phrases match inside running text."""

# Conjunctions, prepositions and the article that Arabic writes as one word with what follows.
_PROCLITICS = frozenset(normalize("NFC", "و ف ب ل ك ال وال فال بال كال لل ول وب ولل").split())
_MAX_PROCLITIC = 3

_TABLE_SIZE = 0x2070  # Latin to Vietnamese, Cyrillic, Arabic, Devanagari, general punctuation
_DROP, _SPACE = 0, ord(" ")
_SEPARATOR = "\x01"
_JOINT = re.compile(r"(\*| ?… ?)")
_SENTENCE_END = re.compile(r"[.!?;](?= |$)|[。！？；।؟]")
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
    """One phrase, cut into pieces; `rest` holds each joint, `*` or `…`, and the piece after it."""

    label: str
    language: str
    first: str
    rest: tuple[tuple[str, str], ...]
    reach: int  # how far before its longest piece the phrase begins at most; 0: with it

    @classmethod
    def parse(cls, label: str, language: str, folded: str) -> tuple[str, Phrase]:
        """The longest piece and the phrase."""
        if "*" not in folded and "…" not in folded:
            return folded, cls(label, language, folded, (), 0)
        first, *others = _JOINT.split(folded)
        joints, pieces = others[::2], others[1::2]
        longest = max(first, *pieces, key=len)
        reach = 0 if longest == first else len(folded) + MAX_GAP * len(joints)
        return longest, cls(label, language, first, tuple(zip(joints, pieces, strict=True)), reach)


class Hit(NamedTuple):
    """A phrase found at folded offsets [start, end)."""

    start: int
    end: int
    label: str


class Phrases:
    """Many phrases, found in one pass. Read-only once built, so threads may share it."""

    def __init__(self, phrases: Iterable[tuple[str, str, str]]) -> None:
        """Build from (label, language, phrase as written in the data files)."""
        listed = list(phrases)
        # All in one call: folding has a fixed cost.
        folded = fold(_SEPARATOR.join(written for *_, written in listed)).text.split(_SEPARATOR)
        by_piece: dict[str, dict[str, list[Phrase]]] = {}
        for (label, language, _), written in zip(listed, folded, strict=True):
            longest, phrase = Phrase.parse(label, language, written)
            by_piece.setdefault(longest, {}).setdefault(language, []).append(phrase)
        self._automaton = ahocorasick.Automaton()
        for piece, by_language in by_piece.items():
            self._automaton.add_word(piece, (len(piece), list(by_language.items())))
        self._automaton.make_automaton()

    def find(self, text: str) -> Iterator[Hit]:
        """Every phrase in folded text, roughly in the order of the text."""
        for last, (length, by_language) in self._automaton.iter(text):
            anchor = last + 1 - length
            for language, phrases in by_language:
                start = _word_start(text, anchor, language)
                if start is None:
                    continue
                for phrase in phrases:
                    hit = _match(text, anchor, start, phrase)
                    if hit:
                        yield hit


def _match(text: str, anchor: int, start: int, phrase: Phrase) -> Hit | None:
    """The phrase whose longest piece stands at `anchor`, in a word that begins at `start`."""
    label, language, first, _, reach = phrase
    if not reach:
        end = _end(text, anchor + len(first), phrase)
        return None if end is None else Hit(start, end, label)
    low = anchor - reach if anchor > reach else 0
    at = text.rfind(first, low, anchor)
    while at >= 0:
        begin = _word_start(text, at, language)
        if begin is not None:
            end = _end(text, at + len(first), phrase)
            if end is not None and end > anchor:
                return Hit(begin, end, label)
        at = text.rfind(first, low, at + len(first) - 1)
    return None


@lru_cache(maxsize=4096)
def _is_word(character: str) -> bool:
    # Vowel signs of Indic scripts are marks, which str.isalnum does not count.
    return character.isalnum() or character == "_" or category(character)[0] == "M"


def _inside_word(text: str, position: int) -> bool:
    return 0 < position < len(text) and _is_word(text[position - 1]) and _is_word(text[position])


def _word_start(text: str, start: int, language: str) -> int | None:
    """Where the word of a piece at `start` begins, its proclitic included; None inside a word."""
    if language in UNSPACED or not _inside_word(text, start):
        return start
    if language == "ar":
        for before in range(start - 1, max(start - _MAX_PROCLITIC, 0) - 1, -1):
            if not _inside_word(text, before):
                return before if text[before:start] in _PROCLITICS else None
    return None


def _end(text: str, position: int, phrase: Phrase) -> int | None:
    """Where the phrase ends whose first piece ends at `position`; None where it does not match."""
    for joint, piece in phrase.rest:
        if joint == "*":
            found = _after_inflection(text, position, piece)
        else:
            found = _after_gap(text, position, piece, phrase.language)
        if found is None:
            return None
        position = found
    inside = phrase.language not in UNSPACED and _inside_word(text, position)
    return None if inside else position


def _after_inflection(text: str, position: int, piece: str) -> int | None:
    """Where `piece` ends that follows what letters remain of the word at `position`."""
    limit = min(position + MAX_INFLECTION, len(text))
    while position < limit and _is_word(text[position]) and not text[position].isdigit():
        position += 1
    return position + len(piece) if text.startswith(piece, position) else None


def _after_gap(text: str, position: int, piece: str, language: str) -> int | None:
    """Where `piece` ends that begins a word within MAX_GAP characters, in the same sentence."""
    if language not in UNSPACED and _inside_word(text, position):
        return None
    gap = MAX_GAP // 3 if language in UNSPACED else MAX_GAP
    limit = position + gap + len(piece)
    found = text.find(piece, position, limit)
    while found >= 0 and _word_start(text, found, language) is None:
        found = text.find(piece, found + 1, limit)
    if found < 0 or _SENTENCE_END.search(text, position, found + 1):
        return None
    return found + len(piece)
