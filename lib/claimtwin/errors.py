"""Every error that Claimtwin raises on purpose, and the exit code that it ends a command with.

A message has four parts: what is wrong, where, which rule says so, and what to do. None of them may
hold a person's id, a date or any value read from the data: counts, names of tables, columns and keys only.
"""

from dataclasses import dataclass


@dataclass
class ClaimtwinError(Exception):
    """Base of all errors shown to users without a traceback.

    Attributes:
        what: What is wrong, in one sentence.
        where: Table, column, file or configuration key.
        rule: The rule that was broken.
        remedy: What to do next, with the command if there is one.
    """

    what: str
    where: str = ""
    rule: str = ""
    remedy: str = ""

    exit_code = 1

    def __str__(self) -> str:
        """Return the four parts on a line each, leaving out what is empty."""
        parts = (("", self.what), ("where: ", self.where), ("rule:  ", self.rule), ("do:    ", self.remedy))
        return "\n".join(label + text for label, text in parts if text)

    def __reduce__(self) -> tuple[type, tuple[str, str, str, str]]:
        """Keep all four parts when a Spark worker hands the error back to the driver."""
        return type(self), (self.what, self.where, self.rule, self.remedy)


class ConfigError(ClaimtwinError):
    """A study or environment file that cannot be run; found before Spark starts."""

    exit_code = 2


class InputError(ClaimtwinError):
    """Data that does not keep its contract."""

    exit_code = 3


class GuardError(ClaimtwinError):
    """A check on our own work that failed: an invariant of the match, a model that cannot be fitted, the door."""

    exit_code = 4


class SparkFailure(ClaimtwinError):
    """Spark, Java or Delta could not do what was asked."""

    exit_code = 5
