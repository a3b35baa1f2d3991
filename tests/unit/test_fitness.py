"""Completion factors, employers that stand out, and the page of data fitness."""

from random import Random

import pytest
from claimtwin.config.load import load_configuration
from claimtwin.errors import ConfigError
from claimtwin.report.fitness import Check, lines, month_name, names, page, share
from claimtwin.stats.fitness import completeness, standing_out

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
