from adrisk.dataset import explicit_words
from adrisk.dataset.explicit_words import digest, is_explicit


def test_a_listed_word_is_found_whatever_its_case_and_accents(monkeypatch):
    monkeypatch.setattr(explicit_words, "_digests", lambda: frozenset([digest("flümble")]))
    assert is_explicit("Dinner, Flumble!", "en")
    assert not is_explicit("Dinner, flumbles and conflumble", "en")


def test_inside_running_text_only_where_words_have_no_blanks(monkeypatch):
    monkeypatch.setattr(explicit_words, "_digests", lambda: frozenset([digest("丙丁")]))
    assert is_explicit("甲乙丙丁戊", "zh")
    assert not is_explicit("甲乙丙丁戊", "en")
    assert not is_explicit("甲乙丙戊", "zh")


def test_the_list_holds_hashes_alone():
    listed = explicit_words._digests()
    assert len(listed) > 100
    assert all(len(value) == 10 and int(value, 16) >= 0 for value in listed)
