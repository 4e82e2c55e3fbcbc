import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.errors import MissingExtraError
from adrisk.text.fingerprint import (
    N_PERMUTATIONS,
    NGRAM,
    NGRAM_CJK,
    estimated_jaccard,
    min_hashes,
    normalise,
    shingles,
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Pay 1,200 a WEEK", "pay 0,0 a week"),
        ("a  b\n\tc ", "a b c"),
        ("Straße", "strasse"),
        ("٣٤٥ and ３", "0 and 0"),
        ("", ""),
    ],
)
def test_normalise(text, normal):
    assert normalise(text) == normal


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_shingles_cover_the_normalised_text(text):
    normal, pieces = normalise(text), shingles(text)
    assert pieces[0] + "".join(piece[-1:] for piece in pieces[1:]) == normal


def test_chinese_text_has_shorter_shingles():
    assert {len(s) for s in shingles("招聘面包师早班合同")} == {NGRAM_CJK}
    assert {len(s) for s in shingles("baker wanted 面包")} == {NGRAM}


def test_signatures():
    signatures = min_hashes(
        ["baker wanted, 12 an hour", "Baker  wanted, 900 an hour", "night porter"]
    )
    assert signatures.shape == (3, N_PERMUTATIONS) and signatures.dtype == np.uint32
    assert (signatures[0] == signatures[1]).all()
    assert estimated_jaccard(signatures[0], signatures[1:]).tolist()[0] == 1.0
    assert estimated_jaccard(signatures[0], signatures[2:])[0] < 0.1


def test_the_estimate_is_near_the_true_similarity():
    words = [f"word{chr(97 + i)}{chr(97 + j)}" for i in range(20) for j in range(20)]
    a, b = " ".join(words[:300]), " ".join(words[100:])
    set_a, set_b = set(shingles(a)), set(shingles(b))
    true = len(set_a & set_b) / len(set_a | set_b)
    one, other = min_hashes([a, b])
    assert abs(estimated_jaccard(one, other[None])[0] - true) < 0.15


def test_without_rensa_the_pip_line_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingExtraError, match=r"adrisk\[train\]"):
        min_hashes(["text"])


def test_no_text_at_all():
    assert min_hashes([]).shape == (0, N_PERMUTATIONS)
