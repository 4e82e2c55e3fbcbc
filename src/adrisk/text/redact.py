"""Clean text -> redacted text: contacts and identity words become typed placeholders."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from adrisk.codebook.identity import find_identity_words
from adrisk.text.alignment import Alignment, Replacement, apply_replacements
from adrisk.text.contacts import Contact, find_contacts

__all__ = ["PLACEHOLDERS", "REDACT_COUNTS", "Contact", "Redacted", "find_contacts", "redact"]

REDACT_COUNTS = (
    "phone",
    "phone_obscured",
    "email",
    "email_obscured",
    "link",
    "handle",
    "messenger_id",
    "identity",
)
PLACEHOLDERS: tuple[str, ...] = tuple(f"[{name.upper()}]" for name in REDACT_COUNTS)


class Redacted(NamedTuple):
    """Redacted text, the counts that are not zero, and the way back to the clean text."""

    text: str
    counts: dict[str, int]
    alignment: Alignment


def redact(text: str, *, contacts: bool = True, identity: bool = True) -> Redacted:
    """Put placeholders for contacts and for nationality, ethnicity and religion words.

    `text` is clean text. Placeholders that it holds already stay and are not counted. What a
    placeholder brings to light (words that now stand next to each other) is looked at again, so
    that redacting twice changes nothing. Street addresses and names of people are not redacted.
    """
    counts: Counter[str] = Counter()
    alignment = Alignment()
    changed = True
    while changed:
        changed = False
        for wanted, find in ((contacts, _named_contacts), (identity, _named_identity)):
            found = find(text) if wanted else []
            if found:
                changed = True
                counts.update(name for _, _, name in found)
                text, edits = apply_replacements(
                    text, [Replacement(s, e, f"[{name.upper()}]") for s, e, name in found]
                )
                alignment = alignment.then(edits)
    return Redacted(text, dict(counts), alignment)


def _named_contacts(text: str) -> list[tuple[int, int, str]]:
    return [(contact.start, contact.end, _count_name(contact)) for contact in find_contacts(text)]


def _count_name(contact: Contact) -> str:
    is_marked = contact.obscured and contact.kind in ("phone", "email")
    return f"{contact.kind}_obscured" if is_marked else contact.kind


def _named_identity(text: str) -> list[tuple[int, int, str]]:
    return [(start, end, "identity") for start, end in find_identity_words(text)]
