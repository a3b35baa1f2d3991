"""Completion factors, employers that stand out, and the page of data fitness."""

from random import Random

import pytest
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.report.fitness import Check, lines, month_name, names, page, share
from claimtwin.stats.fitness import standing_out
from claimtwin.stats.months import completeness, volumes
from claimtwin.study.fitness_months import judge_months

JANUARY = 12 * 2020


def paid_by_pattern(months, pattern, last):
    """Each month's 1,000 lines paid by the pattern of lags, seen up to the last paid month."""
    return {
        (month, month + lag): int(1000 * part)
        for month in range(JANUARY, JANUARY + months)
        for lag, part in enumerate(pattern)
        if month + lag <= last
    }


def test_completeness_is_the_share_of_the_payment_pattern_that_has_been_lived_through():
    pattern, last = (0.5, 0.3, 0.15, 0.05), JANUARY + 11
    found = completeness(paid_by_pattern(12, pattern, last))
    assert found.months == tuple(range(JANUARY, JANUARY + 12))
    assert found.share[-4:] == pytest.approx((1, 0.95, 0.8, 0.5))
    assert found.share[:8] == pytest.approx((1,) * 8)
    assert found.through == JANUARY + 9
    assert completeness(paid_by_pattern(12, pattern, last), least=0.96).through == JANUARY + 8


def test_one_late_month_ends_what_is_proposed_and_early_payment_is_lag_nought():
    lines_paid = paid_by_pattern(12, (0.5, 0.5), JANUARY + 12)
    lines_paid[JANUARY + 3, JANUARY + 2] = 7
    found = completeness(lines_paid)
    assert found.share == pytest.approx((1,) * 12)
    assert found.through == JANUARY + 11


def test_nothing_paid_tells_nothing():
    assert completeness({}).through is None
    assert completeness({}).months == () == volumes({}).months


def feed(months=36, size=1000, pattern=(0.5, 0.3, 0.15, 0.05)):
    """Three years of service, paid by a pattern, seen as of the last service month."""
    last = JANUARY + months - 1
    return {
        (month, month + lag): round(size * part)
        for month in range(JANUARY, JANUARY + months)
        for lag, part in enumerate(pattern)
        if month + lag <= last
    }


def test_a_whole_feed_has_no_month_to_look_at():
    found = completeness(feed())
    assert (found.empty, found.thin, found.unpaid, found.outside) == ((), (), (), 0)
    assert (found.months[0], found.through, found.last) == (JANUARY, JANUARY + 33, JANUARY + 35)
    assert found.lines[:2] == (1000, 1000) and sum(found.lines) == sum(feed().values())


def test_a_month_of_service_that_is_gone_or_thin_is_named_and_ends_what_is_complete():
    gone = {key: n for key, n in feed().items() if key[0] != JANUARY + 14}
    found = completeness(gone)
    assert (found.empty, found.thin, found.through) == ((JANUARY + 14,), (), JANUARY + 13)
    assert len(found.months) == 36 and found.lines[14] == 0
    tenth = {key: n // 10 if key[0] == JANUARY + 14 else n for key, n in feed().items()}
    found = completeness(tenth)
    assert (found.empty, found.thin, found.through) == ((), (JANUARY + 14,), JANUARY + 13)
    assert completeness({key: n // 2 + 60 if key[0] == JANUARY + 14 else n for key, n in feed().items()}).thin == ()


@pytest.mark.parametrize("month", [3, 14, 34])
def test_a_month_of_payment_that_is_gone_is_named_and_nothing_is_proposed(month):
    found = completeness({key: n for key, n in feed().items() if key[1] != JANUARY + month})
    assert found.unpaid == (JANUARY + month,)
    assert found.through is None


def test_a_last_month_of_payment_that_has_not_ended_is_left_out():
    last = JANUARY + 35
    cut = {key: n // 10 if key[1] == last else n for key, n in feed().items()}
    found = completeness(cut)
    assert (found.last, found.unpaid, found.through) == (last - 1, (), last - 3)
    assert found.outside == sum(n for key, n in cut.items() if key[1] == last) == 100
    assert found.share == pytest.approx(completeness(feed(months=35)).share)


def test_stray_months_before_after_and_ahead_are_no_months_of_the_feed():
    strays = {(JANUARY - 80, JANUARY - 79): 3, (JANUARY + 900, JANUARY + 5): 2, (JANUARY + 2, JANUARY + 900): 4}
    found, whole = completeness(feed() | strays), completeness(feed())
    assert (found.months, found.through, found.outside) == (whole.months, whole.through, 9)
    assert found.share == whole.share


def test_a_feed_chosen_by_payment_begins_where_its_months_are_whole():
    """Its first months of service hold only what was paid late."""
    old = {(JANUARY - lag, JANUARY): n for lag, n in ((1, 300), (2, 150), (3, 50))}
    found = completeness(feed() | old)
    assert (found.months[0], found.outside, found.through) == (JANUARY, 500, JANUARY + 33)


def test_payments_may_begin_slowly_and_small_feeds_are_not_judged():
    late = completeness(feed(pattern=(0.02, 0.08, 0.4, 0.3, 0.2)))
    assert (late.unpaid, late.thin, late.empty, late.months[0]) == ((), (), (), JANUARY)
    few = {(JANUARY + k, JANUARY + k): 1 + k % 3 * 9 for k in range(24)}
    assert completeness(few).thin == () == completeness(few).unpaid


@pytest.mark.parametrize("seed", range(10))
def test_months_grow_and_differ_without_being_named(seed):
    dice = Random(seed)
    sizes = [300 * 1.04**k * dice.uniform(0.8, 1.25) for k in range(36)]
    lines_paid = {key: round(n * sizes[key[0] - JANUARY] / 1000) for key, n in feed().items()}
    found = completeness(lines_paid)
    assert (found.empty, found.thin, found.unpaid) == ((), (), ())
    assert found.share == pytest.approx(shares_by_hand(lines_paid), abs=1e-12)
    gone = completeness({key: n for key, n in lines_paid.items() if key[0] != JANUARY + 7 + seed})
    assert gone.empty == (JANUARY + 7 + seed,) and gone.through == JANUARY + 6 + seed


def shares_by_hand(lines_paid):
    """One month after the other: what its lines will have grown to, step by step, by the months older than it."""
    first, last = min(key[0] for key in lines_paid), max(key[1] for key in lines_paid)
    paid = {
        (month, lag): sum(lines_paid.get((month, month + k), 0) for k in range(lag + 1))
        for month in range(first, last + 1)
        for lag in range(25)
    }
    shares = []
    for month in range(first, last + 1):
        grown = 1.0
        for lag in range(last - month, 24):
            old = range(first, last - lag)
            if before := sum(paid[one, lag] for one in old):
                grown *= sum(paid[one, lag + 1] for one in old) / before
        shares.append(1 / grown)
    return shares


def test_without_payment_dates_months_are_still_named():
    months = {JANUARY + k: 1000 for k in range(24) if k != 9} | {JANUARY + 24: 40, JANUARY + 5: 100}
    found = volumes(months)
    assert (found.empty, found.thin, found.share, found.through) == ((JANUARY + 9,), (JANUARY + 5,), (), None)
    assert (found.months[-1], found.outside) == (JANUARY + 23, 40)


def rows_of(table, lines_paid):
    return [{"table": table, "service": s, "paid": p, "lines": n} for (s, p), n in lines_paid.items()]


def said_of(*rows):
    judged = judge_months([row for some in rows for row in some], 11)
    return {check.name: check for check in judged.checks}, judged.sections


def test_the_end_of_the_data_is_that_of_the_table_that_ends_first():
    late = feed(pattern=(0.1, 0.2, 0.3, 0.2, 0.2))
    told, sections = said_of(rows_of("medical_claim", late), rows_of("pharmacy_claim", feed()))
    assert told["medical_claim: complete through"].found == "the end of 2022-08"
    assert told["pharmacy_claim: complete through"].found == "the end of 2022-10"
    assert told["proposed ingest.data_through"] == Check("proposed ingest.data_through", "the end of 2022-08")
    assert [section.split("\n")[0] for section in sections] == [
        "## medical_claim by month of service", "## pharmacy_claim by month of service",
    ]  # fmt: skip


@pytest.mark.parametrize("medical", [
    {(month, None): n for (month, _), n in feed().items()},
    {key: n for key, n in feed().items() if key[1] != JANUARY + 9},
    feed() | {(month, None): 200 for month in range(JANUARY, JANUARY + 30)},
])  # fmt: skip
def test_a_table_that_cannot_be_told_withholds_the_end_of_the_data(medical):
    told, sections = said_of(rows_of("medical_claim", medical), rows_of("pharmacy_claim", feed()))
    assert told["proposed ingest.data_through"].found == "withheld: of medical_claim it cannot be told"
    assert told["proposed ingest.data_through"].look and len(sections) == 2


def test_a_feed_of_one_table_is_judged_by_it_and_none_by_nothing():
    told, _ = said_of(rows_of("pharmacy_claim", feed()))
    assert told["medical_claim: months"].found == "no lines"
    assert told["proposed ingest.data_through"].found == "the end of 2022-10"
    assert said_of()[0]["proposed ingest.data_through"].found == "withheld: no claims"


def test_the_triangle_shows_lines_by_lag_and_no_small_count():
    months = {key: n for key, n in feed(months=15, size=100).items() if key[0] != JANUARY + 4}
    (section,) = said_of(rows_of("pharmacy_claim", months))[1]
    rows = [line.split("|")[1:-1] for line in section.split("\n") if line.startswith("| 20")]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    assert cells["2020-05"] == ["0", "100 %", *["0"] * 11, "", "", "no lines"]
    assert cells["2020-01"] == ["100", "100 %", "50", "30", "withheld", "withheld", *["0"] * 9, ""]
    assert cells["2021-03"] == ["50", "50 %", "50", *[""] * 12, ""]


def by_hand(rates):
    """Distance to the median in robust standard deviations, with sorted lists."""

    def middle(values):
        ordered = sorted(values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    centre = middle(rates.values())
    spread = 1.4826 * middle([abs(rate - centre) for rate in rates.values()])
    return tuple(sorted(name for name, rate in rates.items() if abs(rate - centre) > 3.5 * spread))


@pytest.mark.parametrize("seed", range(20))
def test_employers_stand_out_as_worked_out_by_hand(seed):
    dice = Random(seed)
    rates = {f"e{k}": dice.choice([3.0, dice.gauss(3, 0.3), dice.gauss(3, 0.3), 0.0, 9.0]) for k in range(5 + seed)}
    assert standing_out(rates) == by_hand(rates)


def test_few_employers_tell_nothing():
    assert standing_out({"a": 1, "b": 1, "c": 1, "d": 99}) == ()
    assert standing_out({"a": 1, "b": 1, "c": 1, "d": 99, "e": 1}) == ("d",)


def test_the_page_counts_what_asks_for_a_look():
    checks = [share("births", 2, 100), share("fills", 0, 100), share("few", None, 100), Check("list", "nothing", True)]
    text = page(checks)
    assert "4 checks, 2 to look at." in text
    assert "| births | 2 of 100 (2.00 %) | look |" in text
    assert "| few | withheld: small cell, of 100 |  |" in text
    assert lines(checks)[1] == "  fills: 0 of 100 (0.00 %)"
    assert month_name(JANUARY + 11) == "2020-12"
    assert names([f"e{k}" for k in range(12)]).endswith("e9 and 2 more")


def test_a_follow_up_that_has_not_run_out_is_refused():
    end = "env.ingest.data_through=2021-10-31"
    load_configuration("jpr_s412081", "local", [end])
    with pytest.raises(ConfigError, match="ends 30 days after it"):
        load_configuration("jpr_s412081", "local", [end, "env.ingest.run_out_days=30"])
