import json
from collections import defaultdict

import numpy as np
import pytest

from adrisk.codebook.codebook import TARGETS
from adrisk.dataset.build import build_dataset
from adrisk.dataset.card import card_files, data_card, markdown, warnings
from adrisk.dataset.contact_key import ContactKey
from adrisk.dataset.group import GroupSettings
from adrisk.dataset.read import read_ads
from adrisk.errors import InputError

from .helpers import ads_dataset, rows, write_jsonl

KEY = ContactKey(b"a key for the tests only")
PHONE = "+1-202-555-0143"


def build(tmp_path, rows, **options):
    result = read_ads([write_jsonl(tmp_path / "ads.jsonl", rows)])
    return result, build_dataset(result, KEY, **options)


def test_a_dataset_with_parts_and_groups(tmp_path):
    _, (dataset, _) = build(tmp_path, rows())
    assert len(dataset) == 60
    assert dataset.texts[0] == f"{rows()[0]['title']}\n{rows()[0]['text']}"
    assert dataset.about["contact_key_id"] == KEY.key_id
    held = defaultdict(set)
    for group, part in zip(dataset.group_ids, dataset.parts, strict=True):
        held[group].add(part)
    assert all(len(parts) == 1 for parts in held.values())
    assert set(dataset.parts) == {"train", "validation", "calibration", "test"}


def test_two_annotators_are_one_ad(tmp_path):
    base = {"id": "a", "text": "Baker wanted for the early shift", "title": "Baker"}
    span = {"sign": "secrecy", "field": "text", "start": 0, "end": 5}
    table = [
        base | {"annotator_id": "x", "risk_level": 6, "indicators": [span], "source": None},
        base | {"annotator_id": "y", "risk_level": 1, "indicators": [], "source": "board"},
    ]
    result, built = build(tmp_path, table)
    dataset = built.dataset
    assert len(dataset) == 1 and dataset.risk[0] == 0.5 and dataset.risk_levels[0] == 3.5
    assert dataset.targets[0, TARGETS.index("secrecy")] == 0.5
    assert dataset.sources == ["board"]
    kept = json.loads(dataset.annotations[0])
    assert [label["annotator_id"] for label in kept] == ["x", "y"]
    (kept_span,) = kept[0]["spans"]
    assert dataset.texts[0][kept_span["start"] : kept_span["end"]] == "Baker"
    assert data_card(result, built)["annotators"] == {"named": 2, "ads_with_several": 1}


def test_languages_are_given_or_detected(tmp_path):
    table = [
        {"text": "Se busca panadero para el turno de noche, contrato desde el primer día"},
        {"text": "Se busca panadero", "language": "pt-BR"},
    ]
    _, (dataset, _) = build(tmp_path, table)
    assert dataset.languages == ["es", "pt-BR"]


def test_shared_phones_share_a_part(tmp_path):
    table = rows()
    for i, notation in ((3, PHONE), (17, "+1 (202) 555 0143"), (42, "+1 202 555 0143")):
        table[i]["text"] += f" call {notation}"
    _, (dataset, _) = build(tmp_path, table, settings=GroupSettings(link_reserved=True))
    assert {dataset.group_ids[i] for i in (3, 17, 42)} == {dataset.group_ids[3]}
    _, (apart, _) = build(tmp_path, table)
    assert len({apart.group_ids[i] for i in (3, 17, 42)}) == 3


def test_the_same_input_gives_the_same_split(tmp_path):
    _, (one, _) = build(tmp_path, rows(), seed=1)
    _, (two, _) = build(tmp_path, list(reversed(rows())), seed=1)
    assert (one.split_sha256, one.fingerprint) == (two.split_sha256, two.fingerprint)
    _, (other, _) = build(tmp_path, rows(), seed=2)
    assert other.split_sha256 != one.split_sha256 and other.fingerprint == one.fingerprint


def test_an_input_without_a_usable_ad_says_why(tmp_path):
    said = r"\.jsonl: none of the 2 rows is a usable ad: no column 'text'"
    with pytest.raises(InputError, match=said):
        build(tmp_path, [{"id": 1}, {"id": 2}])


def test_unlabelled_ads_can_be_prepared(tmp_path):
    table = [{"text": row["text"]} for row in rows(12)]
    _, (dataset, _) = build(tmp_path, table)
    assert np.isnan(dataset.targets).all()
    assert [line[:25] for line in warnings(dataset)] == ["no ad has a risk label: t"]


def test_the_card_counts(tmp_path):
    table = [*rows(), rows()[0], {"id": "bad", "text": ""}, {**rows()[1], "id": "copy"}]
    table[5] = {**table[5], "risk_level": 3}
    result, built = build(tmp_path, table)
    card = data_card(result, built)
    assert (card["ads"], card["rows"], card["repeated_rows"]) == (61, 63, 1)
    assert sum(card["rejects"].values()) == 1
    assert card["targets"]["risk"] == {"positive": 20, "negative": 40, "unsure": 1, "unknown": 0}
    assert card["targets"]["organ_offer"]["unknown"] == 61
    assert card["duplicates"]["ads_with_the_redacted_text_of_another"] == 1
    assert card["duplicates"]["largest_group"] >= 2
    for counts in card["parts"].values():
        assert counts["ads"] == sum(
            counts[k] for k in ("positive", "negative", "unsure", "unknown")
        )
    assert sum(counts["ads"] for counts in card["parts"].values()) == 61
    assert "street addresses are not" in markdown(card)


def test_the_card_holds_no_ad_text_and_no_contact(tmp_path):
    table = rows()
    table[0] |= {"text": f"{table[0]['text']} call {PHONE}", "source": PHONE, "group_key": PHONE}
    table[1] |= {"language": f"call {PHONE}"}
    table.append({"id": "bad", "text": f"call {PHONE}", "risk": 9})
    result, built = build(tmp_path, table)
    for text in card_files(data_card(result, built)).values():
        assert "0143" not in text
        assert not any(word in text for word in ("harbour", "street, ", "Bicycle"))


def test_a_cell_cannot_break_the_table(tmp_path):
    result, built = build(tmp_path, rows())
    card = data_card(result, built) | {"rejects": {"a | b\n<script>": 1}}
    assert "| a \\| b &lt;script> | 1 |" in markdown(card)


def test_missing_classes_are_told():
    dataset = ads_dataset(8, risk=[1.0] * 8)
    found = warnings(dataset)
    assert any("train" in line and "negative" in line for line in found)
    assert any("positives only" in line and "risk" in line for line in found)
