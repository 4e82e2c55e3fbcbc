"""Language files -> the compiled codebook: folded phrases by the piece that is looked for.

The wheel holds the compiled file (hatch_build.py at the repository's root writes it) and no
language files; a checkout compiles the language files when they are first needed. Standard library
alone, so that a build needs none of the project's dependencies.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from adrisk.codebook.folding import fold_phrase, fold_table, letter_kinds
from adrisk.codebook.grammar import parse, spellings, writing_of

LANGUAGES_FOLDER = Path(__file__).with_name("languages")
COMPILED_FILE = Path(__file__).with_name("compiled.json")

SEPARATOR = "\t"
_NEIGHBOURS = ("persons", "guards_before", "guards_after")
_PUNCTUATION = ("", ",", "/", "&", "+", "،", "、", "-")

Written = tuple[str, str, str]
"""(label, language, phrase as written)"""


@cache
def compiled() -> dict[str, Any]:
    """The compiled codebook: the wheel's file, in a checkout the language files compiled now."""
    if COMPILED_FILE.exists():
        loaded: dict[str, Any] = json.loads(COMPILED_FILE.read_text(encoding="utf-8"))
        return loaded
    return compile_languages(read_languages(LANGUAGES_FOLDER))


def write_compiled(languages_folder: Path, path: Path) -> None:
    """Compile the language files of a folder into one file: what the wheel holds."""
    compiled_languages = compile_languages(read_languages(languages_folder))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(compiled_languages, ensure_ascii=False), encoding="utf-8")


def read_languages(folder: Path) -> dict[str, dict[str, Any]]:
    """The language files of a folder by language."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def compile_languages(languages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """JSON types: the tables of folding and letters, and phrases of cues, statements, identity."""
    table = fold_table()
    return {
        "fold": ["".join(map(chr, table)), "".join(to or "\0" for to in table.values())],
        "letters": [(len(list(run)), kind) for kind, run in groupby(letter_kinds())],
        "cues": compile_phrases(_listed(languages, "cues")),
        "stated": compile_phrases(
            (f"{key}{SEPARATOR}{label}", language, phrase)
            for key in ("stated_sex", "stated_age_band")
            for label, language, phrase in _listed(languages, key)
        ),
        "identity": _identity(languages),
    }


def compile_phrases(phrases: Iterable[Written]) -> dict[str, Any]:
    """Phrases by their longest piece: `pieces`, and for each piece its `phrases` and `open` ends.

    A piece's phrases are one string, a line each: label, writing, folded phrase. `open` is a string
    with a digit a piece, 0 to 3: one of its phrases lets it begin (1), end (2) inside a word.
    """
    by_piece: dict[str, dict[str, None]] = {}
    opens: dict[str, int] = {}
    for label, language, written in phrases:
        writing = writing_of(language)
        for folded in spellings(language, written):
            phrase = parse(writing, folded)
            piece = phrase.piece(phrase.longest())
            by_piece.setdefault(piece, {})[SEPARATOR.join((label, writing, folded))] = None
            begin, end = phrase.open_ends()
            opens[piece] = opens.get(piece, 0) | begin | end << 1
    return {
        "pieces": list(by_piece),
        "phrases": ["\n".join(lines) for lines in by_piece.values()],
        "open": "".join(str(opens[piece]) for piece in by_piece),
    }


def _listed(languages: dict[str, dict[str, Any]], key: str) -> Iterator[Written]:
    for language, data in languages.items():
        for label, written in data.get(key, {}).items():
            yield from ((label, language, phrase) for phrase in written)


def _identity(languages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    rules = {
        language: data["identity"] for language, data in languages.items() if "identity" in data
    }
    words = (
        (f"{language}{SEPARATOR}{key}", language, word)
        for language, rule in rules.items()
        for key in ("always", "beside_person")
        for word in rule[key]
    )
    connectors = {fold_phrase(word) for rule in rules.values() for word in rule["connectors"]}
    return compile_phrases(words) | {
        "connectors": [*_PUNCTUATION, *sorted(connectors)],
        "neighbours": {
            language: {
                key: list(dict.fromkeys(f for word in rule[key] for f in spellings(language, word)))
                for key in _NEIGHBOURS
            }
            for language, rule in rules.items()
        },
    }
