"""Words for a landmark, for a moved index, and for events that do not count about another event."""

from claimtwin.report.words import Results, Row

NAMED = (("drug", "dispensing of the list"), ("care", "day with care of"), ("procedures", "day with a service of"),
         ("diagnosis", "day with a diagnosis of"))  # fmt: skip


def landmark_of(results: Results) -> int:
    """Day after which follow-up begins; -1 without a landmark, when windows tell it themselves."""
    rule = results.get("protocol", {}).get("landmark") or {}
    return int(rule.get("days", -1))


def moved_words(protocol: Row) -> list[str]:
    """One sentence on a moved index and one on a landmark, where there are any."""
    told = []
    if rule := protocol.get("placebo"):
        told.append(
            f"This is a placebo study: every index was moved {rule['days_earlier']} days earlier, before the care that "
            "is studied, where no effect can be. An effect that is found is error."
        )
    if rule := protocol.get("landmark"):
        told.append(
            f"Follow-up begins the day after a landmark on day {rule['days']}; people whose cover had ended, or who "
            "had had the outcome by then, are left out."
        )
    return told


def around_words(rule: Row) -> str:
    """What does not count, after the window of an outcome; empty where all does."""
    asked = rule.get("except_around")
    if not asked:
        return ""
    key, what = next((key, what) for key, what in NAMED if asked.get(key))
    codes = asked[key] if isinstance(asked[key], str) else ", ".join(asked[key])
    first, last = asked["window"]
    when = f"{-first} days before to {last} days after" if first < 0 else f"{first} to {last} days after"
    return f", except {when} a {what} “{codes}”"
