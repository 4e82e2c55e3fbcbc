"""The tables of a report, as text: the same in HTML, in Markdown and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adrisk.evaluate.evaluation import Cell, Evaluation, LabelCounts, RiskLevels, Tiers
from adrisk.evaluate.tables import MISSING, figure
from adrisk.metrics import Interval, PairedInterval


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows of text; the first cell of a row names the row."""

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def headline_table(evaluations: Mapping[str, Evaluation]) -> Table:
    """One row a measure of `risk` and one column a model; the base rate is the second row."""
    rows: dict[str, dict[str, str]] = {}
    for model, evaluation in evaluations.items():
        for measure, text in _headline(evaluation).items():
            rows.setdefault(measure, {})[model] = text
    return Table(
        "Risk, with 95% intervals over groups of related ads",
        ("measure", *evaluations),
        [(name, *(row.get(model, MISSING) for model in evaluations)) for name, row in rows.items()],
    )


def _headline(evaluation: Evaluation) -> dict[str, str]:
    risk = evaluation.risk
    return {
        "average precision": with_interval(risk.average_precision),
        "base rate (what chance reaches)": figure(risk.base_rate),
        "lift over the base rate": with_interval(risk.lift, 1),
        "ROC-AUC": with_interval(risk.roc_auc),
        **{f"precision at {k}": with_interval(v) for k, v in risk.precision_at_k.items()},
        **{
            f"recall at precision {level}": with_interval(value)
            for level, value in risk.recall_at_precision.items()
        },
        "Brier score": with_interval(risk.brier_score),
        "expected calibration error": figure(risk.ece),
        **_level_headline(evaluation.risk_levels),
    }


_LEVEL_ERROR = "risk level 0 to 6: mean absolute error"


def _level_headline(levels: RiskLevels | None) -> dict[str, str]:
    if levels is None:
        return {}
    if levels.mean_absolute_error is None:
        return {_LEVEL_ERROR: levels.note}
    constant = (levels.constant_mean_absolute_error, levels.constant_macro_mean_absolute_error)
    return {
        _LEVEL_ERROR: with_interval(levels.mean_absolute_error, 2),
        "the same, mean over the levels": with_interval(levels.macro_mean_absolute_error, 2),
        "both, of the best constant level": " and ".join(figure(value, 2) for value in constant),
    }


def model_tables(evaluation: Evaluation) -> list[Table]:
    """Tiers, targets and slices of one model."""
    tables = []
    if evaluation.tiers:
        tables += _tier_tables(evaluation.tiers)
    if evaluation.risk_levels and evaluation.risk_levels.by_level:
        tables.append(_level_table(evaluation.risk_levels))
    tables.append(_cell_table("Targets", "target", evaluation.targets))
    for column, cells in evaluation.slices.items():
        tables.append(_cell_table(f"Risk by {column.replace('_', ' ')}", column, cells))
    return tables


def measured_on(evaluation: Evaluation) -> str:
    """What was measured, in one sentence."""
    data, labels = evaluation.data, evaluation.risk.labels
    return (
        f"{labels.ads} ads with a sure label ({labels.positives} risky, {labels.negatives} not) of "
        f"the part {', '.join(data['parts']) or 'without ads'}; {labels.unsure} unsure and "
        f"{labels.unknown} unlabelled ads are left out. {data['groups']} groups of related ads."
    )


def _tier_tables(tiers: Tiers) -> list[Table]:
    prevalence = f"{tiers.assumed_prevalence:.1%}"
    reach = [
        (
            name,
            figure(r.threshold) if r.threshold <= 1 else "never reached",
            figure(r.recall),
            figure(r.false_positive_rate),
            figure(r.precision_at_prevalence),
        )
        for name, r in tiers.reach.items()
    ]
    header = (
        "tier and above",
        "threshold",
        "share of risky ads",
        "share of other ads",
        f"precision where {prevalence} of ads are risky",
    )
    counts = [(name, *_counts(labels)) for name, labels in tiers.counts.items()]
    return [
        Table("What each tier reaches", header, reach),
        Table("Ads in each tier", ("tier", *_COUNT_HEADER), counts),
    ]


def _level_table(levels: RiskLevels) -> Table:
    rows = [
        (level, str(cell.ads), figure(cell.mean_predicted, 1), figure(cell.mean_absolute_error, 2))
        for level, cell in levels.by_level.items()
    ]
    header = ("level given by annotators", "ads", "mean predicted level", "mean absolute error")
    return Table("Predicted risk level", header, rows)


_COUNT_HEADER = ("ads", "risky", "not risky", "unsure", "unlabelled")


def _counts(labels: LabelCounts) -> tuple[str, ...]:
    total = labels.ads + labels.unsure + labels.unknown
    counts = (total, labels.positives, labels.negatives, labels.unsure, labels.unknown)
    return tuple(str(count) for count in counts)


def _cell_table(caption: str, of: str, cells: Mapping[str, Cell]) -> Table:
    header = (of.replace("_", " "), "labelled ads", "positive", "average precision", "base rate")
    rows = [
        (
            name,
            str(cell.labels.ads),
            str(cell.labels.positives),
            with_interval(cell.average_precision) if cell.average_precision else cell.note,
            figure(cell.base_rate),
            figure(cell.lift, 1),
            figure(cell.roc_auc),
        )
        for name, cell in cells.items()
    ]
    return Table(caption, (*header, "lift", "ROC-AUC"), rows)


def pair_table(pairs: Mapping[tuple[str, str], PairedInterval]) -> Table:
    """One row a pair of models."""
    header = ("models", "difference", "95% interval", "groups", "probability of being better")
    rows = [
        (
            f"{a} minus {b}",
            f"{pair.difference:+.3f}",
            f"{pair.low:+.3f} to {pair.high:+.3f}",
            str(pair.n_groups),
            figure(pair.p_better),
        )
        for (a, b), pair in pairs.items()
    ]
    return Table("Average precision on the same ads, paired bootstrap over groups", header, rows)


def with_interval(interval: Interval | None, decimals: int = 3) -> str:
    """`value (low to high)`."""
    if interval is None:
        return figure(None)
    if np.isnan(interval.low):
        return figure(interval.value, decimals)
    low, high = figure(interval.low, decimals), figure(interval.high, decimals)
    return f"{figure(interval.value, decimals)} ({low} to {high})"
