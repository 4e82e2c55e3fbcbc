"""The compiled codebook: what the wheel holds finds what the language files say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adrisk.codebook import compile as codebook
from adrisk.codebook import identity, match, phrases
from adrisk.codebook.compile import (
    LANGUAGES_FOLDER,
    compile_languages,
    compile_phrases,
    compiled,
    read_languages,
    write_compiled,
)

CACHES = (
    compiled,
    match._cues,
    match._statements,
    phrases._tables,
    identity._words,
    identity._connectors,
    identity._neighbours,
)


@pytest.fixture
def forget():
    """Caches emptied before and after, for a test that puts another codebook in place."""
    for cached in CACHES:
        cached.cache_clear()
    yield
    for cached in CACHES:
        cached.cache_clear()


def test_phrases_stand_under_their_longest_piece():
    listed = [
        ("secrecy", "en", "tell … nobody"),
        ("secrecy", "pt", "tell … nobody"),
        ("upfront_fee", "en", "nobody*"),
        ("upfront_fee", "ar", "رسوم"),
        ("upfront_fee", "de", "gebühr"),
        ("upfront_fee", "ko", "등록 비"),
    ]
    assert compile_phrases(listed) == {
        "pieces": ["nobody", "رسوم", "gebuhr", "gebuehr", "등록 비", "등록비"],
        "phrases": [
            "secrecy\t\ttell … nobody\nupfront_fee\t\tnobody*",
            "upfront_fee\tar\tرسوم",
            "upfront_fee\t\tgebuhr",
            "upfront_fee\t\tgebuehr",
            "upfront_fee\t\t등록 비",
            "upfront_fee\t\t등록비",
        ],
        "open": "210000",
    }


def test_the_written_file_is_what_a_checkout_compiles(tmp_path):
    write_compiled(LANGUAGES_FOLDER, tmp_path / "new" / "compiled.json")
    written = json.loads((tmp_path / "new" / "compiled.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(compile_languages(read_languages(LANGUAGES_FOLDER))))


def test_a_compiled_file_is_read_instead_of_the_language_files(tmp_path, monkeypatch, forget):
    folder = tmp_path / "languages"
    folder.mkdir()
    data = {
        "cues": {"secrecy": ["plinth … plonk*"]},
        "stated_sex": {"women": ["plumwomen"]},
        "identity": {
            "always": ["plumland*"],
            "beside_person": [],
            "persons": [],
            "guards_before": [],
            "guards_after": [],
            "connectors": [],
        },
    }
    (folder / "en.json").write_text(json.dumps(data), encoding="utf-8")
    monkeypatch.setattr(codebook, "COMPILED_FILE", tmp_path / "compiled.json")
    write_compiled(folder, tmp_path / "compiled.json")
    (sign,) = match.find_signs("a PLINTH or two plonked, no experience needed")
    assert (sign.sign, sign.start, sign.end) == ("secrecy", 2, 23)
    assert identity.find_identity_words("Plumlanders, German") == [(0, 11)]
    assert match.find_stated("plumwomen") == ("women", "unstated")


def test_a_build_needs_the_standard_library_alone():
    package = Path(codebook.__file__).parents[1]
    code = f"""
import sys, types
package = types.ModuleType("adrisk")
package.__path__ = [{str(package)!r}]
sys.modules["adrisk"] = package
from adrisk.codebook.compile import LANGUAGES_FOLDER, compile_languages, read_languages
print(len(compile_languages(read_languages(LANGUAGES_FOLDER))["cues"]["pieces"]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(compiled()["cues"]["pieces"])
