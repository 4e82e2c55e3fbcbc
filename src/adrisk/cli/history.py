"""`adrisk history`: the registered versions, newest first."""

from __future__ import annotations

import click


@click.command("history")
@click.option("--name", default="adrisk", show_default=True, help="Registered model.")
def command(name: str) -> None:
    """List versions with aliases, headline figures and the reasons of promotions."""
    from adrisk import track

    for info in track.history(name):
        aliases = " ".join(f"@{alias}" for alias in info.aliases)
        click.echo(f"version {info.version}  {info.created:%Y-%m-%d %H:%M} UTC  {aliases}".rstrip())
        for key in sorted(info.tags):
            if key.startswith(("adrisk.", "promotion.")):
                click.echo(f"    {key}: {info.tags[key]}")
