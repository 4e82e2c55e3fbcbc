"""Groups of ads that must not be parted: connected components over near-duplicates, shared
contacts and group_key.

Where any of the three links two ads, a model that saw one in training has an unfair view of the
other. A group's id is the smallest id of its ads, whatever their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from adrisk.dataset.contact_key import ContactKey
from adrisk.text.clean import clean
from adrisk.text.contacts_phone import normalise_phone
from adrisk.text.fingerprint import N_PERMUTATIONS, estimated_jaccard, min_hashes
from adrisk.text.model_input import TextSettings, model_input
from adrisk.text.redact import Contact, find_contacts

# 32 bands of 4 rows: a pair at similarity .55 becomes a candidate with probability .95, at .7 with
# .9998 (1 - (1 - s^4)^32); chains of near-duplicates make up for most of the rest.
_BANDS = 32
_ROWS = N_PERMUTATIONS // _BANDS
_MAX_LEADERS = 200

_MIN_DIGITS = 6
_RESERVED_PHONE = re.compile(r"(1?\d{3})?55501\d{2}")
_RESERVED_DOMAIN = re.compile(
    r"(^|[./@])(example\.(com|org|net|edu)|[\w-]+\.(example|invalid|test))([/:?#]|$)"
)


@dataclass(frozen=True)
class GroupSettings:
    """What links two ads.

    Near-duplicates have an estimated Jaccard similarity of at least `min_jaccard`. A contact that
    stands in more than `max_contact_ads` ads which share nothing else (a board's own hotline)
    links none. Contacts reserved for examples (+1 NXX 555 01XX, example.com) belong to nobody and
    link none unless `link_reserved`.
    """

    min_jaccard: float = 0.55
    max_contact_ads: int = 200
    link_reserved: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for split.json."""
        return asdict(self)


@dataclass(frozen=True)
class Grouping:
    """Group ids, each of length n_ads, and what the card tells about them."""

    group_ids: list[str]
    near_duplicate_ids: list[str]
    n_contact_keys: int
    n_contact_keys_over_cap: int


class UnionFind:
    """Disjoint sets over the numbers 0 to n - 1."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, item: int) -> int:
        """The item that stands for the set of `item`."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, a: int, b: int) -> None:
        """Join the sets of `a` and `b`; the smaller number stands for both."""
        low, high = sorted((self.find(a), self.find(b)))
        self._parent[high] = low

    def join_all(self, items: Sequence[int]) -> None:
        """Join the sets of all items."""
        for item in items[1:]:
            self.union(items[0], item)

    def copy(self) -> UnionFind:
        """An independent copy."""
        other = UnionFind(0)
        other._parent = self._parent.copy()
        return other


def group_ads(
    ids: Sequence[str],
    redacted_texts: Sequence[str],
    contact_keys: Sequence[Collection[bytes]],
    group_keys: Sequence[str | None],
    settings: GroupSettings | None = None,
) -> Grouping:
    """Group ads given as parallel columns of length n_ads.

    `contact_keys` are keyed hashes (see `contact_keys_of`). Pure: the same ads give the same
    groups in any order.
    """
    settings = settings or GroupSettings()
    sets = _near_duplicates(redacted_texts, settings.min_jaccard)
    near_duplicate_ids = _named(sets, ids)
    for members in _holders((key,) if key else () for key in group_keys).values():
        sets.join_all(members)
    holders = _holders(contact_keys)
    over_cap = _over_cap(holders, sets, settings.max_contact_ads)
    for key, members in holders.items():
        if key not in over_cap:
            sets.join_all(members)
    return Grouping(_named(sets, ids), near_duplicate_ids, len(holders), len(over_cap))


def near_duplicate_ids(
    ids: Sequence[str], texts: Sequence[str], settings: GroupSettings | None = None
) -> list[str]:
    """Component over near-duplicates alone of each raw text, named by its smallest id."""
    text_settings = TextSettings()
    redacted = [model_input(text, text_settings).text for text in texts]
    return _named(_near_duplicates(redacted, (settings or GroupSettings()).min_jaccard), ids)


def contact_keys_of(
    raw_text: str, key: ContactKey, settings: GroupSettings | None = None
) -> frozenset[bytes]:
    """Keyed hashes of the contacts in one raw ad; nothing of a contact leaves this function."""
    link_reserved = (settings or GroupSettings()).link_reserved
    return frozenset(
        key.digest(*_comparable(contact))
        for contact in find_contacts(clean(raw_text).text)
        if not _is_too_short(contact) and (link_reserved or not _is_reserved(contact))
    )


def _comparable(contact: Contact) -> tuple[str, str]:
    """Kind and value; one number may stand as a phone here and behind a messenger's name there."""
    if contact.value.isdigit():
        return "number", normalise_phone(contact.value)
    return contact.kind, contact.value


def _is_too_short(contact: Contact) -> bool:
    # Four digits are a door, a year or a price as often as a line of somebody's.
    return contact.value.isdigit() and len(contact.value) < _MIN_DIGITS


def _is_reserved(contact: Contact) -> bool:
    if contact.value.isdigit():
        return _RESERVED_PHONE.fullmatch(contact.value) is not None
    return _RESERVED_DOMAIN.search(contact.value.lower()) is not None


def _holders(keys: Iterable[Collection[Hashable]]) -> dict[Hashable, list[int]]:
    """Numbers of the ads that hold each key."""
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for ad, held in enumerate(keys):
        for key in held:
            holders[key].append(ad)
    return holders


def _over_cap(holders: dict[Hashable, list[int]], sets: UnionFind, cap: int) -> set[Hashable]:
    """Keys whose ads fall into more than `cap` sets, before any contact has linked any."""
    return {
        key
        for key, members in holders.items()
        if len(members) > cap and len({sets.find(ad) for ad in members}) > cap
    }


def _near_duplicates(texts: Sequence[str], min_jaccard: float) -> UnionFind:
    sets = UnionFind(len(texts))
    if not texts:
        return sets
    # Texts equal after masking share a signature: only one of them is compared with the rest.
    distinct, first, number = np.unique(
        min_hashes(texts), axis=0, return_index=True, return_inverse=True
    )
    for ad, row in enumerate(number.ravel()):
        sets.union(int(first[row]), ad)
    for band in range(_BANDS):
        columns = np.ascontiguousarray(distinct[:, band * _ROWS : (band + 1) * _ROWS])
        for rows in _equal_rows(columns):
            _join_bucket(sets, first[rows], distinct[rows], min_jaccard)
    return sets


def _equal_rows(columns: np.ndarray) -> list[np.ndarray]:
    """Row numbers of each set of at least two equal rows."""
    keys = columns.view([("", columns.dtype)] * columns.shape[1]).ravel()
    order = np.argsort(keys, kind="stable")
    boundaries = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
    return [rows for rows in np.split(order, boundaries) if len(rows) > 1]


def _join_bucket(
    sets: UnionFind, ads: np.ndarray, signatures: np.ndarray, min_jaccard: float
) -> None:
    """Join the near-duplicates among candidates that share a band.

    Every ad is compared with all later ones that are not in its set yet; in a bucket of more than
    `_MAX_LEADERS` ads only so many lead, since boilerplate shared by a whole board would cost the
    square of its size (31 other bands are left to find a missed pair).
    """
    for leader in range(min(len(ads) - 1, _MAX_LEADERS)):
        roots = np.array([sets.find(int(ad)) for ad in ads])
        if (roots == roots[0]).all():
            return
        later = np.flatnonzero(roots[leader:] != roots[leader]) + leader
        close = estimated_jaccard(signatures[leader], signatures[later]) >= min_jaccard
        for other in later[close]:
            sets.union(int(ads[leader]), int(ads[other]))


def _named(sets: UnionFind, ids: Sequence[str]) -> list[str]:
    """Each ad's set, named by the smallest id in it."""
    smallest: dict[int, str] = {}
    for ad, ad_id in enumerate(ids):
        root = sets.find(ad)
        smallest[root] = min(smallest.get(root, ad_id), ad_id)
    return [smallest[sets.find(ad)] for ad in range(len(ids))]
