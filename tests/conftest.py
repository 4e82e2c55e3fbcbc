"""Shared fixtures: a toy labelled dataset and a tiny bundle trained on it, both made here."""

from __future__ import annotations

import numpy as np
import pytest

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.prepared import AdDataset
from adrisk.train.recipe import Recipe

RISKY = (
    "we keep your passport until the debt is paid, tell nobody",
    "girls only, ticket paid back from wages, no days off",
    "pay the registration fee first, great money abroad",
)
PLAIN = (
    "permanent contract, collective agreement, thirty days of leave",
    "bicycle for sale, pick up in the evening",
    "apply with your CV on our site, interview next week",
)
PLACES = ("harbour", "bakery", "farm", "hotel", "garage", "school", "market", "clinic")


def toy_dataset(n: int = 200, seed: int = 0) -> AdDataset:
    """`n` invented ads, 40% risky, every ad its own group, four parts by position."""
    rng = np.random.default_rng(seed)
    risky = rng.random(n) < 0.4
    texts = [
        f"{PLACES[rng.integers(8)]} number {i}: {(RISKY if r else PLAIN)[rng.integers(3)]}"
        for i, r in enumerate(risky)
    ]
    targets = np.full((n, len(TARGETS)), np.nan, dtype=np.float32)
    targets[:, 0] = risky
    targets[:, TARGETS.index("forced_labour")] = risky & (rng.random(n) < 0.7)
    parts = rng.choice(["train", "validation", "calibration", "test"], n, p=[0.5, 0.15, 0.15, 0.2])
    return AdDataset(
        ids=[f"toy-{i}" for i in range(n)],
        texts=texts,
        languages=["en"] * n,
        ad_types=["job"] * n,
        sources=["board-a" if i % 2 else "board-b" for i in range(n)],
        locations=[None] * n,
        posted_at=[None] * n,
        group_keys=[f"company-{i % 40}" for i in range(n)],
        group_ids=[f"group-{i}" for i in range(n)],
        parts=[str(p) for p in parts],
        targets=targets,
        risk_levels=np.where(risky, 5.0, 1.0).astype(np.float32),
    )


TINY_RECIPE = {
    "name": "tiny",
    "tokenizer": {"vocab_size": 400},
    "linear": {"n_buckets": 4096, "C": [1.0], "min_df": 1},
}


@pytest.fixture(scope="session")
def dataset() -> AdDataset:
    return toy_dataset()


TINY_ENCODER = {
    "small": {"hidden_size": 16, "num_layers": 1, "num_heads": 2, "intermediate_size": 32},
    "max_tokens": 32,
    "epochs": 1,
}


@pytest.fixture(scope="session")
def tiny_bundle(dataset, tmp_path_factory):
    """The folder of a linear bundle trained on the toy dataset in about a second."""
    from adrisk.train.fit import fit_model, seal

    folder = tmp_path_factory.mktemp("tiny")
    recipe = Recipe.model_validate(TINY_RECIPE)
    fitted = fit_model(
        "linear", recipe, dataset.part("train"), dataset.part("validation"), folder / "work"
    )
    about = {
        "training_data": {
            "fingerprint": dataset.fingerprint,
            "split_sha256": dataset.split_sha256,
            "languages": ["en"],
        }
    }
    seal(fitted, recipe, dataset.part("calibration"), folder / "bundle", about)
    return folder / "bundle"


@pytest.fixture(scope="session")
def tiny_road(dataset, tmp_path_factory):
    """What pipeline.train leaves behind (a TrainingOutcome) for both kinds of model, untracked."""
    from adrisk import pipeline

    folder = tmp_path_factory.mktemp("road")
    recipe = {**TINY_RECIPE, "models": ["linear", "encoder"], "encoder": TINY_ENCODER}
    return pipeline.train(
        Recipe.model_validate(recipe),
        dataset,
        folder / "out",
        work_dir=folder / "work",
        tracking=False,
    )


@pytest.fixture(scope="session")
def tiny_encoder_bundle(tiny_road):
    """The folder of an encoder bundle trained on the toy dataset."""
    return next(c.bundle for c in tiny_road.candidates if c.kind == "encoder")
