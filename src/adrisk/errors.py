"""Every error that adrisk raises on purpose.

AdriskError                 exit code 1: the run failed
├── UsageError              2: the call is wrong (option, path, recipe); nothing was started
│   ├── OutputExistsError   2: the output is there already
│   ├── RecipeError         2: a recipe does not hold together
│   └── MissingExtraError   2: an optional dependency group is not installed
├── InputError              1: a file or a row cannot be used; names file, row and mend
├── BundleError             4: a model bundle is refused; names the file
└── RegistryError           1: the model registry cannot be reached or holds no such model
"""

from __future__ import annotations


class AdriskError(Exception):
    """Base of all errors that end a command with a clear message instead of a traceback."""

    exit_code = 1


class UsageError(AdriskError):
    """The call itself is wrong."""

    exit_code = 2


class OutputExistsError(UsageError):
    """The output path exists; nothing was overwritten."""


class RecipeError(UsageError):
    """A training recipe has an unknown key, a wrong type or settings that contradict each other."""


class MissingExtraError(UsageError):
    """An optional dependency group is not installed."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"this needs the module '{module}', which the base install leaves out: "
            f"run  pip install 'adrisk[{extra}]'"
        )


class InputError(AdriskError):
    """An input file or row cannot be used.

    Parameters: `reason` says what is wrong and how to mend it; `file` and `row` (counted from 1,
    the header not counted) say where, when they are known.
    """

    def __init__(self, reason: str, file: str | None = None, row: int | None = None) -> None:
        self.reason, self.file, self.row = reason, file, row
        where = ", ".join(
            part for part in (file, None if row is None else f"row {row}") if part is not None
        )
        super().__init__(f"{where}: {reason}" if where else reason)


class BundleError(AdriskError):
    """A model bundle is damaged, incomplete or holds what it must not; `file` names the culprit."""

    exit_code = 4

    def __init__(self, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"bundle refused: {file}: {reason}")


class RegistryError(AdriskError):
    """The MLflow registry cannot be reached, or holds no such model, version or alias."""
