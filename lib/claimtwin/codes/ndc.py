"""National Drug Codes as text: hyphenated, of 10, 11 or 12 digits, brought to the one form in which lists are compared.

That form has 11 digits (5-4-2). The 12 digits (6-4-2) that become the rule in 2033 are a longer labeler: those that
begin with a nought are the 11 digits after it, the others have no shorter form and stay.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

PARTS = (5, 4, 2)
LONG_PARTS = (6, 4, 2)
NDC_DIGITS, LONG_NDC_DIGITS = sum(PARTS), sum(LONG_PARTS)
SHORT_FORMS = ((4, 4, 2), (5, 3, 2), (5, 4, 1))
"""The three ways to cut ten digits; each lacks one digit of 5-4-2."""


@dataclass(frozen=True)
class Resolved:
    """What became of the bare ten digits of a feed: codes that one reading, several, or none of the list explains."""

    codes: dict[str, str]
    ambiguous: tuple[str, ...]
    unknown: tuple[str, ...]


def readings(text: str) -> tuple[str, ...]:
    """Every code in the one form that a text may mean; none where it is no NDC.

    One for a hyphenated code, 11 or 12 digits; three for ten bare digits, fewer where two readings agree.
    Source: 21 CFR 207.33 and the final rule of 2026 on the 12-digit format (6-4-2, effective 2033).
    """
    text = text.strip()
    if "-" in text:
        return _hyphenated(text.split("-"))
    if not re.fullmatch("[0-9]{10,12}", text):
        return ()
    if len(text) == 12:
        return (text.removeprefix("0") if text.startswith("0") else text,)
    if len(text) == 11:
        return (text,)
    return tuple(dict.fromkeys(_filled(_cut(text, form)) for form in SHORT_FORMS))


def resolve(texts: Iterable[str], known: Collection[str]) -> Resolved:
    """Bare ten-digit codes by the only reading that is on a list; what no reading or several explain is told apart.

    Args:
        texts: Codes of ten bare digits; others are passed over.
        known: Codes of a reference list, in the one form.
    """
    codes: dict[str, str] = {}
    ambiguous: list[str] = []
    unknown: list[str] = []
    for text in sorted({text for text in texts if re.fullmatch("[0-9]{10}", text)}):
        found = [code for code in readings(text) if code in known]
        if len(found) == 1:
            codes[text] = found[0]
        else:
            (ambiguous if found else unknown).append(text)
    return Resolved(codes, tuple(ambiguous), tuple(unknown))


def cut_code(code: str, digits: int | None) -> str:
    """The first ``digits`` of a code of eleven; empty for any other code, whose parts lie elsewhere, and for null."""
    return code[:digits] if digits is not None and len(code) == NDC_DIGITS else ""


def _hyphenated(parts: list[str]) -> tuple[str, ...]:
    sizes = tuple(len(part) for part in parts)
    if not all(re.fullmatch("[0-9]+", part) for part in parts):
        return ()
    if sizes in (PARTS, *SHORT_FORMS):
        return (_filled(parts),)
    return readings("".join(parts)) if sizes == LONG_PARTS else ()


def _cut(text: str, form: tuple[int, ...]) -> list[str]:
    first, second, _ = form
    return [text[:first], text[first : first + second], text[first + second :]]


def _filled(parts: list[str]) -> str:
    return "".join(part.zfill(width) for part, width in zip(parts, PARTS, strict=True))
