"""Signs are found by their cues, in every language, and ordinary sentences are left alone."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.codebook import match
from adrisk.codebook.codebook import SIGNS
from adrisk.codebook.match import find_signs
from adrisk.records import Span
from tests.codebook.language_files import CUES, LANGUAGES

FOUND = [
    ("en", "document_control", "The office will keep your passport in the safe."),
    ("en", "upfront_fee", "You pay a small registration fee."),
    ("en", "debt_or_deduction", "The ticket is deducted from your first two salaries."),
    ("en", "secrecy", "Please do not tell your family yet."),
    ("en", "wage_withholding", "Wages are paid at the end of the season."),
    ("en", "off_platform_contact", "Write only on Telegram."),
    ("en", "profile_restricted", "Only [IDENTITY] please"),
    ("es", "document_control", "Guardamos tu pasaporte en la oficina."),
    ("es", "travel_arranged", "Te pagamos el pasaje y te recogemos en el aeropuerto."),
    ("es", "secrecy", "No le digas nada a tu familia."),
    ("es", "no_skills_gate", "No hace falta experiencia"),
    ("fr", "document_control", "Nous gardons votre passeport au bureau."),
    ("fr", "wage_withholding", "Le salaire est versé à la fin du contrat."),
    ("fr", "tied_housing", "Nourri et logé sur place."),
    ("fr", "excessive_hours", "travail 7 jours sur 7, aucun jour de repos"),
    ("ru", "document_control", "Паспорт сдаёте бригадиру."),
    ("ru", "travel_arranged", "Билет покупаем за наш счёт"),
    ("ru", "excessive_hours", "по 14 часов, без выходных"),
    ("ru", "secrecy", "Родителям не говори."),
    ("ar", "document_control", "ويبقى الجواز عند المكتب"),
    ("ar", "no_skills_gate", "العمل بدون أي خبرة"),
    ("ar", "restricted_freedom", "الخروج ممنوع إلا مع المشرفة"),
    ("ar", "travel_arranged", "التذكرة والفيزا علينا"),
    ("hi", "document_control", "पासपोर्ट हमारे पास जमा रहेगा"),
    ("hi", "debt_or_deduction", "टिकट का पैसा तनख्वाह से काटा जाएगा"),
    ("hi", "secrecy", "घर वालों को मत बताना"),
    ("hi", "no_skills_gate", "अनुभव की ज़रूरत नहीं"),
    ("zh", "document_control", "护照由公司统一保管"),
    ("zh", "tied_housing", "工厂包吃住"),
    ("zh", "restricted_freedom", "手机上交，不得随意外出"),
    ("zh", "secrecy", "不要告诉家人"),
    ("vi", "document_control", "Công ty giữ hộ chiếu của em"),
    ("vi", "no_skills_gate", "khong can kinh nghiem, di lam ngay"),
    ("vi", "upfront_fee", "đóng cọc trước 2 triệu"),
    ("vi", "off_platform_contact", "chỉ nhắn Zalo"),
    ("any", "obscured_contact", "call [PHONE_OBSCURED]"),
    ("any", "obscured_contact", "mail [EMAIL_OBSCURED]"),
]

QUIET = [
    "Attractive salary, 15+ years of experience, pretty office.",
    "Open from 15 June, tickets from 16 euros.",
    "Please bring your passport and diploma. We keep bees.",
    "The company is paid well. At the end of the road turn left.",
    "Oferta atractiva, con 15 años de experiencia.",
    "Ouvert de 12 heures à 14 heures, loge de gardien",
    "Работаем до 14 часов, магазин круглосуточно.",
    "كلية الطب تعلن عن دورة",
    "आकर्षक वेतन, 15 साल का अनुभव",
    "今日入职，不限男女，二十岁以上",
    "Lương tháng 13, có 15 tấn hàng",
    "call [PHONE], mail [EMAIL], [LINK]",
    "",
]


def plain(cue):
    """A cue as a writer would put it: no inflections, nothing in the gaps, some number."""
    return cue.replace("*", "").replace(" … ", " ").replace("…", "").replace("#", "20")


@pytest.mark.parametrize(("language", "sign", "text"), FOUND)
def test_a_sign_is_found(language, sign, text):
    assert sign in {span.sign for span in find_signs(text)}


@pytest.mark.parametrize("text", QUIET)
def test_ordinary_sentences_hold_no_sign(text):
    assert find_signs(text) == []


@pytest.mark.parametrize("language", ["any", *LANGUAGES])
def test_every_cue_is_found_in_a_sentence(language):
    missed = [
        (sign, cue)
        for cue_language, sign, cue in CUES
        if cue_language == language
        and sign not in {span.sign for span in find_signs(f"Hello, {plain(cue).upper()} !")}
    ]
    assert missed == []


def test_spans_cover_the_words_of_the_text_as_given():
    text = "İ  NO\nexperience   needed; Fee in  Advance"
    assert find_signs(text) == [
        Span("no_skills_gate", 3, 25),
        Span("upfront_fee", 27, 42),
    ]


def test_overlapping_hits_of_one_sign_are_one_span():
    spans = [
        s for s in find_signs("we keep your passport in the office") if s.sign == "document_control"
    ]
    assert len(spans) == 1


CUE_TEXTS = st.sampled_from([plain(cue) for *_, cue in CUES])
TEXTS = st.lists(CUE_TEXTS | st.text(max_size=8), max_size=10).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_spans_are_sorted_and_hold_their_sign_by_themselves(text):
    spans = find_signs(text)
    assert spans == sorted(spans, key=lambda span: (span.start, span.end, span.sign))
    for span in spans:
        assert span.sign in SIGNS
        assert 0 <= span.start < span.end <= len(text)
        assert span.sign in {alone.sign for alone in find_signs(text[span.start : span.end])}


@settings(deadline=None, max_examples=100)
@given(TEXTS, st.sampled_from([plain(cue) for _, _, cue in CUES]))
def test_text_that_follows_a_full_stop_takes_no_sign_away(text, cue):
    alone = {span.sign for span in find_signs(cue)}
    assert alone <= {span.sign for span in find_signs(f"{cue}. {text}")}


def test_threads_that_build_the_matcher_together_agree():
    match._cues.cache_clear()
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(find_signs("no experience needed")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(result == results[0] != [] for result in results)


def test_a_hostile_text_ends():
    assert len(find_signs("no experience needed " * 5_000)) == 5_000
    find_signs("keep not pay no passport " * 8_000)
