"""Codebook signs, and the sex and age that an ad states, in every language of the codebook at once.

`grammar` says how the phrases are written and `phrases` matches them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from adrisk.codebook.compile import SEPARATOR, compiled
from adrisk.codebook.phrases import Hit, Phrases, fold
from adrisk.records import Span

UNSTATED = "unstated"

_AGES = (10, 99)  # below stand the children of families that seek help, above no ages
_MAJORITY = 18
_NUMBER = re.compile(r"\d+")


@cache
def _cues() -> Phrases:
    return Phrases(compiled()["cues"])


@cache
def _statements() -> Phrases:
    return Phrases(compiled()["stated"])


def find_signs(text: str) -> list[Span]:
    """Signs of the codebook in redacted text, found by their cues, sorted by place.

    Offsets are code points of `text`; overlapping hits of one sign are one span. Linear in the
    length of the text, and the same for any language: cues of all languages are looked for.
    """
    folded = fold(text)
    merged: list[Hit] = []
    for hit in sorted(_cues().find(folded), key=lambda hit: (hit.label, hit.start)):
        last = merged[-1] if merged else None
        if last and last.label == hit.label and hit.start < last.end:
            merged[-1] = last._replace(end=max(last.end, hit.end))
        else:
            merged.append(hit)
    spans = [Span(sign, *folded.to_input(start, end, len(text))) for start, end, sign in merged]
    return sorted(spans, key=lambda span: (span.start, span.end, span.sign))


class Stated(NamedTuple):
    """What an ad states of the people that it seeks or advertises; never a model input.

    `sex` is "women", "men", "any" (both, or either welcome) or UNSTATED; `age_band` is "minor" (an
    age from 10 to 17 is named, or a word for minors), "adult" or UNSTATED.
    """

    sex: str
    age_band: str


def find_stated(text: str) -> Stated:
    """Stated sex and age band of the people in redacted text, for disaggregated tables."""
    folded = fold(text)
    sexes, bands = set(), set()
    for start, end, label in _statements().find(folded):
        key, value = label.split(SEPARATOR)
        if key == "stated_sex":
            sexes.add(value)
        elif value == "by_number":
            ages = [int(number) for number in _NUMBER.findall(folded.text, start, end)]
            ages = [age for age in ages if _AGES[0] <= age <= _AGES[1]]
            if ages:
                bands.add("minor" if min(ages) < _MAJORITY else "adult")
        else:
            bands.add(value)
    sex = UNSTATED if not sexes else "any" if len(sexes) > 1 else sexes.pop()
    age_band = "minor" if "minor" in bands else "adult" if bands else UNSTATED
    return Stated(sex, age_band)
