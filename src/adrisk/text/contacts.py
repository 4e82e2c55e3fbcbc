"""Contacts in clean text."""

from __future__ import annotations

import re
from typing import NamedTuple


class Contact(NamedTuple):
    """A contact at code points [start, end); `value` is normalised."""

    kind: str
    start: int
    end: int
    value: str
    obscured: bool


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_PHONE = re.compile(r"\+\d[\d ().-]{7,20}\d")


def find_contacts(text: str) -> list[Contact]:
    """Contacts of the text."""
    found = [Contact("email", *m.span(), m[0].lower(), False) for m in _EMAIL.finditer(text)]
    for m in _PHONE.finditer(text):
        digits = "".join(c for c in m[0] if c.isdigit())
        found.append(Contact("phone", *m.span(), digits[-10:], False))
    found.sort(key=lambda c: c.start)
    return found
