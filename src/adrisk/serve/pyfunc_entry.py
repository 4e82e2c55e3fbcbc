"""The MLflow pyfunc of a bundle, as models-from-code: this file is the model's code, no pickle.

Rows in, rows out, in order: id, risk_score, tier, one calibrated probability a target
(`p_<target>`), language, error. A row that cannot be scored carries its error.
"""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from adrisk import Ad, Scorer

_COLUMNS = ("id", "title", "ad_type", "language")


class BundlePyfunc(PythonModel):
    """Scores data frames with the light Scorer."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load and verify the bundle once."""
        self._scorer = Scorer.load(context.artifacts["bundle"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One row an ad: its score, tier, and the probability of every target."""
        scorer = self._scorer
        prepared = scorer.prepare([_ad(row) for row in model_input.to_dict("records")])
        scored = scorer.score_prepared(prepared)
        usable = [i for i, item in enumerate(prepared) if item.error is None]
        probabilities = np.full((len(prepared), len(scorer.targets)), np.nan)
        probabilities[usable] = scorer.predict_proba([prepared[i].ad for i in usable])
        return pd.DataFrame(
            {
                "id": [s.id for s in scored],
                "risk_score": [s.risk_score for s in scored],
                "tier": [None if s.tier is None else str(s.tier) for s in scored],
                **{f"p_{t}": probabilities[:, i] for i, t in enumerate(scorer.targets)},
                "language": [s.language for s in scored],
                "error": [s.error for s in scored],
            }
        )


def _ad(row: dict[str, Any]) -> Ad:
    """A data frame's row, in which a missing value may be None or NaN."""
    values = {
        name: None if row.get(name) is None or pd.isna(row[name]) else str(row[name])
        for name in ("text", *_COLUMNS)
    }
    return Ad(**{**values, "text": values["text"] or ""})


mlflow.models.set_model(BundlePyfunc())
