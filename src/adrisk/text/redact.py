"""Clean text -> redacted text: contacts and identity words become typed placeholders."""

from __future__ import annotations

from typing import NamedTuple

from adrisk.codebook.match import find_identity_words
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
    """Put placeholders."""
    found = []
    if contacts:
        for contact in find_contacts(text):
            name = contact.kind + ("_obscured" if contact.obscured else "")
            found.append((contact.start, contact.end, name))
    if identity:
        taken = [(start, end) for start, end, _ in found]
        for start, end in find_identity_words(text):
            if not any(start < e and s < end for s, e in taken):
                found.append((start, end, "identity"))
    found.sort()
    counts: dict[str, int] = {}
    for _, _, name in found:
        counts[name] = counts.get(name, 0) + 1
    new, edits = apply_replacements(
        text, [Replacement(s, e, f"[{name.upper()}]") for s, e, name in found]
    )
    return Redacted(new, counts, Alignment().then(edits))
