"""detect: the language of short ads, placeholders and texts without letters."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.text.language import UNDETERMINED, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We are hiring a cook for our hotel, call today", "en"),
        ("Hello my friend", "en"),
        ("Se busca camarera para restaurante en la playa", "es"),
        ("Cherche serveuse pour restaurant au bord de mer", "fr"),
        ("Требуется официантка в ресторан на берегу моря", "ru"),
        ("Потрібна офіціантка до ресторану біля моря", "uk"),
        ("مطلوب عاملة نظافة للعمل في فندق", "ar"),
        ("होटल में काम करने के लिए लड़की चाहिए", "hi"),
        ("招聘酒店服务员，包吃包住", "zh"),
        ("Tuyển nhân viên phục vụ nhà hàng", "vi"),
        ("Kellnerin für Restaurant am Meer gesucht", "de"),
        ("ホテルスタッフ募集、経験不問", "ja"),
        ("호텔 직원을 모집합니다", "ko"),
        ("รับสมัครพนักงานโรงแรม", "th"),
        ("招聘服务员の工作", "zh"),
        ("Se busca cocinera [PHONE] [EMAIL_OBSCURED] [PHONE] [IDENTITY] [PHONE]", "es"),
    ],
)
def test_language(text, language):
    assert detect(text) == language


@pytest.mark.parametrize(
    "text", ["", " \n", "12345 !!!", "ab", "[PHONE] [LINK]", "🌸🌸", "\0", "1a2b"]
)
def test_nothing_can_be_said(text):
    assert detect(text) == UNDETERMINED


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=50))
def test_any_text_has_an_answer(text):
    assert detect(text)
    assert detect(text) == detect(text)


def test_a_lone_surrogate_does_no_harm():
    assert detect("\ud800 Se busca camarera para restaurante") == "es"


def test_only_the_beginning_counts_in_a_long_text():
    assert detect("Se busca camarera para restaurante. " * 10 + "we are hiring " * 100_000) == "es"


def test_threads_agree():
    texts = ["We are hiring a cook", "Se busca camarera para la playa", "招聘酒店服务员"] * 10
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detect, texts)) == ["en", "es", "zh"] * 10
