"""@handles and messenger ids in clean text; the messenger's name stays, only the id is a contact."""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from adrisk.text.contact import Contact, Glance
from adrisk.text.number_words import FILLERS, LETTER_DIGITS, NUMBER_WORDS

_HANDLE = re.compile(r"(?<![\w@./+-])@([A-Za-z_][A-Za-z0-9_.]{2,63})(?![A-Za-z0-9@])")
_NOT_HANDLES = frozenset(
    {"home", "work", "office", "the", "all", "your", "our", "site", "night", "day", "any"}
)


def find_handles(text: str, looked: Glance) -> Iterator[Contact]:
    """Names behind "@", of three characters or more, that are no part of an address."""
    if "@" not in text:
        return
    for match in _HANDLE.finditer(text):
        name = match[1].rstrip(".")
        if len(name) >= 3 and name.lower() not in _NOT_HANDLES:
            yield Contact("handle", match.start(), match.start() + 1 + len(name), name.lower())


_NAME_WORDS = """
telegram telegramm telega tg тг телеграм телеграмм телега تليجرام تيليجرام تلغرام تلگرام
टेलीग्राम wechat weixin wx vx line kik snapchat snap signal сигнал zalo viber вайбер
whatsapp whats wa wasap ватсап вотсап вацап واتساب واتس व्हाट्सएप व्हाट्सऐप skype скайп سكايب
qq instagram insta ig инста инстаграм انستقرام انستغرام facebook fb messenger discord threema
wickr imo kakao kakaotalk 카카오톡 카톡 라인 vk вк botim bigo
"""
_NAMES = frozenset(_NAME_WORDS.split())
# Names that are everyday words or letters too: they ask for more before an id is believed.
_WORDS_TOO = frozenset({"line", "signal", "snap", "whats", "wa", "ig", "imo", "сигнал"})
_CHINESE_NAME = re.compile(
    "[微薇威徽vV] ?信|[加+](?:[vV]|微(?!信))|微(?=[:：])|[vVqQ][xXqQ](?=[号是]?[:： ]?[a-zA-Z0-9])|扣扣|企鹅号|[快抖][手音]|陌陌"
)
_CHINESE_HINTS = "信微扣鹅手音陌加号"
_MARK = (
    "id|nick|nickname|user|username|user name|account|acc|ник|логин|号码|账号|帐号|号|usuario|utente"
    "|معرف|आईडी"
)
_ID = regex.compile(
    rf"(?P<join>\s{{0,2}}(?:(?P<mark>{_MARK})(?![\p{{L}}\p{{M}}--\p{{Han}}]))?\s{{0,2}}"
    r"(?:(?:is|为|是)\s)?(?P<colon>[:：=\-–—>→/]{0,2})\s{0,2})"
    r"(?P<id>(?:live:)?[A-Za-z0-9_][A-Za-z0-9_.\-]{2,39})(?P<next>\s?\p{L}{0,4})",
    regex.IGNORECASE | regex.VERSION1,
)
_LETTERS = re.compile("[a-z]+")
# Short words after a lone id: "telegram: anna_k or call".
_AND_OR = frozenset(
    {"or", "and", "y", "o", "e", "et", "ou", "und", "oder", "и", "или", "i", "lub", "ve", "và"}
)
_NOT_ID_WORDS = """
contact call message msg text write yes available only group channel chat number none below here
link page send add open free also online the for our your and not with please inbox job jobs work
hiring apply now today anytime welcome preferred calls messages contacto grupo canal mensaje
tiktok twitter youtube linkedin escribir llamar numero disponible solo groupe seulement gruppe nachricht kanal grup mesaj
"""
_NOT_IDS = _NAMES | frozenset(_NOT_ID_WORDS.split())
_QQ = frozenset({"qq", "扣扣", "企鹅号"})


def find_messenger_ids(text: str, looked: Glance) -> Iterator[Contact]:
    """Ids that follow a messenger's name: "telegram: name", "微信abc123". A phone is left to phones."""
    position = 0
    for start, end in sorted(_names(text, looked)):
        match = _ID.match(text, end)
        if match is None or match.start("id") < position:
            continue
        name = match["id"].rstrip(".-")
        first, position = match.start("id"), match.start("id") + len(name)
        if len(name) >= 3 and _is_id(name, looked.lower[start:end], match):
            yield Contact("messenger_id", first, position, name.lower())


def _names(text: str, looked: Glance) -> Iterator[tuple[int, int]]:
    """Where names of messengers stand."""
    yield from looked.places(_NAMES)
    if not looked.rare.isdisjoint(_CHINESE_HINTS):
        for match in _CHINESE_NAME.finditer(text):
            yield match.span()


def _is_id(name: str, messenger: str, match: regex.Match[str]) -> bool:
    """Whether the token behind a messenger's name is an id, not a phone and not a sentence."""
    if name.isdigit():
        return messenger in _QQ and 5 <= len(name) <= 11
    letters = _LETTERS.findall(name.lower())
    if all(
        word in NUMBER_WORDS or word in FILLERS or LETTER_DIGITS.keys() >= set(word)
        for word in letters
    ):
        return False
    has_digits = "_" in name or (any(map(str.isdigit, name)) and len(letters[0]) > 1)
    if messenger in _WORDS_TOO:
        return has_digits and bool(match["mark"] or match["colon"])
    if has_digits:
        return match["join"] != "" or not messenger.isascii()
    follows = match["next"]
    stands_alone = not follows[:1].isspace() or follows.strip() in _AND_OR
    is_marked = bool(match["mark"] or match["colon"]) or not messenger.isascii()
    return is_marked and stands_alone and len(name) >= 4 and name.lower() not in _NOT_IDS
