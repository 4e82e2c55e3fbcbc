"""Data sets of the `datasets` library, from folders made here; the hub is never asked."""

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from adrisk.codebook.codebook import RISK
from adrisk.dataset import hub_rows
from adrisk.dataset.hub_rows import HubAddress, open_splits, parse_address
from adrisk.dataset.importers import LabelMap
from adrisk.dataset.read import read_ads
from adrisk.errors import InputError, UsageError
from adrisk.score.columns import ColumnMap

TEXTS = ["Baker wanted, early shift.", "Night porter, paid leave.", "Gardener, union wage."]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def labelled() -> Dataset:
    features = Features(
        {
            "text": Value("string"),
            "verdict": ClassLabel(names=["real", "fake"]),
            "categories": List(ClassLabel(names=["forced_labour", "organ_removal"])),
        }
    )
    columns = {"text": TEXTS, "verdict": [1, 0, -1], "categories": [[0, 1], [], None]}
    return Dataset.from_dict(columns, features=features)


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "saved"
    DatasetDict(train=labelled(), test=labelled().select([0])).save_to_disk(folder)
    return folder


@pytest.fixture
def parquet(tmp_path):
    folder = tmp_path / "parquet"
    folder.mkdir()
    labelled().to_parquet(folder / "train.parquet")
    labelled().select([0]).to_parquet(folder / "test.parquet")
    return folder


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf:owner/ads", HubAddress("owner/ads")),
        ("hf:owner/ads@abc", HubAddress("owner/ads", "abc")),
        ("hf:owner/ads:en", HubAddress("owner/ads", None, "en")),
        ("hf:owner/ads@abc::test", HubAddress("owner/ads", "abc", None, "test")),
        ("hf:./a@b:en:test", HubAddress("./a@b", None, "en", "test")),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["hf:", "hf::en", "hf:a:b:c:d"])
def test_addresses_that_make_no_sense(text):
    with pytest.raises(UsageError, match="hf:NAME:CONFIG:SPLIT"):
        parse_address(text)


@pytest.mark.parametrize("folder", ["saved", "parquet"])
def test_class_labels_are_names_and_splits_a_column(folder, request):
    train, test = open_splits(HubAddress(str(request.getfixturevalue(folder))))
    assert train.column_names() == ["text", "verdict", "categories", "split"]
    rows = [row.values for row in train.rows()]
    assert [row["verdict"] for row in rows] == ["fake", "real", None]
    assert rows[0]["categories"] == ["forced_labour", "organ_removal"]
    assert [row["split"] for row in (*rows, *(r.values for r in test.rows()))] == [
        *["train"] * 3, "test",
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["saved", "parquet"])
def test_ads_and_labels(folder, request):
    folder = request.getfixturevalue(folder)
    reader = LabelMap("verdict", ("fake",), ("real",))
    result = read_ads([f"hf:{folder}::train"], label_map=reader)
    assert [raw.ad.text for raw in result.ads] == TEXTS
    assert [raw.label and raw.label.targets[RISK] for raw in result.ads] == [1.0, 0.0, None]
    assert result.ads[0].file == f"hf:{folder}::train" and result.ads[2].row == 3
    assert not result.notes


def test_a_folder_is_streamed_and_one_from_disk_is_mapped(saved, parquet):
    (split, *_), (mapped, *_) = (open_splits(HubAddress(str(f))) for f in (parquet, saved))
    assert isinstance(split.data, datasets.IterableDataset)
    assert isinstance(mapped.data, datasets.Dataset) and mapped.data.cache_files


def test_several_splits_are_told_and_never_taken_for_parts(saved):
    result = read_ads([f"hf:{saved}"], columns=ColumnMap(source="split"))
    assert [raw.source for raw in result.ads] == [*["train"] * 3, "test"]
    (note,) = result.notes
    assert "train, test" in note and "parted anew" in note


def test_a_folder_of_csv_whose_columns_are_not_declared(tmp_path):
    (tmp_path / "ads.csv").write_text("text,risk\nBaker wanted.,0\n")
    (raw,) = read_ads([f"hf:{tmp_path}"]).ads
    assert raw.label.targets[RISK] == 0.0


def test_images_are_left_out_unread(tmp_path):
    broken = {"text": TEXTS, "pictures": [[{"bytes": b"no image", "path": None}]] * 3}
    features = Features({"text": Value("string"), "pictures": List(datasets.Image())})
    Dataset.from_dict(broken, features=features).save_to_disk(tmp_path / "d")
    (split,) = open_splits(HubAddress(str(tmp_path / "d")))
    assert [set(row.values) for row in split.rows()] == [{"text", "split"}] * 3


@pytest.mark.parametrize(
    ("columns", "missing"),
    [(ColumnMap(text=("body",)), "'body'"), (ColumnMap(text=("body",), id="nr"), "'body', 'nr'")],
)
def test_unknown_columns_are_named_with_those_that_are_there(saved, columns, missing):
    with pytest.raises(InputError) as caught:
        read_ads([f"hf:{saved}"], columns=columns)
    assert f"no column {missing}; there are 'text', 'verdict', 'categories', 'split'" in str(
        caught.value
    )


@pytest.mark.parametrize("folder", ["saved", "parquet"])
def test_an_unknown_split_is_named_with_those_that_are_there(folder, request):
    with pytest.raises(UsageError, match="no such split, there are train, test"):
        open_splits(HubAddress(str(request.getfixturevalue(folder)), split="dev"))


def test_an_unknown_config(saved, parquet):
    with pytest.raises(UsageError, match=r"'en' not found\. Available: \['default'\]"):
        open_splits(HubAddress(str(parquet), config="en"))
    with pytest.raises(UsageError, match="has no configs"):
        open_splits(HubAddress(str(saved), config="en"))


def test_a_name_that_cannot_be_reached_says_what_to_do():
    with pytest.raises(UsageError, match=r"hf:\./folder.*HF_HOME.*HF_HUB_OFFLINE"):
        open_splits(HubAddress("nobody/no-such-ads"))


def test_a_cached_data_set_is_read_whole_when_offline(monkeypatch):
    seen = {}

    def load(name, config, **options):
        seen.update(options)
        return DatasetDict(train=labelled())

    monkeypatch.setattr(datasets, "load_dataset", load)
    open_splits(HubAddress("owner/ads", "abc"))
    assert seen == {"revision": "abc", "streaming": False}
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    open_splits(HubAddress("owner/ads"))
    assert seen == {"revision": None, "streaming": True}


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_data(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{name}: no "):
        open_splits(HubAddress(str(tmp_path / name)))


def test_code_that_comes_with_a_data_set_is_never_run(tmp_path):
    folder = tmp_path / "ads"
    folder.mkdir()
    trap = tmp_path / "was_run"
    (folder / "ads.py").write_text(f"open({str(trap)!r}, 'w')\n")
    (folder / "ads.csv").write_text("text\nx\n")
    with pytest.raises(InputError, match="never run"):
        open_splits(HubAddress(str(folder)))
    assert not trap.exists()


def test_a_data_set_that_breaks_in_the_middle(saved, monkeypatch):
    class Broken:
        features = None
        column_names = ("text",)

        def __init__(self, good):
            self.good = good

        def __iter__(self):
            yield from ({"text": text} for text in self.good)
            raise OSError("disk gone")

    (split, *_) = open_splits(HubAddress(str(saved)))
    rows = list(hub_rows.HubSplit(split.address, Broken(TEXTS)).rows())
    assert [row.error is None for row in rows] == [True, True, True, False]
    assert "disk gone" in rows[-1].error and rows[-1].number == 4
    with pytest.raises(InputError, match="nothing can be read"):
        list(hub_rows.HubSplit(split.address, Broken([])).rows())
