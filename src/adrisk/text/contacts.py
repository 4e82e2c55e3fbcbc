"""Contacts in clean text: phones, e-mails, links, handles and messenger ids, disguised ones too.

Each finder sees the text with what earlier finders took, and placeholders that stand there already,
blanked out, so that contacts never overlap. Offsets are code points of the given text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from adrisk.text.contact import BLANK, Contact, digit_count, words_of
from adrisk.text.contacts_disguised import find_disguised_phones
from adrisk.text.contacts_messenger import find_handles, find_messenger_ids
from adrisk.text.contacts_phone import find_phones
from adrisk.text.contacts_web import (
    find_emails,
    find_links,
    find_spelled_emails,
    find_spelled_links,
)

__all__ = ["PLACEHOLDER", "Contact", "find_contacts"]

PLACEHOLDER = re.compile(
    r"\[(?:PHONE|EMAIL)(?:_OBSCURED)?\]|\[(?:LINK|HANDLE|MESSENGER_ID|IDENTITY)\]"
)
"""A placeholder that stands in the text already."""


def find_contacts(text: str) -> list[Contact]:
    """Contacts of clean text, sorted and not overlapping. Linear in the length of the text.

    `Contact.value` is the same for a contact written in two ways: of a phone its national digits
    (see `contacts_phone.normalise_phone`), of a link host and path without scheme, `www.` and the
    last slash, of the rest the address or name in lower case without "@" in front.
    """
    work = PLACEHOLDER.sub(lambda match: BLANK * len(match[0]), text) if "[" in text else text
    words = words_of(text)
    known = frozenset(words)
    found: list[Contact] = []

    def take(contacts: Iterable[Contact]) -> str:
        taken = list(contacts)
        found.extend(taken)
        return _blank(work, taken)

    if "@" in work:
        work = take(find_emails(work))
    work = take(find_spelled_emails(work, known))
    work = take(find_links(work))
    work = take(find_spelled_links(work, known))
    if "@" in work:
        work = take(find_handles(work))
    work = take(find_messenger_ids(work, known))
    digits = digit_count(work)
    work = take(find_disguised_phones(work, words, digits))
    if digits >= 7:
        take(find_phones(work))
    return sorted(found, key=lambda contact: contact.start)


def _blank(text: str, contacts: list[Contact]) -> str:
    if not contacts:
        return text
    pieces, position = [], 0
    for contact in contacts:
        pieces += [text[position : contact.start], BLANK * (contact.end - contact.start)]
        position = contact.end
    return "".join([*pieces, text[position:]])
