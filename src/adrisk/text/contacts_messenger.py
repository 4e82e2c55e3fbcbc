"""@handles and messenger ids in clean text; the messenger's name stays, only the id is a contact."""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from adrisk.text.contact import Contact, words_of
from adrisk.text.number_words import LETTER_DIGITS, NUMBER_WORDS

_HANDLE = re.compile(r"(?<![\w@./+-])@([A-Za-z_][A-Za-z0-9_.]{2,63})(?![A-Za-z0-9@])")
_NOT_HANDLES = frozenset(
    {"home", "work", "office", "the", "all", "your", "our", "site", "night", "day", "any"}
)


def find_handles(text: str) -> Iterator[Contact]:
    """Names behind "@", of three characters or more, that are no part of an address."""
    for match in _HANDLE.finditer(text):
        name = match[1].rstrip(".")
        if len(name) >= 3 and name.lower() not in _NOT_HANDLES:
            yield Contact("handle", match.start(), match.start() + 1 + len(name), name.lower())


_NAMES = (
    "telegram|telegramm|telega|tg|тг|телеграм|телеграмм|телега|تليجرام|تيليجرام|تلغرام|تلگرام|"
    "टेलीग्राम|wechat|weixin|wx|vx|line|kik|snapchat|snap|signal|сигнал|zalo|viber|вайбер|"
    "whatsapp|whats|wa|wasap|ватсап|вотсап|вацап|واتساب|واتس|व्हाट्सएप|व्हाट्सऐप|skype|скайп|سكايب|"
    "qq|instagram|insta|ig|инста|инстаграм|انستقرام|انستغرام|facebook|fb|messenger|discord|threema|"
    "wickr|imo|kakao|kakaotalk|카카오톡|카톡|라인|vk|вк|botim|bigo"
)
_CHINESE_NAMES = (
    "微信|薇信|威信|徽信|微 信|v信|加微|加v|微(?=[:：])|扣扣|企鹅号|支付宝|快手|抖音|陌陌"
)
_MARK = "id|nick|nickname|user|username|user name|account|acc|ник|логин|号码|账号|帐号|号|usuario|utente|kullanıcı|معرف|आईडी"
# No regex quantifier stands inside another one; white space is bounded, so a scan is linear.
_MESSENGER = regex.compile(
    rf"(?:(?<![\p{{L}}\p{{M}}])(?P<name>{_NAMES})(?![\p{{L}}\p{{M}}])|(?P<chinese>{_CHINESE_NAMES}))"
    rf"(?P<join>\s{{0,2}}(?P<mark>{_MARK})?\s{{0,2}}(?:is\b|为|是)?(?P<colon>[:：=\-–—>→/]{{0,2}})\s{{0,2}})"
    r"(?P<id>(?:live:)?[A-Za-z0-9_][A-Za-z0-9_.\-]{2,39})(?P<next>\s?\p{L}{0,4})",
    regex.IGNORECASE,
)
_NAME_SET = frozenset(_NAMES.split("|"))
_CHINESE_HINT = re.compile("[信微扣鹅付快抖陌vV]")
# Short words after a lone id: "telegram: anna_k or call".
_AND_OR = frozenset(
    {"or", "and", "y", "o", "e", "et", "ou", "und", "oder", "и", "или", "i", "lub", "ve", "và"}
)
_NOT_ID_WORDS = """
contact call message msg text write yes available only group channel chat number none below here
link page send add open free also online the for our your and not with please inbox job jobs work
hiring apply now today anytime welcome preferred calls messages contacto grupo canal mensaje
escribir llamar numero disponible solo groupe seulement gruppe nachricht kanal grup mesaj
"""
_NOT_IDS = frozenset(_NOT_ID_WORDS.split())
_QQ = ("qq", "扣扣", "企鹅号")


def find_messenger_ids(text: str, words: frozenset[str]) -> Iterator[Contact]:
    """Ids that follow a messenger's name: "telegram: name", "微信abc123". A phone is left to phones."""
    if words.isdisjoint(_NAME_SET) and not _CHINESE_HINT.search(text):
        return
    for match in _MESSENGER.finditer(text):
        name = match["id"].rstrip(".-")
        if len(name) >= 3 and _is_id(name, match):
            start = match.start("id")
            yield Contact("messenger_id", start, start + len(name), name.lower())


def _is_id(name: str, match: regex.Match[str]) -> bool:
    if name.isdigit():
        used = (match["name"] or match["chinese"]).lower()
        return used in _QQ and 5 <= len(name) <= 11
    letters = words_of(name)
    if not letters or all(w in NUMBER_WORDS or set(w) <= LETTER_DIGITS.keys() for w in letters):
        return False
    looks_like_id = "_" in name or (any(map(str.isdigit, name)) and len(letters[0]) > 1)
    is_marked = bool(match["mark"] or match["colon"] or match["chinese"])
    if (match["name"] or "").lower() in ("line", "signal", "snap", "whats", "wa", "ig"):
        is_marked = bool(match["mark"] or (match["colon"] and looks_like_id))
    if looks_like_id:
        return is_marked or bool(match["join"].strip()) or match["join"] != ""
    follows = match["next"]
    is_alone = not follows.strip() or not follows[0].isspace() or follows.strip() in _AND_OR
    return is_marked and len(name) >= 4 and is_alone and name.lower() not in _NOT_IDS
