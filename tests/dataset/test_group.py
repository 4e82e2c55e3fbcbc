import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.dataset.contact_key import ContactKey
from adrisk.dataset.group import (
    GroupSettings,
    UnionFind,
    contact_keys_of,
    group_ads,
    near_duplicate_ids,
)

from .helpers import OPENINGS

KEY = ContactKey(b"a key for the tests only")
LINKING = GroupSettings(link_reserved=True)
TEXTS = [
    f"{opening} We are a small team and look forward to meeting you in the {season}."
    for opening, season in zip(OPENINGS, ("spring", "summer", "autumn", "winter", "new year", "may"), strict=True)
]  # fmt: skip


def group(texts, contacts=None, keys=None, settings=None):
    ids = [f"ad-{i}" for i in range(len(texts))]
    contacts = contacts or [()] * len(texts)
    return group_ads(ids, texts, contacts, keys or [None] * len(texts), settings)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 30), st.data())
def test_union_find_is_the_brute_force_closure(n, data):
    edges = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    sets = UnionFind(n)
    for a, b in edges:
        sets.union(a, b)
    labels = list(range(n))
    for _ in range(n):
        for a, b in edges:
            labels[a] = labels[b] = min(labels[a], labels[b])
    assert [sets.find(i) for i in range(n)] == labels


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("contract", "CONTRACT").upper(),
        lambda t: t + " Call 12 or 19.",
        lambda t: t.replace("small", "tiny").replace(".", " ."),
        lambda t: "New! " + t.replace("look forward", "are looking forward"),
        lambda t: t + " [PHONE]",
    ],
)
def test_a_small_edit_stays_in_the_group(change):
    texts = [*TEXTS, change(TEXTS[0])]
    found = group(texts).near_duplicate_ids
    assert found[-1] == found[0] == "ad-0"
    assert len(set(found)) == len(TEXTS)


def test_other_digits_make_no_other_ad():
    ad = "Room {}: baker wanted, {} an hour, {} days of leave, house {}."
    texts = [
        ad.format(*numbers) for numbers in ((1, 12, 28, 4), (907, 15, 30, 112), (3, 9, 25, 77))
    ]
    assert len(set(group(texts).group_ids)) == 1


def test_chinese_near_duplicates():
    texts = [
        "诚聘面包师，早班，签订正式合同，包午餐，月薪8000元，请到店面谈。",
        "诚聘面包师，早班，签订正式合同，包午餐，月薪12000元，请到店面谈哦。",
        "酒店夜班前台，会两种语言，带薪休假，提供储物柜，请携带简历。",
    ]
    assert group(texts).group_ids == ["ad-0", "ad-0", "ad-2"]


def test_unrelated_ads_stand_alone():
    found = group(TEXTS)
    assert found.group_ids == found.near_duplicate_ids == [f"ad-{i}" for i in range(len(TEXTS))]


def test_contacts_and_keys_link_but_are_no_near_duplicates():
    found = group(
        TEXTS,
        contacts=[{b"x"}, {b"x", b"y"}, {b"y"}, (), (), ()],
        keys=[None, None, None, "shop", "shop", None],
    )
    assert found.group_ids == ["ad-0", "ad-0", "ad-0", "ad-3", "ad-3", "ad-5"]
    assert len(set(found.near_duplicate_ids)) == len(TEXTS)
    assert (found.n_contact_keys, found.n_contact_keys_over_cap) == (2, 0)


def test_a_contact_that_everyone_has_links_nobody():
    contacts = [{b"hotline"} for _ in TEXTS]
    found = group(TEXTS, contacts, settings=GroupSettings(max_contact_ads=len(TEXTS) - 1))
    assert len(set(found.group_ids)) == len(TEXTS) and found.n_contact_keys_over_cap == 1
    assert len(set(group(TEXTS, contacts).group_ids)) == 1


def test_copies_of_one_ad_do_not_make_its_contact_too_common():
    texts = [TEXTS[0]] * 10 + [TEXTS[1]]
    found = group(texts, [{b"x"}] * 11, settings=GroupSettings(max_contact_ads=5))
    assert len(set(found.group_ids)) == 1 and found.n_contact_keys_over_cap == 0


@settings(deadline=None, max_examples=20)
@given(st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(rng: random.Random):
    texts = [t.replace("small", word) for t in TEXTS for word in ("small", "tiny", "young")]
    ids = [f"ad-{i:02d}" for i in range(len(texts))]
    contacts = [{b"x"} if i % 7 == 0 else set() for i in range(len(texts))]
    keys = ["shop" if i % 11 == 5 else None for i in range(len(texts))]
    expected = dict(zip(ids, group_ads(ids, texts, contacts, keys).group_ids, strict=True))
    order = rng.sample(range(len(texts)), len(texts))
    columns = [[column[i] for i in order] for column in (ids, texts, contacts, keys)]
    found = dict(zip(columns[0], group_ads(*columns).group_ids, strict=True))
    assert found == expected


def test_a_bucket_full_of_boilerplate_is_still_grouped_whole():
    rng = random.Random(0)
    boiler = (
        "Equal opportunity employer, all are welcome to apply, send papers to the counter. " * 3
    )
    texts = [boiler + "".join(rng.choices("abcdefgh", k=12)) for _ in range(400)]
    assert len(set(group(texts).group_ids)) == 1


def test_near_duplicate_ids_reads_raw_text():
    raw = f"<p>{TEXTS[0]}</p>"
    assert near_duplicate_ids(["b", "a", "c"], [TEXTS[0], raw, TEXTS[1]]) == ["a", "a", "c"]


def test_no_ads():
    assert group([]).group_ids == []


def test_one_phone_in_two_notations_is_one_key():
    one = contact_keys_of("Call +1-202-555-0143 today", KEY, LINKING)
    two = contact_keys_of("ring us: +1 (202) 555 0143", KEY, LINKING)
    other = contact_keys_of("Call +1-202-555-0144 today", KEY, LINKING)
    assert one == two and len(one) == 1
    assert one != other


def test_another_key_gives_another_hash():
    other = ContactKey(b"another key for the tests")
    text = "Call +1-202-555-0143 or write to ads@example.org"
    ours, theirs = contact_keys_of(text, KEY, LINKING), contact_keys_of(text, other, LINKING)
    assert len(ours) == len(theirs) == 2 and not ours & theirs


@pytest.mark.parametrize(
    "text",
    [
        "Call +1-202-555-0143",
        "call 1 (202) 555-0101 today",
        "write to ads@example.org",
        "write to ads@mail.example.com",
        "apply at https://example.net/jobs?id=4",
    ],
)
def test_contacts_reserved_for_examples_link_nobody(text):
    assert contact_keys_of(text, KEY) == frozenset()


def links(kind, value, monkeypatch, settings=None):
    from adrisk.dataset import group as module

    contact = module.Contact(kind, 0, len(value), value, False)
    monkeypatch.setattr(module, "find_contacts", lambda text: [contact])
    return contact_keys_of("any", KEY, settings)


@pytest.mark.parametrize(
    "value", ["ads@notexample.com", "ads@example.community", "example.communal/jobs"]
)
def test_addresses_that_only_resemble_reserved_ones_link(value, monkeypatch):
    assert len(links("email", value, monkeypatch)) == 1


@pytest.mark.parametrize("value", ["0005550200", "0005650101", "99990005550101"])
def test_numbers_that_only_resemble_reserved_ones_link(value, monkeypatch):
    assert len(links("phone", value, monkeypatch)) == 1


@pytest.mark.parametrize("value", ["0000", "2026", "55555"])
def test_a_few_digits_link_nobody(value, monkeypatch):
    assert not links("phone", value, monkeypatch)


def test_a_number_is_the_same_as_phone_and_behind_a_messenger(monkeypatch):
    as_phone = links("phone", "2025550143", monkeypatch, LINKING)
    assert len(as_phone) == 1
    assert as_phone == links("messenger_id", "12025550143", monkeypatch, LINKING)
    assert as_phone != links("handle", "baker_143", monkeypatch, LINKING)
