"""Finds many short phrases in text at once, whatever the case, the accents and the white space.

`grammar` says how a phrase is written. One pass of an Aho-Corasick automaton over the folded text
finds the longest piece of each phrase; the other pieces and the bounds of words are looked for
around each hit, within a bounded distance, so the whole is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from ahocorasick_rs import AhoCorasick
from numpy.typing import NDArray

from adrisk.codebook.compile import SEPARATOR, compiled
from adrisk.codebook.folding import JOINED, N_CODES, Letter
from adrisk.codebook.grammar import (
    GAP,
    MAX_GAP,
    MAX_INFLECTION,
    MAX_NUMBER,
    MAX_PREFIX,
    NUMBER,
    PREFIX,
    PROCLITICS,
    UNSPACED_WRITING,
    Phrase,
    parse,
)

_MAX_PROCLITIC = 3
_N_KINDS = np.uint8(len(Letter))
_SPACE = ord(" ")
_SURROGATES = slice(0xD800, 0xE000)
_REPLACEMENT = 0xFFFD
_SENTENCE_END = re.compile(r"[.!?;](?= |$)|[。！？；।॥؟۔።]")
_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")
_NUMBER_LETTERS = "0123456789.,"
_DIGIT = re.compile(r"\d")


class Tables(NamedTuple):
    """What a code point folds to, its kind of letter, and which pairs of kinds join."""

    fold: NDArray[np.uint32]
    letters: NDArray[np.uint8]
    joined: NDArray[np.bool_]


@cache
def _tables() -> Tables:
    codebook = compiled()
    changed, to = (np.frombuffer(part.encode("utf-32-le"), "<u4") for part in codebook["fold"])
    fold = np.arange(N_CODES, dtype=np.uint32)
    fold[changed] = to
    fold[_SURROGATES] = _REPLACEMENT
    counts, kinds = zip(*codebook["letters"], strict=True)
    joined = np.zeros(_N_KINDS**2, dtype=bool)
    joined[[before * _N_KINDS + after for before, after in JOINED]] = True
    return Tables(fold, np.repeat(np.array(kinds, dtype=np.uint8), counts), joined)


class Folded(NamedTuple):
    """Text folded for matching.

    `inside[i]` is 1 where the characters before and at `i` stand in one word, and 0 at both ends.
    `offsets` leads each character back to the offset it came from; None: nothing was dropped.
    """

    text: str
    inside: bytes
    offsets: NDArray[np.intp] | None

    def to_input(self, start: int, end: int, length: int) -> tuple[int, int]:
        """The span of the input of `length` code points that folded [start, end) came from."""
        if self.offsets is None:
            return start, end
        after = int(self.offsets[end]) if end < len(self.offsets) else length
        return int(self.offsets[start]), after


def fold(text: str) -> Folded:
    """Lower case, no accents, one space for a run of white space: what phrases are matched on."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    folded = _tables().fold.take(codes, mode="clip")
    if len(codes) and codes.max() >= N_CODES:
        folded = np.where(codes < N_CODES, folded, codes)
    plain = _decoded(folded)
    if "\0" not in plain and "  " not in plain:
        return Folded(plain, _inside(folded), None)
    offsets = np.flatnonzero(folded)
    folded = folded[offsets]
    doubled = folded == _SPACE
    doubled[1:] &= doubled[:-1]
    doubled[:1] = False
    kept = np.flatnonzero(~doubled)
    folded = folded[kept]
    return Folded(_decoded(folded), _inside(folded), offsets[kept])


def _inside(folded: NDArray[np.uint32]) -> bytes:
    tables = _tables()
    kinds = tables.letters.take(folded, mode="clip")
    pairs = kinds[:-1] * _N_KINDS + kinds[1:]
    return b"".join((b"\0", tables.joined.take(pairs).tobytes(), b"\0"[: len(folded)]))


def _decoded(codes: NDArray[np.uint32]) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")


class Hit(NamedTuple):
    """A phrase found at folded offsets [start, end)."""

    start: int
    end: int
    label: str


class Candidate(NamedTuple):
    """A phrase whose longest piece was found, its `reach`, and a piece that it needs as well."""

    label: str
    phrase: Phrase
    reach: int
    needed: str


class Phrases:
    """Many phrases, found in one pass. Threads may share it."""

    def __init__(self, compiled_phrases: dict[str, Any]) -> None:
        """Build from what `compile.compile_phrases` gives."""
        self._open = [int(ends) for ends in compiled_phrases["open"]]
        self._lines: list[str] = compiled_phrases["phrases"]
        self._parsed: dict[int, list[Candidate]] = {}
        self._automaton = AhoCorasick(compiled_phrases["pieces"], store_patterns=False)

    def find(self, folded: Folded) -> Iterator[Hit]:
        """Every phrase in folded text, roughly in the order of the text."""
        text, inside, opened = folded.text, folded.inside, self._open
        possible: dict[int, list[Candidate]] = {}
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            ends = opened[index]
            if (inside[start] and not ends & 1) or (inside[end] and ends < 2):
                continue
            if index not in possible:
                candidates = self._parsed.get(index) or self._parse(index)
                possible[index] = [each for each in candidates if each.needed in text]
            for label, phrase, reach, _ in possible[index]:
                span = _match(text, inside, start, phrase, reach)
                if span:
                    yield Hit(*span, label)

    def _parse(self, index: int) -> list[Candidate]:
        """The phrases of a piece; parsed when the piece is first met."""
        parsed = []
        for line in self._lines[index].split("\n"):
            label, writing, written = line.rsplit(SEPARATOR, 2)
            phrase = parse(writing, written)
            others = [phrase.piece(i) for i in range(len(phrase.rest) + 1) if i != phrase.longest()]
            needed = max(others, key=len, default="")
            parsed.append(Candidate(label, phrase, phrase.reach(), needed))
        self._parsed[index] = parsed
        return parsed


def _match(
    text: str, inside: bytes, anchor: int, phrase: Phrase, reach: int
) -> tuple[int, int] | None:
    """Start and end of the phrase whose longest piece stands at `anchor`."""
    first = phrase.first
    low = max(anchor - reach, 0)
    at = text.rfind(first, low, anchor) if reach else anchor
    while at >= 0:
        begin = _begin(text, inside, at, phrase.lead, phrase.writing)
        if begin is not None:
            end = _end(text, inside, at + len(first), phrase)
            if end is not None and end > anchor:
                return begin, end
        at = text.rfind(first, low, at + len(first) - 1) if reach else -1
    return None


def _begin(text: str, inside: bytes, at: int, lead: str, writing: str) -> int | None:
    """Where a phrase or a word of it begins whose piece stands at `at`; None where it may not."""
    if lead == NUMBER:
        return _number_start(text, inside, at)
    if not inside[at]:
        return at
    if lead == PREFIX:
        start = inside.rfind(0, max(at - MAX_PREFIX, 0), at)
        return None if start < 0 or _DIGIT.search(text, start, at) else start
    if writing in PROCLITICS:
        start = inside.rfind(0, max(at - _MAX_PROCLITIC, 0), at)
        return start if start >= 0 and text[start:at] in PROCLITICS[writing] else None
    return None


def _number_start(text: str, inside: bytes, end: int) -> int | None:
    """Where the number begins that ends at `end`; None where none ends there."""
    if _DIGIT.match(text, end):
        return None
    start = end
    while start > max(end - MAX_NUMBER, 0) and text[start - 1] in _NUMBER_LETTERS:
        start -= 1
    number = _NUMBER.search(text, start, end)
    fits = number and number.end() == end and not inside[number.start()]
    return number.start() if number and fits else None


def _end(text: str, inside: bytes, position: int, phrase: Phrase) -> int | None:
    """Where the phrase ends whose first piece ends at `position`; None where it does not match."""
    for joint, piece in phrase.rest:
        if joint[0] == GAP:
            found = _after_gap(text, inside, position, joint[1:], piece, phrase.writing)
        else:
            found = _after_letters(text, inside, position, joint, piece)
        if found is None:
            return None
        position = found
    return None if inside[position] else position


def _after_letters(text: str, inside: bytes, position: int, joint: str, piece: str) -> int | None:
    """Where `piece` ends that follows letters (INFLECTION, PREFIX) or a NUMBER at `position`."""
    if joint == NUMBER:
        number = _NUMBER.match(text, position, position + MAX_NUMBER)
        after = number.end() if number else -1
    elif joint == PREFIX:
        after = text.find(piece, position, position + MAX_PREFIX + len(piece))
        if after > position and inside.find(0, position + 1, after + 1) >= 0:
            return None
    elif not inside[position]:
        after = position
    else:
        after = inside.find(0, position, position + MAX_INFLECTION + 1)
        if after > 0 and _DIGIT.search(text, position, after):
            return None
    return after + len(piece) if after >= 0 and text.startswith(piece, after) else None


def _after_gap(
    text: str, inside: bytes, position: int, lead: str, piece: str, writing: str
) -> int | None:
    """Where `piece` ends that begins a word within MAX_GAP characters, in the same sentence."""
    unspaced = writing == UNSPACED_WRITING
    if inside[position]:  # nothing stands in the gap of a compound such as ビザサポート
        return position + len(piece) if unspaced and text.startswith(piece, position) else None
    gap = MAX_GAP // 3 if unspaced else MAX_GAP
    limit = position + gap + len(piece) + {PREFIX: MAX_PREFIX, NUMBER: MAX_NUMBER, "": 0}[lead]
    found = text.find(piece, position, limit)
    while found >= 0:
        begin = _begin(text, inside, found, lead, writing)
        if begin is not None and begin >= position:
            broken = _SENTENCE_END.search(text, position, begin + 1)
            return None if broken else found + len(piece)
        found = text.find(piece, found + 1, limit)
    return None
