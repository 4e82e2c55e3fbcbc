"""Promotion gates: what a challenger must show on the test part before it becomes champion.

Each gate is one function from the two scorers and the test ads to a GateResult; a new gate is a
new function in GATES.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from adrisk.codebook.codebook import RISK
from adrisk.dataset.prepared import AdDataset
from adrisk.metrics import average_precision_bootstrap_metric, paired_group_bootstrap
from adrisk.score.bundle import METRICS
from adrisk.score.scorer import Scorer

MAX_DROP = 0.02
"""A challenger may be this much worse in average precision, if the interval reaches 0."""


@dataclass(frozen=True)
class GateResult:
    """One gate's answer, in words that go into the registry."""

    name: str
    passed: bool
    reason: str


class _Case(NamedTuple):
    challenger: Scorer
    champion: Scorer | None
    test: AdDataset


def run_gates(challenger: Scorer, champion: Scorer | None, test: AdDataset) -> list[GateResult]:
    """Every gate's answer on the test part; without a champion, comparisons pass and say so."""
    case = _Case(challenger, champion, test)
    return [gate(case) for gate in GATES]


def _same_split(case: _Case) -> GateResult:
    same = _split_of(case.challenger) == case.test.split_sha256
    reason = (
        "trained under the same frozen split as these test ads"
        if same
        else "trained under another split: these ads may have been in its training part; "
        "use the prepared folder it was trained on"
    )
    if same and case.champion and _split_of(case.champion) != case.test.split_sha256:
        reason += "; the champion was not, and may know some of them, which favours it"
    return GateResult("same_split", same, reason)


def _split_of(scorer: Scorer) -> str | None:
    return scorer.bundle.manifest.get("training_data", {}).get("split_sha256")


def _parity(case: _Case) -> GateResult:
    bundle = case.challenger.bundle
    if case.challenger.kind == "linear":
        return GateResult("parity", True, "the linear stage has one implementation")
    parity = json.loads(bundle.files.get(METRICS, b"{}")).get("parity") or {}
    difference, tolerance = parity.get("max_logit_difference"), parity.get("tolerance")
    if difference is None or tolerance is None:
        return GateResult("parity", False, "the bundle's metrics hold no parity figure")
    return GateResult(
        "parity",
        difference <= tolerance,
        f"largest logit difference of ONNX from torch {difference:.1e}, allowed {tolerance:.1e}",
    )


def _not_worse(case: _Case) -> GateResult:
    name = "average_precision"
    if case.champion is None:
        return GateResult(name, True, "no champion yet")
    risk = case.test.risk
    sure = case.test.take(np.flatnonzero(~np.isnan(risk) & (risk != 0.5)))
    y = (sure.risk > 0.5).astype(int)
    if len(np.unique(y)) < 2:
        return GateResult(name, False, "the test part lacks risky or non-risky ads")
    new, old = (
        scorer.logits(sure.texts)[:, scorer.targets.index(RISK)].astype(np.float64)
        for scorer in (case.challenger, case.champion)
    )
    metric = average_precision_bootstrap_metric(new, old)
    pair = paired_group_bootstrap(metric, y, new, old, np.asarray(sure.group_ids))
    passed = pair.high >= 0 and pair.difference >= -MAX_DROP
    return GateResult(
        name,
        passed,
        f"challenger minus champion {pair.difference:+.4f} "
        f"(95% {pair.low:+.4f} to {pair.high:+.4f}, {pair.n_groups} groups, base rate "
        f"{y.mean():.3f}); allowed: not below -{MAX_DROP} and the interval reaches 0",
    )


GATES: tuple[Callable[[_Case], GateResult], ...] = (_same_split, _parity, _not_worse)
