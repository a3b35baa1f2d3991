"""How the codes of a feed meet the lists of a study: rules that nothing meets, and codes that almost do.

Counts are of lines and never of people; a code is not a person.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from claimtwin.codes.rules import Range, longest_fitting

LABELER_AND_PRODUCT = 9


@dataclass(frozen=True)
class ListUsage:
    """One list against the codes of a feed.

    Attributes:
        name: The list, with its group where it has some.
        rules: Number of its rules or codes.
        hits: Lines whose code it holds.
        idle: Rules that no code meets, as written.
        near: Lines by code that almost meets it, the commonest first.
    """

    name: str
    rules: int
    hits: int
    idle: tuple[str, ...]
    near: tuple[tuple[str, int], ...]


def usage_of_rules(name: str, rules: Sequence[Range], counts: Mapping[str, int], *, whole: bool) -> ListUsage:
    """A list of prefixes (``whole`` false) or whole codes; near is a code one character short of a rule, or longer.

    Args:
        name: Name of the list.
        rules: Its rules.
        counts: Lines by code, upper case and without dots.
        whole: Whether a code must be met whole, as procedures are.
    """
    codes = sorted(counts)
    rule_of = longest_fitting(codes, rules, whole=whole).tolist() if codes and rules else [-1] * len(codes)
    met = {k for k in range(len(rules)) if any(_fits(code, rules[k], whole=whole) for code in codes)}
    near = [code for code, rule in zip(codes, rule_of, strict=True) if rule < 0 and _is_near(code, rules, whole=whole)]
    return ListUsage(
        name,
        len(rules),
        sum(counts[code] for code, rule in zip(codes, rule_of, strict=True) if rule >= 0),
        tuple(_written(rule) for k, rule in enumerate(rules) if k not in met),
        _commonest((code, counts[code]) for code in near),
    )


def usage_of_drugs(name: str, listed: Iterable[str], counts: Mapping[str, int]) -> ListUsage:
    """A list of whole NDCs; near is another package of a listed product (the first nine digits agree)."""
    codes = frozenset(listed)
    products = {code[:LABELER_AND_PRODUCT] for code in codes}
    near = [code for code in counts if code not in codes and code[:LABELER_AND_PRODUCT] in products]
    return ListUsage(
        name,
        len(codes),
        sum(rows for code, rows in counts.items() if code in codes),
        tuple(sorted(codes - set(counts))),
        _commonest((code, counts[code]) for code in near),
    )


def _fits(code: str, rule: Range, *, whole: bool) -> bool:
    size = len(rule.low)
    return (len(code) == size if whole else len(code) >= size) and rule.low <= code[:size] <= rule.high


def _is_near(code: str, rules: Sequence[Range], *, whole: bool) -> bool:
    """Shorter by one character than a rule whose start it is, or with a character more than a whole code."""
    for rule in rules:
        size = len(rule.low)
        if len(code) == size - 1 and code in (rule.low[:-1], rule.high[:-1]):
            return True
        if whole and len(code) == size + 1 and rule.low <= code[:size] <= rule.high:
            return True
    return False


def _written(rule: Range) -> str:
    return rule.low if rule.low == rule.high else f"{rule.low}-{rule.high}"


def _commonest(rows: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(dict(rows)).items(), key=lambda item: (-item[1], item[0])))
