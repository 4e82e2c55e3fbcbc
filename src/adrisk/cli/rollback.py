"""`adrisk rollback`: the champion before this one becomes champion again."""

from __future__ import annotations

import click


@click.command("rollback")
@click.option("--name", default="adrisk", show_default=True, help="Registered model.")
@click.option("--reason", default="", help="Kept as a tag on the version that leaves.")
def command(name: str, reason: str) -> None:
    """Go back to the previous champion."""
    from adrisk import track

    click.echo(f"{name} version {track.rollback(name, reason)} is the champion again")
