"""Raw text -> model input: what only cleaning and redaction together can tell."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.text.model_input import COUNT_NAMES, TextSettings, model_input

KEYCAPS = "2️⃣0️⃣2️⃣5️⃣5️⃣5️⃣0️⃣1️⃣4️⃣3️⃣"


@pytest.mark.parametrize(
    "number",
    [KEYCAPS, "𝟐𝟎𝟐-𝟓𝟓𝟓-𝟎𝟏𝟒𝟑", "②⓪②⑤⑤⑤⓪①④③", "₂₀₂₅₅₅₀₁₄₃", "202-555-01④③"],
)
def test_a_phone_whose_disguise_was_undone_is_marked(number):
    item = model_input(f"Girls 18-25 wanted, call {number}", TextSettings())
    assert item.text == "Girls 18-25 wanted, call [PHONE_OBSCURED]"
    assert item.counts[COUNT_NAMES.index("phone_obscured")] == 1


@pytest.mark.parametrize(
    "number", ["202-555-0143", "２０２５５５０１４３", "٢٠٢٥٥٥٠١٤٣", "२०२५५५०१४३"]
)
def test_digits_that_are_ordinary_somewhere_are_no_disguise(number):
    text = model_input(f"Cook wanted ① {KEYCAPS[:3]} call {number}, or write", TextSettings()).text
    assert text.endswith("call [PHONE], or write")


def test_the_mark_belongs_to_its_own_phone():
    text = f"Polish girls: 202-555-0143 or {KEYCAPS} or cook④@example.com or (202) 555-0144"
    item = model_input(text, TextSettings())
    assert item.text == (
        "[IDENTITY] girls: [PHONE] or [PHONE_OBSCURED] or [EMAIL_OBSCURED] or [PHONE]"
    )


@settings(deadline=None, max_examples=100)
@given(
    st.integers(0, 99),
    st.sampled_from(["", "Polish girls ", "<b>x</b> ", "ｃａｌｌ ", "c\u200bo\u200bok "]),
)
def test_no_keycap_phone_survives_or_passes_as_plain(last, before):
    keycaps = " ".join(f"{digit}\ufe0f\u20e3" for digit in f"20255501{last:02d}")
    item = model_input(f"{before}work, {keycaps} now", TextSettings())
    assert item.text.endswith("work, [PHONE_OBSCURED] now")


def test_without_masking_nothing_is_marked():
    item = model_input(KEYCAPS, TextSettings(mask_contacts=False))
    assert item.text == "2025550143" and sum(item.counts) == 10
