"""Phones written with digits alone, in the habits of many countries.

Fictional and foreign numbers count too, so national validity is not asked for: a run of 7 to 15
digits is a phone unless its shape or its neighbours say that it is something else (an amount, a
date, hours, a range, an id). What it is not stands in `phone_shapes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from phonenumbers import NumberParseException, is_valid_number, national_significant_number, parse

from adrisk.text.contact import Contact, Glance, ascii_digits
from adrisk.text.phone_shapes import (
    WIDE_SIGNS,
    ascii_shape,
    is_id_or_local,
    is_number_list,
    is_other_shape,
    is_phone_shape,
    known_shapes,
    without_amounts,
)

MIN_DIGITS, MAX_DIGITS = 7, 15
"""Digits of the shortest local phone and of the longest (ITU-T E.164)."""

_LEAST_BESIDE_LONE = 9
_SPACE = r"[^\S\n\r]"
_SEPARATOR = rf"{_SPACE}?(?:[().\-‐‑‒–—/{WIDE_SIGNS[1:]}]{_SPACE}?){{0,3}}"
# Possessive: digits and separators are disjoint, so nothing is ever tried twice.
_CANDIDATE = re.compile(rf"\d++(?:{_SEPARATOR}\d++)*+")
_LEAD = re.compile(rf"(?:[+＋]{_SPACE}?\(?|\([+＋]?)\Z")
_POSTAL_CODE = re.compile(r"\d\d-\d{3}")  # "ul. Toruńska 103 85-817"
_NOT_SPACE = re.compile(r"\S+")
_PARTS = re.compile(r"[^/–—－−ー／-]+")


class Chunk(NamedTuple):
    """A stretch of a candidate without white space, at code points [start, end)."""

    start: int
    end: int
    text: str
    digits: str


def find_phones(text: str, looked: Glance) -> Iterator[Contact]:
    """Phones in plain digits, of any script."""
    if looked.digits < MIN_DIGITS:
        return
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        if end - start < MIN_DIGITS:
            continue
        if lead := _LEAD.search(text[max(start - 3, 0) : start]):
            start -= len(lead[0])
        start, end = without_amounts(text, start, end)
        if end - start < MIN_DIGITS or is_other_shape(text[start:end].strip()):
            continue
        for first, last in _phones_of(_chunks(text, start, end)):
            if not is_id_or_local(text, first, last):
                if text[first] == "(" and ")" not in text[first:last]:
                    first += 1
                yield Contact("phone", first, last, normalise_phone(text[first:last]))


def normalise_phone(number: str) -> str:
    """National digits, equal for the international and the local way to write a number.

    The country code goes where it can be told (behind "+" or "00", or in 11 digits and more that
    are a valid number so), then zeros in front, then the trunk digit 1, 7 or 8 of 11 digits.
    """
    digits = ascii_digits(number)
    if "+" in number or "＋" in number:
        digits = _national(digits, must_be_valid=False)
    elif digits.startswith("00"):
        digits = _national(digits[2:], must_be_valid=False)
    elif len(digits) > 11 or (len(digits) == 11 and digits[0] not in "0178"):
        digits = _national(digits, must_be_valid=True)
    digits = digits.lstrip("0") or digits
    return digits[1:] if len(digits) == 11 and digits[0] in "178" else digits


def _national(digits: str, *, must_be_valid: bool) -> str:
    try:
        number = parse("+" + digits)
    except NumberParseException:
        return digits
    national = national_significant_number(number)
    if len(national) < MIN_DIGITS or (must_be_valid and not is_valid_number(number)):
        return digits
    return national


def _chunks(text: str, start: int, end: int) -> list[Chunk]:
    """The stretches of a candidate between white space, dashes between two numbers left out."""
    chunks = []
    for match in _NOT_SPACE.finditer(text, start, end):
        spans = [match.span()]
        if len(ascii_digits(match[0])) > MAX_DIGITS:
            spans = [part.span() for part in _PARTS.finditer(text, *match.span())]
        for first, last in spans:
            digits = ascii_digits(text[first:last])
            if len(spans) > 1 and len(digits) < MIN_DIGITS:
                continue  # "392/630/635/668/769/325": bus lines, not phones in a row
            if digits or text[first:last] in ("+", "＋"):
                chunks.append(Chunk(first, last, ascii_shape(text[first:last]), digits))
    return chunks


def _phones_of(chunks: list[Chunk]) -> Iterator[tuple[int, int]]:
    """Spans of the phones in the chunks of one candidate."""
    group: list[Chunk] = []
    for index, chunk in enumerate(chunks):
        if _is_other(chunk, group, is_last=index == len(chunks) - 1):
            yield from _phones_of_group(group)
            group = []
        else:
            group.append(chunk)
    yield from _phones_of_group(group)


def _is_other(chunk: Chunk, before: list[Chunk], *, is_last: bool) -> bool:
    """Whether a chunk is a date, hours or an age range that stands beside a phone.

    A short range at the end belongs to the phone where it fills it up to ten or eleven digits, as
    in "8 916 555 12-34"; a round group within a phone ("138 0000 0000") is no amount.
    """
    if "-" not in chunk.text and "/" not in chunk.text and len(chunk.digits) < 7:
        return False
    total = sum(len(c.digits) for c in before) + len(chunk.digits) if is_last else 0
    if _POSTAL_CODE.fullmatch(chunk.text) and 0 < total <= 8:
        return True
    if not is_other_shape(chunk.text):
        return False
    return total not in (10, 11) or len(chunk.digits) != 4


def _phones_of_group(group: list[Chunk]) -> Iterator[tuple[int, int]]:
    """Phones of chunks that could be one number, or several in a row."""
    if len(group) > 1 and any(len(chunk.digits) >= 9 for chunk in group):
        yield from _whole_chunks(group)
        return
    total = sum(len(chunk.digits) for chunk in group)
    if total < MIN_DIGITS:
        return
    if total > (MAX_DIGITS if _is_international(group[0]) else 12):
        shapes = list(known_shapes([len(chunk.digits) for chunk in group]))
        if shapes or total > MAX_DIGITS:
            for first, last in shapes:
                yield from _one_phone(group[first:last])
            return
    yield from _one_phone(group)


def _whole_chunks(group: list[Chunk]) -> Iterator[tuple[int, int]]:
    """Chunks of nine digits and more are phones of their own, with a country code in front."""
    for index, chunk in enumerate(group):
        if 9 <= len(chunk.digits) <= MAX_DIGITS:
            before = group[index - 1] if index else None
            if (
                before
                and len(before.digits) <= 5
                and (_is_international(before) or before.digits in ("1", "7", "8"))
            ):
                yield from _one_phone([before, chunk])
            else:
                yield from _one_phone([chunk])


def _is_international(chunk: Chunk) -> bool:
    return chunk.text.startswith(("+", "(+", "00"))


def _one_phone(group: list[Chunk]) -> Iterator[tuple[int, int]]:
    for part in (group, *_without_lone_digit(group)):
        text = " ".join(chunk.text for chunk in part)
        if not is_number_list(text) and is_phone_shape(text):
            yield part[0].start, part[-1].end
            return


def _without_lone_digit(group: list[Chunk]) -> Iterator[list[Chunk]]:
    """The group without a single digit at its end or head: "202 555 0143 4 girls"."""
    for lone, rest in ((group[-1], group[:-1]), (group[0], group[1:])):
        if len(lone.text) == 1 and sum(len(chunk.digits) for chunk in rest) >= _LEAST_BESIDE_LONE:
            yield rest
