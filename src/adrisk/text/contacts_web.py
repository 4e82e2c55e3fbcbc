"""E-mail addresses and links in clean text, also when written with words ("name at site dot com")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adrisk.text.contact import Contact, Glance

# Endings that are taken for a domain wherever they stand.
_TLD = (
    "com|net|org|info|biz|edu|gov|app|dev|xyz|online|site|shop|top|vip|agency|jobs|ru|рф|ua|by|kz"
    "|de|fr|pl|cz|nl|uk|cn|tw|hk|jp|kr|br|mx|ar|cl|pe|au|nz|za|ng|ke|gh|ae|sa|eg|tr|ir|pk|bd|lk|th"
    "|vn|ph|sg|eu|ch|pt|gr|ro|hu|bg|rs|hr|sk|lt|lv|ee|fi|dk|se|ie|il|ge|uz|kg|mn|io|co|tv|cc|ly|gg"
)
# Endings that are words too ("available.in"): only where no small word follows, or with a path.
_WORD_TLD = "in|it|is|me|us|be|at|no|id|my|so|am|as|la|to|es|pro|club|live|link|work|world|ai|gl"
_PATH = r"[^\s<>\"'`|\\^{}\0\u3000-\u9fff\uff00-\uffef\[\]]"
_NOT_INSIDE = r"(?<![A-Za-z0-9@._%+-])"

_EMAIL = re.compile(
    _NOT_INSIDE + r"[A-Za-z0-9._%+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*\.[A-Za-z]{2,24}"
)
_ENDINGS = f"{_TLD}|{_WORD_TLD}"
_HAS_DOMAIN = re.compile(rf"\.(?:{_ENDINGS}|Com|{_ENDINGS.upper()})(?![A-Za-z0-9])")
_LINK = re.compile(
    rf"(?:(?<![A-Za-z])h(?:tt|xx)ps?://|(?<![A-Za-z0-9])www\.){_PATH}+"
    rf"|{_NOT_INSIDE}(?P<host>[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)*(?:\.рф)?)"
    rf"(?::\d{{2,5}}(?!\d))?(?P<path>[/?#]{_PATH}*+)?",
    re.IGNORECASE,
)
_STRONG = frozenset(_TLD.split("|"))
_WORD_LIKE = frozenset(_WORD_TLD.split("|"))
_SHORT_HOSTS = frozenset({"t.me", "m.me", "x.com", "t.co", "g.co", "g.page", "u.to", "v.ht"})
_NOT_HOSTS = frozenset({"asp.net", "vb.net", "ado.net", "ml.net", "dot.net", "m.com", "b.com"})
_CLOSING = ".,;:!?…)]}*_~'\"»”’،؛؟।"


def find_emails(text: str, looked: Glance) -> Iterator[Contact]:
    """Plain addresses, as name@example.com."""
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        value, end = match[0], match.end()
        head, _, last = value.rpartition(".")
        # "name@example.com.Call me": the sentence that follows is no part of the address.
        if last.istitle() and head.rpartition(".")[2] in _STRONG and "." in head.split("@")[1]:
            value, end = head, end - len(last) - 1
        yield Contact("email", match.start(), end, value.lower().lstrip("."))


def find_links(text: str, looked: Glance) -> Iterator[Contact]:
    """Addresses with a scheme, with `www.`, and bare domains with a known ending."""
    if "." not in text or not ("://" in text or "www." in looked.lower or _HAS_DOMAIN.search(text)):
        return
    for match in _LINK.finditer(text):
        if match["host"] is None or _is_domain(match, text):
            value = match[0].rstrip(_CLOSING)
            yield Contact("link", match.start(), match.start() + len(value), _normal_link(value))


def _is_domain(match: re.Match[str], text: str) -> bool:
    host, path = match["host"], match["path"]
    name, _, ending = host.rpartition(".")
    label = name.rpartition(".")[2]
    if not label or host.lower() in _NOT_HOSTS or not any(map(str.isalpha, label)):
        return False
    if not (ending.islower() or host.isupper() or (ending == "Com" and host.istitle())):
        return False
    ending = ending.lower()
    if len(name) < 2 and not (path and host.lower() in _SHORT_HOSTS):
        return False
    if ending in _STRONG:
        return True
    follows = text[match.end() : match.end() + 2]
    return ending in _WORD_LIKE and (
        (path is not None and len(path) > 1)
        or "." in name
        or not (follows[:1].isspace() and follows[1:].islower())
    )


def _normal_link(link: str) -> str:
    link = re.sub(r"^(?:h(?:tt|xx)ps?://)?(?:www\.)?", "", link, flags=re.IGNORECASE)
    host, slash, path = link.partition("/")
    return (host.lower() + slash + path).rstrip("/")


# Signs and words for "@" and "." in addresses that are written out.
_AT_WORDS = "at|arroba|собака|собачка|arobase|chiocciola|klammeraffe|małpa|malpa|آت|ات|एट"
_DOT_WORDS = "dot|punto|ponto|point|punkt|точка|тчк|نقطة|डॉट|nokta|chấm|kropka|titik"
_MAILBOXES = frozenset(
    {"gmail", "googlemail", "yahoo", "ymail", "hotmail", "outlook", "live", "icloud", "proton"}
    | {"protonmail", "mail", "yandex", "rambler", "bk", "inbox", "list", "qq", "gmx", "web", "aol"}
    | {"zoho", "rediffmail", "tutanota"}
)
_OPEN, _SHUT = r"\s{0,3}[(\[{<]\s{0,2}", r"\s{0,2}[)\]}>]\s{0,3}"
_AROUND = r"[\s*_~-]{1,3}"
_DOT = rf"(?:{_OPEN}(?:\.|{_DOT_WORDS}){_SHUT}|{_AROUND}(?:{_DOT_WORDS}){_AROUND}|\s{{0,3}}[点點]\s{{0,3}})"
_ANY_DOT = rf"(?:{_DOT}|\s?\.\s?)"
_CHARS = "A-Za-z0-9А-Яа-яЁё"
_AT = re.compile(
    rf"{_OPEN}(?P<boxed>@|{_AT_WORDS}|a){_SHUT}|{_AROUND}(?P<word>{_AT_WORDS}){_AROUND}"
    r"|\s{0,3}(?P<cjk>艾特)\s{0,3}|(?P<sign>\s{0,3}@\s{0,3})",
    re.IGNORECASE,
)
_LOCAL = re.compile(
    rf"(?<![{_CHARS}._%+-])(?:[{_CHARS}._%+-]{{1,40}}{_DOT}){{0,2}}[{_CHARS}._%+-]{{1,64}}\Z",
    re.IGNORECASE,
)
_DOMAIN = re.compile(
    rf"(?P<host>[{_CHARS}-]{{1,63}}(?:{_ANY_DOT}[{_CHARS}-]{{1,63}}){{0,3}}?)"
    rf"(?P<dot>{_ANY_DOT})(?P<tld>{_TLD}|{_WORD_TLD}|ру|ком)(?![{_CHARS}])",
    re.IGNORECASE,
)
_LOCAL_END = re.compile(rf"[{_CHARS}._%+-]")
_ANY_DOT_RE = re.compile(_ANY_DOT, re.IGNORECASE)
_DOT_RE = re.compile(_DOT, re.IGNORECASE)
_AT_MAILBOX = re.compile(rf"at\s{{1,3}}(?:{'|'.join(sorted(_MAILBOXES))})(?![a-z0-9])")
_ENDING = re.compile(rf"{_AROUND}(?:{_TLD}|{_WORD_TLD}|ру|ком)(?![{_CHARS}])")
_BOXED = re.compile(rf"[(\[{{<]\s?(?:@|\.|{_AT_WORDS}|a|{_DOT_WORDS})\s?[)\]}}>]", re.IGNORECASE)
_SURE_AT_WORDS = frozenset(_AT_WORDS.split("|")) - {"at"}
_DOT_SET = frozenset(_DOT_WORDS.split("|"))
_WINDOW = 120


def find_spelled_emails(text: str, looked: Glance) -> Iterator[Contact]:
    """Addresses with "at" and "dot" in words, in brackets or with spaces around the sign.

    A bare "at" needs a spelled dot ("look at example dot net" counts) or a mail provider ("name at
    gmail.com"); "apply at example.com" is a sentence with a link.
    """
    may_be = (
        "@" in text
        or _may_have_spelled_dot(text, looked)
        or not looked.known.isdisjoint(_SURE_AT_WORDS)
        or ("at" in looked.known and _AT_MAILBOX.search(looked.lower))
        or "艾特" in text
    )
    if not may_be:
        return
    position = 0
    for at in _AT.finditer(text):
        if at.start() < position or not _LOCAL_END.match(text, at.start() - 1):
            continue
        before = text[max(at.start() - _WINDOW, position) : at.start()]
        local = _LOCAL.search(before)
        domain = _DOMAIN.match(text, at.end(), at.end() + _WINDOW)
        if local is None or domain is None or not _is_spelled_email(at, domain):
            continue
        start = at.start() - len(before) + local.start()
        value = f"{_DOT_RE.sub('.', local[0])}@{_ANY_DOT_RE.sub('.', domain[0])}"
        yield Contact("email", start, domain.end(), value.lower().lstrip("."), True)
        position = domain.end()


def _is_spelled_email(at: re.Match[str], domain: re.Match[str]) -> bool:
    if _DOT_RE.search(domain[0]) or at["boxed"] or at["cjk"]:
        return True
    # "lunch @ home. To apply": a plain dot counts only before an ending in lower case.
    if not domain["tld"].islower():
        return False
    if at["sign"]:
        return domain["tld"] in _STRONG
    return at["word"].lower() != "at" or domain["host"].lower() in _MAILBOXES


_SPELLED_LINK = re.compile(
    rf"(?<![{_CHARS}._-])[{_CHARS}-]{{4,63}}{_DOT}(?:com|net|org|info|ru|ру|ком)(?![{_CHARS}])",
    re.IGNORECASE,
)


def find_spelled_links(text: str, looked: Glance) -> Iterator[Contact]:
    """Domains with the dot in a word or in brackets: "example dot com"."""
    if _may_have_spelled_dot(text, looked):
        for match in _SPELLED_LINK.finditer(text):
            yield Contact("link", *match.span(), _DOT_RE.sub(".", match[0]).lower(), True)


def _may_have_spelled_dot(text: str, looked: Glance) -> bool:
    """Whether a word for the dot stands before an ending, or a dot in brackets, or 点."""
    return (
        any(_ENDING.match(looked.lower, end) for _, end in looked.places(_DOT_SET))
        or not looked.rare.isdisjoint("点點")
        or (any(sign in text for sign in "([{<") and _BOXED.search(text) is not None)
    )
