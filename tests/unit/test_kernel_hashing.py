"""Tie keys are the same everywhere, and follow the published hash."""

import hashlib

import numpy as np
from claimtwin.kernel.hashing import tie_key

PEOPLE = ["P1", "p1", "", "Zoë-7", "123456789012"]


def by_definition(seed, person):
    digest = hashlib.blake2b(person.encode("utf-8"), key=str(seed).encode("ascii"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % 2**63


def test_keys_are_the_published_hash_without_its_sign():
    assert tie_key(20230727, PEOPLE).tolist() == [by_definition(20230727, person) for person in PEOPLE]


def test_a_known_person_has_a_known_key():
    assert tie_key(20230727, ["P1", "P2"]).tolist() == [913_050_479_905_914_850, 7_509_390_478_754_742_811]


def test_another_seed_gives_other_keys():
    assert not np.any(tie_key(1, PEOPLE) == tie_key(2, PEOPLE))


def test_keys_differ_between_people_and_are_never_negative():
    keys = tie_key(-3, [f"person {k}" for k in range(20_000)])
    assert len(np.unique(keys)) == 20_000
    assert keys.min() >= 0
    assert keys.max() > 2**62


def test_nobody_has_no_key():
    assert tie_key(1, []).tolist() == []
