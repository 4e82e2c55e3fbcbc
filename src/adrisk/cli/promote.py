"""`adrisk promote`: a registered version becomes the champion, if it passes the gates."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("promote")
@click.option(
    "--data",
    "prepared",
    required=True,
    type=click.Path(path_type=Path),
    help="Prepared folder whose test part decides.",
)
@click.option("--name", default="adrisk", show_default=True, help="Registered model.")
@click.option("--version", help="Version to promote [the challenger].")
@click.pass_context
def command(ctx: click.Context, prepared: Path, name: str, version: str | None) -> None:
    """Promote a version of a registered model to champion, if it passes every gate.

    The reasons are printed and kept as tags on the version. Exit code 1 when it is refused.
    """
    from adrisk import track
    from adrisk.dataset.prepared import AdDataset

    decision = track.promote(name, AdDataset.load(prepared).part("test"), version=version)
    for gate in decision.gates:
        click.echo(f"{'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.reason}")
    outcome = "is now the champion" if decision.promoted else "is not promoted"
    click.echo(f"{name} version {decision.version} {outcome}")
    if not decision.promoted:
        ctx.exit(1)
