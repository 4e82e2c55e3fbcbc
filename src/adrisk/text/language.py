"""The language that a text is written in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from threading import Lock

import regex

from adrisk.text.contacts import PLACEHOLDER

UNDETERMINED = "und"
"""BCP-47 for a text whose language cannot be told."""

_MAX_CHARS = 300
_MIN_LETTERS = 3
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}'’\u200c\u200d-]+")
# Scripts that one living language alone is commonly written in, with the
# share of the text that it must have: no model is asked.
_ONE_LANGUAGE = (
    ("ko", 0.5, regex.compile(r"\p{Hangul}")),
    # Japanese mixes kana with Chinese characters; a lone の decorates Chinese ads too.
    ("ja", 0.2, regex.compile(r"[\p{Hiragana}\p{Katakana}--[\u30fb\u30fc]]", regex.VERSION1)),
    ("th", 0.5, regex.compile(r"\p{Thai}")),
)
# Dead, liturgical and made languages, codes of no language, and near twins that draw short texts
# away from the language they are written in (the ads' "hello my friend" is no Nigerian Pidgin).
_LEFT_OUT = frozenset(
    {"grc", "hbo", "la", "sa", "vo", "ext", "zxx"}
    | {"an", "ary", "arz", "bcl", "fuv", "gcf", "gcr", "jv", "kik", "lb", "lij", "ltg", "nn", "pcm"}
    | {"uzs", "vec", "wa", "wuu", "yue"}
)
_LOADING = Lock()


def detect(text: str) -> str:
    """BCP-47 code of the language of the first 300 letters or so, "und" where nothing can be said.

    Placeholders say nothing of a language and are left out. The model (py3langid, naive Bayes over
    byte n-grams; an npz without pickled objects) loads at the first call that needs it.
    """
    if "[" in text:
        text = PLACEHOLDER.sub(" ", text[: 2 * _MAX_CHARS])
    words = _NOT_LETTERS.sub(" ", text[:_MAX_CHARS]).strip()
    if sum(map(str.isalpha, words)) < _MIN_LETTERS:
        return UNDETERMINED
    if not words.isascii():
        for language, share, script in _ONE_LANGUAGE:
            if len(script.findall(words)) >= share * len(words.replace(" ", "")):
                return language
    return _classifier()(words)[0]


def _classifier() -> Callable[[str], tuple[str, float]]:
    with _LOADING:
        return _load()


@cache
def _load() -> Callable[[str], tuple[str, float]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(set(identifier.labels) - _LEFT_OUT)
    classify: Callable[[str], tuple[str, float]] = identifier.classify
    return classify
