"""Which Java there is, and what to type when it is missing or too old."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from claimtwin.errors import SparkFailure

NEEDED = 17
REMEDY = (
    "install Java 17. Debian or Ubuntu: `sudo apt-get install -y openjdk-17-jre-headless`; "
    "macOS: `brew install openjdk@17`; then set JAVA_HOME if several are installed"
)


def java_command() -> str | None:
    """Path of the Java that Spark will start (JAVA_HOME first, then PATH); None when there is none."""
    home = os.environ.get("JAVA_HOME")
    if home:
        inside = Path(home) / "bin" / "java"
        return str(inside) if inside.is_file() else None
    return shutil.which("java")


def java_version(command: str) -> int | None:
    """Major version that a Java reports of itself; None when it does not start."""
    try:
        done = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return read_version(done.stderr + done.stdout)


def read_version(text: str) -> int | None:
    """Major version in the text of ``java -version``; the old form ``1.8`` is 8. None when it holds none."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def require_java() -> int:
    """Major version of a Java that Spark can use.

    Raises:
        SparkFailure: There is none, or it is too old.
    """
    command = java_command()
    if command is None:
        home = os.environ.get("JAVA_HOME")
        place = "JAVA_HOME is set, but holds no bin/java" if home else "no `java` on PATH, and JAVA_HOME is not set"
        raise SparkFailure("Java was not found.", where=place, rule=f"Spark needs Java {NEEDED}", remedy=REMEDY)
    version = java_version(command)
    if version is None or version < NEEDED:
        told = f"it is Java {version}" if version else "it does not start, or does not tell its version"
        raise SparkFailure(
            "The Java found cannot run Spark.",
            where=f"{command}: {told}",
            rule=f"Spark needs Java {NEEDED} or newer",
            remedy=REMEDY,
        )
    return version
