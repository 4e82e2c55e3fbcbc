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

from adrisk import Scorer


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
        """One row an ad: its score, tier, and the calibrated probability of every target."""
        scorer = self._scorer
        # A missing value may be None, NaN or pandas.NA; the scorer knows None.
        present = model_input.astype(object).where(model_input.notna(), None)
        scored, probabilities = scorer.score_and_proba(scorer.prepare(present.to_dict("records")))
        return pd.DataFrame(
            {
                "id": [s.id for s in scored],
                "risk_score": np.array([s.risk_score for s in scored], dtype=np.float64),
                "tier": [None if s.tier is None else str(s.tier) for s in scored],
                **{f"p_{t}": probabilities[:, i] for i, t in enumerate(scorer.targets)},
                "language": [s.language for s in scored],
                "error": [s.error for s in scored],
            },
            index=model_input.index,
        )


mlflow.models.set_model(BundlePyfunc())
