"""Counts of the seed corpus as Markdown: `python -m adrisk.dataset.corpus_counts [FOLDER]`.

They stand in data/README.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from adrisk.codebook.codebook import CATEGORIES, LANGUAGES, SIGNS
from adrisk.dataset.corpus_rules import SEED, Ad, read_corpus
from adrisk.errors import InputError
from adrisk.records import AdType


def counts(ads: Sequence[Ad]) -> str:
    """Three tables: by language, by sign, by category, each over ads; then the seven points."""
    return "\n\n".join([_by_language(ads), _by_sign(ads), _by_category(ads), _levels(ads)])


def _by_language(ads: Sequence[Ad]) -> str:
    held = {ad["language"] for ad in ads}
    ordered = [name for name in LANGUAGES if name in held] + sorted(held - set(LANGUAGES))
    groups = {name: [ad for ad in ads if ad["language"] == name] for name in ordered} | {"all": ads}
    header = ["language", "ads", "test", "risky (4-6)", "unsure (3)", "not risky (0-2)"]
    header += ["hard negatives", *AdType, "sign spans"]
    rows = []
    for name, some in groups.items():
        kinds = Counter(_kind(ad) for ad in some)
        types = Counter(ad["ad_type"] for ad in some)
        cells = [len(some), sum(ad["part"] == "test" for ad in some)]
        cells += [kinds[kind] for kind in ("risky", "unsure", "not risky")]
        cells += [sum(ad["hard_negative"] for ad in some), *(types[kind] for kind in AdType)]
        rows.append([name, *cells, sum(len(ad["indicators"]) for ad in some)])
    return _table(header, rows)


def _by_sign(ads: Sequence[Ad]) -> str:
    found: Counter[tuple[str, str]] = Counter()
    for ad in ads:
        found.update({(indicator["sign"], _kind(ad)) for indicator in ad["indicators"]})
    kinds = ("risky", "unsure", "not risky")
    rows = [[sign, *(found[sign, kind] for kind in kinds)] for sign in SIGNS]
    return _table(["sign", *kinds], rows)


def _by_category(ads: Sequence[Ad]) -> str:
    found = Counter((category, ad["part"]) for ad in ads for category in ad["categories"])
    rows = [[name, found[name, "train"], found[name, "test"]] for name in CATEGORIES]
    return _table(["category", "train", "test"], rows)


def _levels(ads: Sequence[Ad]) -> str:
    found = Counter(ad["risk_level"] for ad in ads)
    return f"Levels 0 to 6: {', '.join(str(found[level]) for level in range(7))} ads."


def _kind(ad: Ad) -> str:
    level = ad["risk_level"]
    return "risky" if level > 3 else "unsure" if level == 3 else "not risky"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main(arguments: Sequence[str]) -> None:
    """Print the counts of one folder. Raises InputError where an ad breaks a rule."""
    folder = Path(arguments[0]) if arguments else SEED
    ads, errors = read_corpus(folder)
    if errors:
        raise InputError(f"{errors[0]} (one of {len(errors)}): see adrisk.dataset.corpus_rules")
    print(counts(ads))


if __name__ == "__main__":
    main(sys.argv[1:])
