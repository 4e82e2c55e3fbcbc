"""The language files of the checkout, for tests that go through all of them."""

from adrisk.codebook.check import ANY
from adrisk.codebook.compile import LANGUAGES_FOLDER, read_languages

FILES = read_languages(LANGUAGES_FOLDER)
LANGUAGES = tuple(language for language in FILES if language != ANY)
CUES = [
    (language, sign, cue)
    for language, data in FILES.items()
    for sign, cues in data["cues"].items()
    for cue in cues
]
"""(language, sign, cue as written) of every file."""
