"""Words for who was matched: pairs, or where a treated may have several twins, treated with their twins."""

from claimtwin.report.words import Results, Row, count

WEIGHED = "The twins of one treated share the weight of one; percentages and means of the comparators are weighted so."


def is_of_sets(results: Results) -> bool:
    """Whether a treated might have several twins."""
    return bool(results["matching"].get("ratio", 1) > 1)


def unit(results: Results) -> str:
    """What a match is made of, in the plural."""
    return "sets" if is_of_sets(results) else "pairs"


def matched_words(results: Results) -> str:
    """How many were matched: ``2,000 matched pairs``, or ``2,000 matched treated with 5,400 twins``."""
    match = results["matching"]
    if not is_of_sets(results):
        return "matched pairs" if match["pairs"] is None else f"{count(match['pairs'])} matched pairs"
    if match["pairs"] is None:
        return "matched treated with their twins"
    twins = "their twins" if match["twins"] is None else f"{count(match['twins'])} twins"
    return f"{count(match['pairs'])} matched treated with {twins}"


def among_words(results: Results) -> str:
    """The same after "Among"."""
    return matched_words(results) if results["matching"]["pairs"] is not None else f"the {matched_words(results)}"


def twins_of(match: Row) -> int | None:
    """Matched comparators; None where withheld."""
    twins: int | None = match.get("twins", match["pairs"])
    return twins


def ratio_words(match: Row) -> str:
    """How many twins a treated may have, for the sentence on the match: ``one comparator``, ``up to 3 comparators``."""
    ratio, floor = match.get("ratio", 1), match.get("floor", 1)
    if ratio == 1:
        return "one comparator"
    fewest = f" (who found fewer than {floor} has none)" if floor > 1 else ""
    return f"up to {ratio} comparators{fewest}, everybody's first before anybody's second"
