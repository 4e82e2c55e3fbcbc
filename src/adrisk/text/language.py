"""The language a text is written in."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

_LOCK = Lock()


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def detect(text: str) -> str:
    """BCP-47 code, or "und" where nothing can be said."""
    if sum(c.isalpha() for c in text[:300]) < 3:
        return "und"
    with _LOCK:
        identifier = _identifier()
    return str(identifier.classify(text[:300])[0])
