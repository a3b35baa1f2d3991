"""What the tasks of a cluster do to packed pieces, without a cluster: any pieces and any cuts give one answer."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from claimtwin.kernel.matching import Rules
from claimtwin.spark import ranges
from claimtwin.spark.packing import Places, _cut, pack_batches
from claimtwin.spark.pairing import PLAIN, _match_place
from claimtwin.study.match_stage import quantiles


def people(dice, n) -> pa.Table:
    """Candidates of three blocks; scores are often equal, tie keys now and then."""
    return pa.table({
        "person_id": [f"p{k}" for k in dice.permutation(n)], "treated": dice.random(n) < 0.4,
        "block": dice.choice(["a", "b", "c"], n, p=[0.8, 0.15, 0.05]).tolist(),
        "tie_key": dice.integers(0, dice.choice([20, 10**9]), n), "logit": np.round(dice.normal(0, 1, n), 2),
    })  # fmt: skip


def packed(rows: pa.Table, size: int) -> pa.Table:
    """Pieces of as many tasks as it takes at so many rows each."""
    tasks = [rows.slice(k, size).to_batches() for k in range(0, rows.num_rows, size)]
    return pa.Table.from_batches([piece for task in tasks for piece in pack_batches((), iter(task))])


def matched_in_ranges(pieces: pa.Table, rules: Rules, cuts: list[float]) -> list[dict[str, object]]:
    """Rows of one block that is cut, as both passes make them."""
    placed = pa.Table.from_batches(list(_cut(Places(cuts={"a": cuts}), iter(pieces.to_batches()))))
    parts = sorted(set(placed["part"].to_pylist()))
    swept = [ranges._sweep(rules, part, placed.filter(pc.equal(placed["part"], part))) for part in parts]
    in_order = pa.concat_tables(swept).sort_by("step").combine_chunks()
    rows = ranges._put_right(rules, frozenset(), iter(in_order.to_batches(max_chunksize=2)))
    return [row for batch in rows for row in batch.to_pylist()]


def in_order(rows: list[dict[str, object]]) -> list[str]:
    return sorted(str({name: value for name, value in row.items() if name != "envious"}) for row in rows)


@pytest.mark.parametrize("order", ["largest", "smallest"])
def test_any_pieces_and_any_cuts_give_the_rows_of_one_task(order, monkeypatch):
    cut_in_fact = 0
    for seed in range(40):
        dice = np.random.default_rng(seed)
        monkeypatch.setattr(ranges, "PART", int(dice.integers(5, 60)))
        rows, rules = people(dice, int(dice.integers(1, 300))), Rules(order=order, caliper=0.1)
        whole = _match_place(rules, PLAIN, 0, packed(rows, rows.num_rows)).to_pylist()
        pieces = packed(rows.take(pa.array(dice.permutation(rows.num_rows))), int(dice.integers(1, 200)))
        is_cut = pc.equal(pieces["block"], "a")
        cuts = sorted(dice.normal(0, 1, 3).tolist())
        found = matched_in_ranges(pieces.filter(is_cut), rules, cuts) if pc.any(is_cut).as_py() else []
        rest = pieces.filter(pc.invert(is_cut))
        others = _match_place(rules, PLAIN, 0, rest).to_pylist() if rest.num_rows else []
        assert in_order([*found, *others]) == in_order(whole)
        assert {row["envious"] for row in [*found, *others, *whole]} <= {0, None}
        cut_in_fact += len(found) > 50
    assert cut_in_fact > 10


def test_what_the_certificate_counts_in_a_range_is_told_once(monkeypatch):
    """Every step that decides somebody is made to count one, in both passes."""
    rows = people(np.random.default_rng(1), 200)
    pieces = packed(rows.filter(pc.equal(rows["block"], "a")), 200)
    counted = []

    def one(step, people, rules):
        counted.append(int(len(step.treated) > 0))
        return counted[-1]

    monkeypatch.setattr(ranges, "count_envious_in_step", one)
    told = [row["envious"] for row in matched_in_ranges(pieces, Rules(caliper=0.1), [0.0])]
    assert sum(counted) >= 3 and told.count(None) > 20
    assert sum(filter(None, told)) == sum(counted)


def test_cuts_divide_people_evenly_by_the_marks_of_their_pieces():
    dice = np.random.default_rng(3)
    rows = people(dice, 20_000)
    pieces = [row for row in packed(rows, 3_000).select(["block", "n", "marks"]).to_pylist() if row["block"] == "a"]
    cuts = quantiles(pieces, 8)
    logit = rows.filter(pc.equal(rows["block"], "a"))["logit"].to_numpy()
    sizes = np.diff([0, *np.searchsorted(np.sort(logit), cuts), len(logit)])
    assert len(sizes) == 8 and sizes.min() > len(logit) / 8 * 0.85 and sizes.max() < len(logit) / 8 * 1.15
