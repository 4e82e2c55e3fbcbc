"""Contacts in clean text: phones, e-mails, links, handles and messenger ids, disguised ones too.

Each finder sees the text with what earlier finders took, and placeholders that stand there already,
blanked out, so that contacts never overlap. Offsets are code points of the given text.
"""

from __future__ import annotations

import re

from adrisk.text.contact import BLANK, Contact, glance
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

# An address is taken before the domain in it is a link, an id before its digits are a phone.
_FINDERS = (
    find_emails,
    find_spelled_emails,
    find_links,
    find_spelled_links,
    find_handles,
    find_messenger_ids,
    find_disguised_phones,
    find_phones,
)


def find_contacts(text: str) -> list[Contact]:
    """Contacts of clean text, sorted and not overlapping. Linear in the length of the text.

    `Contact.value` is the same for a contact written in two ways: of a phone its national digits
    (see `contacts_phone.normalise_phone`), of a link host and path without scheme, `www.` and the
    last slash, of the rest the address or name in lower case without "@" in front.
    """
    work = PLACEHOLDER.sub(lambda match: BLANK * len(match[0]), text) if "[" in text else text
    looked = glance(work)
    found: list[Contact] = []
    for find in _FINDERS:
        taken = list(find(work, looked))
        found += taken
        work = _blank(work, taken)
    return sorted(found, key=lambda contact: contact.start)


def _blank(text: str, contacts: list[Contact]) -> str:
    if not contacts:
        return text
    pieces, position = [], 0
    for contact in contacts:
        pieces += [text[position : contact.start], BLANK * (contact.end - contact.start)]
        position = contact.end
    return "".join([*pieces, text[position:]])
