"""The command `adrisk`: finds the verb's module only when the verb is called, so that starting
costs next to nothing and scoring never loads the training stack."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import NoReturn

import click

from adrisk.errors import AdriskError, MissingExtraError

VERBS = {
    "demo": "Prepare, train, register and score on the seed corpus: the whole road in one go.",
    "prepare": "Read labelled ads, group and split them into a prepared folder.",
    "train": "Train the models of a recipe, track and register them, write a bundle.",
    "evaluate": "Measure a bundle on prepared ads and write a report.",
    "protocols": "Retrain under random, grouped and held-out splits: the split-gap table.",
    "score": "Score files of ads with a bundle.",
    "verify": "Check every file of a bundle against its manifest.",
    "promote": "Make a registered version the champion, if it passes the gates.",
    "rollback": "Make the previous champion the champion again.",
    "history": "List the registered versions with their figures and reasons.",
    "pull": "Copy a registered bundle to a folder for light installs.",
}
EXTRAS = dict.fromkeys(
    [
        "accelerate",
        "datasets",
        "jinja2",
        "matplotlib",
        "mlflow",
        "onnx",
        "onnxscript",
        "pandas",
        "peft",
        "psutil",
        "pydantic",
        "yaml",
        "rensa",
        "sklearn",
        "scipy",
        "sentencepiece",
        "torch",
        "transformers",
    ],
    "train",
)


class _Verbs(click.Group):
    """A group whose verbs live in adrisk.cli.<verb>, each as the object `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"adrisk.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="adrisk")
def cli() -> None:
    """Rank online ads by the risk that they recruit for exploitation.

    The output is a risk that needs a human look, never a statement about a person.
    """


def main() -> NoReturn:
    """Run a verb; a known error becomes one clear message and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except AdriskError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        root = (error.name or "").split(".")[0]
        if root not in EXTRAS:
            raise
        missing = MissingExtraError(EXTRAS[root], root)
        click.echo(f"error: {missing}", err=True)
        sys.exit(missing.exit_code)
