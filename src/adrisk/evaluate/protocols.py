"""The split-gap table: how much of a figure is left when related ads are kept apart.

Every model is trained anew under each protocol and seed. A ranking that is good under `random` and
poor under `group_key` has learned to know companies, not risk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adrisk.dataset.prepared import AdDataset
from adrisk.dataset.split import PROTOCOLS, ProtocolSkipped, split_protocol
from adrisk.errors import UsageError
from adrisk.evaluate.comparators import FitRanker
from adrisk.evaluate.evaluation import known_classes, plain
from adrisk.evaluate.tables import figure, interval_text, markdown_table
from adrisk.metrics import (
    Interval,
    Metric,
    PairedInterval,
    average_precision,
    group_bootstrap,
    paired_group_bootstrap,
)


@dataclass(frozen=True)
class SplitGapCell:
    """One model under one protocol.

    `average_precision` is the mean over seeds; its interval draws groups, and a group counts in
    the test part of every seed that it stands in. `ads` and `positives` are means over seeds.
    """

    model: str
    protocol: str
    average_precision: Interval
    per_seed: tuple[float, ...]
    base_rate: float
    ads: float
    positives: float


@dataclass(frozen=True)
class Comparison:
    """A model minus the baseline in average precision under one protocol, on the same ads."""

    model: str
    baseline: str
    protocol: str
    difference: PairedInterval


@dataclass(frozen=True)
class SplitGap:
    """The table, its comparisons, and the protocols that could not be run with the reason."""

    cells: list[SplitGapCell]
    comparisons: list[Comparison]
    skipped: dict[str, str]
    seeds: tuple[int, ...]
    fingerprint: str
    split_sha256s: dict[str, list[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON; what is not defined is None."""
        return dict(plain(self))

    def markdown(self) -> str:
        """The table, the comparisons and the skipped protocols."""
        blocks = [
            markdown_table(
                ("protocol", "model", "average precision", "95% interval", "base rate", "lift",
                 "risky of ads", "by seed"),
                [_cell_row(cell) for cell in self.cells],
            ),
            f"Means over {len(self.seeds)} seed(s); every model is trained anew for each. Intervals "
            "draw groups of near-duplicates and shared contacts or keys with replacement.",
        ]  # fmt: skip
        if self.comparisons:
            header = ("protocol", "model minus baseline", "difference", "95% interval", "p(better)")
            rows = [
                (c.protocol, f"{c.model} - {c.baseline}", f"{c.difference.difference:+.3f}",
                 f"{c.difference.low:+.3f} to {c.difference.high:+.3f}",
                 figure(c.difference.p_better))
                for c in self.comparisons
            ]  # fmt: skip
            blocks.append(markdown_table(header, rows))
        blocks += [f"Protocol {name}: {reason}." for name, reason in self.skipped.items()]
        return "\n\n".join(blocks) + "\n"


@dataclass(frozen=True)
class _Pool:
    """The test ads of all seeds of one protocol, one after the other."""

    y: np.ndarray
    groups: np.ndarray
    ends: np.ndarray
    scores: dict[str, np.ndarray]
    splits: list[str]

    @property
    def by_seed(self) -> list[slice]:
        """The rows of each seed."""
        return [slice(a, b) for a, b in zip([0, *self.ends[:-1]], self.ends, strict=True)]

    def metric(self) -> Metric:
        """Mean over seeds of average precision; nan where a seed's draw lacks a class."""
        rows = self.by_seed

        def mean_over_seeds(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
            return float(np.mean([average_precision(y[r], score[r], weight[r]) for r in rows]))

        return mean_over_seeds


def run_protocols(
    dataset: AdDataset,
    models: Mapping[str, FitRanker],
    protocols: Sequence[str],
    seeds: Sequence[int],
    *,
    baseline: str | None = None,
    n_resamples: int = 1000,
    progress: Callable[[str], None] = lambda line: None,
) -> SplitGap:
    """Train and test every model under every protocol and seed.

    Where `baseline` is one of the models, the others are compared with it by a paired bootstrap.
    A protocol whose column is missing is named in `skipped`. Raises UsageError, before anything is
    trained, for unknown protocols and where there is nothing to run.
    """
    unknown = sorted(set(protocols) - set(PROTOCOLS))
    if unknown:
        raise UsageError(f"no protocol '{unknown[0]}': there are {', '.join(PROTOCOLS)}")
    if not models or not protocols or not seeds:
        raise UsageError("name at least one model, one protocol and one seed")
    cells, comparisons, skipped, splits = [], [], {}, {}
    for protocol in dict.fromkeys(protocols):
        try:
            pool = _pool(dataset, models, protocol, seeds, progress)
        except ProtocolSkipped as reason:
            skipped[protocol] = str(reason)
            continue
        splits[protocol] = pool.splits
        cells += [_cell(pool, name, protocol, n_resamples) for name in models]
        if baseline is not None and baseline in models:
            others = [name for name in models if name != baseline]
            comparisons += [_compare(pool, o, baseline, protocol, n_resamples) for o in others]
    return SplitGap(cells, comparisons, skipped, tuple(seeds), dataset.fingerprint, splits)


def _pool(
    dataset: AdDataset,
    models: Mapping[str, FitRanker],
    protocol: str,
    seeds: Sequence[int],
    progress: Callable[[str], None],
) -> _Pool:
    y, groups, splits = [], [], []
    scores: dict[str, list[np.ndarray]] = {name: [] for name in models}
    for seed in seeds:
        split = split_protocol(dataset, protocol, seed)
        train, validation, test = (split.part(n) for n in ("train", "validation", "test"))
        rows, classes = known_classes(test.risk)
        test = test.take(rows)
        for name, fit in models.items():
            progress(f"{protocol}, seed {seed}: {name} on {len(train)} ads")
            scores[name].append(_checked(name, fit(train, validation, seed)(test), len(test)))
        y.append(classes)
        groups.append(np.asarray(test.group_ids, dtype=object))
        splits.append(split.split_sha256)
    return _Pool(
        np.concatenate(y),
        np.concatenate(groups).astype(str),
        np.cumsum([len(classes) for classes in y]),
        {name: np.concatenate(parts) for name, parts in scores.items()},
        splits,
    )


def _checked(name: str, scores: np.ndarray, n_ads: int) -> np.ndarray:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (n_ads,) or not np.isfinite(scores).all():
        raise ValueError(f"{name} must give one finite score for each of {n_ads} ads")
    return scores


def _cell(pool: _Pool, model: str, protocol: str, n_resamples: int) -> SplitGapCell:
    score = pool.scores[model]
    return SplitGapCell(
        model,
        protocol,
        group_bootstrap(pool.metric(), pool.y, score, pool.groups, n=n_resamples),
        per_seed=tuple(average_precision(pool.y[s], score[s]) for s in pool.by_seed),
        base_rate=float(np.mean([pool.y[s].mean() for s in pool.by_seed])),
        ads=len(pool.y) / len(pool.by_seed),
        positives=float(pool.y.sum()) / len(pool.by_seed),
    )


def _compare(pool: _Pool, model: str, baseline: str, protocol: str, n_resamples: int) -> Comparison:
    a, b = pool.scores[model], pool.scores[baseline]
    pair = paired_group_bootstrap(pool.metric(), pool.y, a, b, pool.groups, n=n_resamples)
    return Comparison(model, baseline, protocol, pair)


def _cell_row(cell: SplitGapCell) -> tuple[str, ...]:
    ap = cell.average_precision
    return (
        cell.protocol,
        cell.model,
        figure(ap.value),
        interval_text(ap),
        figure(cell.base_rate),
        figure(ap.value / cell.base_rate if cell.base_rate else None, 1),
        f"{cell.positives:.0f} of {cell.ads:.0f}",
        ", ".join(figure(value) for value in cell.per_seed),
    )
