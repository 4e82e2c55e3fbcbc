"""The secret key under which contacts are compared: HMAC-SHA256, never a plain hash.

Phone numbers are few enough to try them all, so an unkeyed hash of one is as good as the number.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from adrisk.errors import UsageError

ENVIRONMENT = "ADRISK_CONTACT_KEY"
KEY_FILE = "contact.key"
MIN_BYTES = 16


@dataclass(frozen=True)
class ContactKey:
    """A secret of at least 16 bytes; `key_id` may be shown, the secret never is."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """First 8 hex digits of SHA-256 over "adrisk-key-id" and the secret."""
        return hashlib.sha256(b"adrisk-key-id" + self.secret).hexdigest()[:8]

    def digest(self, kind: str, value: str) -> bytes:
        """Keyed hash, 32 bytes, of one normalised contact."""
        message = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, message, "sha256")


def load_contact_key(path: Path) -> ContactKey:
    """Read a key file. Raises UsageError where it is missing, unreadable or too short."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"cannot read the contact key file {path}: {error.strerror}") from error
    return _checked(secret, str(path))


def contact_key_from_environment() -> ContactKey | None:
    """The key in ADRISK_CONTACT_KEY, if it is set. Raises UsageError where it is too short."""
    value = os.environ.get(ENVIRONMENT)
    return None if value is None else _checked(value.strip().encode(), ENVIRONMENT)


def make_contact_key(path: Path) -> ContactKey:
    """Write a new random key to `path` with mode 600; an existing file is never replaced."""
    text = secrets.token_hex(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
    except OSError as error:
        raise UsageError(f"cannot write the contact key file {path}: {error.strerror}") from error
    return ContactKey(text.encode())


def _checked(secret: bytes, where: str) -> ContactKey:
    if len(secret) < MIN_BYTES:
        raise UsageError(
            f"the contact key in {where} is shorter than {MIN_BYTES} bytes: make one with  "
            "openssl rand -hex 32"
        )
    return ContactKey(secret)
