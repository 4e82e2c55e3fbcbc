"""Scoring loads nothing of the training stack; a missing extra is named with its pip line."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "sklearn",
    "mlflow",
    "pandas",
    "scipy",
    "pydantic",
    "yaml",
)

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""


def python(code, *args, **options):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, **options
    )


def test_scoring_a_file_loads_nothing_heavy(tiny_bundle, tmp_path):
    ads = tmp_path / "ads.csv"
    ads.write_text("id,text\n1,Baker wanted\n", encoding="utf-8")
    code = (
        "import sys\n"
        "from adrisk.cli.main import cli\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = python(
        code, "score", ads, "--output", tmp_path / "out.csv", "--model", tiny_bundle, "--quiet"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "verb",
    [
        ["train", "configs/quick.yaml", "nowhere", "-o", "out"],
        ["history"],
        ["pull", "models:/adrisk@champion", "-o", "out"],
        ["score", "ads.csv", "-o", "out.csv", "--model", "models:/adrisk@champion"],
    ],
    ids=lambda verb: verb[0],
)
def test_a_missing_extra_names_the_pip_line(verb, tmp_path):
    (tmp_path / "ads.csv").write_text("text\nBaker wanted\n", encoding="utf-8")
    code = BLOCKED.format(heavy=HEAVY) + "from adrisk.cli.main import main\nmain()\n"
    done = python(code, *verb, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "pip install 'adrisk[train]'" in done.stderr
    assert "Traceback" not in done.stderr
