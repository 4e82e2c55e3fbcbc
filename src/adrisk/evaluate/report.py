"""Evaluations of one or several models -> metrics.json, report.md and one HTML page.

The page is self-contained: plots and styles are inside, nothing is fetched. It holds aggregates
and names, no ad text and no contact; every name is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from adrisk import __version__
from adrisk.errors import UsageError
from adrisk.evaluate.evaluation import Evaluation, plain
from adrisk.evaluate.report_tables import (
    Table,
    headline_table,
    measured_on,
    model_tables,
    pair_table,
    with_interval,
)
from adrisk.evaluate.tables import figure, interval_text, markdown_table, markdown_text
from adrisk.metrics import (
    PairedInterval,
    average_precision_bootstrap_metric,
    paired_group_bootstrap,
)

METRICS_JSON, MARKDOWN, HTML = "metrics.json", "report.md", "report.html"
REPORT_FILES = (METRICS_JSON, MARKDOWN, HTML)

LIMITS = (
    "A score is a risk that needs a human look. It says nothing of the person in or behind an ad, "
    "and it is no evidence against anyone.",
    "Labels record what annotators saw in an ad. Suspicion is not fact, and a low score does not "
    "show that an ad is harmless.",
    "Average precision and precision depend on the base rate of these ads. Where risky ads are "
    "rarer, precision is lower; the tier table restates it for the assumed prevalence.",
    "Intervals draw whole groups of related ads with replacement (95%). They cover chance in the "
    "choice of ads, not other boards, languages or times.",
    "A slice with few ads has a wide interval: do not rank slices by their point values.",
    "Adult consensual sex work is not trafficking. An escort ad is not risky for being one.",
)


def write_report(evaluations: Mapping[str, Evaluation], folder: Path, title: str) -> Path:
    """Write metrics.json, report.md and report.html into `folder`; returns the HTML page's path.

    `evaluations` are by model name, several make a comparison. Files of these names are replaced.
    Raises UsageError where nothing is given or `folder` cannot be written.
    """
    if not evaluations:
        raise UsageError("a report needs at least one evaluation")
    pairs = compare(evaluations)
    texts = {
        METRICS_JSON: _json(evaluations, pairs, title),
        MARKDOWN: _markdown(evaluations, pairs, title),
        HTML: _html(evaluations, pairs, title),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            temporary = folder / f".{name}.tmp"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / name)
    except OSError as error:
        raise UsageError(f"cannot write the report in {folder}: {error.strerror}") from error
    return folder / HTML


def compare(evaluations: Mapping[str, Evaluation]) -> dict[tuple[str, str], PairedInterval]:
    """Average precision of one model minus another's, for all pairs measured on the same ads."""
    pairs = {}
    for (a, first), (b, second) in combinations(evaluations.items(), 2):
        one, other = first.scores, second.scores
        if one is None or other is None:
            continue
        same_ads = np.array_equal(one.y, other.y) and np.array_equal(one.groups, other.groups)
        if same_ads and first.data["split_sha256"] == second.data["split_sha256"]:
            metric = average_precision_bootstrap_metric(one.score, other.score)
            pairs[a, b] = paired_group_bootstrap(metric, one.y, one.score, other.score, one.groups)
    return pairs


def _json(
    evaluations: Mapping[str, Evaluation],
    pairs: Mapping[tuple[str, str], PairedInterval],
    title: str,
) -> str:
    content = {
        "title": title,
        "adrisk": __version__,
        "models": {name: evaluation.to_dict() for name, evaluation in evaluations.items()},
        "comparisons": [
            {"model": a, "minus": b, "average_precision": plain(pair)}
            for (a, b), pair in pairs.items()
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _markdown(
    evaluations: Mapping[str, Evaluation],
    pairs: Mapping[tuple[str, str], PairedInterval],
    title: str,
) -> str:
    blocks = [f"# {markdown_text(title)}", _table_markdown(headline_table(evaluations))]
    if pairs:
        blocks.append(_table_markdown(pair_table(pairs)))
    for name, evaluation in evaluations.items():
        blocks += [f"## {markdown_text(name)}", markdown_text(measured_on(evaluation))]
        blocks += [f"**Note:** {markdown_text(note)}" for note in evaluation.notes]
        blocks += [_table_markdown(table) for table in model_tables(evaluation)]
    blocks += ["## Limits", "\n".join(f"- {limit}" for limit in LIMITS)]
    return "\n\n".join(blocks) + "\n"


def _table_markdown(table: Table) -> str:
    return f"{table.caption}:\n\n{markdown_table(table.header, table.rows)}"


def _html(
    evaluations: Mapping[str, Evaluation],
    pairs: Mapping[tuple[str, str], PairedInterval],
    title: str,
) -> str:
    from jinja2 import Environment, StrictUndefined

    from adrisk.evaluate import plots

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        title=title,
        version=__version__,
        limits=LIMITS,
        headline=headline_table(evaluations),
        pairs=pair_table(pairs) if pairs else None,
        precision_recall=plots.precision_recall_plot(evaluations),
        reliability=plots.reliability_plot(evaluations),
        models=[
            _model_section(name, evaluation, plots.distribution_plot(evaluation))
            for name, evaluation in evaluations.items()
        ],
    )


def _model_section(name: str, evaluation: Evaluation, distribution: str) -> dict[str, Any]:
    risk = evaluation.risk
    return {
        "name": name,
        "about": evaluation.model,
        "split_sha256": evaluation.data["split_sha256"],
        "measured_on": measured_on(evaluation),
        "notes": evaluation.notes,
        "average_precision": with_interval(risk.average_precision),
        "average_precision_value": figure(risk.average_precision.value),
        "base_rate": figure(risk.base_rate),
        "lift": figure(risk.lift.value, 1),
        "roc_auc": figure(risk.roc_auc.value),
        "ece": figure(risk.ece),
        "interval": interval_text(risk.average_precision),
        "distribution": distribution,
        "tables": model_tables(evaluation),
    }
