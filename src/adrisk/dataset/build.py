"""Raw ads -> a prepared dataset: text features, groups, targets and the four parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.contact_key import ContactKey
from adrisk.dataset.group import Grouping, GroupSettings, contact_keys_of, group_ads
from adrisk.dataset.labels import annotations_json, mean_label
from adrisk.dataset.prepared import AdDataset
from adrisk.dataset.read import RawAd, ReadResult, reasons
from adrisk.dataset.split import DEFAULT_SHARES, split_protocol
from adrisk.errors import InputError
from adrisk.text.language import detect
from adrisk.text.model_input import COUNT_NAMES, TextSettings, model_input
from adrisk.text.redact import REDACT_COUNTS

Rows = list[RawAd]

_CONTACT_COUNTS = [COUNT_NAMES.index(name) for name in REDACT_COUNTS if name != "identity"]


class Built(NamedTuple):
    """A dataset with its groups."""

    dataset: AdDataset
    grouping: Grouping


class _AdText(NamedTuple):
    redacted: str
    sha256: str
    language: str
    contact_keys: frozenset[bytes]


def build_dataset(
    result: ReadResult,
    key: ContactKey,
    *,
    settings: GroupSettings | None = None,
    seed: int = 0,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    progress: Callable[[Iterable[Rows]], Iterable[Rows]] = iter,
) -> Built:
    """Group and split the ads that were read, one ad an id; parts that the data fix are kept.

    Raises InputError where there is no ad at all, MissingExtraError without rensa.
    """
    settings = settings or GroupSettings()
    ads = list(result.by_id().values())
    if not ads:
        common = "".join(f": {reason}" for reason, _ in reasons(result.rejects).most_common(1))
        file = result.rejects[0].file if result.rejects else None
        raise InputError(f"none of the {len(result.rejects)} rows is a usable ad{common}", file)
    texts = [_ad_text(rows[0], key, settings) for rows in progress(ads)]
    ids = [str(rows[0].ad.id) for rows in ads]
    group_keys = [_first(row.group_key for row in rows) for rows in ads]
    grouping = group_ads(
        ids, [t.redacted for t in texts], [t.contact_keys for t in texts], group_keys, settings
    )
    targets, risk_levels = _targets(ads)
    dataset = AdDataset(
        ids=ids,
        texts=[rows[0].ad.full_text for rows in ads],
        languages=[text.language for text in texts],
        ad_types=[_first(row.ad.ad_type for row in rows) for rows in ads],
        sources=[_first(row.source for row in rows) for rows in ads],
        locations=[_first(row.location for row in rows) for rows in ads],
        posted_at=[_first(row.posted_at for row in rows) for rows in ads],
        group_keys=group_keys,
        group_ids=grouping.group_ids,
        parts=["train"] * len(ads),
        targets=targets,
        risk_levels=risk_levels,
        near_duplicate_ids=grouping.near_duplicate_ids,
        text_sha256s=[text.sha256 for text in texts],
        annotations=[_annotations(rows) for rows in ads],
        about={"contact_key_id": key.key_id, "grouping": settings.to_dict()},
    )
    marks = [_first(row.part for row in rows) for rows in ads]
    split = split_protocol(dataset, "grouped", seed, shares=shares, marks=marks)
    return Built(split, grouping)


def _ad_text(raw: RawAd, key: ContactKey, settings: GroupSettings) -> _AdText:
    item = model_input(raw.ad.full_text, TextSettings())
    # Contacts are looked for once more only where the redactor met one.
    has_contact = any(item.counts[position] for position in _CONTACT_COUNTS)
    return _AdText(
        redacted=item.text,
        sha256=item.text_sha256(),
        language=raw.ad.language or detect(item.text),
        contact_keys=contact_keys_of(raw.ad.full_text, key, settings)
        if has_contact
        else frozenset(),
    )


def _targets(ads: Sequence[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """Targets float32 (n_ads, 33) and risk levels float32 (n_ads,), means over annotators."""
    targets = np.empty((len(ads), len(TARGETS)), dtype=np.float32)
    risk_levels = np.empty(len(ads), dtype=np.float32)
    for number, rows in enumerate(ads):
        targets[number], risk_levels[number] = mean_label([r.label for r in rows if r.label])
    return targets, risk_levels


def _annotations(rows: Rows) -> str:
    # The rows of one ad may split their text into fields in different ways.
    return annotations_json([(row.label, row.offsets) for row in rows if row.label])


def _first(values: Iterable[str | None]) -> str | None:
    """The first value that is there."""
    return next((value for value in values if value is not None), None)
