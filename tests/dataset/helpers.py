"""Invented ads and datasets for the tests of dataset/."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.prepared import AdDataset

OPENINGS = (
    "Baker wanted for an early shift near the harbour, contract from the first day.",
    "Night porter for a small hotel, two languages, paid leave and a locker of your own.",
    "Bicycle mechanic, full time, tools provided, apply at the counter with your papers.",
    "Gardener for the city parks, winter break, union wage, start in early spring.",
    "Warehouse picker, forklift licence welcome, canteen on site, bus stop at the gate.",
    "Seamstress for a theatre workshop, part time, rehearsals on some evenings.",
)


def ads_dataset(n: int, *, groups=None, group_keys=None, risk=None, languages=None) -> AdDataset:
    """`n` ads with given columns; every ad is its own group unless told otherwise."""
    targets = np.full((n, len(TARGETS)), np.nan, dtype=np.float32)
    targets[:, 0] = [i % 3 == 0 for i in range(n)] if risk is None else risk
    return AdDataset(
        ids=[f"ad-{i:04d}" for i in range(n)],
        texts=[f"{OPENINGS[i % len(OPENINGS)]} Place {i}." for i in range(n)],
        languages=languages or ["en"] * n,
        ad_types=["job"] * n,
        sources=[None] * n,
        locations=[None] * n,
        posted_at=[None] * n,
        group_keys=group_keys or [None] * n,
        group_ids=groups or [f"ad-{i:04d}" for i in range(n)],
        parts=["train"] * n,
        targets=targets,
        risk_levels=np.full(n, np.nan, dtype=np.float32),
    )


def write_jsonl(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(n: int = 60) -> list[dict]:
    """`n` unlike labelled ads, every third one risky."""
    words = ["oak", "elm", "ash", "fir", "yew", "bay", "fig", "box", "gum", "haw", "ivy", "nut"]
    return [
        {
            "id": f"ad-{i:02d}",
            "title": f"{words[i % 12]} {words[i // 12]} street, {words[i * 5 % 12]} house",
            "text": f"{words[i * 7 % 12]} {OPENINGS[i % 6][:: 1 + i // 12]} {words[i // 5]}",
            "language": "en",
            "risk_level": 5 if i % 3 == 0 else 1,
            "categories": ["forced_labour"] if i % 3 == 0 else [],
        }
        for i in range(n)
    ]
