"""The data files of the codebook hold together."""

import json
import re
from importlib.resources import files
from unicodedata import normalize

import pytest

from adrisk.codebook.codebook import CATEGORIES, SIGNS, TARGETS, sign_entries
from adrisk.codebook.phrases import UNSPACED, fold

LANGUAGES = ("en", "es", "fr", "ru", "ar", "hi", "zh", "vi")
EVIDENCE = {
    "validated",
    "practitioner",
    "common in benign ads",
    "disputed, reversed",
    "design, untested",
}


def load(name):
    return json.loads(files("adrisk.codebook").joinpath(name).read_text(encoding="utf-8"))


CUES = load("cues.json")
ALL_CUES = [
    (language, sign, cue)
    for language, signs in CUES.items()
    for sign, cues in signs.items()
    for cue in cues
]


def test_targets_are_risk_then_categories_then_signs():
    assert ("risk", *CATEGORIES, *SIGNS) == TARGETS
    assert (len(CATEGORIES), len(SIGNS), len(set(TARGETS))) == (9, 23, 33)


def test_every_sign_and_category_and_level_is_described():
    codebook = load("codebook.json")
    assert list(codebook["signs"]) == list(SIGNS)
    assert list(codebook["categories"]) == list(CATEGORIES)
    assert list(codebook["levels"]) == list("0123456")
    for entry in (*codebook["signs"].values(), *codebook["categories"].values()):
        assert len(entry["definition"]) > 30
        assert entry["sources"]


def test_sign_entries_carry_a_known_evidence_grade():
    assert tuple(sign_entries()) == SIGNS
    assert {entry.evidence for entry in sign_entries().values()} == EVIDENCE


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_cues_for_every_sign(language):
    assert set(CUES[language]) == set(SIGNS)
    assert min(len(cues) for cues in CUES[language].values()) >= 3


def test_cues_are_lower_case_composed_and_told_once():
    assert set(CUES) == {"any", *LANGUAGES}
    for language, sign, cue in ALL_CUES:
        assert cue == normalize("NFC", cue.lower().strip()), (language, sign, cue)
        assert "  " not in cue
    assert len(set(ALL_CUES)) == len(ALL_CUES)


def test_stars_end_a_word_and_gaps_stand_between_words():
    for language, sign, cue in ALL_CUES:
        assert not re.search(r"(^|\s)\*|\*[^\s…]|^…|…$", cue), (language, sign, cue)
        assert language not in UNSPACED or "*" not in cue, cue


def test_no_cue_hangs_on_a_fragment_that_stands_everywhere():
    for language, sign, cue in ALL_CUES:
        longest = max(len(piece) for piece in re.split(r"\*| ?… ?", fold(cue).text))
        assert longest >= (2 if language in UNSPACED else 4), (language, sign, cue)


def test_identity_lists_name_words_once_in_their_composed_form():
    identity = load("identity.json")
    assert tuple(identity) == LANGUAGES
    for language, rules in identity.items():
        words = rules["always"] + rules["beside_person"]
        assert len(set(words)) == len(words) >= 90, language
        for word in [word for listed in rules.values() for word in listed]:
            assert word == normalize("NFC", word.lower().strip())
