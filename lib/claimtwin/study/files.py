"""The files that a study names beside its tables: read, and checked before Spark starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from claimtwin.config.deployment import Env
from claimtwin.config.load import config_error
from claimtwin.config.protocol import Protocol
from claimtwin.errors import ConfigError
from claimtwin.study.codebook import read_code_book
from claimtwin.study.histories import plan_histories


def check_files(protocol: Protocol, env: Env) -> None:
    """Read every code list and the planted truth, only to see that they can be read.

    Raises:
        ConfigError: What is wrong with them, all at once.
    """
    checks: list[Callable[[], object]] = [lambda: read_code_book(protocol, env), lambda: read_truth(env.truth)]
    if protocol.histories is not None:
        checks.append(lambda: plan_histories(protocol, env))
    faults = [fault for fault in map(_fault_of, checks) if fault is not None]
    if len(faults) > 1:
        raise config_error([str(fault).replace("\n", "\n    ") for fault in faults])
    if faults:
        raise faults[0]


def read_truth(path: str | None) -> dict[str, Any] | None:
    """The planted truth of synthetic claims; null for real claims.

    Raises:
        ConfigError: The file is missing or holds no truth.
    """
    if path is None:
        return None
    try:
        truth: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        return {**{key: value for key, value in truth.items() if key != "dirt"}, "odds_ratio": truth["odds_ratio"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The planted truth cannot be read.", f"env: truth: {path}", remedy="name the truth.json of the claims"
        ) from error


def _fault_of(check: Callable[[], object]) -> ConfigError | None:
    try:
        check()
    except ConfigError as fault:
        return fault
    return None
