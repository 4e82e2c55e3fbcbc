from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from adrisk.codebook.codebook import TARGETS
from adrisk.errors import UsageError
from adrisk.evaluate.measure import evaluate_scores
from adrisk.evaluate.report import REPORT_FILES, compare, write_report
from tests.conftest import toy_dataset
from tests.evaluate.toys import altered

HOSTILE = "<script>alert(1)</script> | $x_ \"'> _"


def evaluation_of(dataset, seed=0, **options):
    rng = np.random.default_rng(seed)
    probabilities = np.clip(0.6 * dataset.targets + 0.4 * rng.random(dataset.targets.shape), 0, 1)
    probabilities = np.where(np.isnan(probabilities), 0.1, probabilities)
    return evaluate_scores(dataset, probabilities, TARGETS, n_resamples=20, **options)


@pytest.fixture(scope="module")
def ads():
    return toy_dataset(120).part("test")


@pytest.fixture(scope="module")
def page(ads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    levels = np.where(ads.risk == 1, 4, 1)
    evaluations = {
        "linear": evaluation_of(ads, predicted_levels=levels),
        "encoder": evaluation_of(ads, 1),
    }
    return write_report(evaluations, folder / "a" / "report", "adrisk: toy")


class Page(HTMLParser):
    """Tags with their attributes, and the words of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_three_files_are_written_and_the_page_is_returned(page):
    assert page.name == "report.html"
    assert sorted(path.name for path in page.parent.iterdir()) == sorted(REPORT_FILES)


def test_the_json_holds_every_model_and_the_comparison(page):
    content = json.loads((page.parent / "metrics.json").read_text(encoding="utf-8"))
    assert list(content["models"]) == ["linear", "encoder"]
    assert 0 < content["models"]["linear"]["risk"]["average_precision"]["value"] <= 1
    (pair,) = content["comparisons"]
    assert (pair["model"], pair["minus"]) == ("linear", "encoder")
    first, second = (m["risk"]["average_precision"]["value"] for m in content["models"].values())
    assert pair["average_precision"]["difference"] == pytest.approx(first - second)


def test_the_base_rate_stands_with_average_precision(page):
    for text in (page.read_text(encoding="utf-8"), (page.parent / "report.md").read_text()):
        assert text.index("average precision") < text.index("base rate (what chance reaches)")


def test_the_page_is_whole_and_accessible(page):
    html = Page(page.read_text(encoding="utf-8"))
    assert html.open == []
    assert html.all("html") == [{"lang": "en"}]
    assert len(html.all("h1")) == 1
    assert len(html.all("title")) == 1
    assert len(html.all("caption")) == len(html.all("table")) > 6
    assert all(cell.get("scope") in ("col", "row") for cell in html.all("th"))
    images = html.all("img")
    assert len(images) == 4
    assert all(len(image["alt"]) > 30 for image in images)
    levels = [int(tag[1]) for tag, _ in html.tags if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_page_asks_nothing_of_the_network(page):
    html = Page(page.read_text(encoding="utf-8"))
    assert html.all("script") == html.all("link") == html.all("iframe") == []
    for _, attributes in html.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/svg+xml;base64,", "#"))
    assert "url(" not in page.read_text() and "@import" not in page.read_text()


def test_the_plots_are_pictures_without_scripts(page):
    for image in Page(page.read_text(encoding="utf-8")).all("img"):
        svg = base64.b64decode(image["src"].split(",", 1)[1]).decode()
        assert svg.lstrip().startswith("<?xml")
        assert "<script" not in svg


def test_it_says_what_a_score_is_not(page):
    words = Page(page.read_text(encoding="utf-8")).words
    assert "a risk that needs a human look" in words
    assert "Adult consensual sex work is not trafficking" in words
    for banned in ("suspect", "victim", "offender", "verdict"):
        assert banned not in words.lower()


def test_no_text_and_no_id_of_an_ad_is_in_any_file(page, ads):
    for name in REPORT_FILES:
        content = (page.parent / name).read_text(encoding="utf-8")
        for ad_id, text in zip(ads.ids, ads.texts, strict=True):
            assert text.split(":")[1].strip() not in content
            assert f"{ad_id}<" not in content and f'"{ad_id}"' not in content


def test_hostile_names_are_shown_and_not_run(ads, tmp_path):
    evaluations = {
        HOSTILE: evaluation_of(ads, model={HOSTILE: HOSTILE}, notes=[HOSTILE]),
        "_hidden $": evaluation_of(ads, 1),
    }
    page = write_report(evaluations, tmp_path, HOSTILE)
    html = Page(page.read_text(encoding="utf-8"))
    assert html.all("script") == []
    assert html.open == []
    assert html.words.count("<script>alert(1)</script>") >= 5
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    (width,) = {
        len(re.findall(r"(?<!\\)\|", line))
        for line in markdown.splitlines()
        if line.startswith("| average precision")
    }
    assert width == 4


def test_an_evaluation_of_nothing_still_makes_a_page(tmp_path):
    ads = toy_dataset(30)
    unknown = altered(ads, risk=np.full(30, np.nan))
    empty = ads.take([])
    page = write_report(
        {"unlabelled": evaluation_of(unknown), "empty": evaluation_of(empty)}, tmp_path, "nothing"
    )
    html = Page(page.read_text(encoding="utf-8"))
    assert html.open == []
    assert "n/a" in html.words
    assert "nan" not in html.words.lower().split()
    json.loads((tmp_path / "metrics.json").read_text(), parse_constant=pytest.fail)


def test_models_on_other_ads_are_not_compared(ads):
    other = toy_dataset(150, seed=4).part("test")
    assert compare({"a": evaluation_of(ads), "b": evaluation_of(other)}) == {}
    assert set(compare({"a": evaluation_of(ads), "b": evaluation_of(ads, 1)})) == {("a", "b")}


def test_a_report_is_replaced_and_a_bad_place_is_named(ads, tmp_path):
    evaluations = {"linear": evaluation_of(ads)}
    write_report(evaluations, tmp_path, "first")
    page = write_report(evaluations, tmp_path, "second")
    assert "<h1>second</h1>" in page.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORT_FILES)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match="cannot write the report"):
        write_report(evaluations, file / "report", "third")
    with pytest.raises(UsageError, match="at least one"):
        write_report({}, tmp_path, "none")


def test_the_same_evaluations_give_the_same_bytes(ads, tmp_path):
    evaluations = {"linear": evaluation_of(ads)}
    pages = [write_report(evaluations, tmp_path / name, "same") for name in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_errors_of_the_predicted_level_are_told(page):
    content = json.loads((page.parent / "metrics.json").read_text(encoding="utf-8"))
    levels = content["models"]["linear"]["risk_levels"]
    value = levels["mean_absolute_error"]["value"]
    for text in (page.read_text(encoding="utf-8"), (page.parent / "report.md").read_text()):
        assert "risk level 0 to 6: mean absolute error" in text and f"{value:.2f} (" in text
        assert "level given by annotators" in text and "of the best constant level" in text
        assert "this model predicts no risk level" in text
