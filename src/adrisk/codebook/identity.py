"""Words that say a person's nationality, ethnicity or religion, in every language at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from adrisk.codebook.compile import SEPARATOR, compiled
from adrisk.codebook.grammar import UNSPACED
from adrisk.codebook.phrases import Folded, Phrases, fold

_ALWAYS = "always"  # words that need no word for a person beside them
_ADJACENT = " -'\"(:«“"  # may stand between a word and the neighbour that decides about it
_OPENING = "([{\"'*.,;:!?¿¡"
_CLOSING = ")]}\"'*.,;:!?،؟।"
_WINDOW = 48
_MAX_NEIGHBOUR_WORDS = 3


class WordSet:
    """Folded words and short phrases of one language; a `*` at an end stands for any letters.

    In a language written without spaces they are looked for in running text.
    """

    def __init__(self, words: Iterable[str], *, unspaced: bool) -> None:
        listed = tuple(words)
        self._unspaced = listed if unspaced else ()
        self._exact = frozenset(word for word in listed if "*" not in word)
        self._beginnings = tuple(w[:-1] for w in listed if w.endswith("*") and w[0] != "*")
        self._ends = tuple(w[1:] for w in listed if w.startswith("*") and w[-1] != "*")
        self._middles = tuple(w[1:-1] for w in listed if w.startswith("*") and w.endswith("*"))

    def stands_before(self, window: str, neighbours: list[str]) -> bool:
        """Whether one of the words ends `window` or is one of the neighbours."""
        return window.endswith(self._unspaced) or self._holds(neighbours)

    def stands_after(self, window: str, neighbours: list[str]) -> bool:
        """Whether one of the words begins `window` or is one of the neighbours."""
        return window.startswith(self._unspaced) or self._holds(neighbours)

    def _holds(self, neighbours: list[str]) -> bool:
        return any(
            word in self._exact
            or word.startswith(self._beginnings)
            or word.endswith(self._ends)
            or any(middle in word for middle in self._middles)
            for word in neighbours
        )


class Neighbours(NamedTuple):
    """The words of one language that decide about the identity words of that language."""

    persons: WordSet
    guards_before: WordSet
    guards_after: WordSet


class Group(NamedTuple):
    """Identity words joined by connectors: each word's folded offsets and (language, key) labels."""

    spans: list[tuple[int, int]]
    labels: list[set[tuple[str, str]]]


@cache
def _words() -> Phrases:
    return Phrases(compiled()["identity"])


@cache
def _connectors() -> frozenset[str]:
    return frozenset(compiled()["identity"]["connectors"])


@cache
def _neighbours(language: str) -> Neighbours:
    listed = compiled()["identity"]["neighbours"][language]
    unspaced = language in UNSPACED
    return Neighbours(*(WordSet(listed[key], unspaced=unspaced) for key in Neighbours._fields))


def find_identity_words(text: str) -> list[tuple[int, int]]:
    """Words that say a person's nationality, ethnicity or religion: sorted, non-overlapping spans.

    A word is left alone where a neighbour in its language shows that no person is meant: a language
    skill, a dish, a place or a firm (guards; one in front yields to a word for a person behind).
    Words that more often mean a language, a country or a colour count only beside a word for a
    person. Words joined by "and", "or" or a comma are decided together. Offsets are code points of
    `text`.
    """
    folded = fold(text)
    found = [span for group in _groups(folded) for span in _masked(folded.text, group)]
    return [folded.to_input(start, end, len(text)) for start, end in found]


def _masked(text: str, group: Group) -> list[tuple[int, int]]:
    """The words of the group that are to be masked."""
    window_before = text[max(group.spans[0][0] - _WINDOW, 0) : group.spans[0][0]].rstrip(_ADJACENT)
    window_after = text[group.spans[-1][1] : group.spans[-1][1] + _WINDOW].lstrip(_ADJACENT)
    before, after = _words_before(window_before), _words_after(window_after)
    beside, followed = set(), False
    languages = {language for labels in group.labels for language, _ in labels}
    for language in languages:
        persons = _neighbours(language).persons
        if persons.stands_after(window_after, after):
            beside.add(language)
            followed = True
        elif persons.stands_before(window_before, before):
            beside.add(language)
    for language in languages:
        _, guards_before, guards_after = _neighbours(language)
        guarded = not followed and guards_before.stands_before(window_before, before)
        if guarded or guards_after.stands_after(window_after, after):
            return []
    return [
        span
        for span, labels in zip(group.spans, group.labels, strict=True)
        if any(key == _ALWAYS or language in beside for language, key in labels)
    ]


def _groups(folded: Folded) -> Iterator[Group]:
    """The longest identity words, those joined by a connector in one group."""
    hits = sorted(_words().find(folded), key=lambda hit: (hit.start, -hit.end))
    group = Group([], [])
    for start, end, label in hits:
        language, key = label.split(SEPARATOR)
        if group.spans and start < group.spans[-1][1]:
            if (start, end) == group.spans[-1]:
                group.labels[-1].add((language, key))
            continue
        if group.spans and folded.text[group.spans[-1][1] : start].strip() not in _connectors():
            yield group
            group = Group([], [])
        group.spans.append((start, end))
        group.labels.append({(language, key)})
    if group.spans:
        yield group


def _words_before(window: str) -> list[str]:
    """The last one, two and three words of the window."""
    words = [word.lstrip(_OPENING) for word in window.split()[-_MAX_NEIGHBOUR_WORDS:]]
    return [" ".join(words[-count:]) for count in range(1, len(words) + 1)]


def _words_after(window: str) -> list[str]:
    """The first one, two and three words of the window."""
    words = [word.rstrip(_CLOSING) for word in window.split()[:_MAX_NEIGHBOUR_WORDS]]
    return [" ".join(words[:count]) for count in range(1, len(words) + 1)]
