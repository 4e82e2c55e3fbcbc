"""MLflow as track.py uses it: quiet, with its errors in words, and with names that it accepts."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from adrisk.errors import RegistryError

DEFAULT_DATABASE = "mlflow.db"

_ILLEGAL_IN_NAME = re.compile(r"[^\w\-. ]")
_MAX_NAME = 250


def configure() -> str:
    """Point MLflow at MLFLOW_TRACKING_URI, or at mlflow.db in the working folder; returns the URI."""
    uri = _uri()
    quiet_mlflow().set_tracking_uri(uri)
    return uri


def _uri() -> str:
    # Absolute, because MLflow keeps connections by URI even where the working folder changes.
    default = str(Path(DEFAULT_DATABASE).resolve()).replace("%", "%25").replace("?", "%3F")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{default}"


def quiet_mlflow() -> Any:
    """MLflow, imported quietly: no usage telemetry, no progress bars, no migration log."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    for noisy in ("alembic", "mlflow", "mlflow.store", "mlflow.tracking", "mlflow.system_metrics"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return mlflow


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the many errors of MLflow and its database into one that says what failed where.

    ImportError stands for a database driver that is not installed.
    """
    quiet_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        first_line = (str(error).strip() or repr(error)).splitlines()[0]
        raise RegistryError(
            without_password(
                f"{what} failed: {first_line} (MLflow is at {_uri()}; if that is down, start it, "
                "if another is meant, set MLFLOW_TRACKING_URI)"
            )
        ) from error


@contextlib.contextmanager
def registry(what: str) -> Iterator[Any]:
    """A client of the registry; its errors become RegistryErrors. It makes no new database."""
    with explained(what):
        uri = configure()
        database = unquote(uri.removeprefix("sqlite:///").split("?")[0])
        if uri.startswith("sqlite:///") and not Path(database).exists():
            raise FileNotFoundError(f"there is no database {database}")
        yield quiet_mlflow().MlflowClient()


def without_password(text: str) -> str:
    """`text` with user and password of every URI in it left out."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping under dotted names that MLflow accepts, each one distinct."""
    named: dict[str, Any] = {}
    for path, value in _leaves(nested):
        legal = _ILLEGAL_IN_NAME.sub("_", path)[:_MAX_NAME]
        if legal in ("", ".") or legal.startswith(".."):  # MLflow might take it for a path
            legal = f"_{legal[1:]}"
        numbered = (f"{legal[: _MAX_NAME - 10]}_{n}" for n in itertools.count(2))
        name = next(name for name in itertools.chain([legal], numbered) if name not in named)
        named[name] = value
    return named


def _leaves(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def numbers(nested: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the values of `flat`."""
    return {
        name: float(value)
        for name, value in flat(nested).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
