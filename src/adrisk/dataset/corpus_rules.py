"""The rules of the seed corpus (data/README.md): `python -m adrisk.dataset.corpus_rules [FOLDER]`.

Every error names file, line and reason; the exit code is 1 where there are any. `--complete` asks
for all thirty languages with their number of ads and of test ads.

What no rule here can see stays with the writers and reviewers: explicit text without a word of
the list in explicit_words.txt, and phones spelled out in words.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adrisk.codebook.codebook import CATEGORIES, LANGUAGES, SIGNS
from adrisk.dataset.explicit_words import is_explicit
from adrisk.records import AdType
from adrisk.text.contacts import find_contacts

MIN_ADS = 60
"""Ads that a complete corpus has in each language."""

TEST_SHARE = (0.30, 0.35)
"""Smallest and largest share of a language's ads that is its test part: about a third."""

PARTS = ("train", "test")
FIELDS = {
    "id": str,
    "language": str,
    "part": str,
    "ad_type": str,
    "title": str,
    "text": str,
    "risk_level": int,
    "categories": list,
    "indicators": list,
    "kind": str,
    "hard_negative": bool,
    "origin": str,
}
SEED = Path("data/seed")

_EXAMPLE_DOMAIN = re.compile(r"(?:[\w-]+\.)*example\.(?:com|org|net)", re.I)
_DOMAIN = re.compile(
    r"(?:@|https?://|www\.)((?:[a-z0-9-]+\.)+[a-z]{2,})"
    r"|\b((?:[a-z0-9-]+\.)+(?:com|org|net|info|biz|ru|cn|vn|in|fr|es|me|io|app))\b",
    re.I,
)
_HANDLE = re.compile(r"(?<![\w.])@[\w.]+")
_DIGIT_RUN = re.compile(r"\+?\d(?:[\s().*_/-]{0,2}\d){8,}")  # \d: digits of every script
_FICTIONAL_PHONE = re.compile(r"1?20255501\d\d")
_GROUPED_NUMBER = re.compile(r"\d{1,3}(?:[ .,]\d{3})+")

Ad = dict[str, Any]


def ad_errors(ad: Ad, language: str) -> Iterator[str]:
    """What is wrong with one ad of the file of `language`."""
    if set(ad) != set(FIELDS):
        yield f"fields missing or unknown: {sorted(set(ad) ^ set(FIELDS))}"
        return
    if wrong := [name for name, kind in FIELDS.items() if type(ad[name]) is not kind]:
        yield f"wrong type in {wrong}"
        return
    if ad["language"] != language or not ad["id"].startswith(f"{language}-"):
        yield "language or id does not fit the file"
    if ad["ad_type"] not in set(AdType):
        yield "unknown ad_type"
    if ad["part"] not in PARTS:
        yield f"part is none of {', '.join(PARTS)}"
    if not ad["text"].strip() or not ad["kind"] or not ad["origin"]:
        yield "blank text, kind or origin"
    yield from _span_errors(ad)
    yield from _label_errors(ad)
    for field in ("title", "text"):
        yield from _contact_errors(ad[field])
        if is_explicit(ad[field], language):
            yield f"an explicit word in {field}"


def _span_errors(ad: Ad) -> Iterator[str]:
    for indicator in ad["indicators"]:
        keys = set(indicator) if isinstance(indicator, dict) else set()
        if keys != {"sign", "field", "start", "end"} or indicator["sign"] not in SIGNS:
            yield f"indicator {indicator} is not a known sign with field, start and end"
            continue
        sign, field, start, end = (indicator[key] for key in ("sign", "field", "start", "end"))
        whole = type(start) is int and type(end) is int
        if field not in ("title", "text") or not whole or not 0 <= start < end <= len(ad[field]):
            yield f"the span of {sign} is outside its field"
        elif not ad[field][start:end].strip():
            yield f"the span of {sign} is blank"
        if sign == "minor_hint" and ad["ad_type"] == AdType.ESCORT:
            yield "minor_hint in an escort ad"


def _label_errors(ad: Ad) -> Iterator[str]:
    if not 0 <= ad["risk_level"] <= 6:
        yield "risk_level is not between 0 and 6"
    if unknown := [category for category in ad["categories"] if category not in CATEGORIES]:
        yield f"unknown categories {unknown}"
    if (ad["risk_level"] >= 4) > bool(ad["categories"]):
        yield "risky without a category"
    if ad["risk_level"] <= 2 and ad["categories"]:
        yield "not risky, but with a category"
    if ad["hard_negative"] and (ad["risk_level"] > 2 or not ad["indicators"]):
        yield "a hard negative is not risky and carries a sign"


def _contact_errors(text: str) -> Iterator[str]:
    """Contacts that might be someone's: by plain patterns, and by what the redactor finds."""
    plain = unicodedata.normalize("NFKC", text)
    contacts = [contact for contact in find_contacts(plain) if not contact.obscured]
    found = {kind: [c.value for c in contacts if c.kind == kind] for kind, *_ in contacts}
    domains = [match[1] or match[2] for match in _DOMAIN.finditer(plain)]
    domains += [re.split(r"[@/?#:]", value.split("://")[-1])[0] for value in found.get("link", [])]
    domains += [value.rpartition("@")[2] for value in found.get("email", [])]
    if not all(map(_EXAMPLE_DOMAIN.fullmatch, domains)):
        yield "a domain other than example.com, .org, .net"
    phones = [run for run in _DIGIT_RUN.findall(plain) if not _GROUPED_NUMBER.fullmatch(run)]
    if not all(map(_FICTIONAL_PHONE.fullmatch, map(_digits, phones + found.get("phone", [])))):
        yield "a phone outside +1-202-555-0100 to 0199"
    handles = _HANDLE.findall(plain) + found.get("handle", []) + found.get("messenger_id", [])
    if not all("example" in handle.lower() for handle in handles):
        yield "a handle or messenger id without the word example"


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())


def read_corpus(folder: Path) -> tuple[list[Ad], list[str]]:
    """The sound ads of a folder's <language>.jsonl files, and the errors with file and line."""
    ads: list[Ad] = []
    errors: list[str] = []
    seen: dict[str, dict[str, str]] = {"id": {}, "text": {}}
    for path in sorted(folder.glob("*.jsonl")):
        try:
            lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            errors.append(f"{path.name}: not UTF-8: {error}")
            continue
        for number, line in enumerate(lines, 1):
            where = f"{path.name}, line {number}"
            ad, found = _read_line(line, path.stem)
            found += _repeats(ad, where, seen)
            ads += [] if found else [ad]
            errors += [f"{where}: {error}" for error in found]
    return ads, errors or ([] if ads else [f"{folder}: no ads"])


def _read_line(line: str, language: str) -> tuple[Ad, list[str]]:
    try:
        ad = json.loads(line)
    except json.JSONDecodeError as error:
        return {}, [f"not JSON: {error}"]
    if not isinstance(ad, dict):
        return {}, ["not a JSON object"]
    return ad, list(ad_errors(ad, language))


def _repeats(ad: Ad, where: str, seen: dict[str, dict[str, str]]) -> list[str]:
    errors = []
    for key in filter(ad.__contains__, seen):
        value = " ".join(str(ad[key]).casefold().split())
        if value in seen[key]:
            errors.append(f"same {key} as {seen[key][value]}")
        seen[key].setdefault(value, where)
    return errors


def balance_errors(ads: Sequence[Ad]) -> Iterator[str]:
    """What the corpus as a whole lacks."""
    risky = [ad for ad in ads if ad["risk_level"] >= 4]
    benign = [ad for ad in ads if ad["risk_level"] <= 2]
    if sum(ad["hard_negative"] for ad in benign) * 2 < len(benign):
        yield "fewer than half of the non-risky ads are hard negatives"
    for name, some in (("risky", risky), ("non-risky", benign)):
        signs = {indicator["sign"] for ad in some for indicator in ad["indicators"]}
        if missing := [sign for sign in SIGNS if sign not in signs]:
            yield f"signs in no {name} ad: {missing}"
    categories = {category for ad in ads for category in ad["categories"]}
    if missing := [category for category in CATEGORIES if category not in categories]:
        yield f"categories in no ad: {missing}"
    if unused := sorted(set(range(7)) - {ad["risk_level"] for ad in ads}):
        yield f"levels in no ad: {unused}"


def completeness_errors(ads: Sequence[Ad], languages: Sequence[str] = LANGUAGES) -> Iterator[str]:
    """Languages that are missing, or short of ads, or whose test part is not about a third."""
    sizes = Counter(ad["language"] for ad in ads)
    tests = Counter(ad["language"] for ad in ads if ad["part"] == "test")
    for language in [*languages, *sorted(sizes.keys() - set(languages))]:
        n_ads, n_test = sizes[language], tests[language]
        if language not in languages:
            yield f"{language}.jsonl: not one of the {len(languages)} languages"
        elif not n_ads:
            yield f"{language}.jsonl: the language is missing"
        elif n_ads < MIN_ADS:
            yield f"{language}.jsonl: {n_ads} ads, at least {MIN_ADS} are needed"
        elif not TEST_SHARE[0] <= n_test / n_ads <= TEST_SHARE[1]:
            yield f"{language}.jsonl: {n_test} of {n_ads} ads are test, not about a third"


def main(arguments: Sequence[str]) -> int:
    """Check one folder and print its errors."""
    complete = "--complete" in arguments
    folders = [Path(argument) for argument in arguments if argument != "--complete"] or [SEED]
    errors: list[str] = []
    for folder in folders:
        ads, found = read_corpus(folder)
        whole = [*balance_errors(ads), *(completeness_errors(ads) if complete else ())]
        errors += found or whole
    for error in errors:
        print(error)
    print(f"{', '.join(map(str, folders))}: {len(errors)} errors", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
