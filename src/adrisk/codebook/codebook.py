"""The words of the project: categories of exploitation, signs in ads, and the targets of a model.

Definitions, sources and evidence grades of signs, categories and levels stand in codebook.json beside
this file; the cues that find signs in text are matched by `adrisk.codebook.match`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

CODEBOOK_VERSION = "2"

RISK = "risk"

CATEGORIES = (
    "sexual_exploitation",
    "forced_labour",
    "domestic_servitude",
    "child_exploitation",
    "forced_marriage",
    "organ_removal",
    "forced_criminality",
    "forced_begging",
    "recruitment_fraud",
)
"""Forms of exploitation: UN General Assembly resolution 75/158, IOM HTCDS v2.0 and job-scam research."""

SIGNS = (
    "pay_too_good",
    "vague_job",
    "no_skills_gate",
    "overpromise",
    "upfront_fee",
    "debt_or_deduction",
    "document_control",
    "tied_housing",
    "travel_arranged",
    "anonymous_employer",
    "off_platform_contact",
    "obscured_contact",
    "profile_restricted",
    "minor_hint",
    "third_party_control",
    "restricted_freedom",
    "excessive_hours",
    "wage_withholding",
    "city_rotation",
    "secrecy",
    "marriage_offer",
    "organ_offer",
    "child_placement",
)
"""Signs that annotators mark and cues find. One sign alone never flags an ad."""

# fmt: off
LANGUAGES = (
    "en", "es", "pt", "fr", "de", "it", "nl", "pl", "ro", "hu", "bg", "uk", "ru", "tr", "ar",
    "fa", "hi", "bn", "ur", "ta", "ne", "th", "vi", "id", "tl", "zh", "ja", "ko", "sw", "am",
)
# fmt: on
"""Languages of the codebook and of the seed corpus (BCP-47)."""

TARGETS = (RISK, *CATEGORIES, *SIGNS)
"""All targets of the multi-label head, in their fixed order."""


@dataclass(frozen=True, slots=True)
class SignEntry:
    """One sign: what it means, where it comes from, and how well the field has tested it."""

    sign: str
    definition: str
    sources: str
    evidence: str


@cache
def sign_entries() -> dict[str, SignEntry]:
    """Every sign's entry by its id, in the order of SIGNS."""
    raw = json.loads(files(__package__).joinpath("codebook.json").read_text(encoding="utf-8"))
    return {sign: SignEntry(sign=sign, **raw["signs"][sign]) for sign in SIGNS}
