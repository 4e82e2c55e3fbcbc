"""The seed corpus keeps its rules, and a breach is named with file, line and reason."""

import json
from pathlib import Path

import pytest

from adrisk.codebook.codebook import CATEGORIES, LANGUAGES, SIGNS
from adrisk.dataset import explicit_words
from adrisk.dataset.corpus_rules import (
    MIN_ADS,
    balance_errors,
    completeness_errors,
    main,
    read_corpus,
)
from adrisk.dataset.explicit_words import digest

SEED = Path(__file__).parents[2] / "data" / "seed"


def test_the_seed_corpus_keeps_its_rules():
    ads, errors = read_corpus(SEED)
    assert errors == []
    assert list(balance_errors(ads)) == []


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
    return read_corpus(folder)[1]


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
        ({"text": "No experience, see https://kitchen.example/jobs"}, "a domain other"),
        ({"text": "No experience, call +१ २१२ ५५५ ०१४३"}, "a phone outside"),
        ({"text": "No experience, call +๑ ๒๑๒ ๕๕๕ ๐๑๔๓"}, "a phone outside"),
        ({"title": "+1 212 555 0143"}, "a phone outside"),
        ({"text": "No experience, write @kitchen_27"}, "without the word example"),
        ({"text": "No experience, telegram: kitchen_27"}, "without the word example"),
        ({"indicators": [SPAN | {"end": "9"}]}, "outside its field"),
        ({"indicators": ["no_skills_gate"]}, "not a known sign"),
        ({"categories": [{}]}, "unknown categories"),
        ({"ad_type": "escort", "indicators": [SPAN | {"sign": "minor_hint"}]}, "minor_hint in"),
        ({"part": "held out"}, "part is none of"),
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


def test_repeats_are_named_over_all_files(tmp_path):
    shouted = GOOD | {"id": "fr-001", "language": "fr", "text": f" {GOOD['text'].upper()}"}
    (tmp_path / "fr.jsonl").write_text(json.dumps(shouted), encoding="utf-8")
    assert written(tmp_path, GOOD) == ["fr.jsonl, line 1: same text as en.jsonl, line 1"]


def test_lines_that_are_no_ads_are_named(tmp_path):
    assert written(tmp_path, "[]", "", GOOD) == [
        "en.jsonl, line 1: not a JSON object",
        "en.jsonl, line 2: not JSON: Expecting value: line 1 column 1 (char 0)",
    ]
    (tmp_path / "en.jsonl").write_bytes(b"\xff")
    assert read_corpus(tmp_path)[1][0].startswith("en.jsonl: not UTF-8")
    assert read_corpus(tmp_path / "nowhere") == ([], [f"{tmp_path / 'nowhere'}: no ads"])


@pytest.mark.parametrize(
    "text",
    [
        "No experience, call 2025550143, +1 (202) 555-0199, ٢٠٢٥٥٥٠١٤٣, plus two oh two five five",
        "No experience, pay 12.000.000, see www.jobs.example.org/x or me@mail.example.com",
        "No experience, write @work_example.27, telegram: example_27",
    ],
)
def test_fictional_contacts_are_let_through(tmp_path, text):
    assert written(tmp_path, GOOD | {"text": text}) == []


def sized(**languages):
    """Ads of (number, number of test ads) a language."""
    return [
        GOOD | {"language": language, "part": "test" if number < n_test else "train"}
        for language, (n_ads, n_test) in languages.items()
        for number in range(n_ads)
    ]


@pytest.mark.parametrize("sizes", [(60, 18), (60, 20), (60, 21), (66, 22), (66, 23), (66, 20)])
def test_a_complete_corpus_has_no_error(sizes):
    assert list(completeness_errors(sized(**dict.fromkeys(LANGUAGES, sizes)))) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sw": (0, 0)}, "sw.jsonl: the language is missing"),
        ({"am": (59, 20)}, f"am.jsonl: 59 ads, at least {MIN_ADS} are needed"),
        ({"th": (60, 17)}, "th.jsonl: 17 of 60 ads are test, not about a third"),
        ({"th": (60, 24)}, "th.jsonl: 24 of 60 ads are test, not about a third"),
        ({"eo": (60, 20)}, "eo.jsonl: not one of the 30 languages"),
    ],
)
def test_an_incomplete_corpus_is_named(change, error):
    assert len(LANGUAGES) == 30
    ads = sized(**(dict.fromkeys(LANGUAGES, (60, 20)) | change))
    assert list(completeness_errors(ads)) == [error]


def balanced():
    """The smallest corpus that lacks nothing."""
    ads = []
    for level in range(7):
        spans = [SPAN | {"sign": sign} for sign in SIGNS]
        categories = list(CATEGORIES) if level >= 4 else []
        ads.append(GOOD | {"risk_level": level, "indicators": spans, "categories": categories})
        ads[-1]["hard_negative"] = level <= 2
    return ads


def test_a_balanced_corpus_has_no_error():
    assert list(balance_errors(balanced())) == []


@pytest.mark.parametrize(
    ("levels", "change", "error"),
    [
        ((0, 1), {"hard_negative": False}, "fewer than half of the non-risky ads"),
        ((4, 5, 6), {"indicators": [SPAN]}, "signs in no risky ad: ['pay_too_good'"),
        ((0, 1, 2), {"indicators": [SPAN]}, "signs in no non-risky ad: ['pay_too_good'"),
        ((4, 5, 6), {"categories": ["forced_labour"]}, "categories in no ad: ['sexual_"),
        ((3,), {"risk_level": 4}, "levels in no ad: [3]"),
    ],
)
def test_an_unbalanced_corpus_is_named(levels, change, error):
    ads = [ad | change if ad["risk_level"] in levels else ad for ad in balanced()]
    (found,) = balance_errors(ads)
    assert found.startswith(error)


def test_the_command_prints_errors_and_fails(tmp_path, capsys):
    written(tmp_path, GOOD | {"part": "later"})
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == "en.jsonl, line 1: part is none of train, test\n"
    assert main([str(SEED)]) == 0
    assert main([str(tmp_path), "--complete"]) == 1


def test_an_explicit_word_is_named_without_being_repeated(tmp_path, monkeypatch):
    monkeypatch.setattr(explicit_words, "_digests", lambda: frozenset([digest("flumble")]))
    (error,) = written(tmp_path, GOOD | {"title": "Cook, flumble"})
    assert error == "en.jsonl, line 1: an explicit word in title"
