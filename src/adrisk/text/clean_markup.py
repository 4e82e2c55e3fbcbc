"""Finds HTML: tags, comments, scripts, styles and entities, as replacements with offsets.

A scanner of our own, because HTML parsers give no offsets into the source. It does not judge what
the text says, and it leaves every "<" and "&" alone that does not clearly begin markup.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

from adrisk.text.alignment import Replacement

_BLOCKS = frozenset(
    """
    address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset
    figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hr html legend li main menu
    nav ol optgroup option p pre script section select style summary table tbody textarea tfoot
    thead title tr ul
    """.split()  # noqa: SIM905
)
_CELLS = frozenset(("td", "th"))
_INLINE = frozenset(
    """
    a abbr acronym applet area audio b base basefont bdi bdo big button canvas cite code col
    colgroup data datalist del dfn em embed font frame i iframe img input ins kbd label link map
    mark marquee meta meter nobr noframes noscript object output param picture progress q rp rt ruby
    s samp slot small source span strike strong sub sup svg template time tt u var video wbr
    """.split()  # noqa: SIM905
)

# Quoted attribute values may hold ">". Possessive, so each attempt is one walk without backtracking.
_TAG = (
    r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]*+)"
    r"(?P<rest>(?=[\s/>])(?:(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+(?=>)|[^<>]*+))>"
)
_ENTITY = r"&(?:amp;)*(?P<entity>#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TOKEN = re.compile(
    rf"{_TAG}|{_ENTITY}|(?P<comment><!--)|(?P<declaration><(?:![A-Za-z\[]|\?[A-Za-z])[^<>]*+>)"
)
_ENDS = {
    "comment": re.compile("-->"),
    "script": re.compile(r"</script[^<>]*+>", re.IGNORECASE),
    "style": re.compile(r"</style[^<>]*+>", re.IGNORECASE),
}


def find_markup(text: str) -> list[Replacement]:
    """What stands for the markup in `text`: nothing, a line break or the character meant."""
    if "<" not in text and "&" not in text:
        return []
    found: list[Replacement] = []
    open_ended: set[str] = set()  # kinds whose end was looked for in vain: never looked for again
    position = 0
    while token := _TOKEN.search(text, position):
        position = token.end()
        new = _meaning(token)
        if new is None:
            position = token.start() + 1
            continue
        kind = _with_content(token)
        if kind and kind not in open_ended:
            if end := _ENDS[kind].search(text, position):
                position = end.end()
            else:
                open_ended.add(kind)
        if token["comment"] and "comment" in open_ended:
            continue
        if new == "\n" and found and found[-1].end == token.start() and found[-1].new == "\n":
            new = ""
        found.append(Replacement(token.start(), position, new))
    return found


def _with_content(token: re.Match[str]) -> str | None:
    """The kind of end to look for, where the token's content goes with it."""
    if token["comment"]:
        return "comment"
    name = (token["name"] or "").lower()
    return name if name in ("script", "style") and not token["close"] else None


def _meaning(token: re.Match[str]) -> str | None:
    """The text that a token stands for; None where it is no markup after all."""
    if entity := token["entity"]:
        return _character(entity)
    if token["name"] is None:
        return ""
    name = token["name"].lower()
    if name in _BLOCKS:
        return "\n"
    if name in _CELLS:
        return " "
    # An unknown name is a tag only where it is written like one: <o:p>, <x-card>, </x>, <x y="1">.
    if name in _INLINE or token["close"] or ":" in name or "-" in name or "=" in token["rest"]:
        return ""
    return None


def _character(entity: str) -> str | None:
    """The character of an entity's name or number; None for an unknown name."""
    if entity[0] == "#":
        new = html.unescape(f"&{entity};")
    else:
        new = html5.get(f"{entity};", "")
        if not new:
            return None
    return " " if new == "\xa0" else new
