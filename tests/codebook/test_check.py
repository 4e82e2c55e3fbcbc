"""The language files keep their rules, and a breach is named with file, key, phrase and reason."""

import copy
import json

import pytest

from adrisk.codebook import check
from adrisk.codebook.check import file_errors, main
from adrisk.codebook.codebook import LANGUAGES, SIGNS
from adrisk.codebook.compile import LANGUAGES_FOLDER
from adrisk.codebook.grammar import UNSPACED
from tests.codebook.language_files import FILES


@pytest.mark.parametrize("language", FILES)
def test_every_language_file_keeps_the_rules(language):
    assert file_errors(LANGUAGES_FOLDER / f"{language}.json") == []


GOOD = {
    "cues": {sign: ["first … phrase", "second phrase*", f"third {sign}"] for sign in SIGNS},
    "stated_sex": {"women": ["women only"], "men": [], "any": ["m/f/d"]},
    "stated_age_band": {"by_number": ["from # years"], "adult": [], "minor": ["pupils only"]},
    "identity": {
        "always": [f"nation{number}" for number in range(60)],
        "beside_person": [f"tongue{number}" for number in range(30)],
        "persons": ["girl*"],
        "guards_before": ["speak*"],
        "guards_after": [],
        "connectors": ["and", "y"],
    },
}


def errors_of(folder, data, language="de"):
    path = folder / f"{language}.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return file_errors(path)


def changed(key, name, phrases):
    data = copy.deepcopy(GOOD)
    data[key][name] = phrases
    return data


def with_cue(cue):
    return changed("cues", "secrecy", ["tell nobody", "keep it secret", cue])


def test_a_good_file_has_no_error(tmp_path):
    assert errors_of(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("cue", "reason"),
    [
        ("", "empty"),
        (" tell no one", "blanks doubled or at an end"),
        ("tell  no one", "blanks doubled"),
        ("Tell no one", "not in lower case"),
        ("cafe\u0301 only", "not in composed form"),
        ("no", "too short: 'no' has fewer than 4"),
        ("ab* … cd", "too short"),
        ("*ba*", "too short"),
        ("tell * one", "`*` stands alone"),
        ("te*ll nobody", "`*` inside a word"),
        ("nobody**", "a sign is doubled"),
        ("… tell nobody", "`…` at an end"),
        ("tell nobody …", "`…` at an end"),
        ("tell … … nobody", "a sign is doubled"),
        ("tell…nobody", "with one blank on each side"),
        ("tell ... nobody", "write …"),
        ("# … nobody", "`#` with nothing beside it"),
        ("tell nobody", "stands twice"),
    ],
)
def test_a_bad_phrase_is_named(tmp_path, cue, reason):
    errors = errors_of(tmp_path, with_cue(cue))
    assert errors
    assert all(error.startswith(f"de.json: cues.secrecy: {cue!r}: ") for error in errors)
    assert any(reason in error for error in errors)


@pytest.mark.parametrize("cue", ["*lipa ada", "abzug* … *lohn", "# euro* pro tag", "100% sicher"])
def test_a_good_phrase_is_let_through(tmp_path, cue):
    assert errors_of(tmp_path, with_cue(cue)) == []


@pytest.mark.parametrize(
    ("cue", "language", "reason"),
    [
        ("护照 … 保管", "zh", "without blank on each side"),
        ("护照*", "zh", "`*` in a language written without spaces"),
        ("护", "zh", "fewer than 2"),
        ("รอ", "th", "fewer than 3"),
    ],
)
def test_languages_without_spaces_have_rules_of_their_own(tmp_path, cue, language, reason):
    data = json.loads(json.dumps(GOOD).replace(" \\u2026 ", "\\u2026").replace("phrase*", "word"))
    data["identity"] |= {"persons": ["girl"], "guards_before": []}
    assert errors_of(tmp_path, data, language) == []
    data["cues"]["secrecy"].append(cue)
    (error,) = errors_of(tmp_path, data, language)
    assert reason in error


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"cues": {}, "cues": {}}', "the key ['cues'] stands twice"),
        (GOOD | {"words": {}}, "the file: unknown key 'words'"),
        ({"cues": GOOD["cues"]}, "the file: 'identity' is missing"),
        (GOOD | {"cues": []}, "cues: not an object"),
        (changed("cues", "luck", ["good luck"]), "cues: unknown sign 'luck'"),
        (changed("cues", "secrecy", ["tell nobody"]), "cues.secrecy: 1 phrases"),
        (changed("cues", "secrecy", "tell nobody"), "cues.secrecy: not a list"),
        (changed("cues", "secrecy", [1, 2, 3]), "cues.secrecy: not a list"),
        (changed("stated_sex", "girls", []), "stated_sex: unknown key 'girls'"),
        (changed("stated_age_band", "by_number", ["from years"]), "'from years': no `#`"),
        (changed("identity", "always", ["nation1"]), "identity: 31 words, at least 90"),
        (changed("identity", "beside_person", ["nation1"] * 2), "'nation1': stands twice"),
        (changed("identity", "beside_person", ["nation1"]), "stands in always and in"),
        (changed("identity", "always", ["ab"]), "'ab': too short"),
        (changed("identity", "persons", ["girl … old"]), "know neither `…` nor `#`"),
    ],
)
def test_a_broken_file_is_named(tmp_path, data, message):
    errors = errors_of(tmp_path, data)
    assert all(error.startswith("de.json: ") for error in errors)
    assert any(message in error for error in errors)


def test_without_language_files_there_is_nothing_to_call_sound(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(check, "LANGUAGES_FOLDER", tmp_path)
    assert main([]) == 1
    assert "no language files" in capsys.readouterr().out


def test_the_command_prints_errors_and_fails(tmp_path, capsys):
    path = tmp_path / "de.json"
    path.write_text(json.dumps(with_cue("no")), encoding="utf-8")
    assert main([str(path)]) == 1
    assert "de.json: cues.secrecy: 'no': too short" in capsys.readouterr().out
    assert main([]) == 0
    for language in LANGUAGES:
        (tmp_path / f"{language}.json").write_text(json.dumps(GOOD), encoding="utf-8")
    paths = [
        str(tmp_path / f"{language}.json") for language in LANGUAGES if language not in UNSPACED
    ]
    assert main(paths) == 0
    assert main(["--complete", *paths]) == 1
    assert capsys.readouterr().out.endswith(
        "th.json: missing\nzh.json: missing\nja.json: missing\n"
    )
