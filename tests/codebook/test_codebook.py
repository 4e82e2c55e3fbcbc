"""The codebook describes every sign, category and level, and names their sources."""

import json
from importlib.resources import files

from adrisk.codebook.codebook import CATEGORIES, SIGNS, TARGETS, sign_entries

EVIDENCE = {
    "validated",
    "practitioner",
    "common in benign ads",
    "disputed, reversed",
    "design, untested",
}


def test_targets_are_risk_then_categories_then_signs():
    assert ("risk", *CATEGORIES, *SIGNS) == TARGETS
    assert (len(CATEGORIES), len(SIGNS), len(set(TARGETS))) == (9, 23, 33)


def test_every_sign_and_category_and_level_is_described():
    codebook = json.loads(files("adrisk.codebook").joinpath("codebook.json").read_text("utf-8"))
    assert list(codebook["signs"]) == list(SIGNS)
    assert list(codebook["categories"]) == list(CATEGORIES)
    assert list(codebook["levels"]) == list("0123456")
    for entry in (*codebook["signs"].values(), *codebook["categories"].values()):
        assert len(entry["definition"]) > 30
        assert entry["sources"]


def test_sign_entries_carry_a_known_evidence_grade():
    assert tuple(sign_entries()) == SIGNS
    assert {entry.evidence for entry in sign_entries().values()} == EVIDENCE
