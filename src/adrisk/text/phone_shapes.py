"""What a run of digits is when it is no phone: amounts, dates, hours, ranges, lists and ids.

All shapes are of digits turned to 0-9 (`ascii_shape`) and of bounded length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

_DASH = r"[-‐‑‒–—]"
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_DATE = (
    rf"(?:{_DAY}[./-]{_MONTH}[./-](?:{_YEAR}|\d\d)|{_MONTH}/{_DAY}/(?:{_YEAR}|\d\d)"
    rf"|{_YEAR}[./-]{_MONTH}[./-]{_DAY}|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
)
_DAY_MONTH = rf"{_DAY}[./]{_MONTH}"
_HOUR = r"(?:[01]?\d|2[0-4])\.[0-5][05]"
_WHEN = rf"(?:{_DATE}|{_DAY_MONTH}|{_HOUR}|{_YEAR})"
_OTHER_SHAPE = re.compile(
    rf"{_WHEN}(?:(?:\s?(?:{_DASH}|/)\s?|\s){_WHEN}){{0,5}}"
    rf"|(?:[01]\d|2[0-4])[0-5][05]\s?{_DASH}\s?(?:[01]\d|2[0-4])[0-5][05]"
    rf"|{_YEAR}{_DASH}\d\d"
    rf"|\d{{1,2}}\s?(?:{_DASH}|/)\s?\d{{1,2}}"
    r"|[1-9]\d{0,2}(?:[. ]\d{3})*[. ]000"
    r"|[1-9]\d{0,5}000"
)
_NUMBER = r"(?:[1-9]\d{0,2}(?:[. ]\d{3}){1,2}|[1-9]\d{2,7})"
_RANGE = re.compile(rf"({_NUMBER})\s?{_DASH}\s?({_NUMBER})")
_MAX_LENGTH = 48
_CLOSE = 20  # "rooms 5604-5606"
_GROUPS = re.compile(r"\d+")
_PLAIN_YEAR = re.compile(_YEAR)


WIDE_SIGNS = "＋－−ー／．"
"""Signs that stand in phones of East Asian ads in the place of + - / and the full stop."""
_TO_ASCII = str.maketrans(WIDE_SIGNS, "+---/.")


def ascii_shape(text: str) -> str:
    """The text with digits of any script as 0 to 9 and wide signs as narrow ones; lengths stay."""
    if text.isascii():
        return text
    narrow = text.translate(_TO_ASCII)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in narrow)


def is_other_shape(text: str) -> bool:
    """Whether the whole text is dates, hours, years, a small range or round amounts."""
    text = ascii_shape(text)
    if len(text) > _MAX_LENGTH:
        return False
    if text.startswith(("+", "(")):
        return _is_range(text.strip("+()"))
    return _OTHER_SHAPE.fullmatch(text) is not None or _is_range(text)


def _is_range(text: str) -> bool:
    """Whether the text is two round numbers, or two close ones, with a dash between them."""
    match = _RANGE.fullmatch(text)
    if not match:
        return False
    low, high = (int(re.sub(r"[. ]", "", part)) for part in match.groups())
    if high > 10 * low and high // 10 % 100 == low % 100 == 0:
        return True  # "5800-68002、…": the number of the next list item touches the range
    step = 50 if len(match[1]) == len(match[2]) else 10
    return low < high <= 10 * low and (
        low % step == high % step == 0 or (high - low <= _CLOSE and len(match[1]) > 3)
    )


def is_number_list(text: str) -> bool:
    """Whether groups of digits read as a list of sizes, ages or prices: all round, or rising."""
    if text.startswith(("+", "(", "0")):
        return False
    groups = _GROUPS.findall(text)
    lengths = [len(group) for group in groups]
    if len(groups) < 2 or lengths in ([3, 3, 4], [1, 3, 3, 4]):
        return False
    numbers = [int(group) for group in groups]
    if all(number % 10 == 0 for number in numbers):
        return True
    is_rising = all(a < b for a, b in pairwise(numbers))
    return (
        is_rising
        and len(groups) >= 3
        and (max(lengths) <= 2 or (len(set(lengths)) == 1 and all(n % 5 == 0 for n in numbers)))
    )


def is_phone_shape(text: str) -> bool:
    """Whether groups of digits with their separators can be a phone of 7 to 15 digits."""
    groups = _GROUPS.findall(text)
    lengths = [len(group) for group in groups]
    if not 7 <= sum(lengths) <= 15:
        return False
    if len(set("".join(groups))) == 1:
        return False
    if len(groups) == 1 or text.startswith("+"):
        return True
    between = re.split(r"\d+", text)[1:-1]
    if _is_code_or_decimal(groups, lengths, between):
        return False
    if "/" in text and not _may_have_slash(groups, lengths, text):
        return False
    if text.startswith(("(", "0")):
        return max(lengths) > 1
    if min(lengths[1:]) < 2 or (lengths[0] == 1 and text[0] not in "1789"):
        return False
    kinds = {separator.strip(" ()") for separator in between}
    if max(lengths) == 2:
        return len(kinds) == 1 and len(groups) >= 4 and lengths[0] == 2
    return len(kinds) <= 2


_SLASH_SHAPES = ([3, 3, 4], [1, 3, 3, 4], [2, 2, 2, 2, 2], [3, 7], [3, 3, 2, 2], [4, 3, 3])


def _may_have_slash(groups: list[str], lengths: list[int], text: str) -> bool:
    """Slashes belong to case numbers and standards more often than to phones."""
    if any(_PLAIN_YEAR.fullmatch(group) for group in groups):
        return False
    has_area_code = text.startswith(("0", "(")) and 2 <= lengths[0] <= 5 and text.count("/") <= 2
    return lengths in _SLASH_SHAPES or (has_area_code and (lengths[0] > 2 or lengths[1] > 4))


def _is_code_or_decimal(groups: list[str], lengths: list[int], between: list[str]) -> bool:
    """A postal code of two parts (12345-6789, 01310-100) or a decimal number (40.7127753)."""
    if len(groups) != 2:
        return False
    if between == ["."]:
        return lengths[0] <= 3 and lengths[1] >= 4 and int(groups[0]) <= 180
    return between == ["-"] and ((lengths == [5, 4] and groups[0][0] != "9") or lengths == [5, 3])


_SHAPES = (
    (1, 3, 3, 2, 2),
    (2, 2, 2, 2, 2),
    (1, 3, 3, 4),
    (3, 3, 2, 2),
    (3, 3, 4),
    (3, 4, 4),
    (4, 3, 3),
    (2, 4, 4),
    (1, 3, 7),
    (3, 3, 3),
    (5, 5),
    (4, 6),
    (3, 7),
    (4, 4),
)


def known_shapes(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Index ranges of neighbouring groups whose digit counts are a habitual way to write a phone."""
    start = 0
    while start < len(lengths):
        for shape in _SHAPES:
            if tuple(lengths[start : start + len(shape)]) == shape:
                yield start, start + len(shape)
                start += len(shape)
                break
        else:
            start += 1


_SYMBOL = "[$€£¥￥₹₽₫₴₸₦₱฿₩₺₪]"
_CURRENCY = (
    "usd|us|eur|euros?|gbp|inr|rs|rub|руб|рублей|рубля|р|uah|грн|тг|тенге|сом|vnd|vnđ|đ|đồng|dong|cny|rmb"
    "|hkd|sgd|aud|cad|nzd|thb|baht|php|peso|pesos|idr|rp|krw|jpy|yen|pln|zł|zl|czk|kč|huf|ft|ron"
    "|lei|bgn|try|tl|brl|reais|mxn|ars|clp|cop|pen|aed|dhs?|dirhams?|sar|sr|riyals?|kwd|qar|omr|bhd"
    "|egp|mad|dzd|ngn|kes|kshs?|ghs|zar|dollars?|chf|sek|nok|dkk|kr"
    "|درهم|ريال|دينار|جنيه|دولار|تومان|रुपये|रुपए|रु|रू"
)
_MULTIPLE = (
    "k|mln|млн|тыс|mil|million|millions|triệu|tr|củ|lakhs?|lac|crores?|ألف|الف|लाख|हज़ार|हजार"
)
_PERIOD = (
    "month|mth|mo|pm|week|wk|day|hour|hr|h|year|yr|annum|mes|mois|mese|mês|monat|stunde|std|jour"
    "|heure|hora|día|dia|мес|месяц|час|день|сутки|смену|смена|неделю|tháng|giờ|ngày|ay|gün|saat|شهر|माह|महीना"
)
_UNIT = "km|m2|m²|sqft|sqm|kg|ml|people|users|followers|views|km2|га|кв|лет|чел|человек|людей"
_LETTER = r"[^\W\d_]"
_PAY = (
    "工资|收入|底薪|月薪|薪资|薪水|待遇|salary|wages?|pay|зарплата|зп|з/п|оклад|salario|sueldo|salaire|gehalt|lohn"
    "|lương|वेतन|सैलरी|تنخواہ|راتب|maaş|stipendio|salário|wynagrodzenie"
)
_AMOUNT_BEFORE = re.compile(
    rf"(?:{_SYMBOL}|(?<!{_LETTER})(?:{_CURRENCY})\.?|{_PAY})\s?[:：~+（(]{{0,2}}\s?\Z",
    re.IGNORECASE,
)
_AMOUNT_AFTER = re.compile(
    rf",\d\d(?!\d)|\s?(?:{_SYMBOL}(?!\s?\d)|[%‰°+](?!\d)|(?:{_CURRENCY}|{_MULTIPLE}|{_UNIT})(?!{_LETTER})"
    rf"|[元块円원万億억萬千]|人民币|/\s?(?:(?:{_PERIOD})(?!{_LETTER})|[月天日时小年周]))",
    re.IGNORECASE,
)
_WHOLE_AMOUNT = re.compile(
    rf"(?:{_NUMBER}|\d{{1,3}})(?:\s?(?:{_DASH}|/)\s?(?:{_NUMBER}|\d{{1,3}}))?"
)
_HEAD_AMOUNT = re.compile(
    rf"(?:[1-9]\d{{0,2}}(?:[. ]\d{{3}}){{0,2}}[. ]000|\d+)(?:{_DASH}\d+)?(?=\s|$)"
)
_TAIL_AMOUNT = re.compile(
    r"(?:(?<=\s)|^)(?:[1-9]\d{0,2}(?:[. ]\d{3}){0,2}[. ]000|\d+(?:[-–—]\d+)?)\Z"
)
_HOUR_AFTER = re.compile(r"[:hч]\d\d|\s?(?:am|pm|uhr|h)(?![^\W\d_])", re.IGNORECASE)


def without_amounts(text: str, start: int, end: int) -> tuple[int, int]:
    """A candidate's bounds without the amount or the hour at its head or tail.

    Neighbours tell: "€500 612 345 678" and "612 345 678 500 €" keep the phone, "12 345 678 руб"
    keeps nothing.
    """
    candidate = ascii_shape(text[start:end])
    has_before = (
        not candidate.startswith(("+", "(+"))
        and _AMOUNT_BEFORE.search(text[max(start - 12, 0) : start]) is not None
    )
    has_after = _AMOUNT_AFTER.match(text, end) is not None
    is_bare = len(candidate) <= _MAX_LENGTH and not candidate.startswith(("+", "0"))
    if is_bare and (has_before or has_after) and _WHOLE_AMOUNT.fullmatch(candidate):
        return start, start
    if has_before and (head := _HEAD_AMOUNT.match(candidate)):
        start += head.end()
        candidate = candidate[head.end() :]
    if has_after or _HOUR_AFTER.match(text, end):
        tail = _TAIL_AMOUNT.search(candidate[-_MAX_LENGTH:])
        if tail and (len(tail[0]) < 7 or tail[0].endswith("000")):
            end -= len(tail[0])
    return start, max(start, end)


_ID_END = r"[\s.:：#№-]{0,3}(?:(?:id|no|nr|number|num|код|code|№|#)[\s.:：#-]{0,3})?\Z"
_ID_BEFORE = re.compile(
    rf"(?:(?<!{_LETTER})(?:ref|reference|référence|referencyjny|referencia|kod|код|vacancy|req|lic|license"
    "|licence|registration|inn|инн|огрн|pin|zip|plz|cp|cep|isbn|order|арт|артикул|вакансия|вакансии"
    "|лицензия|лицензии|licencia|siret|siren|nip|regon|krs|vat|gstin|cin)|编号|編號|工号|执照|许可证|证号"
    rf"|邮编|番号){_ID_END}",
    re.IGNORECASE,
)
# These stand before phones too, so a word for calling nearby outweighs them.
_NUMBER_BEFORE = re.compile(
    rf"(?:(?<!{_LETTER})(?:id|no|nr|nº|job|code|cod|código|reg|mã)|№){_ID_END}", re.IGNORECASE
)
_PHONE_BEFORE = re.compile(
    r"tel|phone|call|mob|cell|whats|contact|viber|text|ring|sms|fon|тел|звон|моб|пиш|смс|номер|ватсап"
    r"|电话|手机|联系|电联|拨打|اتصل|هاتف|تلفون|جوال|واتس|फोन|फ़ोन|कॉल|नंबर|gọi|điện|sđt|đt|zalo|hotline|llama|liga"
    r"|appel|chiam|ara[ym ]|numer|número|\bph\b|\bwa\b|telegram|📞|📱|☎|📲",
    re.IGNORECASE,
)
_SHORT_SHAPE = re.compile(r"\d{3}[-.–]\d{4}|\d{3}-\d\d-\d\d")


def is_id_or_local(text: str, start: int, end: int) -> bool:
    """Whether neighbours make a phone-shaped number an id, or it is too short to stand alone."""
    number = ascii_shape(text[start:end])
    if number.startswith("+"):
        return False
    count = sum(map(str.isdigit, number))
    before = text[max(start - 24, 0) : start]
    if _ID_BEFORE.search(before) or before.endswith("%"):  # "%2525", a link encoded twice
        return True
    if _PHONE_BEFORE.search(before):
        return False
    if _NUMBER_BEFORE.search(before) or (count <= 9 and before.rstrip().endswith("#")):
        return True
    if count == 7 and not _SHORT_SHAPE.fullmatch(number):
        return True
    return _is_part_of_code(text, start, end, count)


_CODE_BEFORE = re.compile(r"[A-Za-z0-9_]+\Z")
_CODE_AFTER = re.compile(r"[A-Za-z0-9_]+")
_HEX = frozenset("0123456789abcdefABCDEF")


def _is_part_of_code(text: str, start: int, end: int, count: int) -> bool:
    """Whether letters touch the number in the way of an id or a hash ("ed90e5630108999bc")."""
    before = _CODE_BEFORE.search(text[max(start - 40, 0) : start])
    after = _CODE_AFTER.match(text, end, end + 40)
    if not before and not after:
        return False
    return (
        count <= 9
        or all(
            part is None or len(part[0]) <= 1 or not part[0].isalpha() or _HEX.issuperset(part[0])
            for part in (before, after)
        )
        or bool(before and after)
    )
