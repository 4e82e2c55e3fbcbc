"""The seed corpus keeps its own rules: format, spans, labels, balance, and no real contact."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from adrisk.codebook.codebook import CATEGORIES, SIGNS

SEED = Path(__file__).parents[1] / "data" / "seed"
LANGUAGES = {"en", "es", "fr", "ru", "ar", "hi", "zh", "vi"}
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
EXAMPLE_DOMAIN = re.compile(r"(?:[\w-]+\.)*example\.(?:com|org|net)", re.I)
DOMAIN = re.compile(
    r"(?:@|https?://|www\.)((?:[a-z0-9-]+\.)+[a-z]{2,})"
    r"|\b((?:[a-z0-9-]+\.)+(?:com|org|net|info|biz|ru|cn|vn|in|fr|es|me|io|app))\b",
    re.I,
)
DIGIT_RUN = re.compile(r"\+?\d(?:[\s().*_/-]{0,2}\d){8,}")
FICTIONAL_PHONE = re.compile(r"1?20255501\d\d")
GROUPED_NUMBER = re.compile(r"\d{1,3}(?:[ .,]\d{3})+")


def span_errors(ad):
    for indicator in ad["indicators"]:
        sign, field = indicator.get("sign"), indicator.get("field")
        start, end = indicator.get("start"), indicator.get("end")
        if set(indicator) != {"sign", "field", "start", "end"} or sign not in SIGNS:
            yield f"indicator {indicator} is not a known sign with field, start and end"
        elif field not in ("title", "text") or not 0 <= start < end <= len(ad[field]):
            yield f"the span of {sign} is outside its field"
        elif not ad[field][start:end].strip():
            yield f"the span of {sign} is blank"


def label_errors(ad):
    if not 0 <= ad["risk_level"] <= 6:
        yield "risk_level is not between 0 and 6"
    if unknown := set(ad["categories"]) - set(CATEGORIES):
        yield f"unknown categories {sorted(unknown)}"
    if (ad["risk_level"] >= 4) > bool(ad["categories"]):
        yield "risky without a category"
    if ad["risk_level"] <= 2 and ad["categories"]:
        yield "not risky, but with a category"
    if ad["hard_negative"] and (ad["risk_level"] > 2 or not ad["indicators"]):
        yield "a hard negative is not risky and carries a sign"


def contact_errors(ad):
    both = unicodedata.normalize("NFKC", f"{ad['title']}\n{ad['text']}")
    for match in DOMAIN.finditer(both):
        if not EXAMPLE_DOMAIN.fullmatch(match[1] or match[2]):
            yield "a domain other than example.com, .org, .net"
    for match in DIGIT_RUN.finditer(both):
        digits = "".join(str(unicodedata.digit(c)) for c in match[0] if c.isdigit())
        if not GROUPED_NUMBER.fullmatch(match[0]) and not FICTIONAL_PHONE.fullmatch(digits):
            yield "a phone outside +1-202-555-01xx"


def ad_errors(ad, language):
    """What is wrong with one ad of the file of `language`."""
    if set(ad) != set(FIELDS):
        yield f"fields missing or unknown: {sorted(set(ad) ^ set(FIELDS))}"
        return
    if wrong := [name for name, kind in FIELDS.items() if type(ad[name]) is not kind]:
        yield f"wrong type in {wrong}"
        return
    if ad["language"] != language or not ad["id"].startswith(f"{language}-"):
        yield "language or id does not fit the file"
    if ad["ad_type"] not in ("job", "escort", "other"):
        yield "unknown ad_type"
    if ad["part"] not in ("train", "test"):
        yield "part is neither train nor test"
    if not ad["text"].strip() or not ad["kind"] or not ad["origin"]:
        yield "blank text, kind or origin"
    yield from span_errors(ad)
    yield from label_errors(ad)
    yield from contact_errors(ad)


def validate(folder):
    """All ads of a folder of JSONL files, and all errors, each naming file and line."""
    ads, errors = [], []
    seen = {"id": {}, "text": {}}
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{path.name}, line {number}"
            try:
                ad = json.loads(line)
            except json.JSONDecodeError as error:
                errors.append(f"{where}: not JSON: {error}")
                continue
            found = list(ad_errors(ad, path.stem))
            for key, known in seen.items():
                if ad.get(key) in known:
                    found.append(f"same {key} as {known[ad[key]]}")
                known[ad.get(key)] = where
            errors += [f"{where}: {error}" for error in found]
            ads.append(ad)
    return ads, errors


@pytest.fixture(scope="module")
def seed():
    return validate(SEED)


def test_no_ad_breaks_a_rule(seed):
    assert seed[1] == []


def test_at_least_forty_training_ads_in_each_of_eight_languages(seed):
    counts = Counter(ad["language"] for ad in seed[0] if ad["part"] == "train")
    assert set(counts) >= LANGUAGES
    assert min(counts.values()) >= 40


def test_every_language_has_a_test_part_of_its_own(seed):
    languages = {ad["language"] for ad in seed[0]}
    counts = Counter(ad["language"] for ad in seed[0] if ad["part"] == "test")
    assert set(counts) == languages
    assert min(counts.values()) >= 18


def test_at_least_half_of_the_non_risky_ads_are_hard_negatives(seed):
    non_risky = [ad for ad in seed[0] if ad["risk_level"] <= 2]
    assert sum(ad["hard_negative"] for ad in non_risky) * 2 >= len(non_risky)


def test_every_sign_stands_in_risky_and_in_benign_ads(seed):
    def signs(ads):
        return {indicator["sign"] for ad in ads for indicator in ad["indicators"]}

    assert signs(ad for ad in seed[0] if ad["risk_level"] >= 4) == set(SIGNS)
    assert signs(ad for ad in seed[0] if ad["risk_level"] <= 2) == set(SIGNS)


def test_every_category_and_level_occurs(seed):
    assert {category for ad in seed[0] for category in ad["categories"]} == set(CATEGORIES)
    assert {ad["risk_level"] for ad in seed[0]} == set(range(7))


GOOD = {
    "id": "en-001",
    "language": "en",
    "part": "train",
    "ad_type": "job",
    "title": "Cook",
    "text": "No experience needed, call +1-202-555-0143, pay 1 800 000 000",
    "risk_level": 1,
    "categories": [],
    "indicators": [{"sign": "no_skills_gate", "field": "text", "start": 0, "end": 20}],
    "kind": "cook",
    "hard_negative": True,
    "origin": "handwritten",
}
SPAN = GOOD["indicators"][0]


def written(folder, *lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "en.jsonl").write_text(text, encoding="utf-8")
    return validate(folder)[1]


def test_a_good_ad_has_no_error(tmp_path):
    assert written(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk_level": 7}, "risk_level is not between"),
        ({"risk_level": "1"}, "wrong type in ['risk_level']"),
        ({"risk_level": True}, "wrong type"),
        ({"risk_level": 5, "hard_negative": False}, "risky without a category"),
        ({"categories": ["forced_labour"]}, "not risky, but with a category"),
        ({"categories": ["crime"]}, "unknown categories ['crime']"),
        ({"indicators": []}, "a hard negative"),
        ({"indicators": [SPAN | {"sign": "luck"}]}, "not a known sign"),
        ({"indicators": [SPAN | {"field": "body"}]}, "outside its field"),
        ({"indicators": [SPAN | {"end": 900}]}, "outside its field"),
        ({"indicators": [SPAN | {"end": 0}]}, "outside its field"),
        ({"indicators": [SPAN | {"start": 2, "end": 3}]}, "blank"),
        ({"language": "fr"}, "does not fit the file"),
        ({"ad_type": "news"}, "unknown ad_type"),
        ({"text": "No experience, call +1 212 555 0143"}, "a phone outside"),
        ({"text": "No experience, call ٢٠٢٥٥٥٩٩٩٩"}, "a phone outside"),
        ({"text": "No experience, call 2*1*2 5*5*5 0*1*4*3"}, "a phone outside"),
        ({"text": "No experience, write to cook@kitchen.org"}, "a domain other"),
        ({"text": "No experience, https://notexample.com/x"}, "a domain other"),
        ({"text": "No experience, see kitchen.com/jobs"}, "a domain other"),
        ({"part": "held out"}, "part is neither"),
        ({"extra": 1}, "fields missing or unknown: ['extra']"),
    ],
)
def test_a_broken_ad_is_named_with_file_and_line(tmp_path, change, message):
    other = GOOD | {"id": "en-002", "text": GOOD["text"] + "!"}
    errors = written(tmp_path, other, GOOD | change)
    assert errors
    assert all(error.startswith("en.jsonl, line 2: ") for error in errors)
    assert any(message in error for error in errors)


def test_broken_json_and_repeated_ads_are_named(tmp_path):
    assert written(tmp_path, GOOD, '{"id": ', GOOD) == [
        "en.jsonl, line 2: not JSON: Expecting value: line 1 column 8 (char 7)",
        "en.jsonl, line 3: same id as en.jsonl, line 1",
        "en.jsonl, line 3: same text as en.jsonl, line 1",
    ]
