"""Where every error ends: one screen on standard error, an exit code, and never a value of the data.

Messages of Spark and of Python may hold values, so only kinds, conditions and places in our code are shown.
"""

import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from claimtwin import errors
from claimtwin.app.debug import debugging
from claimtwin.errors import ClaimtwinError, ConfigError, SparkFailure

OUR_FAULT = 1
STOPPED = 130
LOG = "claimtwin-debug.log"
DEBUG_HINT = f"CLAIMTWIN_DEBUG=1 before the command writes the whole story to {LOG} (which may hold data)"


def run_guarded(work: Callable[[], object]) -> int:
    """Do the work and return its exit code; an error is shown on one screen and never raised."""
    try:
        work()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STOPPED
    except Exception as error:
        return _end(error)
    return 0


def as_shown(error: Exception) -> ClaimtwinError | None:
    """The error a user is shown for any error; None for a fault of ours."""
    if isinstance(error, ClaimtwinError):
        return error
    if isinstance(error, OSError):
        return _from_files(error)
    return _from_spark(error) if type(error).__module__.partition(".")[0] in ("pyspark", "py4j") else None


def _end(error: Exception) -> int:
    shown = as_shown(error)
    print(shown if shown else _our_fault(error), file=sys.stderr)
    if debugging():
        Path(LOG).write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        print(f"The whole story is in {LOG}. It may hold data: do not send it to anybody.", file=sys.stderr)
    return shown.exit_code if shown else OUR_FAULT


def _our_fault(error: Exception) -> ClaimtwinError:
    return ClaimtwinError(
        f"This is a fault in Claimtwin: {type(error).__name__}",
        where=_place(error.__traceback__),
        remedy=f"report it with this screen. {DEBUG_HINT}",
    )


def _place(trace: TracebackType | None) -> str:
    frames = [f for f, _ in traceback.walk_tb(trace) if f.f_globals.get("__name__", "").startswith("claimtwin")]
    numbers = [n for f, n in traceback.walk_tb(trace) if f in frames]
    return f"{frames[-1].f_globals['__name__']}:{numbers[-1]}" if frames else "outside Claimtwin's own modules"


def _from_files(error: OSError) -> ConfigError:
    return ConfigError(
        f"The file system refused: {error.strerror or type(error).__name__}",
        where=str(error.filename or ""),
        remedy="check that the folder exists, may be written to and has space left (`tables`, `output` in env.yaml)",
    )


def _from_spark(error: Exception) -> ClaimtwinError:
    own = _from_worker(str(error))
    if own:
        return own
    kind = ", ".join(part for part in (type(error).__name__, condition_of(error)) if part)
    return SparkFailure(
        f"Spark could not do what was asked: {kind}",
        where=_place(error.__traceback__),
        remedy=f"run `claimtwin doctor`. {DEBUG_HINT}",
    )


def condition_of(error: Exception) -> str:
    """Spark's name of a failure, which holds no value; empty when there is none.

    A message has it in brackets at its start; further on, brackets could hold anything.
    """
    told = getattr(error, "getCondition", lambda: None)()
    found = re.match(r"(?:An error occurred while calling \S+\n: [\w.$]+: )?\[([A-Z][A-Z0-9_.]*)\]", str(error))
    return told or (found.group(1) if found else "")


def _from_worker(text: str) -> ClaimtwinError | None:
    """One of our own errors, raised in a Spark worker and handed back as the text of its traceback."""
    found = re.search(r"claimtwin\.errors\.(\w+): (.+)((?:\n(?:where: |rule:  |do:    ).*)*)", text)
    kind = getattr(errors, found.group(1), None) if found else None
    if not found or not isinstance(kind, type) or not issubclass(kind, ClaimtwinError):
        return None
    lines = {line[:7].strip(" :"): line[7:] for line in found.group(3).splitlines() if line}
    return kind(found.group(2), lines.get("where", ""), lines.get("rule", ""), lines.get("do", ""))
