"""Grouped, stratified parts: the prepared split, and the protocols of the split-gap table.

A split puts whole groups into parts. Groups go one by one, the largest first, to the part that
keeps the shares of ads, risk classes and languages closest to what was asked for (the greedy form
of Sechidis, Tsoumakas and Vlahavas 2011, with groups in place of single examples).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from adrisk.dataset.prepared import PARTS, AdDataset
from adrisk.errors import AdriskError, UsageError

DEFAULT_SHARES: Mapping[str, float] = {
    "train": 0.6,
    "validation": 0.1,
    "calibration": 0.1,
    "test": 0.2,
}
PROTOCOLS = ("random", "near_duplicate", "grouped", "group_key")

_MIN_STRATUM = 20
"""Languages with fewer ads are stratified together: a handful cannot be spread over four parts."""


class ProtocolSkipped(AdriskError):
    """The dataset lacks the column that a protocol splits by."""


def risk_class(risk: float) -> str:
    """Class of a risk target: positive, negative, unsure (.5) or unknown (NaN)."""
    if np.isnan(risk):
        return "unknown"
    return "unsure" if risk == 0.5 else "positive" if risk > 0.5 else "negative"


def split_protocol(
    dataset: AdDataset,
    protocol: str,
    seed: int,
    *,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    marks: Sequence[str | None] | None = None,
) -> AdDataset:
    """The same ads with parts assigned anew under `protocol`.

    random: ads apart, groups ignored. near_duplicate: components over near-duplicates stay
    together. grouped: components over near-duplicates, contacts and group_key. group_key: ads of
    one group_key stay together, an ad without one stands alone. `marks` are parts fixed by hand,
    as `allowed_parts` takes them. Raises ProtocolSkipped where no ad has a group_key, UsageError
    for another name.
    """
    about = {**dataset.about, "protocol": protocol, "seed": seed, "shares": dict(shares)}
    units = _units(dataset, protocol)
    classes = [risk_class(risk) for risk in dataset.risk]
    allowed = None
    if marks is not None and any(marks):
        allowed = allowed_parts(units, marks)
        about["fixed_parts"] = _fixed_parts(allowed, marks)
    parts = assign_parts(
        units, classes, dataset.languages, seed, ids=dataset.ids, shares=shares, allowed=allowed
    )
    return dataset.with_parts(parts, about)


def allowed_parts(units: Sequence[Hashable], marks: Sequence[str | None]) -> list[frozenset[str]]:
    """The parts that each ad may stand in, from the parts that ads of its unit are marked with.

    A unit with an ad marked test goes to test whole, else with one marked calibration or validation
    there; one with an ad marked train goes to any part but test; without a mark it is free.
    """
    of_unit: dict[Hashable, set[str]] = {}
    for unit, mark in zip(units, marks, strict=True):
        of_unit.setdefault(unit, set()).update({mark} if mark else ())
    decided = {unit: _decide(marked) for unit, marked in of_unit.items()}
    return [decided[unit] for unit in units]


def _decide(marked: set[str]) -> frozenset[str]:
    for part in ("test", "calibration", "validation"):
        if part in marked:
            return frozenset({part})
    return frozenset(PARTS) - ({"test"} if marked else set())


def _fixed_parts(
    allowed: Sequence[frozenset[str]], marks: Sequence[str | None]
) -> dict[str, dict[str, int]]:
    """Number of ads marked with each part, and of those that went there with their group."""
    followed = [
        part
        for may, mark in zip(allowed, marks, strict=True)
        for part in may
        if len(may) == 1 and part != mark
    ]
    return {
        "marked": dict(sorted(Counter(mark for mark in marks if mark).items())),
        "moved_with_their_group": dict(sorted(Counter(followed).items())),
    }


def _units(dataset: AdDataset, protocol: str) -> Sequence[Hashable]:
    if protocol == "random":
        return range(len(dataset))
    if protocol == "grouped":
        return dataset.group_ids
    if protocol == "near_duplicate":
        if dataset.near_duplicate_ids or not len(dataset):
            return dataset.near_duplicate_ids
        from adrisk.dataset.group import near_duplicate_ids

        return near_duplicate_ids(dataset.ids, dataset.texts)
    if protocol == "group_key":
        if not any(dataset.group_keys):
            raise ProtocolSkipped("skipped, column missing: no ad has a group_key")
        return [("key", key) if key else ("ad", n) for n, key in enumerate(dataset.group_keys)]
    raise UsageError(f"no protocol is named '{protocol}': there are {', '.join(PROTOCOLS)}")


def assign_parts(
    units: Sequence[Hashable],
    classes: Sequence[str],
    languages: Sequence[str],
    seed: int,
    *,
    ids: Sequence[str],
    shares: Mapping[str, float] = DEFAULT_SHARES,
    allowed: Sequence[frozenset[str]] | None = None,
) -> list[str]:
    """The part of each ad; ads of one unit share a part.

    All columns have length n_ads. `classes` are those of `risk_class`. Every part gets risky and
    non-risky ads as long as there are units enough; before that the largest part gets two and the
    others follow by size. `allowed`, the same for all ads of a unit, keeps units to some parts. The
    result depends on the ads, the units and the seed, not on the order of the ads. Raises UsageError where `shares` are not positive or do not add up to 1.
    """
    if any(share <= 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise UsageError("the shares of the parts must be above 0 and add up to 1")
    if not units:
        return []
    names = list(shares)
    unit_of_ad, first_id = _numbered(units, ids)
    counts = _stratum_counts(unit_of_ad, classes, languages)
    order = _largest_first(counts[:, 0], first_id, seed)
    may = np.ones((len(counts), len(names)), dtype=bool)
    if allowed is not None:
        may[unit_of_ad] = [[name in of_ad for name in names] for of_ad in allowed]
    size = np.array(list(shares.values()))
    wanted = np.outer(size, counts.sum(axis=0))
    assigned = np.full(len(counts), -1)
    have = np.zeros_like(wanted)
    for unit, part in _seeded(counts, order, size, may):
        assigned[unit] = part
        have[part] += counts[unit]
    for unit in order:
        if assigned[unit] < 0:
            excess = (have + counts[unit] / 2 - wanted) / np.maximum(wanted, 1.0)
            assigned[unit] = np.argmin(np.where(may[unit], excess @ counts[unit], np.inf))
            have[assigned[unit]] += counts[unit]
    return [names[part] for part in assigned[unit_of_ad]]


def _numbered(units: Sequence[Hashable], ids: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Unit number of each ad, and each unit's smallest id."""
    numbers: dict[Hashable, int] = {}
    unit_of_ad = np.array([numbers.setdefault(unit, len(numbers)) for unit in units])
    first_id: list[str | None] = [None] * len(numbers)
    for unit, ad_id in zip(unit_of_ad, ids, strict=True):
        held = first_id[unit]
        first_id[unit] = ad_id if held is None else min(held, ad_id)
    return unit_of_ad, [ad_id for ad_id in first_id if ad_id is not None]


def _stratum_counts(
    unit_of_ad: np.ndarray, classes: Sequence[str], languages: Sequence[str]
) -> np.ndarray:
    """Float (n_units, n_strata): ads in all, positive, negative, then the finer strata."""
    sizes = Counter(languages)
    pooled = [name if sizes[name] >= _MIN_STRATUM else "" for name in languages]
    strata: dict[Hashable, int] = {"all": 0, ("class", "positive"): 1, ("class", "negative"): 2}
    cells = []
    for unit, kind, language in zip(unit_of_ad, classes, pooled, strict=True):
        of_ad = ("all", ("class", kind), ("language", language), ("both", kind, language))
        cells += [(unit, strata.setdefault(stratum, len(strata))) for stratum in of_ad]
    counts = np.zeros((int(unit_of_ad.max()) + 1, len(strata)))
    np.add.at(counts, tuple(np.array(cells).T), 1.0)
    return counts


def _largest_first(sizes: np.ndarray, first_id: list[str], seed: int) -> np.ndarray:
    """Unit numbers by falling size; equal sizes in an order that the seed decides."""
    by_id = np.array(sorted(range(len(first_id)), key=first_id.__getitem__))
    shuffled = np.random.default_rng(seed).permutation(by_id)
    return shuffled[np.argsort(-sizes[shuffled], kind="stable")]


def _seeded(
    counts: np.ndarray, order: np.ndarray, shares: np.ndarray, may: np.ndarray
) -> list[tuple[int, int]]:
    """(unit, part) pairs: units that one part alone may have, then what gives each part, where it
    may, a unit with risky and one with non-risky ads.

    The smallest such units are taken, the largest of them for the largest part, which comes twice
    since nothing can be trained on a single example.
    """
    by_share = np.argsort(-shares, kind="stable")
    needy = [by_share[0], *by_share]
    fixed = np.flatnonzero(may.sum(axis=1) == 1)
    taken: dict[int, int] = {int(unit): int(may[unit].argmax()) for unit in fixed}
    for stratum in (1, 2):
        open_parts = needy.copy()
        for unit, part in taken.items():
            if counts[unit, stratum] and part in open_parts:
                open_parts.remove(part)
        usable = [int(u) for u in order[::-1] if counts[u, stratum] and int(u) not in taken]
        open_parts = [part for part in open_parts if may[usable, part].any()]
        usable = [unit for unit in usable if may[unit, open_parts].all()]
        chosen = usable[: len(open_parts)][::-1]
        taken.update({unit: int(part) for unit, part in zip(chosen, open_parts, strict=False)})
    return list(taken.items())
