"""The study of the cues counts what it says (experiments/codebook/measure.py)."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "codebook" / "measure.py"


@pytest.fixture(scope="module")
def measure():
    spec = importlib.util.spec_from_file_location("measure", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shares_of_small_cells_are_left_out(measure):
    sets = [(frozenset({"secrecy"}), frozenset({"secrecy", "vague_job"}))] * 9
    assert measure.counted(sets).cells() == ["9", "18", "9", "0.50", "-"]
    sets.append((frozenset({"secrecy"}), frozenset()))
    assert measure.counted(sets).cells() == ["10", "18", "9", "0.50", "0.90"]


def test_signs_of_ads_and_of_the_own_language(measure):
    ad = {
        "language": "en",
        "risk_level": 5,
        "title": "",
        "text": "No experience needed. Sin experiencia. Call 2-oh-2 five55 0143",
        "indicators": [{"sign": "no_skills_gate"}, {"sign": "obscured_contact"}],
    }
    english, spanish = measure.find_all([ad, ad | {"language": "eo", "title": "x"}])
    assert english.by_all == english.by_own == english.annotated
    assert spanish.by_all == english.by_all and spanish.by_own <= {"obscured_contact"}
    tables = measure.cue_tables([english, spanish])
    assert "| no_skills_gate | 2 | 2 | 2 | - | - |" in tables
    assert "| all | 2 | 4 | 4 | 4 | - | - | - | - | - (2/0) |" in tables


def test_the_count_rule_leaves_unsure_ads_out(measure):
    def ad(level, *signs):
        return measure.Found("en", level, frozenset(), frozenset(signs), frozenset())

    ads = [ad(6, "secrecy", "vague_job"), ad(4, "secrecy"), ad(3), ad(0), ad(2, "secrecy")]
    assert measure.rule_auc(ads) == "0.88 (2/2)"


def test_a_word_is_caught_where_the_mask_covers_all_of_it(measure):
    assert measure.is_caught("We hire {} nurses", "Sri Lankan")
    assert not measure.is_caught("We hire {} nurses", "Plumlandian")
    assert not measure.is_caught("We hire {} nurses", "Filipina Plumlandian")
    assert not measure.is_caught("{} food, Ukrainian girls", "Chinese")


def test_the_score_change_of_a_word_the_mask_catches_is_nothing(measure):
    table = measure.swap_table(
        {"en": [["We hire a {} nurse", "Ukrainian"], ["We hire a {} nurse", "Plumlandian"]]},
        measure.Scorer.load(),
    )
    row = next(line for line in table.splitlines() if line.startswith("| en |"))
    assert row.startswith("| en | 2 | 1 | - | ")
    assert "- en: Plumlandian" in table
    caught = measure.swap_table(
        {"en": [["We hire a {} nurse", "Ukrainian"]]}, measure.Scorer.load()
    )
    assert "| en | 1 | 1 | - | 0.0000 | 0.0000 |" in caught
