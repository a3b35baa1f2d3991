"""Code groups as whole numbers, so that kernels can sort them: kind, coding system and the group's characters.

A diagnosis group is the first three characters of a code, a procedure group the whole HCPCS code, a drug group the
first nine digits of an NDC of eleven (labeler and product). Numbers of different kinds never meet. An NDC of twelve
digits has no group: its labeler is longer, and nine of its digits would be another product's.
"""

from collections.abc import Sequence

import numpy as np

from claimtwin.codes.ndc import LONG_NDC_DIGITS
from claimtwin.kernel.columns import Index

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KINDS = ("diagnosis", "diagnosis_icd9", "procedure", "drug")
SIZES = (3, 3, 5, 9)
"""Characters of a group of each kind."""
KIND_AT = 48
NO_GROUP = -1


def group_numbers(codes: Sequence[str | None], kind: str) -> Index:
    """Number of each code's group; ``NO_GROUP`` for null and for a code that is too short or holds other characters."""
    place = KINDS.index(kind)
    return np.array([_number((code or "").upper().replace(".", ""), place) for code in codes], np.int64)


def group_of(number: int) -> tuple[str, str]:
    """Kind and characters of a group, from its number."""
    place, rest = number >> KIND_AT, number & (1 << KIND_AT) - 1
    text = ""
    for _ in range(SIZES[place]):
        rest, letter = divmod(rest, len(LETTERS))
        text = LETTERS[letter] + text
    return KINDS[place], text


def _number(code: str, place: int) -> int:
    head, total = code[: SIZES[place]], 0
    if len(head) < SIZES[place] or (KINDS[place] == "drug" and len(code) == LONG_NDC_DIGITS):
        return NO_GROUP
    for letter in head:
        digit = LETTERS.find(letter)
        if digit < 0:
            return NO_GROUP
        total = total * len(LETTERS) + digit
    return (place << KIND_AT) + total
