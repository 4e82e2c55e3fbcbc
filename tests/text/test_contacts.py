"""Tables of contacts and of what must survive, with near-misses, in many languages."""

from itertools import pairwise

import pytest

from adrisk.text.contacts import find_contacts
from adrisk.text.contacts_phone import normalise_phone


def found(text):
    return [
        (c.kind + "*" * c.obscured, text[c.start : c.end], c.value) for c in find_contacts(text)
    ]


NUMBER = "2025550143"

PHONES = [
    "+1-202-555-0143",
    "+12025550143",
    "+1 202 555 0143",
    "+ 1 202 555 0143",
    "+1 (202) 555-0143",
    "(+1) 202-555-0143",
    "1-202-555-0143",
    "1 (202) 555 0143",
    "001 202 555 0143",
    "(202) 555-0143",
    "(202)555-0143",
    "202-555-0143",
    "202.555.0143",
    "202 555 0143",
    "202/555/0143",
    "202–555–0143",
    "202 - 555 - 0143",
    "2025550143",
    "202 5550143",
    "20 25 55 01 43",
    "20.25.55.01.43",
    "20255 50143",
    "٢٠٢٥٥٥٠١٤٣",
    "٢٠٢ ٥٥٥ ٠١٤٣",
    "२०२५५५०१४३",
    "۲۰۲-۵۵۵-۰۱۴۳",
    "２０２－５５５－０１４３",
    "202−555−0143",
    "202ー555ー0143",
    "202／555／0143",
    "＋1－202－555－0143",
]


@pytest.mark.parametrize("number", PHONES)
def test_one_number_in_many_notations(number):
    text = f"Work from 9:00 to 18:00, call {number} today"
    assert found(text) == [("phone", number, NUMBER)]


@pytest.mark.parametrize(
    ("text", "number", "value"),
    [
        ("tél. 06.12.34.56.78", "06.12.34.56.78", "612345678"),
        ("tél. 06 12 34 56 78", "06 12 34 56 78", "612345678"),
        ("tél. +33 6 12 34 56 78", "+33 6 12 34 56 78", "612345678"),
        ("звоните 8 (999) 555-01-43", "8 (999) 555-01-43", "9995550143"),
        ("звоните 8-999-555-01-43", "8-999-555-01-43", "9995550143"),
        ("звоните +79995550143", "+79995550143", "9995550143"),
        ("звоните 8 999 555 12-34", "8 999 555 12-34", "9995551234"),
        ("тел.89995550143", "89995550143", "9995550143"),
        ("कॉल करें 9999955501", "9999955501", "9999955501"),
        ("कॉल करें +91 99999 55501", "+91 99999 55501", "9999955501"),
        ("电话13800138000联系", "13800138000", "3800138000"),
        ("电话138-0013-8000联系", "138-0013-8000", "3800138000"),
        ("电话+86 138 0013 8000", "+86 138 0013 8000", "3800138000"),
        ("Zalo 0912 345 678", "0912 345 678", "912345678"),
        ("llama al 612 345 678", "612 345 678", "612345678"),
        ("Ring +44 (0)20 7946 0018", "+44 (0)20 7946 0018", "2079460018"),
        ("Ring 020 7946 0018", "020 7946 0018", "2079460018"),
        ("Anruf +49 30/1234567", "+49 30/1234567", "301234567"),
        ("Anruf 030/1234567", "030/1234567", "301234567"),
        ("local 555-0143", "555-0143", "5550143"),
        ("WhatsApp:+12025550143", "+12025550143", NUMBER),
        ("call2025550143", "2025550143", NUMBER),
        ("Contact no 2025550143", "2025550143", NUMBER),
        ("ring ph no. 2025550143", "2025550143", NUMBER),
        ("€500 per week, 612 345 678", "612 345 678", "612345678"),
        ("only €500 612 345 678", "612 345 678", "612345678"),
        ("call 202 555 0143 200$ 18-35", "202 555 0143", NUMBER),
        ("202-555-0143 9am-5pm", "202-555-0143", NUMBER),
        ("202-555-0143 24/7", "202-555-0143", NUMBER),
        ("18-35 202-555-0143", "202-555-0143", NUMBER),
        ("12.05.2026 202-555-0143", "202-555-0143", NUMBER),
        ("(call 202-555-0143)", "202-555-0143", NUMBER),
        ("call (2025550143", "2025550143", NUMBER),
        ("call 202 555 0143 4 girls", "202 555 0143", NUMBER),
        ("room 5 202 555 0143", "202 555 0143", NUMBER),
        ("звоните 8 999 555 01 43 2 этаж", "8 999 555 01 43", "9995550143"),
        ("電話０９０－５５５５－０１４３", "０９０－５５５５－０１４３", "9055550143"),
    ],
)
def test_phone_among_other_words(text, number, value):
    assert found(text) == [("phone", number, value)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("+12025550143 +12025550144", ["+12025550143", "+12025550144"]),
        ("2025550143/2025550144", ["2025550143", "2025550144"]),
        ("2025550143, 2025550144", ["2025550143", "2025550144"]),
        ("202 555 0143 202 555 0144", ["202 555 0143", "202 555 0144"]),
        ("138 0013 8000 139 0013 8000", ["138 0013 8000", "139 0013 8000"]),
        ("202-555-0143 or 202-555-0144", ["202-555-0143", "202-555-0144"]),
        ("202-555-0143\n202-555-0144", ["202-555-0143", "202-555-0144"]),
    ],
)
def test_several_phones(text, numbers):
    assert [part for _, part, _ in found(text)] == numbers


@pytest.mark.parametrize(
    "number",
    [
        "2 0 2 5 5 5 0 1 4 3",
        "2 0 2 . 5 5 5 * 0 1 4 3",
        "2.0.2.5.5.5.0.1.4.3",
        "2-0-2-5-5-5-0-1-4-3",
        "2🌸0🌸2🌸5🌸5🌸5🌸0🌸1🌸4🌸3",
        "2\u200b0\u200b2\u200b5\u200b5\u200b5\u200b0\u200b1\u200b4\u200b3",
        "2\n0\n2\n5\n5\n5\n0\n1\n4\n3",
        "202*555*0143",
        "202_555_0143",
        "202 🌸 555 🌸 0143",
        "2O2-555-OI43",
        "2o2 555 o143",
        "2025550l43",
        "202-555-01four3",
        "two-o-2 five55 oh1 four3",
        "two oh two 555 0143",
        "two zero two five five five zero one four three",
        "TwoZeroTwo-555-0143",
        "twozerotwofivefivefivezeroonefourthree",
        "two zero two, triple five, zero one four three",
        "dos cero dos cinco cinco cinco cero uno cuatro tres",
        "doscientos dos, 555, cero uno cuarenta y tres",
        "deux zéro deux cinq cinq cinq zéro un quarante trois",
        "два ноль два пять пять пять ноль один сорок три",
        "двести два 555 ноль один 43",
        "два0два пять5пять ноль1 43",
        "اثنان صفر اثنان خمسة خمسة خمسة صفر واحد أربعة ثلاثة",
        "दो शून्य दो पांच पांच पांच शून्य एक चार तीन",
        "do zero do paanch paanch paanch zero ek char teen",
        "二零二五五五零一四三",
        "二零2五5五零一4三",
        "hai không hai năm năm năm không một bốn ba",
        "zwei null zwei fünf fünf fünf null eins vier drei",
        "dois zero dois cinco cinco cinco zero um quatro três",
        "due zero due cinque cinque cinque zero uno quattro tre",
        "iki sıfır iki beş beş beş sıfır bir dört üç",
    ],
)
def test_disguised_phone(number):
    text = f"Hola: {number} ok"
    assert found(text) == [("phone*", number, NUMBER)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "mail name.b+c@example.com now",
            ("email", "name.b+c@example.com", "name.b+c@example.com"),
        ),
        ("Name@Example.COM", ("email", "Name@Example.COM", "name@example.com")),
        ("邮箱abc@example.com联系", ("email", "abc@example.com", "abc@example.com")),
        ("name@example.com.Call me", ("email", "name@example.com", "name@example.com")),
        ("<a.b@mail.example.org>", ("email", "a.b@mail.example.org", "a.b@mail.example.org")),
        ("name at example dot com", ("email*", "name at example dot com", "name@example.com")),
        (
            "name (at) example (dot) com",
            ("email*", "name (at) example (dot) com", "name@example.com"),
        ),
        ("name[at]example[dot]com", ("email*", "name[at]example[dot]com", "name@example.com")),
        ("name(at)example.com", ("email*", "name(at)example.com", "name@example.com")),
        ("name @ example . com", ("email*", "name @ example . com", "name@example.com")),
        ("a dot b at example dot org", ("email*", "a dot b at example dot org", "a.b@example.org")),
        (
            "ana arroba example punto com",
            ("email*", "ana arroba example punto com", "ana@example.com"),
        ),
        (
            "anna собака example точка com",
            ("email*", "anna собака example точка com", "anna@example.com"),
        ),
        ("ana arroba example.com", ("email*", "ana arroba example.com", "ana@example.com")),
        ("name艾特example点com", ("email*", "name艾特example点com", "name@example.com")),
        ("write to anna at gmail.com", ("email*", "anna at gmail.com", "anna@gmail.com")),
        ("look at example dot net", ("email*", "look at example dot net", "look@example.net")),
    ],
)
def test_email(text, expected):
    assert found(text) == [expected]


@pytest.mark.parametrize(
    ("text", "link", "value"),
    [
        ("see https://www.example.com/Jobs/?a=1.", "https://www.example.com/Jobs/?a=1", "example.com/Jobs/?a=1"),
        ("hxxp://example.com now", "hxxp://example.com", "example.com"),
        ("(www.example.org)", "www.example.org", "example.org"),
        ("at Example.com/", "Example.com/", "example.com"),
        ("EXAMPLE.COM", "EXAMPLE.COM", "example.com"),
        ("apply at example.com", "example.com", "example.com"),
        ("t.me/example_work", "t.me/example_work", "t.me/example_work"),
        ("wa.me/12025550143", "wa.me/12025550143", "wa.me/12025550143"),
        ("bit.ly/3abC", "bit.ly/3abC", "bit.ly/3abC"),
        ("详见example.net/工作", "example.net/", "example.net"),
        ("jobs.example.co.uk!", "jobs.example.co.uk", "jobs.example.co.uk"),
        ("visit example dot com", "example dot com", "example.com"),
        ("example(dot)com", "example(dot)com", "example.com"),
    ],
)  # fmt: skip
def test_link(text, link, value):
    assert [(part, normal) for kind, part, normal in found(text) if kind in ("link", "link*")] == [
        (link, value)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write @Work_Now_77!", ("handle", "@Work_Now_77", "work_now_77")),
        ("@anna.k.", ("handle", "@anna.k", "anna.k")),
        ("telegram: @annak", ("handle", "@annak", "annak")),
        ("Telegram: AnnaK", ("messenger_id", "AnnaK", "annak")),
        ("telegram annak_77", ("messenger_id", "annak_77", "annak_77")),
        ("тг: annak_77", ("messenger_id", "annak_77", "annak_77")),
        ("WeChat/微信/VX: abc123", ("messenger_id", "abc123", "abc123")),
        ("微信abc12345加我", ("messenger_id", "abc12345", "abc12345")),
        ("加微信：hello_work", ("messenger_id", "hello_work", "hello_work")),
        ("vx：abcd1234", ("messenger_id", "abcd1234", "abcd1234")),
        ("line id: anna88", ("messenger_id", "anna88", "anna88")),
        ("LINE ID anna88", ("messenger_id", "anna88", "anna88")),
        ("kik anna_77", ("messenger_id", "anna_77", "anna_77")),
        ("snap: anna.k77", ("messenger_id", "anna.k77", "anna.k77")),
        ("Zalo: anna_k", ("messenger_id", "anna_k", "anna_k")),
        ("skype live:anna.k7", ("messenger_id", "live:anna.k7", "live:anna.k7")),
        ("QQ 123456789", ("messenger_id", "123456789", "123456789")),
        ("QQ号：12345678", ("messenger_id", "12345678", "12345678")),
        ("تليجرام: annak_77", ("messenger_id", "annak_77", "annak_77")),
        ("whatsapp 202 555 0143", ("phone", "202 555 0143", NUMBER)),
        ("微信13800138000", ("phone", "13800138000", "3800138000")),
        ("viber: two-o-2 555 0143", ("phone*", "two-o-2 555 0143", NUMBER)),
    ],
)  # fmt: skip
def test_handle_and_messenger_id(text, expected):
    assert found(text) == [expected]


SURVIVORS = [
    "时给1200－1500円，18－35岁，9：00－18：00",
    "工资3000－5000元，2026－05－12",
    "提成：35%2525252525，5200－6200",
    # money
    "2000-2500 €", "€2000-2500", "Rs 25,000/month", "8000-12000元/月", "月薪8000-12000", "$1,500.00",
    "1.500,00 EUR", "12.345.678,90 EUR", "15 000 000 VND", "15.000.000đ", "5,000,000 - 7,000,000 đ",
    "от 100 000 руб", "100 000 - 150 000 руб", "12 345 678 руб", "1500$ 2000$ 3000$",
    "Salary: 20000-25000 per month", "Salary 2250-2750 plus bonus", "₹1,50,000", "KES 1200000",
    "底薪5800一7500元", "5800-68002、综合工资", "lương 10-15 triệu", "1000000 followers",
    # dates, hours, ages, sizes, years
    "12.05.2026", "2026-11-23", "05/12/2026", "1 July 2026", "01.06.2026-31.08.2026", "20261123",
    "二〇二六年十一月二十三日", "9:00-18:00", "9-18", "09.30-18.00", "0900-1800", "早8：30至晚5：30",
    "24/7", "18-35", "18-35 24/7", "График 2/2, 10-22", "9-18 5/2 2000", "6-14, 14-22, 22-6",
    "2019-2024", "2019 2020 2021", "sizes 36 38 40 42 44", "165 170 175 cm", "10:00 ★ 18:00 ★ 500",
    "1 2 3 4 5 6 7 8 9", "one two three four five six seven", "周一三五休息，二四六日上班",
    # codes
    "B座1403", "job ref 12345678", "№ 12345678", "Numer referencyjny: 0049746", "ISO 9001/2008",
    "105/06/2021", "Washington DC 20001-1234", "CEP 01310-100", "Toruńska 103 85-817 Bydgoszcz",
    "ed9094c60184b8a4975333957d307", "SKU12345678", "v7.1/6.2/6.1/5.1", "450,940,321,334", "rooms 5604-5606",
    "40.7127753", "00000000", "#12345678",
    # words
    "meet at 5", "open at Main Street. Come", "look at this dot", "e.g. etc.Then end.Start", "i.e. p.m. U.S.A.",
    "Node.js, ASP.NET and Next.js v1.2.3.4", "B.Com or M.Com", "available.In Delhi", "good.work from home",
    "work@home", "Work @home", "lunch @ Main. Come", "Telegram: contact us", "WhatsApp only",
    "Facebook/Instagram/TikTok", "Signal: strong, line: production, line 4", "the dot com years",
    "one or two years, three shifts, 600 o 700", "hai ba năm kinh nghiệm", "kinh nghiệm 1-2 năm 2000-2500",
    "2 năm 2024 - năm 2025", "from five to seven, 18 to 25", "dos o tres, uno y dos",
    "", " ", "\0", "\ud800", "[PHONE] [EMAIL_OBSCURED] [IDENTITY]",
]  # fmt: skip


@pytest.mark.parametrize("text", SURVIVORS)
def test_survives(text):
    assert found(text) == []
    assert found(f"Work, {text}, and more.") == []


def test_earlier_finders_hide_what_they_took():
    kinds = [c.kind for c in find_contacts("a@example.com example.com/2025550143 @anna 2025550144")]
    assert kinds == ["email", "link", "handle", "phone"]


def test_normalise_phone_keeps_what_is_no_country_code():
    assert normalise_phone("+0") == "0"
    assert normalise_phone("555-0143") == "5550143"
    assert normalise_phone("+999 2025550143") == "9992025550143"


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "+1", "1o", "1.1-", "@", "a@", "a.", "at dot ", "two ", "一", "微信a", "(", "1\n", "double ",
     "1🌸", "[PHONE", "telegram:", "sixteen", "a @ b", "https://"],
)  # fmt: skip
def test_hostile_input_ends(unit):
    text = unit * (100_000 // len(unit))
    spans = [(c.start, c.end) for c in find_contacts(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
