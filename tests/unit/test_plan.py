"""The plan of a match: sizes of blocks, what is withheld, what is warned of."""

import re

from claimtwin.study.plan import MOST_LINES, BlockSize, describe_blocks


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_blocks_are_shown_with_what_can_be_paired_most_treated_first() -> None:
    lines = describe_blocks([BlockSize("hip", 20, 300), BlockSize("back", 500, 1200)], 11)
    assert cells(lines[0])[:3] == ["block", "treated", "comparators"]
    assert cells(lines[1]) == ["back", "500", "1,200", "500", "600,000"]
    assert cells(lines[2]) == ["hip", "20", "300", "20", "6,000"]
    assert cells(lines[3]) == ["all", "520", "1,500"]
    assert len(lines) == 4


def test_a_small_cell_is_hidden_with_what_would_give_it_away() -> None:
    blocks = [BlockSize("a", 500, 1000), BlockSize("b", 30, 900), BlockSize("c", 4, 800)]
    lines = describe_blocks(blocks, 11)
    assert cells(lines[1]) == ["a", "500", "1,000", "500", "500,000"]
    assert cells(lines[2]) == ["b", "few", "900", "few", "few"]
    assert cells(lines[3]) == ["c", "few", "800", "few", "few"]
    assert cells(lines[4]) == ["all", "534", "2,700"]


def test_a_sum_that_tells_that_the_hidden_are_few_is_hidden_too() -> None:
    blocks = [BlockSize("a", 500, 1000), BlockSize("b", 2, 900), BlockSize("c", 1, 800)]
    assert cells(describe_blocks(blocks, 11)[4]) == ["all", "few", "2,700"]
    assert cells(describe_blocks(blocks, 1)[4]) == ["all", "503", "2,700"]


def test_blocks_without_comparators_and_scarce_ones_are_warned_of() -> None:
    blocks = [BlockSize("a", 50, 0), BlockSize("b", 60, 20), BlockSize("c", 70, 800), BlockSize("d", 0, 90)]
    assert [line for line in describe_blocks(blocks, 11) if line.startswith("warning")] == [
        "warning: blocks without comparators, whose treated can have no twin: 1",
        "warning: blocks with fewer comparators than treated: 1",
    ]
    assert not any("warning" in line for line in describe_blocks(blocks[2:], 11))


def test_of_many_blocks_the_largest_are_shown_and_the_rest_counted() -> None:
    blocks = [BlockSize(f"b{k}", 100 + k, 100) for k in range(MOST_LINES + 5)]
    lines = describe_blocks(blocks, 11)
    assert cells(lines[1])[0] == f"b{MOST_LINES + 4}"
    assert "... and 5 blocks with fewer treated" in lines
    assert cells(lines[MOST_LINES + 2])[0] == "all"
