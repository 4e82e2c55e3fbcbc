"""`adrisk pull`: from the registry to a plain folder, the bridge to light installs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("pull")
@click.argument("address", metavar="models:/NAME@ALIAS")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="New folder.")
def command(address: str, output: Path) -> None:
    """Copy the bundle behind models:/NAME@ALIAS or models:/NAME/VERSION, verified."""
    from adrisk import track

    click.echo(f"bundle: {track.pull(address, output)}")
