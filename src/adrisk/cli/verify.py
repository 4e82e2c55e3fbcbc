"""`adrisk verify`: is this bundle exactly what its manifest says?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("verify")
@click.argument("bundle", type=click.Path(path_type=Path))
def command(bundle: Path) -> None:
    """Check every file of BUNDLE against its manifest; exit code 4 names the file that is wrong."""
    from adrisk.score.bundle import load_bundle

    loaded = load_bundle(bundle)
    scoring = loaded.scoring
    size = sum(len(content) for content in loaded.files.values())
    facts = {
        "bundle": bundle,
        "model": f"{scoring['name']} {scoring['version']}",
        "kind": scoring["kind"],
        "bundle_sha256": loaded.bundle_sha256,
        "files": f"{len(loaded.files)}, {size / 1e6:.1f} MB, every hash is right",
        "targets": f"{len(scoring['targets'])}: {', '.join(scoring['targets'])}",
    }
    for name, value in facts.items():
        click.echo(f"{name:<14} {value}")
