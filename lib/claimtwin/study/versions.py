"""What code ran: the package's version, a hash of its source, and the libraries beneath it."""

import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from claimtwin import __version__

LIBRARIES = ("pyspark", "delta-spark", "numpy", "scipy", "pandas", "pyarrow", "statsmodels", "pydantic", "matplotlib")
SOURCE = (".py", ".csv", ".j2")


@cache
def code_fingerprint() -> str:
    """Sha256 of every source file of the package: the same for a checkout, a wheel and a zip of the same code."""
    total = hashlib.sha256()
    for name, file in sorted(_files(resources.files("claimtwin"), "")):
        total.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def code_version() -> str:
    """Version and the first digits of the source's hash."""
    return f"{__version__}+{code_fingerprint()[:12]}"


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can move a number."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{path}/{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__" and name != "/conf":
            yield from _files(entry, name)
        elif entry.name.endswith(SOURCE):
            yield name, entry
