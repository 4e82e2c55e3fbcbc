"""Edits and the way back: spans carried over replacements, deletions and insertions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.text.alignment import Alignment, Edit, Replacement, apply_replacements


def aligned(text, *replacements):
    new, edits = apply_replacements(text, [Replacement(*r) for r in replacements])
    return new, Alignment().then(edits)


def test_apply_replacements():
    text, edits = apply_replacements("abcdef", [Replacement(1, 2, "XY"), Replacement(4, 6, "")])
    assert text == "aXYcd"
    assert edits == (Edit(1, 2, 1, 3), Edit(4, 6, 5, 5))


def test_no_replacement_is_no_step():
    text, edits = apply_replacements("abc", [])
    assert (text, edits) == ("abc", ())
    assert Alignment().then(edits).steps == ()


@pytest.mark.parametrize(
    "replacements",
    [[(2, 3, "x"), (0, 1, "y")], [(0, 2, "x"), (1, 3, "y")], [(3, 2, "x")]],
)
def test_overlap_and_disorder_are_refused(replacements):
    with pytest.raises(ValueError, match="overlap or stand out of order"):
        apply_replacements("abcdef", [Replacement(*r) for r in replacements])


@pytest.mark.parametrize(
    ("replacements", "out_span", "in_span"),
    [
        ([(1, 2, "XYZ")], (0, 1), (0, 1)),
        ([(1, 2, "XYZ")], (2, 3), (1, 2)),  # inside an edit: the whole edit
        ([(1, 2, "XYZ")], (0, 2), (0, 2)),
        ([(1, 2, "XYZ")], (4, 6), (2, 4)),
        ([(1, 3, "")], (0, 1), (0, 1)),  # what was deleted behind a span is no part of it
        ([(1, 3, "")], (1, 2), (3, 4)),  # nor in front of it
        ([(1, 3, "")], (0, 2), (0, 4)),
        ([(1, 2, ""), (2, 3, "")], (1, 2), (3, 4)),
        ([(1, 2, ""), (2, 3, "Q")], (1, 2), (2, 3)),
        ([(2, 2, "++")], (1, 2), (1, 2)),
        ([(2, 2, "++")], (4, 5), (2, 3)),
        ([(2, 2, "++")], (2, 4), (2, 2)),
        ([(1, 2, "XYZ")], (3, 3), (1, 1)),  # an empty span stays empty
        ([(0, 6, "Q")], (0, 1), (0, 6)),
    ],
)
def test_to_input(replacements, out_span, in_span):
    _, alignment = aligned("abcdef", *replacements)
    assert alignment.to_input(*out_span) == in_span


@pytest.mark.parametrize(
    ("replacements", "in_span", "out_span"),
    [
        ([(1, 2, "XYZ")], (1, 2), (1, 4)),
        ([(1, 4, "Q")], (2, 3), (1, 2)),
        ([(1, 4, "")], (2, 3), (1, 1)),  # what was deleted has become nothing
        ([(1, 4, "")], (0, 6), (0, 3)),
        ([(2, 2, "++")], (2, 3), (4, 5)),
        ([(2, 2, "++")], (1, 3), (1, 5)),
        ([(1, 2, "XYZ")], (5, 6), (7, 8)),
    ],
)
def test_to_output(replacements, in_span, out_span):
    _, alignment = aligned("abcdef", *replacements)
    assert alignment.to_output(*in_span) == out_span


def test_steps_chain():
    one, first = aligned("a-b-c", (1, 2, ""), (3, 4, ""))
    two, second = aligned(one, (1, 3, "[X]"))
    assert (one, two) == ("abc", "a[X]")
    both = first.joined(second)
    assert both.steps == first.steps + second.steps
    assert both.to_input(1, 4) == (2, 5)
    assert both.to_output(4, 5) == (1, 4)


@st.composite
def edited_texts(draw):
    """A text and sorted replacements that do not overlap."""
    text = draw(st.text(alphabet="abc ", max_size=30))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return text, [(a, b, draw(st.text(alphabet="XY", max_size=3))) for a, b in pairs]


@settings(deadline=None, max_examples=300)
@given(edited_texts(), st.data())
def test_spans_stay_inside_and_cover(case, data):
    text, replacements = case
    new, alignment = aligned(text, *replacements)
    end = data.draw(st.integers(0, len(new)))
    start = data.draw(st.integers(0, end))
    in_start, in_end = alignment.to_input(start, end)
    assert 0 <= in_start <= in_end <= len(text)
    out_start, out_end = alignment.to_output(in_start, in_end)
    if in_start < in_end:  # a span that came from somewhere is covered by what that became
        touched = [e for step in alignment.steps for e in step if e.in_start == e.in_end]
        assert touched or (out_start <= start and end <= out_end)


@settings(deadline=None, max_examples=300)
@given(edited_texts(), st.data())
def test_untouched_letters_round_trip(case, data):
    text, replacements = case
    new, alignment = aligned(text, *replacements)
    kept = [i for i in range(len(text)) if not any(a <= i < b for a, b, _ in replacements)]
    if not kept:
        return
    at = data.draw(st.sampled_from(kept))
    start, end = alignment.to_output(at, at + 1)
    assert new[start:end] == text[at]
    assert alignment.to_input(start, end) == (at, at + 1)
