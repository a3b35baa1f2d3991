"""The house rules as functions of a module's text: each returns the faults it sees, none when the text keeps it."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = (
    ("jobs", "notebooks"),
    ("app",),
    ("study",),
    ("io", "synth", "report"),
    ("spark",),
    ("schema", "codes"),
    ("kernel", "stats"),
    ("config",),
    ("errors",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FLOOR_OF["__main__"] = FLOOR_OF["__init__"] = FLOOR_OF["jobs"]  # The package's own doors, which nothing imports.
SPARK_ROOMS = {"schema", "spark", "io", "synth", "study", "app", "jobs", "notebooks"}
KERNEL_MAY = {"numpy", "claimtwin"}

COLLECTS = {"collect", "toPandas", "toArrow", "toLocalIterator", "foreach", "foreachPartition", "pandas_api"}
NEVER_CALLED = {
    "sql": "SQL text",
    "expr": "SQL text",
    "selectExpr": "SQL text",
    "udf": "a function called row by row",
    "pandas_udf": "a function called row by row",
    "monotonically_increasing_id": "an id that depends on the partitioning",
    "rand": "unseeded randomness",
    "randn": "unseeded randomness",
    "uuid": "unseeded randomness",
    "uuid4": "unseeded randomness",
    "shuffle": "unseeded randomness",
    "eval": "running text as code",
    "exec": "running text as code",
    "hash": "Python's hash differs from process to process",
}
NEVER_READ = {"rdd", "sparkContext", "_jdf", "_jvm", "_jsparkSession", "_sc"}
NEVER_IMPORTED = {"pickle", "cloudpickle", "joblib", "random", "uuid"}


def code_files() -> list[Path]:
    """Every Python file of the library, jobs and notebooks, sorted."""
    return sorted(p for folder in ("lib/claimtwin", "jobs", "notebooks") for p in (ROOT / folder).rglob("*.py"))


def faults_of(rule: Callable[[str, str], list[str]]) -> list[str]:
    """Faults of all code files against one rule of (room, text), each with its file."""
    return [
        f"{path.relative_to(ROOT)} {fault}" for path in code_files() for fault in rule(room_of(path), path.read_text())
    ]


def room_of(path: Path) -> str:
    """Room of a file: ``lib/claimtwin/io/tables.py`` is in ``io``, ``jobs/run_pack.py`` in ``jobs``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] != "lib" else parts[2]


def imported(text: str) -> Iterator[tuple[int, str]]:
    """Line and full name of every module imported anywhere in the text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from ((node.lineno, f"{base}.{alias.name}" if base else alias.name) for alias in node.names)


def upward_imports(room: str, text: str) -> list[str]:
    """Imports of a room on a higher floor, or of another room on the same floor."""
    faults = []
    for line, name in imported(text):
        parts = name.split(".")
        target = parts[1] if parts[0] == "claimtwin" and len(parts) > 1 else parts[0]
        if target == room or target not in FLOOR_OF or (parts[0] != "claimtwin" and target not in FLOORS[0]):
            continue
        if FLOOR_OF[target] <= FLOOR_OF.get(room, len(FLOORS)):
            faults.append(f"line {line}: {room} may not import {target}, which is not on a floor below")
    return faults


def strange_imports(room: str, text: str) -> list[str]:
    """pyspark and delta where they may not be, anything but numpy in the kernel, and what nobody may import."""
    faults = []
    for line, name in imported(text):
        top = name.split(".")[0]
        if top in ("pyspark", "delta", "py4j") and room not in SPARK_ROOMS:
            faults.append(f"line {line}: {top} in {room}")
        if room == "kernel" and top not in KERNEL_MAY and not _standard(top):
            faults.append(f"line {line}: {top} in the kernel, which is numpy only")
        if top in NEVER_IMPORTED:
            faults.append(f"line {line}: {top} is imported nowhere")
    return faults


def _standard(name: str) -> bool:
    return name in sys.stdlib_module_names


def forbidden_calls(room: str, text: str) -> list[str]:
    """Calls and attributes that break the one door, Connect, determinism, or safety."""
    faults = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in NEVER_READ:
            faults.append(f"line {node.lineno}: .{node.attr} is not there under Spark Connect")
        if isinstance(node, ast.Call):
            faults += [f"line {node.lineno}: {fault}" for fault in _call_faults(room, node)]
    return faults


def _call_faults(room: str, call: ast.Call) -> Iterator[str]:
    name = called(call)
    if name in COLLECTS and room != "io":
        yield f"{name}() outside io, the one door"
    if name in NEVER_CALLED and not _seeded(call):
        yield f"{name}(): {NEVER_CALLED[name]}"
    if name == "load" and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "yaml":
        yield "yaml.load can run code; use safe_load"
    if any(keyword.arg == "shell" for keyword in call.keywords):
        yield "a shell is started"


def called(call: ast.Call) -> str:
    """Last name of what is called: ``F.expr(...)`` is ``expr``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _seeded(call: ast.Call) -> bool:
    """numpy's generators are made from a seed; their ``shuffle`` is not Spark's."""
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("rng", "generator")


def functions(text: str) -> list[ast.FunctionDef]:
    """Every function of the text, methods and inner ones too."""
    return [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    return lines - ((first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0)


def undocumented(text: str) -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    tree = ast.parse(text)
    faults = [] if ast.get_docstring(tree) or not tree.body else ["the module"]
    return faults + list(_undocumented_in(tree.body))


def _undocumented_in(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield f"line {node.lineno}: {node.name}"
            if isinstance(node, ast.ClassDef):
                yield from _undocumented_in(node.body)


def words_of_the_workshop(text: str) -> list[str]:
    """Words that belong to the making of a program and not to the program."""
    return [f"line {n}: {m.group(0)}" for n, line in enumerate(text.splitlines(), 1) for m in WORKSHOP.finditer(line)]


# Written in pieces, so that this file does not break its own rule.
WORKSHOP = re.compile(
    "|".join(
        (
            r"\bTO" r"DO\b",
            r"\bFIX" r"ME\b",
            r"\bX" r"XX\b",
            r"/wo" r"rk/",
            r"/tmp/bu" r"ild",
            r"/ro" r"ot/",
            r"/home/\w+/",
            r"shared/de" r"sign",
            r"\bLL" r"M\b",
            r"\bsub-?ag" r"ent",
            r"\bAI[- ]gen" r"erated",
            r"\bsession" r" \d",
            r"\bissues?" r" \d",
            r"\bas an " r"AI\b",
        )
    )
)
