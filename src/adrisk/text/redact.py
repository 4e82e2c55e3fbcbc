"""Clean text -> redacted text: contacts and identity words become typed placeholders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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


def redact(
    text: str,
    *,
    contacts: bool = True,
    identity: bool = True,
    is_disguised: Callable[[int, int], bool] = lambda start, end: False,
) -> Redacted:
    """Put placeholders for contacts and for nationality, ethnicity and religion words.

    `text` is clean text; `is_disguised` says whether text[start:end] was written in a disguise that
    cleaning has undone, so that a phone or an e-mail in it is marked as obscured. Placeholders that it holds already stay and are not counted. What a
    placeholder brings to light (words that now stand next to each other) is looked at again, so
    that redacting twice changes nothing. Street addresses and names of people are not redacted.
    """
    counts: Counter[str] = Counter()
    alignment = Alignment()

    def named_contacts(text: str) -> list[tuple[int, int, str]]:
        return [
            (c.start, c.end, _count_name(c, is_disguised(*alignment.to_input(c.start, c.end))))
            for c in find_contacts(text)
        ]

    changed = True
    while changed:
        changed = False
        for wanted, find in ((contacts, named_contacts), (identity, _named_identity)):
            found = find(text) if wanted else []
            if found:
                changed = True
                counts.update(name for _, _, name in found)
                text, edits = apply_replacements(
                    text, [Replacement(s, e, f"[{name.upper()}]") for s, e, name in found]
                )
                alignment = alignment.then(edits)
    return Redacted(text, dict(counts), alignment)


def _count_name(contact: Contact, is_disguised: bool) -> str:
    is_marked = (contact.obscured or is_disguised) and contact.kind in ("phone", "email")
    return f"{contact.kind}_obscured" if is_marked else contact.kind


def _named_identity(text: str) -> list[tuple[int, int, str]]:
    return [(start, end, "identity") for start, end in find_identity_words(text)]
