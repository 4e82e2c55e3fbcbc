"""A bundle as an MLflow pyfunc: models-from-code, with its own copy of this package, no pickle."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adrisk.track_mlflow import quiet_mlflow

_PACKAGE = Path(__file__).parent
_REQUIREMENTS = (
    "ahocorasick-rs",
    "ftfy",
    "numpy",
    "onnxruntime",
    "pandas",
    "phonenumberslite",
    "py3langid",
    "pyarrow",
    "regex",
    "safetensors",
    "tokenizers",
)
"""What the pyfunc imports: the base install without the command line's click and tqdm."""


def log_pyfunc(bundle: Path, name: str, targets: Sequence[str]) -> str:
    """Log and register a copy of the bundle and of this package's code; returns the version.

    The copies leave out what Python or the wheel put beside the code (caches, the bundle that
    ships), and give the model the same paths whatever the bundle's folder is called.
    """
    with tempfile.TemporaryDirectory() as folder:
        staged, code = Path(folder) / "bundle", Path(folder) / _PACKAGE.name
        shutil.copytree(bundle, staged)
        shutil.copytree(_PACKAGE, code, ignore=shutil.ignore_patterns("__pycache__", "_default"))
        info = quiet_mlflow().pyfunc.log_model(
            name="bundle",
            python_model=str(code / "serve" / "pyfunc_entry.py"),
            artifacts={"bundle": str(staged)},
            code_paths=[str(code)],
            signature=_signature(targets),
            input_example=_example(),
            pip_requirements=[f"{r}=={importlib.metadata.version(r)}" for r in _REQUIREMENTS],
            registered_model_name=name,
        )
    return str(info.registered_model_version)


def _signature(targets: Sequence[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    text, number = DataType.string, DataType.double
    # Ids are often numbers; where a column does not fit, MLflow's message would quote the ads.
    inputs: list[Any] = [ColSpec(text, "text"), ColSpec(AnyType(), "id", required=False)]
    inputs += [ColSpec(text, name, required=False) for name in ("title", "ad_type", "language")]
    outputs: list[Any] = [ColSpec(text, "id"), ColSpec(number, "risk_score"), ColSpec(text, "tier")]
    outputs += [ColSpec(number, f"p_{target}") for target in targets]
    outputs += [ColSpec(text, "language"), ColSpec(text, "error")]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame({"text": ["Baker wanted, permanent contract, thirty days of leave."]})
