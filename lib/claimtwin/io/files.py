"""Results on disk: text in UTF-8, the same results give the same bytes."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from claimtwin.errors import ConfigError

DIGITS = 10
"""Significant digits of a number in ``results.json``: beyond them lies only the rounding of the processor."""


def to_json(value: Mapping[str, Any]) -> str:
    """Canonical JSON: keys sorted, numbers to ten significant digits, a newline at the end."""
    return json.dumps(_rounded(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def hash_of(text: str) -> str:
    """Sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def remove_others(folder: Path, pattern: str, keep: Collection[str]) -> None:
    """Remove the files of a folder that match, but for those to keep; a folder that is not there is no fault."""
    for path in folder.glob(pattern):
        if path.name not in keep:
            path.unlink()


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write every file whole or not at all; files of an earlier run under other names stay.

    Raises:
        ConfigError: The folder cannot be written to.
    """
    try:
        for name, content in files.items():
            _write(folder / name, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise ConfigError(
            f"The results cannot be written ({error.strerror}).",
            where=f"env: output: {folder}",
            remedy="name a folder in `output` that you may write to",
        ) from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
