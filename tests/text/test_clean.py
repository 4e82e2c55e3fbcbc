"""Cleaning: tables of text -> result with near-misses, and rules that hold for every text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.text.clean import CLEAN_COUNTS, clean

MARKUP = [
    ("<p>Hello</p>", "\nHello\n", 2),
    ("Hello <b>wor</b>ld", "Hello world", 2),
    ("one<br/>two<BR >three", "one\ntwo\nthree", 2),
    ("<p>a</p><p>b</p>", "\na\nb\n", 4),
    ("<td>day</td><td>night</td>", " day  night ", 4),
    ("<a href=\"https://example.com/?a>b\" title='x>y'>site</a>", "site", 2),
    ("a<script>var x = '<b>';</script>b", "a\nb", 1),
    ("a<style type=x>p { color: red }</STYLE >b", "a\nb", 1),
    ("a<!-- secret > text -->b", "ab", 1),
    ("<!DOCTYPE html><?xml version='1.0'?>x", "x", 2),
    ("<o:p>x</o:p> <x-card>y</x-card> <z y='1'>w", "x y w", 5),
    ("R&amp;D", "R&D", 1),
    ("R&amp;amp;D &amp;amp;amp;lt; 5", "R&D < 5", 2),
    ("caf&eacute; &#233; &#xE9; &euro;5", "café é é €5", 4),
    ("a&nbsp;b", "a b", 1),
    ("&lt;b&gt;x&lt;/b&gt;", "x", 6),
    ("&#0;x &#9999999;y", "\ufffdx \ufffdy", 2),
    ("<<b>b>x", "x", 2),
    # near-misses
    ("a < b", "a < b", 0),
    ("<3 love <3", "<3 love <3", 0),
    ("5<10 and 7>3", "5<10 and 7>3", 0),
    ("x<y and y>z", "x<y and y>z", 0),
    ("ask for <your name> here", "ask for <your name> here", 0),
    ("<me@example.com>", "<me@example.com>", 0),
    ("<b unclosed", "<b unclosed", 0),
    ("AT&T, R&D & more; a&b;", "AT&T, R&D & more; a&b;", 0),
    ("https://example.com/?a=1&copy=2", "https://example.com/?a=1&copy=2", 0),
    ("&nosuchname; &;", "&nosuchname; &;", 0),
    ("<!-- never closed", "<!-- never closed", 0),
    ("<script>never closed", "\nnever closed", 1),
]

MOJIBAKE = [
    ("cafÃ© crÃ¨me", "café crème", 1),
    ("donâ€™t wait", "don’t wait", 1),
    ("good\nschÃ¶n\ngut\nmÃ¼de", "good\nschön\ngut\nmüde", 2),
    ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "привет", 1),
    ("РїСЂРёРІРµС‚", "привет", 1),
    ("PracujÄ™ co tydzieĹ„, 20 zĹ‚/h", "Pracuję co tydzień, 20 zł/h", 1),
    # near-misses
    ("É, À, Ô: ÇA VA, NOËL, ÎLE", "É, À, Ô: ÇA VA, NOËL, ÎLE", 0),
    ("ŻÓŁĆ, ŁÓDŹ", "ŻÓŁĆ, ŁÓDŹ", 0),
    ("São Paulo, Às 9h", "São Paulo, Às 9h", 0),
    ("Рівне, «Січень»", "Рівне, «Січень»", 0),
]

FOLDED = [
    ("ｗｏｒｋ １２", "work 12", 2),
    ("𝐰𝐨𝐫𝐤 𝓷𝓸𝔀 𝟐𝟎", "work now 20", 3),
    ("ⓦⓞⓡⓚ 🅐🅑 🄲🄳", "work AB CD", 3),
    ("①❶➊ ⑩ ⓫ ⑴ ⒈", "111 10 11 (1) 1.", 5),
    ("50 m² x³ H₂O", "50 m2 x3 H2O", 3),
    ("🅰🅱🅾🆄🆃 🅱🅾", "ABOUT BO", 2),
    ("🇼🇴🇷🇰", "WORK", 1),
    ("ᴡᴏʀᴋ", "work", 1),
    # near-misses
    ("招聘，月薪６０００元（包住）！", "招聘，月薪6000元（包住）！", 1),
    ("，。！？：（）「」", "，。！？：（）「」", 0),
    ("ｱﾙﾊﾞｲﾄ募集", "ｱﾙﾊﾞｲﾄ募集", 0),
    ("🅰 🅱️ 🅿️ Ⓜ️ 🆓 ℹ️ ™ ©", "🅰 🅱️ 🅿️ Ⓜ️ 🆓 ℹ️ ™ ©", 0),
    ("🇵🇱🇺🇸 🇬🇧", "🇵🇱🇺🇸 🇬🇧", 0),
    ("1ª planta, 2º, nº 5, ½, №5", "1ª planta, 2º, nº 5, ½, №5", 0),
    ("/kɪtən/", "/kɪtən/", 0),
    ("x\u00a0€ x\u202f! x\u3000y", "x\u00a0€ x\u202f! x\u3000y", 0),
]

LOOKALIKE = [
    ("wоrk", "work", 1),  # Cyrillic о
    ("раssport", "passport", 1),  # Cyrillic р, а
    ("pаsроrt nоw", "pasport now", 2),
    ("HOΤEL", "HOTEL", 1),  # Greek Τ
    ("mоdеl", "model", 1),
    ("wօrk", "work", 1),  # Armenian օ
    ("ᎳORK", "WORK", 1),  # Cherokee Ꮃ
    ("girlѕ", "girls", 1),
    ("рабoта", "работа", 1),  # Latin o
    ("хopoший", "хороший", 1),  # Latin opo
    ("εργασίa", "εργασία", 1),  # Latin a
    ("mоj pоsaо", "moj posao", 2),
    # near-misses
    ("работа в хостеле, её ОСОБА", "работа в хостеле, её ОСОБА", 0),
    ("сосо", "сосо", 0),
    ("IT-компания, WhatsApp-группа, 5G, e-mail", "IT-компания, WhatsApp-группа, 5G, e-mail", 0),
    ("SMSки, VIPка, PRщик, HRом", "SMSки, VIPка, PRщик, HRом", 0),
    ("ПриватBank, ЮMoney, Fiроутер", "ПриватBank, ЮMoney, Fiроутер", 0),
    ("5 μm, 3 kΩ, Δt, µTorrent, β-carotene", "5 μm, 3 kΩ, Δt, µTorrent, β-carotene", 0),
    ("p0lice w0rk", "p0lice w0rk", 0),
    ("Посао у Београду, јавите се Џ. Љ.", "Посао у Београду, јавите се Џ. Љ.", 0),
]

INVISIBLE = [
    ("w\u200bo\u200brk", "work", 2),
    ("w\u00ado\u2060\ufeffrk", "work", 2),
    ("\u202ework\u202c", "work", 2),
    ("wo\u200crk wo\u200drk", "work work", 2),
    ("wo\ufe0frk wo\U000e0101rk", "work work", 2),
    ("a\x00b\x07c\x7fd", "abcd", 3),
    ("w\u0335\u0321\u0337\u0353\u0316\u0301ork", "work", 1),
    ("a\u3164b\u2800c", "a b c", 2),
    ("hi\U000e0041\U000e0042", "hi", 1),
    ("🔥\ufe0f\u200d x", "🔥\ufe0f x", 1),
    ("می\u200c\u200cخواهم", "می\u200cخواهم", 1),
    # near-misses
    ("می\u200cخواهم، کتاب\u200cها", "می\u200cخواهم، کتاب\u200cها", 0),
    ("क्\u200dष क्\u200cष", "क्\u200dष क्\u200cष", 0),
    ("ശ്രീ\u200d ന്\u200d", "ശ്രീ\u200d ന്\u200d", 0),
    ("ಬಸ್\u200c ಇದೆ", "ಬಸ್\u200c ಇದೆ", 0),
    ("ខ្ញុំ\u200bធ្វើការ", "ខ្ញុំ\u200bធ្វើការ", 0),
    ("❤\ufe0f\u200d🔥 👩🏽\u200d🍳 ☎\ufe0e", "❤\ufe0f\u200d🔥 👩🏽\u200d🍳 ☎\ufe0e", 0),
    ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2 + (0,),
    ("#\ufe0f\u20e3 *\ufe0f\u20e3", "#\ufe0f\u20e3 *\ufe0f\u20e3", 0),
    ("tab\tline\n", "tab\tline\n", 0),
]

SPACED = [
    ("w o r k", "work", 1),
    ("w o r k  n o w", "work now", 1),
    ("g o o d  w o r k, call", "good work, call", 1),
    ("w.o.r.k now", "work now", 1),
    ("w_o_r_k w*o*r*k w-o-r-k", "work work work", 3),
    ("w.o.r.k..n.o.w", "work now", 1),
    ("р а б о т а", "работа", 1),
    ("ع م ل ك", "عملك", 1),
    ("U.N.I.C.E.F.", "UNICEF.", 1),
    ("5 j o b s 6", "5 jobs 6", 1),
    ("w\u00a0o\u00a0r\u00a0k", "work", 1),
    ("w о r k", "work", 1),
    # near-misses
    ("a b c", "a b c", 0),
    ("A B C D E, driving C D E F", "A B C D E, driving C D E F", 0),
    ("U.S.A. U.S.S.R. R.S.V.P.", "U.S.A. U.S.S.R. R.S.V.P.", 0),
    (
        "J. R. R. Tolkien, i.e. e.g. и т. д. и т. п.",
        "J. R. R. Tolkien, i.e. e.g. и т. д. и т. п.",
        0,
    ),
    ("2 0 2 5 5 5 0 1", "2 0 2 5 5 5 0 1", 0),
    ("招 聘 工 人 包 住", "招 聘 工 人 包 住", 0),
    ("사 람 구 함 다", "사 람 구 함 다", 0),
    ("j.d.o.e@example.com", "j.d.o.e@example.com", 0),
    ("a.q.x.b.example.com", "a.q.x.b.example.com", 0),
    ("https://example.com/w-o-r-k", "https://example.com/w-o-r-k", 0),
    ("f, g, t, y m/w/d/x", "f, g, t, y m/w/d/x", 0),
    ("a b  c d", "a b  c d", 0),
    ("w\no\nr\nk", "w\no\nr\nk", 0),
]

EMOJI_DIGIT = [
    ("1\ufe0f\u20e32\ufe0f\u20e3 0\u20e3", "12 0", 3),
    ("call 🔟 times", "call 10 times", 1),
    ("1 2 🕐 💯", "1 2 🕐 💯", 0),
]

TABLES = {
    "markup": MARKUP,
    "mojibake": MOJIBAKE,
    "folded": FOLDED,
    "lookalike": LOOKALIKE,
    "invisible": INVISIBLE,
    "spaced": SPACED,
    "emoji_digit": EMOJI_DIGIT,
}


@pytest.mark.parametrize(
    ("kind", "raw", "result", "count"),
    [(kind, *row) for kind, rows in TABLES.items() for row in rows],
)
def test_table(kind, raw, result, count):
    cleaned = clean(raw)
    assert cleaned.text == result
    assert cleaned.counts.get(kind, 0) == count
    if count == 0:
        assert cleaned.counts == {} or kind == "folded"


UNCOUNTED = [
    ("a\r\nb\rc\x0bd\x0ce\u2028f\u2029g", "a\nb\nc\nd\ne\nf\ng"),
    ("cafe\u0301 Lo\u0301dz\u0301", "café Lódź"),
    ("\u1100\u1161\u11a8", "각"),
    ("10 \u212b, 5 \u2126", "10 Å, 5 Ω"),
    ("", ""),
    (" \n\t ", " \n\t "),
]


@pytest.mark.parametrize(("raw", "result"), UNCOUNTED)
def test_normal_form_and_line_breaks_are_not_counted(raw, result):
    cleaned = clean(raw)
    assert cleaned.text == result
    assert cleaned.counts == {}


CLEAN_SENTENCES = {
    "en": "Hiring drivers & packers in Leeds: £12.50/h, Mon–Fri. Don’t call after 6 p.m.! 😊👷🏽‍♀️",
    "fr": "Cherche vendeur à Lyon\u00a0: 35\u00a0h, 1\u202f800\u00a0€ net\u202f! « Logé, œuvre, Noël », ÉTÉ À L’ÎLE.",
    "de": "Küchenhilfe (m/w/d) für Gasthof in Köln gesucht, Größe egal, Überstunden bezahlt.",
    "pl": "Zatrudnię pomoc kuchenną w Łodzi, umowa o pracę, 50 zł/h. ŻÓŁĆ, święta wolne.",
    "es": "Se busca niñera en Málaga, 3.ª planta, ¿experiencia? No hace falta. ¡Llámanos!",
    "pt": "Vaga em São Paulo: às 8h, salário + alimentação. Não é necessário experiência.",
    "tr": "İstanbul’da aşçı aranıyor, yatılı değil, maaş ve SGK var. Işık Ğ Ş.",
    "vi": "Tuyển nhân viên phục vụ tại Hà Nội, lương 9 triệu, nghỉ chủ nhật, đóng bảo hiểm đầy đủ.",
    "ru": "Ищем водителя в Казань: оплата каждую неделю, жильё за свой счёт. IT-отдел, 5G, WhatsApp.",
    "uk": "Шукаємо швачку в Рівне, їжа і житло окремо, об’єкт «Січень», ґанок, зв'язок.",
    "sr": "Тражимо куваре у Београду, плата на време, љубазан тим, џабе ручак.",
    "el": "Ζητείται μάγειρας στην Αθήνα, μισθός στην ώρα του, ένσημα και άδεια. ΩΡΑΡΙΟ 9–5.",
    "hy": "Երևանում խոհարար է պետք, աշխատավարձը ժամանակին։",
    "ka": "თბილისში მზარეული გვჭირდება, ხელფასი დროულად.",
    "ar": "مطلوب طبّاخ في عمّان، الراتب شهريًّا، والإجازة يوم الجمعة. هاتف ٢٠٢؟",
    "fa": "به یک آشپز نیاز می‌خواهیم، حقوق ماهانه، کتاب‌ها و خانه‌ای نزدیک. ۱۴۰۲ ه‍.ش",
    "ur": "لاہور میں باورچی کی ضرورت ہے، تنخواہ وقت پر ملے گی۔",
    "he": "דרוש טבח בחיפה, שכר בזמן, שבת חופש. בְּרֵאשִׁית",
    "hi": "गोदाम में काम के लिए लोग चाहिए, वेतन समय पर। क्‍षमता और शक्‍ति ज़रूरी नहीं।",
    "bn": "ঢাকায় রাঁধুনি দরকার, বেতন সময়মতো, শুক্রবার ছুটি। র‍্যাব",
    "ta": "சென்னையில் சமையல்காரர் தேவை, சம்பளம் மாதந்தோறும்.",
    "si": "කොළඹ කෝකියෙක් අවශ්‍යයි, වැටුප නියමිත වේලාවට. ශ්‍රී ලංකා",
    "ne": "काठमाडौंमा भान्से चाहियो, तलब समयमै।",
    "th": "รับสมัครพนักงานเสิร์ฟที่เชียงใหม่ เงินเดือน 12,000 บาท หยุดวันอาทิตย์ ผู้ที่สนใจติดต่อได้",
    "my": "ရန်ကုန်တွင် ထမင်းချက် အလိုရှိသည်၊ လစာ ပုံမှန်။ မြို့",
    "km": "ត្រូវការចុងភៅនៅភ្នំពេញ ប្រាក់ខែទៀងទាត់។",
    "am": "በአዲስ አበባ ምግብ አብሳይ እንፈልጋለን።",
    "zh": "招聘仓库工人，月薪6000元（包午餐）！地址：北京，早8：30至晚5：30。有意者联系王经理。",
    "ja": "東京のレストランでスタッフ募集！時給1,200円、週休2日（土・日）。アルバイト：ｱﾙﾊﾞｲﾄ可。",
    "ko": "서울 식당에서 직원 모집, 월급 250만 원, 주 5일 근무. 연락 주세요!",
}


@pytest.mark.parametrize("language", CLEAN_SENTENCES)
def test_clean_text_passes(language):
    text = CLEAN_SENTENCES[language]
    assert clean(text).counts == {}
    assert clean(text).text == unicodedata.normalize("NFC", text)
    assert clean(unicodedata.normalize("NFD", text)).text == unicodedata.normalize("NFC", text)
    assert clean(unicodedata.normalize("NFD", text)).counts == {}


SIZE = 200_000
HOSTILE = {
    "lt": "<" * SIZE,
    "amp": "&" * SIZE,
    "nested_amp": "&" + "amp;" * (SIZE // 4) + "lt;",
    "spaced": "a b " * (SIZE // 4),
    "dotted": "a.b." * (SIZE // 4),
    "marks": "a" + "\u0300\u0316" * (SIZE // 2),
    "arabic_marks": "ب" + "\u0651\u064e" * (SIZE // 2),
    "nested_tags": "<" * (SIZE // 3) + "b>" * (SIZE // 3),
    "open_quotes": "<a '\"'\"" * (SIZE // 7),
    "open_scripts": "<script>" * (SIZE // 8),
    "open_comments": "<!--" * (SIZE // 4),
    "tag_entities": "&lt;b&gt;" * (SIZE // 9),
    "mojibake": "Ã©" * (SIZE // 2),
    "split_mojibake": "Ã\u200b©" * (SIZE // 3),
    "zero_width": "a\u200b" * (SIZE // 2),
    "joiners": "क्\u200d" * (SIZE // 3),
    "mixed_word": "аa" * (SIZE // 2),
    "tags": "\U0001f3f4" + "\U000e0067" * SIZE,
    "jamo": "ᄀ" + "ᅡ" * SIZE,
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_comes_to_rest(name):
    cleaned = clean(HOSTILE[name])
    assert set(cleaned.counts) <= set(CLEAN_COUNTS)
    assert clean(cleaned.text) == (cleaned.text, {}, clean("").alignment)


@pytest.mark.timeout(120)
def test_a_million_characters():
    assert clean("a" + "\u0300\u0316" * 500_000).text == "a"
    assert clean("<" * 1_000_000).counts == {}


def test_deep_nesting_keeps_the_words():
    cleaned = clean("<" * 50 + "b>" * 50 + " work & meals")
    assert "<" not in cleaned.text
    assert cleaned.text.endswith(" work  meals")


def test_restless_line_loses_only_itself(monkeypatch):
    """Where a line does not come to rest, the other lines keep their letters."""
    from adrisk.text import clean as module

    found = module.find_emoji_digits
    flip = {"о": "а", "а": "о"}

    def restless(text):
        start = text.find("~")
        if start >= 0 and text[start + 1 : start + 2] in flip:
            return [module.Replacement(start + 1, start + 2, flip[text[start + 1]])]
        return found(text)

    monkeypatch.setattr(module, "find_folded", restless)
    monkeypatch.setattr(module, "is_unusual", lambda text: True)
    assert clean("работа\n~о day\nжильё").text == "работа\n~ day\nжильё"


HOSTILE_PARTS = (
    *"<>&;#x/=!'\" ._*-\n\rbpawork10AI",
    *("amp", "lt", "gt", "--", "script", "style", "&amp;", "&lt;", "&#195;", "<b>", "</b>", "<<"),
    *("<script>", "</script>", "w o r k", "\u200b", "\u200c", "\u200d", "\u00ad", "\ufe0f"),
    *("\u20e3", "\u202e", "\ufeff", "\x00", "\x85", "\x93", "\u2028", "\u3164", "\u180e"),
    *("а", "о", "р", "с", "В", "ї", "ё", "и", "г", "ο", "α", "Ω", "օ", "Ꭰ"),
    *("\u0301", "\u0316", "\u0327", "\u0344", "\u0338", "e", "é", "Å", "ᄀ", "ᅡ", "\u0958"),
    *("Ã", "©", "â", "€", "™", "œ", "Â", "\xa0", "Ð", "°", "Р", "С", "вЂ", "”", "å", "√", "±", "┬"),
    *("ａ", "１", "＜", "𝐰", "①", "⑴", "Ⓜ", "🅰", "🇵", "🇱", "🇼", "²", "ᴡ", "ᴏ", "ɪ"),
    *("1\ufe0f\u20e3", "🔟", "❤", "🔥", "🏴", "\U000e0067", "\U000e007f"),
    *("م", "ی", "क", "\u094d", "ก", "้", "ន", "招", "가", "\ufffd", "\ud800"),
)
hostile_texts = st.lists(st.sampled_from(HOSTILE_PARTS), max_size=40).map("".join)
any_texts = st.one_of(hostile_texts, st.text(max_size=60))


@settings(deadline=None, max_examples=600)
@given(any_texts)
def test_cleaning_again_changes_nothing(text):
    cleaned = clean(text)
    again = clean(cleaned.text)
    assert again.text == cleaned.text
    assert again.counts == {}
    assert again.alignment.steps == ()


@settings(deadline=None, max_examples=200)
@given(any_texts)
def test_counts_are_known_and_not_zero(text):
    counts = clean(text).counts
    assert set(counts) <= set(CLEAN_COUNTS)
    assert all(count > 0 for count in counts.values())


@settings(deadline=None, max_examples=300)
@given(any_texts, st.data())
def test_spans_stay_inside(text, data):
    cleaned = clean(text)
    end = data.draw(st.integers(0, len(cleaned.text)))
    start = data.draw(st.integers(0, end))
    raw_start, raw_end = cleaned.alignment.to_input(start, end)
    assert 0 <= raw_start <= raw_end <= len(text)
    end = data.draw(st.integers(0, len(text)))
    start = data.draw(st.integers(0, end))
    clean_start, clean_end = cleaned.alignment.to_output(start, end)
    assert 0 <= clean_start <= clean_end <= len(cleaned.text)


@settings(deadline=None, max_examples=100)
@given(
    st.text(alphabet="abcdefghij", min_size=4, max_size=12), st.sampled_from(["\u200b", "\u00ad"])
)
def test_a_word_with_hidden_characters_is_found_again(word, hidden):
    raw = f"x {hidden.join(word)} y"
    cleaned = clean(raw)
    assert cleaned.text == f"x {word} y"
    assert cleaned.counts == {"invisible": len(word) - 1}
    start, end = cleaned.alignment.to_input(2, 2 + len(word))
    assert raw[start:end] == hidden.join(word)
    assert cleaned.alignment.to_output(start, end) == (2, 2 + len(word))


def test_alignment_points_at_the_disguise():
    raw = "<p>good &amp; w o r k</p> раssport"
    cleaned = clean(raw)
    assert cleaned.text == "\ngood & work\n passport"
    spans = {word: cleaned.text.index(word) for word in ("good", "&", "work", "passport")}
    back = {w: cleaned.alignment.to_input(at, at + len(w)) for w, at in spans.items()}
    assert {w: raw[start:end] for w, (start, end) in back.items()} == {
        "good": "good",
        "&": "&amp;",
        "work": "w o r k",
        "passport": "раssport",
    }
