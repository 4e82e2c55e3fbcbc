"""Finds words in disguise: look-alike letters of another script, and spaced-out letters."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from adrisk.text.alignment import Replacement
from adrisk.text.lookalikes import ARMENIAN, CHEROKEE, CYRILLIC, GREEK, LATIN, RANGES, TO_SCRIPT

# ---- look-alike letters

_MARKS = "\u0300-\u036f"
_SCRIPT = {script: re.compile(f"[{letters}]") for script, letters in RANGES.items()}
_WORD = re.compile(f"[{''.join(RANGES.values())}{_MARKS}]+")
_OTHERS = "".join(RANGES[script] for script in (GREEK, ARMENIAN, CHEROKEE))
_FOREIGN = re.compile(f"[{RANGES[CYRILLIC]}{_OTHERS}]")


def _border(rare: str, common: str) -> re.Pattern[str]:
    """A letter of the first class beside a letter of the second, in either order."""
    return re.compile(
        f"[{rare}](?:(?=[{_MARKS}]*+[{common}])|(?<=[{common}].)|(?<=[{common}][{_MARKS}].))"
    )


_BORDERS = (
    _border(RANGES[LATIN] + _OTHERS, RANGES[CYRILLIC]),
    _border(_OTHERS, RANGES[LATIN]),
)


def _is_mixed(text: str) -> bool:
    return any(border.search(text) for border in _BORDERS)


def find_lookalikes(text: str) -> list[Replacement]:
    """Words of mixed script that look-alike letters can bring to one script."""
    if text.isascii() or not _FOREIGN.search(text) or not _is_mixed(text):
        return []
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        if _is_mixed(word) and (new := _in_one_script(word)) != word:
            found.append(Replacement(match.start(), match.end(), new))
    return found


def _script(letter: str) -> str:
    """The script of a letter; "" for a combining mark."""
    return next((script for script, of in _SCRIPT.items() if of.match(letter)), "")


def _in_one_script(word: str) -> str:
    """The word in the script that most of its letters have, where the others all look like it.

    The others may be at most twice as many as the letters that are of that script already.
    """
    scripts = [(letter, script) for letter in word if (script := _script(letter))]
    tally = Counter(script for _, script in scripts)
    if _is_compound(scripts):
        return word
    for target, own in sorted(tally.items(), key=lambda item: (-item[1], item[0] != LATIN)):
        if target == GREEK and own == 1:
            continue  # a unit or a symbol, as in "kΩ" and "Δt"
        table = TO_SCRIPT.get(target, {})
        foreign = [ord(letter) for letter, script in scripts if script != target]
        if len(foreign) <= 2 * own and all(letter in table for letter in foreign):
            return word.translate(table)
    return word


def _is_compound(scripts: list[tuple[str, str]]) -> bool:
    """A Latin word with an ending of another script, as in "SMSки": no disguise, so left alone."""
    turn = next(i for i, (_, script) in enumerate(scripts) if script != scripts[0][1])
    if len({script for _, script in scripts[turn:]}) > 1 or scripts[0][1] != LATIN:
        return False
    acronym = "".join(letter for letter, _ in scripts[:turn])
    return turn >= 2 and (len(scripts) - turn >= 2 or acronym.isupper())


# ---- spaced-out letters

# Letters of alphabets; where a syllable or a word is one character, spacing is ordinary writing.
_ALPHABETIC = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\u0386\u0388-\u03ff\u1f00-\u1fff"
    "\u0400-\u0481\u048a-\u052f\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u0620-\u063f\u0641-\u064a"
    "\u0671-\u06d3\u10d0-\u10fa"
)
_BLANK = r" \u00a0\u2000-\u200a\u202f\u205f\u3000"
_SIGN = r"._*\-~·•"
_LETTER = rf"(?<![^\W_])[{_ALPHABETIC}](?![^\W_]|[\u0300-\u036f])"
_SIGNATURE = re.compile(rf"([{_BLANK}{_SIGN}])[^\W\d_]\1[^\W\d_]\1")
_SPACED = re.compile(
    rf"{_LETTER}([{_BLANK}]){_LETTER}(?:\1{{1,3}}{_LETTER}){{2,}}"
    # With signs the run must stand alone: "a.b.c.d.example.com" and addresses are no disguise.
    rf"|(?<![^\W_][{_SIGN}])(?<![/@=]){_LETTER}([{_SIGN}]){_LETTER}(?:\2{{1,3}}{_LETTER}){{2,}}"
    rf"(?!\2[^\W_]|[/@=])"
)
_LEAST_LETTERS = 4
_MOST_INITIALS = 5


def find_spaced(text: str) -> list[Replacement]:
    """Runs of at least four spaced-out letters, joined; a doubled separator parts words.

    Runs that mostly go through the alphabet ("A B C D") are lists, and up to five dotted capitals
    ("U.S.S.R.") an abbreviation: both stay.
    """
    if not _SIGNATURE.search(text):
        return []
    found = []
    for match in _SPACED.finditer(text):
        separator = match[1] or match[2]
        words = [
            word.replace(separator, "")
            for word in re.split(f"[{re.escape(separator)}]{{2,}}", match.group())
        ]
        if max(map(len, words)) >= _LEAST_LETTERS and not _is_list(words, separator):
            found.append(Replacement(match.start(), match.end(), " ".join(words)))
    return found


def _is_list(words: list[str], separator: str) -> bool:
    letters = "".join(words)
    if separator == "." and letters.isupper() and len(letters) <= _MOST_INITIALS:
        return True
    steps = sum(ord(b) - ord(a) == 1 for a, b in pairwise(letters))
    return 2 * steps > len(letters) - 1
