"""Microseconds an ad for cues and identity masking, and the time from file to matcher.

    python experiments/codebook/speed.py ADS [--column text] [--phrases 20000] [--chars 1000]

ADS is a Parquet file or a CSV, gzipped or not. Ads of at least `--chars` code points are cut to that
length, cleaned, and, for the cues, redacted. `--phrases N` fills the cues up to N phrases with new
ones made of halves of two others, to see how load and search grow.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet

from adrisk.codebook import compile as codebook
from adrisk.codebook import match
from adrisk.codebook.identity import find_identity_words
from adrisk.codebook.phrases import Phrases, fold
from adrisk.text.clean import clean
from adrisk.text.redact import redact

ROUNDS = 7


def fastest(work: Callable[[], object]) -> float:
    """Processor seconds of the fastest of ROUNDS runs."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def read_ads(path: Path, column: str, n_chars: int, n_ads: int) -> list[str]:
    if path.suffix == ".parquet":
        texts = pyarrow.parquet.read_table(path, columns=[column])[column].to_pylist()
    else:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as rows:
            texts = [row[column] for row in csv.DictReader(rows)]
    long_enough = [text[:n_chars] for text in texts if text and len(text) >= n_chars]
    return [clean(text).text for text in long_enough[:n_ads]]


def filled_up(languages: dict, n_phrases: int) -> list[tuple[str, str, str]]:
    """All cues, and new ones made of halves of two of them until there are `n_phrases`."""
    cues = [
        (sign, language, cue)
        for language, data in languages.items()
        for sign, listed in data["cues"].items()
        for cue in listed
    ]
    chance = random.Random(0)
    made = list(cues)
    while len(made) < n_phrases:
        (sign, language, one), (_, _, other) = chance.sample(cues, 2)
        made.append(
            (sign, language, f"{one[: len(one) // 2]}{other[len(other) // 2 :]}".strip("* …"))
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ads", type=Path)
    parser.add_argument("--column", default="text")
    parser.add_argument("--phrases", type=int, default=0)
    parser.add_argument("--chars", type=int, default=1000)
    parser.add_argument("--ads", dest="n_ads", type=int, default=1000)
    options = parser.parse_args()

    languages = codebook.read_languages(codebook.LANGUAGES_FOLDER)
    phrases = filled_up(languages, options.phrases)
    compiled = codebook.compile_phrases(phrases)
    written = json.dumps(codebook.compiled() | {"cues": compiled}, ensure_ascii=False)
    print(
        f"{len(phrases)} cues, {len(compiled['pieces'])} pieces, {len(written.encode()) / 1e6:.2f} MB"
    )
    print(f"compile all      {fastest(lambda: codebook.compile_phrases(phrases)) * 1e3:8.1f} ms")
    print(f"read compiled    {fastest(lambda: json.loads(written)) * 1e3:8.1f} ms")
    print(f"build automaton  {fastest(lambda: Phrases(compiled)) * 1e3:8.1f} ms")

    matcher = Phrases(compiled)
    match._cues = lambda: matcher
    texts = read_ads(options.ads, options.column, options.chars, options.n_ads)
    redacted = [redact(text).text for text in texts]

    def each(work: Callable[[str], object], items: list[str]) -> float:
        return fastest(lambda: [work(item) for item in items]) / len(items) * 1e6

    found = [match.find_signs(text) for text in redacted]
    masked = [find_identity_words(text) for text in texts]
    print(
        f"{len(texts)} ads, {sum(map(len, found)) / len(texts):.2f} signs an ad, {sum(map(len, masked)) / len(texts):.2f} identity words"
    )
    print(f"fold             {each(fold, redacted):8.1f} µs an ad")
    print(f"find_signs       {each(match.find_signs, redacted):8.1f} µs an ad")
    print(f"find_identity    {each(find_identity_words, texts):8.1f} µs an ad")


if __name__ == "__main__":
    main()
