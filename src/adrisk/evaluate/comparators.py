"""What every model stands beside: a rule, a probe of the metadata, and TF-IDF.

Each comparator is a function (train, validation, seed) -> ranker, and a ranker gives the ads of a
dataset a score each, float64 (n_ads,), higher = riskier. They see text as every model does, redacted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from adrisk.codebook.match import find_signs
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import InputError
from adrisk.evaluate.evaluation import known_classes
from adrisk.metrics import average_precision
from adrisk.text.model_input import COUNT_NAMES, TextSettings, model_input
from adrisk.text.redact import REDACT_COUNTS

Ranker = Callable[[AdDataset], np.ndarray]
FitRanker = Callable[[AdDataset, AdDataset, int], Ranker]

TFIDF_C = (0.3, 3.0, 30.0)
"""Strengths of regularisation that TF-IDF is tried with, as the linear recipe is by default."""

_UNSPACED = {"zh", "ja", "th", "lo", "km", "my", "yue", "wuu"}
_CONTACTS = [name for name in REDACT_COUNTS if name != "identity"]


def rule(train: AdDataset, validation: AdDataset, seed: int) -> Ranker:
    """Number of distinct codebook signs in the redacted text: the floor, nothing is learned."""
    return lambda ads: np.array([_n_signs(text) for text in ads.texts], dtype=np.float64)


def metadata(train: AdDataset, validation: AdDataset, seed: int) -> Ranker:
    """Source, ad type and kinds of contact alone, no word of the text.

    Where this probe ranks well, labels follow where ads come from, and text models may do so too.
    """
    from sklearn.feature_extraction import DictVectorizer

    rows, y = _labelled(train)
    vectorizer = DictVectorizer()
    features = vectorizer.fit_transform(_metadata(train.take(rows)))
    model = _regression(1.0, seed).fit(features, y)
    return _ranker(model, lambda ads: vectorizer.transform(_metadata(ads)))


def tfidf(train: AdDataset, validation: AdDataset, seed: int) -> Ranker:
    """TF-IDF of character n-grams and logistic regression, C chosen on the validation part.

    N-grams of 2 to 5 characters inside words; of 1 to 3 anywhere, where most ads are in a language
    that is written without spaces.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows, y = _labelled(train)
    shape: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (2, 5)}
    if _mostly_unspaced(train.languages):
        shape = {"analyzer": "char", "ngram_range": (1, 3)}
    vectorizer = TfidfVectorizer(**shape, min_df=2, sublinear_tf=True, dtype=np.float32)
    features = vectorizer.fit_transform(redacted_texts(train.take(rows)))
    known, y_validation = known_classes(validation.risk)
    held_out = validation.take(known)

    models = [_regression(c, seed).fit(features, y) for c in TFIDF_C]
    rankers = [_ranker(m, lambda ads: vectorizer.transform(redacted_texts(ads))) for m in models]
    quality = [np.nan_to_num(average_precision(y_validation, r(held_out))) for r in rankers]
    return rankers[int(np.argmax(quality))]


COMPARATORS: Mapping[str, FitRanker] = {"rule": rule, "metadata": metadata, "tfidf": tfidf}


def redacted_texts(dataset: AdDataset) -> list[str]:
    """The texts as models read them under the default settings."""
    return [_read(text)[0] for text in dataset.texts]


@lru_cache(maxsize=50_000)
def _read(raw: str) -> tuple[str, tuple[int, ...]]:
    """Redacted text and counts; kept, since the protocols read the same ads many times."""
    read = model_input(raw, TextSettings())
    return read.text, read.counts


@lru_cache(maxsize=50_000)
def _n_signs(raw: str) -> int:
    return len({span.sign for span in find_signs(_read(raw)[0])})


def _metadata(dataset: AdDataset) -> list[dict[str, float]]:
    features = []
    for raw, source, ad_type in zip(dataset.texts, dataset.sources, dataset.ad_types, strict=True):
        counts = dict(zip(COUNT_NAMES, _read(raw)[1], strict=True))
        present = {f"has {name}": 1.0 for name in _CONTACTS if counts[name]}
        features.append({f"source {source}": 1.0, f"type {ad_type}": 1.0, **present})
    return features


def _labelled(train: AdDataset) -> tuple[np.ndarray, np.ndarray]:
    rows, y = known_classes(train.risk)
    if len(np.unique(y)) < 2:
        raise InputError(
            "the training part needs risky and non-risky ads: label more ads, or use another seed"
        )
    return rows, y


def _ranker(model: Any, features: Callable[[AdDataset], Any]) -> Ranker:
    return lambda ads: model.decision_function(features(ads)) if len(ads) else np.empty(0)


def _regression(c: float, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=1000, random_state=seed)


def _mostly_unspaced(languages: Sequence[str]) -> bool:
    counts = Counter(language.split("-")[0] in _UNSPACED for language in languages)
    return counts[True] > counts[False]
