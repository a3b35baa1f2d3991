"""``claimtwin doctor``: what a study needs of this machine, checked one by one, each with its remedy."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

from claimtwin.app import jars
from claimtwin.app.session import get_session
from claimtwin.errors import ClaimtwinError


@dataclass(frozen=True)
class Check:
    """One check: ``pass``, ``note`` (runs, but worth knowing) or ``fail``; what was found; what to do if not passed."""

    name: str
    outcome: Literal["pass", "note", "fail"]
    found: str
    remedy: str = ""

    @property
    def failed(self) -> bool:
        """Whether a study cannot run because of this."""
        return self.outcome == "fail"


def examine(*, with_session: bool) -> list[Check]:
    """Do all checks; those of a running session only when asked, and only when the others leave hope."""
    from claimtwin.app.doctor_machine import MACHINE
    from claimtwin.app.doctor_session import check_session, will_be_set

    checks = [safely(check) for check in MACHINE]
    if not with_session:
        return [*checks, *will_be_set()]
    if any(check.failed for check in checks):
        return [*checks, Check("Session", "note", "not started: a check above failed", "mend that first")]
    return [*checks, *check_session()]


def safely(check: Callable[[], Check]) -> Check:
    """Do a check; an error of ours becomes a failed check with the error's own remedy."""
    try:
        return check()
    except ClaimtwinError as error:
        name = check.__name__.removeprefix("check_").replace("_", " ").capitalize()
        return Check(name, "fail", " ".join(part for part in (error.what, error.where) if part), error.remedy)


def fetch_jars(say: Callable[[str], None]) -> None:
    """Fetch the Delta JARs by starting Spark once, unless they are here.

    Raises:
        SparkFailure: They cannot be had.
    """
    found = jars.which_jars()
    if found.how == "fetch":
        say(f"Fetching {len(jars.FILES)} Delta JARs from Maven Central (once; about half a minute)")
        get_session().stop()
        found = jars.which_jars()
    say(f"Delta JARs: {found}")


def print_table(checks: Sequence[Check]) -> None:
    """Print the checks for people."""
    table = Table(show_edge=False, pad_edge=False)
    for title, least in (("", 4), ("check", 12), ("found", 20), ("what to do", 0)):
        table.add_column(title, overflow="fold", min_width=least or None)
    style = {"pass": "green", "note": "yellow", "fail": "bold red"}
    for check in checks:
        mark = f"[{style[check.outcome]}]{check.outcome}[/]"
        table.add_row(mark, check.name, check.found, "" if check.outcome == "pass" else check.remedy)
    Console(highlight=False).print(table)


def print_json(checks: Sequence[Check]) -> None:
    """Print the checks for programs: ``{"ok": ..., "checks": [...]}``."""
    print(json.dumps({"ok": not any(c.failed for c in checks), "checks": [asdict(c) for c in checks]}, indent=2))
