import json
import stat

import pytest
from click.testing import CliRunner

from adrisk.cli.prepare import command
from adrisk.dataset.prepared import AdDataset
from adrisk.errors import InputError, OutputExistsError, UsageError
from tests.dataset.helpers import rows, write_jsonl


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("ADRISK_CONTACT_KEY", raising=False)


@pytest.fixture
def ads(tmp_path):
    return write_jsonl(tmp_path / "ads.jsonl", rows())


def prepare(*arguments, expect=0):
    """Run the command; a known error is raised as the command line would see it."""
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result


def test_prepare(ads, tmp_path):
    out = tmp_path / "work" / "prepared"
    result = prepare(ads, "--output", out)
    assert {path.name for path in out.iterdir()} == {
        "ads.parquet", "split.json", "data_card.md", "data_card.json", ".gitignore",
    }  # fmt: skip
    dataset = AdDataset.load(out)
    record = json.loads((out / "split.json").read_text())
    assert record["split_sha256"] == dataset.split_sha256
    assert record["about"]["protocol"] == "grouped"
    assert sum(record["parts"].values()) == 60
    assert result.stdout == "" and dataset.split_sha256[:12] in result.stderr
    assert not out.with_name("prepared.rejects.jsonl").exists()


def test_a_fixed_test_part_is_kept_and_what_moved_is_told(tmp_path):
    table = [row | {"fold": "test" if i < 20 else "train"} for i, row in enumerate(rows())]
    table[0]["company"] = table[30]["company"] = "one and the same"
    ads = write_jsonl(tmp_path / "ads.jsonl", table)
    out = tmp_path / "p"
    options = ("--part-column", "fold", "--group-key-column", "company")
    result = prepare(ads, "-o", out, *options)
    dataset = AdDataset.load(out)
    test = dataset.part("test")
    marked = {f"ad-{i:02d}" for i in range(20)}
    groups = {
        group for ad_id, group in zip(test.ids, test.group_ids, strict=True) if ad_id in marked
    }
    assert marked | {"ad-30"} <= set(test.ids) and set(test.group_ids) == groups
    assert set(dataset.parts) == {"train", "validation", "calibration", "test"}
    told = f"{len(test) - 20} ads went to test because an ad of their group is marked test"
    assert told in result.stderr and told in (out / "data_card.md").read_text()


def test_the_key_is_made_told_and_never_shown(ads, tmp_path):
    result = prepare(ads, "-o", tmp_path / "p")
    key = tmp_path / "contact.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert str(key) in result.stderr and key.read_text().strip() not in result.output
    again = prepare(ads, "-o", tmp_path / "q")
    assert "made a contact key" not in again.stderr
    assert (
        AdDataset.load(tmp_path / "p").split_sha256 == AdDataset.load(tmp_path / "q").split_sha256
    )


def test_the_key_of_option_then_environment(ads, tmp_path, monkeypatch):
    file = tmp_path / "team.key"
    file.write_text("the key of the whole team")
    monkeypatch.setenv("ADRISK_CONTACT_KEY", "the key of the environment")
    prepare(ads, "-o", tmp_path / "p")
    prepare(ads, "-o", tmp_path / "q", "--contact-key-file", file)
    p, q = (AdDataset.load(tmp_path / name).about["contact_key_id"] for name in "pq")
    assert p != q
    assert not (tmp_path / "contact.key").exists()


def test_another_key_is_refused(ads, tmp_path, monkeypatch):
    prepare(ads, "-o", tmp_path / "p")
    monkeypatch.setenv("ADRISK_CONTACT_KEY", "another key of some length")
    with pytest.raises(UsageError, match="contact key"):
        prepare(ads, "-o", tmp_path / "p", "--overwrite")
    monkeypatch.delenv("ADRISK_CONTACT_KEY")
    prepare(ads, "-o", tmp_path / "p", "--overwrite")


def test_rejects(tmp_path):
    secret = "call +1-202-555-0143"
    table = [*rows(), {"id": "x", "text": " "}, {"id": "y", "text": secret, "risk": secret}]
    ads = write_jsonl(tmp_path / "ads.jsonl", table)
    result = prepare(ads, "-o", tmp_path / "p", expect=3)
    rejects = tmp_path / "p.rejects.jsonl"
    records = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(record["file"], record["row"]) for record in records] == [
        (str(ads), 61),
        (str(ads), 62),
    ]
    assert "0143" not in rejects.read_text() + result.output
    assert "2 rejected" in result.stderr and str(rejects) in result.stderr
    write_jsonl(ads, rows())
    prepare(ads, "-o", tmp_path / "p", "--overwrite")
    assert not rejects.exists()


def test_nothing_usable(tmp_path):
    ads = write_jsonl(tmp_path / "ads.jsonl", [{"body": "x"}] * 3)
    with pytest.raises(InputError, match="--text-columns"):
        prepare(ads, "-o", tmp_path / "p")
    assert not (tmp_path / "p").exists()
    assert len((tmp_path / "p.rejects.jsonl").read_text().splitlines()) == 3


def test_a_labelled_board(tmp_path):
    path = tmp_path / "board.csv"
    lines = ["nr,head,body,company,label"]
    for i, row in enumerate(rows()):
        verdict = ("fake", "real", "disputed", "real", "real", "odd")[i % 6]
        lines.append(f'{i},"{row["title"]}","{row["text"]}",shop-{i % 30},{verdict}')
    path.write_text("\n".join(lines) + "\n")
    prepare(
        path, "-o", tmp_path / "p", "--text-columns", "head, body", "--id-column", "nr",
        "--group-key-column", "company", "--label-column", "label", "--positive", "fake,disputed",
        "--negative", "real", "--category", "recruitment_fraud", "--language", "en",
        "--ad-type", "job", "--seed", "5", "--quiet", expect=3,
    )  # fmt: skip
    dataset = AdDataset.load(tmp_path / "p")
    assert len(dataset) == 50 and set(dataset.ad_types) == {"job"}
    assert dataset.risk.sum() == 20
    assert dataset.about["seed"] == 5
    for key in set(dataset.group_keys):
        of_key = [p for p, k in zip(dataset.parts, dataset.group_keys, strict=True) if k == key]
        assert len(set(of_key)) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--positive", "fake"),
        ("--label-column", "label"),
        ("--label-column", "label", "--positive", "a", "--negative", "a"),
        ("--text-columns", " , "),
        ("--importer", "nosuch"),
        ("--risk-level-column", "level", "--label-column", "label"),
    ],
)
def test_options_that_make_no_sense(ads, tmp_path, options):
    with pytest.raises(UsageError):
        prepare(ads, "-o", tmp_path / "p", *options)
    assert not (tmp_path / "p").exists()


def test_a_misspelt_column_is_refused(tmp_path):
    path = tmp_path / "ads.csv"
    path.write_text("text,company,risk\na baker,shop,0\n")
    with pytest.raises(InputError, match=r"ads\.csv: no column 'compny'; there are 'text', 'comp"):
        prepare(path, "-o", tmp_path / "p", "--group-key-column", "compny")


def test_an_importer_with_a_column_of_another_name(tmp_path):
    lines = ["title,content,points"]
    lines += [f'"{row["title"]}","{row["text"]}",{i % 7}' for i, row in enumerate(rows())]
    path = tmp_path / "t10k.csv"
    path.write_text("\n".join(lines) + "\n")
    prepare(
        path, "-o", tmp_path / "p", "--importer", "trafficking10k", "--text-columns", "content",
        "--risk-level-column", "points", "--quiet",
    )  # fmt: skip
    dataset = AdDataset.load(tmp_path / "p")
    assert len(dataset) == 60 and set(dataset.ad_types) == {"escort"}
    assert set(dataset.risk_levels) == set(range(7))
    assert dataset.texts[0] == "\n".join((rows()[0]["title"], rows()[0]["text"]))


def test_vendors_without_labels_are_prepared_and_told(tmp_path):
    lines = ["TEXT,VENDOR", *(f'"{row["text"]}",{i // 3}' for i, row in enumerate(rows()))]
    path = tmp_path / "vendors.csv"
    path.write_text("\n".join(lines) + "\n")
    result = prepare(path, "-o", tmp_path / "p", "--importer", "idtraffickers")
    assert "note: no ad has a risk label" in result.stderr and "adapt.texts" in result.stderr
    dataset = AdDataset.load(tmp_path / "p")
    for vendor in set(dataset.group_keys):
        parts = zip(dataset.parts, dataset.group_keys, strict=True)
        assert len({part for part, key in parts if key == vendor}) == 1


def test_a_data_set_of_the_hub_format(tmp_path, monkeypatch):
    from datasets import Dataset, DatasetDict

    columns = {name: [row[name] for row in rows()] for name in ("title", "text", "risk_level")}
    data = Dataset.from_dict(columns)
    folder = tmp_path / "saved"
    DatasetDict(train=data.select(range(40)), test=data.select(range(40, 60))).save_to_disk(folder)
    monkeypatch.chdir(tmp_path)
    result = prepare("hf:./saved", "-o", tmp_path / "p")
    assert "note: the splits train, test of hf:./saved are read as one" in result.stderr
    assert len(AdDataset.load(tmp_path / "p")) == 60
    prepare("hf:./saved::test", "-o", tmp_path / "q", "--source-column", "split", "--quiet")
    assert set(AdDataset.load(tmp_path / "q").sources) == {"test"}


def test_an_existing_output_stops_before_any_work(ads, tmp_path):
    (tmp_path / "p").mkdir()
    with pytest.raises(OutputExistsError):
        prepare(ads, "-o", tmp_path / "p")
    assert not (tmp_path / "contact.key").exists()


def test_quiet_says_nothing(ads, tmp_path, monkeypatch):
    monkeypatch.setenv("ADRISK_CONTACT_KEY", "a key of some length, in the environment")
    assert prepare(ads, "-o", tmp_path / "p", "--quiet").output == ""
