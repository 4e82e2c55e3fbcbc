"""Codebook signs and identity words in text, in every language of the codebook at once.

The phrases stand in cues.json and identity.json; `phrases` says how they are written and matched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from adrisk.codebook.phrases import Hit, Phrases, fold
from adrisk.records import Span


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        files(__package__).joinpath(name).read_text(encoding="utf-8")
    )
    return loaded


@cache
def _cues() -> Phrases:
    return Phrases(
        (sign, language, cue)
        for language, signs in _load("cues.json").items()
        for sign, cues in signs.items()
        for cue in cues
    )


def find_signs(text: str) -> list[Span]:
    """Signs of the codebook in redacted text, found by their cues, sorted by place.

    Offsets are code points of `text`; overlapping hits of one sign are one span. Linear in the
    length of the text, and the same for any language: cues of all languages are looked for.
    """
    folded = fold(text)
    merged: list[Hit] = []
    for hit in sorted(_cues().find(folded.text), key=lambda hit: (hit.label, hit.start)):
        last = merged[-1] if merged else None
        if last and last.label == hit.label and hit.start < last.end:
            merged[-1] = last._replace(end=max(last.end, hit.end))
        else:
            merged.append(hit)
    spans = [Span(sign, *folded.to_input(start, end, len(text))) for start, end, sign in merged]
    return sorted(spans, key=lambda span: (span.start, span.end, span.sign))


_ALWAYS = ""  # the label of words that need no word for a person beside them
_ADJACENT = " -'\"(:«“"  # may stand between a word and the neighbour that decides about it
_WINDOW = 48
_MAX_NEIGHBOUR_WORDS = 3


class WordSet:
    """A set of folded words and short phrases; one that ends in `*` stands for its prefix."""

    def __init__(self, written: Iterable[str]) -> None:
        folded = [fold(word).text for word in written]
        self._exact = frozenset(word for word in folded if not word.endswith("*"))
        self._prefixes = tuple(word[:-1] for word in folded if word.endswith("*"))

    def has_any(self, neighbours: list[str]) -> bool:
        """Whether one of the neighbours is in the set."""
        return any(word in self._exact or word.startswith(self._prefixes) for word in neighbours)


class IdentityWords(NamedTuple):
    """Identity words of all languages and the neighbours that decide about them."""

    words: Phrases
    persons: dict[str, WordSet]
    guards_before: WordSet
    guards_after: WordSet
    connectors: frozenset[str]


class Group(NamedTuple):
    """Identity words joined by connectors: each word's folded offsets and labels."""

    spans: list[tuple[int, int]]
    labels: list[set[str]]


@cache
def _identity() -> IdentityWords:
    data = _load("identity.json")

    def every(key: str) -> list[str]:
        return [word for rules in data.values() for word in rules[key]]

    always = [(_ALWAYS, lang, word) for lang, rules in data.items() for word in rules["always"]]
    beside = [(lang, lang, word) for lang, rules in data.items() for word in rules["beside_person"]]
    return IdentityWords(
        Phrases(always + beside),
        {language: WordSet(rules["persons"]) for language, rules in data.items()},
        WordSet(every("guards_before")),
        WordSet(every("guards_after")),
        frozenset(fold(word).text for word in every("connectors")),
    )


def find_identity_words(text: str) -> list[tuple[int, int]]:
    """Words that say a person's nationality, ethnicity or religion: sorted, non-overlapping spans.

    A word is left alone where a neighbour shows that no person is meant: a language skill, a
    dish, a place or a firm (guards; one in front yields to a word for a person behind). Words that
    more often mean a language, a country or a colour count only beside a word for a person. Words
    joined by "and", "or" or a comma are decided together. Offsets are code points of `text`.
    """
    folded = fold(text)
    rules = _identity()
    found: list[tuple[int, int]] = []
    for group in _groups(folded.text):
        before = _neighbours_before(folded.text, group.spans[0][0])
        after = _neighbours_after(folded.text, group.spans[-1][1])
        followed = {lang for lang, words in rules.persons.items() if words.has_any(after)}
        preceded = {lang for lang, words in rules.persons.items() if words.has_any(before)}
        guarded = rules.guards_before.has_any(before) and not followed
        if guarded or rules.guards_after.has_any(after):
            continue
        wanted = {_ALWAYS} | followed | preceded
        found += [
            span for span, labels in zip(group.spans, group.labels, strict=True) if labels & wanted
        ]
    return [folded.to_input(start, end, len(text)) for start, end in found]


def _groups(text: str) -> Iterator[Group]:
    """The longest identity words, those joined by a connector in one group."""
    rules = _identity()
    group = Group([], [])
    for start, end, label in sorted(rules.words.find(text), key=lambda hit: (hit.start, -hit.end)):
        if group.spans and start < group.spans[-1][1]:
            if (start, end) == group.spans[-1]:
                group.labels[-1].add(label)
            continue
        if group.spans and text[group.spans[-1][1] : start].strip() not in rules.connectors:
            yield group
            group = Group([], [])
        group.spans.append((start, end))
        group.labels.append({label})
    if group.spans:
        yield group


def _neighbours_before(text: str, start: int) -> list[str]:
    """The last one to three words before `start`; Chinese characters are words of their own."""
    window = text[max(start - _WINDOW, 0) : start].rstrip(_ADJACENT)
    words = [word.lstrip("([{\"'*.,;:!?¿¡") for word in window.split()[-_MAX_NEIGHBOUR_WORDS:]]
    joined = [" ".join(words[-count:]) for count in range(1, len(words) + 1)]
    return joined + [window[-count:] for count in range(1, 5)] * _is_chinese(window[-1:])


def _neighbours_after(text: str, end: int) -> list[str]:
    """The first one to three words after `end`; Chinese characters are words of their own."""
    window = text[end : end + _WINDOW].lstrip(_ADJACENT)
    words = [word.rstrip(")]}\"'*.,;:!?،؟।") for word in window.split()[:_MAX_NEIGHBOUR_WORDS]]
    joined = [" ".join(words[:count]) for count in range(1, len(words) + 1)]
    return joined + [window[:count] for count in range(1, 5)] * _is_chinese(window[:1])


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
