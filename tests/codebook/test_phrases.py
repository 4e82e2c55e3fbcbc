"""Folding and the grammar of phrases."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.codebook.compile import compile_phrases
from adrisk.codebook.folding import N_CODES, Letter, fold_phrase, letter_kinds
from adrisk.codebook.grammar import MAX_GAP, MAX_INFLECTION, MAX_PREFIX
from adrisk.codebook.phrases import Phrases, fold


def matcher(*phrases):
    return Phrases(compile_phrases(phrases))


def found(phrase, text, language="en"):
    folded = fold(text)
    hits = matcher(("label", language, phrase)).find(folded)
    return [text[slice(*folded.to_input(hit.start, hit.end, len(text)))] for hit in hits]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÉCOLE Đặng Ñandú", "ecole dang nandu"),
        ("İstanbul", "istanbul"),
        ("Ёжик Йод", "ежик иод"),
        ("أنثى سوريّة مـحل", "انثي سوريه محل"),
        ("ज़रूरी \u095b लड़कियाँ", "जरूरी ज लडकियां"),
        ("বাড়ি য়াৎ কোন", "বাডি যাৎ কোন"),
        ("கொடு", "கொடு"),
        ("می\u200cخواهیم کار لڑکے لڑکی", "ميخواهيم كار لڑكے لڑكي"),
        ("ہمارے پاس بھی", "همارے پاس بهي"),
        ("ሐኪም ሠራተኛ ዓለም ፀሐይ፡ሃሳብ", "ሀኪም ሰራተኛ አለም ጸሀይ ሀሳብ"),
        ("сім'ї ґанок є й", "сім'ї ґанок є и"),
        ("ŞIŞLI ő Ł ț ß", "sisli o l t ß"),
        (
            "ＶＩＰ １８ ﾊﾞｲﾄ カタ",
            "vip 18 ﾊﾞｲﾄ カタ".replace("ﾊ", "ハ").replace("ﾞ", "\u3099").replace("ｲﾄ", "イト"),
        ),
        ("१४ ১৪ ௧௪ ๑๔ ١٤ ۱۴", "14 14 14 14 14 14"),
        ("a\ud800b", "a\ufffdb"),
        ("don’t — a\u200bb", "don't - ab"),
        ("a \n\t\xa0 b\n", "a b "),
        ("包吃住，微信", "包吃住，微信"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text).text == folded


@settings(deadline=None, max_examples=300)
@given(st.text() | st.text(alphabet="aİ \u200b\n\u0301é\ud800包"))
def test_folded_offsets_lead_back_into_the_text(text):
    folded = fold(text)
    if folded.offsets is None:
        assert len(folded.text) == len(text)
    else:
        assert len(folded.offsets) == len(folded.text)
        assert (np.diff(folded.offsets) > 0).all()
    for start in range(len(folded.text)):
        low, high = folded.to_input(start, start + 1, len(text))
        assert 0 <= low < high <= len(text)
        assert fold(text[low:high]).text == folded.text[start]


def test_folding_never_lengthens_any_character():
    for code in range(sys.maxunicode + 1):
        if code < 0x3000 or code % 97 == 0:
            assert len(fold(chr(code)).text) <= 1


@pytest.mark.parametrize(
    ("phrase", "text", "hits"),
    [
        ("registration fee", "a Registration\n  FEE of", ["Registration\n  FEE"]),
        ("registration fee", "registration fees", []),
        ("registration fee", "preregistration fee", []),
        (
            "registration fee*",
            "registration fees, registration fee",
            ["registration fees", "registration fee"],
        ),
        ("register* fee", "the registered fee", ["registered fee"]),
        ("register* fee", "the register of fee", []),
        ("hold*", "hold" + "e" * MAX_INFLECTION, ["hold" + "e" * MAX_INFLECTION]),
        ("hold*", "hold" + "e" * (MAX_INFLECTION + 1), []),
        ("hold*", "hold12", []),
        ("keep … passport*", "we keep all of your passports", ["keep all of your passports"]),
        ("keep … passport*", "keep passport", ["keep passport"]),
        ("keep … passport*", "keeper of the passport", []),
        ("keep … passport*", "keep calm. passport needed", []),
        ("keep … passport*", "keep 1.5 copies of passport", ["keep 1.5 copies of passport"]),
        ("keep … passport", "keep " + "a " * MAX_GAP + "passport", []),
        ("passport … kept", "a passport that is kept", ["passport that is kept"]),
        ("pay … end of", "pay, pay at the end of", ["pay at the end of"]),
        ("100% safe", "it is 100% safe!", ["100% safe"]),
        ("100% safe", "it is 2100% safe!", []),
        ("[phone_obscured]", "call[PHONE_OBSCURED]now", ["[PHONE_OBSCURED]"]),
        ("*lipa ada", "utalipa ada", ["utalipa ada"]),
        ("*lipa ada", "lipa ada", ["lipa ada"]),
        ("*lipa*", "hatutalipana", ["hatutalipana"]),
        ("*lipa", "u" * MAX_PREFIX + "lipa", ["u" * MAX_PREFIX + "lipa"]),
        ("*lipa", "u" * (MAX_PREFIX + 1) + "lipa", []),
        ("*lipa", "u2lipa", []),
        ("hand *port", "hand passport, hand sport over", ["hand passport", "hand sport"]),
        ("hand *port", "hand pass port", []),
        ("hand … *port", "hand over your passport", ["hand over your passport"]),
        ("hand* … *port*", "handing us passports", ["handing us passports"]),
        ("# euro* a day", "earn 1.500 euros a day", ["1.500 euros a day"]),
        ("# euro* a day", "earn 90euro a day", ["90euro a day"]),
        ("# euro* a day", "earn x90 euro a day", []),
        ("# euro* a day", "no euro a day", []),
        ("from # years", "from ١٨ years", ["from ١٨ years"]),
        ("gana* … al mes", "al mes un libre al mes", []),
        ("aged #", "aged 25", ["aged 25"]),
        ("aged … #", "aged about 25!", ["aged about 25"]),
        ("#-#", "girls 18-25 only", ["18-25"]),
    ],
)
def test_the_grammar_of_phrases(phrase, text, hits):
    assert found(phrase, text) == hits


def test_marks_of_indic_scripts_belong_to_the_word():
    assert found("काम", "काम करो", "hi") == ["काम"]
    assert found("काम", "कामों", "hi") == []


def test_arabic_proclitics_belong_to_the_word():
    assert found("جواز", "والجواز", "ar") == ["والجواز"]
    assert found("يحتفظ … جواز", "ويحتفظ المكتب بالجواز", "ar") == ["ويحتفظ المكتب بالجواز"]
    assert found("جواز", "تجواز", "ar") == []


def test_languages_without_spaces_match_inside_running_text():
    assert found("包吃住", "工厂包吃住月休四天", "zh") == ["包吃住"]
    assert found("护照…保管", "护照由公司保管", "zh") == ["护照由公司保管"]
    assert found("护照…保管", "护照自备。公司保管", "zh") == []


@pytest.mark.parametrize(
    ("phrase", "language", "text", "hits"),
    [
        ("タイ", "ja", "タイ人とタイヤとアルタイ", ["タイ"]),
        ("パスポート…預か", "ja", "パスポートは会社で預かります", ["パスポートは会社で預か"]),
        (
            "ビザ…サポート",
            "ja",
            "ビザサポート ビザのサポート ビザンサポート",
            ["ビザサポート", "ビザのサポート"],
        ),
        ("vip", "zh", "加VIP群，加vips", ["VIP"]),
        ("18岁", "zh", "满18岁，118岁", ["18岁"]),
        ("#岁", "zh", "满118岁", ["118岁"]),
        ("มา", "th", "มาก มาที่ เมา", ["มา", "มา"]),
        ("รับ", "th", "รับสมัคร", ["รับ"]),
        ("ลา", "th", "ลาว เลา ปลา", ["ลา", "ลา"]),
        ("whatsapp", "en", "加whatsapp联系 whatsapp으로", ["whatsapp", "whatsapp"]),
        ("숙식 제공", "ko", "숙식제공 숙식 제공", ["숙식제공", "숙식 제공"]),
        ("여권*", "ko", "여권을", ["여권을"]),
        ("여권", "ko", "여권을", []),
        (
            "unterkunft für",
            "de",
            "Unterkunft fuer, UNTERKUNFT FÜR",
            ["Unterkunft fuer", "UNTERKUNFT FÜR"],
        ),
        ("straße", "de", "Strasse Straße", ["Strasse", "Straße"]),
        ("ፓስፖርት", "am", "የፓስፖርት ፓስፖርቱን", ["የፓስፖርት"]),
    ],
)
def test_scripts_and_languages(phrase, language, text, hits):
    assert found(phrase, text, language) == hits


def test_phrases_are_folded_as_texts_are():
    for code in range(N_CODES):
        if not 0xD800 <= code < 0xE000:
            assert fold_phrase(chr(code)) == fold(unicodedata.normalize("NFC", chr(code))).text


def test_every_kind_of_letter_occurs():
    assert set(letter_kinds()) == set(Letter)


WORDS = st.sampled_from(
    ["pay", "fee", "we pay", "keep", "port", "passport", "*port", "pay*", "*ay*", "# fee"]
)
PHRASES = st.lists(WORDS, min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from([" ", " … "]).map(lambda joint: joint.join(words))
)
RUNNING = st.lists(
    st.sampled_from(
        ["pay", "payment", "we", "fee", "12", "3.50", "keep", "passport", "import", "."]
    ),
    max_size=12,
).flatmap(lambda words: st.sampled_from([" ", "\n", ""]).map(lambda blank: blank.join(words)))


@settings(deadline=None, max_examples=300)
@given(st.lists(PHRASES, min_size=1, max_size=5, unique=True), RUNNING)
def test_phrases_find_together_what_each_finds_alone(phrases, text):
    listed = [(phrase, "en", phrase) for phrase in phrases]
    together = set(matcher(*listed).find(fold(text)))
    assert together == {hit for one in listed for hit in matcher(one).find(fold(text))}
    assert all(0 <= hit.start < hit.end <= len(text) for hit in together)


def test_a_hostile_text_ends():
    phrases = matcher(("label", "en", "a … bb … ccc"), ("label", "en", "bb* … a"))
    assert list(phrases.find(fold("a bb " * 40_000)))
    assert list(phrases.find(fold(" " * 200_000))) == []
