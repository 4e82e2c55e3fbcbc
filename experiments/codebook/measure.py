"""How well the cues find annotated signs, and the identity mask words that its list never saw.

    python experiments/codebook/measure.py cues [--corpus data/seed] [--part test]
    python experiments/codebook/measure.py swap SWAP_WORDS.json [--model models/default]

cues: precision and recall at ad level, pooled over languages for each sign and over signs for each
language, and the ROC-AUC of the number of signs found against risk (levels 4 and up against 2 and
down) with the number of risky and other ads. A precision or recall whose denominator is under 10 is
left out, and its counts stand alone. "own" are the cues of the ad's language without the others'.

swap: SWAP_WORDS.json is written apart from the identity lists, without looking at them:
    {"de": [["Wir suchen eine {} Pflegerin", "polnische"], …], …}
pairs of a sentence with one {} and a nationality, ethnicity or religion word in the form that fits
there. A word is caught where the mask leaves nothing of it, or only the part that means "person". The score change of a pair is how far the
risk score of the bundle moves when a word that the mask knows in any language gives way to the word.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adrisk import Scorer
from adrisk.codebook.check import ANY
from adrisk.codebook.codebook import SIGNS
from adrisk.codebook.compile import LANGUAGES_FOLDER, compile_phrases, read_languages
from adrisk.codebook.identity import find_identity_words
from adrisk.codebook.phrases import Phrases, fold
from adrisk.dataset.corpus_rules import read_corpus
from adrisk.metrics import roc_auc
from adrisk.text.model_input import TextSettings, model_input

MIN_CELL = 10
PERSON_PARTS = frozenset(
    (
        "",
        *"人籍裔系",
        "คน",
        "ชาว",
        "người",
        "theo đạo",
        "người theo đạo",
        "orang",
        "warga",
        "사람",
        "계",
    )
)
"""What may stay of a word: the part that every nation's word shares, as in 越南人 or người Thái."""

MASKED_WORD = "Ukrainian"  # masked whatever the language around it


class Found(NamedTuple):
    """What stands in one ad: its signs as annotated, as found by all cues, and by its language's."""

    language: str
    risk_level: int
    annotated: frozenset[str]
    by_all: frozenset[str]
    by_own: frozenset[str]


class Counts(NamedTuple):
    """Pairs of ad and sign: annotated, found, and both."""

    annotated: int
    found: int
    both: int

    def cells(self) -> list[str]:
        """Counts, precision and recall; no share of fewer than MIN_CELL."""
        return [str(self.annotated), str(self.found), str(self.both), *self.shares()]

    def shares(self) -> list[str]:
        """Precision and recall."""
        return [share(self.both, self.found), share(self.both, self.annotated)]


def share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole >= MIN_CELL else "-"


def counted(pairs: Iterable[tuple[frozenset[str], frozenset[str]]]) -> Counts:
    """Counts over (annotated, found) sets of signs."""
    table = list(pairs)
    return Counts(
        sum(len(annotated) for annotated, _ in table),
        sum(len(found) for _, found in table),
        sum(len(annotated & found) for annotated, found in table),
    )


def matchers() -> dict[str, Phrases]:
    """For each language a matcher of its own cues and of those that need no language."""
    languages = read_languages(LANGUAGES_FOLDER)
    return {
        language: Phrases(
            compile_phrases(
                (sign, name, cue)
                for name in (language, ANY)
                for sign, cues in languages[name]["cues"].items()
                for cue in cues
            )
        )
        for language in languages
    }


def find_all(ads: Iterable[dict]) -> Iterator[Found]:
    own = matchers()
    for ad in ads:
        item = model_input("\n".join(filter(None, (ad["title"], ad["text"]))), TextSettings())
        matcher = own.get(ad["language"], own[ANY])
        yield Found(
            ad["language"],
            ad["risk_level"],
            frozenset(indicator["sign"] for indicator in ad["indicators"]),
            frozenset(span.sign for span in item.signs),
            frozenset(hit.label for hit in matcher.find(fold(item.text))),
        )


def rule_auc(found: Iterable[Found]) -> str:
    """ROC-AUC of the number of signs found, with the number of risky and of other ads."""
    clear = [ad for ad in found if ad.risk_level != 3]
    risky = np.array([ad.risk_level > 3 for ad in clear])
    n_signs = np.array([len(ad.by_all) for ad in clear], dtype=float)
    value = f"{roc_auc(risky, n_signs):.2f}" if 0 < risky.sum() < len(risky) else "-"
    return f"{value} ({risky.sum()}/{(~risky).sum()})"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cue_tables(found: list[Found]) -> str:
    """Two Markdown tables: by sign, by language."""
    by_sign = [
        [sign, *counted((ad.annotated & {sign}, ad.by_all & {sign}) for ad in found).cells()]
        for sign in SIGNS
    ]
    by_language = []
    groups = {
        language: [ad for ad in found if ad.language == language]
        for language in sorted({ad.language for ad in found})
    }
    for name, some in [*groups.items(), ("all", found)]:
        of_all = counted((ad.annotated, ad.by_all) for ad in some)
        of_own = counted((ad.annotated, ad.by_own) for ad in some)
        by_language.append(
            [name, str(len(some)), *of_all.cells(), *of_own.shares(), rule_auc(some)]
        )
    columns = ["annotated", "found", "both", "precision", "recall"]
    return "\n\n".join(
        [
            table(["sign", *columns], by_sign),
            table(
                [
                    "language",
                    "ads",
                    *columns,
                    "own precision",
                    "own recall",
                    "AUC of the count (risky/not)",
                ],
                by_language,
            ),
        ]
    )


def is_caught(sentence: str, word: str) -> bool:
    """Whether the mask leaves nothing of the word but a part that says no more than "person"."""
    start = sentence.index("{}")
    covered = {
        i - start
        for span in find_identity_words(sentence.replace("{}", word))
        for i in range(*span)
    }
    if covered.isdisjoint(range(len(word))):
        return False
    left = "".join(letter for i, letter in enumerate(word) if i not in covered)
    return left.strip().lower() in PERSON_PARTS


def swap_table(pairs: dict[str, list[tuple[str, str]]], scorer: Scorer) -> str:
    """A Markdown table by language, and the words that were missed."""
    rows, missed = [], defaultdict(list)
    totals: Counter[str] = Counter()
    changes_of_all: list[float] = []
    for language, listed in pairs.items():
        caught = [is_caught(sentence, word) for sentence, word in listed]
        missed[language] = [word for (_, word), hit in zip(listed, caught, strict=True) if not hit]
        with_word = scorer.predict_proba([s.replace("{}", word) for s, word in listed])[:, 0]
        masked = scorer.predict_proba([s.replace("{}", MASKED_WORD) for s, _ in listed])[:, 0]
        changes = np.abs(with_word - masked)
        totals.update(words=len(listed), caught=sum(caught))
        changes_of_all += changes.tolist()
        rows.append([language, *swap_cells(len(listed), sum(caught), changes)])
    rows.append(["all", *swap_cells(totals["words"], totals["caught"], np.array(changes_of_all))])
    header = ["language", "words", "caught", "share", "mean change", "largest change"]
    lines = [f"- {language}: {', '.join(words)}" for language, words in missed.items() if words]
    return "\n\n".join([table(header, rows), "Missed:", "\n".join(lines) or "none"])


def swap_cells(n_words: int, n_caught: int, changes: np.ndarray) -> list[str]:
    return [
        str(n_words),
        str(n_caught),
        share(n_caught, n_words),
        f"{changes.mean():.4f}",
        f"{changes.max():.4f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    cues = verbs.add_parser("cues")
    cues.add_argument("--corpus", type=Path, default=Path("data/seed"))
    cues.add_argument("--part", default="test")
    swap = verbs.add_parser("swap")
    swap.add_argument("words", type=Path)
    swap.add_argument("--model", type=Path, default=None)
    options = parser.parse_args()
    if options.verb == "cues":
        ads, errors = read_corpus(options.corpus)
        if errors:
            raise SystemExit("\n".join(errors))
        known = {ad["language"] for ad in ads} & set(read_languages(LANGUAGES_FOLDER))
        chosen = [ad for ad in ads if ad["part"] == options.part]
        if left_out := sorted({ad["language"] for ad in chosen} - known):
            print(f"Left out, having no cues yet: {', '.join(left_out)}.\n")
        print(cue_tables(list(find_all(ad for ad in chosen if ad["language"] in known))))
    else:
        pairs = json.loads(options.words.read_text(encoding="utf-8"))
        print(swap_table(pairs, Scorer.load(options.model)))


if __name__ == "__main__":
    main()
