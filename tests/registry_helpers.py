"""What the tests of the registry share beside their fixtures."""

from __future__ import annotations

import dataclasses

import numpy as np

from adrisk.score.bundle import LINEAR, load_bundle, write_bundle
from adrisk.score.linear import LinearWeights

GOOD, WORSE, EQUAL, OTHER_SPLIT = "1", "2", "3", "4"
"""Versions of the model `adrisk` in the `registry` fixture; `EQUAL` has the bytes of `GOOD`."""


def use_database(monkeypatch, folder):
    """Work in `folder` with its mlflow.db."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    monkeypatch.chdir(folder)


def altered_bundle(source, folder, *, weights=None, about=None):
    """A copy of a linear bundle with other weights or other blocks beside the scoring block."""
    bundle = load_bundle(source)
    files = dict(bundle.files)
    if weights is not None:
        files[LINEAR] = weights.to_bytes()
    kept = {"training_data": bundle.manifest["training_data"]}
    return write_bundle(folder, bundle.scoring, files, kept | (about or {})).path


def upside_down(bundle):
    """Weights that rank ads the wrong way round."""
    weights = LinearWeights.from_bytes(load_bundle(bundle).files[LINEAR])
    negated = {f.name: -getattr(weights, f.name) for f in dataclasses.fields(weights)}
    return LinearWeights(**{**negated, "idf": np.abs(weights.idf)})


def contents(folder):
    """Name -> bytes of the files of a bundle."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
