"""What a bundle promises of its scores, with real bundles of both kinds: they depend on the ad alone,
and a bundle of which one byte has changed gives none."""

from __future__ import annotations

import csv
import gzip
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from adrisk import Scorer
from adrisk.cli.score import command
from adrisk.errors import BundleError
from adrisk.score.bundle import add_files, load_bundle
from adrisk.score.files import iter_rows

TOLERANCE = 1e-6


@pytest.fixture(scope="module", params=["linear", "encoder"])
def bundle(request, tiny_bundle, tiny_encoder_bundle):
    return tiny_bundle if request.param == "linear" else tiny_encoder_bundle


@pytest.fixture(scope="module")
def ads(dataset):
    """Ads of very different lengths, beyond the encoder's window too, and in several scripts."""
    texts = list(dataset.part("test").texts)
    texts += ["Cook " * n for n in (1, 7, 60, 400)]
    texts += ["招聘服务员，包吃住", "Требуется официант", "مطلوب نادل", "x"]
    return [{"id": f"a{i}", "text": text.strip()} for i, text in enumerate(texts)]


@pytest.fixture(scope="module")
def alone(bundle, ads):
    """The probabilities of each ad scored by itself."""
    scorer = Scorer.load(bundle, batch_size=1, threads=1)
    return np.concatenate([scorer.predict_proba([ad]) for ad in ads])


@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_sizes_threads_and_orders_change_nothing(bundle, ads, alone, batch_size, threads):
    scorer = Scorer.load(bundle, batch_size=batch_size, threads=threads)
    np.testing.assert_allclose(scorer.predict_proba(ads), alone, rtol=0, atol=TOLERANCE)
    order = np.random.default_rng(batch_size).permutation(len(ads))
    shuffled = scorer.predict_proba([ads[i] for i in order])
    np.testing.assert_allclose(shuffled, alone[order], rtol=0, atol=TOLERANCE)


def test_file_formats_change_nothing(bundle, ads, alone, tmp_path):
    lines = "".join(json.dumps(ad, ensure_ascii=False) + "\n" for ad in ads)
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    pq.write_table(pa.Table.from_pylist(ads), tmp_path / "in.parquet")
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text"])
        writer.writeheader()
        writer.writerows(ads)
    outputs = ("out.csv", "out.parquet", "out.jsonl.zst", "out.csv.gz")
    for name, output in zip(
        ("in.jsonl", "in.jsonl.gz", "in.parquet", "in.csv"), outputs, strict=True
    ):
        call = [tmp_path / name, "-o", tmp_path / output, "--model", bundle, "--quiet"]
        assert CliRunner().invoke(command, [*map(str, call)]).exit_code == 0
        rows = [row.values for row in iter_rows(tmp_path / output)]
        assert [row["id"] for row in rows] == [ad["id"] for ad in ads]
        written = [float(row["risk_score"]) for row in rows]
        # Scores are written with 6 decimals, so half of the last one comes on top.
        assert written == pytest.approx(alone[:, 0], abs=TOLERANCE + 5e-7)


def test_one_changed_byte_in_any_file_ends_with_its_name_and_exit_code_4(bundle, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(bundle, whole)
    add_files(load_bundle(whole), {"metrics.json": b"{}", "README.md": b"card"})
    (tmp_path / "ads.jsonl").write_text('{"text": "cook"}\n')
    kind = load_bundle(whole).scoring["kind"]
    weights = {"linear": "linear.safetensors", "encoder": "model.onnx"}[kind]
    names = sorted(path.name for path in whole.iterdir())
    assert names == sorted(
        ["manifest.json", "tokenizer.json", weights, "metrics.json", "README.md"]
    )
    for name in names:
        damaged = tmp_path / f"damaged-{name}"
        shutil.copytree(whole, damaged)
        content = bytearray((damaged / name).read_bytes())
        content[len(content) // 2] ^= 1
        (damaged / name).write_bytes(content)
        output = tmp_path / f"{name}.csv"
        call = [tmp_path / "ads.jsonl", "-o", output, "--model", damaged]
        error = CliRunner().invoke(command, [*map(str, call)]).exception
        assert isinstance(error, BundleError) and error.exit_code == 4
        assert error.file == name and name in str(error) and not output.exists()
