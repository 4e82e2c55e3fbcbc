import stat

import pytest

from adrisk.dataset.contact_key import (
    ContactKey,
    contact_key_from_environment,
    load_contact_key,
    make_contact_key,
)
from adrisk.errors import UsageError


def test_a_made_key_is_private_and_reads_back(tmp_path):
    path = tmp_path / "keys" / "contact.key"
    key = make_contact_key(path)
    assert load_contact_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert make_contact_key(tmp_path / "other.key") != key


def test_an_existing_key_file_is_never_replaced(tmp_path):
    path = tmp_path / "contact.key"
    path.write_text("an existing key of some length")
    with pytest.raises(UsageError):
        make_contact_key(path)
    assert path.read_text() == "an existing key of some length"


def test_the_secret_is_not_shown(tmp_path):
    key = ContactKey(b"a secret of some length")
    assert "secret of some" not in repr(key) and "secret of some" not in str(key)
    assert len(key.key_id) == 8 and int(key.key_id, 16) >= 0


def test_short_missing_and_unset_keys(tmp_path, monkeypatch):
    short = tmp_path / "short.key"
    short.write_text("tooshort\n")
    with pytest.raises(UsageError) as caught:
        load_contact_key(short)
    assert "tooshort" not in str(caught.value)
    with pytest.raises(UsageError, match="missing"):
        load_contact_key(tmp_path / "missing.key")
    monkeypatch.delenv("ADRISK_CONTACT_KEY", raising=False)
    assert contact_key_from_environment() is None
    monkeypatch.setenv("ADRISK_CONTACT_KEY", "")
    with pytest.raises(UsageError, match="ADRISK_CONTACT_KEY"):
        contact_key_from_environment()
    monkeypatch.setenv("ADRISK_CONTACT_KEY", "a secret of some length ")
    assert contact_key_from_environment() == ContactKey(b"a secret of some length")


def test_kinds_do_not_collide():
    key = ContactKey(b"a secret of some length")
    assert key.digest("phone", "1") != key.digest("handle", "1")
    assert len(key.digest("phone", "1")) == 32
