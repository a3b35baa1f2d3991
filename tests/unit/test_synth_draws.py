"""Draws against a slow re-telling in plain Python, and members that do not depend on who else is drawn."""

from hashlib import blake2b

import numpy as np
import pytest
from claimtwin.errors import ConfigError
from claimtwin.synth.draws import Draws, negative_binomial
from claimtwin.synth.feed import generate
from claimtwin.synth.spec import checked_spec

ALL = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15


def mix(state: int) -> int:
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & ALL
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & ALL
    return state ^ (state >> 31)


def slow_bits(seed: int, name: str, key: int, k: int) -> int:
    digest = blake2b(name.encode(), key=str(seed).encode(), digest_size=8).digest()
    code = int.from_bytes(digest, "little")
    return mix((mix((code + GAMMA * key) & ALL) + GAMMA * (k + 1)) & ALL)


@pytest.mark.parametrize("seed", [0, 7, 2**62])
def test_draws_equal_the_slow_telling(seed):
    keys, numbers = [0, 1, 19_999, 10**9], [0, 3]
    for name in ("age", "more fills"):
        fast = Draws(seed).bits(name, np.array(keys)[:, None], np.array(numbers))
        assert fast.tolist() == [[slow_bits(seed, name, key, k) for k in numbers] for key in keys]


def test_pinned_draws():
    """Worked out with the slow telling above, so that a change of both would be seen."""
    assert Draws(7).bits("age", [0, 1]).tolist() == [slow_bits(7, "age", 0, 0), slow_bits(7, "age", 1, 0)]
    assert [f"{slow_bits(7, 'age', key, 0):016x}" for key in (0, 1)] == PINNED


PINNED = ["7a9f567a8294b201", "4497aad6837aad18"]


def test_uniform_draws_are_uniform():
    drawn = Draws(1).uniform("any", np.arange(200_000))
    assert 0 <= drawn.min() and drawn.max() < 1
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert np.abs(counts - 10_000).max() < 5 * 100


def test_the_negative_binomial_has_its_mean_and_variance():
    chances = negative_binomial(0.64, 3.75, 400)
    counts = np.arange(401)
    mean = float(counts @ chances)
    assert mean == pytest.approx(0.64, abs=1e-6)
    assert float(counts**2 @ chances) - mean**2 == pytest.approx(0.64 + 3.75 * 0.64**2, rel=1e-4)


def test_a_member_is_the_same_whoever_else_is_drawn():
    small, large = checked_spec({"members": 700}), checked_spec({"members": 10**6})
    whole = generate(small, 0, 700)
    for name, table in whole.items():
        parts = [generate(large, *stretch)[name] for stretch in ((0, 1), (1, 250), (250, 700))]
        assert [row for part in parts for row in part.to_pylist()] == table.to_pylist(), name


def test_another_seed_gives_other_members():
    tables = [generate(checked_spec({"members": 50, "seed": seed}), 0, 50)["eligibility"] for seed in (1, 2)]
    assert tables[0] != tables[1]


@pytest.mark.parametrize("values", [{"pool": 1.5}, {"dirt": {"bad_ndc": -0.1}}, {"members": 0}, {"memberz": 5}])
def test_an_impossible_population_is_refused_by_name(values):
    with pytest.raises(ConfigError, match=f"synth: {next(iter(values))}"):
        checked_spec(values)


def test_pinned_members():
    """What members 0 to 39 of seed 7 are, as text: a change of any draw must be meant, and be told in the changelog."""
    feed = generate(checked_spec({"members": 40}), 0, 40)
    told = {name: table.drop_columns(list(UNKNOWN & set(table.column_names))) for name, table in feed.items()}
    found = {name: blake2b(str(told[name].to_pylist()).encode(), digest_size=8).hexdigest() for name in told}
    assert found == PINNED_MEMBERS


UNKNOWN = {"death_date", "service_unit_quantity"}
"""Columns of the contract that made-up claims do not tell."""
PINNED_MEMBERS = {
    "eligibility": "abeec56c3277a2c9",
    "medical_claim": "5b676a933b8b6b23",
    "pharmacy_claim": "5ef729219ff292c8",
    "program_enrollment": "e24a0c9c1de20880",
}
