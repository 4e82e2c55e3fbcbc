import pytest

from adrisk.dataset.corpus_counts import counts, main
from adrisk.errors import InputError
from tests.dataset.test_corpus_rules import GOOD, SPAN, written


def test_counts_by_language_sign_category_and_level():
    risky = {"risk_level": 5, "categories": ["forced_labour"], "hard_negative": False}
    ads = [
        GOOD,
        GOOD | {"indicators": [SPAN, SPAN, SPAN | {"sign": "secrecy"}], "ad_type": "other"},
        GOOD | risky | {"language": "sw", "part": "test", "ad_type": "escort"},
        GOOD | {"language": "sw", "risk_level": 3, "hard_negative": False, "indicators": []},
    ]
    lines = counts(ads).splitlines()
    assert "| en | 2 | 0 | 0 | 0 | 2 | 2 | 1 | 0 | 1 | 4 |" in lines
    assert "| sw | 2 | 1 | 1 | 1 | 0 | 0 | 1 | 1 | 0 | 1 |" in lines
    assert "| all | 4 | 1 | 1 | 1 | 2 | 2 | 2 | 1 | 1 | 5 |" in lines
    assert "| no_skills_gate | 1 | 0 | 2 |" in lines
    assert "| secrecy | 0 | 0 | 1 |" in lines
    assert "| forced_labour | 0 | 1 |" in lines
    assert lines[-1] == "Levels 0 to 6: 0, 2, 0, 1, 0, 1, 0 ads."


def test_the_command_prints_the_counts_of_a_sound_corpus(tmp_path, capsys):
    written(tmp_path, GOOD)
    main([str(tmp_path)])
    assert "| all | 1 |" in capsys.readouterr().out
    written(tmp_path, GOOD | {"part": "later"})
    with pytest.raises(InputError, match=r"en\.jsonl, line 1: part is none of"):
        main([str(tmp_path)])
