"""The registered pyfunc, loaded as its users load it: from the registry, with pickle disallowed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from adrisk import Ad, Scorer, track
from tests.registry_helpers import GOOD

pytest_plugins = ["tests.registry_fixtures"]

RISKY = "we keep your passport until the debt is paid, tell nobody"
PLAIN = "permanent contract, thirty days of leave, apply on our site"
ADDRESS = "models:/adrisk@champion"


@pytest.fixture(scope="module")
def pyfunc(registered):
    import mlflow

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registered}/mlflow.db")
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        patch.setattr(sys, "path", list(sys.path))
        track.configure()
        return mlflow.pyfunc.load_model(f"models:/adrisk/{GOOD}")


@pytest.fixture(scope="module")
def scorer(tiny_bundle):
    return Scorer.load(tiny_bundle)


def test_the_scores_are_those_of_the_scorer(pyfunc, scorer, dataset):
    texts = list(dataset.part("test").texts)
    answer = pyfunc.predict(pd.DataFrame({"text": texts}))
    columns = [f"p_{target}" for target in scorer.targets]
    assert list(answer.columns) == ["id", "risk_score", "tier", *columns, "language", "error"]
    expected = scorer.predict_proba(texts)
    np.testing.assert_allclose(answer[columns].to_numpy(), expected, rtol=0, atol=1e-9)
    scored = scorer.score(texts)
    assert answer["risk_score"].tolist() == [s.risk_score for s in scored]
    assert answer["tier"].tolist() == [str(s.tier) for s in scored]
    assert answer["language"].tolist() == [s.language for s in scored]
    assert answer["error"].isna().all()


def test_bad_rows_carry_their_error_in_place(pyfunc, scorer):
    texts = [RISKY, "", None, float("nan"), "x" * 1_000_001, " \n", PLAIN]
    answer = pyfunc.predict(pd.DataFrame({"text": texts, "id": list("abcdefg")}))
    assert answer["id"].tolist() == list("abcdefg")
    failed = answer["error"].notna()
    assert failed.tolist() == [False, True, True, True, True, True, False]
    assert "1000001 bytes" in answer["error"][4]
    assert answer.loc[failed, ["risk_score", "p_risk", "tier", "language"]].isna().all(axis=None)
    alone = pyfunc.predict(pd.DataFrame({"text": [PLAIN]}))
    assert answer["risk_score"][6] == alone["risk_score"][0]


def test_optional_columns_and_the_index(pyfunc, scorer):
    rows = {"title": ["Cook", None], "text": [RISKY, PLAIN], "language": ["nl", None]}
    frame = pd.DataFrame({**rows, "id": [7, 8], "other": [1, 2]}, index=["x", "y"])
    answer = pyfunc.predict(frame)
    expected = scorer.score([Ad(text=RISKY, title="Cook", language="nl"), Ad(text=PLAIN)])
    assert answer.index.tolist() == ["x", "y"] and answer["id"].tolist() == ["7", "8"]
    assert answer["risk_score"].tolist() == [s.risk_score for s in expected]
    assert answer["language"].tolist() == [s.language for s in expected]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_every_kind_of_missing_value(pyfunc, missing):
    frame = pd.DataFrame({"text": [RISKY, missing], "title": [missing, "Cook"]}, dtype=object)
    answer = pyfunc.predict(frame)
    assert answer["error"].isna().tolist() == [True, False]
    alone = pyfunc.predict(pd.DataFrame({"text": [RISKY]}))
    assert answer["risk_score"][0] == alone["risk_score"][0]


def test_only_bad_rows_and_no_rows(pyfunc):
    bad = pyfunc.predict(pd.DataFrame({"text": [None, ""]}))
    assert bad["risk_score"].dtype == np.float64 and bad["error"].notna().all()
    assert len(pyfunc.predict(pd.DataFrame({"text": pd.Series([], dtype=object)}))) == 0


def test_a_frame_without_text_is_refused(pyfunc):
    import mlflow

    with pytest.raises(mlflow.exceptions.MlflowException, match="text"):
        pyfunc.predict(pd.DataFrame({"body": [PLAIN]}))


def test_each_text_is_prepared_once(pyfunc, monkeypatch):
    prepared = []
    real = Scorer._prepare
    monkeypatch.setattr(Scorer, "_prepare", lambda self, ad: prepared.append(ad) or real(self, ad))
    pyfunc.predict(pd.DataFrame({"text": [RISKY, PLAIN]}))
    assert len(prepared) == 2


def test_the_signature_names_every_column(pyfunc, scorer):
    answer = pyfunc.predict(pd.DataFrame({"text": [PLAIN]}))
    assert pyfunc.metadata.signature.outputs.input_names() == list(answer.columns)
    assert pyfunc.metadata.signature.inputs.required_input_names() == ["text"]


def test_the_example_is_invented_and_scores(pyfunc, dataset):
    example = pyfunc.input_example
    assert set(example["text"]).isdisjoint(dataset.texts)
    assert pyfunc.predict(example)["error"].isna().all()


def test_the_requirements_are_the_base_install(registered):
    lines = next((registered / "mlruns").rglob("requirements.txt")).read_text().splitlines()
    named = {line.split("==")[0] for line in lines}
    project = Path(__file__).parents[2] / "pyproject.toml"
    base = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    assert named - {"mlflow", "pandas"} == {d.split(">=")[0] for d in base} - {"click", "tqdm"}
    assert all("==" in line for line in lines)


def test_the_model_names_its_files_without_the_paths_of_its_maker(registered):
    model = yaml.safe_load(next((registered / "mlruns").rglob("MLmodel")).read_text())
    flavor = model["flavors"]["python_function"]
    checkout = str(Path(track.__file__).parent)
    assert flavor["artifacts"]["bundle"]["path"] == "artifacts/bundle"
    assert checkout not in json.dumps(flavor)


def test_it_loads_in_a_fresh_process_with_its_own_code(registry, tmp_path, scorer, dataset):
    """Elsewhere, as on a machine without adrisk: the code that runs is the model's own copy."""
    assert track.promote("adrisk", dataset.part("test"), version=GOOD).promoted
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import sys\n"
        "import pandas as pd, mlflow\n"
        f"model = mlflow.pyfunc.load_model({ADDRESS!r})\n"
        f"answer = model.predict(pd.DataFrame({{'text': [{RISKY!r}]}}))\n"
        "import adrisk\n"
        "print(answer.to_json(double_precision=15, orient='records'))\n"
        "print(adrisk.__file__)\n"
        "print(sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))\n"
    )
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer, origin, heavy = done.stdout.strip().splitlines()[-3:]
    row = json.loads(answer)[0]
    got = [row[f"p_{target}"] for target in scorer.targets]
    np.testing.assert_allclose(got, scorer.predict_proba([RISKY])[0], rtol=0, atol=1e-9)
    assert Path(origin).parts[-3:-1] == ("code", "adrisk")
    assert heavy == "[]"
