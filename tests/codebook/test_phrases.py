"""Folding and the grammar of phrases."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.codebook.phrases import MAX_GAP, MAX_INFLECTION, Phrases, fold


def found(phrase, text, language="en"):
    folded = fold(text)
    hits = Phrases([("label", language, phrase)]).find(folded.text)
    return [text[slice(*folded.to_input(hit.start, hit.end, len(text)))] for hit in hits]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÉCOLE Đặng Ñandú", "ecole dang nandu"),
        ("İstanbul", "istanbul"),
        ("Ёжик Йод", "ежик иод"),
        ("أنثى سوريّة مـحل", "انثي سوريه محل"),
        ("ज़रूरी", "जरूरी"),
        ("don’t — a\u200bb", "don't - ab"),
        ("a \n\t\xa0 b\n", "a b "),
        ("包吃住，微信", "包吃住，微信"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text).text == folded


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text(alphabet="aİ \u200b\n\u0301é\ud800包"))
def test_folded_offsets_lead_back_into_the_text(text):
    folded = fold(text)
    if folded.offsets is None:
        assert len(folded.text) == len(text)
    else:
        assert len(folded.offsets) == len(folded.text)
        assert (np.diff(folded.offsets) > 0).all()
    for start in range(len(folded.text)):
        low, high = folded.to_input(start, start + 1, len(text))
        assert 0 <= low < high <= len(text)
        assert fold(text[low:high]).text == folded.text[start]


def test_folding_never_lengthens_any_character():
    for code in range(sys.maxunicode + 1):
        if code < 0x3000 or code % 97 == 0:
            assert len(fold(chr(code)).text) <= 1


@pytest.mark.parametrize(
    ("phrase", "text", "hits"),
    [
        ("registration fee", "a Registration\n  FEE of", ["Registration\n  FEE"]),
        ("registration fee", "registration fees", []),
        ("registration fee", "preregistration fee", []),
        (
            "registration fee*",
            "registration fees, registration fee",
            ["registration fees", "registration fee"],
        ),
        ("register* fee", "the registered fee", ["registered fee"]),
        ("register* fee", "the register of fee", []),
        ("hold*", "hold" + "e" * MAX_INFLECTION, ["hold" + "e" * MAX_INFLECTION]),
        ("hold*", "hold" + "e" * (MAX_INFLECTION + 1), []),
        ("hold*", "hold12", []),
        ("keep … passport*", "we keep all of your passports", ["keep all of your passports"]),
        ("keep … passport*", "keep passport", ["keep passport"]),
        ("keep … passport*", "keeper of the passport", []),
        ("keep … passport*", "keep calm. passport needed", []),
        ("keep … passport*", "keep 1.5 copies of passport", ["keep 1.5 copies of passport"]),
        ("keep … passport", "keep " + "a " * MAX_GAP + "passport", []),
        ("passport … kept", "a passport that is kept", ["passport that is kept"]),
        ("pay … end of", "pay, pay at the end of", ["pay at the end of"]),
        ("100% safe", "it is 100% safe!", ["100% safe"]),
        ("100% safe", "it is 2100% safe!", []),
        ("[phone_obscured]", "call[PHONE_OBSCURED]now", ["[PHONE_OBSCURED]"]),
    ],
)
def test_the_grammar_of_phrases(phrase, text, hits):
    assert found(phrase, text) == hits


def test_marks_of_indic_scripts_belong_to_the_word():
    assert found("काम", "काम करो", "hi") == ["काम"]
    assert found("काम", "कामों", "hi") == []


def test_arabic_proclitics_belong_to_the_word():
    assert found("جواز", "والجواز", "ar") == ["والجواز"]
    assert found("يحتفظ … جواز", "ويحتفظ المكتب بالجواز", "ar") == ["ويحتفظ المكتب بالجواز"]
    assert found("جواز", "تجواز", "ar") == []


def test_languages_without_spaces_match_inside_running_text():
    assert found("包吃住", "工厂包吃住月休四天", "zh") == ["包吃住"]
    assert found("护照…保管", "护照由公司保管", "zh") == ["护照由公司保管"]
    assert found("护照…保管", "护照自备。公司保管", "zh") == []


def test_a_hostile_text_ends():
    phrases = Phrases([("label", "en", "a … bb … ccc"), ("label", "en", "bb* … a")])
    assert list(phrases.find("a bb " * 40_000))
    assert list(phrases.find(" " * 200_000)) == []
