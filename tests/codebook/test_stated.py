"""What an ad states of sex and age: three values and unstated."""

import pytest

from adrisk.codebook import match
from adrisk.codebook.compile import compile_languages
from adrisk.codebook.match import Stated, find_stated
from adrisk.codebook.phrases import Phrases

DATA = {
    "en": {
        "stated_sex": {
            "women": ["girls only", "women"],
            "men": ["men only", "men"],
            "any": ["any sex", "m/f"],
        },
        "stated_age_band": {
            "by_number": ["from # years", "#-# years", "aged #"],
            "adult": ["adults only"],
            "minor": ["schoolchildren"],
        },
    }
}


@pytest.fixture(autouse=True)
def statements(monkeypatch):
    phrases = Phrases(compile_languages(DATA)["stated"])
    monkeypatch.setattr(match, "_statements", lambda: phrases)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("", ("unstated", "unstated")),
        ("cook wanted, 5 years", ("unstated", "unstated")),
        ("GIRLS only", ("women", "unstated")),
        ("men only, adults only", ("men", "adult")),
        ("men and women", ("any", "unstated")),
        ("women, any sex", ("any", "unstated")),
        ("from 18 years", ("unstated", "adult")),
        ("from १५ years", ("unstated", "minor")),
        ("16-25 years", ("unstated", "minor")),
        ("aged 24, from 18 years", ("unstated", "adult")),
        ("aged 24, schoolchildren", ("unstated", "minor")),
        ("from 1995 years", ("unstated", "unstated")),
        ("3-9 years", ("unstated", "unstated")),
        ("9-12 years", ("unstated", "minor")),
        ("from 100 years", ("unstated", "unstated")),
    ],
)
def test_sex_and_age_as_stated(text, stated):
    assert find_stated(text) == Stated(*stated)
