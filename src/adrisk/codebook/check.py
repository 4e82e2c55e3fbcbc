"""The rules of the language files (docs/codebook.md): `python -m adrisk.codebook.check [FILE …]`.

Without a file all language files of the checkout are read; `--complete` asks for all thirty. Every
error names file, key, phrase and reason; the exit code is 1 where there are any.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

from adrisk.codebook.codebook import LANGUAGES, SIGNS
from adrisk.codebook.compile import LANGUAGES_FOLDER
from adrisk.codebook.folding import fold_phrase
from adrisk.codebook.grammar import UNSPACED, parse, writing_of

ANY = "any"
"""The file of cues that need no language."""

KEYS = {
    "cues": SIGNS,
    "stated_sex": ("women", "men", "any"),
    "stated_age_band": ("by_number", "adult", "minor"),
    "identity": (
        "always",
        "beside_person",
        "persons",
        "guards_before",
        "guards_after",
        "connectors",
    ),
}
MIN_CUES = 3
MIN_IDENTITY_WORDS = 90

_SHORTEST_PIECE = {"zh": 2, "ja": 2, "ko": 2, "th": 3, "am": 3}
_SHORTEST_OTHER_PIECE = 4
_SHORTEST_IDENTITY_WORD = {"always": 3, "beside_person": 2}
_MISPLACED = (
    (re.compile(r"\.\.\."), "write … for ..."),
    (re.compile(r"\*\*|##|… ?…"), "a sign is doubled"),
    (re.compile(r"(?<!\S)\*(?!\S)"), "`*` stands alone"),
    (re.compile(r"(?<=[^\s…*])\*(?=[^\s…])"), "`*` inside a word"),
    (re.compile(r"^ ?…|… ?$"), "`…` at an end"),
    (re.compile(r"(?<!\S)# ?…"), "`#` with nothing beside it before `…`"),
    (re.compile(r"^[#*… ]*$"), "no letters"),
    (re.compile(r"\*#|#\*"), "`*` beside `#`"),
)
_GAP_UNSPACED = re.compile(r" …|… ")
_GAP_SPACED = re.compile(r"[^ ]…|…[^ ]")


def file_errors(path: Path) -> list[str]:
    """Every breach of the rules in one language file, named after its language."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, UnicodeDecodeError) as error:
        return [f"{path.name}: not a JSON object with each key once: {error}"]
    if not isinstance(data, dict):
        return [f"{path.name}: not a JSON object"]
    return [f"{path.name}: {error}" for error in _data_errors(path.stem, data)]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if repeated := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"the key {sorted(repeated)} stands twice")
    return dict(pairs)


def _data_errors(language: str, data: dict[str, Any]) -> Iterator[str]:
    yield from _key_errors("the file", data, KEYS, complete=language != ANY)
    for key in filter(data.__contains__, KEYS):
        lists = data[key]
        if not isinstance(lists, dict):
            yield f"{key}: not an object of lists"
            continue
        yield from _key_errors(key, lists, KEYS[key], complete=language != ANY)
        for name, listed in lists.items():
            if isinstance(listed, list) and all(isinstance(phrase, str) for phrase in listed):
                yield from _list_errors(language, key, name, listed)
            else:
                yield f"{key}.{name}: not a list of phrases"
    if language != ANY and isinstance(data.get("identity"), dict):
        yield from _identity_errors(data["identity"])


def _key_errors(where: str, found: Any, known: Any, *, complete: bool) -> Iterator[str]:
    for key in found:
        if key not in known:
            what = "unknown sign" if where == "cues" else "unknown key"
            yield f"{where}: {what} {key!r}"
    for key in known:
        if complete and key not in found:
            yield f"{where}: {key!r} is missing"


def _list_errors(language: str, key: str, name: str, listed: list[str]) -> Iterator[str]:
    where = f"{key}.{name}"
    if key == "cues" and language != ANY and len(listed) < MIN_CUES:
        yield f"{where}: {len(listed)} phrases, at least {MIN_CUES} are needed"
    for phrase in dict.fromkeys(listed):
        for reason in _phrase_errors(language, key, name, phrase):
            yield f"{where}: {phrase!r}: {reason}"
        if listed.count(phrase) > 1:
            yield f"{where}: {phrase!r}: stands twice"


def _phrase_errors(language: str, key: str, name: str, phrase: str) -> Iterator[str]:
    if phrase != normalize("NFC", phrase):
        yield "not in composed form (NFC)"
    if phrase != phrase.lower():
        yield "not in lower case"
    if not phrase.strip() or phrase != " ".join(phrase.split()):
        yield "empty, or blanks doubled or at an end"
        return
    misplaced = [reason for pattern, reason in _MISPLACED if pattern.search(phrase)]
    yield from misplaced
    if language in UNSPACED and "*" in phrase:
        yield "`*` in a language written without spaces"
    if (_GAP_UNSPACED if language in UNSPACED else _GAP_SPACED).search(phrase):
        yield f"`…` {'without' if language in UNSPACED else 'with one'} blank on each side"
    if name == "by_number" and "#" not in phrase:
        yield "no `#` for the age"
    if misplaced:
        return
    if key == "identity":
        yield from _word_errors(language, name, phrase)
    else:
        shortest = _SHORTEST_PIECE.get(language, _SHORTEST_OTHER_PIECE)
        shortest -= key != "cues"  # "m/f" is enough for a table
        parsed = parse(writing_of(language), fold_phrase(phrase))
        piece = parsed.piece(parsed.longest())
        if len(piece.strip()) < shortest and "#" not in phrase:
            yield f"too short: {piece!r} has fewer than {shortest} characters"


def _word_errors(language: str, name: str, word: str) -> Iterator[str]:
    if "…" in word or "#" in word:
        yield "identity words know neither `…` nor `#`"
    shortest = _SHORTEST_IDENTITY_WORD.get(name, 1)
    if language not in _SHORTEST_PIECE and len(fold_phrase(word).strip("*")) < shortest:
        yield f"too short: fewer than {shortest} letters"


def _identity_errors(identity: dict[str, Any]) -> Iterator[str]:
    always, beside = (identity.get(key) or [] for key in ("always", "beside_person"))
    for word in dict.fromkeys(word for word in always if word in beside):
        yield f"identity: {word!r} stands in always and in beside_person"
    if len(always) + len(beside) < MIN_IDENTITY_WORDS:
        yield f"identity: {len(always) + len(beside)} words, at least {MIN_IDENTITY_WORDS} are needed"


def main(arguments: Sequence[str]) -> int:
    """Check the files named, or all; print the errors."""
    complete = "--complete" in arguments
    named = [Path(argument) for argument in arguments if argument != "--complete"]
    paths = named or sorted(LANGUAGES_FOLDER.glob("*.json"))
    errors = [error for path in paths for error in file_errors(path)]
    if not paths:
        errors.append(f"{LANGUAGES_FOLDER}: no language files, which only a checkout has")
    if complete:
        there = {path.stem for path in paths}
        errors += [f"{language}.json: missing" for language in LANGUAGES if language not in there]
    for error in errors:
        print(error)
    print(f"{len(paths)} language files, {len(errors)} errors", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
