"""Errors become one clear message and an exit code; help needs no verb's module."""

from __future__ import annotations

import sys

import click
import pytest

from adrisk.cli import main as module
from adrisk.errors import AdriskError, BundleError, InputError, OutputExistsError


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr(sys, "argv", ["adrisk", *args])
        with pytest.raises(SystemExit) as stopped:
            module.main()
        return stopped.value.code, capsys.readouterr()

    return call


def test_help_lists_every_verb(run):
    code, shown = run("--help")
    assert code == 0
    for verb in module.VERBS:
        assert verb in shown.out


@pytest.mark.parametrize("verb", list(module.VERBS))
def test_every_verb_exists_and_explains_itself(run, verb):
    code, shown = run(verb, "--help")
    assert code == 0 and "Usage:" in shown.out


def test_unknown_verbs_and_options_are_usage_errors(run):
    assert run("fly")[0] == 2
    assert run("verify", "--fly", "x")[0] == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AdriskError("x"), 1),
        (InputError("x", file="a.csv", row=3), 1),
        (OutputExistsError("x"), 2),
        (BundleError("model.onnx", "x"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_and_their_exit_codes(run, monkeypatch, error, code):
    @click.command()
    def failing():
        raise error

    monkeypatch.setattr(module._Verbs, "get_command", lambda *_: failing)
    got, shown = run("verify")
    assert got == code
    assert shown.err.strip() and "Traceback" not in shown.err


def test_an_input_error_says_where(run, monkeypatch):
    @click.command()
    def failing():
        raise InputError("no text", file="a.csv", row=3)

    monkeypatch.setattr(module._Verbs, "get_command", lambda *_: failing)
    assert "a.csv, row 3: no text" in run("verify")[1].err


def test_a_module_that_no_extra_brings_is_a_bug_and_shows_its_trace(run, monkeypatch):
    @click.command()
    def failing():
        raise ModuleNotFoundError("No module named 'oddity'", name="oddity")

    monkeypatch.setattr(module._Verbs, "get_command", lambda *_: failing)
    monkeypatch.setattr(sys, "argv", ["adrisk", "verify"])
    with pytest.raises(ModuleNotFoundError):
        module.main()
