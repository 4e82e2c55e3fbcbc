"""Identity words: what is masked, what stays, and that masking is stable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.codebook.identity import find_identity_words
from adrisk.text.redact import PLACEHOLDERS

MASKED = [
    ("german girls wanted", "# girls wanted"),
    ("Filipina nanny for a family", "# nanny for a family"),
    ("Only Russian or Ukrainian ladies", "Only # or # ladies"),
    ("Muslim women preferred", "# women preferred"),
    ("black girls and white girls", "# girls and # girls"),
    ("British couple seeks nanny", "# couple seeks nanny"),
    ("Nepali workers for a hotel", "# workers for a hotel"),
    ("Sri Lankan and Kenyan housemaids", "# and # housemaids"),
    ("no Indians please", "no # please"),
    ("Polish girls new in town", "# girls new in town"),
    ("young Eastern European models", "young # models"),
    ("English lady, 40", "# lady, 40"),
    ("solo chicas colombianas o venezolanas", "solo chicas # o #"),
    ("busco niñera rusa", "busco niñera #"),
    ("mujeres latinas y asiáticas", "mujeres # y #"),
    ("chico alemán para finca", "chico # para finca"),
    ("empleada filipina interna", "empleada # interna"),
    ("no se aceptan gitanos", "no se aceptan #"),
    ("cherche nounou philippine", "cherche nounou #"),
    ("jeunes femmes roumaines et bulgares", "jeunes femmes # et #"),
    ("filles russes uniquement", "filles # uniquement"),
    ("famille anglaise cherche au pair", "famille # cherche au pair"),
    ("ouvriers polonais bienvenus", "ouvriers # bienvenus"),
    ("homme de confession musulmane", "homme de confession #"),
    ("только славянки", "только #"),
    ("девушки славянской внешности", "девушки # внешности"),
    ("нужны узбеки и таджики", "нужны # и #"),
    ("русская семья ищет няню", "# семья ищет няню"),
    ("филиппинок в семью", "# в семью"),
    ("мусульманка, 30 лет", "#, 30 лет"),
    ("مطلوب خادمة نيبالية", "مطلوب خادمة #"),
    ("عاملات فلبينيات وإندونيسيات", "عاملات # #"),
    ("بنات سوريات فقط", "بنات # فقط"),
    ("من الجنسية المغربية", "من الجنسية #"),
    ("ممرضة هندية", "ممرضة #"),
    ("नेपाली लड़कियां चाहिए", "# लड़कियां चाहिए"),
    ("मुस्लिम परिवार में काम", "# परिवार में काम"),
    ("रूसी लड़की शहर में", "# लड़की शहर में"),
    ("बांग्लादेशी मजदूर", "# मजदूर"),
    ("आदिवासी लड़कियों के लिए", "# लड़कियों के लिए"),
    ("招泰国女孩", "招#女孩"),
    ("越南新娘介绍", "#新娘介绍"),
    ("只要俄罗斯、乌克兰美女", "只要#、#美女"),
    ("菲佣住家", "#住家"),
    ("维吾尔族不要", "#不要"),
    ("印度尼西亚工人", "#工人"),
    ("tuyển gái việt", "tuyển gái #"),
    ("người thái hoặc người campuchia", "người # hoặc người #"),
    ("người thái hoặc người lào", "người # hoặc #"),  # lào means nothing without its noun
    ("cô gái nga xinh", "cô gái # xinh"),
    ("lao động trung quốc", "lao động #"),
    ("người da đen", "người #"),
    ("interested in German nannies", "interested in # nannies"),
    ("good Russian girls", "good # girls"),
    ("в русскую семью нужна няня", "в # семью нужна няня"),
]
"""Text, and the text with each span found written as #."""

KEPT = [
    # Places, language skills, food and massage in the languages that have no rows of their own.
    "emprego na Alemanha, inglês fluente",  # pt
    "Arbeit in Polen, gute Deutschkenntnisse",  # de
    "lavoro in Francia, buon inglese",  # it
    "werk in Duitsland, je spreekt Engels",  # nl
    "praca w Niemczech, znajomość języka angielskiego",  # pl
    "muncă în Italia, cunoștințe de limba engleză",  # ro
    "munka Ausztriában, angol nyelvtudás",  # hu
    "работа в Германия, владеене на английски език",  # bg
    "робота в Польщі, знання англійської мови",  # uk
    "Almanya'da iş, İngilizce bilen",  # tr
    "کار در آلمان، آشنا به زبان انگلیسی",  # fa
    "জার্মানিতে কাজ, ইংরেজি ভাষা জানা",  # bn
    "جرمنی میں کام، انگریزی زبان",  # ur
    "ஜெர்மனியில் வேலை, ஆங்கில மொழி",  # ta
    "जर्मनीमा काम, अंग्रेजी भाषा",  # ne
    "งานในประเทศเยอรมนี พูดภาษาอังกฤษได้",  # th
    "kerja di Jerman, bisa bahasa Inggris",  # id
    "trabaho sa Germany, marunong mag-Ingles",  # tl
    "ドイツでの仕事、英語が話せる方",  # ja
    "독일에서 근무, 영어 가능",  # ko
    "kazi Ujerumani, kujua lugha ya Kiingereza",  # sw
    "ሥራ በጀርመን፣ እንግሊዝኛ ቋንቋ",  # am
    "thailändisches Restaurant sucht Koch",  # de
    "ristorante cinese cerca cuoco",  # it
    "chińska restauracja szuka kucharza",  # pl
    "thai masszázs szalon",  # hu
    "Çin restoranı aşçı arıyor",  # tr
    "тайський масаж, салон",  # uk
    "タイ料理店",  # ja
    "태국 마사지",  # ko
    "ร้านอาหารญี่ปุ่น",  # th
    "restoran Jepang",  # id
    "massagem tailandesa",  # pt
    "Chinees restaurant",  # nl
    "restaurant italian",  # ro
    "китайски ресторант",  # bg
    "رستوران ایتالیایی",  # fa
    "mgahawa wa Kichina",  # sw
    "work in Germany",
    "English speaker needed",
    "she speaks Russian and German",
    "Thai massage course",
    "French fries and toast",
    "nail polish and gel",
    "Polish off your CV",
    "turkey farm in Poland",
    "cook for a Chinese restaurant",
    "fluent English, basic German",
    "English required, French is a plus",
    "German B2 or English",
    "a Turkish airlines counter in Istanbul",
    "black shoes and white shirt",
    "an Italian company in Rome",
    "Swiss cheese",
    "native English teacher",
    "christian wrote the page",
    "inglés fluido y alemán básico",
    "nivel de francés alto",
    "camarero en restaurante chino",
    "trabajo en Colombia y Alemania",
    "masaje tailandés relajante",
    "pesos mexicanos al mes",
    "República Dominicana, hotel",
    "casa blanca con jardín",
    "anglais courant exigé",
    "parler espagnol et italien",
    "cuisine italienne à Lyon",
    "travail en Allemagne et en Pologne",
    "société suisse de nettoyage",
    "massage thaï",
    "carte noire, chemise blanche",
    "знание английского и немецкого языка",
    "русский язык обязателен",
    "повар китайской кухни",
    "работа в Германии, Польше и на Украине",
    "тайский массаж",
    "говорит по-русски",
    "повар в турецкий ресторан",
    "العمل في سورية ولبنان",
    "اللغة الإنجليزية مطلوبة",
    "طباخ لمطعم صيني",
    "الراتب 3000 ريال سعودي",
    "المملكة العربية السعودية",
    "مساج تايلندي",
    "नेपाल और भारत में काम",
    "अंग्रेजी बोलना जरूरी",
    "चीनी खाना बनाने वाला",
    "थाई मसाज सेंटर",
    "पंजाबी ढाबा में कुक",
    "चीनी और नमक",
    "去泰国工作",
    "法国菜餐厅招聘",
    "会说日语和英语",
    "中国人民银行",
    "在德国的中国公司",
    "日本料理店",
    "印度飞饼",
    "làm việc ở Đài Loan và Nhật Bản",
    "biết tiếng Anh, tiếng Hàn",
    "quán ăn Hàn Quốc",
    "massage Thái",
    "nghỉ thai sản theo luật",
    "phụ nữ mang thai",
    "mỹ phẩm Hàn Quốc",
    "my girls are here",
    "người lao động phổ thông",
    "người chăm sóc người già",
    "công nhân hàn điện",
    "người kinh doanh online",
    "chị Hoa nghe máy",
    "болгарка, дрель и перфоратор",
    "speaks good Russian",
    "[IDENTITY] girls only",
]
"""Near-misses: languages, places, dishes, firms, colours, currencies, names and other words."""


def masked(text: str, mark: str = "#") -> str:
    for start, end in reversed(find_identity_words(text)):
        text = text[:start] + mark + text[end:]
    return text


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_identity_of_persons_is_found(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_case_and_line_breaks_change_nothing(text, expected):
    assert masked(text.upper().replace(" ", "\n")) == expected.upper().replace(" ", "\n")


@pytest.mark.parametrize("text", KEPT)
def test_near_misses_stay(text):
    assert find_identity_words(text) == []


def test_accents_and_vowel_points_do_not_hide_a_word():
    assert masked("filles roumaınes, népalaises, nepalaises") == "filles #, #, #"
    assert masked("خادمة فِلبينيّة") == "خادمة #"


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_placeholders_are_never_masked(placeholder):
    assert find_identity_words(f"girls {placeholder} {placeholder}girls") == []


PIECES = (
    [text for text, _ in MASKED] + KEPT + ["and", ",", " ", "\n", "(", "İ", "\ud800", "a\u0301"]
)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_spans_are_sorted_inside_the_text_and_apart(text):
    position = 0
    for start, end in find_identity_words(text):
        assert position <= start < end <= len(text)
        assert text[start:end].strip() == text[start:end]
        position = end


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_masking_twice_is_masking_once(text):
    once = masked(text, "[IDENTITY]")
    assert masked(once, "[IDENTITY]") == once


def test_a_hostile_text_ends():
    assert len(find_identity_words("russian, " * 20_000)) == 20_000
    assert find_identity_words("speak english and " * 20_000) == []
