"""The data card: what a prepared dataset holds, in counts; no ad text and no contact."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.build import Built
from adrisk.dataset.prepared import CARD_FILES, PARTS, AdDataset
from adrisk.dataset.read import ReadResult, reasons
from adrisk.dataset.split import risk_class

CLASSES = ("positive", "negative", "unsure", "unknown")

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")

LIMITS = (
    "A label says that annotators saw risk in an ad; it says nothing of the person who posted it.",
    "Contacts are redacted before any model reads an ad. Names and street addresses are not.",
    "ads.parquet holds the raw text of the ads: keep this folder where access is limited.",
    "Near-duplicates, ads with a common contact and ads of one group_key share a part, as far as "
    "text, contacts and keys show it.",
)


def data_card(result: ReadResult, built: Built) -> dict[str, Any]:
    """Counts of the input, labels, duplicates and parts, as plain types."""
    dataset, grouping = built
    return {
        "ads": len(dataset),
        "rows": len(result.ads) + len(result.rejects) + result.n_repeated,
        "repeated_rows": result.n_repeated,
        "rejects": dict(reasons(result.rejects).most_common()),
        "annotators": _annotators(result),
        "languages": _counted(_tags(dataset.languages)),
        "ad_types": _counted(value or "not given" for value in dataset.ad_types),
        "targets": {
            name: _classes(dataset.targets[:, column]) for column, name in enumerate(TARGETS)
        },
        "duplicates": _duplicates(dataset),
        "contacts": {
            "distinct": grouping.n_contact_keys,
            "too_common_to_link": grouping.n_contact_keys_over_cap,
        },
        "parts": {name: _part(dataset.part(name)) for name in PARTS},
        "fingerprint": dataset.fingerprint,
        "split_sha256": dataset.split_sha256,
        "about": dict(dataset.about),
        "warnings": [*result.notes, *warnings(dataset)],
        "limits": list(LIMITS),
    }


def warnings(dataset: AdDataset) -> list[str]:
    """What a reader must know before training: missing classes in parts and in targets."""
    moved = dataset.about.get("fixed_parts", {}).get("moved_with_their_group", {})
    found = [
        f"{number} ads went to {part} because an ad of their group is marked {part}"
        for part, number in moved.items()
    ]
    if np.isnan(dataset.risk).all():
        return [
            *found,
            "no ad has a risk label: the ads can be scored, or be text to adapt an encoder to "
            "(adapt.texts), and no model can be fine-tuned or tested on them",
        ]
    for name in PARTS:
        counts = _classes(dataset.part(name).risk)
        missing = [kind for kind in ("positive", "negative") if not counts[kind]]
        if missing:
            found.append(
                f"the part {name} has no ad with {' and no ad with '.join(missing)} risk: there "
                "are too few such groups of ads to give one to each part"
            )
    one_sided = [
        name
        for column, name in enumerate(TARGETS)
        if (counts := _classes(dataset.targets[:, column]))["positive"] and not counts["negative"]
    ]
    if one_sided:
        found.append(f"positives only, so reported and not trained: {', '.join(one_sided)}")
    return found


def card_files(card: dict[str, Any]) -> dict[str, str]:
    """The card's two files, Markdown and JSON, as (name, text)."""
    texts = (markdown(card), json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    return dict(zip(CARD_FILES, texts, strict=True))


def markdown(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    duplicates, contacts = card["duplicates"], card["contacts"]
    blocks = [
        "# Data card",
        f"{card['ads']} ads from {card['rows']} rows "
        f"({sum(card['rejects'].values())} rejected, {card['repeated_rows']} repeated).",
        *(f"**Note:** {warning}." for warning in card["warnings"]),
        "## Parts",
        _table(
            ("part", "ads", "groups", *CLASSES),
            [(name, *counts.values()) for name, counts in card["parts"].items()],
        ),
        "Groups never cross parts; the columns after them are the risk label.",
        "## Labels",
        *_label_blocks(card),
        "## Languages",
        _table(("language", "ads"), card["languages"].items()),
        "## Kinds of ad",
        _table(("ad_type", "ads"), card["ad_types"].items()),
        "## Duplicates and groups",
        _table(("measure", "value"), [(k.replace("_", " "), v) for k, v in duplicates.items()]),
        f"{contacts['distinct']} distinct contacts, of which {contacts['too_common_to_link']} "
        "stand in too many ads to link them.",
        "## Rejects",
        _table(("reason", "rows"), card["rejects"].items()) if card["rejects"] else "None.",
        "## Identity",
        _identity(card),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card["limits"]),
    ]
    return "\n\n".join(blocks) + "\n"


def _label_blocks(card: dict[str, Any]) -> list[str]:
    targets, annotators = card["targets"], card["annotators"]
    unlabelled = [name for name, counts in targets.items() if counts["unknown"] == card["ads"]]
    rows = [(name, *targets[name].values()) for name in targets if name not in unlabelled]
    return [
        _table(("target", *CLASSES), rows),
        f"Without any label: {', '.join(unlabelled) or 'none'}.",
        f"{annotators['named']} named annotators; {annotators['ads_with_several']} ads have "
        "several, and the mean of their labels.",
    ]


def _identity(card: dict[str, Any]) -> str:
    about = card["about"]
    rows = [
        ("fingerprint", card["fingerprint"]),
        ("split_sha256", card["split_sha256"]),
        ("seed", about.get("seed", "")),
        ("contact key id", about.get("contact_key_id", "")),
    ]
    return _table(("name", "value"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _classes(target: np.ndarray) -> dict[str, int]:
    counts = Counter(risk_class(value) for value in target)
    return {name: counts[name] for name in CLASSES}


def _part(part: AdDataset) -> dict[str, int]:
    return {"ads": len(part), "groups": len(set(part.group_ids)), **_classes(part.risk)}


def _duplicates(dataset: AdDataset) -> dict[str, int | float]:
    groups, near = Counter(dataset.group_ids), Counter(dataset.near_duplicate_ids)
    group_ids = np.asarray(dataset.group_ids)
    mixed = set(group_ids[dataset.risk > 0.5]) & set(group_ids[dataset.risk < 0.5])
    in_groups = sum(size for size in groups.values() if size > 1)
    return {
        "ads_with_the_redacted_text_of_another": len(dataset) - len(set(dataset.text_sha256s)),
        "ads_with_a_near_duplicate": sum(size for size in near.values() if size > 1),
        "groups": len(groups),
        "ads_in_groups_of_several": in_groups,
        "share_of_ads_in_groups_of_several": in_groups / max(len(dataset), 1),
        "largest_group": max(groups.values(), default=0),
        "groups_with_both_risk_labels": len(mixed),
    }


def _annotators(result: ReadResult) -> dict[str, int]:
    labels = [raw.label for raw in result.ads if raw.label]
    several = [
        rows for rows in result.by_id().values() if sum(r.label is not None for r in rows) > 1
    ]
    named = {label.annotator_id for label in labels} - {None}
    return {"named": len(named), "ads_with_several": len(several)}


def _tags(languages: Iterable[str]) -> Iterable[str]:
    # A wrongly mapped column must not put its cells on the card.
    return (tag if _LANGUAGE_TAG.fullmatch(tag) else "no language tag" for tag in languages)


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
