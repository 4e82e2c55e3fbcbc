"""`adrisk demo`: the whole road with the commands a user would type, at toy size."""

from __future__ import annotations

import csv
import shutil

import pytest
import yaml
from click.testing import CliRunner

from adrisk import Scorer
from adrisk.cli.demo import command
from adrisk.errors import UsageError
from tests.conftest import TINY_RECIPE
from tests.dataset.helpers import rows, write_jsonl
from tests.registry_helpers import OTHER_SPLIT

pytest_plugins = ["tests.registry_fixtures"]


def demo(*arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_it_ends_with_every_place_and_the_ads_to_look_at(registry, tiny_bundle, monkeypatch):
    monkeypatch.delenv("ADRISK_CONTACT_KEY", raising=False)
    (registry / "tiny.yaml").write_text(yaml.safe_dump(TINY_RECIPE))
    corpus = registry / "corpus"
    corpus.mkdir()
    ads = rows()
    write_jsonl(corpus / "en.jsonl", ads)
    shutil.copytree(tiny_bundle, registry / "models" / "demo")
    said = demo("--recipe", "tiny.yaml", "--corpus", corpus).stdout
    places = dict(line.split(":", 1) for line in said.splitlines() if ": " in line)
    assert places["MLflow"].strip() == f"sqlite:///{registry}/mlflow.db"
    assert places["registered"].strip() == f"adrisk version {int(OTHER_SPLIT) + 1}"
    assert (registry / places["report"].strip()).is_file()
    bundle = registry / places["bundle"].strip()
    assert bundle == registry / "models" / "demo"
    assert Scorer.load(bundle).bundle_sha256 != Scorer.load(tiny_bundle).bundle_sha256
    with (registry / places["scored"].strip()).open() as file:
        scored = list(csv.DictReader(file))
    assert [row["id"] for row in scored] == [ad["id"] for ad in ads]
    assert "risk_level" not in scored[0] and "input_categories" not in scored[0]
    first = max(scored, key=lambda row: float(row["risk_score"]))
    head = f"the 5 of {len(scored)} ads that ask for a human look first:\n  {first['id']}"
    assert head in said and "95% interval" in said and "base rate" in said
    steps = [line.split()[2] for line in said.splitlines() if line.startswith("$ adrisk ")]
    assert steps == ["prepare", "train", "score"]


def test_outside_a_checkout_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="checkout"):
        demo()
