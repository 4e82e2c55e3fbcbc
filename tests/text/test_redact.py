"""redact: placeholders, counts, the way back, and rules that hold for all inputs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.text.clean import clean
from adrisk.text.contacts import find_contacts
from adrisk.text.redact import PLACEHOLDERS, REDACT_COUNTS, redact

FAST = settings(deadline=None, max_examples=100)


def test_each_kind_has_its_placeholder_and_count():
    text = (
        "Call 202-555-0143 or two zero two 555 0144, anna@example.com, ann at example dot com, "
        "www.example.org, @anna_k, telegram: annak77. Polish girls welcome."
    )
    redacted = redact(text)
    assert redacted.text == (
        "Call [PHONE] or [PHONE_OBSCURED], [EMAIL], [EMAIL_OBSCURED], [LINK], [HANDLE], "
        "telegram: [MESSENGER_ID]. [IDENTITY] girls welcome."
    )
    assert redacted.counts == dict.fromkeys(REDACT_COUNTS, 1)


def test_a_spelled_link_has_the_placeholder_of_links():
    assert redact("see example dot com").text == "see [LINK]"


@pytest.mark.parametrize(
    ("contacts", "identity", "expected"),
    [
        (True, True, "[IDENTITY] girls, call [PHONE]"),
        (True, False, "Polish girls, call [PHONE]"),
        (False, True, "[IDENTITY] girls, call 202-555-0143"),
        (False, False, "Polish girls, call 202-555-0143"),
    ],
)
def test_each_half_can_be_switched_off(contacts, identity, expected):
    redacted = redact("Polish girls, call 202-555-0143", contacts=contacts, identity=identity)
    assert redacted.text == expected


def test_an_identity_word_inside_a_contact_goes_with_the_contact():
    assert redact("polish@example.com").counts == {"email": 1}


def test_placeholders_that_stand_there_already_are_not_counted():
    text = " ".join(PLACEHOLDERS)
    assert redact(text).text == text
    assert redact(text).counts == {}
    assert redact("[PHONE] 202-555-0143").counts == {"phone": 1}


def test_plain_text_comes_back_as_it_is():
    redacted = redact("Cook wanted, 9:00-18:00, 2000-2500 €")
    assert redacted.text == "Cook wanted, 9:00-18:00, 2000-2500 €"
    assert redacted.counts == {}
    assert redacted.alignment.steps == ()


# The digits of a fictional number, written in many ways.
WORDS = {
    "en": "zero one two three four five six seven eight nine",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "ru": "ноль один два три четыре пять шесть семь восемь девять",
    "ar": "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة",
    "hi": "शून्य एक दो तीन चार पांच छह सात आठ नौ",
    "zh": "零 一 二 三 四 五 六 七 八 九",
    "vi": "không một hai ba bốn năm sáu bảy tám chín",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "pt": "zero um dois três quatro cinco seis sete oito nove",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "tr": "sıfır bir iki üç dört beş altı yedi sekiz dokuz",
}
PLAIN = ["+1-{}-{}-{}", "+1{}{}{}", "({}) {}-{}", "{}.{}.{}", "{} {} {}", "1 {} {} {}", "{}{}{}"]
BETWEEN_SINGLES = [" ", ".", "-", " . ", "*", "🌸", " / ", "_", "\n"]
BETWEEN_GROUPS = ["*", "_", " 🌸 ", "~"]
BEFORE = [
    "",
    "Work today! ",
    "Pay 2000-2500 €, 18-35, call ",
    "звоните: ",
    "电话",
    "اتصل ",
    "12.05.2026 – ",
]
AFTER = ["", ".", " now", ", 9:00-18:00", " €500/week", "，联系", " звоните", "\n12 rooms"]


def other_script(digits, zero):
    return "".join(chr(ord(zero) + int(digit)) for digit in digits)


@st.composite
def plain_phones(draw):
    last = f"01{draw(st.integers(0, 99)):02d}"
    number = draw(st.sampled_from(PLAIN)).format("202", "555", last)
    zero = draw(st.sampled_from("00٠०"))
    written = "".join(other_script(c, zero) if c.isdigit() else c for c in number)
    return "202555" + last, written


@st.composite
def disguised_phones(draw):
    digits = f"20255501{draw(st.integers(0, 99)):02d}"
    groups = [digits[:3], digits[3:6], digits[6:]]
    words = WORDS[draw(st.sampled_from(sorted(WORDS)))].split()
    way = draw(st.sampled_from(["apart", "groups", "words", "mixed", "letters", "keycaps"]))
    if way == "apart":
        return digits, draw(st.sampled_from(BETWEEN_SINGLES)).join(digits)
    if way == "groups":
        return digits, draw(st.sampled_from(BETWEEN_GROUPS)).join(groups)
    if way == "words":
        return digits, draw(st.sampled_from([" ", "-", " - "])).join(words[int(d)] for d in digits)
    if way == "mixed":
        spelled = draw(st.sets(st.integers(0, 9), min_size=3, max_size=9))
        return digits, " ".join(words[int(d)] if i in spelled else d for i, d in enumerate(digits))
    if way == "letters":
        return digits, "-".join(groups).replace("0", draw(st.sampled_from("oO"))).replace("1", "l")
    return digits, " ".join(f"{digit}\ufe0f\u20e3" for digit in digits)


@FAST
@given(plain_phones(), st.sampled_from(BEFORE), st.sampled_from(AFTER))
def test_no_phone_survives(phone, before, after):
    _, written = phone
    assert redact(f"{before}{written}{after}").text == f"{before}[PHONE]{after}"


@settings(deadline=None, max_examples=100)
@given(disguised_phones(), st.sampled_from(BEFORE), st.sampled_from(AFTER))
def test_no_disguised_phone_survives(phone, before, after):
    digits, written = phone
    redacted = redact(clean(f"{before}{written}{after}").text)
    assert redacted.text in (f"{before}[PHONE_OBSCURED]{after}", f"{before}[PHONE]{after}")
    assert digits[-7:] not in "".join(filter(str.isdigit, redacted.text))


@FAST
@given(plain_phones(), disguised_phones())
def test_all_notations_have_one_value(plain, disguised):
    for digits, written in (plain, disguised):
        values = [c.value for c in find_contacts(clean(f"call {written}").text)]
        assert values == [digits]


amounts = st.integers(1, 400).map(lambda n: n * 50)
days = st.dates()
SURVIVING = st.one_of(
    st.tuples(amounts, st.sampled_from(["€", "$", " USD", " руб", "元/月", " zł", "k"])).map(
        lambda pair: f"{pair[0]}{pair[1]}"
    ),
    st.tuples(amounts, amounts).map(lambda p: f"{min(p)}-{max(p) + 50} EUR"),
    amounts.map(lambda n: f"{n * 1000:,}".replace(",", " ") + " VND"),
    amounts.map(lambda n: f"${n * 1000:,}.00"),
    days.map(lambda d: f"{d.day:02d}.{d.month:02d}.{max(d.year, 1950) % 150 + 1950}"),
    days.map(lambda d: f"{d.year % 150 + 1950}-{d.month:02d}-{d.day:02d}"),
    st.tuples(st.integers(0, 23), st.integers(0, 23)).map(lambda p: f"{p[0]}:00-{p[1]:02d}:30"),
    st.tuples(st.integers(14, 40), st.integers(41, 70)).map(lambda p: f"{p[0]}-{p[1]}"),
)


@FAST
@given(
    SURVIVING, st.sampled_from(["", "Cook wanted: ", "зарплата ", "工资"]), st.sampled_from(AFTER)
)
def test_amounts_dates_and_hours_survive(figure, before, after):
    text = f"{before}{figure}{after}"
    assert redact(text).text == text


WORDS_AND_SIGNS = """
202 555 0143 2 0 2025550143 ٢ 一 二 - . @ ( ) + / , € [ ] 🌸 o l two oh three at dot com a and
example ref www 微信 telegram: PHONE Polish girls
"""
PIECES = st.sampled_from([*WORDS_AND_SIGNS.split(), " ", "\n", *PLACEHOLDERS])
HOSTILE = st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=60))


@settings(deadline=None, max_examples=300)
@given(HOSTILE)
def test_redacting_twice_changes_nothing(text):
    once = redact(text)
    twice = redact(once.text)
    assert twice.text == once.text
    assert twice.counts == {}


@settings(deadline=None, max_examples=300)
@given(HOSTILE)
def test_contacts_are_sorted_apart_and_inside_the_text(text):
    position = 0
    for contact in find_contacts(text):
        assert position <= contact.start < contact.end <= len(text)
        assert contact.value
        position = contact.end
    assert set(redact(text).counts) <= set(REDACT_COUNTS)


@FAST
@given(st.lists(plain_phones(), min_size=1, max_size=4), st.booleans())
def test_alignment_leads_back_to_the_contact(phones, with_identity):
    start = "Polish girls: " if with_identity else "Girls: "
    text = start + " or else ".join(written for _, written in phones)
    redacted = redact(text)
    position = 0
    for _, written in phones:
        first = redacted.text.index("[PHONE]", position)
        position = first + len("[PHONE]")
        raw_start, raw_end = redacted.alignment.to_input(first, position)
        assert text[raw_start:raw_end] == written
        assert redacted.alignment.to_output(raw_start, raw_end) == (first, position)
