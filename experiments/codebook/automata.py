"""The two automata that were weighed: build time and search time over the cues' pieces.

    pip install pyahocorasick
    python experiments/codebook/automata.py ADS [--phrases 20000]

ADS and --phrases are those of speed.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ahocorasick
from ahocorasick_rs import AhoCorasick, Implementation
from speed import fastest, filled_up, read_ads

from adrisk.codebook import compile as codebook
from adrisk.codebook.phrases import fold


def build_pyahocorasick(pieces: list[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for index, piece in enumerate(pieces):
        automaton.add_word(piece, (len(piece), index))
    automaton.make_automaton()
    return automaton


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ads", type=Path)
    parser.add_argument("--phrases", type=int, default=20_000)
    options = parser.parse_args()
    languages = codebook.read_languages(codebook.LANGUAGES_FOLDER)
    pieces = codebook.compile_phrases(filled_up(languages, options.phrases))["pieces"]
    texts = [fold(text).text for text in read_ads(options.ads, "text", 1000, 1000)]
    print(f"{len(pieces)} pieces, {len(texts)} ads")

    def report(name: str, build, search) -> None:
        automaton = build()
        hits = sum(len(search(automaton, text)) for text in texts)
        each = fastest(lambda: [search(automaton, text) for text in texts]) / len(texts)
        print(f"{name:32} {fastest(build) * 1e3:7.1f} ms {each * 1e6:7.1f} µs an ad, {hits} hits")

    report("pyahocorasick", lambda: build_pyahocorasick(pieces), lambda a, text: list(a.iter(text)))
    for kind in (None, Implementation.ContiguousNFA, Implementation.DFA):
        report(
            f"ahocorasick_rs {kind or 'default'}",
            lambda kind=kind: AhoCorasick(pieces, store_patterns=False, implementation=kind),
            lambda a, text: a.find_matches_as_indexes(text, overlapping=True),
        )


if __name__ == "__main__":
    main()
