"""The model card of a bundle: Markdown with the front matter that Hugging Face reads.

Written from the manifest and the metrics alone, so that it can say nothing that they do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from adrisk.evaluate.tables import MISSING, figure, markdown_table, markdown_text

_IS = """It ranks online job ads and escort ads by the risk that they recruit for exploitation, so \
that people look at the right ads first. A score is **a risk that needs a human look**. It is never \
a statement about a person: an ad has no suspects, victims or verdicts in it. Suspicion is not fact, \
and a low score does not show that an ad is harmless. Adult consensual sex work is not trafficking; \
an escort ad is not risky for being one."""

_USES = """Trust-and-safety teams use it to order a queue of ads for review by trained people; \
researchers use it as a baseline that can be retrained and measured again. Whoever reviews should \
know where to refer: to local support services, and to child-protection hotlines where a child may \
be concerned."""

_MUST_NOT = (
    "as evidence about the person advertised or the person who posted an ad",
    "to remove ads, close accounts or refer anyone to the police without a human decision",
    "to find, name, locate or contact persons",
    "to decide on work, residence, credit, housing or benefits",
    "against adults who sell sexual services of their own will",
)

_LIMITS = (
    "Labels are what annotators saw in an ad; nobody knows what happened after it.",
    "The figures hold for ads like those of the test part. Other boards, languages, years and ways "
    "of writing need their own measurement, above all where the training ads are synthetic.",
    "Precision falls with the share of risky ads; the tier table says what is left of it where they "
    "are rare.",
    "Contacts and words for nationality, ethnicity and religion are replaced before the model reads "
    "an ad. Names and street addresses are not.",
    "Who wants to evade it can: disguises that the cleaner does not know lower a score.",
)


def model_card(manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The card of the bundle with this manifest.

    `metrics` holds `test` (an Evaluation's dict) and may hold `validation_average_precision` and
    `parity`. A figure that is missing reads n/a; nothing else is required of it.
    """
    scoring, test = manifest["scoring"], metrics.get("test") or {}
    sections = [
        f"---\n{_front_matter(scoring)}---",
        f"# {markdown_text(scoring['name'])}, version {markdown_text(scoring['version'])}",
        f"A classifier of kind {markdown_text(scoring['kind'])} over "
        f"{len(scoring['targets'])} targets: risk, forms of exploitation, and signs. "
        f"Base: {_base_model(manifest)}.",
        "## What it is, and what it is not",
        _IS,
        "## Intended use",
        _USES,
        "## Must not be used",
        _bullets(_MUST_NOT),
        "## Training data",
        _training_data(manifest),
        *_adaptation(manifest),
        "## Measured figures",
        *_figures(test, metrics),
        "## Tiers and thresholds",
        *_tiers(scoring, test),
        "## Limits",
        _bullets(_LIMITS),
        "## How to use it",
        "```python\nfrom adrisk import Scorer\n\nscorer = Scorer.load(\"path/to/this/folder\")\n"
        "scored = scorer.score([\"the text of an ad\"])\n```",
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _front_matter(scoring: Mapping[str, Any]) -> str:
    languages = sorted({tag.split("-")[0] for tag in scoring["languages"]} - {"und"})
    head: dict[str, Any] = {
        "license": "apache-2.0",
        "library_name": "adrisk",
        "pipeline_tag": "text-classification",
        "language": [tag for tag in languages if tag.isalpha() and len(tag) in (2, 3)],
        "tags": ["trust-and-safety", "human-trafficking", "risk-ranking", scoring["kind"]],
    }
    return str(yaml.safe_dump(head, sort_keys=False, allow_unicode=True))


def _base_model(manifest: Mapping[str, Any]) -> str:
    base = manifest.get("base_model") or {}
    parts = [markdown_text(base.get("name", "not stated"))]
    if base.get("revision"):
        parts[0] += f" at revision {markdown_text(base['revision'])}"
    if base.get("adapter"):
        parts.append(f"with the adapter {markdown_text(base['adapter'])} merged into it")
    if pieces := base.get("vocabulary"):
        parts.append(
            f"its vocabulary trimmed from {pieces['before']:,} to {pieces['after']:,} pieces"
        )
    if base.get("n_trained"):
        parts.append(
            f"{base['n_parameters']:,} weights, of which {base['n_trained']:,} were trained"
        )
    return ", ".join(parts)


def _training_data(manifest: Mapping[str, Any]) -> str:
    data = manifest.get("training_data") or {}
    parts = data.get("parts") or {}
    rows = [(f"ads in {part}", count) for part, count in parts.items()]
    rows += [
        ("languages", ", ".join(data.get("languages", [])) or MISSING),
        ("fingerprint of the ads and labels", data.get("fingerprint", MISSING)),
        ("hash of the frozen split", data.get("split_sha256", MISSING)),
    ]
    return (
        markdown_table(("training data", "value"), rows)
        + "\n\nAds that are near-duplicates, share a contact or share a group key stand in one part."
        + _soft_risk(manifest.get("recipe") or {})
    )


def _soft_risk(recipe: Mapping[str, Any]) -> str:
    soft = (recipe.get("labels") or {}).get("soft_risk")
    return " Ads with a risk level from 0 to 6 were trained on level / 6." if soft else ""


def _adaptation(manifest: Mapping[str, Any]) -> list[str]:
    """The section on unlabelled text that the encoder was adapted to; none where it was not."""
    figures = (manifest.get("base_model") or {}).get("adaptation")
    if not figures:
        return []
    loss = figures["held_out_loss"] or {}
    rows = [
        ("rows read", figures["rows"]),
        *((f"left out: {reason}", count) for reason, count in figures["left_out"].items()),
        ("texts kept", figures["kept"]),
        ("tokens trained on, an epoch", figures["tokens"]),
        ("steps", figures["steps"]),
        ("loss on held-out text before", figure(loss.get("before"))),
        ("loss on held-out text after", figure(loss.get("after"))),
    ]
    said = (
        "Before it was fine-tuned, the encoder learned to fill in masked words of unlabelled ads. "
        "Copies and near-duplicates of ads of the validation, calibration and test parts, and ads "
        "of their companies or vendors, were left out. The loss is in nats a masked token, on text "
        "that was kept aside"
    )
    head = ", where it begins with a head at random" if figures["new_head"] else ""
    return ["## Adaptation", f"{said}{head}.", markdown_table(("adaptation", "value"), rows)]


def _figures(test: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    risk = test.get("risk") or {}
    labels = risk.get("labels") or {}
    rows = [
        ("average precision", _interval(risk.get("average_precision"))),
        ("base rate (what chance would reach)", figure(risk.get("base_rate"))),
        ("lift over the base rate", _interval(risk.get("lift"), 1)),
        ("ROC-AUC", _interval(risk.get("roc_auc"))),
        *((f"precision at {k}", _interval(v)) for k, v in _items(risk, "precision_at_k")),
        *(
            (f"recall at precision {p}", _interval(v))
            for p, v in _items(risk, "recall_at_precision")
        ),
        ("Brier score", _interval(risk.get("brier_score"))),
        ("expected calibration error", figure(risk.get("ece"))),
        *_level_rows(test.get("risk_levels") or {}),
    ]
    blocks = [
        f"On the test part, through the scorer that ships: {labels.get('positives', MISSING)} risky "
        f"and {labels.get('negatives', MISSING)} other ads, {labels.get('unsure', MISSING)} unsure "
        "ones left out. Intervals (95%) draw groups of related ads.",
        markdown_table(("risk", "value"), rows),
        _cells("target", test.get("targets") or {}),
    ]
    blocks += [_cells(column, cells) for column, cells in (test.get("slices") or {}).items()]
    blocks.append(
        "Average precision on the validation part, by which the model was chosen: "
        f"{figure(metrics.get('validation_average_precision'))}."
    )
    if parity := metrics.get("parity"):
        blocks.append(
            "Largest difference between the logits of the trained model and of the exported one: "
            f"{parity['max_logit_difference']:.1e} (allowed {parity['tolerance']:.1e})."
        )
    return blocks


def _level_rows(levels: Mapping[str, Any]) -> list[tuple[str, str]]:
    if levels.get("mean_absolute_error") is None:
        return []
    return [
        (
            f"risk level 0 to 6: {name} absolute error (best constant level)",
            f"{_interval(levels[key], 2)} ({figure(levels['constant_' + key], 2)})",
        )
        for name, key in (
            ("mean", "mean_absolute_error"),
            ("macro-averaged mean", "macro_mean_absolute_error"),
        )
    ]


def _items(risk: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    return list((risk.get(name) or {}).items())


def _cells(of: str, cells: Mapping[str, Any]) -> str:
    header = (of.replace("_", " "), "labelled ads", "positive", "average precision", "base rate")
    rows = [
        (
            name,
            cell["labels"]["positives"] + cell["labels"]["negatives"],
            cell["labels"]["positives"],
            cell["note"] or _interval(cell["average_precision"]),
            figure(cell["base_rate"]),
        )
        for name, cell in cells.items()
    ]
    return markdown_table(header, rows)


def _interval(interval: Mapping[str, Any] | None, decimals: int = 3) -> str:
    if interval is None:
        return MISSING
    value, low, high = (figure(interval[name], decimals) for name in ("value", "low", "high"))
    return value if low == MISSING else f"{value} ({low} to {high})"


def _tiers(scoring: Mapping[str, Any], test: Mapping[str, Any]) -> list[str]:
    tiers = test.get("tiers") or {}
    reach = tiers.get("reach") or {}
    prevalence = f"{scoring['assumed_prevalence']:.1%}"
    rows = []
    for name, threshold in scoring["operating_points"].items():
        measured = reach.get(name) or {}
        rows.append(
            (
                name,
                figure(threshold) if threshold <= 1 else "never reached",
                figure(measured.get("recall")),
                figure(measured.get("false_positive_rate")),
                figure(measured.get("precision_at_prevalence")),
            )
        )
    header = ("tier", "from score", "share of risky ads at or above it", "share of other ads")
    return [
        markdown_table((*header, f"precision where {prevalence} of ads are risky"), rows),
        "Thresholds were chosen on the calibration part, the shares are of the test part. Scores "
        f"are calibrated at a base rate of {figure(scoring['base_rate'])}; `--prevalence` restates "
        "them, and tiers do not move with it.",
        _level_cuts(scoring),
    ]


def _level_cuts(scoring: Mapping[str, Any]) -> str:
    cuts = scoring.get("risk_level_cuts")
    if cuts is None:
        note = (scoring.get("calibration_notes") or {}).get("risk_level", "no cut-points")
        return f"`predicted_risk_level` is empty ({markdown_text(note)})."
    named = (
        f"{level} from {figure(cut)}" if cut <= 1 else f"{level} never"
        for level, cut in enumerate(cuts, start=1)
    )
    return f"`predicted_risk_level` (0 to 6, a prediction and no label): {', '.join(named)}."


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
