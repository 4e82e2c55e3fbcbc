"""Digits as people write them out: words of many languages, Chinese numerals, look-alike letters."""

from __future__ import annotations

# Zero to nine; spellings of one digit are parted by "/". Words are compared in lower case.
_DIGIT_WORDS = {
    "en": "zero/oh/nought one two three four five six seven eight nine",
    "es": "cero uno/una/un dos tres cuatro cinco seis siete ocho nueve",
    "pt": "zero um/uma dois/duas três/tres quatro cinco seis/meia sete oito nove",
    "fr": "zéro/zero un/une deux trois quatre cinq six sept huit neuf",
    "it": "zero uno/una due tre quattro cinque sei sette otto nove",
    "de": "null eins/ein zwei/zwo drei vier fünf/fuenf sechs sieben acht neun",
    "ru": (
        "ноль/нуль один/раз/единица два/две/двойка три/тройка четыре/четвёрка "
        "пять/пятёрка/пятёрки/пятерки шесть/шестёрка семь/семёрка/семёрки восемь/восьмёрка "
        "девять/девятка"
    ),
    "uk": "нуль один два/дві три чотири п'ять шість сім вісім дев'ять",
    "pl": "zero jeden dwa/dwie trzy cztery pięć/piec sześć/szesc siedem osiem dziewięć/dziewiec",
    "tr": "sıfır/sifir bir iki üç/uc dört/dort beş/bes altı/alti yedi sekiz dokuz",
    "vi": "không/khong một/mốt/mot hai ba bốn/tư/bon năm/lăm/nam sáu bảy/bẩy/bay tám/tam chín/chin",
    "id": "nol/kosong satu dua tiga empat lima enam tujuh delapan sembilan",
    "ar": (
        "صفر واحد/واحدة اثنان/اثنين/إثنان/إثنين ثلاثة/ثلاثه/ثلاث/تلاتة/تلاته أربعة/اربعة/أربع/اربع/اربعه خمسة/خمسه/خمس/خمسات "
        "ستة/سته/ست سبعة/سبعه/سبع ثمانية/ثمان/ثمانيه/تمانية تسعة/تسعه/تسع"
    ),
    "fa": "صفر یک دو سه چهار پنج شش هفت هشت نه",
    "hi": (
        "शून्य/ज़ीरो/जीरो एक/वन दो/टू तीन/थ्री चार/फोर पांच/पाँच/फाइव छह/छः/छ/छे/सिक्स सात/सेवन आठ/एट नौ/नाइन"
    ),
    "hi-Latn": "shunya ek do teen char/chaar paanch/panch chhe/chhah saat aath nau",
}

_TENS = {
    "en": (
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
    ),
    "es": (
        "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve "
        "_ veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
        "veintiocho veintinueve",
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    ),
    "fr": (
        "dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf",
        "vingt trente quarante cinquante soixante",
    ),
    "ru": (
        "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать "
        "восемнадцать девятнадцать",
        "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    ),
}

_HUNDREDS = (
    "cien doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos",
    "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот",
)

CHINESE_DIGITS = {
    character: digit
    for digit, characters in {
        "0": "零〇",
        "1": "一幺壹",
        "2": "二两贰",
        "3": "三叁",
        "4": "四肆",
        "5": "五伍",
        "6": "六陆",
        "7": "七柒",
        "8": "八捌",
        "9": "九玖",
    }.items()
    for character in characters
}
"""Chinese numerals: each character is a digit of its own, with no space around it."""

LETTER_DIGITS = dict.fromkeys("oOоОοΟ", "0") | dict.fromkeys("lIi", "1")
"""Letters that stand for a digit inside a run of digits; o in Latin, Cyrillic and Greek."""

REPEATS = {"double": 2, "triple": 3, "doble": 2, "dobles": 2, "дабл": 2, "डबल": 2, "ट्रिपल": 3}
"""Words that say the next digit several times."""

FILLERS = frozenset({"y", "et", "cent", "cents", "zér", "cer", "зер"})
"""Words inside a spelled number that bring no digit of their own ("treinta y dos", "zér0")."""


def _number_words() -> dict[str, str]:
    words: dict[str, str] = {}
    for line in _DIGIT_WORDS.values():
        for digit, spellings in enumerate(line.split()):
            words.update(dict.fromkeys(spellings.split("/"), str(digit)))
    for teens, tens in _TENS.values():
        for number, word in enumerate(teens.split(), start=10):
            words.setdefault(word, str(number))
        for number, word in enumerate(tens.split(), start=2):
            words[word] = f"{number}0"
    words.pop("_")
    for hundreds in _HUNDREDS:
        for number, word in enumerate(hundreds.split(), start=1):
            words[word] = f"{number}00"
    return words


NUMBER_WORDS = _number_words()
"""Number word in lower case -> its digits."""
