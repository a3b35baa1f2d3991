"""Raw text to typed columns, with ``try_`` functions only: what cannot be read becomes null, and no value is told.

Every function takes text that ``clean`` has trimmed and returns a column of the contract's type.
"""

from collections.abc import Callable, Sequence

from pyspark.sql import Column as Cell
from pyspark.sql import functions as F
from pyspark.sql import types as T

from claimtwin.schema.tables import Column

ISO = "yyyy-MM-dd"
YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")
WHOLE = r"^[+-]?[0-9]+(\.0*)?$"
NDC_FORMS = ((r"^[0-9]{5}-[0-9]{4}-[0-9]{2}$", 0), (r"^[0-9]{4}-[0-9]{4}-[0-9]{2}$", 0),
             (r"^[0-9]{5}-[0-9]{3}-[0-9]{2}$", 5), (r"^[0-9]{5}-[0-9]{4}-[0-9]$", 9))  # fmt: skip
"""Hyphenated forms of eleven digits, and the place among the digits where a missing zero belongs."""

_WHOLE_TYPES = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_DAY_TYPES = (T.DateType, T.TimestampType, T.TimestampNTZType)
_NUMBER_TYPES = (*_WHOLE_TYPES, T.DecimalType, T.FloatType, T.DoubleType)
_ALSO: dict[str, tuple[type[T.DataType], ...]] = {
    "text": _WHOLE_TYPES,
    "code": _WHOLE_TYPES,
    "icd": (),
    "ndc": (),
    "choice": (),
    "state": (),
    "boolean": (T.BooleanType, *_WHOLE_TYPES),
    "integer": _NUMBER_TYPES,
    "decimal": _NUMBER_TYPES,
    "date": (*_DAY_TYPES, *_WHOLE_TYPES),
}


def fits(column: Column, found: T.DataType) -> bool:
    """Whether a feed's type can hold this column: text always, and what loses nothing on the way to text."""
    return isinstance(found, (T.StringType, T.NullType, *_ALSO[column.form]))


def clean(cell: Cell, found: T.DataType) -> Cell:
    """Text without blanks around it; empty becomes null; a day of any type becomes ISO text."""
    text = cell.cast("date").cast("string") if isinstance(found, _DAY_TYPES) else cell.cast("string")
    return F.nullif(F.trim(text), F.lit(""))


def parse(column: Column, text: Cell, date_format: str, states: Sequence[str]) -> Cell:
    """The typed value of one column, null where the text cannot be read or is not one of the known words."""
    upper, low = F.upper(text), F.lower(text)
    readers: dict[str, Callable[[], Cell]] = {
        "text": lambda: text,
        "code": lambda: _code(upper, column.width),
        "icd": lambda: F.nullif(F.regexp_replace(upper, r"[.\s]", ""), F.lit("")),
        "ndc": lambda: ndc(text),
        "choice": lambda: choice(low, column.choices),
        "state": lambda: F.when(upper.isin(list(states)), upper),
        "boolean": lambda: F.when(low.isin(*YES), F.lit(True)).when(low.isin(*NO), F.lit(False)),
        "integer": lambda: F.when(text.rlike(WHOLE), F.split_part(text, F.lit("."), F.lit(1))).try_cast("int"),
        "decimal": lambda: text.try_cast(column.type),
        "date": lambda: F.try_to_date(text, date_format),
    }
    return readers[column.form]()


def ndc(text: Cell) -> Cell:
    """Eleven digits; a hyphenated code gets its missing zero; ten bare digits are ambiguous, so null.

    Twelve digits (6-4-2) that begin with a nought are the eleven after it; others stay as they are.
    """
    digits = F.regexp_replace(text, "-", "")
    answer = F.when(text.rlike("^[0-9]{11}$"), text)
    answer = answer.when(text.rlike("^([0-9]{12}|[0-9]{6}-[0-9]{4}-[0-9]{2})$"), F.regexp_replace(digits, "^0", ""))
    for form, place in NDC_FORMS:
        filled = F.concat(F.substring(digits, 1, place), F.lit("0"), F.substring(digits, place + 1, 11))
        answer = answer.when(text.rlike(form), F.when(F.length(digits) == 11, digits).otherwise(filled))
    return answer


def choice(low: Cell, choices: dict[str, str]) -> Cell:
    """The accepted word that a text in lower case means; null for any other."""
    answer = F.lit(None).cast("string")
    for word in dict.fromkeys(choices.values()):
        spellings = [spelling for spelling, meant in choices.items() if meant == word]
        answer = F.when(low.isin(spellings), F.lit(word)).otherwise(answer)
    return answer


def _code(upper: Cell, width: int) -> Cell:
    short = upper.rlike(f"^[0-9]{{1,{width - 1}}}$") if width > 1 else F.lit(False)
    return F.when(short, F.lpad(upper, width, "0")).otherwise(upper)
