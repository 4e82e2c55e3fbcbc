"""The codebook describes every sign, category and level, and names their sources."""

import json
from importlib.resources import files
from pathlib import Path

from adrisk.codebook.codebook import CATEGORIES, SIGNS, TARGETS, sign_entries

GUIDE = Path(__file__).parents[2] / "docs" / "annotation-guide.md"


def codebook():
    return json.loads(files("adrisk.codebook").joinpath("codebook.json").read_text("utf-8"))


def test_targets_are_risk_then_categories_then_signs():
    assert ("risk", *CATEGORIES, *SIGNS) == TARGETS
    assert (len(CATEGORIES), len(SIGNS), len(set(TARGETS))) == (9, 23, 33)


def test_every_sign_and_category_and_level_is_described():
    assert list(codebook()["signs"]) == list(SIGNS)
    assert list(codebook()["categories"]) == list(CATEGORIES)
    assert list(codebook()["levels"]) == list("0123456")
    for part in ("signs", "categories", "levels"):
        for entry in codebook()[part].values():
            assert set(entry) == {"definition", "sources", "evidence"}
            assert len(entry["definition"]) > 30
            assert entry["sources"]


def test_every_grade_is_explained_and_used():
    graded = [codebook()[part].values() for part in ("signs", "categories", "levels")]
    used = {entry["evidence"] for entries in graded for entry in entries}
    assert used == set(codebook()["grades"])


def test_sign_entries_are_those_of_the_file():
    assert tuple(sign_entries()) == SIGNS
    entry = sign_entries()["overpromise"]
    assert (entry.sign, entry.evidence) == ("overpromise", "validated")


def test_the_annotation_guide_speaks_of_every_sign_category_and_level():
    guide = GUIDE.read_text(encoding="utf-8")
    for part in ("signs", "categories", "levels"):
        for name, entry in codebook()[part].items():
            assert f"| {name} | {entry['definition']} |" in guide, name
            if part == "signs":
                row = next(line for line in guide.splitlines() if line.startswith(f"| {name} |"))
                assert entry["sources"] in row and entry["evidence"] in row
