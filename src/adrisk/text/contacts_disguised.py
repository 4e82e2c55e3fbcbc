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

from adrisk.text.contact import BLANK, Contact, Glance, ascii_digits
from adrisk.text.contacts_phone import normalise_phone
from adrisk.text.number_words import CHINESE_DIGITS, FILLERS, LETTER_DIGITS, NUMBER_WORDS, REPEATS
from adrisk.text.phone_shapes import WIDE_SIGNS, is_other_shape

_MIN_DIGITS, _MAX_DIGITS = 7, 32
_MAX_SINGLES = 20
_MAX_GAP = 6
_REACH = 80
_MAX_DATE_ATOMS = 6

_CHINESE = "".join(CHINESE_DIGITS)
_ATOM = regex.compile(
    rf"(?P<digits>\p{{Nd}}+)|(?P<chinese>[{_CHINESE}])|[\p{{Han}}--[{_CHINESE}]]+"
    r"|(?P<word>[\p{L}--\p{Han}][\p{L}\p{M}--\p{Han}]*)",
    regex.VERSION1,
)
# What shows that a text may hold one, each beginning with a digit so that the search is quick.
_LETTER_BEHIND_DIGIT = re.compile(r"\d[-.]?[oOоОοΟlIi]{1,4}(?![^\W\d_])")
_ODD_GAP = re.compile(
    rf"\d(?:[^\w\s().,:;%/–—+{WIDE_SIGNS}-]{{1,4}}|\s?[^\w\s().,:;%/–—+$€£¥₹₽{WIDE_SIGNS}-]\s?|_|,)\d"
)
_DIGITS_APART = re.compile(r"\d(?:[^\w]{1,6}\d(?!\d)){6}")
_CHINESE_RUN = re.compile(rf"[{_CHINESE}](?:[^\w\n]{{0,3}}[{_CHINESE}\d]){{2}}")
_PLAIN_GAP = re.compile(rf"\s?(?:[().\-‐‑‒–—/{WIDE_SIGNS[1:]}]\s?){{0,3}}")
_TIME_OR_LIST = re.compile(r"[:：]|[,;，、]\s|、")
_UNIT_BEHIND = re.compile(
    r"[:：]\d|(?:am|pm|hrs?|h|k|km|kg|br|bhk|yrs?|min|days?)(?![^\W\d_])", re.IGNORECASE
)
_NOT_TIGHT = re.compile(r"[^\s().\-]")
_NEVER_IN_GAP = regex.compile(rf"[{BLANK}\p{{Sc}}%°]|\n.*\n", regex.DOTALL)
_GLUABLE = sorted((w for w in NUMBER_WORDS if w.isascii() and len(w) > 2), key=len, reverse=True)
_GLUED_WORDS = regex.compile(rf"(?P<part>{'|'.join(_GLUABLE)})+")
_GLUED_STARTS = frozenset(word[:3] for word in _GLUABLE)
_GLUED_LENGTHS = range(6, 60)
# Everyday words of some language: a number is not looked for around these alone, unless a digit
# stands in front.
_WEAK_WORDS = frozenset(
    {"do", "un", "une", "uno", "una", "um", "uma", "ein", "due", "sei", "char", "one", "ten"}
    | {"dix", "sept", "раз", "دو", "نه", "नौ", "ست", "ba", "hai"}
)
_WORD_SET = frozenset(NUMBER_WORDS)
_WORD_BEFORE = regex.compile(r"(\p{Nd}+|\p{L}[\p{L}\p{M}]*)[^\p{L}\p{Nd}]{0,6}\Z")
_WORD_AFTER = regex.compile(r"[^\p{L}\p{Nd}]{0,6}(\p{Nd}+|\p{L}[\p{L}\p{M}]*)")
_TELLING_WORDS = _WORD_SET - _WEAK_WORDS
_WEAK_BEHIND_DIGIT = re.compile(
    rf"\d[^\w\n]{{0,3}}(?:{'|'.join(sorted(_WEAK_WORDS))})(?![^\W\d_])", re.IGNORECASE
)
_YEAR_OR_ROUND = re.compile(r"(?:19|20)\d\d|[1-9]\d*00")


class Atom(NamedTuple):
    """Digits at code points [start, end), written as `kind`: digits, word, words (glued), letter or filler."""

    start: int
    end: int
    kind: str
    digits: str
    gap: str


def find_disguised_phones(text: str, looked: Glance) -> Iterator[Contact]:
    """Phones in disguise: number words, letters for digits, odd signs between digits."""
    for first, last in _windows(text, looked):
        for run in _runs(text, first, last):
            part = _phone_part(_trimmed(run, text), text)
            if part:
                start, end = part[0].start, part[-1].end
                if text[start - 1 : start] == "+":
                    start -= 1
                yield Contact("phone", start, end, normalise_phone(_digits(part)), True)


def _windows(text: str, looked: Glance) -> Iterator[tuple[int, int]]:
    """Stretches of the text that are worth reading atom by atom: most texts have none."""
    places = list(_places(text, looked))
    if not places:
        return
    places.sort()
    first, last = places[0]
    for start, end in places[1:]:
        if start - last > 2 * _REACH:
            yield max(first - _REACH, 0), last + _REACH
            first = start
        last = max(last, end)
    yield max(first - _REACH, 0), last + _REACH


def _places(text: str, looked: Glance) -> Iterator[tuple[int, int]]:
    """Where signs of a disguise stand."""
    if not looked.known.isdisjoint(_WORD_SET):
        spelled = sum(1 for word in looked.words if word in _WORD_SET)
        if 2 * spelled + looked.digits >= _MIN_DIGITS:
            for start, end in looked.places(_TELLING_WORDS):
                if _has_neighbour(looked.lower, start, end):
                    yield start, end
            yield from (match.span() for match in _WEAK_BEHIND_DIGIT.finditer(text))
    if looked.digits >= 4:
        yield from (match.span() for match in _LETTER_BEHIND_DIGIT.finditer(text))
    if looked.digits >= _MIN_DIGITS:
        yield from (match.span() for match in _ODD_GAP.finditer(text))
        yield from (match.span() for match in _DIGITS_APART.finditer(text))
    if not looked.rare.isdisjoint(_CHINESE):
        yield from (match.span() for match in _CHINESE_RUN.finditer(text))
    glued = frozenset(w for w in looked.known if w[:3] in _GLUED_STARTS and _glued(w))
    if glued:
        yield from looked.places(glued)


def _has_neighbour(lower: str, start: int, end: int) -> bool:
    """Whether a digit or another number word stands beside the number word at lower[start:end]."""
    before = _WORD_BEFORE.search(lower, max(start - 24, 0), start)
    after = _WORD_AFTER.match(lower, end, end + 24)
    return any(
        match is not None
        and (
            match[1] in _WORD_SET
            or match[1] in FILLERS
            or match[1] in REPEATS
            or _is_short(match[1])
        )
        for match in (before, after)
    )


def _is_short(token: str) -> bool:
    """Whether a token is digits, or one letter, which may stand for a digit."""
    return token.isdecimal() or len(token) == 1


def _runs(text: str, first: int, last: int) -> Iterator[list[Atom]]:
    """Runs of atoms in text[first:last] whose gaps can stand inside one number."""
    run: list[Atom] = []
    for match in _ATOM.finditer(text, first, last):
        kind, digits = _read(match)
        if not kind:
            if run:
                yield run
            run = []
            continue
        if run and run[-1].kind == "filler":
            repeats = REPEATS.get(text[run[-1].start : run[-1].end].lower(), 1)
            digits = digits[:1] * repeats + digits[1:]
        gap = text[run[-1].end : match.start()] if run else ""
        atom = Atom(match.start(), match.end(), kind, digits, gap)
        if run and not _joins(run[-1], atom, text):
            yield run
            run = []
        run.append(atom)
    if run:
        yield run


def _read(match: regex.Match[str]) -> tuple[str, str]:
    """Kind and digits of a token; "" where it is an ordinary word."""
    token: str = match[0]
    if match["digits"]:
        return "digits", ascii_digits(token)
    if match["chinese"]:
        return "word", CHINESE_DIGITS[token]
    if not match["word"]:
        return "", ""
    word = token.lower()
    if word in NUMBER_WORDS:
        return "word", NUMBER_WORDS[word]
    if len(word) <= 4 and all(letter in LETTER_DIGITS for letter in token):
        return "letter", "".join(LETTER_DIGITS[letter] for letter in token)
    if word in REPEATS or word in FILLERS:
        return "filler", ""
    glued = _glued(word)
    kind = "words" if len(glued) > 3 else "word"
    return (kind, "".join(NUMBER_WORDS[part] for part in glued)) if glued else ("", "")


def _glued(word: str) -> list[str]:
    """The number words that a word is made of, as in "twozerotwo"; empty for any other word."""
    if word[:3] not in _GLUED_STARTS or len(word) not in _GLUED_LENGTHS:
        return []
    match = _GLUED_WORDS.fullmatch(word)
    return match.captures("part") if match else []


def _joins(before: Atom, atom: Atom, text: str) -> bool:
    """Whether the gap between two atoms can stand inside one number."""
    gap = atom.gap
    if len(gap) > _MAX_GAP or "+" in gap or _NEVER_IN_GAP.search(gap):
        return False
    if len(before.digits) == len(atom.digits) == 1:
        return True
    if "\n" in gap:
        return False
    if _TIME_OR_LIST.search(gap):
        return not (before.kind == atom.kind == "digits" or ":" in gap or "：" in gap)
    if "letter" in (before.kind, atom.kind) and _has_space(gap):
        # "600 o 700" is a sentence; "555 o143" hangs together.
        if atom.kind == "letter":
            return text[atom.end : atom.end + 1].isdecimal()
        return text[before.start - 1 : before.start].isdecimal()
    if before.kind == atom.kind == "digits" and not _PLAIN_GAP.fullmatch(gap):
        return len(before.digits) <= 4 and len(atom.digits) <= 4
    return True


def _trimmed(run: list[Atom], text: str) -> list[Atom]:
    """The run without what stands at its ends and belongs to the sentence around it."""
    while run and run[-1].kind == "filler":
        run = run[:-1]
    while run and run[0].kind == "filler":
        run = run[1:]
    run = _without_strays(run, text)
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


def _without_strays(run: list[Atom], text: str) -> list[Atom]:
    """The run without an hour behind it ("… 0143 9am") or a lone digit behind another sign."""
    run = _without_dates(run, text)
    if len(run) > 1 and _has_space(run[-1].gap) and _UNIT_BEHIND.match(text, run[-1].end):
        run = run[:-1]
    if len(run) > _MIN_DIGITS and len(run[-1].digits) == 1 and _is_stray(run[-1], run[1:-1]):
        run = run[:-1]
    if len(run) > _MIN_DIGITS and len(run[0].digits) == 1 and _is_stray(run[1], run[2:]):
        run = run[1:]
    return run


def _without_dates(run: list[Atom], text: str) -> list[Atom]:
    """The run without a date, hours or a range at its head or tail, parted by white space."""
    for count in range(min(_MAX_DATE_ATOMS, len(run) - 1), 1, -1):
        rest = run[count:]
        if _has_space(rest[0].gap) and _is_date(run[:count], text) and _total(rest) >= _MIN_DIGITS:
            run = rest
            break
    for count in range(min(_MAX_DATE_ATOMS, len(run) - 1), 1, -1):
        rest, tail = run[:-count], run[-count:]
        if _has_space(tail[0].gap) and _is_date(tail, text) and _total(rest) >= _MIN_DIGITS:
            return rest
    return run


def _is_date(atoms: list[Atom], text: str) -> bool:
    return (
        all(atom.kind == "digits" for atom in atoms)
        and any(len(atom.digits) > 1 for atom in atoms)
        and is_other_shape(text[atoms[0].start : atoms[-1].end])
    )


def _is_stray(atom: Atom, others: list[Atom]) -> bool:
    """Whether a comma or a line break parts an atom from the rest and stands nowhere else in it."""
    return any(
        sign in atom.gap and not any(sign in other.gap for other in others) for sign in ",;，、\n"
    )


def _phone_part(run: list[Atom], text: str) -> list[Atom]:
    """The atoms of the run that are a phone in disguise; empty where none are."""
    if not _MIN_DIGITS <= _total(run) <= _MAX_DIGITS or _is_counting(run):
        return []
    if any(atom.kind != "digits" for atom in run):
        return run if _is_spelled(run, text) else []
    singles = [index for index, atom in enumerate(run) if len(atom.digits) == 1]
    if len(singles) >= _MIN_DIGITS and singles[-1] - singles[0] == len(singles) - 1:
        part = run[singles[0] : singles[-1] + 1]
        part = part if len(part) >= 10 or _total(run) > 13 else run
        return part if len(part) <= _MAX_SINGLES and not _is_pairs(part) else []
    odd = [i for i, atom in enumerate(run) if i and not _PLAIN_GAP.fullmatch(atom.gap)]
    core = run[odd[0] - 1 : odd[-1] + 1] if odd else run
    return next((part for part in (run, core) if _has_odd_gaps(part)), [])


def _is_spelled(run: list[Atom], text: str) -> bool:
    """Whether number words or letters are mixed in the way of a phone, not of a sentence."""
    words = sum({"word": 1, "words": 3}.get(atom.kind, 0) for atom in run)
    letters = sum(1 for atom in run if atom.kind == "letter")
    if words >= 3:
        return True
    if _is_glued(text, run[0].start, run[-1].end):
        return False
    if letters and not words:
        return sum(len(atom.digits) for atom in run if atom.kind == "digits") >= 4
    if words + letters >= 2:
        return not any(a.kind == "digits" and _YEAR_OR_ROUND.fullmatch(a.digits) for a in run)
    return _total(run) > _MIN_DIGITS and all(
        _is_tight(before, atom, text) for before, atom in pairwise(run)
    )


def _is_tight(before: Atom, atom: Atom, text: str) -> bool:
    """Whether a lone word hangs on the digits beside it, as in "202-555-01four3"."""
    word = next((a for a in (before, atom) if a.kind == "word"), None)
    if word is None:
        return not _NOT_TIGHT.search(atom.gap)
    # The numeral 一 between two numbers is a dash: "2300一2650".
    return atom.gap in ("", "-", ".", "_") and text[word.start] not in _CHINESE


def _is_glued(text: str, start: int, end: int) -> bool:
    """Whether an ASCII letter, digit or sign of an id touches text[start:end]."""
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    return (before.isascii() and (before.isalnum() or before in ("_", "#"))) or (
        after.isascii() and (after.isalnum() or after == "_")
    )


def _is_pairs(run: list[Atom]) -> bool:
    """Whether single digits stand in pairs, as in versions "7.1/6.2/6.1" and shifts "2-2, 3-1"."""
    gaps = [atom.gap.strip() for atom in run[1:]]
    return (
        len(set(gaps[0::2])) == 1 and gaps[0] in (".", "-", "/", ":") and gaps[0] not in gaps[1::2]
    )


def _has_odd_gaps(run: list[Atom]) -> bool:
    """Whether groups of digits are held together by one odd sign: "202*555*0143".

    Groups of three behind commas are an amount ("10,000,000.00") or a list.
    """
    odd = [atom.gap.strip() for atom in run[1:] if not _PLAIN_GAP.fullmatch(atom.gap)]
    digits = [atom.digits for atom in run]
    return (
        len(odd) >= 2
        and len(set(odd)) == 1
        and 10 <= _total(run) <= 13
        and max(map(len, digits)) <= 4
        and {len(atom.digits) for atom in run if "," in atom.gap} != {3}
        and not any(_YEAR_OR_ROUND.fullmatch(group) for group in digits)
        and not all(int(a) < int(b) for a, b in pairwise(digits))
    )


def _is_counting(run: list[Atom]) -> bool:
    """Whether the run counts up one by one, as "one two three …" or "1 2 3 4 5 6 7" do."""
    return len(run) > 2 and all(
        b.digits.isdigit() and a.digits.isdigit() and int(b.digits) == int(a.digits) + 1
        for a, b in pairwise(run)
    )


def _digits(run: list[Atom]) -> str:
    """The digits of a run, with hundreds, tens and units in words added up ("vingt-trois" is 23)."""
    digits = ""
    zeros = 0  # at the end of the round number word in front: so many digits may take their place
    for atom in run:
        fits = atom.kind == "word" and len(atom.digits) <= zeros and atom.digits != "0"
        digits = (digits[: -len(atom.digits)] if fits else digits) + atom.digits
        if atom.kind == "word" and (fits or (len(atom.digits) > 1 and atom.digits != "10")):
            zeros = len(atom.digits) - len(atom.digits.rstrip("0"))
        elif atom.kind != "filler":
            zeros = 0
    return digits


def _total(run: list[Atom]) -> int:
    return sum(len(atom.digits) for atom in run)


def _has_space(gap: str) -> bool:
    return any(map(str.isspace, gap))


def _gap_after(run: list[Atom], index: int) -> str:
    return run[index + 1].gap if index + 1 < len(run) else ""
