"""Finds what Unicode disguises: mojibake, invisible characters, fancy letters, emoji digits.

Every finder is one station of `clean`: text -> replacements, each beginning with a cheap test.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import ftfy
import regex
from ftfy.badness import is_bad

from adrisk.text.alignment import Replacement
from adrisk.text.lookalikes import FLAGS, SMALL_CAPITALS

# ---- mojibake

# ftfy's own test takes half a millisecond an ad, so a line is handed to it only where a character
# that a first UTF-8 byte turns into stands before one that no ordinary text puts after it.
_LATIN_UPPER = "\u00c0-\u00df\u0102\u0110\u0139\u0106\u010c\u011e\u0130\u015e\u0160\u017d\u0158\u016e\u0118\u012f"
_SUSPECT = re.compile(
    f"[\x80-\x9f\u00e0-\u00ef{_LATIN_UPPER}\u0101ΒΓΞΟαβВГРСбв√≈¬‚\u2500-\u257f]"
    "(?:(?<=[\x80-\x9f])"  # a C1 control is always a code page gone wrong
    f"|(?<=[{_LATIN_UPPER}])[^\x00-\x7f]|(?<=[ÃÂ])(?:[ \n\xa0]|$)"
    "|(?<=[\u00e0-\u00ef\u0101])[\x80-\xbf\u2010-\u2030\u2039\u203a€ƒˆ˜™ŠšŒœŽžŸ]"
    "|(?<=[ΒΓΞΟαβ])[^\x00-\x7f\u0370-\u03ff]"
    "|(?<=[ВГРСбв])[^\x00-\x7f\u0410-\u044f\u0401\u0451\u0406\u0456\u0407\u0457]"
    "|(?<=[√≈¬‚])[^\x00-\x7f]|(?<=[\u2500-\u257f])[^\x00-\x7f\u2500-\u259f])"
)


def find_mojibake(text: str) -> list[Replacement]:
    """Lines that were decoded with the wrong code page, mended by ftfy; text in order stays."""
    if text.isascii() or not _SUSPECT.search(text):
        return []
    found = []
    start = 0
    for line in text.split("\n"):
        if _SUSPECT.search(line) and is_bad(line):
            mended = ftfy.fix_encoding(line)
            if mended != line:
                found.append(_trimmed(start, line, mended))
        start += len(line) + 1
    return found


def _trimmed(start: int, old: str, new: str) -> Replacement:
    """One replacement without the beginning and the end that `old` and `new` share."""
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    rest = shortest - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return Replacement(start + head, start + len(old) - tail, new[head : len(new) - tail])


# ---- line breaks

_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def find_line_breaks(text: str) -> list[Replacement]:
    """Every other line break than a line feed becomes one."""
    return [Replacement(m.start(), m.end(), "\n") for m in _LINE_BREAK.finditer(text)]


# ---- emoji digits

_EMOJI_DIGIT = re.compile("([0-9])\ufe0f?\u20e3|\U0001f51f")


def find_emoji_digits(text: str) -> list[Replacement]:
    """Keycap emoji 0 to 10 become digits."""
    if text.isascii():
        return []
    return [Replacement(m.start(), m.end(), m[1] or "10") for m in _EMOJI_DIGIT.finditer(text)]


# ---- floods of combining marks

_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_GENERAL = re.compile(f"[{_MARK}]+")
_MOST_MARKS = 8
_FLOODABLE = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u1dff\u20d0-\u2fff\u302a-\u309a\ua66f-\uabff\ufb1e"
    "\ufe20-\ufe2f\U00010000-\U0010ffff]{5}"
)
_FLOOD = regex.compile(rf"[{_MARK}]{{5,}}|\p{{M}}{{{_MOST_MARKS + 1},}}")


def find_floods(text: str) -> list[Replacement]:
    """More than four general combining marks in a row go; marks of one script are cut to eight.

    Stands before normalisation, whose reordering of marks takes quadratic time on a flood.
    """
    if text.isascii() or not _FLOODABLE.search(text):
        return []
    found = []
    for match in _FLOOD.finditer(text):
        run = match.group()
        keep = 0 if _GENERAL.fullmatch(run) else _MOST_MARKS
        found.append(Replacement(match.start() + keep, match.end(), ""))
    return found


# ---- invisible characters

_BLANK = "\u2800\u3164\uffa0"  # drawn as a space, but not a space to any program
_HIDDEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# Sub-national flags and the keycaps # and * are emoji that need their hidden characters.
_HIDDEN_RUN = re.compile(
    "\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f|[#*]\ufe0f\u20e3"
    f"|(?P<run>[{_HIDDEN}{_BLANK}]+)"
)
_ZWSP, _ZWNJ, _ZWJ = "\u200b", "\u200c", "\u200d"
_JOINERS = (_ZWNJ, _ZWJ, "\u180e")  # the last: the Mongolian vowel separator
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]")
# Letters and marks of the scripts that are written with joiners: Arabic, Syriac, the Indic family,
# Tibetan, Myanmar, Khmer, Mongolian and their neighbours.
_JOINING = re.compile(
    "[\u0600-\u07ff\u0840-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1cff\ua800-\ua8ff"
    "\ua980-\uaaff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
# Scripts without blanks between words, in which a zero-width space says where a line may break.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9df]"
)


def find_invisible(text: str) -> list[Replacement]:
    """Runs of characters that nobody sees, cut to what emoji and joining scripts need of them."""
    found = []
    for match in _HIDDEN_RUN.finditer(text):
        run = match["run"]
        if run:
            start, end = match.span()
            needed = _needed(text[max(0, start - 1) : start], run, text[end : end + 1])
            if needed != run:
                found.append(Replacement(start, end, needed))
    return found


def _needed(before: str, run: str, after: str) -> str:
    """What a run of invisible characters between two characters has to keep."""
    if any(blank in run for blank in _BLANK):
        return " "
    if _EMOJI.match(before):
        selector = next((c for c in run if c in "\ufe0e\ufe0f"), "")
        return selector + (_ZWJ if _ZWJ in run and _EMOJI.match(after) else "")
    joiner = next((c for c in run if c in _JOINERS), "")
    if joiner and _joins(before) and (joiner == _ZWJ or _joins(after) or _is_mark(before)):
        return joiner
    return _ZWSP if _ZWSP in run and _UNSPACED.match(before) and _UNSPACED.match(after) else ""


def _joins(character: str) -> bool:
    return bool(_JOINING.match(character)) and unicodedata.category(character)[0] in "LM"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


# ---- normal form

_COMPOSING = regex.compile(
    r"[^\p{M}\u1161-\u1175\u11a8-\u11c2]?[\p{M}\u1161-\u1175\u11a8-\u11c2]+|[^\x00-\x7f]"
)


def find_unnormal(text: str) -> list[Replacement]:
    """Characters that are not in Unicode normal form C, each with its marks."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return []
    found = [
        Replacement(m.start(), m.end(), unicodedata.normalize("NFC", m.group()))
        for m in _COMPOSING.finditer(text)
        if not unicodedata.is_normalized("NFC", m.group())
    ]
    return found or [Replacement(0, len(text), unicodedata.normalize("NFC", text))]


# ---- fancy letters and digits


def _plain_forms() -> dict[int, str]:
    """Fancy letter or digit -> plain, for the blocks that are folded."""
    plain: dict[int, str] = dict(SMALL_CAPITALS)
    blocks = (
        (0xB2, 0xB9),  # superscript digits of Latin-1; its ª and º are Spanish and stay
        (0x2B0, 0x2B8),  # modifier letters
        (0x2E0, 0x2E3),
        (0x1D2C, 0x1D6A),
        (0x2070, 0x209C),  # superscripts and subscripts
        (0x2102, 0x2138),  # letter-like symbols; the emoji ℹ stays
        (0x2460, 0x24FF),  # enclosed alphanumerics
        (0x2776, 0x2793),  # dingbat digits
        (0xFF10, 0xFF5A),  # full-width forms
        (0x1D400, 0x1D7FF),  # mathematical alphanumerics
        (0x1F100, 0x1F149),  # enclosed alphanumeric supplement
    )
    for first, last in blocks:
        for code in range(first, last + 1):
            character = chr(code)
            form = unicodedata.normalize("NFKC", character)
            if form == character and unicodedata.category(character) == "No":
                form = str(int(unicodedata.numeric(character)))
            if form != character and _is_alphanumeric(form, code):
                plain[code] = form
    for first in (0x1F150, 0x1F170, 0x1F1E6):  # negative circled, negative squared, regional
        plain.update({first + i: chr(ord("A") + i) for i in range(26)})
    return plain


def _is_alphanumeric(form: str, code: int) -> bool:
    """One letter or a number, which may stand in brackets or before a full stop or comma."""
    inner = form.strip("().,")
    if inner.isascii():
        return inner.isdecimal() or (len(inner) == 1 and inner.isalpha())
    return code >= 0x1D400 and len(inner) == 1 and inner.isalpha()  # mathematical Greek


def _character_class(codes: Iterable[int]) -> str:
    """The inside of a character class of code points, with ranges, which `re` tests faster."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


_PLAIN = _plain_forms()
_FULL_WIDTH_DIGITS = range(0xFF10, 0xFF1A)  # ordinary in East Asian text
_FANCY_DIGITS = _character_class(
    code
    for code, plain in _PLAIN.items()
    if plain.strip("().,").isdecimal() and code not in _FULL_WIDTH_DIGITS
)
DISGUISED_DIGIT = re.compile(f"[\u20e3\U0001f51f{_FANCY_DIGITS}]")
"""A keycap emoji or a raised, enclosed or mathematical digit in raw text."""
_EMOJI_LETTERS = frozenset("Ⓜ🅰🅱🅾🅿")  # emoji where they stand alone
_REGIONAL = "\U0001f1e6-\U0001f1ff"
_SMALL = "".join(map(chr, SMALL_CAPITALS))
_FANCY = _character_class(_PLAIN.keys() - SMALL_CAPITALS.keys() - set(range(0x1F1E6, 0x1F200)))
# Some small capitals are letters of the phonetic alphabet, so one alone is let be.
_FOLDED = re.compile(f"[{_FANCY}]+|[{_REGIONAL}]+|[{_SMALL}]{{2,}}")


def find_folded(text: str) -> list[Replacement]:
    """Runs of full-width, mathematical, enclosed, raised and small-capital letters and digits."""
    if text.isascii():
        return []
    return [
        Replacement(m.start(), m.end(), m.group().translate(_PLAIN))
        for m in _FOLDED.finditer(text)
        if m.group() not in _EMOJI_LETTERS and not _are_flags(m.group())
    ]


def _are_flags(run: str) -> bool:
    letters = run.translate(_PLAIN)
    if not "\U0001f1e6" <= run[0] <= "\U0001f1ff" or len(letters) % 2:
        return False
    return all(letters[i : i + 2] in FLAGS for i in range(0, len(letters), 2))


# ---- the cheap test in front of all of these

_UNUSUAL_ASCII = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
# `re` tests characters above U+FFFF range by range, so there whole blocks stand for the letters.
_UNUSUAL = re.compile(
    f"[{_HIDDEN}{_BLANK}\x0b-\x0d\x85\u2028\u2029\u20e3{_SMALL}"
    f"{_character_class(c for c in _PLAIN if c <= 0xFFFF)}"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff\U0001f51f]"
)


def is_unusual(text: str) -> bool:
    """Whether a line break, an emoji digit, anything invisible or fancy can be in the text."""
    return bool((_UNUSUAL_ASCII if text.isascii() else _UNUSUAL).search(text))
