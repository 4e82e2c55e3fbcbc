"""Phones written so as to get past a filter: number words, letters for digits, digits set apart.

The text is read as digit atoms (digits, number words, look-alike letters) and the gaps between
them; a run of atoms with small gaps is a phone when its digits and its disguise add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import regex

from adrisk.text.contact import BLANK, Contact, ascii_digits
from adrisk.text.contacts_phone import normalise_phone
from adrisk.text.number_words import CHINESE_DIGITS, LETTER_DIGITS, NUMBER_WORDS, REPEATS

_MIN_DIGITS, _MAX_DIGITS = 7, 32
_MAX_SINGLES = 20
_MAX_GAP = 6

_CHINESE = "".join(CHINESE_DIGITS)
_ATOM = regex.compile(
    rf"(?P<digits>\p{{Nd}}+)|(?P<chinese>[{_CHINESE}])|(?P<word>[\p{{L}}--[{_CHINESE}]][\p{{L}}\p{{M}}--[{_CHINESE}]]*)",
    regex.VERSION1,
)
_LETTER_BESIDE_DIGIT = re.compile(r"\d[-.]?[oOоОοΟlIi]|[oOоОοΟlIi][-.]?\d")
_DIGIT_APART = re.compile(r"(?<!\d)\d(?!\d)")
_ODD_GAP = re.compile(r"\d[^\w\s().,:;%/–—+-]{1,4}\d|\d(?:\s?[^\w\s().,:;%/–—+$€£¥₹₽-]\s?|_|,)\d")
_CHINESE_RUN = re.compile(rf"(?:[{_CHINESE}\d][^\w\n]{{0,3}}){{7}}")
_PLAIN_GAP = re.compile(r"\s?(?:[().\-‐‑‒–—/]\s?){0,3}")
_NEVER_IN_GAP = regex.compile(rf"[{BLANK}\p{{Sc}}%°]|\n.*\n", regex.DOTALL)
_GLUABLE = sorted((w for w in NUMBER_WORDS if w.isascii() and len(w) > 2), key=len, reverse=True)
_GLUED_WORDS = regex.compile(rf"(?P<part>{'|'.join(_GLUABLE)})+")
_GLUED_STARTS = frozenset(word[:3] for word in _GLUABLE)
_GLUED_LENGTHS = range(6, 60)
_YEAR_OR_ROUND = re.compile(r"(?:19|20)\d\d|\d+00")


class Atom(NamedTuple):
    """Digits at code points [start, end), written as `kind`: digits, word or letter."""

    start: int
    end: int
    kind: str
    digits: str
    gap: str


def find_disguised_phones(text: str, words: list[str], digit_count: int) -> Iterator[Contact]:
    """Phones in disguise. `words` are the text's words, `digit_count` its decimal digits."""
    if not _may_hold_one(text, words, digit_count):
        return
    for run in _runs(text):
        run = _phone_part(_trimmed(run, text))
        if run:
            start, end = run[0].start, run[-1].end
            if text[start - 1 : start] == "+":
                start -= 1
            digits = "".join(atom.digits for atom in run)
            yield Contact("phone", start, end, normalise_phone(digits), True)


def _may_hold_one(text: str, words: list[str], digit_count: int) -> bool:
    """Cheap tests first: most texts end here."""
    spelled = sum(1 for word in words if word in NUMBER_WORDS)
    if spelled and spelled * 2 + digit_count >= _MIN_DIGITS:
        return True
    if digit_count >= 4 and _LETTER_BESIDE_DIGIT.search(text):
        return True
    if digit_count >= _MIN_DIGITS and (
        _ODD_GAP.search(text) or len(_DIGIT_APART.findall(text)) >= _MIN_DIGITS
    ):
        return True
    if not text.isascii() and _CHINESE_RUN.search(text):
        return True
    return any(len(word) > 9 and _glued(word) for word in words)


def _runs(text: str) -> Iterator[list[Atom]]:
    """Runs of atoms whose gaps can stand inside one number."""
    run: list[Atom] = []
    for match in _ATOM.finditer(text):
        kind, digits = _read(match)
        if not kind:
            if run:
                yield run
            run = []
            continue
        if run and run[-1].kind == "repeat":
            digits = digits[:1] * REPEATS[text[run[-1].start : run[-1].end].lower()] + digits[1:]
        gap = text[run[-1].end : match.start()] if run else ""
        atom = Atom(match.start(), match.end(), kind, digits, gap)
        if run and not _joins(run[-1], atom):
            yield run
            run = []
        run.append(atom)
    if run:
        yield run


def _read(match: regex.Match[str]) -> tuple[str, str]:
    """Kind and digits of a token; "" where it is an ordinary word."""
    token = match[0]
    if match["digits"]:
        return "digits", ascii_digits(token)
    if match["chinese"]:
        return "word", CHINESE_DIGITS[token]
    word = token.lower()
    if word in NUMBER_WORDS:
        return "word", NUMBER_WORDS[word]
    if len(word) <= 4 and all(letter in LETTER_DIGITS for letter in token):
        return "letter", "".join(LETTER_DIGITS[letter] for letter in token)
    if word in REPEATS:
        return "repeat", ""
    glued = _glued(word)
    return ("word", "".join(NUMBER_WORDS[part] for part in glued)) if glued else ("", "")


def _glued(word: str) -> list[str]:
    """The number words that a word is made of, as in "twozerotwo"; empty for any other word."""
    if word[:3] not in _GLUED_STARTS or len(word) not in _GLUED_LENGTHS:
        return []
    match = _GLUED_WORDS.fullmatch(word)
    return match.captures("part") if match else []


def _joins(before: Atom, atom: Atom) -> bool:
    """Whether the gap between two atoms can stand inside one number."""
    gap = atom.gap
    if len(gap) > _MAX_GAP or _NEVER_IN_GAP.search(gap):
        return False
    has_space = _has_space(gap)
    are_single = len(before.digits) == len(atom.digits) == 1
    if "letter" in (before.kind, atom.kind) and has_space and not are_single:
        return False
    if "\n" in gap or "+" in gap:
        return are_single and "+" not in gap
    if before.kind == atom.kind == "digits" and not _PLAIN_GAP.fullmatch(gap):
        return len(before.digits) <= 4 and len(atom.digits) <= 4 and (are_single or ":" not in gap)
    return True


def _trimmed(run: list[Atom], text: str) -> list[Atom]:
    """The run without what stands at its ends and belongs to the sentence around it."""
    while run and run[-1].kind == "repeat":
        run = run[:-1]
    if len(run) > 1 and _has_space(run[-1].gap) and text[run[-1].end : run[-1].end + 1].isalpha():
        run = run[:-1]  # "… 0143 9am"
    first, last = 0, len(run)
    while first < last and run[first].kind != "digits" and _has_space(_gap_after(run, first)):
        first += 1
    while last > first and run[last - 1].kind != "digits" and _has_space(run[last - 1].gap):
        last -= 1
    core = run[first:last]
    # "for one: 202-555-0143": digits that are a whole phone by themselves are plain.
    if len(core) < len(run) and all(a.kind == "digits" for a in core) and _total(core) >= 10:
        return core
    return run


def _phone_part(run: list[Atom]) -> list[Atom]:
    """The atoms of the run that are a phone in disguise; empty where none are."""
    if not _MIN_DIGITS <= _total(run) <= _MAX_DIGITS or _is_counting(run):
        return []
    if any(atom.kind != "digits" for atom in run):
        return run if _is_spelled(run) else []
    singles = [index for index, atom in enumerate(run) if len(atom.digits) == 1]
    if len(singles) >= _MIN_DIGITS and singles[-1] - singles[0] == len(singles) - 1:
        part = run[singles[0] : singles[-1] + 1]
        part = part if len(part) >= 10 or _total(run) > 13 else run
        return part if len(part) <= _MAX_SINGLES else []
    return run if _has_odd_gaps(run) else []


def _is_spelled(run: list[Atom]) -> bool:
    """Whether number words or letters are mixed in the way of a phone, not of a sentence."""
    words = sum(1 for atom in run if atom.kind == "word")
    letters = sum(1 for atom in run if atom.kind == "letter")
    if words >= 3:
        return True
    if letters and not words:
        return sum(len(atom.digits) for atom in run if atom.kind == "digits") >= 4
    has_amount = any(
        atom.kind == "digits" and _YEAR_OR_ROUND.fullmatch(atom.digits) for atom in run
    )
    if words + letters >= 2:
        return not has_amount
    # One word counts only where it is glued to digits: "202-555-01four3".
    return _total(run) > _MIN_DIGITS and all(
        not _has_space(atom.gap) or "word" not in (before.kind, atom.kind)
        for before, atom in pairwise(run)
    )


def _has_odd_gaps(run: list[Atom]) -> bool:
    """Whether groups of digits are held together by one odd sign: "202*555*0143"."""
    odd = [atom.gap.strip() for atom in run[1:] if not _PLAIN_GAP.fullmatch(atom.gap)]
    digits = [atom.digits for atom in run]
    return (
        len(odd) >= 2
        and len(set(odd)) == 1
        and 10 <= _total(run) <= 13
        and max(map(len, digits)) <= 4
        and not any(_YEAR_OR_ROUND.fullmatch(group) for group in digits)
        and not all(int(a) < int(b) for a, b in pairwise(digits))
    )


def _is_counting(run: list[Atom]) -> bool:
    """Whether the run counts up one by one, as "one two three …" or "1 2 3 4 5 6 7" do."""
    return all(
        b.digits.isdigit() and a.digits.isdigit() and int(b.digits) == int(a.digits) + 1
        for a, b in pairwise(run)
    )


def _total(run: list[Atom]) -> int:
    return sum(len(atom.digits) for atom in run)


def _has_space(gap: str) -> bool:
    return any(map(str.isspace, gap))


def _gap_after(run: list[Atom], index: int) -> str:
    return run[index + 1].gap if index + 1 < len(run) else ""
